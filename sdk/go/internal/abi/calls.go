package abi

import "strings"

// A function of this file makes one call of the host: it lowers the arguments,
// has call do it, and lifts the result. They know the layouts of wit/README.md,
// and neither where the memory is nor who the host is.

func envelope(m memory, call func(ret uint32)) Session {
	a := newArea(m, 72)
	call(a.address)
	from, hasFrom := a.optional(24)
	return Session{
		DeliveryID: a.str(0), Tenant: a.str(8), Alias: a.str(16), MailFrom: from, HasMailFrom: hasFrom,
		RcptTo: a.str(36), Helo: a.str(44), RemoteIP: a.str(52), TLS: a.u8(60) != 0, ReceivedAt: a.u64(64),
	}
}

func headers(m memory, call func(ret uint32)) []Field {
	a := newArea(m, 8)
	call(a.address)
	return list(a, 16, func(e area) Field { return Field{Name: e.str(0), Value: e.str(8)} })
}

func header(m memory, call func(name, n, ret uint32), name string) []string {
	p, n := m.lend(name)
	a := newArea(m, 8)
	call(p, n, a.address)
	return list(a, 8, func(e area) string { return e.str(0) })
}

// body is both body.text and body.html.
func body(m memory, call func(ret uint32)) (Content, bool) {
	a := newArea(m, 16)
	call(a.address)
	if a.u8(0) == 0 {
		return Content{}, false
	}
	return Content{Text: a.str(4), Truncated: a.u8(12) != 0}, true
}

func attachments(m memory, call func(ret uint32)) []Part {
	a := newArea(m, 8)
	call(a.address)
	return list(a, 56, func(e area) Part {
		p := Part{ContentType: e.str(12), Size: e.u64(24), Inline: e.u8(44) != 0, SHA256: e.str(48)}
		p.Filename, p.HasFilename = e.optional(0)
		p.ContentID, p.HasContentID = e.optional(32)
		return p
	})
}

func readAttachment(m memory, call func(index uint32, offset uint64, length, ret uint32), index uint32, offset uint64, length uint32) ([]byte, string) {
	a := newArea(m, 12)
	call(index, offset, length, a.address)
	return liftSlice(a)
}

func readRaw(m memory, call func(offset uint64, length, ret uint32), offset uint64, length uint32) ([]byte, string) {
	a := newArea(m, 12)
	call(offset, length, a.address)
	return liftSlice(a)
}

// liftSlice reads a result<list<u8>, string>.
func liftSlice(a area) ([]byte, string) {
	if a.u8(0) != 0 {
		return nil, a.str(4)
	}
	return append([]byte(nil), a.memory.octets(a.u32(4), uint64(a.u32(8)))...), ""
}

func scans(m memory, call func(ret uint32)) []Report {
	a := newArea(m, 8)
	call(a.address)
	return list(a, 24, func(e area) Report {
		return Report{Engine: e.str(0), HasPart: e.u8(8) != 0, Part: e.u32(12), Answer: e.str(16)}
	})
}

func payloadGet(m memory, call func(pointer, n, ret uint32), pointer string) (value string, found bool, e EditError) {
	p, n := m.lend(pointer)
	a := newArea(m, 16)
	call(p, n, a.address)
	if a.u8(0) != 0 {
		return "", false, liftEditError(a)
	}
	value, found = a.optional(4)
	return value, found, EditError{}
}

func payloadSet(m memory, call func(pointer, n, value, valueN, ret uint32), pointer, value string) EditError {
	p, n := m.lend(pointer)
	v, valueN := m.lend(value)
	a := newArea(m, 16)
	call(p, n, v, valueN, a.address)
	return liftEdited(a)
}

func payloadRemove(m memory, call func(pointer, n, ret uint32), pointer string) EditError {
	p, n := m.lend(pointer)
	a := newArea(m, 16)
	call(p, n, a.address)
	return liftEdited(a)
}

// liftEdited reads a result<_, edit-error>.
func liftEdited(a area) EditError {
	if a.u8(0) == 0 {
		return EditError{}
	}
	return liftEditError(a)
}

// liftEditError reads the edit-error at 4. An error that is not known is a bad
// value, and never no error.
func liftEditError(a area) EditError {
	switch a.u8(4) {
	case 0:
		return EditError{Case: EditForbidden}
	case 1:
		return EditError{Case: EditBadPointer}
	default:
		return EditError{Case: EditBadValue, Text: a.str(8)}
	}
}

// dispose is both disposition.drop and disposition.quarantine.
func dispose(m memory, call func(reason, n uint32), reason string) { call(m.lend(readable(reason))) }

// readable makes of a text for people one that the host takes, which ends a run for what
// is not UTF-8. Such texts quote mails, and whoever wrote the mail is not to decide.
func readable(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// maxFields is how many fields of a line of the log the host takes.
const maxFields = 32

func logWrite(m memory, call func(level, message, n, fields, fieldsN uint32), level uint32, message string, fields []Field) {
	p, n := m.lend(readable(message))
	fields = fields[:min(len(fields), maxFields)]
	a := newArea(m, uint32(len(fields))*16)
	for i, f := range fields {
		a.lend(uint32(i)*16, readable(f.Name))
		a.lend(uint32(i)*16+8, readable(f.Value))
	}
	call(level, p, n, a.address, uint32(len(fields)))
}

// lowerResult lowers a result<_, string>, and returns its address.
func lowerResult(m memory, err error) uint32 {
	a := newArea(m, 12)
	if err != nil {
		a.b[0] = 1
		a.lend(4, readable(err.Error()))
	}
	return a.address
}

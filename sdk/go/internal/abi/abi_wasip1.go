//go:build wasip1

package abi

import "unsafe"

//go:wasmexport postern:plugin/transformer@0.1.0#configure
func exportConfigure(p, n uint32) uint32 {
	options := text(p, n)
	release()
	return result(handler.Configure(options))
}

//go:wasmexport cabi_post_postern:plugin/transformer@0.1.0#configure
func postConfigure(uint32) { release() }

//go:wasmexport postern:plugin/transformer@0.1.0#transform
func exportTransform() uint32 { return result(handler.Transform(nil)) }

//go:wasmexport cabi_post_postern:plugin/transformer@0.1.0#transform
func postTransform(uint32) { release() }

// result lowers a result<_, string>.
func result(err error) uint32 {
	b, p := allocate(12)
	if err != nil {
		b[0] = 1
		lendAt(b, 4, err.Error())
	}
	return p
}

//go:wasmimport postern:plugin/envelope@0.1.0 get
func envelopeGet(ret unsafe.Pointer)

// Envelope calls envelope.get.
func Envelope(*Fixture) Session {
	a := newArea(72)
	envelopeGet(a.at())
	from, hasFrom := a.optional(24)
	return Session{
		DeliveryID: a.str(0), Tenant: a.str(8), Alias: a.str(16), MailFrom: from, HasMailFrom: hasFrom,
		RcptTo: a.str(36), Helo: a.str(44), RemoteIP: a.str(52), TLS: a.u8(60) != 0, ReceivedAt: a.u64(64),
	}
}

//go:wasmimport postern:plugin/headers@0.1.0 all
func headersAll(ret unsafe.Pointer)

// Headers calls headers.all.
func Headers(*Fixture) []Field {
	a := newArea(8)
	headersAll(a.at())
	elements := a.elements(0, 16)
	list := make([]Field, len(elements))
	for i, e := range elements {
		list[i] = Field{Name: e.str(0), Value: e.str(8)}
	}
	return list
}

//go:wasmimport postern:plugin/headers@0.1.0 get
func headersGet(name unsafe.Pointer, n uint32, ret unsafe.Pointer)

// Header calls headers.get.
func Header(_ *Fixture, name string) []string {
	p, n := lend(name)
	a := newArea(8)
	headersGet(p, n, a.at())
	elements := a.elements(0, 8)
	list := make([]string, len(elements))
	for i, e := range elements {
		list[i] = e.str(0)
	}
	return list
}

//go:wasmimport postern:plugin/body@0.1.0 text
func bodyText(ret unsafe.Pointer)

// Text calls body.text.
func Text(*Fixture) (Content, bool) {
	a := newArea(16)
	bodyText(a.at())
	return content(a)
}

//go:wasmimport postern:plugin/body@0.1.0 html
func bodyHTML(ret unsafe.Pointer)

// HTML calls body.html.
func HTML(*Fixture) (Content, bool) {
	a := newArea(16)
	bodyHTML(a.at())
	return content(a)
}

// content reads an option<content>.
func content(a area) (Content, bool) {
	if a.u8(0) == 0 {
		return Content{}, false
	}
	return Content{Text: a.str(4), Truncated: a.u8(12) != 0}, true
}

//go:wasmimport postern:plugin/attachments@0.1.0 all
func attachmentsAll(ret unsafe.Pointer)

// Attachments calls attachments.all.
func Attachments(*Fixture) []Part {
	a := newArea(8)
	attachmentsAll(a.at())
	elements := a.elements(0, 56)
	list := make([]Part, len(elements))
	for i, e := range elements {
		p := Part{ContentType: e.str(12), Size: e.u64(24), Inline: e.u8(44) != 0, SHA256: e.str(48)}
		p.Filename, p.HasFilename = e.optional(0)
		p.ContentID, p.HasContentID = e.optional(32)
		list[i] = p
	}
	return list
}

//go:wasmimport postern:plugin/attachments@0.1.0 read
func attachmentsRead(index uint32, offset uint64, length uint32, ret unsafe.Pointer)

// ReadAttachment calls attachments.read. An error is the host's text.
func ReadAttachment(_ *Fixture, index uint32, offset uint64, length uint32) ([]byte, string) {
	a := newArea(12)
	attachmentsRead(index, offset, length, a.at())
	return slice(a)
}

//go:wasmimport postern:plugin/raw@0.1.0 size
func rawSize() uint64

// RawSize calls raw.size.
func RawSize(*Fixture) uint64 { return rawSize() }

//go:wasmimport postern:plugin/raw@0.1.0 read
func rawRead(offset uint64, length uint32, ret unsafe.Pointer)

// ReadRaw calls raw.read. An error is the host's text.
func ReadRaw(_ *Fixture, offset uint64, length uint32) ([]byte, string) {
	a := newArea(12)
	rawRead(offset, length, a.at())
	return slice(a)
}

// slice reads a result<list<u8>, string>.
func slice(a area) ([]byte, string) {
	if a.u8(0) != 0 {
		return nil, a.str(4)
	}
	return append([]byte(nil), octets(a.u32(4), a.u32(8))...), ""
}

//go:wasmimport postern:plugin/scans@0.1.0 all
func scansAll(ret unsafe.Pointer)

// Scans calls scans.all.
func Scans(*Fixture) []Report {
	a := newArea(8)
	scansAll(a.at())
	elements := a.elements(0, 24)
	list := make([]Report, len(elements))
	for i, e := range elements {
		list[i] = Report{Engine: e.str(0), HasPart: e.u8(8) != 0, Part: e.u32(12), Answer: e.str(16)}
	}
	return list
}

//go:wasmimport postern:plugin/payload@0.1.0 get
func payloadGet(pointer unsafe.Pointer, n uint32, ret unsafe.Pointer)

// PayloadGet calls payload.get.
func PayloadGet(_ *Fixture, pointer string) (value string, found bool, e EditError) {
	p, n := lend(pointer)
	a := newArea(16)
	payloadGet(p, n, a.at())
	if a.u8(0) != 0 {
		return "", false, editError(a)
	}
	value, found = a.optional(4)
	return value, found, EditError{}
}

//go:wasmimport postern:plugin/payload@0.1.0 set
func payloadSet(pointer unsafe.Pointer, n uint32, value unsafe.Pointer, m uint32, ret unsafe.Pointer)

// PayloadSet calls payload.set.
func PayloadSet(_ *Fixture, pointer, value string) EditError {
	p, n := lend(pointer)
	v, m := lend(value)
	a := newArea(16)
	payloadSet(p, n, v, m, a.at())
	return editResult(a)
}

//go:wasmimport postern:plugin/payload@0.1.0 remove
func payloadRemove(pointer unsafe.Pointer, n uint32, ret unsafe.Pointer)

// PayloadRemove calls payload.remove.
func PayloadRemove(_ *Fixture, pointer string) EditError {
	p, n := lend(pointer)
	a := newArea(16)
	payloadRemove(p, n, a.at())
	return editResult(a)
}

// editResult reads a result<_, edit-error>.
func editResult(a area) EditError {
	if a.u8(0) == 0 {
		return EditError{}
	}
	return editError(a)
}

// editError reads the edit-error at 4.
func editError(a area) EditError {
	e := EditError{Case: EditCase(a.u8(4)) + EditForbidden}
	if e.Case == EditBadValue {
		e.Text = a.str(8)
	}
	return e
}

//go:wasmimport postern:plugin/disposition@0.1.0 drop
func dispositionDrop(reason unsafe.Pointer, n uint32)

// Drop calls disposition.drop.
func Drop(_ *Fixture, reason string) { dispositionDrop(lend(reason)) }

//go:wasmimport postern:plugin/disposition@0.1.0 quarantine
func dispositionQuarantine(reason unsafe.Pointer, n uint32)

// Quarantine calls disposition.quarantine.
func Quarantine(_ *Fixture, reason string) { dispositionQuarantine(lend(reason)) }

//go:wasmimport postern:plugin/log@0.1.0 write
func logWrite(level uint32, message unsafe.Pointer, n uint32, fields unsafe.Pointer, m uint32)

// Log calls log.write.
func Log(_ *Fixture, level uint32, message string, fields []Field) {
	p, n := lend(message)
	list := newArea(uint32(len(fields)) * 16)
	for i, f := range fields {
		lendAt(list.b, uint32(i)*16, f.Name)
		lendAt(list.b, uint32(i)*16+8, f.Value)
	}
	logWrite(level, p, n, list.at(), uint32(len(fields)))
}

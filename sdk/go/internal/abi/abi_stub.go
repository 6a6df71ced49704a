//go:build !wasip1

package abi

// Envelope stands for envelope.get.
func Envelope(f *Fixture) Session { return f.Session }

// Headers stands for headers.all.
func Headers(f *Fixture) []Field { return append([]Field(nil), f.Fields...) }

// Header stands for headers.get.
func Header(f *Fixture, name string) []string {
	var values []string
	for _, field := range f.Fields {
		if equalFold(field.Name, name) {
			values = append(values, field.Value)
		}
	}
	return values
}

// equalFold compares without regard to the case of ASCII letters.
func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// Text stands for body.text.
func Text(f *Fixture) (Content, bool) { return content(f.Text) }

// HTML stands for body.html.
func HTML(f *Fixture) (Content, bool) { return content(f.HTML) }

func content(c *Content) (Content, bool) {
	if c == nil {
		return Content{}, false
	}
	return *c, true
}

// Attachments stands for attachments.all.
func Attachments(f *Fixture) []Part { return append([]Part(nil), f.Parts...) }

// ReadAttachment stands for attachments.read.
func ReadAttachment(f *Fixture, index uint32, offset uint64, length uint32) ([]byte, string) {
	if uint64(index) >= uint64(len(f.Contents)) {
		return nil, "no such attachment"
	}
	return slice(f.Contents[index], offset, length)
}

// RawSize stands for raw.size.
func RawSize(f *Fixture) uint64 { return uint64(len(f.Raw)) }

// ReadRaw stands for raw.read.
func ReadRaw(f *Fixture, offset uint64, length uint32) ([]byte, string) {
	return slice(f.Raw, offset, length)
}

func slice(b []byte, offset uint64, length uint32) ([]byte, string) {
	if offset > uint64(len(b)) {
		return nil, "offset is past the end"
	}
	end := min(offset+uint64(length), uint64(len(b)))
	return append([]byte(nil), b[offset:end]...), ""
}

// Scans stands for scans.all.
func Scans(f *Fixture) []Report { return append([]Report(nil), f.Reports...) }

// PayloadGet stands for payload.get.
func PayloadGet(f *Fixture, pointer string) (value string, found bool, e EditError) {
	return f.Get(pointer)
}

// PayloadSet stands for payload.set.
func PayloadSet(f *Fixture, pointer, value string) EditError { return f.Set(pointer, value) }

// PayloadRemove stands for payload.remove.
func PayloadRemove(f *Fixture, pointer string) EditError { return f.Remove(pointer) }

// Drop stands for disposition.drop. As in the gateway, the first word counts.
func Drop(f *Fixture, reason string) {
	if f.Quarantined == nil && f.Dropped == nil {
		reason = readable(reason)
		f.Dropped = &reason
	}
}

// Quarantine stands for disposition.quarantine.
func Quarantine(f *Fixture, reason string) {
	if f.Dropped == nil && f.Quarantined == nil {
		reason = readable(reason)
		f.Quarantined = &reason
	}
}

// Log stands for log.write.
func Log(f *Fixture, level uint32, message string, fields []Field) {
	line := Line{Level: level, Message: readable(message)}
	for _, field := range fields[:min(len(fields), maxFields)] {
		line.Fields = append(line.Fields, Field{readable(field.Name), readable(field.Value)})
	}
	f.Logged = append(f.Logged, line)
}

package document

import (
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"strconv"
	"unicode/utf8"
)

// PartWriter writes the decoded octets of one part.
type PartWriter func(w io.Writer, part Part) error

// Encode writes the document as compact JSON, the content of its parts included.
// The same document and parts always give the same bytes. Where write is nil, the
// content of every part is null: an outline for people.
func (d *Document) Encode(w io.Writer, write PartWriter) error {
	return d.Root.encode(&writer{w: w, parts: d.Parts, writePart: write})
}

// EncodedSize is how many octets Encode writes, if it does, in which each part has its
// Size.
func (d *Document) EncodedSize() (int64, error) {
	var size counter
	err := d.Encode(&size, func(_ io.Writer, p Part) error {
		size += counter(base64.StdEncoding.EncodedLen(int(p.Size)))
		return nil
	})
	return int64(size), err
}

// counter counts the octets that are written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// EncodedSize is how many octets Encode writes for the part, but for the name of the
// member.
func (p Part) EncodedSize() int64 {
	switch {
	case p.Inline():
		return int64(len(`""`) + base64.StdEncoding.EncodedLen(int(p.Size)))
	case p.URL != "":
		return int64(len(`null,"`+urlName+`":""`) + encodedLen(p.URL))
	default:
		return int64(len(`null`))
	}
}

// UsedParts lists the parts that the payload refers to, in its order: a plugin may have
// removed attachments.
func (d *Document) UsedParts() []int {
	var parts []int
	d.Root.usedParts(&parts)
	return parts
}

func (v *Value) usedParts(parts *[]int) {
	if v.kind == kindPart {
		*parts = append(*parts, v.part)
	}
	for _, item := range v.items {
		item.usedParts(parts)
	}
	for _, m := range v.members {
		m.Value.usedParts(parts)
	}
}

// writer collects small pieces before they are written.
type writer struct {
	w         io.Writer // nil to collect all of it
	parts     []Part
	writePart PartWriter
	keepParts bool // write PartName members as numbers, for the store
	buf       []byte
	depth     int
}

// flushSize is how much is collected: a few TCP segments.
const flushSize = 16 << 10

func (w *writer) flush() error {
	if w.w == nil {
		return nil
	}
	_, err := w.w.Write(w.buf)
	w.buf = w.buf[:0]
	return err
}

// string writes a JSON string, a long one piece by piece.
func (w *writer) string(s string) error {
	w.buf = append(w.buf, '"')
	for len(s) > flushSize {
		end := flushSize
		for !utf8.RuneStart(s[end]) {
			end-- // strings are valid UTF-8, so it is never far
		}
		w.buf = appendEscaped(w.buf, s[:end])
		s = s[end:]
		if err := w.flush(); err != nil {
			return err
		}
	}
	w.buf = append(appendEscaped(w.buf, s), '"')
	return nil
}

// room is about how many octets a value is written as.
func (v *Value) room() int {
	n := len(v.text) + len(v.text)/16 + len(`"",`)
	for _, item := range v.items {
		n += item.room()
	}
	for _, m := range v.members {
		n += len(m.Name) + len(`"":`) + m.Value.room()
	}
	return n
}

func (v *Value) encode(w *writer) error {
	room := v.room()
	if w.w != nil {
		room = min(room, 2*flushSize) // what is collected, and the string that makes it full
	}
	w.buf = slices.Grow(w.buf, room)
	if err := v.append(w); err != nil {
		return err
	}
	return w.flush()
}

func (v *Value) append(w *writer) error {
	if len(w.buf) >= flushSize {
		if err := w.flush(); err != nil {
			return err
		}
	}
	if v.kind == kindArray || v.kind == kindObject {
		// What Parse would refuse must not be written: a document that the first
		// attempt sends has to be read again by the second.
		if w.depth++; w.depth > MaxDepth {
			return fmt.Errorf("encode document: nested deeper than %d", MaxDepth)
		}
		defer func() { w.depth-- }()
	}
	switch v.kind {
	case kindNull:
		w.buf = append(w.buf, "null"...)
	case kindBool, kindNumber:
		w.buf = append(w.buf, v.text...)
	case kindString:
		return w.string(v.text)
	case kindArray:
		return v.appendArray(w)
	case kindObject:
		return v.appendObject(w)
	case kindPart:
		return fmt.Errorf("encode document: a part stands outside an object")
	}
	return nil
}

func (v *Value) appendArray(w *writer) error {
	w.buf = append(w.buf, '[')
	for i, item := range v.items {
		if i > 0 {
			w.buf = append(w.buf, ',')
		}
		if err := item.append(w); err != nil {
			return err
		}
	}
	w.buf = append(w.buf, ']')
	return nil
}

func (v *Value) appendObject(w *writer) error {
	w.buf = append(w.buf, '{')
	for _, name := range []string{contentName, urlName} {
		if v.Member(name) != nil && v.Member(PartName) != nil {
			return fmt.Errorf("encode document: an object has both %s and %s", PartName, name)
		}
	}
	for i, m := range v.members {
		if i > 0 {
			w.buf = append(w.buf, ',')
		}
		name := m.Name
		if m.Value.kind == kindPart && !w.keepParts {
			name = contentName
		}
		w.buf = append(appendString(w.buf, name), ':')
		var err error
		if m.Value.kind == kindPart {
			err = w.part(m.Value.part)
		} else {
			err = m.Value.append(w)
		}
		if err != nil {
			return err
		}
	}
	w.buf = append(w.buf, '}')
	return nil
}

// part writes the n-th part's content as a base64 string, or what stands for it, or
// its number.
func (w *writer) part(n int) error {
	if w.keepParts {
		w.buf = strconv.AppendInt(w.buf, int64(n), 10)
		return nil
	}
	if n < 0 || n >= len(w.parts) {
		return fmt.Errorf("encode document: part %d of %d", n, len(w.parts))
	}
	if p := w.parts[n]; w.writePart == nil || !p.Inline() {
		w.buf = append(w.buf, "null"...)
		if p.URL != "" {
			w.buf = appendString(append(w.buf, `,"`+urlName+`":`...), p.URL)
		}
		return nil
	}
	w.buf = append(w.buf, '"')
	if err := w.flush(); err != nil {
		return err
	}
	enc := base64.NewEncoder(base64.StdEncoding, w.w)
	if err := w.writePart(enc, w.parts[n]); err != nil {
		return fmt.Errorf("encode part %d: %w", n, err)
	}
	if err := enc.Close(); err != nil {
		return err
	}
	w.buf = append(w.buf, '"')
	return nil
}

// plain is how many octets at the beginning of s a JSON string has as they are, and
// perhaps fewer than that.
func plain(s string) int {
	// Of eight octets at a time: in a word, the highest bit of each octet tells. A borrow
	// comes only out of an octet that is told of itself.
	const ones, high = 0x0101010101010101, 0x8080808080808080
	n := 0
	for ; n+8 <= len(s); n += 8 {
		x := uint64(s[n]) | uint64(s[n+1])<<8 | uint64(s[n+2])<<16 | uint64(s[n+3])<<24 |
			uint64(s[n+4])<<32 | uint64(s[n+5])<<40 | uint64(s[n+6])<<48 | uint64(s[n+7])<<56
		control, del := x-ones*' ', x+ones
		quote, backslash := (x^ones*'"')-ones, (x^ones*'\\')-ones
		if (x|control|del|quote|backslash)&high != 0 {
			return n
		}
	}
	return n
}

// encodedLen is how many octets appendEscaped writes.
func encodedLen(s string) int {
	n := len(s)
	for i := plain(s); i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			i++
			switch {
			case c == '"' || c == '\\' || c == '\n' || c == '\r' || c == '\t':
				n++
				i += plain(s[i:])
			case c < ' ' || c == 0x7f:
				n += 5
			}
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r <= 0x9f || r == '\u2028' || r == '\u2029' {
			n += 6 - size
		}
		i += size
	}
	return n
}

const hexDigits = "0123456789abcdef"

// appendString writes a JSON string.
func appendString(dst []byte, s string) []byte {
	return append(appendEscaped(append(dst, '"'), s), '"')
}

// appendEscaped writes what stands between the quotes of a JSON string. Beyond what
// RFC 8259 demands it escapes DEL and the C1 controls, which terminals obey, and U+2028
// and U+2029, which end a line in JavaScript.
func appendEscaped(dst []byte, s string) []byte {
	start := 0
	for i := plain(s); i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' && c != 0x7f {
				i++
				continue
			}
			dst = append(dst, s[start:i]...)
			switch c {
			case '"', '\\':
				dst = append(dst, '\\', c)
			case '\n':
				dst = append(dst, '\\', 'n')
			case '\r':
				dst = append(dst, '\\', 'r')
			case '\t':
				dst = append(dst, '\\', 't')
			default:
				dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			}
			i++
			start = i
			i += plain(s[i:])
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r <= 0x9f || r == '\u2028' || r == '\u2029' {
			dst = append(dst, s[start:i]...)
			dst = append(dst, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
			start = i + size
		}
		i += size
	}
	return append(dst, s[start:]...)
}

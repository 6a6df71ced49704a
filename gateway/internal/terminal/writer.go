package terminal

import (
	"bytes"
	"io"
	"unicode/utf8"
)

// Writer passes a stream of text on to a terminal: whole, with its lines and tabs, and
// everything else escaped that the terminal could obey. Flush must be called at the end.
type Writer struct {
	w io.Writer
	// rest is the beginning of a character, or a CR, of which the next write decides.
	rest []byte
}

// NewWriter returns a Writer to w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Write implements io.Writer.
func (t *Writer) Write(p []byte) (int, error) {
	text := append(t.rest, p...)
	var out bytes.Buffer
	for len(text) > 0 && utf8.FullRune(text) {
		r, size := utf8.DecodeRune(text)
		if r == '\r' && len(text) == 1 {
			break
		}
		switch {
		case r == '\r' && text[1] == '\n': // the line's end is the LF
		case r == '\n' || r == '\t' || !hostile(r):
			out.Write(text[:size])
		default:
			escape(&out, r)
		}
		text = text[size:]
	}
	t.rest = append([]byte(nil), text...)
	if _, err := t.w.Write(out.Bytes()); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Flush writes what nothing follows any more.
func (t *Writer) Flush() error {
	_, err := io.WriteString(t.w, safe(string(t.rest)))
	t.rest = nil
	return err
}

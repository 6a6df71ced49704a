// Package transfer undoes the content transfer encodings of RFC 2045 section 6,
// streaming and lenient.
//
// Real mail breaks both encodings: mailing lists append plain text to base64,
// gateways cut lines in the middle of an escape. The standard decoders stop at
// the first such octet and lose the rest of the part. These go on, and say
// through Damaged that they met something foreign.
//
// A Reader holds a buffer of fixed size, whatever its input is.
package transfer

import (
	"errors"
	"io"
)

// chunk is how many encoded octets are read at a time. It is also the longest
// piece of a quoted-printable line that is looked at as one.
const chunk = 8 << 10

// Reader gives the decoded octets of one part.
type Reader struct {
	src     io.Reader
	decode  func(dst, src []byte, eof bool) (out []byte, rest int)
	in      [chunk]byte
	kept    int // octets at the start of in that the decoder wants to see again
	out     []byte
	ready   []byte // what of out was not given yet
	err     error
	damaged bool
}

// NewReader decodes r. Encoding is the lower-case name "base64" or
// "quoted-printable"; with every other one the octets pass as they are.
func NewReader(encoding string, r io.Reader) *Reader {
	t := new(Reader)
	t.Reset(encoding, r)
	return t
}

// Reset makes t a new Reader, as NewReader does, that uses the buffers of the old
// one.
func (t *Reader) Reset(encoding string, r io.Reader) {
	t.src, t.decode = r, nil
	t.kept, t.ready, t.err, t.damaged = 0, nil, nil, false
	switch encoding {
	case "base64":
		b := base64Decoder{damaged: &t.damaged}
		t.decode = b.decode
	case "quoted-printable":
		t.decode = func(dst, src []byte, eof bool) ([]byte, int) {
			return decodeQuotedPrintable(dst, src, eof, &t.damaged)
		}
	}
}

// Damaged reports whether anything so far was not of the encoding.
func (t *Reader) Damaged() bool { return t.damaged }

// Read implements io.Reader. Its errors are those of the underlying reader.
func (t *Reader) Read(p []byte) (int, error) {
	if t.decode == nil {
		return t.src.Read(p)
	}
	if len(p) == 0 {
		return 0, nil
	}
	for len(t.ready) == 0 {
		if t.err != nil {
			return 0, t.err
		}
		t.fill()
	}
	n := copy(p, t.ready)
	t.ready = t.ready[n:]
	return n, nil
}

// WriteTo implements [io.WriterTo], which spares io.Copy a buffer of its own.
func (t *Reader) WriteTo(w io.Writer) (n int64, err error) {
	for {
		chunk := t.ready
		t.ready = nil
		switch {
		case len(chunk) > 0:
		case errors.Is(t.err, io.EOF):
			return n, nil
		case t.err != nil:
			return n, t.err
		case t.decode != nil:
			t.fill()
			continue
		default:
			var m int
			m, t.err = t.src.Read(t.in[:])
			chunk = t.in[:m]
		}
		m, err := w.Write(chunk)
		n += int64(m)
		if err != nil {
			return n, err
		}
	}
}

// fill reads and decodes one chunk. On the end of the input it decodes what was
// kept, so that no octet is lost.
func (t *Reader) fill() {
	n, err := t.src.Read(t.in[t.kept:])
	t.err = err
	have := t.in[:t.kept+n]
	var rest int
	t.out, rest = t.decode(t.out[:0], have, errors.Is(err, io.EOF))
	t.kept = copy(t.in[:], have[len(have)-rest:])
	t.ready = t.out
}

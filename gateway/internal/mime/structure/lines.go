package structure

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// lineBuffer is the longest line that is seen in one piece. Longer ones come in
// several, which is right for bodies and headers alike; a delimiter is never
// that long.
const lineBuffer = 32 << 10

// lineReader cuts a mail into lines without ever holding a long one. A line ends
// with LF; a CR before it belongs to the line end, any other CR is data.
type lineReader struct {
	r     *bufio.Reader
	off   int64 // of the next octet
	bol   bool  // the next piece begins a line
	eol   int64 // octets of the end of the line before, 0 to 2
	cr    bool  // the piece before ended with CR
	final bool  // the input has ended
}

// piece is a line with its end, or a part of a long line.
type piece struct {
	b     []byte // valid until the next call of next
	off   int64
	first bool  // begins a line
	whole bool  // is all of a line
	eol   int64 // octets of the line end before the line
}

func newLineReader(r io.Reader, size int64) *lineReader {
	// What a small mail does not fill is not paid for.
	return &lineReader{r: bufio.NewReaderSize(r, int(min(size+1, lineBuffer))), bol: true}
}

// next returns the next piece, or io.EOF.
func (l *lineReader) next() (piece, error) {
	if l.final {
		return piece{}, io.EOF
	}
	b, err := l.r.ReadSlice('\n')
	switch {
	case errors.Is(err, io.EOF):
		l.final = true
		if len(b) == 0 {
			return piece{}, io.EOF
		}
	case err != nil && !errors.Is(err, bufio.ErrBufferFull):
		return piece{}, err
	}
	// bufio's slice is handed on as it is: a copy of every line would double the
	// cost of the pass.
	ended := b[len(b)-1] == '\n'
	p := piece{b: b, off: l.off, first: l.bol, whole: l.bol && (ended || l.final), eol: l.eol}
	l.off += int64(len(b))
	l.bol = ended
	if ended {
		l.eol = 1
		// The buffer may have ended between CR and LF.
		if bytes.HasSuffix(b, []byte("\r\n")) || (len(b) == 1 && l.cr) {
			l.eol = 2
		}
	}
	l.cr = b[len(b)-1] == '\r'
	return p, nil
}

// text returns the piece without the line end.
func (p piece) text() []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(p.b, []byte("\n")), []byte("\r"))
}

// blank reports whether the piece is an empty line.
func (p piece) blank() bool { return p.whole && len(p.text()) == 0 }

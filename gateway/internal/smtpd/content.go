package smtpd

import (
	"bytes"
	"errors"
	"io"
)

// maxHops is how many Received fields a mail may have before it is taken to go
// round in circles (RFC 5321 section 6.3).
const maxHops = 50

// contentReader passes on the octets of a mail and looks for what SMTP does not
// allow in it: bare CR and LF, by which one mail can pass for two further on
// (SMTP smuggling), and a header that shows a loop.
type contentReader struct {
	r         io.Reader
	allowBare bool
	// isCutOff, where it is set, says at the end whether it is the end of the
	// connection only.
	isCutOff    func() bool
	prevCR      bool
	inBody      bool
	line        []byte // the beginning of the current header line
	hops        int
	interrupted error // what r failed with, other than the end
}

// linePrefix is how much of a header line is looked at.
const linePrefix = len("received:")

// Read implements io.Reader.
func (c *contentReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if errors.Is(err, io.EOF) && c.isCutOff != nil && c.isCutOff() {
		err = io.ErrUnexpectedEOF
	}
	if err != nil && !errors.Is(err, io.EOF) {
		c.interrupted = err
		return n, err
	}
	if checkErr := c.check(p[:n], errors.Is(err, io.EOF)); checkErr != nil {
		return 0, checkErr
	}
	return n, err
}

func (c *contentReader) check(p []byte, last bool) error {
	if !c.allowBare {
		if err := c.checkNewlines(p, last); err != nil {
			return err
		}
	}
	if c.inBody {
		return nil
	}
	return c.checkHeader(p)
}

func (c *contentReader) checkNewlines(p []byte, last bool) error {
	rest := p
	if c.prevCR && len(rest) > 0 {
		if rest[0] != '\n' {
			return errBareNewline
		}
		rest = rest[1:]
		c.prevCR = false
	}
	for {
		i := bytes.IndexAny(rest, "\r\n")
		if i < 0 {
			break
		}
		switch {
		case rest[i] == '\n':
			return errBareNewline
		case i+1 == len(rest):
			c.prevCR = true
			rest = nil
		case rest[i+1] != '\n':
			return errBareNewline
		default:
			rest = rest[i+2:]
		}
	}
	if last && c.prevCR {
		return errBareNewline
	}
	return nil
}

// checkHeader counts Received fields until the header ends.
func (c *contentReader) checkHeader(p []byte) error {
	for _, b := range p {
		switch {
		case b == '\n':
			if len(c.line) == 0 {
				c.inBody = true
				return nil
			}
			if len(c.line) == linePrefix && bytes.EqualFold(c.line, []byte("received:")) {
				c.hops++
				if c.hops > maxHops {
					return errLoop
				}
			}
			c.line = c.line[:0]
		case b != '\r' && len(c.line) < linePrefix:
			c.line = append(c.line, b)
		}
	}
	return nil
}

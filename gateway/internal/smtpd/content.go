package smtpd

import (
	"bytes"
	"errors"
	"io"

	"github.com/postern-mail/postern/gateway/internal/mail"
)

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
	hops        *mail.Hops
	interrupted error // what r failed with, other than the end
}

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
	c.hops.Count(p)
	if c.hops.Looping() {
		return errLoop
	}
	return nil
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

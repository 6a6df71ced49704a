package smarthost

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/postern-mail/postern/gateway/internal/mail"
)

const (
	// pieceSize is how much of a mail is in memory at a time.
	pieceSize = 32 << 10
	// maxSigned bounds the header of a mail that is signed: the signer has it in memory.
	maxSigned = 1 << 20
)

// outgoing is a mail as it is sent, apart from the signature.
type outgoing struct {
	mail     Mail
	from, to string
	trace    string // what goes before the mail
	size     int64  // about: bare CR and LF make it longer
	dkim     *DKIM
}

// outgoing makes of a mail what is sent. A mail that goes round in circles is a problem.
func (h *Host) outgoing(m Mail) (*outgoing, error) {
	o := &outgoing{mail: m, from: h.cfg.Sender, to: h.cfg.Recipient, dkim: h.cfg.DKIM}
	if o.from == Original || m.Envelope.ReversePath == "" {
		o.from = m.Envelope.ReversePath // a bounce of a bounce goes nowhere
	}
	if o.to == Original {
		o.to = m.Recipient
	}
	if strings.ContainsAny(o.from, "\r\n<>") || strings.ContainsAny(o.to, "\r\n<>") || o.to == "" {
		return nil, &problem{true, fmt.Sprintf("envelope: a mail cannot be sent from %q to %q", o.from, o.to)}
	}
	hops := mail.NewHops(h.cfg.Hostname)
	if err := pieces(m, func(p []byte) bool { hops.Count(p); return !hops.Ended() && !hops.Looping() }); err != nil {
		return nil, err
	}
	if hops.Looping() {
		return nil, &problem{true, "loop: the mail has passed by here too often (5.4.6)"}
	}
	o.trace = mail.LoopField + ": " + h.cfg.Hostname + "\r\n" + m.TraceField
	o.size = m.Size + int64(len(o.trace))
	return o, nil
}

// content is what is sent, from its beginning.
func (o *outgoing) content() (io.Reader, error) {
	signature := ""
	if o.dkim != nil {
		var err error
		if signature, err = o.dkim.sign(io.MultiReader(strings.NewReader(o.trace), o.mail.reader())); err != nil {
			return nil, err
		}
	}
	return io.MultiReader(strings.NewReader(signature+o.trace), o.mail.reader()), nil
}

// errBody is in the chain of the error where the mail itself could not be read.
var errBody = errors.New("the mail could not be read")

// bodyReader tells errors of the mail from those of the connection.
type bodyReader struct{ io.Reader }

// Read implements io.Reader.
func (b bodyReader) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w: %w", errBody, err)
	}
	return n, err
}

func (m Mail) reader() io.Reader { return bodyReader{io.NewSectionReader(m.Body, 0, m.Size)} }

// pieces calls f with the mail, piece by piece, as long as it wants more.
func pieces(m Mail, f func([]byte) bool) error {
	r := m.reader()
	p := make([]byte, pieceSize)
	for {
		n, err := r.Read(p)
		if n > 0 && !f(p[:n]) {
			return nil
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// eightBit says where a mail has octets above 127.
func eightBit(m Mail) (header, body bool, err error) {
	hops := mail.NewHops("") // it knows where the header ends
	err = pieces(m, func(p []byte) bool {
		for i, b := range p {
			if !hops.Ended() {
				hops.Count(p[i : i+1])
			}
			if b < 0x80 {
				continue
			}
			if body = hops.Ended(); body {
				return false
			}
			header = true
		}
		return true
	})
	return header, body, err
}

// Package smtpclient sends mails by SMTP: to a smarthost, from the command line, and for tests.
//
// Mails are sent as they are, but for their line ends: RFC 5321 section 2.3.8
// allows CRLF alone, so a bare CR or LF becomes one.
//
// A client trusts its connection to bound what the server does: where the server is a
// stranger, that is one of package outbound.
package smtpclient

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/emersion/go-smtp"
)

// Config says how to speak to the server.
type Config struct {
	// Address is host:port; it is for Dial, and for errors.
	Address string
	// HELO is what the client calls itself; empty means localhost.
	HELO string
	// TLS asks for STARTTLS; nil stays as it is.
	TLS *tls.Config
	// Timeout bounds the connection and each command; 0 means 30 s. The last reply of a mail may
	// take FinalTimeout; 0 means twelve minutes.
	Timeout, FinalTimeout time.Duration
	// Before is called before each command, and with true before the end of a mail, whose reply
	// may take FinalTimeout; nil for nothing.
	Before func(end bool)
}

// Client is one SMTP session.
type Client struct {
	smtp   *smtp.Client
	before func(end bool)
}

const defaultTimeout = 30 * time.Second

// Dial connects and greets.
func Dial(ctx context.Context, cfg Config) (*Client, error) {
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	dialer := net.Dialer{Timeout: cfg.Timeout}
	conn, err := dialer.DialContext(ctx, "tcp", cfg.Address)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", cfg.Address, err)
	}
	return Start(conn, cfg)
}

// Start greets on a connection, which is closed where that fails.
func Start(conn net.Conn, cfg Config) (*Client, error) {
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.HELO == "" {
		cfg.HELO = "localhost"
	}
	c := &Client{before: cfg.Before}
	if c.before == nil {
		c.before = func(bool) {}
	}
	c.before(false)
	if cfg.TLS == nil {
		c.smtp = smtp.NewClient(conn)
	} else {
		var err error
		if c.smtp, err = smtp.NewClientStartTLS(conn, cfg.TLS); err != nil {
			return nil, fmt.Errorf("start TLS with %s: %w", cfg.Address, refusal(err))
		}
		c.before(false)
	}
	c.smtp.CommandTimeout = cfg.Timeout
	if cfg.FinalTimeout > 0 {
		c.smtp.SubmissionTimeout = cfg.FinalTimeout
	}
	// Before STARTTLS the library has called itself localhost.
	if err := c.smtp.Hello(cfg.HELO); err != nil {
		_ = c.smtp.Close()
		return nil, fmt.Errorf("greet %s: %w", cfg.Address, refusal(err))
	}
	return c, nil
}

// Offers reports whether the server offers an extension, and with what parameters.
func (c *Client) Offers(extension string) (parameters string, ok bool) {
	ok, parameters = c.smtp.Extension(extension)
	return parameters, ok
}

// Mechanisms are the ways to log in that the server offers.
func (c *Client) Mechanisms() []string {
	list, _ := c.Offers("AUTH")
	return strings.Fields(list)
}

// Mechanism is a way to log in: a client of SASL.
type Mechanism interface {
	Start() (mechanism string, ir []byte, err error)
	Next(challenge []byte) (response []byte, err error)
}

// Login logs in. Where the server refuses, a *Refusal is in the error's chain.
func (c *Client) Login(m Mechanism) error {
	c.before(false)
	return refusal(c.smtp.Auth(m))
}

// Mail is one mail to send.
type Mail struct {
	// From is the reverse-path; empty for the null reverse-path <>.
	From string
	To   []string
	// UTF8 asks for SMTPUTF8, which addresses outside ASCII need.
	UTF8 bool
	// Size is told to servers that want to know it, in octets; 0 for unknown.
	Size int64
	Body io.Reader
}

// Refusal is a reply that refuses (RFC 5321 section 4.2).
type Refusal struct {
	Code int
	// Enhanced is the enhanced status code (RFC 3463), as in "5.1.1".
	Enhanced string
	Text     string
}

// Error implements error.
func (r *Refusal) Error() string {
	return strings.Join(strings.Fields(fmt.Sprintf("%d %s %s", r.Code, r.Enhanced, r.Text)), " ")
}

// refusal makes the library's own type ours.
func refusal(err error) error {
	var e *smtp.SMTPError
	if !errors.As(err, &e) {
		return err
	}
	r := &Refusal{Code: e.Code, Text: e.Message}
	if c := e.EnhancedCode; c[0] > 0 { // the library has 0.0.0 or -1.-1.-1 for none
		r.Enhanced = fmt.Sprintf("%d.%d.%d", c[0], c[1], c[2])
	}
	return r
}

// Send sends one mail and returns the text of the server's last reply. Where the
// server refuses, a *Refusal is in the error's chain, and the session can send
// further mails.
func (c *Client) Send(m Mail) (reply string, err error) {
	c.before(false)
	if err := c.smtp.Mail(m.From, &smtp.MailOptions{UTF8: m.UTF8, Size: m.Size}); err != nil {
		return "", c.abandon(fmt.Errorf("MAIL FROM:<%s>: %w", m.From, refusal(err)))
	}
	for _, to := range m.To {
		c.before(false)
		if err := c.smtp.Rcpt(to, nil); err != nil {
			return "", c.abandon(fmt.Errorf("RCPT TO:<%s>: %w", to, refusal(err)))
		}
	}
	c.before(false)
	data, err := c.smtp.Data()
	if err != nil {
		return "", c.abandon(fmt.Errorf("DATA: %w", refusal(err)))
	}
	if _, err := io.Copy(data, Canonical(m.Body)); err != nil {
		// The mail is half sent: closing it now would have it accepted.
		return "", errors.Join(fmt.Errorf("send mail: %w", err), c.smtp.Close())
	}
	c.before(true)
	resp, err := data.CloseWithResponse()
	if err != nil {
		return "", fmt.Errorf("end of mail: %w", refusal(err))
	}
	return resp.StatusText, nil
}

// abandon ends the transaction of a mail that was refused, keeping the session.
func (c *Client) abandon(err error) error {
	if _, ok := errors.AsType[*Refusal](err); ok {
		c.before(false)
		_ = c.smtp.Reset() // where even that fails, the next command says why
	}
	return err
}

// Close says goodbye and closes the connection.
func (c *Client) Close() error {
	c.before(false)
	if err := c.smtp.Quit(); err != nil {
		return errors.Join(err, c.smtp.Close())
	}
	return nil
}

// Canonical makes every bare CR and LF a CRLF, as a mail is sent.
func Canonical(r io.Reader) io.Reader {
	return &lineEnds{r: bufio.NewReader(r)}
}

type lineEnds struct {
	r       *bufio.Reader
	pending byte // the LF of a CRLF of which the CR is written
}

// Read implements io.Reader.
func (l *lineEnds) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if l.pending != 0 {
			p[n], l.pending = l.pending, 0
			n++
			continue
		}
		b, err := l.r.ReadByte()
		if err != nil {
			if n > 0 {
				return n, nil
			}
			return 0, err
		}
		switch b {
		case '\r':
			if next, err := l.r.Peek(1); err == nil && next[0] == '\n' {
				_, _ = l.r.Discard(1)
			}
			p[n], l.pending = '\r', '\n'
		case '\n':
			p[n], l.pending = '\r', '\n'
		default:
			p[n] = b
		}
		n++
	}
	return n, nil
}

// Package smarthost passes mails on to another mail server, as they were received.
//
// # Invariants
//
//   - What is sent is the mail byte for byte, under the gateway's own trace fields and, where
//     that is configured, a signature; only bare CR and LF become line ends, as SMTP wants it.
//   - A mail is never half sent: where it cannot be read to its end, the connection is cut before
//     the server could take it for whole.
//   - A mail that goes round in circles ends here.
//   - Nothing that the server does lasts for ever, or fills the memory. What it says stands
//     shortened in results, and without our credentials.
//
// Nothing is kept between two mails but access tokens: each has a connection of its own.
package smarthost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/outbound"
	"github.com/postern-mail/postern/gateway/internal/smarthost/smtpclient"
)

// Original stands for an address of the mail's own envelope.
const Original = "original"

const (
	// defaultTimeout bounds each command with its reply, and finalFactor times as long may take the reply to a
	// whole mail, which servers scan before they give it: five minutes.
	defaultTimeout = 30 * time.Second
	finalFactor    = 10
	// A mail may take totalTimeout in all, and a second more for each slowest octets.
	totalTimeout = 10 * time.Minute
	slowest      = 32 << 10
	// maxReply is how much a server may say to one command, in octets.
	maxReply = 64 << 10
)

// Config is one smarthost.
type Config struct {
	Server outbound.Server
	Dialer outbound.Dialer
	// Login is who logs in; its zero value has nobody do so. Account is the name by which
	// its refresh tokens are kept.
	Login   *outbound.Login
	Account string
	Tokens  *outbound.RefreshTokens
	// HTTP reaches token endpoints; nil is a client of its own.
	HTTP *http.Client
	// Hostname is what the gateway calls itself.
	Hostname string
	// Sender is the reverse-path: Original, an address, or empty for the null one. A mail that
	// came with the null one, as bounces do, goes on with it whatever this says.
	Sender string
	// Recipient is Original or an address.
	Recipient string
	// DKIM signs what is sent; nil for no signature.
	DKIM *DKIM
	// Timeout bounds each step; 0 means 30 s. The reply to a whole mail may take ten times as long.
	Timeout time.Duration
}

// Host sends to a smarthost. It may be used by any number of goroutines.
type Host struct {
	cfg  Config
	auth *outbound.Authenticator // nil for no login
}

// New returns a Host.
func New(cfg Config) *Host {
	if cfg.Timeout <= 0 {
		cfg.Timeout = defaultTimeout
	}
	cfg.Dialer.Timeout = cfg.Timeout
	h := &Host{cfg: cfg}
	if cfg.Login != nil {
		h.auth = outbound.NewAuthenticator(cfg.Account, *cfg.Login, cfg.Tokens, cfg.HTTP)
	}
	return h
}

// Mail is one mail to pass on.
type Mail struct {
	Envelope  mail.Envelope
	Recipient string
	// TraceField is the gateway's own Received field, with its line end.
	TraceField string
	// Body is the mail, Size octets long.
	Body io.ReaderAt
	Size int64
}

// Result is what came of it.
type Result struct {
	// Delivered says that the server has taken the mail.
	Delivered bool
	// Permanent says that it is of no use to send that mail again.
	Permanent bool
	// Code is the server's last reply code; 0 for none.
	Code int
	// Reason says why it was not delivered. Its first word is stable.
	Reason string
	// Response is what the server said last.
	Response string
	// Failure is what the connection or the login failed by, whatever mail it was for; nil where
	// they did not.
	Failure *outbound.Failure
	// LoggedIn says that the server was reached and has let us in.
	LoggedIn bool
}

// Send sends a mail, once. The end of ctx cuts the connection, wherever the mail is: what is not Delivered
// then may have arrived.
func (h *Host) Send(ctx context.Context, m Mail) Result { return h.hidden(h.send(ctx, m)) }

func (h *Host) send(ctx context.Context, m Mail) Result {
	ctx, cancel := context.WithTimeout(ctx, totalTimeout+time.Duration(m.Size/slowest)*time.Second)
	defer cancel()
	o, err := h.outgoing(m)
	if err != nil {
		return result(err)
	}
	s, err := h.open(ctx)
	if err != nil {
		return h.failed(ctx, nil, err)
	}
	defer s.close()
	reply, err := h.transfer(s, m, o)
	if err != nil {
		res := h.failed(ctx, s, err)
		res.LoggedIn = res.Failure == nil
		return res
	}
	return Result{Delivered: true, Code: 250, Response: outbound.Words(reply), LoggedIn: true}
}

// problem is what is wrong with a mail, or with what it needs, apart from the server's word.
type problem struct {
	permanent bool
	reason    string
}

func (p *problem) Error() string { return p.reason }

func result(err error) Result {
	if p, ok := errors.AsType[*problem](err); ok {
		return Result{Permanent: p.permanent, Reason: p.reason}
	}
	return Result{Reason: "body: " + err.Error()}
}

// session is a connection on which we are logged in.
type session struct {
	conn   *outbound.Conn
	client *smtpclient.Client
	stop   func() bool
}

// close ends the session without a word where it broke, and with one otherwise.
func (s *session) close() {
	if s.conn.Err() == nil {
		_ = s.client.Close()
	}
	_ = s.conn.Close()
	s.stop()
}

// open connects and logs in. Where a token was refused that was not fresh, it does so twice.
func (h *Host) open(ctx context.Context) (*session, error) {
	for first := true; ; first = false {
		s, err := h.connect(ctx)
		if err != nil || h.auth == nil {
			return s, err
		}
		hopeless, err := h.login(ctx, s)
		if err == nil {
			return s, nil
		}
		s.close()
		if hopeless || !first {
			return nil, err
		}
	}
}

func (h *Host) connect(ctx context.Context) (*session, error) {
	server := h.cfg.Server
	conn, err := h.cfg.Dialer.Dial(ctx, server)
	if err != nil {
		return nil, err
	}
	s := &session{conn: conn, stop: context.AfterFunc(ctx, func() { _ = conn.Close() })}
	final := finalFactor * h.cfg.Timeout
	cfg := smtpclient.Config{
		Address: server.Address(), HELO: h.cfg.Hostname, Timeout: h.cfg.Timeout, FinalTimeout: final,
		Before: func(end bool) {
			patience := h.cfg.Timeout
			if end {
				patience = final
			}
			conn.SetPatience(patience)
			conn.Allow(maxReply)
		},
	}
	if server.Security == outbound.STARTTLS {
		cfg.TLS = h.cfg.Dialer.TLSConfig(server)
	}
	s.client, err = smtpclient.Start(conn, cfg)
	if err == nil {
		return s, nil
	}
	s.stop()
	_ = conn.Close()
	return nil, h.connection(ctx, conn, errors.Unwrap(err)) // without the address
}

// connection makes a failure of the connection of an error: what the server said, or what happened.
func (h *Host) connection(ctx context.Context, conn *outbound.Conn, err error) *outbound.Failure {
	if refused, ok := errors.AsType[*smtpclient.Refusal](err); ok {
		return &outbound.Failure{Kind: outbound.Connection, Response: outbound.Words(refused.Error()), Err: refused}
	}
	if ended := ctx.Err(); ended != nil {
		err = ended // the connection was cut for it
	}
	return outbound.Classify(err, h.cfg.Server, conn)
}

// login logs in. hopeless says that to do it again at once is of no use.
func (h *Host) login(ctx context.Context, s *session) (hopeless bool, err error) {
	mechanism, err := h.auth.Client(ctx, s.client.Mechanisms(), h.cfg.Server)
	if err != nil {
		return true, err
	}
	err = s.client.Login(mechanism)
	refused, isRefusal := errors.AsType[*smtpclient.Refusal](err)
	switch {
	case err == nil:
		return false, nil
	case isRefusal && refused.Code/100 == 5:
		return h.auth.Refused(), loginRefused(refused)
	case isRefusal || s.conn.Err() != nil || ctx.Err() != nil:
		return true, h.connection(ctx, s.conn, err) // a server that cannot now has not refused
	}
	return true, outbound.Refused("", "the server's part of the login is not understood: "+outbound.Words(err.Error()))
}

func loginRefused(refused *smtpclient.Refusal) *outbound.Failure {
	f := outbound.Refused(strconv.Itoa(refused.Code), outbound.Words(refused.Error()))
	f.Err = refused
	return f
}

// transfer sends a mail on a session.
func (h *Host) transfer(s *session, m Mail, o *outgoing) (reply string, err error) {
	needsUTF8, err := h.fits(s.client, m, o)
	if err != nil {
		return "", err
	}
	content, err := o.content()
	if err != nil {
		return "", err
	}
	return s.client.Send(smtpclient.Mail{
		From: o.from, To: []string{o.to}, UTF8: needsUTF8, Size: o.size, Body: content,
	})
}

// fits holds a mail against what the server offers.
func (h *Host) fits(c *smtpclient.Client, m Mail, o *outgoing) (utf8 bool, err error) {
	if parameter, ok := c.Offers("SIZE"); ok {
		var limit int64
		if _, err := fmt.Sscan(parameter, &limit); err == nil && limit > 0 && o.size > limit {
			return false, &problem{true, fmt.Sprintf("size: the mail has %d octets, and the smarthost takes at most %d", o.size, limit)}
		}
	}
	_, offersUTF8 := c.Offers("SMTPUTF8")
	_, offers8Bit := c.Offers("8BITMIME")
	addresses := !isASCII(o.from) || !isASCII(o.to)
	if offersUTF8 && offers8Bit {
		return addresses || m.Envelope.SMTPUTF8, nil
	}
	header, body, err := eightBit(m)
	switch {
	case err != nil:
		return false, err
	case !offersUTF8 && (addresses || m.Envelope.SMTPUTF8 && header):
		return false, &problem{true, "utf8: the mail needs SMTPUTF8 (RFC 6531), which the smarthost does not offer"}
	case !offers8Bit && (header || body):
		return false, &problem{true, "8bit: the mail has octets above 127, and the smarthost does not offer 8BITMIME (RFC 6152)"}
	}
	return offersUTF8 && (addresses || m.Envelope.SMTPUTF8), nil
}

// failed says what a mail was not delivered by.
func (h *Host) failed(ctx context.Context, s *session, err error) Result {
	if f, ok := errors.AsType[*outbound.Failure](err); ok {
		return failure(f)
	}
	if refused, ok := errors.AsType[*smtpclient.Refusal](err); ok {
		said := outbound.Words(refused.Error())
		switch refused.Code {
		case 530, 534, 535, 538: // it wants another login than ours, and nothing is wrong with the mail
			return failure(loginRefused(refused))
		case 421:
			return failure(&outbound.Failure{Kind: outbound.Connection, Response: said, Err: refused})
		}
		return Result{Permanent: refused.Code/100 == 5, Code: refused.Code, Reason: "refused: " + said, Response: said}
	}
	_, isProblem := errors.AsType[*problem](err)
	switch {
	case isProblem || errors.Is(err, errBody):
		return result(err)
	case s == nil:
		return Result{Reason: "login: " + outbound.Words(err.Error())} // of Tokens
	}
	return failure(h.connection(ctx, s.conn, err))
}

func failure(f *outbound.Failure) Result {
	word := "connect: "
	if f.Kind == outbound.Authentication {
		word = "login: "
	}
	r := Result{Reason: word + f.Response, Failure: f}
	if refused, ok := errors.AsType[*smtpclient.Refusal](f.Err); ok {
		r.Code, r.Response = refused.Code, f.Response
	}
	return r
}

// hidden takes the credentials out of a result: the server may have repeated them. The first word of the reason is ours.
func (h *Host) hidden(r Result) Result {
	if h.auth == nil {
		return r
	}
	if word, said, ok := strings.Cut(r.Reason, ": "); ok {
		r.Reason = word + ": " + h.auth.Hide(said)
	}
	r.Response = h.auth.Hide(r.Response)
	if r.Failure != nil {
		r.Failure = h.auth.HideIn(r.Failure)
	}
	return r
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 })
}

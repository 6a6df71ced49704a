package smtpd

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/reception"
	"github.com/postern-mail/postern/gateway/internal/route"
)

// Replies (RFC 5321, RFC 3463). Their texts are constant, so that nothing of the
// inside is told to strangers; the log has the details.
var (
	errClosing      = &smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 3, 2}, Message: "Shutting down, try again later"}
	errTLSRequired  = &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "Must issue a STARTTLS command first"}
	errBadAddress   = &smtp.SMTPError{Code: 553, EnhancedCode: smtp.EnhancedCode{5, 1, 3}, Message: "Bad address syntax"}
	errBadSender    = &smtp.SMTPError{Code: 553, EnhancedCode: smtp.EnhancedCode{5, 1, 7}, Message: "Bad sender address syntax"}
	errNonASCII     = &smtp.SMTPError{Code: 553, EnhancedCode: smtp.EnhancedCode{5, 6, 7}, Message: "Address needs SMTPUTF8"}
	errNoRelay      = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "Relaying denied: domain is not served here"}
	errNoSuchUser   = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such recipient here"}
	errTooManyBad   = &smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 7, 0}, Message: "Too many unknown recipients"}
	errBareNewline  = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 5, 2}, Message: "Bare CR or LF in the message, see RFC 5321 section 2.3.8"}
	errLongHELO     = &smtp.SMTPError{Code: 501, EnhancedCode: smtp.EnhancedCode{5, 5, 4}, Message: "Name is longer than 255 octets"}
	errDismissed    = &smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 7, 0}, Message: "Connection ends here, try again on another"}
	errLongLine     = &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "A line of the message is longer than 1 MiB"}
	errLoop         = &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 4, 6}, Message: "Too many hops, this looks like a mail loop"}
	errNotStored    = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "Message could not be stored, try again later"}
	errRejected     = &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "Message is taken for spam or infected"}
	errPutOff       = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "Message cannot be taken now, try again later"}
	errInterrupted  = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 4, 2}, Message: "Message was cut off, try again"}
	errNoRecipients = &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 5, 1}, Message: "No valid recipients"}
)

// session is the state of one connection; it implements smtp.Session. go-smtp
// calls Data in a goroutine of its own where the client uses BDAT, and may
// reset the session meanwhile, hence the lock.
type session struct {
	server *Server
	conn   *smtp.Conn
	guard  *guard
	log    hclog.Logger

	mu sync.Mutex
	tx *transaction
}

// transaction is what a client has said since MAIL.
type transaction struct {
	envelope   mail.Envelope
	recipients []reception.Recipient
	began      time.Time
}

// Mail implements smtp.Session.
func (s *session) Mail(from string, opts *smtp.MailOptions) error {
	if s.server.cfg.RequireTLS && s.tls() == "" {
		return errTLSRequired
	}
	if from != "" { // the null reverse-path of bounces
		if _, _, err := mail.SplitAddress(from); err != nil {
			s.log.Debug("refused sender", "reverse_path", hclog.Quote(from), "error", err)
			return errBadSender
		}
		if !opts.UTF8 && !isASCII(from) {
			return errNonASCII
		}
	}
	if err := s.guard.beginTransaction(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tx = &transaction{
		began: time.Now(),
		envelope: mail.Envelope{
			ReversePath: from,
			SMTPUTF8:    opts.UTF8,
			Session:     mail.Session{Listener: s.server.cfg.Name, HELO: s.conn.Hostname(), RemoteIP: s.guard.ip, TLS: s.tls()},
		},
	}
	return nil
}

// Rcpt implements smtp.Session.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tx == nil {
		return errNoRecipients
	}
	if !s.tx.envelope.SMTPUTF8 && !isASCII(to) {
		return errNonASCII
	}
	target, err := s.server.routes.Load().Resolve(to)
	if err == nil {
		s.tx.recipients = append(s.tx.recipients, reception.Recipient{Address: to, Target: target})
		return nil
	}
	s.log.Info("refused recipient", "recipient", hclog.Quote(to), "reverse_path", hclog.Quote(s.tx.envelope.ReversePath), "error", err)
	switch {
	case s.guard.rejectedRecipient():
		return errTooManyBad
	case errors.Is(err, route.ErrUnknownDomain):
		return errNoRelay
	case errors.Is(err, route.ErrUnknownRecipient):
		return errNoSuchUser
	default:
		return errBadAddress
	}
}

// Data implements smtp.Session. It answers 250 when the mail is safe.
func (s *session) Data(r io.Reader) error {
	err := s.data(r)
	pipe, chunked := r.(*io.PipeReader)
	if !chunked {
		return err
	}
	// go-smtp calls this method in a goroutine of its own for BDAT, and hands its
	// result to whatever transaction is under way when it returns. So it returns when
	// the last chunk has come and its own transaction waits for it, and never where
	// the client has given that up: nobody waits for the result then.
	if _, end := io.Copy(io.Discard, pipe); end != nil {
		_ = pipe.CloseWithError(end)
		runtime.Goexit()
	}
	return err
}

func (s *session) data(r io.Reader) error {
	s.mu.Lock()
	tx := s.tx
	s.mu.Unlock()
	if tx == nil || len(tx.recipients) == 0 {
		return errNoRecipients
	}
	if s.guard.isDismissed() {
		return errDismissed
	}
	if !s.server.beginReceiving() {
		return errClosing
	}
	defer s.server.receiving.Done()

	content := &contentReader{r: r, hops: mail.NewHops(s.server.cfg.Hostname), allowBare: s.server.cfg.AllowBareNewlines}
	if _, chunked := r.(*io.PipeReader); chunked {
		// go-smtp takes a client that vanishes in the last chunk of BDAT for one that
		// is done. It waits for this method then, so that nothing reads the connection.
		content.isCutOff = func() bool { return s.guard.isCutOff(s.conn.Conn()) }
	}
	s.guard.beginData()
	// What the client began it may finish: a stop waits for it, for a time.
	id, err := s.server.receiver.Receive(s.server.life, reception.Mail{
		Envelope: tx.envelope, Recipients: tx.recipients, Began: tx.began,
		TraceField: func(id mail.MessageID, received time.Time) string { return s.traceField(tx, id, received) },
	}, content)
	if err != nil {
		return s.refusal(tx, content, err)
	}
	s.guard.mailAccepted()
	return &smtp.SMTPError{Code: 250, EnhancedCode: smtp.EnhancedCode{2, 0, 0}, Message: "OK: queued as " + string(id)}
}

// refusal turns an error of Receive into a reply.
func (s *session) refusal(tx *transaction, content *contentReader, err error) error {
	reply := errNotStored
	var said *smtp.SMTPError
	var refused *reception.Refusal
	switch {
	case errors.Is(err, smtp.ErrTooLongLine):
		reply = errLongLine
	case errors.As(err, &said): // by the content's reader or by go-smtp's
		reply = said
	case content.interrupted != nil:
		reply = errInterrupted
	case errors.As(err, &refused) && refused.Temporary:
		reply = errPutOff
	case errors.As(err, &refused):
		reply = errRejected
	}
	log := s.log.Info
	if reply == errNotStored {
		log = s.log.Error // the operator's disk, not the client's mail
	}
	log("refused mail", "code", reply.Code, "reverse_path", hclog.Quote(tx.envelope.ReversePath), "recipients", len(tx.recipients), "error", err)
	return reply
}

// Reset implements smtp.Session.
func (s *session) Reset() {
	s.mu.Lock()
	s.tx = nil
	s.mu.Unlock()
	s.guard.endTransaction()
}

// Logout implements smtp.Session. STARTTLS ends a session too, and the
// transaction in it.
func (s *session) Logout() error {
	s.guard.endTransaction()
	s.log.Debug("session ended")
	return nil
}

// tls describes the connection's encryption; it is empty where there is none.
func (s *session) tls() string {
	state, ok := s.conn.TLSConnectionState()
	if !ok {
		return ""
	}
	return tls.VersionName(state.Version) + " " + tls.CipherSuiteName(state.CipherSuite)
}

// traceField makes our Received field (RFC 5321 section 4.4). It names no
// recipient where there are several, for one is not to know of the others.
func (s *session) traceField(tx *transaction, id mail.MessageID, received time.Time) string {
	session := tx.envelope.Session
	protocol := "ESMTP"
	if tx.envelope.SMTPUTF8 {
		protocol = "UTF8SMTP" // RFC 6531 section 4.3
	}
	if session.TLS != "" {
		protocol += "S" // RFC 3848
	}
	ip := session.RemoteIP.String()
	if session.RemoteIP.Is6() {
		ip = "IPv6:" + ip
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Received: from %s ([%s])\r\n\tby %s (Postern) with %s id %s", atoms(session.HELO), ip, s.server.cfg.Hostname, protocol, id)
	if len(tx.recipients) == 1 {
		fmt.Fprintf(&b, "\r\n\tfor <%s>", tx.recipients[0].Address)
	}
	fmt.Fprintf(&b, ";\r\n\t%s\r\n", received.Format("Mon, 2 Jan 2006 15:04:05 -0700"))
	return b.String()
}

// atoms leaves of a HELO argument what may stand in a header field.
func atoms(s string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r >= 0x7f || strings.ContainsRune(`()<>;"\`, r) {
			return '_'
		}
		return r
	}, s)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

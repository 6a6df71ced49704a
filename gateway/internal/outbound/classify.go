package outbound

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"
)

// maxCode bounds a code that a server gave, in octets.
const maxCode = 64

// cutMark ends a text that was cut.
const cutMark = "…"

// Classify says what an error of a connection is. conn is the connection that it is of, nil
// where none came about: one of ours remembers what its reads and writes failed by, whatever a
// protocol's library has made of that. An error that is a *Failure already stays as it is.
func Classify(err error, server Server, conn net.Conn) *Failure {
	if f, ok := errors.AsType[*Failure](err); ok {
		return f
	}
	if f := certificate(err, server); f != nil {
		return f
	}
	cause := err
	if ours, ok := conn.(*Conn); ok && ours.Err() != nil {
		cause = ours.Err()
		if f, ok := errors.AsType[*Failure](cause); ok {
			return f
		}
	}
	code, response := classify(cause, server)
	return &Failure{Kind: Connection, Code: code, Response: printable(response, MaxResponse), Err: err}
}

func classify(err error, server Server) (code, response string) {
	dns, isDNS := errors.AsType[*net.DNSError](err)
	op, isOp := errors.AsType[*net.OpError](err)
	verb, where := "read", ""
	switch {
	case isOp && op.Op == "dial":
		verb, where = "connect", " "+server.Address()
		if op.Addr != nil {
			where = " " + op.Addr.String()
		}
	case isOp && op.Op == "write":
		verb = "write"
	}
	said := func(code string) (string, string) { return code, verb + " " + code + where }
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, net.ErrClosed), errors.Is(err, syscall.ECONNABORTED):
		return said(ConnAborted)
	case isDNS && dns.IsNotFound:
		return NotFound, "getaddrinfo " + NotFound + " " + server.Host
	case isDNS:
		// The name server does not answer, or cannot. None of the codes says so.
		return "", "getaddrinfo EAI_AGAIN " + server.Host
	case errors.Is(err, syscall.ECONNREFUSED):
		return said(ConnRefused)
	case errors.Is(err, syscall.EHOSTUNREACH):
		return said(HostUnreachable)
	case errors.Is(err, syscall.ENETUNREACH):
		// There is no route either, which is what that code means.
		return HostUnreachable, verb + " ENETUNREACH" + where
	case timedOut(err):
		return said(TimedOut)
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return said(ConnReset)
	case isOp && strings.HasSuffix(op.Op, " error"):
		return "", op.Error() // an alert of TLS
	case isOp:
		// Without our own port, which is another one each time.
		return "", verb + where + ": " + op.Err.Error()
	}
	return "", err.Error()
}

func timedOut(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return true
	}
	n, ok := errors.AsType[net.Error](err)
	return ok && n.Timeout()
}

// Refused is a login that was refused, with the server's own code and text.
func Refused(code, text string) *Failure {
	f := &Failure{Kind: Authentication, Code: printable(code, maxCode), Response: printable(text, MaxResponse)}
	if f.Response == "" {
		f.Response = "the login was refused without a word"
	}
	return f
}

// Words makes what a server said fit to be stored and shown: one line of at most MaxResponse
// octets, without control or format characters.
func Words(said string) string { return printable(said, MaxResponse) }

// printable makes a stranger's text fit to be stored and shown: valid UTF-8 of at most limit
// octets in one line, without control or format characters.
func printable(s string, limit int) string {
	if len(s) > 4*limit {
		s = s[:4*limit]
	}
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError:
			return '?'
		case !unicode.IsGraphic(r):
			return ' '
		}
		return r
	}, s))
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit-len(cutMark)], "") + cutMark
}

package imap

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/postern-mail/postern/gateway/internal/outbound"
)

// stream is a connection as the protocol's parser gets it: guarded, with the deadlines of an
// [outbound.Conn] and no others, and with one kind of end.
//
// The parser takes some errors for the end of a mail, and forgets the others in texts. So it gets io.EOF for each,
// and what it really was is kept here.
type stream struct {
	net.Conn                // TLS, where that was started within the connection
	raw      *outbound.Conn // below
	guard    guard
	first    []byte // what is read before the connection

	mu    sync.Mutex
	fault error
}

// Read implements net.Conn. It is not called by two goroutines at the same time.
func (s *stream) Read(p []byte) (int, error) {
	if len(s.first) > 0 {
		n := copy(p, s.first)
		s.first = s.first[n:]
		return n, nil
	}
	n, err := s.Conn.Read(p)
	if refused := s.guard.check(p[:n]); refused != nil {
		s.end(refused)
		return 0, io.EOF
	}
	if err != nil {
		s.end(err)
		return n, io.EOF
	}
	return n, nil
}

// Write implements net.Conn.
func (s *stream) Write(p []byte) (int, error) {
	line := p
	if string(p) == "=\r\n" {
		// The library writes an empty answer to a challenge as an empty initial response is written. Servers
		// take it for wrong base64, and say that in place of why they refuse a token.
		line = []byte("\r\n")
	}
	if _, err := s.Conn.Write(line); err != nil {
		s.end(err)
		return 0, err
	}
	return len(p), nil
}

// end closes the connection for a reason, of which the first is kept.
func (s *stream) end(why error) {
	s.mu.Lock()
	if s.fault == nil {
		s.fault = why
	}
	s.mu.Unlock()
	_ = s.raw.Close() // not TLS, which would say good-bye to a server that does not listen
}

// why is why the connection has ended; nil where nobody knows.
func (s *stream) why() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fault
}

// Close implements net.Conn.
func (s *stream) Close() error { return s.raw.Close() }

// SetDeadline implements net.Conn: the deadlines of the parser's are not ours.
func (s *stream) SetDeadline(time.Time) error { return nil }

// SetReadDeadline implements net.Conn.
func (s *stream) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline implements net.Conn.
func (s *stream) SetWriteDeadline(time.Time) error { return nil }

const (
	maxGreeting = 8 << 10 // octets of a line before TLS
	maxPrelude  = 16      // lines before TLS
)

// startTLS goes from a connection in clear to TLS. Nothing is said in clear but STARTTLS, and nothing that was
// said in clear is taken over: what comes before the handshake is read octet by octet, and no further.
func startTLS(ctx context.Context, conn *outbound.Conn, s outbound.Server, d outbound.Dialer) (*tls.Conn, error) {
	hello, err := readLine(conn)
	if err != nil {
		return nil, outbound.Classify(err, s, conn)
	}
	if word, _, _ := strings.Cut(strings.ToUpper(strings.TrimPrefix(hello, "* ")), " "); !strings.HasPrefix(hello, "* ") || word != "OK" {
		return nil, failure("the server greets by " + hello + ", before TLS")
	}
	if _, err := io.WriteString(conn, "A STARTTLS\r\n"); err != nil {
		return nil, outbound.Classify(err, s, conn)
	}
	for range maxPrelude {
		line, err := readLine(conn)
		if err != nil {
			return nil, outbound.Classify(err, s, conn)
		}
		answer, tagged := strings.CutPrefix(line, "A ")
		if !tagged {
			continue
		}
		if word, _, _ := strings.Cut(strings.ToUpper(answer), " "); word != "OK" {
			return nil, failure("the server does not start TLS: " + answer)
		}
		secured := tls.Client(conn, d.TLSConfig(s))
		if err := secured.HandshakeContext(ctx); err != nil {
			return nil, outbound.Classify(err, s, conn)
		}
		return secured, nil
	}
	return nil, failure("the server does not start TLS, and says other things")
}

// readLine reads a line, without its end.
func readLine(r io.Reader) (string, error) {
	line := make([]byte, 0, 256)
	var octet [1]byte
	for {
		if _, err := io.ReadFull(r, octet[:]); err != nil {
			return "", err
		}
		if octet[0] == '\n' {
			return strings.TrimSuffix(string(line), "\r"), nil
		}
		if line = append(line, octet[0]); len(line) > maxGreeting {
			return "", failure(fmt.Sprintf("the server's greeting has no end within %d octets", maxGreeting))
		}
	}
}

// failure is one of the connection for which there is no code.
func failure(text string) *outbound.Failure {
	f := outbound.Refused("", text) // which makes it printable, and bounds it
	f.Kind = outbound.Connection
	return f
}

package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/foxcpp/go-mockdns"
)

const patience = 30 * time.Second

// listen returns a server on loopback; each connection is for serve, which may be nil.
func listen(t *testing.T, serve func(net.Conn)) Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	if serve != nil {
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					defer c.Close()
					serve(c)
				}()
			}
		}()
	}
	return server(l.Addr())
}

func server(a net.Addr) Server {
	return Server{Host: "127.0.0.1", Port: a.(*net.TCPAddr).Port, Security: Plaintext}
}

// resolver returns one that knows the zones only.
func resolver(t *testing.T, zones map[string]mockdns.Zone) *net.Resolver {
	t.Helper()
	s, err := mockdns.NewServerWithLogger(zones, silent{}, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, s.LocalAddr().String())
	}}
}

type silent struct{}

func (silent) Printf(string, ...any) {}

// want compares a failure of a connection.
func want(t *testing.T, err error, code, response string) {
	t.Helper()
	f, ok := errors.AsType[*Failure](err)
	if !ok {
		t.Fatalf("error = %v, want a *Failure", err)
	}
	if f.Kind != Connection || f.Code != code || f.Response != response {
		t.Errorf("failure = %s %q %q, want %q %q (made of %v)", f.Kind, f.Code, f.Response, code, response, f.Err)
	}
}

// dial wants no connection.
func dial(ctx context.Context, t *testing.T, d Dialer, s Server) error {
	t.Helper()
	c, err := d.Dial(ctx, s)
	if err == nil {
		_ = c.Close()
		t.Fatal("there is a connection")
	}
	return err
}

// read reads until there is an error, and says what that is.
func read(c *Conn, s Server) *Failure {
	_, err := io.Copy(io.Discard, reader{c})
	if err == nil {
		err = io.EOF
	}
	return Classify(err, s, c)
}

// reader hides what else a Conn can.
type reader struct{ io.Reader }

func TestRefusedConnection(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := server(l.Addr())
	_ = l.Close()
	want(t, dial(t.Context(), t, Dialer{}, s), ConnRefused, fmt.Sprintf("connect ECONNREFUSED 127.0.0.1:%d", s.Port))
}

func TestReset(t *testing.T) {
	t.Parallel()
	for name, serve := range map[string]func(net.Conn){
		"closed":              func(net.Conn) {},
		"reset":               func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) },
		"in the greeting":     func(c net.Conn) { _, _ = io.WriteString(c, "* OK") },
		"reset after a while": func(c net.Conn) { _, _ = io.WriteString(c, "* OK"); _ = c.(*net.TCPConn).SetLinger(0) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := listen(t, func(c net.Conn) {
				_, _ = c.Read(make([]byte, 1)) // not before the client knows that it is connected
				serve(c)
			})
			c, err := Dialer{}.Dial(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_, _ = c.Write([]byte{0})
			want(t, read(c, s), ConnReset, "read ECONNRESET")
			// A library that says it in words of its own does not hide it.
			want(t, Classify(errors.New("imap: lost"), s, c), ConnReset, "read ECONNRESET")
		})
	}
	t.Run("in the handshake", func(t *testing.T) {
		t.Parallel()
		s := listen(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 1)) })
		s.Security = TLS
		want(t, dial(t.Context(), t, Dialer{}, s), ConnReset, "read ECONNRESET")
	})
	t.Run("while we write", func(t *testing.T) {
		t.Parallel()
		s := listen(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 1)); _ = c.(*net.TCPConn).SetLinger(0) })
		c, err := Dialer{}.Dial(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for err == nil {
			_, err = c.Write(make([]byte, 1<<16))
		}
		want(t, Classify(err, s, c), ConnReset, "write ECONNRESET")
	})
}

// TestTimedOut connects to a listener whose backlog is full, so that the kernel drops what comes.
func TestTimedOut(t *testing.T) {
	t.Parallel()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), syscall.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	s := Server{Host: "127.0.0.1", Port: name.(*syscall.SockaddrInet4).Port, Security: Plaintext}
	d := Dialer{Timeout: 200 * time.Millisecond}
	for range 100 {
		c, err := d.Dial(t.Context(), s)
		if err != nil {
			want(t, err, TimedOut, fmt.Sprintf("connect ETIMEDOUT 127.0.0.1:%d", s.Port))
			return
		}
		t.Cleanup(func() { _ = c.Close() })
	}
	t.Error("the listener took 100 connections")
}

func TestSilence(t *testing.T) {
	t.Parallel()
	s := listen(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	d := Dialer{Timeout: 100 * time.Millisecond}
	c, err := d.Dial(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	want(t, read(c, s), TimedOut, "read ETIMEDOUT")
	s.Security = TLS
	want(t, dial(t.Context(), t, d, s), TimedOut, "read ETIMEDOUT")
}

func TestNames(t *testing.T) {
	t.Parallel()
	r := resolver(t, map[string]mockdns.Zone{
		"nothing.example.": {TXT: []string{"no address"}},
		"broken.example.":  {Err: errors.New("broken")},
	})
	for host, w := range map[string][2]string{
		"mail.invalid-domain.example": {NotFound, "getaddrinfo ENOTFOUND mail.invalid-domain.example"},
		"nothing.example":             {NotFound, "getaddrinfo ENOTFOUND nothing.example"},
		"broken.example":              {"", "getaddrinfo EAI_AGAIN broken.example"},
	} {
		want(t, dial(t.Context(), t, Dialer{Resolver: r}, Server{Host: host, Port: 993, Security: TLS}), w[0], w[1])
	}
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	deaf := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", silent.LocalAddr().String())
	}}
	want(t, dial(t.Context(), t, Dialer{Resolver: deaf, Timeout: 100 * time.Millisecond}, Server{Host: "mail.example", Port: 993}),
		"", "getaddrinfo EAI_AGAIN mail.example")
}

// TestAddresses holds that of a name's addresses one that answers is found, and that the
// failure is told of the lowest one, in whatever order they come.
func TestAddresses(t *testing.T) {
	t.Parallel()
	s := listen(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	for _, order := range [][]string{{"127.0.0.3", "127.0.0.2", "127.0.0.1"}, {"127.0.0.1", "127.0.0.2", "127.0.0.3"}} {
		r := resolver(t, map[string]mockdns.Zone{
			"mail.example.": {A: order},
			"lost.example.": {A: order},
		})
		c, err := Dialer{Resolver: r}.Dial(t.Context(), Server{Host: "mail.example", Port: s.Port, Security: Plaintext})
		if err != nil {
			t.Fatal(err)
		}
		_ = c.Close()
		closed, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := closed.Addr().(*net.TCPAddr).Port
		_ = closed.Close()
		want(t, dial(t.Context(), t, Dialer{Resolver: r}, Server{Host: "lost.example", Port: port}),
			ConnRefused, fmt.Sprintf("connect ECONNREFUSED 127.0.0.1:%d", port))
	}
}

func TestAborted(t *testing.T) {
	t.Parallel()
	s := listen(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	want(t, dial(gone, t, Dialer{}, s), ConnAborted, "connect ECONNABORTED "+s.Address())
	want(t, dial(gone, t, Dialer{Resolver: resolver(t, nil)}, Server{Host: "mail.example", Port: 993}), ConnAborted, "connect ECONNABORTED mail.example:993")

	c, err := Dialer{}.Dial(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan *Failure)
	go func() { done <- read(c, s) }()
	_ = c.Close()
	want(t, <-done, ConnAborted, "read ECONNABORTED")

	// In the handshake.
	ctx, cancel := context.WithCancel(t.Context())
	greeted := listen(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 1))
		cancel()
		_, _ = io.Copy(io.Discard, c)
	})
	greeted.Security = TLS
	want(t, dial(ctx, t, Dialer{}, greeted), ConnAborted, "read ECONNABORTED")
}

func TestForbidden(t *testing.T) {
	t.Parallel()
	s := listen(t, nil)
	d := Dialer{Control: func(string, string, syscall.RawConn) error { return errors.New("addresses of this kind are forbidden") }}
	want(t, dial(t.Context(), t, d, s), "", "connect "+s.Address()+": addresses of this kind are forbidden")
}

func TestNoTLS(t *testing.T) {
	t.Parallel()
	s := listen(t, func(c net.Conn) { _, _ = io.WriteString(c, "* OK no TLS here\r\n"); _, _ = io.Copy(io.Discard, c) })
	s.Security = TLS
	want(t, dial(t.Context(), t, Dialer{}, s), "", "tls: first record does not look like a TLS handshake")

	old := listen(t, func(c net.Conn) {
		_ = tls.Server(c, &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10, Certificates: []tls.Certificate{{}}}).Handshake()
	})
	old.Security = TLS
	want(t, dial(t.Context(), t, Dialer{}, old), "", "remote error: tls: protocol version not supported")
}

// unreachableEnv has TestHostUnreachable dial in a network of its own.
const unreachableEnv = "POSTERN_TEST_UNREACHABLE"

func unreachableChild(t *testing.T) {
	t.Helper()
	s := Server{Host: "192.168.1.100", Port: 993, Security: TLS}
	want(t, dial(t.Context(), t, Dialer{Timeout: patience}, s), HostUnreachable, "connect EHOSTUNREACH 192.168.1.100:993")
	s.Host = "192.168.1.101"
	want(t, dial(t.Context(), t, Dialer{Timeout: patience}, s), HostUnreachable, "connect ENETUNREACH 192.168.1.101:993")
	if !t.Failed() {
		_, _ = io.WriteString(os.Stdout, "\nunreachable indeed\n")
	}
}

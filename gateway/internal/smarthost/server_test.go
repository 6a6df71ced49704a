package smarthost

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"maps"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/outbound"
	"github.com/postern-mail/postern/gateway/internal/secret"
)

const canary = "canary-k7Q2xw"

func password(t *testing.T, text string) secret.Password {
	t.Helper()
	p, err := secret.ParsePassword(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// script is an SMTP server: what it says to commands by their first word; "" for the greeting,
// "." for the end of a mail. It goes on in TLS after STARTTLS, and hangs up after QUIT.
type script struct {
	says map[string]string
	cert *tls.Config

	mu   sync.Mutex
	said []string // the commands that came
	mail string   // the last one
}

func (s *script) serve(t *testing.T) outbound.Server {
	t.Helper()
	return listen(t, func(c net.Conn) { s.speak(c, false) })
}

func listen(t *testing.T, serve func(net.Conn)) outbound.Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
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
	return outbound.Server{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, Security: outbound.Plaintext}
}

func (s *script) speak(c net.Conn, secured bool) {
	if !secured {
		_, _ = io.WriteString(c, s.reply("", "220 here"))
	}
	r := bufio.NewReader(c)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		word, _, _ := strings.Cut(line, " ")
		s.note(line)
		defaults := map[string]string{"EHLO": "250-here\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 1000000", "DATA": "354 go on", "QUIT": "221 bye", "AUTH": "235 2.7.0 welcome", "STARTTLS": "220 go on"}
		reply, ok := defaults[word]
		if !ok {
			reply = "250 2.0.0 fine"
		}
		_, _ = io.WriteString(c, s.reply(word, reply))
		switch word {
		case "QUIT":
			return
		case "STARTTLS":
			if s.cert != nil {
				s.speak(tls.Server(c, s.cert), true)
			}
			return
		case "DATA":
			var mail strings.Builder
			for {
				line, err := r.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				mail.WriteString(strings.TrimPrefix(line, "."))
			}
			s.mu.Lock()
			s.mail = mail.String()
			s.mu.Unlock()
			_, _ = io.WriteString(c, s.reply(".", "250 2.0.0 queued as 1"))
		}
	}
}

func (s *script) reply(word, otherwise string) string {
	if said, ok := s.says[word]; ok {
		otherwise = said
	}
	return otherwise + "\r\n"
}

func (s *script) note(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said = append(s.said, line)
}

func (s *script) heard() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.said...)
}

func (s *script) took() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mail
}

// certificate is one for 127.0.0.1, and who trusts it.
func certificate(t *testing.T) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, roots
}

// TestSecurity sends by each way of TLS, and holds that nothing is said in clear that was to be secured.
func TestSecurity(t *testing.T) {
	t.Parallel()
	cert, roots := certificate(t)
	ehlo := map[string]string{"EHLO": "250-here\r\n250-STARTTLS\r\n250-AUTH PLAIN\r\n250 8BITMIME"}
	login := &outbound.Login{User: "u", Password: password(t, canary)}
	plain := "AUTH PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00u\x00"+canary))
	mail := []string{"MAIL FROM:<juergen@example.org> BODY=8BITMIME", "RCPT TO:<archive@acme.test>", "DATA", "QUIT"}

	s := &script{says: ehlo, cert: cert}
	server := s.serve(t)
	server.Security, server.Roots = outbound.STARTTLS, roots
	res := host(server, func(c *Config) { c.Login = login }).Send(t.Context(), letter("Subject: x\r\n\r\nx\r\n"))
	want := append([]string{"EHLO localhost", "STARTTLS", "EHLO mx.acme.test", plain}, mail...)
	if diff := cmp.Diff(want, s.heard()); !res.Delivered || diff != "" {
		t.Errorf("STARTTLS: %+v\n%s", res, diff)
	}

	s = &script{says: ehlo}
	server = listen(t, func(c net.Conn) {
		secured := tls.Server(c, cert)
		_, _ = io.WriteString(secured, "220 here\r\n")
		s.speak(secured, true)
	})
	server.Security, server.Roots = outbound.TLS, roots
	res = host(server, func(c *Config) { c.Login = login }).Send(t.Context(), letter("Subject: x\r\n\r\nx\r\n"))
	want = append([]string{"EHLO mx.acme.test", plain}, mail...)
	if diff := cmp.Diff(want, s.heard()); !res.Delivered || diff != "" {
		t.Errorf("TLS: %+v\n%s", res, diff)
	}

	for name, tc := range map[string]struct {
		s              *script
		roots          *x509.CertPool
		code, response string
		heard          []string
	}{
		"stripped":     {&script{}, roots, "", "smtp: server doesn't support STARTTLS", []string{"EHLO localhost"}},
		"not trusted":  {&script{says: ehlo, cert: cert}, x509.NewCertPool(), outbound.DepthZeroSelfSigned, "self-signed certificate", []string{"EHLO localhost", "STARTTLS"}},
		"refused":      {&script{says: map[string]string{"EHLO": ehlo["EHLO"], "STARTTLS": "454 4.7.0 not now"}}, roots, "", "454 4.7.0 not now", []string{"EHLO localhost", "STARTTLS"}},
		"no handshake": {&script{says: ehlo}, roots, outbound.ConnReset, "read ECONNRESET", []string{"EHLO localhost", "STARTTLS"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := tc.s.serve(t)
			server.Security, server.Roots = outbound.STARTTLS, tc.roots
			res := host(server, func(c *Config) { c.Login = login }).Send(t.Context(), letter(raw))
			if f := res.Failure; f == nil || f.Kind != outbound.Connection || f.Code != tc.code || f.Response != tc.response || res.Permanent || res.LoggedIn {
				t.Errorf("result = %+v, failure %+v", res, res.Failure)
			}
			if diff := cmp.Diff(tc.heard, tc.s.heard()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestHostileServer has servers do what they should not. Each ends as what it is, within bounds.
func TestHostileServer(t *testing.T) {
	t.Parallel()
	line := strings.Repeat("x", 60<<20)
	endless := func(text string) func(net.Conn) {
		return func(c net.Conn) {
			for {
				if _, err := io.WriteString(c, text); err != nil {
					return
				}
			}
		}
	}
	for name, tc := range map[string]struct {
		serve          func(net.Conn)
		code, response string
	}{
		"an endless greeting":    {endless("220-hello\r\n"), "", "the server sent more than 65536 octets"},
		"a greeting of one line": {func(c net.Conn) { _, _ = io.WriteString(c, line) }, "", "smtp: too long a line in input stream"},
		"silence":                {func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, outbound.TimedOut, "read ETIMEDOUT"},
		"endless EHLO": {func(c net.Conn) {
			_, _ = io.WriteString(c, "220 here\r\n")
			endless("250-X\r\n")(c)
		}, "", "the server sent more than 65536 octets"},
		"a trickle": {func(c net.Conn) {
			for {
				if _, err := io.WriteString(c, "2"); err != nil {
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
		}, outbound.TimedOut, "read ETIMEDOUT"},
		"no SMTP": {func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
			_, _ = io.Copy(io.Discard, c)
		}, "", `short response: "HTTP/1.1 400 Bad Request"`},
		"gone": {func(net.Conn) {}, outbound.ConnReset, "read ECONNRESET"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := host(listen(t, tc.serve), func(c *Config) { c.Timeout = 500 * time.Millisecond })
			res := h.Send(t.Context(), letter(raw))
			if f := res.Failure; f == nil || f.Kind != outbound.Connection || f.Code != tc.code || f.Response != tc.response || res.Permanent || res.LoggedIn {
				t.Errorf("result = %+v, failure %+v", res, res.Failure)
			}
		})
	}
}

// TestLogin holds what a refused login is, and that no credential stands in it.
func TestLogin(t *testing.T) {
	t.Parallel()
	plain := base64.StdEncoding.EncodeToString([]byte("\x00u\x00" + canary))
	const ehlo = "250-here\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME"
	for name, tc := range map[string]struct {
		says           map[string]string
		kind           outbound.Kind
		code, response string
		smtp           int
	}{
		"refused":         {map[string]string{"AUTH": "535 5.7.8 wrong: " + canary}, outbound.Authentication, "535", "535 5.7.8 wrong: (redacted)", 535},
		"refused, echoed": {map[string]string{"AUTH": "535-5.7.8 what is\r\n535 5.7.8 AUTH PLAIN " + plain}, outbound.Authentication, "535", "535 5.7.8 what is AUTH PLAIN (redacted)", 535},
		"not now":         {map[string]string{"AUTH": "454 4.7.0 try later"}, outbound.Connection, "", "454 4.7.0 try later", 454},
		"nothing offered": {map[string]string{"EHLO": "250 here"}, outbound.Authentication, "", "the server does not offer to log in by PLAIN or LOGIN", 0},
		"wanted later":    {map[string]string{"MAIL": "530 5.7.0 Authentication required"}, outbound.Authentication, "530", "530 5.7.0 Authentication required", 530},
		"no SASL":         {map[string]string{"AUTH": "334 ???"}, outbound.Authentication, "", "the server's part of the login is not understood: illegal base64 data at input byte 0", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &script{says: map[string]string{"EHLO": ehlo}}
			maps.Copy(s.says, tc.says)
			h := host(s.serve(t), func(c *Config) { c.Login = &outbound.Login{User: "u", Password: password(t, canary)} })
			res := h.Send(t.Context(), letter(raw))
			f := res.Failure
			if f == nil || f.Kind != tc.kind || f.Code != tc.code || f.Response != tc.response || res.Code != tc.smtp || res.Permanent || res.LoggedIn || res.Delivered {
				t.Errorf("result = %+v, failure %+v", res, f)
			}
			if strings.Contains(res.Reason+res.Response, canary) {
				t.Errorf("it shows the password: %+v", res)
			}
		})
	}
}

var errDisk = errors.New("disk is on strike")

// brokenBody cannot be read beyond a place.
type brokenBody struct {
	io.ReaderAt
	from int64
}

func (b brokenBody) ReadAt(p []byte, at int64) (int, error) {
	if at+int64(len(p)) > b.from {
		return 0, errDisk
	}
	return b.ReaderAt.ReadAt(p, at)
}

// TestBrokenBody holds that a mail which cannot be read to its end is not taken for whole.
func TestBrokenBody(t *testing.T) {
	t.Parallel()
	text := "Subject: x\r\n\r\n" + strings.Repeat("all lines are alike\r\n", 10000)
	for _, from := range []int64{0, 100000} {
		s := &script{}
		m := letter(text)
		m.Body = brokenBody{strings.NewReader(text), from}
		res := host(s.serve(t), nil).Send(t.Context(), m)
		if res.Delivered || res.Permanent || res.Failure != nil || res.Reason != "body: send mail: the mail could not be read: disk is on strike" && res.Reason != "body: the mail could not be read: disk is on strike" {
			t.Errorf("result = %+v", res)
		}
		if s.took() != "" {
			t.Error("the server took half a mail")
		}
	}
}

// TestCut has a server answer nothing any more at some point of a session. The end of the context ends the mail there.
func TestCut(t *testing.T) {
	t.Parallel()
	for at, begins := range map[string]string{"": "220-", "EHLO": "250-", "MAIL": "250-", "DATA": "354-", ".": "250-"} {
		t.Run("at "+at, func(t *testing.T) {
			t.Parallel()
			ctx, cut := context.WithCancel(t.Context())
			s := &script{says: map[string]string{at: begins + "wait"}}
			server := s.serve(t)
			time.AfterFunc(100*time.Millisecond, cut)
			res := host(server, func(c *Config) { c.Timeout = time.Hour }).Send(ctx, letter(raw))
			if res.Delivered || res.Code != 0 || res.Permanent || ctx.Err() == nil {
				t.Errorf("result = %+v", res)
			}
		})
	}
}

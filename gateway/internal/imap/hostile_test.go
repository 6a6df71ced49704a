package imap

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern-mail/postern/gateway/internal/imap/imaptest"
	"github.com/postern-mail/postern/gateway/internal/outbound"
)

// script answers one client. It gets the lines of the client.
type script func(c net.Conn, lines *bufio.Reader)

// serve runs a server that answers each client by a script.
func serve(t testing.TB, s script) outbound.Server {
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
				s(c, bufio.NewReader(c))
			}()
		}
	}()
	return outbound.Server{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, Security: outbound.Plaintext}
}

// imapServer is a server that says what tests want of it, and otherwise OK.
type imapServer struct {
	caps string
	// answers are what is sent before the tagged OK, by the command; one that ends in " " and a status
	// stands for the tagged answer too, without its tag.
	answers map[string]string
	// commands collects what clients said, but for their tags.
	commands func(line string)
}

func (s imapServer) serve(c net.Conn, lines *bufio.Reader) {
	caps := s.caps
	if caps == "" {
		caps = "IMAP4rev1 IDLE MOVE UIDPLUS"
	}
	fmt.Fprintf(c, "* OK [CAPABILITY %s] ready\r\n", caps)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		tag, command, _ := strings.Cut(line, " ")
		if s.commands != nil {
			s.commands(command)
		}
		var answer string
		found := ""
		for prefix, a := range s.answers { // the longest one that fits
			if strings.HasPrefix(command, prefix) && len(prefix) >= len(found) {
				answer, found = a, prefix
			}
		}
		if found == "" {
			switch name, _, _ := strings.Cut(command, " "); name {
			case "CAPABILITY":
				answer = "* CAPABILITY " + caps + "\r\n"
			case "LOGIN", "AUTHENTICATE":
				// Without the capabilities the library asks for them on a goroutine of its own, which may wait by a mutex until
				// an IDLE ends: on a fake clock that is for ever.
				answer = "TAG OK [CAPABILITY " + caps + "] done"
			case "SELECT":
				answer = "* 0 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 1] x\r\n"
			case "IDLE":
				fmt.Fprint(c, "+ idling\r\n")
				if _, err := lines.ReadString('\n'); err != nil {
					return
				}
			}
		}
		if answer == "close" {
			return
		}
		if final, ok := strings.CutPrefix(answer, "TAG "); ok {
			fmt.Fprintf(c, "%s %s\r\n", tag, final)
			continue
		}
		if _, err := fmt.Fprintf(c, "%s%s OK done\r\n", answer, tag); err != nil {
			return
		}
	}
}

// selfSigned is a certificate for a name that nobody knows.
func selfSigned(t testing.TB, name string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true, IsCA: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// endless sends a text for ever, until the client has enough.
func endless(c io.Writer, text string) {
	block := []byte(strings.Repeat(text, 1+32<<10/len(text)))
	for range 60 << 20 / len(block) {
		if _, err := c.Write(block); err != nil {
			return
		}
	}
}

// TestHostile holds that what a server does to us is bounded in time and memory, has the right code, and
// does nothing to another account.
func TestHostile(t *testing.T) {
	// Not parallel: memory is measured.
	wait := func(_ net.Conn, lines *bufio.Reader) { _, _ = io.Copy(io.Discard, lines) }
	ok := func(answers map[string]string) script { return imapServer{answers: answers}.serve }
	after := func(command string, do func(c net.Conn)) script {
		return func(c net.Conn, lines *bufio.Reader) {
			fmt.Fprint(c, "* OK [CAPABILITY IMAP4rev1 IDLE] ready\r\n")
			for {
				line, err := lines.ReadString('\n')
				if err != nil {
					return
				}
				tag, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
				switch {
				case strings.HasPrefix(rest, command):
					do(c)
				case rest == "CAPABILITY":
					fmt.Fprint(c, "* CAPABILITY IMAP4rev1 IDLE\r\n")
				}
				fmt.Fprintf(c, "%s OK\r\n", tag)
			}
		}
	}
	var inClear strings.Builder // what was said in clear
	for name, tc := range map[string]struct {
		script   script
		security outbound.Security
		kind     outbound.Kind // the first that is told; a connection where it is empty
		code     string
		response string // a part of it
	}{
		"silent":                  {script: wait, code: outbound.TimedOut},
		"silent after a greeting": {script: func(c net.Conn, l *bufio.Reader) { fmt.Fprint(c, "* OK hello\r\n"); wait(c, l) }, code: outbound.TimedOut},
		"closes at once":          {script: func(net.Conn, *bufio.Reader) {}, code: outbound.ConnReset},
		"greeting without an end": {script: func(c net.Conn, _ *bufio.Reader) { endless(c, "* OK x") }, response: "octets"},
		"endless greetings":       {script: func(c net.Conn, _ *bufio.Reader) { endless(c, "* OK x\r\n") }, response: "octets"},
		"BYE":                     {script: func(c net.Conn, _ *bufio.Reader) { fmt.Fprint(c, "* BYE [UNAVAILABLE] too many\r\n") }, response: "the server refuses the connection: BYE [UNAVAILABLE] too many"},
		"PREAUTH": {script: func(c net.Conn, l *bufio.Reader) {
			fmt.Fprint(c, "* PREAUTH [CAPABILITY IMAP4rev1] hello\r\n")
			wait(c, l)
		}, response: "before we have logged in"},
		"no IMAP":               {script: func(c net.Conn, l *bufio.Reader) { fmt.Fprint(c, "220 mx.test ESMTP\r\n"); wait(c, l) }, response: "cannot be read"},
		"60 MB line":            {script: after("LOGIN", func(c net.Conn) { endless(c, "x") }), response: "the server sent more than 65536 octets"},
		"nested parentheses":    {script: after("LOGIN", func(c net.Conn) { fmt.Fprint(c, "* 1 FETCH "); endless(c, "(") }), response: "parentheses within each other"},
		"nested body structure": {script: after("SELECT", func(c net.Conn) { fmt.Fprint(c, "* 1 FETCH (BODYSTRUCTURE "); endless(c, "(") }), response: "parentheses within each other"},
		"endless answers":       {script: after("LOGIN", func(c net.Conn) { endless(c, "* 1 EXISTS\r\n") }), response: "octets"},
		"drops at login":        {script: ok(map[string]string{"LOGIN": "close"}), code: outbound.ConnReset},
		"drops after login":     {script: ok(map[string]string{"SELECT": "close"}), code: outbound.ConnReset},
		"refuses":               {script: ok(map[string]string{"LOGIN": "TAG NO [AUTHENTICATIONFAILED] no such user"}), kind: outbound.Authentication, code: "AUTHENTICATIONFAILED", response: "no such user"},
		"refuses by BAD":        {script: ok(map[string]string{"LOGIN": "TAG BAD what"}), kind: outbound.Authentication, response: "what"},
		"no such folder":        {script: ok(map[string]string{"SELECT": "TAG NO [NONEXISTENT] gone"}), response: "SELECT INBOX: NO [NONEXISTENT] gone"},
		"no UIDVALIDITY":        {script: ok(map[string]string{"SELECT": "* 0 EXISTS\r\n"}), response: "UIDVALIDITY"},
		"LOGINDISABLED":         {script: imapServer{caps: "IMAP4rev1 LOGINDISABLED"}.serve, kind: outbound.Authentication, code: "LOGINDISABLED"},
		"STARTTLS stripped": {security: outbound.STARTTLS, response: "does not start TLS: BAD", script: func(c net.Conn, l *bufio.Reader) {
			fmt.Fprint(c, "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hello\r\n")
			line, _ := l.ReadString('\n')
			fmt.Fprint(c, "A BAD unknown\r\n")
			rest, _ := io.ReadAll(l)
			inClear.WriteString(line + string(rest))
		}},
		"PREAUTH before TLS":       {security: outbound.STARTTLS, response: "PREAUTH", script: func(c net.Conn, l *bufio.Reader) { fmt.Fprint(c, "* PREAUTH hello\r\n"); wait(c, l) }},
		"injected after STARTTLS":  {security: outbound.STARTTLS, script: func(c net.Conn, l *bufio.Reader) { fmt.Fprint(c, "* OK x\r\nA OK go\r\n* OK in clear\r\n"); wait(c, l) }},
		"endless before STARTTLS":  {security: outbound.STARTTLS, script: func(c net.Conn, _ *bufio.Reader) { endless(c, "* OK x\r\n") }, response: ""},
		"no end before STARTTLS":   {security: outbound.STARTTLS, script: func(c net.Conn, _ *bufio.Reader) { endless(c, "x") }, response: "has no end"},
		"wrong certificate":        {security: outbound.TLS, code: outbound.DepthZeroSelfSigned},
		"unsolicited mails":        {script: after("LOGIN", func(c net.Conn) { fmt.Fprint(c, "* 1 FETCH (UID 1 BODY[] {50000000}\r\n"); endless(c, "x") }), response: "octets"},
		"a string of 50 MB":        {script: after("SELECT", func(c net.Conn) { fmt.Fprint(c, "* LIST () \"/\" {50000000}\r\n"); endless(c, "x") }), response: "a literal of"},
		"numbers for EXISTS":       {script: after("SELECT", func(c net.Conn) { fmt.Fprint(c, "* 99999999999999 EXISTS\r\n") }), response: "cannot be read"},
		"a tag that is not ours":   {script: after("SELECT", func(c net.Conn) { fmt.Fprint(c, "X9 OK\r\n") }), response: "cannot be read"},
		"a continuation unasked":   {script: after("SELECT", func(c net.Conn) { fmt.Fprint(c, "+ go on\r\n") }), response: "cannot be read"},
		"a list without end, slow": {script: after("SELECT", func(c net.Conn) { fmt.Fprint(c, "* LIST ("); time.Sleep(time.Minute) }), code: outbound.TimedOut},
	} {
		t.Run(name, func(t *testing.T) {
			s := tc.script
			if tc.security == outbound.TLS {
				cert := selfSigned(t, "other.test")
				s = func(c net.Conn, _ *bufio.Reader) {
					secured := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}})
					_ = secured.Handshake()
				}
			}
			bad := sales(t, serve(t, s))
			if tc.security != "" {
				bad.Server.Security = tc.security
			}
			good := sales(t, serve(t, imapServer{}.serve))
			good.Name = "good"
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			began := time.Now()
			m := newMemory()
			g := start(t, m, func(d *Deps) { d.Dialer.Timeout = time.Second }, bad, good)
			g.waitForEvent(t, "good: success")
			var first string
			for deadline := time.Now().Add(20 * time.Second); first == "" && time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
				for _, e := range g.events() {
					if strings.HasPrefix(e, "sales: ") && e != "sales: success" {
						first = e
						break
					}
				}
			}
			took := time.Since(began)
			runtime.ReadMemStats(&after)
			kind := tc.kind
			if kind == "" {
				kind = outbound.Connection
			}
			if want := fmt.Sprintf("sales: %s %s: ", kind, tc.code); !strings.HasPrefix(first, want) || !strings.Contains(first, tc.response) {
				t.Errorf("told %q, want %q and %q", first, want, tc.response)
			}
			if took > 10*time.Second {
				t.Errorf("it took %s", took)
			}
			if octets := after.TotalAlloc - before.TotalAlloc; octets > 24<<20 {
				t.Errorf("it took %d octets of memory", octets)
			}
			for _, s := range g.Status() {
				if s.Name == "good" && s.State != Connected {
					t.Errorf("the other account: %+v", s)
				}
			}
			g.stop()
		})
	}
	if got := inClear.String(); got != "A STARTTLS\r\n" {
		t.Errorf("said in clear: %q", got)
	}
}

// TestPanic holds that a panic in one account ends its attempt, and nothing else.
func TestPanic(t *testing.T) {
	t.Parallel()
	raw := "Subject: x\r\n\r\nbody\r\n"
	server := serve(t, imapServer{answers: map[string]string{
		"SELECT": "* 2 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 3] x\r\n",
		"UID FETCH 1:4294967295 (UID RFC822.SIZE)": "* 1 FETCH (UID 1 RFC822.SIZE 20)\r\n* 2 FETCH (UID 2 RFC822.SIZE 20)\r\n",
		"UID FETCH 1:2 (UID BODY.PEEK[])":          fmt.Sprintf("* 1 FETCH (UID 1 BODY[] {%d}\r\n%s)\r\n* 2 FETCH (UID 2 BODY[] {%d}\r\n%s)\r\n", len(raw), raw, len(raw), raw),
	}}.serve)
	m := newMemory()
	m.refuse = func(string) error { panic("boom") }
	bad, good := sales(t, server), sales(t, serve(t, imapServer{}.serve))
	good.Name = "good"
	g := start(t, m, nil, bad, good)
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(g.log.String(), "panic") && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
	g.waitForEvent(t, "good: success")
	if log := g.log.String(); !strings.Contains(log, "boom") {
		t.Errorf("log = %s", log)
	}
	done := make(chan struct{})
	go func() { defer close(done); g.stop() }()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Error("it does not stop")
	}
}

// FuzzResponses holds that whatever a server says ends in bounds, and never in a panic.
func FuzzResponses(f *testing.F) {
	f.Add("* OK [CAPABILITY IMAP4rev1] x\r\nT1 OK\r\nT2 OK\r\n* CAPABILITY IMAP4rev1 IDLE\r\nT3 OK\r\n* 1 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\nT4 OK x\r\n* 1 FETCH (UID 1 RFC822.SIZE 5)\r\nT5 OK\r\n* 1 FETCH (UID 1 BODY[] {5}\r\nabcde)\r\nT6 OK\r\n")
	f.Add("* PREAUTH x\r\n")
	f.Add("* OK x\r\n* LIST (\\Noselect) \"/\" {3}\r\nabc\r\n* 1 FETCH (BODY[HEADER.FIELDS (X)] NIL FLAGS ())\r\nT1 OK [COPYUID 1 1:2 3:4] x\r\nT2 BAD x\r\n")
	f.Add("* BYE\r\n")
	f.Fuzz(func(t *testing.T, said string) {
		ours, theirs := net.Pipe()
		go func() {
			defer theirs.Close()
			go func() { _, _ = io.Copy(io.Discard, theirs) }()
			_, _ = io.WriteString(theirs, said)
		}()
		m := newMemory()
		deps := &Deps{
			Receiver: m, Events: m, Switch: m, Mailboxes: m, Marks: m, Known: m, Tokens: m, Log: newTestLog(),
			dial: func(context.Context, outbound.Server) (*outbound.Conn, error) { return &outbound.Conn{Conn: ours}, nil },
		}
		deps.Dialer.Timeout = 5 * time.Second
		cfg := sales(t, outbound.Server{Host: "x.test", Port: 143, Security: outbound.Plaintext})
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		a := newAccount(cfg, deps, make(chan struct{}, 1), newTestLog())
		err := a.attempt(ctx)
		if err == nil || ctx.Err() != nil || strings.Contains(err.Error(), "panic") {
			t.Errorf("the attempt ended by %v", err)
		}
		for _, m := range m.mails {
			if !strings.Contains(said, m.raw) {
				t.Errorf("took %q, which nobody has said", m.raw)
			}
		}
	})
}

// TestPasswordRepeated has servers repeat the password wherever they have a word. Neither events, nor the status, nor the
// log, nor a test shows it.
func TestPasswordRepeated(t *testing.T) {
	t.Parallel()
	const canary = "canary-k7Q2xw"
	for name, answers := range map[string]map[string]string{
		"as a code":   {"LOGIN": "TAG NO [" + canary + "] no"},
		"of a login":  {"LOGIN": "TAG NO not " + canary},
		"of a folder": {"SELECT": "TAG NO u1 " + canary + " may not", "LIST": "* LIST () \"/\" " + canary + "\r\n"},
		"unreadable":  {"SELECT": "* " + canary + " is none\r\nTAG BAD " + canary},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := sales(t, serve(t, imapServer{answers: answers}.serve))
			cfg.Login.Password = password(t, canary)
			g := start(t, newMemory(), nil, cfg)
			imaptest.Eventually(t, "a failure", func() bool { return g.Status()[0].Err != nil })
			report, err := g.Test(t.Context(), cfg)
			g.stop()
			for _, said := range []string{fmt.Sprint(g.events()), g.Status()[0].Err.Error(), g.log.String(), fmt.Sprintf("%+v %+v %v", report, report.Failure, err)} {
				if strings.Contains(said, canary) {
					t.Errorf("the password is shown: %s", said)
				}
			}
		})
	}
}

// trickle says a little all the time, twice as much as counts as silence, and never what it owes.
func trickle(c net.Conn, lines *bufio.Reader) {
	fmt.Fprint(c, "* OK x\r\n")
	_, _ = lines.ReadString('\n')
	for {
		if _, err := fmt.Fprint(c, "* OK "+strings.Repeat("x", 93)+"\r\n"); err != nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// TestTricklingServers has as many servers trickle as may be connected to at the same time: another account is
// connected to meanwhile.
func TestTricklingServers(t *testing.T) {
	t.Parallel()
	var came atomic.Int32
	bad := make([]Config, connecting)
	for i := range bad {
		bad[i] = sales(t, serve(t, func(c net.Conn, lines *bufio.Reader) {
			came.Add(1)
			trickle(c, lines)
		}))
		bad[i].Name = fmt.Sprint("bad", i)
	}
	g := start(t, newMemory(), nil, bad...)
	imaptest.Eventually(t, "all that trickle", func() bool { return came.Load() >= connecting })
	good := sales(t, serve(t, imapServer{}.serve))
	good.Name = "good"
	g.Reconfigure(t.Context(), append(bad, good))
	g.waitForEvent(t, "good: success")
	if e := g.events(); len(e) != 1 {
		t.Errorf("it had to wait: %q", e)
	}
}

// TestTrickleEnds holds that a login has an end however little the server is silent.
func TestTrickleEnds(t *testing.T) {
	t.Parallel()
	g := start(t, newMemory(), func(d *Deps) { d.Dialer.Timeout = time.Second }, sales(t, serve(t, trickle)))
	imaptest.Eventually(t, "an end", func() bool {
		return strings.Contains(fmt.Sprint(g.events()), "sales: connection ETIMEDOUT: the server has not come to the end of a login in time")
	})
}

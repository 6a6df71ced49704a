package smarthost

import (
	"context"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/outbound"
)

const patience = time.Minute

// sink starts Postfix's smtp-sink, and returns where it is, and what reads the mails that it took.
func sink(t *testing.T, args ...string) (outbound.Server, func() []string) {
	t.Helper()
	program, err := exec.LookPath("smtp-sink")
	if err != nil {
		program = "/usr/sbin/smtp-sink"
	}
	if _, err := os.Stat(program); err != nil {
		if os.Getenv("POSTERN_TEST_REQUIRE") == "1" {
			t.Fatal("missing: smtp-sink (Debian: postfix)")
		}
		t.Skip("missing: smtp-sink (Debian: postfix)")
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	if me.Uid == "0" {
		args = append(args, "-u", me.Username)
	}
	dir := t.TempDir()
	for try := 1; ; try++ { // somebody may take the port before the server does
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		at := l.Addr().(*net.TCPAddr)
		_ = l.Close()
		cmd := exec.Command(program, append(args, "-d", filepath.Join(dir, "mail."), at.String(), "10")...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		if listens(t, at.String(), ended) {
			t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
			return outbound.Server{Host: "127.0.0.1", Port: at.Port, Security: outbound.Plaintext}, func() []string { return dumps(t, dir) }
		}
		if try == 3 {
			t.Fatal("smtp-sink does not start")
		}
	}
}

func listens(t *testing.T, address string, ended <-chan error) bool {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		select {
		case <-ended:
			return false
		default:
		}
		if c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address); err == nil {
			_ = c.Close()
			return true
		}
	}
	return false
}

func dumps(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "mail.*"))
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, string(text))
	}
	return list
}

// raw is a mail with what could be changed under way.
const raw = "From: =?utf-8?q?J=C3=BCrgen?= <juergen@example.org>\r\nSubject:  two  spaces \r\n\tand a fold\r\n\r\n" +
	".\r\n..two dots\r\n. one\r\n\r\n8 bit: \xe2\x9c\x93 \xff\x00\r\n" + "\ttrailing \t\r\n\r\n\r\nthe end, without a line's end"

const trace = "Received: from client.example ([192.0.2.1])\r\n\tby mx.acme.test (Postern) with ESMTP id msg_1;\r\n\tTue, 24 Nov 2026 18:00:00 +0000\r\n"

func host(s outbound.Server, change func(*Config)) *Host {
	cfg := Config{Server: s, Hostname: "mx.acme.test", Sender: Original, Recipient: Original, Timeout: patience}
	if change != nil {
		change(&cfg)
	}
	return New(cfg)
}

func letter(text string) Mail {
	return Mail{
		Envelope: mail.Envelope{ReversePath: "juergen@example.org"}, Recipient: "archive@acme.test",
		TraceField: trace, Body: strings.NewReader(text), Size: int64(len(text)),
	}
}

// TestSink has a mail arrive byte for byte under our trace fields, at a server that is not ours.
func TestSink(t *testing.T) {
	t.Parallel()
	s, got := sink(t)
	res := host(s, nil).Send(t.Context(), letter(raw))
	if !res.Delivered || !res.LoggedIn || res.Code != 250 || res.Failure != nil || res.Reason != "" {
		t.Fatalf("result = %+v", res)
	}
	mails := got()
	if len(mails) != 1 {
		t.Fatalf("%d mails", len(mails))
	}
	// The sink has written fields of its own, the lines ended by LF, and an empty line at the end.
	own, after, _ := strings.Cut(mails[0], "X-Postern-Loop: ")
	want := strings.ReplaceAll("mx.acme.test\r\n"+trace+raw+"\r\n\r\n", "\r\n", "\n")
	if diff := cmp.Diff(want, after); diff != "" {
		t.Errorf("the mail is another (-want +got):\n%s", diff)
	}
	for _, line := range []string{"X-Helo-Args: mx.acme.test\n", "X-Mail-Args: <juergen@example.org> BODY=8BITMIME\n", "X-Rcpt-Args: <archive@acme.test>\n"} {
		if !strings.Contains(own, line) {
			t.Errorf("the sink did not note %q: %s", line, own)
		}
	}
}

// TestReplies has each command refused in turn, and holds what becomes of the mail.
func TestReplies(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "."} {
		before := command == "CONNECT" || command == "EHLO"
		for option, w := range map[string]struct {
			code   int
			reason string
			res    Result
		}{
			"-f": {500, "500 5.3.0 Error: command failed", Result{Permanent: !before, LoggedIn: !before}},
			"-r": {450, "450 4.3.0 Error: command failed", Result{LoggedIn: !before}},
			"-Q": {421, "421 4.7.0 Service not available", Result{}},
			"-q": {0, "", Result{}},
		} {
			t.Run(command+" "+option, func(t *testing.T) {
				t.Parallel()
				args := []string{option, command}
				if command == "EHLO" {
					args[1] = "EHLO,HELO"
				}
				s, got := sink(t, args...)
				res := host(s, nil).Send(t.Context(), letter(raw))
				if res.Delivered || res.Permanent != w.res.Permanent || res.LoggedIn != w.res.LoggedIn || res.Code != w.code ||
					(res.Failure == nil) != w.res.LoggedIn {
					t.Errorf("result = %+v, failure %v", res, res.Failure)
				}
				if w.code != 0 && !strings.Contains(res.Reason, strconv.Itoa(w.code)) {
					t.Errorf("reason = %q, want %q", res.Reason, w.reason)
				}
				if w.code == 0 && (res.Failure == nil || res.Failure.Code != outbound.ConnReset) {
					t.Errorf("failure = %+v", res.Failure)
				}
				// The sink begins a file at RCPT, and goes on with it.
				if list := got(); command != "." && len(list) > 0 && strings.Contains(list[0], "the end") {
					t.Error("the mail arrived")
				}
			})
		}
	}
}

// TestGone holds that a server which is not there is told of, and not the mail's fault.
func TestGone(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := outbound.Server{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port}
	_ = l.Close()
	res := host(s, nil).Send(t.Context(), letter(raw))
	want := "connect ECONNREFUSED " + s.Address()
	if res.Failure == nil || res.Failure.Code != outbound.ConnRefused || res.Failure.Response != want || res.Reason != "connect: "+want || res.Permanent || res.LoggedIn {
		t.Errorf("result = %+v", res)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if res := host(s, nil).Send(ctx, letter(raw)); res.Failure == nil || res.Failure.Code != outbound.ConnAborted {
		t.Errorf("of a stop: result = %+v", res)
	}
}

package scan

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"

	"github.com/postern-mail/postern/gateway/internal/mail"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// body is a mail in memory. It notes reads after its end.
type body struct {
	*bytes.Reader
	over, late atomic.Bool
}

func (b *body) Close() error { return nil }
func (b *body) Size() int64  { return b.Reader.Size() }

func (b *body) ReadAt(p []byte, off int64) (int, error) {
	if b.over.Load() {
		b.late.Store(true)
	}
	return b.Reader.ReadAt(p, off)
}

const simpleMail = "From: a@example.org\r\nTo: b@example.net\r\nSubject: hello\r\n\r\nHello.\r\n"

// mailOf is a mail with an ordinary envelope.
func mailOf(text string) Mail {
	return Mail{
		Body: &body{Reader: bytes.NewReader([]byte(text))},
		ID:   "msg_01ARYZ6S410000000000000000",
		Envelope: mail.Envelope{
			ReversePath: "a@example.org",
			Session:     mail.Session{HELO: "mx.example.org", RemoteIP: netip.MustParseAddr("192.0.2.1")},
		},
		Recipients: []string{"b@example.net", "c@example.net"},
		ClientName: "mx.example.org",
		Hostname:   "gw.example.net",
	}
}

// failingBody cannot be read beyond an offset.
type failingBody struct {
	body
	from int64
	err  error
}

func (b *failingBody) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) <= b.from {
		return b.body.ReadAt(p, off)
	}
	n := 0
	if off < b.from {
		n, _ = b.body.ReadAt(p[:b.from-off], off)
	}
	return n, b.err
}

var errDisk = errors.New("the disk is on fire")

// badBodies cannot be read whole.
func badBodies() map[string]mail.Body {
	text := bytes.Repeat([]byte("x"), 200_000)
	return map[string]mail.Body{
		"fails at once":  &failingBody{body{Reader: bytes.NewReader(text)}, 0, errDisk},
		"fails later":    &failingBody{body{Reader: bytes.NewReader(text)}, 150_000, errDisk},
		"ends too early": &failingBody{body{Reader: bytes.NewReader(text)}, 150_000, io.EOF},
	}
}

// wantError checks the reason of an error and what its text holds.
func wantError(t *testing.T, err error, reason Reason, texts ...string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("error = %v, want an *Error with %s", err, reason)
	}
	if e.Reason != reason {
		t.Errorf("error = %v, want %s", err, reason)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error = %v, want one with %q", err, text)
		}
	}
	if len(err.Error()) > 500 || printable(err.Error(), 500) != err.Error() {
		t.Errorf("error = %q, want one short line", err)
	}
}

// listen calls serve with each connection and its number from 1, on a goroutine
// of its own, and returns its address.
func listen(t *testing.T, network, address string, serve func(n int, conn net.Conn)) string {
	t.Helper()
	listener, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := 1; ; n++ {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer func() { _ = conn.Close() }()
				serve(n, conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		wg.Wait()
	})
	return listener.Addr().String()
}

// pipes dials to serve within a bubble of synctest; wait returns when all of them
// have ended.
func pipes(serve func(conn net.Conn)) (dial Dial, wait func()) {
	var servers sync.WaitGroup
	return func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		servers.Go(func() {
			defer func() { _ = theirs.Close() }()
			serve(theirs)
		})
		return ours, nil
	}, servers.Wait
}

// drip writes one octet per second until the peer hangs up.
func drip(conn net.Conn, text string) {
	<-time.After(time.Second / 2) // never at the very time that something ends
	for i := 0; ; i++ {
		<-time.After(time.Second)
		if _, err := conn.Write([]byte{text[i%len(text)]}); err != nil {
			return
		}
	}
}

// reset ends a connection by RST.
func reset(conn net.Conn) {
	if held, ok := conn.(heldConn); ok {
		conn = held.Conn
	}
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

// logBuffer keeps the lines of a log, without their times.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) lines() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Split(strings.TrimSuffix(b.buf.String(), "\n"), "\n")
}

func newLog() (hclog.Logger, *logBuffer) {
	buffer := &logBuffer{}
	return hclog.New(&hclog.LoggerOptions{Output: buffer, Level: hclog.Trace, DisableTime: true}), buffer
}

func TestReports(t *testing.T) {
	t.Parallel()
	spam := SpamReport{Status: Done, Answer: json.RawMessage(`{"score":1}`)}
	got, ok := TellSpam(spam.Answer, mail.SpamTag)
	want := mail.Report{Engine: "rspamd", Part: mail.WholeMail, Answer: json.RawMessage(`{"gateway_action":"tag","score":1}`)}
	if diff := cmp.Diff(want, got); !ok || diff != "" {
		t.Errorf("ok = %v, -want +got\n%s", ok, diff)
	}
	if got, ok := TellSpam(nil, mail.SpamDefault); ok {
		t.Errorf("a report without an answer: %v", got)
	}
	for _, tc := range []struct {
		report VirusReport
		want   string
	}{
		{VirusReport{Part: mail.WholeMail, Status: Clean, Version: "1.4.6"}, `{"status":"clean","engineVersion":"1.4.6"}`},
		{VirusReport{Part: 2, Status: Infected, Signature: "Eicar"}, `{"status":"infected","signature":"Eicar"}`},
		{VirusReport{Status: TooLarge, Reason: "larger than 5 octets"}, `{"status":"too-large","reason":"larger than 5 octets"}`},
		{VirusReport{Status: Failed, Reason: Timeout.text()}, `{"status":"failed","reason":"the scanner did not answer in time"}`},
	} {
		want := mail.Report{Engine: "clamav", Part: tc.report.Part, Answer: json.RawMessage(tc.want)}
		if diff := cmp.Diff(want, tc.report.Report()); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	}
}

// TestReasons holds that none is forgotten.
func TestReasons(t *testing.T) {
	t.Parallel()
	const bad, good, neither = 1, 2, 3
	for reason, want := range map[Reason]int{
		Connect: bad, Timeout: bad, Interrupted: bad, Protocol: bad,
		Refused:     good,
		Unavailable: neither, Busy: neither, Canceled: neither, Unreadable: neither,
	} {
		got := good
		switch {
		case reason.scannersFault():
			got = bad
		case reason.saysNothing():
			got = neither
		}
		if got != want || reason.text() == Reason("other").text() {
			t.Errorf("%s: %d, want %d; text %q", reason, got, want, reason.text())
		}
	}
}

func TestPrintable(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                         "",
		"mx.example":               "mx.example",
		"mx.example.org":           "mx.example",
		"a\r\nUser: root":          "a??User: r",
		"düsseldorf":               "d?sseldorf",
		"\x00\x1b\x7f\xff\u2028":   "?????",
		strings.Repeat("ä", 1000):  "??????????",
		strings.Repeat("xy", 1000): "xyxyxyxyxy",
	} {
		if got := printable(in, 10); got != want {
			t.Errorf("printable(%q) = %q, want %q", in, got, want)
		}
	}
}

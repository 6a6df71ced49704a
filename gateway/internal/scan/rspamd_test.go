package scan

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"
)

const tagged = `{"is_skipped":false,"score":7.5,"required_score":15.0,"action":"add header","symbols":{"A":{"name":"A","score":7.5}},"messages":{}}`

// rspamdAt is a client of what listens at an address.
func rspamdAt(t *testing.T, address string, l Limits) *Rspamd {
	t.Helper()
	r, err := NewRspamd(RspamdConfig{URL: "http://" + address, Limits: l}, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// readRequest reads one request with its body.
func readRequest(conn net.Conn) (*http.Request, []byte) {
	req, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return nil, nil
	}
	text, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, nil
	}
	return req, text
}

func TestRspamd(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 10_000, 3 << 20} {
		text := strings.Repeat("x", size)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			got, err := io.ReadAll(req.Body)
			if err != nil || string(got) != text || req.ContentLength != int64(size) {
				t.Errorf("body of %d octets, length %d, %v", len(got), req.ContentLength, err)
			}
			if req.Method != http.MethodPost || req.URL.Path != "/behind/checkv2" {
				t.Errorf("%s %s", req.Method, req.URL)
			}
			if got := req.Header["Rcpt"]; len(got) != 2 || req.Header.Get("From") != "<a@example.org>" {
				t.Errorf("header = %v", req.Header)
			}
			if _, ok := req.Header["Idempotency-Key"]; ok || req.Header.Get("Accept-Encoding") != "" {
				t.Errorf("header = %v", req.Header)
			}
			w.Header().Set("Server", "rspamd/3.4")
			_, _ = io.WriteString(w, tagged)
		}))
		r := rspamdAt(t, server.Listener.Addr().String()+"/behind/", Limits{})
		got, err := r.Scan(t.Context(), mailOf(text))
		if err != nil || got.Duration <= 0 {
			t.Errorf("%v, %+v", err, got)
		}
		got.Duration, got.Answer = 0, nil
		want := SpamReport{Status: Done, Score: 7.5, RequiredScore: 15, Action: AddHeader, Version: "3.4"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		r.Close()
		server.Close()
	}
}

func TestRspamdConfig(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		"", "127.0.0.1:11333", "ftp://127.0.0.1", "http://", "http://:11333", "://",
		"http://user:canary@127.0.0.1", "http://127.0.0.1?canary=1", "http://127.0.0.1#canary", "http://127.0.0.1:canary",
	} {
		_, err := NewRspamd(RspamdConfig{URL: bad}, hclog.NewNullLogger())
		if err == nil || !strings.HasPrefix(err.Error(), "rspamd: the URL") || strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: error = %v", bad, err)
		}
	}
}

// writeUntilHungUp writes text again and again and returns how much the peer took.
func writeUntilHungUp(conn net.Conn, text string) int64 {
	var written int64
	block := []byte(strings.Repeat(text, 1+4096/len(text)))
	for written < 10<<30 {
		n, err := conn.Write(block)
		written += int64(n)
		if err != nil {
			break
		}
	}
	return written
}

// TestHostileRspamd lets the server do its worst after it read the request.
func TestHostileRspamd(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer func(conn net.Conn)
		reason Reason
		text   string
	}{
		"10 GB of body": {func(conn net.Conn) {
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", int64(10<<30))
			if n := writeUntilHungUp(conn, "body"); n > 64<<20 {
				t.Errorf("the client took %d octets", n)
			}
		}, Protocol, "more than 8388608 octets"},
		"10 GB in chunks": {func(conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
			writeUntilHungUp(conn, "4\r\nbody\r\n")
		}, Protocol, "more than 8388608 octets"},
		"10 GB of gzip": {func(conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08")
		}, Protocol, "no JSON object"},
		"endless headers": {func(conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
			writeUntilHungUp(conn, "X-More: yes\r\n")
		}, Protocol, "exceeded 16384 bytes"},
		"an endless status line": {func(conn net.Conn) { writeUntilHungUp(conn, "HTTP/1.1 200 ") }, Protocol, "exceeded 16384 bytes"},
		"endless 1xx answers": {func(conn net.Conn) {
			writeUntilHungUp(conn, "HTTP/1.1 103 Early Hints\r\n\r\n")
		}, Protocol, "exceeded 16384 bytes"},
		"not HTTP":       {func(conn net.Conn) { _, _ = io.WriteString(conn, "220 mx ESMTP\x1b[31m\r\n") }, Protocol, "malformed HTTP"},
		"a long line":    {func(conn net.Conn) { _, _ = io.WriteString(conn, strings.Repeat("x", 10_000)+"\r\n\r\n") }, Protocol, "malformed HTTP"},
		"clamd":          {func(conn net.Conn) { _, _ = io.WriteString(conn, "UNKNOWN COMMAND\x00") }, Protocol, "malformed HTTP"},
		"no answer":      {func(net.Conn) {}, Interrupted, "hung up"},
		"a reset":        {reset, Interrupted, "hung up"},
		"half a header":  {func(conn net.Conn) { _, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n") }, Interrupted, "hung up"},
		"half a line":    {func(conn net.Conn) { _, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Le") }, Protocol, "malformed MIME header"},
		"half an answer": {func(conn net.Conn) { answer(conn, 200, tagged, len(tagged)+1) }, Interrupted, "hung up"},
		"half an answer, then a reset": {func(conn net.Conn) {
			answer(conn, 200, tagged, len(tagged)+1)
			reset(conn)
		}, Interrupted, "hung up"},
		"half a chunk": {func(conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n"+tagged)
		}, Interrupted, "hung up"},
		"an empty answer": {func(conn net.Conn) { answer(conn, 200, "", 0) }, Protocol, "no JSON object"},
		"a cut answer":    {func(conn net.Conn) { answer(conn, 200, tagged, len(tagged)-1) }, Protocol, "no JSON object"},
		"HTML":            {func(conn net.Conn) { answer(conn, 200, "<html>", 6) }, Protocol, "no JSON object"},
		"deep JSON":       {func(conn net.Conn) { answer(conn, 200, strings.Repeat("[", 1<<20), 1<<20) }, Protocol, "deeper than 32"},
		"another action": {func(conn net.Conn) {
			text := strings.Replace(tagged, "add header", "explode", 1)
			answer(conn, 200, text, len(text))
		}, Protocol, `action "explode"`},
		"204":                {func(conn net.Conn) { answer(conn, 204, "", 0) }, Protocol, "status 204 No Content"},
		"206":                {func(conn net.Conn) { answer(conn, 206, tagged, len(tagged)) }, Protocol, "status 206"},
		"301":                {func(conn net.Conn) { answer(conn, 301, "", 0) }, Protocol, "status 301 Moved Permanently"},
		"502 with HTML":      {func(conn net.Conn) { answer(conn, 502, "<html>", 6) }, Protocol, "status 502 Bad Gateway"},
		"500 with a verdict": {func(conn net.Conn) { answer(conn, 500, tagged, len(tagged)) }, Protocol, "status 500"},
		"an unknown status":  {func(conn net.Conn) { answer(conn, 799, "", 0) }, Protocol, "status 799;"},
		"101, then silence": {func(conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
			_, _ = io.Copy(io.Discard, conn)
		}, Protocol, "status 101"},
		"rspamd's own error": {func(conn net.Conn) {
			answer(conn, 500, `{"error":"invalid command","error_domain":"protocol-error"}`, 59)
		}, Refused, `status 500 Internal Server Error: "invalid command"`},
		"an error with an evil text": {func(conn net.Conn) {
			text := `{"error":"\u001b[31m\r\n` + strings.Repeat("x", 2000) + `"}`
			answer(conn, 404, text, len(text))
		}, Refused, `"?[31m??xxx`},
		"a refusal of 10 GB": {func(conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 403 No\r\n\r\n")
			writeUntilHungUp(conn, "no")
		}, Protocol, "status 403"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := listen(t, "tcp", "127.0.0.1:0", func(_ int, conn net.Conn) {
				if req, _ := readRequest(conn); req != nil {
					tc.answer(conn)
				}
			})
			got, err := rspamdAt(t, address, Limits{}).Scan(t.Context(), mailOf(simpleMail))
			wantError(t, err, tc.reason, "rspamd at http://"+address, tc.text)
			if got.Status != Failed || got.Answer != nil || got.Score != 0 {
				t.Errorf("report = %+v", got)
			}
		})
	}
}

func answer(conn net.Conn, status int, text string, length int) {
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 %d X\r\nServer: rspamd/3.4\r\nContent-Length: %d\r\n\r\n%s", status, length, text)
}

// TestEarlyAnswers holds that a verdict about a part is none. The mail is larger
// than what can be on its way.
func TestEarlyAnswers(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("x", 40<<20)
	for name, tc := range map[string]struct {
		status int
		text   string
		reason Reason
		want   string
	}{
		"a verdict": {200, tagged, Protocol, "before the mail was handed over"},
		"an error":  {413, `{"error":"too large"}`, Refused, `"too large"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			served := make(chan struct{})
			address := listen(t, "tcp", "127.0.0.1:0", func(_ int, conn net.Conn) {
				_, _ = io.ReadFull(conn, make([]byte, 1000))
				answer(conn, tc.status, tc.text, len(tc.text))
				<-served
			})
			m := mailOf(big)
			_, err := rspamdAt(t, address, Limits{}).Scan(t.Context(), m)
			m.Body.(*body).over.Store(true)
			close(served)
			wantError(t, err, tc.reason, tc.want)
			if m.Body.(*body).late.Load() {
				t.Error("the mail was read after the scan")
			}
		})
	}
}

func TestRspamdTooLarge(t *testing.T) {
	t.Parallel()
	r := rspamdAt(t, "127.0.0.1:1", Limits{MaxSize: 10, Failures: 1})
	got, err := r.Scan(t.Context(), mailOf("12345678901"))
	if diff := cmp.Diff(SpamReport{Status: TooLarge}, got); err != nil || diff != "" {
		t.Errorf("%v, -want +got\n%s", err, diff)
	}
	_, err = r.Scan(t.Context(), mailOf("1234567890")) // is asked about
	wantError(t, err, Connect, "127.0.0.1:1", "see whether it runs")
	_, err = r.Scan(t.Context(), mailOf("1"))
	wantError(t, err, Unavailable)
	wantError(t, r.Ping(t.Context()), Connect)
}

func TestRspamdUnreadableMail(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body)
		_, _ = io.WriteString(w, tagged)
	}))
	t.Cleanup(server.Close)
	r := rspamdAt(t, server.Listener.Addr().String(), Limits{Failures: 1})
	for name, b := range badBodies() {
		m := mailOf("")
		m.Body = b
		got, err := r.Scan(t.Context(), m)
		wantError(t, err, Unreadable, "read the mail: ")
		if got.Status != Failed {
			t.Errorf("%s: report = %+v", name, got)
		}
	}
	if got, err := r.Scan(t.Context(), mailOf(simpleMail)); err != nil || got.Status != Done { // the breaker has not counted
		t.Errorf("%+v, %v", got, err)
	}
}

// TestKeptConnections holds that connections are kept where the server does, and
// that one which it closes as the next scan comes costs nothing.
func TestKeptConnections(t *testing.T) {
	t.Parallel()
	var conns atomic.Int32
	address := listen(t, "tcp", "127.0.0.1:0", func(_ int, conn net.Conn) {
		conns.Add(1)
		for i := range 3 {
			req, text := readRequest(conn)
			if req == nil || i == 2 {
				return // it hangs up, without a word
			}
			if string(text) != simpleMail {
				t.Errorf("body = %q", text)
			}
			answer(conn, 200, tagged, len(tagged))
		}
	})
	r := rspamdAt(t, address, Limits{Failures: 1})
	for range 10 {
		if got, err := r.Scan(t.Context(), mailOf(simpleMail)); err != nil || got.Action != AddHeader {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	if n := conns.Load(); n != 5 {
		t.Errorf("%d connections", n)
	}
}

// TestSlowRspamd runs in bubbles, whose time is their own.
func TestSlowRspamd(t *testing.T) {
	t.Parallel()
	read := func(conn net.Conn) { readRequest(conn) }
	for name, tc := range map[string]struct {
		serve  func(conn net.Conn)
		giveUp time.Duration
		reason Reason // empty for an answer
		took   time.Duration
	}{
		"never reads":   {func(net.Conn) { <-time.After(time.Hour) }, 0, Timeout, 30 * time.Second},
		"never answers": {func(conn net.Conn) { read(conn); _, _ = io.Copy(io.Discard, conn) }, 0, Timeout, 30 * time.Second},
		"headers at 1 B/s": {func(conn net.Conn) {
			read(conn)
			drip(conn, "HTTP/1.1 200 OK\r\nX-Slow: a long and slow header that takes more than half a minute\r\n\r\n")
		}, 0, Timeout, 30 * time.Second},
		"a body at 1 B/s": {func(conn net.Conn) {
			read(conn)
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
			drip(conn, tagged)
		}, 0, Timeout, 30 * time.Second},
		"a refusal at 1 B/s": {func(conn net.Conn) {
			read(conn)
			_, _ = io.WriteString(conn, "HTTP/1.1 500 No\r\n\r\n")
			drip(conn, tagged)
		}, 0, Protocol, 30 * time.Second},
		"the caller gives up": {func(conn net.Conn) { read(conn); _, _ = io.Copy(io.Discard, conn) }, 5 * time.Second, Canceled, 5 * time.Second},
		"slow, but in time": {func(conn net.Conn) {
			read(conn)
			<-time.After(29 * time.Second)
			answer(conn, 200, tagged, len(tagged))
		}, 0, "", 29 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dial, wait := pipes(tc.serve)
				defer wait()
				r, err := NewRspamd(RspamdConfig{URL: "http://rspamd.test", Dial: dial, Limits: Limits{Failures: 1}}, hclog.NewNullLogger())
				if err != nil {
					t.Fatal(err)
				}
				defer r.Close()
				ctx := t.Context()
				if tc.giveUp > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tc.giveUp)
					defer cancel()
				}
				m := mailOf(simpleMail)
				got, err := r.Scan(ctx, m)
				m.Body.(*body).over.Store(true)
				if tc.reason != "" {
					wantError(t, err, tc.reason)
				} else if err != nil || got.Status != Done {
					t.Errorf("%+v, %v", got, err)
				}
				if got.Duration != tc.took {
					t.Errorf("took %s, want %s", got.Duration, tc.took)
				}
				synctest.Wait()
				if m.Body.(*body).late.Load() {
					t.Error("the mail was read after the scan")
				}
			})
		})
	}
}

func TestRspamdPing(t *testing.T) {
	t.Parallel()
	var text atomic.Value
	text.Store("pong\r\n")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Method != http.MethodGet || req.URL.Path != "/ping" {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = io.WriteString(w, text.Load().(string))
	}))
	t.Cleanup(server.Close)
	r := rspamdAt(t, server.Listener.Addr().String(), Limits{})
	if err := r.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	text.Store("<html>")
	wantError(t, r.Ping(t.Context()), Protocol, "no pong")
	wantError(t, rspamdAt(t, server.Listener.Addr().String()+"/elsewhere", Limits{}).Ping(t.Context()), Protocol, "status 404")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantError(t, r.Ping(ctx), Canceled)
}

// TestUpload holds that a mail is read for nobody once its scan is over.
func TestUpload(t *testing.T) {
	t.Parallel()
	b := &body{Reader: bytes.NewReader([]byte(simpleMail))}
	u := &upload{body: b}
	first, _ := u.open()
	if n, err := io.CopyN(io.Discard, first, 10); n != 10 || err != nil {
		t.Fatal(n, err)
	}
	second, _ := u.open()
	if whole, err := u.state(); whole || err != nil {
		t.Errorf("before: %v, %v", whole, err)
	}
	if got, err := io.ReadAll(second); string(got) != simpleMail || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if whole, err := u.state(); !whole || err != nil {
		t.Errorf("after: %v, %v", whole, err)
	}
	u.close()
	b.over.Store(true)
	if n, err := first.Read(make([]byte, 10)); n != 0 || err == nil || b.late.Load() {
		t.Errorf("after the end: %d, %v, read %v", n, err, b.late.Load())
	}
}

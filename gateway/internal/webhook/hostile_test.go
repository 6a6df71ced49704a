package webhook

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// rawServer calls serve with each connection and its number from 1, on a
// goroutine of its own, and returns its URL.
func rawServer(t *testing.T, serve func(n int, conn net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
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
	t.Cleanup(func() { // after that of the client, which hangs up
		_ = listener.Close()
		wg.Wait()
	})
	return "http://" + listener.Addr().String()
}

// readRequest reads one request with its body, and reports whether there was one.
func readRequest(r *bufio.Reader) bool {
	req, err := http.ReadRequest(r)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, req.Body)
	return err == nil
}

// writeUntilHungUp writes text again and again, limit octets at most, and
// returns how many octets the peer took.
func writeUntilHungUp(conn net.Conn, text string, limit int64) int64 {
	var written int64
	block := []byte(strings.Repeat(text, 1+4096/len(text)))
	for written < limit {
		n, err := conn.Write(block)
		written += int64(n)
		if err != nil {
			break
		}
	}
	return written
}

func reset(conn net.Conn) {
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

// TestHostileAnswers lets the endpoint do its worst after it read the request.
func TestHostileAnswers(t *testing.T) {
	t.Parallel()
	const endless = 10 << 30
	for name, tc := range map[string]struct {
		answer   func(conn net.Conn)
		code     int
		reason   string // its beginning
		response string
	}{
		"10 GB of body": {
			answer: func(conn net.Conn) {
				_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", int64(endless))
				// What was on its way when the client hung up counts too.
				if n := writeUntilHungUp(conn, "body", endless); n > 64<<20 {
					t.Errorf("the client took %d octets", n)
				}
			},
			code: 200, response: strings.Repeat("body", keptAnswerBytes/4),
		},
		"10 GB of body without a length": {
			answer: func(conn net.Conn) {
				_, _ = io.WriteString(conn, "HTTP/1.1 500 Oops\r\n\r\n")
				writeUntilHungUp(conn, "body", endless)
			},
			code: 500, reason: "status: 500 Internal Server Error", response: strings.Repeat("body", keptAnswerBytes/4),
		},
		"endless chunk extensions": {
			answer: func(conn net.Conn) {
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;")
				writeUntilHungUp(conn, "x=y;", endless)
			},
			code: 200,
		},
		"endless trailers": {
			answer: func(conn net.Conn) {
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")
				writeUntilHungUp(conn, "X-Trailer: yes\r\n", endless)
			},
			code: 200,
		},
		"endless headers": {
			answer: func(conn net.Conn) {
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
				writeUntilHungUp(conn, "X-More: yes\r\n", endless)
			},
			reason: "protocol: server response headers exceeded 16384 bytes",
		},
		"an endless header": {
			answer: func(conn net.Conn) {
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nX-Long: ")
				writeUntilHungUp(conn, "xxxxxxxx", endless)
			},
			reason: "protocol: server response headers exceeded 16384 bytes",
		},
		"an endless status line": {
			answer: func(conn net.Conn) { writeUntilHungUp(conn, "HTTP/1.1 200 ", endless) },
			reason: "protocol: server response headers exceeded 16384 bytes",
		},
		"endless 1xx answers": {
			answer: func(conn net.Conn) { writeUntilHungUp(conn, "HTTP/1.1 103 Early Hints\r\n\r\n", endless) },
			reason: "protocol: server response headers exceeded 16384 bytes",
		},
		"not HTTP": {
			answer: func(conn net.Conn) { _, _ = io.WriteString(conn, "220 mx.test ESMTP\x1b[31m\r\n") },
			reason: "protocol: ",
		},
		"its own text for a status": {
			answer: func(conn net.Conn) {
				_, _ = io.WriteString(conn, "HTTP/1.1 500 \x1b[31mpwned\x1b[0m\r\nContent-Length: 0\r\n\r\n")
			},
			code: 500, reason: "status: 500 Internal Server Error",
		},
		"another protocol": {
			// The connection stays open: nothing may wait for its end.
			answer: func(conn net.Conn) {
				_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
				_, _ = io.Copy(io.Discard, conn)
			},
			code: 101, reason: "status: 101 Switching Protocols",
		},
		"nothing": {
			answer: func(net.Conn) {},
			reason: "reset: ",
		},
		"reset": {
			answer: reset,
			reason: "reset: ",
		},
		"half a status line": {
			answer: func(conn net.Conn) { _, _ = io.WriteString(conn, "HTTP/1.1 20") },
			reason: `protocol: malformed HTTP status code "20"`,
		},
		"half a header": {
			answer: func(conn net.Conn) { _, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Le") },
			reason: `protocol: malformed MIME header: missing colon: "Content-Le"`,
		},
		"half an answer": {
			answer: func(conn net.Conn) { _, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nX: y\r\n") },
			reason: "reset: the connection ended before an answer: unexpected EOF",
		},
		"200 and an end too early": {
			answer: func(conn net.Conn) { _, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nsome") },
			code:   200, response: "some",
		},
		"200 and a broken body": {
			answer: func(conn net.Conn) {
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\nzzz\r\n")
			},
			code: 200, response: "some",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := rawServer(t, func(_ int, conn net.Conn) {
				if readRequest(bufio.NewReader(conn)) {
					tc.answer(conn)
				}
			})
			got := newClient(t, Config{}).Send(t.Context(), request(t, url, []byte(`{}`)))
			if got.Code != tc.code || got.Delivered != (tc.code == 200) || !strings.HasPrefix(got.Reason, tc.reason) || (tc.reason == "") != (got.Reason == "") {
				t.Errorf("result = %+v, want code %d, reason %q…", got, tc.code, tc.reason)
			}
			if string(got.Response) != tc.response {
				t.Errorf("response = %q, want %q", got.Response, tc.response)
			}
			checkReason(t, got.Reason)
		})
	}
}

func TestResetAfter200(t *testing.T) {
	t.Parallel()
	srv, pool := newTLSServer(t, true, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.URL.Path == "/late" {
			_, _ = io.WriteString(w, "some")
			_ = http.NewResponseController(w).Flush()
		}
		panic(http.ErrAbortHandler)
	})
	client := newClient(t, Config{RootCAs: pool})
	if got := client.Send(t.Context(), request(t, srv.URL+"/late", []byte(`{}`))); !got.Delivered || got.Code != 200 {
		t.Errorf("reset after the headers: result = %+v", got)
	}
	if got := client.Send(t.Context(), request(t, srv.URL+"/early", []byte(`{}`))); !strings.HasPrefix(got.Reason, "reset: ") {
		t.Errorf("reset before the headers: result = %+v", got)
	}
}

func TestHostileHTTP2Headers(t *testing.T) {
	t.Parallel()
	srv, pool := newTLSServer(t, true, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.URL.Path == "/long" {
			w.Header().Set("X-Long", strings.Repeat("x", 4*maxHeaderBytes))
			return
		}
		for r.Context().Err() == nil {
			w.WriteHeader(http.StatusEarlyHints)
		}
	})
	client := newClient(t, Config{RootCAs: pool})
	for _, path := range []string{"/long", "/early"} {
		got := client.Send(t.Context(), request(t, srv.URL+path, []byte(`{}`)))
		if got.Delivered || got.Code != 0 || (!strings.HasPrefix(got.Reason, "protocol: ") && !strings.HasPrefix(got.Reason, "reset: ")) {
			t.Errorf("%s: result = %+v", path, got)
		}
		checkReason(t, got.Reason)
	}
}

func TestCompressedAnswerStaysCompressed(t *testing.T) {
	t.Parallel()
	var bomb bytes.Buffer
	w := gzip.NewWriter(&bomb)
	if _, err := w.Write(make([]byte, 4<<20)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	srv := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Accept-Encoding"); got != "" {
			t.Errorf("Accept-Encoding = %q", got)
		}
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(bomb.Bytes())
	})
	got := newClient(t, Config{}).Send(t.Context(), request(t, srv.URL, []byte(`{}`)))
	if !got.Delivered || !bytes.Equal(got.Response, bomb.Bytes()[:keptAnswerBytes]) {
		t.Errorf("result = %+v", got)
	}
}

// TestEarlyAnswer has the endpoint answer when it has seen the headers only.
func TestEarlyAnswer(t *testing.T) {
	t.Parallel()
	payload := bytes.Repeat([]byte("x"), 32<<20) // more than the sockets hold
	answered := make(chan struct{})
	url := rawServer(t, func(n int, conn net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReaderSize(conn, 16)); err != nil {
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 413 Too Much\r\nContent-Length: 2\r\n\r\nno")
		if n == 1 {
			<-answered // reading nothing more
		}
		reset(conn)
	})
	client := newClient(t, Config{})
	got := client.Send(t.Context(), request(t, url, payload))
	close(answered)
	if got.Code != 413 || got.Reason != "status: 413 Request Entity Too Large" || string(got.Response) != "no" {
		t.Errorf("result = %+v", got)
	}
	// With a reset at once behind it, the answer may be lost. It is no success.
	got = client.Send(t.Context(), request(t, url, payload))
	if got.Delivered || (got.Code != 413 && !strings.HasPrefix(got.Reason, "reset: ")) {
		t.Errorf("with a reset: result = %+v", got)
	}
}

// TestStaleConnection has the endpoint close a kept connection when the next
// request is already under way.
func TestStaleConnection(t *testing.T) {
	t.Parallel()
	var requests atomic.Int32
	url := rawServer(t, func(n int, conn net.Conn) {
		r := bufio.NewReader(conn)
		for i := 1; readRequest(r); i++ {
			requests.Add(1)
			if n == 1 && i == 2 {
				return
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
		}
	})
	client := newClient(t, Config{})
	for range 3 {
		if got := client.Send(t.Context(), request(t, url, []byte(`{}`))); !got.Delivered {
			t.Errorf("result = %+v", got)
		}
	}
	if n := requests.Load(); n != 4 {
		t.Errorf("%d requests arrived, want 4", n)
	}
}

// TestCloseEndsConnections holds that nothing outlives Close, not even what the
// endpoint keeps busy.
func TestCloseEndsConnections(t *testing.T) {
	t.Parallel()
	hungUp := make(chan struct{})
	url := rawServer(t, func(n int, conn net.Conn) {
		if n == 1 {
			defer close(hungUp)
		}
		r := bufio.NewReader(conn)
		if readRequest(r) {
			_, _ = io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
		}
		_, _ = io.Copy(io.Discard, r)
	})
	client := newClient(t, Config{})
	if got := client.Send(t.Context(), request(t, url, []byte(`{}`))); !got.Delivered {
		t.Fatalf("result = %+v", got)
	}
	client.Close()
	<-hungUp
	if got := client.Send(t.Context(), request(t, url, []byte(`{}`))); got.Delivered || !strings.HasPrefix(got.Reason, "reset: ") {
		t.Errorf("after Close: result = %+v", got)
	}
	client.Close() // once more is no harm
}

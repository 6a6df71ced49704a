package webhook

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/dns/dnsmessage"
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

// bubble runs serve as the endpoint of a client whose connections are pipes, so
// that time is the bubble's.
func bubble(t *testing.T, serve func(conn net.Conn), check func(t *testing.T, result Result)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var endpoint sync.WaitGroup
		defer endpoint.Wait()
		client := New(Config{
			AllowHTTP: true,
			Timeout:   30 * time.Second,
			Dial: func(context.Context, string, string) (net.Conn, error) {
				ours, theirs := net.Pipe()
				endpoint.Go(func() {
					defer func() { _ = theirs.Close() }()
					serve(theirs)
				})
				return ours, nil
			},
		})
		// What the client started ends with it: a bubble fails over what is left.
		defer client.Close()
		check(t, client.Send(t.Context(), request(t, "http://endpoint.test/", []byte(`{}`))))
	})
}

// drip writes one octet per second until the peer hangs up.
func drip(conn net.Conn, octets string) {
	<-time.After(time.Second / 2) // never at the very time that something ends
	for i := 0; ; i++ {
		<-time.After(time.Second)
		if _, err := conn.Write([]byte{octets[i%len(octets)]}); err != nil {
			return
		}
	}
}

func TestSlowAnswers(t *testing.T) {
	t.Parallel()
	const timedOut = "timeout: no answer within 30s"
	for name, tc := range map[string]struct {
		serve    func(conn net.Conn)
		code     int
		reason   string
		response string
		duration time.Duration
	}{
		"never reads": {
			serve:  func(conn net.Conn) { <-time.After(time.Hour) },
			reason: timedOut, duration: 30 * time.Second,
		},
		"never answers": {
			serve: func(conn net.Conn) {
				readRequest(bufio.NewReader(conn))
				_, _ = io.Copy(io.Discard, conn)
			},
			reason: timedOut, duration: 30 * time.Second,
		},
		"headers at 1 B/s": {
			serve: func(conn net.Conn) {
				readRequest(bufio.NewReader(conn))
				drip(conn, "HTTP/1.1 200 OK\r\nX-Slow: a long and slow header that takes more than half a minute\r\n\r\n")
			},
			reason: timedOut, duration: 30 * time.Second,
		},
		"a body at 1 B/s": {
			serve: func(conn net.Conn) {
				readRequest(bufio.NewReader(conn))
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
				drip(conn, "x")
			},
			code: 200, response: strings.Repeat("x", 29), duration: 30 * time.Second,
		},
		"a refusal at 1 B/s": {
			serve: func(conn net.Conn) {
				readRequest(bufio.NewReader(conn))
				_, _ = io.WriteString(conn, "HTTP/1.1 410 Gone\r\n\r\n")
				drip(conn, "y")
			},
			code: 410, reason: "status: 410 Gone", response: strings.Repeat("y", 29), duration: 30 * time.Second,
		},
		"slow, but in time": {
			serve: func(conn net.Conn) {
				readRequest(bufio.NewReader(conn))
				<-time.After(29 * time.Second)
				_, _ = io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
			},
			code: 204, duration: 29 * time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, tc.serve, func(t *testing.T, got Result) {
				if got.Code != tc.code || got.Delivered != (tc.code/100 == 2) || got.Reason != tc.reason {
					t.Errorf("result = %+v, want code %d, reason %q", got, tc.code, tc.reason)
				}
				if string(got.Response) != tc.response {
					t.Errorf("response = %q, want %q", got.Response, tc.response)
				}
				if got.Duration != tc.duration {
					t.Errorf("duration = %s, want %s", got.Duration, tc.duration)
				}
			})
		})
	}
}

// nameServer answers every question for an A record with the next of addresses,
// the last one for ever, and with a time to live of 0. It is the resolver's dialer.
func nameServer(t *testing.T, addresses ...[4]byte) func(context.Context, string, string) (net.Conn, error) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		buffer := make([]byte, 1500)
		for asked := 0; ; {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			var msg dnsmessage.Message
			if msg.Unpack(buffer[:n]) != nil || len(msg.Questions) != 1 {
				continue
			}
			question := msg.Questions[0]
			answer := dnsmessage.Message{
				Header:    dnsmessage.Header{ID: msg.ID, Response: true, RecursionAvailable: true},
				Questions: msg.Questions,
			}
			switch {
			case len(addresses) == 0:
				answer.RCode = dnsmessage.RCodeNameError
			case question.Type == dnsmessage.TypeA:
				answer.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: question.Name, Class: dnsmessage.ClassINET},
					Body:   &dnsmessage.AResource{A: addresses[min(asked, len(addresses)-1)]},
				}}
				asked++
			}
			packed, err := answer.Pack()
			if err != nil {
				continue
			}
			_, _ = conn.WriteTo(packed, from)
		}
	}()
	address := conn.LocalAddr().String()
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", address)
	}
}

// TestRebinding gives one name two addresses, one after the other: the first may
// be dialled, the second may not. What counts is the address that is dialled.
func TestRebinding(t *testing.T) {
	t.Parallel()
	var requests atomic.Int32
	srv := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		w.Header().Set("Connection", "close") // the next attempt resolves anew
	})
	_, port, err := net.SplitHostPort(srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	dialer := guardedDialer(Config{AllowNetworks: prefixes("127.0.0.1/32")})
	dialer.Resolver = &net.Resolver{PreferGo: true, Dial: nameServer(t, [4]byte{127, 0, 0, 1}, [4]byte{127, 0, 0, 2})}
	client := New(Config{AllowHTTP: true, Dial: dialer.DialContext})
	t.Cleanup(client.Close)

	url := "http://rebind.test.:" + port + "/"
	if got := client.Send(t.Context(), request(t, url, []byte(`{}`))); !got.Delivered {
		t.Fatalf("first address: result = %+v", got)
	}
	got := client.Send(t.Context(), request(t, url, []byte(`{}`)))
	if want := "blocked_address: 127.0.0.2:" + port + ": prohibited port"; !strings.HasPrefix(got.Reason, want) {
		t.Errorf("second address: result = %+v, want reason %q…", got, want)
	}
	if n := requests.Load(); n != 1 {
		t.Errorf("%d requests arrived, want 1", n)
	}
}

func TestUnknownName(t *testing.T) {
	t.Parallel()
	dialer := guardedDialer(Config{})
	dialer.Resolver = &net.Resolver{PreferGo: true, Dial: nameServer(t)}
	client := New(Config{Dial: dialer.DialContext})
	t.Cleanup(client.Close)
	got := client.Send(t.Context(), request(t, "https://unknown.test./", []byte(`{}`)))
	if got.Reason != `dns: look up "unknown.test.": no such host` {
		t.Errorf("reason = %q", got.Reason)
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

package webhook

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

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
			serve:  func(net.Conn) { <-time.After(time.Hour) },
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

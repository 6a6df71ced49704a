package webhook

import (
	"bufio"
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"go.uber.org/goleak"

	"github.com/postern-mail/postern/gateway/internal/mail"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func prefixes(texts ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, text := range texts {
		out = append(out, netip.MustParsePrefix(text))
	}
	return out
}

// newClient returns a client that may talk to servers on loopback.
func newClient(t testing.TB, cfg Config) *Client {
	t.Helper()
	cfg.AllowHTTP = true
	cfg.AllowNetworks = prefixes("127.0.0.0/8", "::1/128")
	c := New(cfg)
	t.Cleanup(c.Close)
	return c
}

func newServer(t testing.TB, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // our clients hang up on purpose
	srv.Start()
	t.Cleanup(srv.Close)
	return srv
}

// newTLSServer returns a server and the pool that trusts it.
func newTLSServer(t testing.TB, http2 bool, h http.HandlerFunc) (*httptest.Server, *x509.CertPool) {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.EnableHTTP2 = http2
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	pool := x509.NewCertPool()
	pool.AddCert(srv.Certificate())
	return srv, pool
}

// render returns a pure Render of one payload.
func render(payload []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(payload)
		return err
	}
}

// request returns a Request that is fine but for what the test changes.
func request(t testing.TB, url string, payload []byte) Request {
	t.Helper()
	now := time.Now()
	return Request{
		URL:    url,
		ID:     mail.NewMessageID(now).Delivery(1),
		Key:    mustKey(t, vectorSecret),
		Render: render(payload),
		At:     now,
	}
}

// verify checks a request as a receiver does, and returns its payload.
func verify(r *http.Request) ([]byte, error) {
	payload, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	library, err := standardwebhooks.NewWebhook(vectorSecret)
	if err != nil {
		return nil, err
	}
	return payload, library.Verify(payload, r.Header)
}

func TestSend(t *testing.T) {
	t.Parallel()
	payload := []byte(`{"message":{"subject":"Grüße"}}`)
	for _, tc := range []struct {
		name       string
		tls, http2 bool
		proto      string
	}{
		{name: "http", proto: "HTTP/1.1"},
		{name: "https", tls: true, proto: "HTTP/1.1"},
		{name: "http2", tls: true, http2: true, proto: "HTTP/2.0"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			type seen struct {
				Method, Path, Query, Proto string
				Header                     http.Header
				Length                     int64
				Payload                    string
				Err                        error
			}
			var got seen
			var remotes sync.Map
			handler := func(w http.ResponseWriter, r *http.Request) {
				body, err := verify(r)
				got = seen{r.Method, r.URL.Path, r.URL.RawQuery, r.Proto, r.Header.Clone(), r.ContentLength, string(body), err}
				remotes.Store(r.RemoteAddr, true)
				w.WriteHeader(http.StatusAccepted)
				_, _ = io.WriteString(w, "thanks")
			}
			cfg := Config{UserAgent: "Postern/test"}
			var url string
			if tc.tls {
				srv, pool := newTLSServer(t, tc.http2, handler)
				cfg.RootCAs, url = pool, srv.URL
			} else {
				url = newServer(t, handler).URL
			}
			client := newClient(t, cfg)
			for range 3 {
				req := request(t, url+"/hooks/mail?tenant=acme#fragment", payload)
				result := client.Send(t.Context(), req)
				if result.Duration <= 0 {
					t.Errorf("duration = %s", result.Duration)
				}
				result.Duration = 0
				if diff := cmp.Diff(Result{Delivered: true, Code: 202, Response: []byte("thanks")}, result); diff != "" {
					t.Errorf("result (-want +got):\n%s", diff)
				}
				if got.Err != nil {
					t.Errorf("the library does not verify it: %v", got.Err)
				}
				signature := got.Header.Get("Webhook-Signature")
				want := seen{
					Method: "POST", Path: "/hooks/mail", Query: "tenant=acme", Proto: tc.proto,
					Header: http.Header{
						"Content-Length":    {strconv.Itoa(len(payload))},
						"Content-Type":      {"application/json"},
						"User-Agent":        {"Postern/test"},
						"Webhook-Id":        {string(req.ID)},
						"Webhook-Timestamp": {strconv.FormatInt(req.At.Unix(), 10)},
						"Webhook-Signature": {signature},
					},
					Length:  int64(len(payload)),
					Payload: string(payload),
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("request (-want +got):\n%s", diff)
				}
			}
			connections := 0
			remotes.Range(func(any, any) bool { connections++; return true })
			if connections != 1 {
				t.Errorf("3 attempts took %d connections, want 1", connections)
			}
		})
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	header := func(pairs ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			h.Set(pairs[i], pairs[i+1])
		}
		return h
	}
	for _, tc := range []struct {
		code   int
		header http.Header
		want   Result
	}{
		{code: 200, want: Result{Delivered: true}},
		{code: 204, want: Result{Delivered: true}},
		{code: 299, want: Result{Delivered: true}},
		{code: 300, want: Result{Reason: "status: 300 Multiple Choices"}},
		{code: 304, want: Result{Reason: "status: 304 Not Modified"}},
		{code: 302, header: header("Location", "http://169.254.169.254/latest/meta-data/"), want: Result{Reason: `redirect: 302 to "http://169.254.169.254/latest/meta-data/"`}},
		{code: 308, header: header("Location", "/elsewhere"), want: Result{Reason: `redirect: 308 to "/elsewhere"`}},
		{code: 301, header: header("Location", "x\"\xff\t"+strings.Repeat("y", 500)), want: Result{Reason: `redirect: 301 to "x\"\xff\t` + strings.Repeat("y", 193) + `…"`}},
		{code: 400, want: Result{Reason: "status: 400 Bad Request"}},
		{code: 410, want: Result{Reason: "status: 410 Gone"}},
		{code: 413, want: Result{Reason: "status: 413 Request Entity Too Large"}},
		{code: 429, want: Result{Reason: "status: 429 Too Many Requests"}},
		{code: 429, header: header("Retry-After", "7"), want: Result{Reason: "status: 429 Too Many Requests", RetryAfter: 7 * time.Second}},
		{code: 429, header: header("Retry-After", "1e99"), want: Result{Reason: "status: 429 Too Many Requests"}},
		{code: 429, header: header("Retry-After", "-1"), want: Result{Reason: "status: 429 Too Many Requests"}},
		{code: 429, header: header("Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT"), want: Result{Reason: "status: 429 Too Many Requests", RetryAfter: 24 * time.Hour}},
		{code: 503, header: header("Retry-After", "999999999"), want: Result{Reason: "status: 503 Service Unavailable", RetryAfter: 24 * time.Hour}},
		{code: 500, header: header("Retry-After", "7"), want: Result{Reason: "status: 500 Internal Server Error"}},
		{code: 200, header: header("Retry-After", "7"), want: Result{Delivered: true}},
		{code: 599, want: Result{Reason: "status: 599"}},
		{code: 999, want: Result{Reason: "status: 999"}},
	} {
		t.Run(strconv.Itoa(tc.code), func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int32
			srv := newServer(t, func(w http.ResponseWriter, r *http.Request) {
				requests.Add(1)
				maps.Copy(w.Header(), tc.header)
				w.Header().Set("Set-Cookie", "session=1")
				if r.Header.Get("Cookie") != "" {
					t.Error("a cookie came back")
				}
				w.WriteHeader(tc.code)
			})
			client := newClient(t, Config{})
			for range 2 {
				got := client.Send(t.Context(), request(t, srv.URL, []byte(`{}`)))
				got.Duration = 0
				tc.want.Code, tc.want.Response = tc.code, []byte{}
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Errorf("result (-want +got):\n%s", diff)
				}
				checkReason(t, got.Reason)
			}
			if n := requests.Load(); n != 2 {
				t.Errorf("2 attempts made %d requests", n)
			}
		})
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	target := newServer(t, func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") })
	srv := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, target.URL, http.StatusTemporaryRedirect)
	})
	got := newClient(t, Config{}).Send(t.Context(), request(t, srv.URL, []byte(`{}`)))
	if got.Delivered || got.Code != 307 || !strings.HasPrefix(got.Reason, `redirect: 307 to "`+target.URL) {
		t.Errorf("result = %+v", got)
	}
}

func TestURLsThatAreRefused(t *testing.T) {
	t.Parallel()
	client := New(Config{Dial: func(context.Context, string, string) (net.Conn, error) {
		t.Error("dialled")
		return nil, errors.New("dialled")
	}})
	t.Cleanup(client.Close)
	for url, reason := range map[string]string{
		"":                          `url: scheme "" is not https`,
		"http://acme.test/":         "url: plain http is not allowed",
		"HTTP://acme.test/":         "url: plain http is not allowed",
		"ftp://acme.test/":          `url: scheme "ftp" is not https`,
		"file:///etc/passwd":        `url: scheme "file" is not https`,
		"gopher://acme.test:25/":    `url: scheme "gopher" is not https`,
		"//acme.test/":              `url: scheme "" is not https`,
		"https:///path":             "url: there is no host",
		"https://:443/":             "url: there is no host",
		"https:acme.test":           "url: there is no host",
		"https://user@acme.test/":   "url: user names and passwords do not belong in an endpoint's URL",
		"https://user:pw@acme.test": "url: user names and passwords do not belong in an endpoint's URL",
		"https://acme.test:port/":   `url: parse URL: invalid port ":port" after host`,
		"https://acme.test/\x7f":    "url: parse URL: net/url: invalid control character in URL",
		"https://[::1/?token=t0p":   "url: parse URL: missing ']' in host",
	} {
		got := client.Send(t.Context(), request(t, url, []byte(`{}`)))
		if got.Reason != reason || got.Delivered || got.Code != 0 {
			t.Errorf("%s: result = %+v, want %q", url, got, reason)
		}
		if strings.Contains(got.Reason, "t0p") {
			t.Errorf("%s: reason shows the query: %s", url, got.Reason)
		}
	}
	if got := client.Send(t.Context(), Request{URL: "https://acme.test/", Render: render([]byte("{}"))}); got.Reason != "key: the endpoint has no signing secret" {
		t.Errorf("zero key: reason = %q", got.Reason)
	}
}

func TestFailuresBeforeAConnection(t *testing.T) {
	t.Parallel()
	reached := func(http.ResponseWriter, *http.Request) { t.Error("the request arrived") }
	plain := newServer(t, reached)
	secure, _ := newTLSServer(t, true, reached)
	_, port, err := net.SplitHostPort(plain.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused := "http://" + nobody.Addr().String()
	if err := nobody.Close(); err != nil {
		t.Fatal(err)
	}

	open := newClient(t, Config{})
	strict := New(Config{AllowHTTP: true})
	t.Cleanup(strict.Close)
	for name, tc := range map[string]struct {
		client *Client
		url    string
		reason string
	}{
		"loopback":           {strict, plain.URL, "blocked_address: 127.0.0.1:" + port + ": prohibited port"},
		"loopback over TLS":  {strict, secure.URL, "blocked_address: 127.0.0.1:"},
		"loopback, web port": {strict, "http://127.0.0.1/", "blocked_address: 127.0.0.1:80: prohibited IP address"},
		"name of loopback":   {strict, "http://localhost/", "blocked_address: "},
		"metadata":           {strict, "http://169.254.169.254/latest/", "blocked_address: 169.254.169.254:80: prohibited IP address"},
		// net/http turns these digits into 127.0.0.1 behind every check of the text.
		"circled digits": {strict, "http://①②⑦.⓪.⓪.①/", "blocked_address: 127.0.0.1:80: prohibited IP address"},
		"mapped":         {strict, "http://[::ffff:127.0.0.1]/", "blocked_address: "},
		"mapped, in hex": {strict, "http://[::ffff:7f00:1]/", "blocked_address: "},
		"metadata from a client that may use loopback": {open, "http://169.254.169.254/", "blocked_address: 169.254.169.254:80"},

		"refused":             {open, refused, "connect: dial tcp "},
		"unknown authority":   {open, secure.URL, "tls: "},
		"TLS to a plain port": {open, "https://127.0.0.1:" + port, "tls: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := tc.client.Send(t.Context(), request(t, tc.url, []byte(`{}`)))
			if got.Delivered || got.Code != 0 || !strings.HasPrefix(got.Reason, tc.reason) {
				t.Errorf("result = %+v, want reason %q…", got, tc.reason)
			}
			checkReason(t, got.Reason)
		})
	}
}

func TestCanceled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	srv := newServer(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // else the server does not watch the connection
		cancel(errors.New("the gateway stops"))
		<-r.Context().Done()
	})
	got := newClient(t, Config{}).Send(ctx, request(t, srv.URL, []byte(`{}`)))
	if got.Reason != "canceled: the gateway stops" {
		t.Errorf("reason = %q", got.Reason)
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	srv := newServer(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	got := newClient(t, Config{Timeout: 50 * time.Millisecond}).Send(t.Context(), request(t, srv.URL, []byte(`{}`)))
	if got.Reason != "timeout: no answer within 50ms" {
		t.Errorf("reason = %q", got.Reason)
	}
}

func TestConcurrentSends(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	seen := make(map[string]string)
	srv, pool := newTLSServer(t, true, func(w http.ResponseWriter, r *http.Request) {
		payload, err := verify(r)
		if err != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		seen[r.Header.Get("Webhook-Id")] = string(payload)
	})
	plain := newServer(t, srv.Config.Handler.ServeHTTP)
	client := newClient(t, Config{RootCAs: pool})
	const workers, each = 8, 20
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			for i := range each {
				url := srv.URL
				if i%2 == 0 {
					url = plain.URL
				}
				text := fmt.Sprintf(`{"n":"%d-%d","fill":"%s"}`, worker, i, strings.Repeat("x", 3000*i))
				req := request(t, url, []byte(text))
				if got := client.Send(t.Context(), req); !got.Delivered {
					t.Errorf("result = %+v", got)
				}
				mu.Lock()
				if seen[string(req.ID)] != text {
					t.Errorf("%s arrived with another payload", req.ID)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(seen) != workers*each {
		t.Errorf("%d webhooks arrived, want %d", len(seen), workers*each)
	}
}

// TestLargePayloadIsStreamed is not parallel: it counts what the process
// allocates.
func TestLargePayloadIsStreamed(t *testing.T) {
	const size, chunk = 32 << 20, 10_000
	piece := bytes.Repeat([]byte("0123456789abcdef"), chunk/16)
	streamed := func(w io.Writer) error {
		for left := size; left > 0; left -= chunk {
			if _, err := w.Write(piece[:min(chunk, left)]); err != nil {
				return err
			}
		}
		return nil
	}
	library, err := standardwebhooks.NewWebhook(vectorSecret)
	if err != nil {
		t.Fatal(err)
	}
	for _, http2 := range []bool{false, true} {
		var received atomic.Int64
		srv, pool := newTLSServer(t, http2, func(_ http.ResponseWriter, r *http.Request) {
			n, _ := io.Copy(io.Discard, r.Body)
			received.Store(n)
		})
		client := newClient(t, Config{RootCAs: pool})
		req := request(t, srv.URL, nil)
		req.Render = streamed
		if got := client.Send(t.Context(), req); !got.Delivered { // makes the connection
			t.Fatalf("result = %+v", got)
		}

		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got := client.Send(t.Context(), req)
		runtime.ReadMemStats(&after)
		if !got.Delivered || received.Load() != size {
			t.Errorf("http2 = %t: %d octets arrived, result = %+v", http2, received.Load(), got)
		}
		// Everything that both sides allocate in all, freed or not: under 1 MiB.
		// The bound is this high because pools forget under the race detector.
		if n := after.TotalAlloc - before.TotalAlloc; n > size {
			t.Errorf("http2 = %t: one attempt with %d octets allocated %d octets", http2, size, n)
		}
	}

	// And it is the payload that the library signs.
	var whole bytes.Buffer
	if err := streamed(&whole); err != nil {
		t.Fatal(err)
	}
	srv := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		payload, err := io.ReadAll(r.Body)
		if err != nil || library.Verify(payload, r.Header) != nil || !bytes.Equal(payload, whole.Bytes()) {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	req := request(t, srv.URL, nil)
	req.Render = streamed
	if got := newClient(t, Config{}).Send(t.Context(), req); !got.Delivered {
		t.Errorf("result = %+v", got)
	}
}

// TestRefusalBeforeThePayload has endpoints that refuse a large payload by its header and
// hang up without reading it: their answer is heard each time, and nothing is sent.
func TestRefusalBeforeThePayload(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var served sync.WaitGroup
	served.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if req, err := http.ReadRequest(bufio.NewReader(conn)); err == nil && req.Header.Get("Expect") != "" {
				_, _ = io.WriteString(conn, "HTTP/1.1 413 Payload Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
			}
			_ = conn.Close()
		}
	})
	defer served.Wait()
	defer l.Close()
	c := newClient(t, Config{})
	large := bytes.Repeat([]byte("x"), 8<<20)
	for range 20 {
		renders := atomic.Int32{}
		res := c.Send(t.Context(), Request{
			URL: "http://" + l.Addr().String(), ID: "msg_1", Key: mustKey(t, vectorSecret), At: time.Now(),
			Render: func(w io.Writer) error { renders.Add(1); return render(large)(w) },
		})
		if res.Code != http.StatusRequestEntityTooLarge || renders.Load() != 1 {
			t.Errorf("%+v after %d renderings", res, renders.Load())
		}
	}
}

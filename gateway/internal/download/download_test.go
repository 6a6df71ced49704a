package download_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/download"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/mime"
	"github.com/postern-mail/postern/gateway/internal/payload"
	"github.com/postern-mail/postern/gateway/internal/secret"
	"github.com/postern-mail/postern/gateway/internal/store"
)

const (
	testSecret  = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	otherSecret = "whsec_3JLGz80AmMIqq1wH4UOCCG80zcO5gsxTTEK3QoQ17z0="

	delivery = mail.DeliveryID("msg_01KAN2Y8Q6W6Z3E2B7ZV0M9D4C_1")
	raw      = "Subject: x\r\n\r\nSGVsbG8=\r\nplain octets"
)

// gateway is the handler with what it asks.
type gateway struct {
	links *download.Links
	*httptest.Server

	raw     string
	ref     mail.BodyRef
	refErr  error
	bodyErr error
	reader  func(io.ReaderAt) io.ReaderAt
	log     bytes.Buffer // to be read when the server is closed
}

// Body implements download.Messages.
func (g *gateway) Body(_ context.Context, id mail.MessageID) (mail.BodyRef, error) {
	if id != "msg_01KAN2Y8Q6W6Z3E2B7ZV0M9D4C" {
		return "", store.ErrNotFound
	}
	return g.ref, g.refErr
}

type body struct {
	io.ReaderAt
	size int64
}

func (b body) Size() int64 { return b.size }
func (body) Close() error  { return nil }

// Open implements download.Bodies.
func (g *gateway) Open(_ context.Context, ref mail.BodyRef) (mail.Body, error) {
	if ref != g.ref {
		return nil, errors.New("not the body")
	}
	return body{g.reader(strings.NewReader(g.raw)), int64(len(g.raw))}, g.bodyErr
}

func key(t *testing.T, text string) secret.Key {
	t.Helper()
	k, err := secret.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newGateway(t *testing.T) *gateway {
	t.Helper()
	g := &gateway{raw: raw, ref: "file:x", reader: func(r io.ReaderAt) io.ReaderAt { return r }}
	g.Server = httptest.NewUnstartedServer(nil)
	g.links = download.NewLinks("http://"+g.Listener.Addr().String()+"/base", key(t, testSecret))
	g.Config.Handler = download.NewHandler(g.links, g, g, hclog.New(&hclog.LoggerOptions{Output: &g.log}))
	g.Start()
	t.Cleanup(g.Close)
	return g
}

// tomorrow is the end of the retention.
func tomorrow() time.Time { return time.Now().Add(24 * time.Hour) }

// part is the base64 in raw.
func part() document.Part {
	return document.Part{Offset: 14, Length: 10, Encoding: "base64", Size: 5, Filename: "über uns.txt", ContentType: "text/plain; charset=utf-8"}
}

// ask makes a request.
func ask(t *testing.T, method, url string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}

func TestDownload(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	url := g.links.URL(delivery, part(), tomorrow())
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		resp, text := ask(t, method, url)
		want := "Hello"
		if method == http.MethodHead {
			want = ""
		}
		if resp.StatusCode != http.StatusOK || text != want {
			t.Errorf("%s = %d, %q", method, resp.StatusCode, text)
		}
		got := make(http.Header)
		for _, name := range []string{"Content-Type", "Content-Length", "Content-Disposition", "X-Content-Type-Options", "Content-Security-Policy", "Cache-Control"} {
			got[name] = resp.Header[name]
		}
		if diff := cmp.Diff(http.Header{
			"Content-Type": {"text/plain"}, "Content-Length": {"5"}, "Content-Disposition": {"attachment; filename*=utf-8''%C3%BCber%20uns.txt"},
			"X-Content-Type-Options": {"nosniff"}, "Content-Security-Policy": {"default-src 'none'; sandbox"}, "Cache-Control": {"private, no-store"},
		}, got); diff != "" {
			t.Errorf("%s: header (-want +got):\n%s", method, diff)
		}
	}
	// Octets as they are, by a proxy that has taken the base URL's path away.
	plain := document.Part{Offset: 24, Length: 12, Size: 12}
	url = strings.Replace(g.links.URL(delivery, plain, tomorrow()), "/base", "", 1)
	resp, text := ask(t, http.MethodGet, url)
	if text != "plain octets" || resp.Header.Get("Content-Type") != "application/octet-stream" || resp.Header.Get("Content-Disposition") != "attachment" {
		t.Errorf("%q, %v", text, resp.Header)
	}
}

// TestHostileNames has a sender choose what stands in header fields.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	for _, tc := range []struct{ filename, contentType, disposition, typ string }{
		{"a\r\nSet-Cookie: x=y", "text/html\r\nSet-Cookie: x=y", "attachment; filename*=utf-8''a%0D%0ASet-Cookie%3A%20x%3Dy", "application/octet-stream"},
		{`a"; filename=b`, "text/html; x=\"y", `attachment; filename="a\"; filename=b"`, "application/octet-stream"},
		{"\xff", "multipart", "attachment; filename*=utf-8''%EF%BF%BD", "application/octet-stream"},
		{strings.Repeat("x", 255), "image/svg+xml", "attachment; filename=" + strings.Repeat("x", 255), "image/svg+xml"},
	} {
		p := part()
		p.Filename, p.ContentType = tc.filename, tc.contentType
		resp, text := ask(t, http.MethodGet, g.links.URL(delivery, p, tomorrow()))
		if got := resp.Header.Get("Content-Disposition"); text != "Hello" || got != tc.disposition || resp.Header.Get("Content-Type") != tc.typ || resp.Header.Get("Set-Cookie") != "" {
			t.Errorf("%q: %q, %v", tc.filename, text, resp.Header)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	good := g.links.URL(delivery, part(), tomorrow())
	at := strings.LastIndexByte(good, '.')
	text, signature := good[:at], good[at+1:]
	foreign := download.NewLinks(g.URL, key(t, otherSecret))
	for name, tc := range map[string]struct {
		method, url string
		status      int
	}{
		"another method":            {http.MethodPost, good, http.StatusMethodNotAllowed},
		"deletion":                  {http.MethodDelete, good, http.StatusMethodNotAllowed},
		"nothing":                   {http.MethodGet, g.URL, http.StatusNotFound},
		"no token":                  {http.MethodGet, g.URL + "/attachments/", http.StatusNotFound},
		"no signature":              {http.MethodGet, text, http.StatusNotFound},
		"an empty signature":        {http.MethodGet, text + ".", http.StatusNotFound},
		"a short signature":         {http.MethodGet, good[:len(good)-4], http.StatusNotFound},
		"a longer one":              {http.MethodGet, good + "AAAA", http.StatusNotFound},
		"a line break":              {http.MethodGet, text + ".%0D" + signature, http.StatusNotFound},
		"padding":                   {http.MethodGet, good + "=", http.StatusNotFound},
		"something behind":          {http.MethodGet, good + "/x", http.StatusNotFound},
		"another text":              {http.MethodGet, text[:len(text)-1] + "A." + signature, http.StatusNotFound},
		"somebody else's":           {http.MethodGet, foreign.URL(delivery, part(), tomorrow()), http.StatusNotFound},
		"a long one":                {http.MethodGet, g.URL + "/attachments/" + strings.Repeat("x", 5000), http.StatusNotFound},
		"one that has expired":      {http.MethodGet, g.links.URL(delivery, part(), time.Now().Add(-time.Second)), http.StatusGone},
		"an expired one of another": {http.MethodGet, foreign.URL(delivery, part(), time.Now().Add(-time.Second)), http.StatusNotFound},
		"a mail that is not there":  {http.MethodGet, g.links.URL("msg_01KAN2Y8Q6W6Z3E2B7ZV0M9D4D_1", part(), tomorrow()), http.StatusGone},
		"a delivery that is none":   {http.MethodGet, g.links.URL("x", part(), tomorrow()), http.StatusGone},
	} {
		resp, text := ask(t, tc.method, tc.url)
		if resp.StatusCode != tc.status || strings.Contains(text, "Hello") || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d, want %d: %q", name, resp.StatusCode, tc.status, text)
		}
	}
}

// TestFailures has the store and the disk fail.
func TestFailures(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk is on strike")
	for name, tc := range map[string]struct {
		change func(g *gateway)
		status int
		logged string
	}{
		"the retention is over": {func(g *gateway) { g.ref = "" }, http.StatusGone, ""},
		"the store fails":       {func(g *gateway) { g.refErr = broken }, http.StatusServiceUnavailable, "disk is on strike"},
		"the mail is damaged":   {func(g *gateway) { g.bodyErr = broken }, http.StatusInternalServerError, "disk is on strike"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t)
			tc.change(g)
			resp, text := ask(t, http.MethodGet, g.links.URL(delivery, part(), tomorrow()))
			g.Close()
			if resp.StatusCode != tc.status || strings.Contains(text, "strike") || !strings.Contains(g.log.String(), tc.logged) || tc.logged == "" && g.log.Len() > 0 {
				t.Errorf("%d, %q; log %q", resp.StatusCode, text, g.log.String())
			}
		})
	}
}

type failingReaderAt struct{}

func (failingReaderAt) ReadAt([]byte, int64) (int, error) { return 0, errors.New("disk is on strike") }

// TestHalfADownload holds that a client sees that it has not the whole.
func TestHalfADownload(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(g *gateway)
		size   int64
	}{
		"the disk fails":          {func(g *gateway) { g.reader = func(io.ReaderAt) io.ReaderAt { return failingReaderAt{} } }, 5},
		"there is less than said": {func(*gateway) {}, 6},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t)
			tc.change(g)
			p := part()
			p.Size = tc.size
			resp, err := http.Get(g.links.URL(delivery, p, tomorrow()))
			if err == nil {
				_, err = io.ReadAll(resp.Body)
				_ = resp.Body.Close()
			}
			if err == nil {
				t.Error("the client has no error")
			}
			g.Close()
			if !strings.Contains(g.log.String(), "a download was broken off") {
				t.Errorf("log = %q", g.log.String())
			}
		})
	}
}

// TestTooManyDownloads has downloads that do not end: one above the bounds is told to come
// again, and gets its turn when another has gone.
func TestTooManyDownloads(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	reading, proceed := make(chan struct{}, 100), make(chan struct{})
	g.reader = func(r io.ReaderAt) io.ReaderAt { return gatedReaderAt{r, reading, proceed} }
	url := strings.TrimPrefix(g.links.URL(delivery, part(), tomorrow()), "http://"+g.Listener.Addr().String())
	get := func(client int) int {
		r := httptest.NewRequest(http.MethodGet, url, nil)
		r.RemoteAddr = fmt.Sprintf("192.0.2.%d:4711", client)
		w := httptest.NewRecorder()
		g.Config.Handler.ServeHTTP(w, r)
		if w.Code == http.StatusServiceUnavailable && w.Header().Get("Retry-After") == "" {
			t.Error("a client is not told when to come again")
		}
		return w.Code
	}
	done := make(chan int, 64)
	begin := func(client, n int) {
		for range n {
			go func() { done <- get(client) }()
		}
		for range n {
			<-reading
		}
	}
	begin(1, 16)
	if status := get(1); status != http.StatusServiceUnavailable {
		t.Errorf("one client's seventeenth: %d", status)
	}
	for client := 2; client <= 4; client++ {
		begin(client, 16)
	}
	if status := get(5); status != http.StatusServiceUnavailable {
		t.Errorf("the sixty-fifth of all: %d", status)
	}
	close(proceed)
	for range 64 {
		if status := <-done; status != http.StatusOK {
			t.Errorf("status %d", status)
		}
	}
	if status := get(1); status != http.StatusOK {
		t.Errorf("after the others: %d", status)
	}
}

// gatedReaderAt says when it is read, and waits.
type gatedReaderAt struct {
	io.ReaderAt
	reading chan<- struct{}
	proceed <-chan struct{}
}

func (g gatedReaderAt) ReadAt(p []byte, off int64) (int, error) {
	select {
	case g.reading <- struct{}{}:
	default:
	}
	<-g.proceed
	return g.ReaderAt.ReadAt(p, off)
}

// TestURLsAreStable holds that the same part has the same URL each time, and fits where
// URLs are stored.
func TestURLsAreStable(t *testing.T) {
	t.Parallel()
	links := download.NewLinks("https://mx.example.com", key(t, testSecret))
	p, end := part(), tomorrow()
	p.Filename = strings.Repeat("ä", 127)
	url := links.URL(delivery, p, end)
	if again := links.URL(delivery, p, end); again != url {
		t.Errorf("%s and %s", url, again)
	}
	if len(url) > 1000 || !strings.HasPrefix(url, "https://mx.example.com/attachments/") {
		t.Errorf("%d octets: %s", len(url), url)
	}
}

// TestFormerKeys holds that URLs outlive the change of the key that signed them, where the
// former one is named.
func TestFormerKeys(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	old := g.links.URL(delivery, part(), tomorrow())
	for _, tc := range []struct {
		former []secret.Key
		status int
	}{{nil, http.StatusNotFound}, {[]secret.Key{key(t, testSecret)}, http.StatusOK}} {
		links := download.NewLinks(g.URL, key(t, otherSecret), tc.former...)
		h := download.NewHandler(links, g, g, hclog.NewNullLogger())
		for url, want := range map[string]int{old: tc.status, links.URL(delivery, part(), tomorrow()): http.StatusOK} {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, url, nil))
			if w.Code != want {
				t.Errorf("%s with %d former keys: %d, want %d", url, len(tc.former), w.Code, want)
			}
		}
	}
}

// TestAnyMail holds that what a sender writes of an attachment never makes a URL that
// cannot be fetched.
func TestAnyMail(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 5000)
	raw := "Content-Type: application/" + long + "; name=\"" + long + ".bin\"\r\nContent-Transfer-Encoding: " + long + "\r\n\r\noctets"
	m, err := mime.Parse(strings.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	g := newGateway(t)
	doc := payload.Build(m, payload.Facts{ID: delivery})
	placed, err := payload.PlaceContent(doc, payload.Placement{Attachments: payload.ByURL}, func(p document.Part) string { return g.links.URL(delivery, p, tomorrow()) })
	if err != nil || placed.ByURL != 1 {
		t.Fatalf("%+v, %v", placed, err)
	}
	g.raw = raw
	if resp, text := ask(t, http.MethodGet, doc.Parts[0].URL); resp.StatusCode != http.StatusOK || text != "octets" || len(doc.Parts[0].URL) > 1500 {
		t.Errorf("%d %q by a URL of %d octets", resp.StatusCode, text, len(doc.Parts[0].URL))
	}
}

// FuzzURL holds that no path but those of our links is served, whatever it is.
func FuzzURL(f *testing.F) {
	k, err := secret.Parse(testSecret)
	if err != nil {
		f.Fatal(err)
	}
	links := download.NewLinks("", k)
	good := links.URL(delivery, part(), time.Now().Add(24*time.Hour))
	for _, path := range []string{good, "/attachments/.", "/attachments/e30.", good[:len(good)-1] + "A", "/x/attachments/" + strings.Repeat("A", 100) + ".AAAA"} {
		f.Add(path)
	}
	served := errors.New("served")
	h := download.NewHandler(links, refusing{served}, nil, hclog.NewNullLogger())
	f.Fuzz(func(t *testing.T, path string) {
		if strings.HasSuffix(path, good) {
			return
		}
		req := &http.Request{Method: http.MethodGet, URL: httptest.NewRequest(http.MethodGet, "/", nil).URL, Header: http.Header{}}
		req.URL.Path = path
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		if w.Code != http.StatusNotFound {
			t.Errorf("%q: %d", path, w.Code)
		}
	})
}

// refusing is asked by no path that is not ours.
type refusing struct{ err error }

func (r refusing) Body(context.Context, mail.MessageID) (mail.BodyRef, error) { return "", r.err }

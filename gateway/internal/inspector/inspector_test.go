package inspector

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	path   = "/acme/inspector"
)

// output is what the inspector printed so far.
type output struct {
	mu     sync.Mutex
	blocks []string
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.blocks = append(o.blocks, string(p))
	return len(p), nil
}

// take returns the blocks since the last call.
func (o *output) take() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	blocks := o.blocks
	o.blocks = nil
	return blocks
}

func newServer(t *testing.T, cfg Config) (*httptest.Server, *output) {
	t.Helper()
	out := &output{}
	cfg.Out = out
	if cfg.Secrets == nil {
		cfg.Secrets = map[string]string{path: secret}
	}
	srv := httptest.NewUnstartedServer(New(cfg))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.Start()
	t.Cleanup(srv.Close)
	return srv, out
}

// signed returns a webhook that the inspector at url should verify.
func signed(t *testing.T, url, id, payload string, at time.Time) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(payload))
	if err != nil {
		t.Fatal(err)
	}
	library, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := library.Sign(id, at, []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Postern/test")
	req.Header.Set(standardwebhooks.HeaderWebhookID, id)
	req.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	req.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	return req
}

// do sends req and returns the answer's status and body.
func do(t *testing.T, srv *httptest.Server, req *http.Request) (int, string) {
	t.Helper()
	resp, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestVerifiedWebhook(t *testing.T) {
	t.Parallel()
	srv, out := newServer(t, Config{})
	at := time.Now()
	payload := `{"z":1,"message":{"subject":"Grüße","content":"` + strings.Repeat("QUJD", 100) + `","attachments":[]},"a":1e2}`
	req := signed(t, srv.URL+path, "msg_1", payload, at)
	if code, body := do(t, srv, req); code != http.StatusNoContent || body != "" {
		t.Errorf("answer = %d %q", code, body)
	}
	blocks := out.take()
	if len(blocks) != 1 {
		t.Fatalf("printed %d blocks: %q", len(blocks), blocks)
	}
	clock, rest, _ := strings.Cut(blocks[0], "  ")
	if _, err := time.Parse(time.TimeOnly, clock); err != nil {
		t.Errorf("time: %v", err)
	}
	want := `POST /acme/inspector  signature verified  msg_1
  content-type: application/json
  content-length: ` + strconv.Itoa(len(payload)) + `
  user-agent: Postern/test
  webhook-timestamp: ` + strconv.FormatInt(at.Unix(), 10) + `
  webhook-signature: ` + req.Header.Get(standardwebhooks.HeaderWebhookSignature) + `
  {
    "z": 1,
    "message": {
      "subject": "Grüße",
      "content": "` + strings.Repeat("QUJD", 20) + `… (400 characters)",
      "attachments": []
    },
    "a": 1e2
  }

`
	if diff := cmp.Diff(want, rest); diff != "" {
		t.Errorf("block (-want +got):\n%s", diff)
	}
}

func TestRefusedWebhooks(t *testing.T) {
	t.Parallel()
	const payload = `{"message":{"subject":"forged"}}`
	srv, out := newServer(t, Config{
		MaxBody: 1000,
		Secrets: map[string]string{path: secret, "/acme/broken": "whsec_?"},
	})
	now := time.Now()
	good := func() *http.Request { return signed(t, srv.URL+path, "msg_1", payload, now) }
	with := func(name, value string) *http.Request {
		req := good()
		req.Header.Set(name, value)
		return req
	}
	for name, tc := range map[string]struct {
		req    *http.Request
		code   int
		answer string
		print  string // empty: nothing is printed
	}{
		"wrong signature": {with("webhook-signature", "v1,"+strings.Repeat("A", 43)+"="), 401, "does not verify", "NOT verified: no signature matches"},
		"no signature":    {with("webhook-signature", ""), 401, "does not verify", "NOT verified: webhook-id, webhook-timestamp or webhook-signature is missing"},
		"other id":        {with("webhook-id", "msg_2"), 401, "does not verify", "NOT verified: no signature matches"},
		"no id":           {with("webhook-id", ""), 401, "does not verify", "NOT verified: webhook-id"},
		"odd timestamp":   {with("webhook-timestamp", "now"), 401, "does not verify", "NOT verified: webhook-timestamp is not a number"},
		"old":             {signed(t, srv.URL+path, "msg_1", payload, now.Add(-6*time.Minute)), 401, "does not verify", "NOT verified: webhook-timestamp is more than 5 minutes old"},
		"new":             {signed(t, srv.URL+path, "msg_1", payload, now.Add(6*time.Minute)), 401, "does not verify", "NOT verified: webhook-timestamp is more than 5 minutes ahead"},
		"unusable secret": {signed(t, srv.URL+"/acme/broken", "msg_1", payload, now), 401, "does not verify", "NOT verified: the secret that the inspector has for this path is not base64"},
		"too large":       {signed(t, srv.URL+path, "msg_1", `"`+strings.Repeat("x", 1000)+`"`, now), 413, "too large", "not taken: the payload is larger than 1000 octets"},
		"unknown path":    {signed(t, srv.URL+"/other", "msg_1", payload, now), 404, "no webhooks come to this path", ""},
		"path below":      {signed(t, srv.URL+path+"/", "msg_1", payload, now), 404, "no webhooks come to this path", ""},
	} {
		code, body := do(t, srv, tc.req)
		if code != tc.code || !strings.Contains(body, tc.answer) {
			t.Errorf("%s: answer = %d %q, want %d %q", name, code, body, tc.code, tc.answer)
		}
		blocks := strings.Join(out.take(), "")
		if !strings.Contains(blocks, tc.print) || (tc.print == "") != (blocks == "") {
			t.Errorf("%s: printed %q, want %q", name, blocks, tc.print)
		}
		if strings.Contains(blocks, "forged") || strings.Contains(blocks, "signature verified") {
			t.Errorf("%s: printed %q", name, blocks)
		}
	}
}

func TestOtherMethods(t *testing.T) {
	t.Parallel()
	srv, out := newServer(t, Config{})
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		req := signed(t, srv.URL+path, "msg_1", "{}", time.Now())
		req.Method = method
		resp, err := srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != "POST" || !strings.Contains(string(body), "by POST") {
			t.Errorf("%s: answer = %d %q", method, resp.StatusCode, body)
		}
	}
	if blocks := out.take(); len(blocks) != 0 {
		t.Errorf("printed %q", blocks)
	}
}

func TestBrokenOffPayload(t *testing.T) {
	t.Parallel()
	srv, out := newServer(t, Config{})
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{", path); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, conn) // until the server is done with it
	_ = conn.Close()
	if got := strings.Join(out.take(), ""); !strings.Contains(got, "not taken: the payload broke off") {
		t.Errorf("printed %q", got)
	}
}

func TestDuplicates(t *testing.T) {
	t.Parallel()
	srv, out := newServer(t, Config{})
	send := func(id string) string {
		if code, _ := do(t, srv, signed(t, srv.URL+path, id, "{}", time.Now())); code != http.StatusNoContent {
			t.Errorf("answer = %d", code)
		}
		return strings.Join(out.take(), "")
	}
	for _, want := range []string{"msg_1\n", "msg_1  seen before, once\n", "msg_1  seen before, 2 times\n"} {
		if got := send("msg_1"); !strings.Contains(got, want) {
			t.Errorf("printed %q, want %q", got, want)
		}
	}
	// One that does not verify is not remembered.
	forged := signed(t, srv.URL+path, "msg_2", "{}", time.Now())
	forged.Header.Set("webhook-signature", "v1,AAAA")
	if code, _ := do(t, srv, forged); code != http.StatusUnauthorized {
		t.Errorf("answer = %d", code)
	}
	out.take()
	if got := send("msg_2"); strings.Contains(got, "seen before") {
		t.Errorf("printed %q", got)
	}
}

func TestRecentIsBounded(t *testing.T) {
	t.Parallel()
	var s recent
	for i := range 3 * rememberedIDs {
		if n := s.add(strconv.Itoa(i)); n != 0 {
			t.Fatalf("%d was seen %d times", i, n)
		}
	}
	if len(s.counts) != rememberedIDs {
		t.Errorf("%d ids are remembered", len(s.counts))
	}
	if s.add(strconv.Itoa(2*rememberedIDs)) != 1 || s.add(strconv.Itoa(2*rememberedIDs-1)) != 0 {
		t.Error("not the last ids are remembered")
	}
}

func TestConcurrentBlocksStayWhole(t *testing.T) {
	t.Parallel()
	srv, out := newServer(t, Config{})
	const n = 40
	requests := make([]*http.Request, n)
	for i := range requests {
		requests[i] = signed(t, srv.URL+path, fmt.Sprintf("msg_%d", i), `{"a":[1,2,3]}`, time.Now())
	}
	var wg sync.WaitGroup
	for _, req := range requests {
		wg.Go(func() {
			resp, err := srv.Client().Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			_ = resp.Body.Close()
		})
	}
	wg.Wait()
	blocks := out.take()
	if len(blocks) != n {
		t.Errorf("printed %d blocks, want %d", len(blocks), n)
	}
	for _, block := range blocks {
		if strings.Count(block, "signature verified") != 1 || !strings.HasSuffix(block, "  }\n\n") {
			t.Errorf("block = %q", block)
		}
	}
}

func TestColor(t *testing.T) {
	t.Parallel()
	srv, out := newServer(t, Config{Color: true})
	do(t, srv, signed(t, srv.URL+path, "msg_1", "{}", time.Now()))
	if got := strings.Join(out.take(), ""); !strings.Contains(got, "\x1b[32msignature verified\x1b[0m") {
		t.Errorf("printed %q", got)
	}
}

// TestTerminalIsSafe sends what a stranger's mail could bring along.
func TestTerminalIsSafe(t *testing.T) {
	t.Parallel()
	hostile := "\x1b]0;pwned\a\x1b[2J\u009b31m\u0085\x7f\u202eevil\u2066\u200e\u2028\ufeff\U000e0001" + "\xff\xc3"
	asJSON, err := json.Marshal(hostile)
	if err != nil {
		t.Fatal(err)
	}
	raw := "\u009b31m\u0085\x7f\u202eevil\u2066\u2069\u200e\u2028\u2029\ufeff\U000e0001\xff\xc3(" // valid JSON as it is
	long := strings.Repeat(raw, 100)
	for name, payload := range map[string]string{
		"escaped":       `{"subject":` + string(asJSON) + `}`,
		"raw":           `{"subject":"` + raw + `"}`,
		"raw in a key":  `{"` + raw + `":1}`,
		"long":          `{"subject":"` + long + `"}`,
		"long key":      `{"` + long + `":1}`,
		"white space":   "{\r\"a\"\r:\r1\r}\r",
		"too deep":      strings.Repeat("[\r", 100) + `"` + raw + `"` + strings.Repeat("\r]", 100),
		"too large":     "[" + strings.Repeat(`"`+raw+`",`, 10_000) + "1]",
		"not JSON":      hostile,
		"not JSON, big": strings.Repeat(hostile, 100),
		"empty":         "",
	} {
		srv, out := newServer(t, Config{})
		req := signed(t, srv.URL+path, "msg_1", payload, time.Now())
		req.Header.Set("User-Agent", "a\u202eb\u009bc\xff"+strings.Repeat("d", 1000))
		if code, _ := do(t, srv, req); code != http.StatusNoContent {
			t.Errorf("%s: answer = %d", name, code)
		}
		got := strings.Join(out.take(), "")
		if len(got) == 0 || len(got) > 1<<20 {
			t.Errorf("%s: printed %d octets", name, len(got))
		}
		bad := strings.IndexFunc(got, func(r rune) bool { return r != '\n' && (r == '\uFFFD' || !unicode.IsGraphic(r)) })
		if bad >= 0 {
			t.Errorf("%s: printed %q", name, got[max(bad-20, 0):min(bad+20, len(got))])
		}
	}
}

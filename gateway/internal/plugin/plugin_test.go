package plugin_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/mime"
	"github.com/postern-mail/postern/gateway/internal/plugin"
	"github.com/postern-mail/postern/gateway/internal/sandbox"
)

// probe builds the guest of testdata/probe, once for all tests.
var probe = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "probe")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "probe.wasm")
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w -buildid=", "-o", file, ".")
	cmd.Dir = "testdata/probe"
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build probe: %w\n%s", err, out)
	}
	return os.ReadFile(file)
})

// cache holds the compiled probe for all tests: compiling takes seconds.
var cache = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "postern-plugin-test")
	if err != nil {
		return "", err
	}
	wasm, err := probe()
	if err != nil {
		return dir, err
	}
	p, err := plugin.Load(context.Background(), plugin.Config{
		Wasm: wasm, Grant: everything(), Write: []document.Pointer{{"probe"}}, Options: []byte("{}"), Timeout: time.Minute, Memory: 64 << 20, CacheDir: dir,
	})
	if err != nil {
		return dir, err
	}
	return dir, p.Close(context.Background())
})

func TestMain(m *testing.M) {
	code := m.Run()
	dir, _ := cache() // its error is that of the tests
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func everything() []string {
	return []string{"envelope", "headers", "body", "attachments", "raw", "scans", "payload", "disposition"}
}

// config returns that of the probe, granted all and told to do something.
func config(t *testing.T, do string) plugin.Config {
	t.Helper()
	wasm, err := probe()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := cache()
	if err != nil {
		t.Fatal(err)
	}
	return plugin.Config{
		Name: "probe", Wasm: wasm, Grant: everything(), Write: []document.Pointer{{"probe"}, {"gone"}},
		Options: []byte(fmt.Sprintf(`{"do":%q}`, do)), Timeout: 30 * time.Second, Memory: 64 << 20, CacheDir: dir,
	}
}

func load(t *testing.T, cfg plugin.Config) *plugin.Plugin {
	t.Helper()
	p, err := plugin.Load(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close(context.Background()) })
	return p
}

// octets is a body in memory.
type octets struct{ *bytes.Reader }

func (octets) Close() error { return nil }

var large = strings.Repeat("0123456789", 300_000)

func rawMail() string {
	return "From: a@example.com\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nsubject: again\r\nX-Empty:\r\n" +
		"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext body\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>html\r\n" +
		"--b\r\nContent-Type: application/pdf; name=\"ä.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
		base64.StdEncoding.EncodeToString([]byte(large)) + "\r\n--b\r\nContent-Type: image/png\r\nContent-Id: <logo>\r\nContent-Disposition: inline\r\n\r\npng\r\n--b--\r\n"
}

func parsed(t *testing.T) plugin.Mail {
	t.Helper()
	raw := []byte(rawMail())
	view, err := mime.Parse(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	return plugin.Mail{
		ID: "msg_01ARYZ6S410000000000000000_1", Tenant: "acme", Alias: "support", Recipient: "support@acme.test",
		Envelope:   mail.Envelope{Session: mail.Session{HELO: "client.example", RemoteIP: netip.MustParseAddr("2001:db8::1"), TLS: "TLS 1.3"}},
		ReceivedAt: time.UnixMilli(1770892200123), View: view, Raw: octets{bytes.NewReader(raw)},
		Scans: []mail.Report{{Engine: "rspamd", Part: -1, Answer: []byte(`{"score":1}`)}, {Engine: "clamav", Part: 1, Answer: []byte(`{}`)}},
	}
}

func start() *document.Document {
	return &document.Document{Root: document.Object(
		document.Member{Name: "message", Value: document.Object(document.Member{Name: "subject", Value: document.String("Hi")})},
		document.Member{Name: "gone", Value: document.Int(1)},
	)}
}

func asJSON(t *testing.T, d *document.Document) string {
	t.Helper()
	var b strings.Builder
	if err := d.Encode(&b, nil); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestEverythingCrosses has a guest look at all there is and write it down, twice:
// the second run must know nothing of the first.
func TestEverythingCrosses(t *testing.T) {
	t.Parallel()
	p := load(t, config(t, "look"))
	m := parsed(t)
	var first string
	for range 2 {
		res, err := p.Run(t.Context(), m, start())
		if err != nil {
			t.Fatal(err)
		}
		got := asJSON(t, res.Document)
		if first == "" {
			first = got
		} else if diff := cmp.Diff(first, got); diff != "" {
			t.Errorf("the second run differs: %s", diff)
		}
	}
	var seen struct {
		Probe struct {
			Runs     int
			Envelope struct {
				DeliveryID, Tenant, Alias, MailFrom, RcptTo, HELO, RemoteIP string
				TLS                                                         bool
				ReceivedAt                                                  time.Time
			}
			Headers     []struct{ Name, Value string }
			Subjects    []string
			Text, HTML  struct{ Text string }
			Attachments []struct {
				Filename, ContentType, ContentID, SHA256, ReadSHA256 string
				Size, Length                                         int64
				Inline                                               bool
			}
			RawSize   int64
			RawSHA256 string
			Scans     []struct {
				Engine, Answer string
				Part           int
			}
			Before any
		} `json:"probe"`
		Gone *int `json:"gone"`
	}
	if err := json.Unmarshal([]byte(first), &seen); err != nil {
		t.Fatal(err)
	}
	s := seen.Probe
	if s.Runs != 1 || s.Before != nil || seen.Gone != nil {
		t.Errorf("runs = %d, before = %v, gone = %v", s.Runs, s.Before, seen.Gone)
	}
	if e := s.Envelope; e.DeliveryID != string(m.ID) || e.Tenant != "acme" || e.Alias != "support" || e.MailFrom != "" || e.RcptTo != m.Recipient ||
		e.HELO != "client.example" || e.RemoteIP != "2001:db8::1" || !e.TLS || !e.ReceivedAt.Equal(m.ReceivedAt) {
		t.Errorf("envelope = %+v", e)
	}
	if len(s.Headers) != len(m.View.Fields) || s.Headers[1].Value != "Grüße" || s.Headers[3].Value != "" {
		t.Errorf("headers = %+v", s.Headers)
	}
	if diff := cmp.Diff([]string{"Grüße", "again"}, s.Subjects); diff != "" {
		t.Error(diff)
	}
	if s.Text.Text != "text body" || !strings.HasPrefix(s.HTML.Text, "<p>html") {
		t.Errorf("bodies = %q, %q", s.Text.Text, s.HTML.Text)
	}
	if len(s.Attachments) != 2 {
		t.Fatalf("attachments = %+v", s.Attachments)
	}
	for i, a := range s.Attachments {
		want := m.View.Attachments[i]
		if a.Filename != want.Filename || a.ContentType != want.ContentType || a.ContentID != want.ContentID || a.Inline != want.Inline ||
			a.Size != want.Size || a.Length != want.Size || a.SHA256 != want.SHA256 || a.ReadSHA256 != want.SHA256 {
			t.Errorf("attachment %d = %+v, want %+v", i, a, want)
		}
	}
	sum := sha256.Sum256([]byte(rawMail()))
	if s.RawSize != int64(len(rawMail())) || s.RawSHA256 != hex.EncodeToString(sum[:]) {
		t.Errorf("raw message has %d octets of hash %s", s.RawSize, s.RawSHA256)
	}
	if len(s.Scans) != 2 || s.Scans[0].Part != -1 || s.Scans[1].Part != 1 || string(s.Scans[0].Answer) != `{"score":1}` {
		t.Errorf("scans = %+v", s.Scans)
	}
}

func TestVerdictsAndLog(t *testing.T) {
	t.Parallel()
	m := parsed(t)
	for do, want := range map[string]plugin.Result{
		"drop":       {Verdict: plugin.Drop, Reason: "not wanted"},
		"quarantine": {Verdict: plugin.Quarantine, Reason: "look at it"},
		"outside":    {Verdict: plugin.Continue},
		"talk": {Verdict: plugin.Continue, Log: []plugin.Line{
			{Level: "warn", Message: "careful", Fields: [][2]string{{"ä", "ö"}, {"empty", ""}}},
			{Level: "debug"},
			{Level: "info", Message: "a line"},
			{Level: "info", Message: "half a line"},
		}},
	} {
		d := start()
		got, err := load(t, config(t, do)).Run(t.Context(), m, d)
		if err != nil {
			t.Errorf("%s: %v", do, err)
			continue
		}
		if asJSON(t, got.Document) != asJSON(t, start()) {
			t.Errorf("%s: document = %s", do, asJSON(t, got.Document))
		}
		if got.Duration <= 0 || got.Memory < 1<<20 || got.Fuel < 100 {
			t.Errorf("%s: it took %s, %d octets and %d units of fuel", do, got.Duration, got.Memory, got.Fuel)
		}
		got.Document, got.Duration, got.Memory, got.Fuel = nil, 0, 0, 0
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", do, diff)
		}
	}
}

// TestQuotingAMail has a plugin quote more of a mail than the host takes: what it says
// is cut, and counts all the same. Else a long subject would switch a plugin off.
func TestQuotingAMail(t *testing.T) {
	t.Parallel()
	res, err := load(t, config(t, "quote")).Run(t.Context(), parsed(t), start())
	if err != nil || res.Verdict != plugin.Drop || !strings.HasPrefix(res.Reason, "subject: ää") || !strings.HasSuffix(res.Reason, "ä…") || len(res.Reason) > 8192 {
		t.Errorf("verdict = %s %.40q, %v", res.Verdict, res.Reason, err)
	}
	if len(res.Log) != 1 || !strings.HasPrefix(res.Log[0].Message, "\uFFFDxx") || len(res.Log[0].Message) > 8192 {
		t.Errorf("log = %.80v", res.Log)
	}
	var failed *plugin.GuestError
	if _, err := load(t, config(t, "quote and fail")).Run(t.Context(), parsed(t), start()); !errors.As(err, &failed) || !strings.HasPrefix(failed.Text, "ää") {
		t.Errorf("error = %.80v, want the plugin's own words", err)
	}
}

func TestBadGuestsAreTrapped(t *testing.T) {
	t.Parallel()
	m := parsed(t)
	for do, want := range map[string]string{
		"fail":  "no luck",
		"panic": "unreachable",
		"exit":  "it exited with code 3",
		"spin":  "its time was over",
		"eat":   "", // out of memory, in the Go runtime's own words
		"flood": "more than 100000 calls of the host in one run",
	} {
		t.Run(do, func(t *testing.T) {
			t.Parallel()
			cfg := config(t, do)
			if do == "spin" {
				cfg.Timeout = 300 * time.Millisecond
			}
			d := start()
			p := load(t, cfg)
			res, err := p.Run(t.Context(), m, d)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error = %v, want one with %q", err, want)
			}
			if res.Document != d || asJSON(t, d) != asJSON(t, start()) || res.Verdict != plugin.Continue {
				t.Errorf("of a run that failed something stays: %+v", res)
			}
			var guest *plugin.GuestError
			if do == "fail" && !errors.As(err, &guest) {
				t.Errorf("error = %T, want a *GuestError", err)
			}
		})
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*plugin.Config)
		want   string
	}{
		"grants": {
			func(c *plugin.Config) { c.Grant = []string{"headers", "payload"} },
			`plugin "probe": module asks for attachments, body, disposition, envelope, raw, scans, which it is not granted; where you trust it, write ` +
				`grant = ["headers", "payload", "attachments", "body", "disposition", "envelope", "raw", "scans"]`,
		},
		"options":         {func(c *plugin.Config) { c.Options = []byte(`{"do":"refuse"}`) }, `plugin "probe": configure: these options are refused`},
		"unknown options": {func(c *plugin.Config) { c.Options = []byte(`{"doo":"x"}`) }, `there is no option "doo"`},
		"no plugin": {func(c *plugin.Config) {
			c.Wasm = []byte("\x00asm\x01\x00\x00\x00\x05\x03\x01\x00\x01\x07\x0a\x01\x06memory\x02\x00")
		}, "module is no plugin: it does not export postern:plugin/transformer@0.1.0#configure"},
		"damaged": {func(c *plugin.Config) { c.Wasm = c.Wasm[:len(c.Wasm)/2] }, `plugin "probe": module cannot be compiled`},
		"other version": {
			func(c *plugin.Config) {
				c.Wasm = bytes.ReplaceAll(c.Wasm, []byte("postern:plugin/transformer@0.1.0#"), []byte("postern:plugin/transformer@9.9.9#"))
			},
			"module is of another version of the contract: it exports",
		},
		"memory": {func(c *plugin.Config) { c.Memory = 64 << 10 }, "at most 0.0625 MiB are allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config(t, "look")
			tc.change(&cfg)
			if _, err := plugin.Load(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error = %v, want %s", err, tc.want)
			}
		})
	}
}

func TestCanceledRun(t *testing.T) {
	t.Parallel()
	p := load(t, config(t, "spin"))
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	var trap *sandbox.Trap
	if _, err := p.Run(ctx, parsed(t), start()); !errors.Is(err, context.Canceled) || !errors.As(err, &trap) {
		t.Errorf("error = %v, want canceled", err)
	}
}

func TestConcurrentRuns(t *testing.T) {
	t.Parallel()
	p := load(t, config(t, "look"))
	m := parsed(t)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			res, err := p.Run(t.Context(), m, start())
			if err != nil || !strings.Contains(asJSON(t, res.Document), `"Runs":1,`) {
				t.Errorf("Run = %v", err)
			}
		})
	}
	wg.Wait()
}

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/postern-mail/postern/gateway/internal/payload/schema/schematest"
	"github.com/postern-mail/postern/gateway/internal/plugin/builtin"
)

// TestMain makes the test binary the real program where it is called as such.
func TestMain(m *testing.M) {
	testscript.Main(cached{m}, map[string]func(){"postern": main, alternationsName: alternations})
}

// cached runs the tests with one compilation cache for all programs that they
// start: compiling a plugin takes a second.
type cached struct{ *testing.M }

func (m cached) Run() int {
	dir, err := os.MkdirTemp("", "postern-test-cache")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Setenv(cacheVariable, dir); err != nil {
		panic(err)
	}
	return m.M.Run()
}

// fourPlugins are the blocks of the default chain.
const fourPlugins = `
plugin "classify" { source = "builtin:classify" }
plugin "spam"     { source = "builtin:spam" }
plugin "markdown" { source = "builtin:markdown" }
plugin "payload"  { source = "builtin:payload" }
`

// needBuiltins skips a test where the program has no plugins in it.
func needBuiltins(t *testing.T) {
	t.Helper()
	if _, err := builtin.Get("classify"); errors.Is(err, builtin.ErrNotBuilt) {
		missing(t, "the built plugins; run make plugins")
	}
}

// probe builds a guest that does what its options say, once for all tests.
var probe = sync.OnceValues(func() ([]byte, error) {
	file := filepath.Join(os.Getenv(cacheVariable), "probe.wasm")
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w -buildid=", "-o", file, ".")
	cmd.Dir = filepath.Join(repository, "gateway", "internal", "plugin", "testdata", "probe")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build probe: %w\n%s", err, out)
	}
	return os.ReadFile(file)
})

// testSecret signs the webhooks of all tests here.
const testSecret = "whsec_3JLGz80AmMIqq1wH4UOCCG80zcO5gsxTTEK3QoQ17z0="

// patience bounds every wait for something that has to come.
const patience = 2 * time.Minute

// repository is the root of the repository.
const repository = "../../.."

// missing skips a test that needs something this machine has not, or fails it
// where everything has to be there.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("POSTERN_TEST_REQUIRE") == "1" {
		t.Fatalf("missing: %s", what)
	}
	t.Skipf("missing: %s", what)
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, met func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !met() {
		select {
		case <-deadline.C:
			t.Fatalf("waited in vain for %s", what)
		case <-tick.C:
		}
	}
}

// received is what a receiver knows of one webhook-id.
type received struct {
	times   int
	sum     string
	payload []byte // nil where the receiver keeps none
}

// receiver is a webhook endpoint. It verifies every delivery by the official
// library, holds its payload to the schema, and notes what is wrong.
type receiver struct {
	*httptest.Server
	keep bool // payloads
	form *schematest.Schema

	mu       sync.Mutex
	byID     map[string]*received
	requests int
	faults   []string
	answer   func(n int, id string) int // status of the n-th request; nil for 204
	wait     chan struct{}              // answers come when it is closed; nil for at once
	came     int                        // requests that have come
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{byID: make(map[string]*received), form: schematest.Compile(t, schematest.Exact)}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return // the gateway was killed in the middle
	}
	r.mu.Lock()
	r.came++
	r.mu.Unlock()
	if r.wait != nil {
		select {
		case <-r.wait:
		case <-req.Context().Done():
			return // as above
		}
	}
	id := req.Header.Get("webhook-id")
	verifier, err := standardwebhooks.NewWebhook(testSecret)
	if err == nil {
		err = verifier.Verify(body, req.Header)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests++
	if err != nil || !json.Valid(body) {
		r.faults = append(r.faults, fmt.Sprintf("%s: JSON %v, signature %v", id, json.Valid(body), err))
	}
	status := http.StatusNoContent
	if r.answer != nil {
		status = r.answer(r.requests, id)
	}
	if status/100 == 2 {
		r.note(id, body)
	}
	w.WriteHeader(status)
}

func (r *receiver) note(id string, body []byte) {
	h := sha256.Sum256(body)
	sum := hex.EncodeToString(h[:])
	known := r.byID[id]
	if known == nil {
		known = &received{sum: sum}
		if r.keep {
			known.payload = body
		}
		r.byID[id] = known
		if err := r.form.Check(body); err != nil {
			r.faults = append(r.faults, fmt.Sprintf("%s: the payload is not as its schema says: %v", id, err))
		}
	}
	known.times++
	if known.sum != sum {
		r.faults = append(r.faults, id+": a second delivery has other bytes")
	}
}

// arrivals is how many requests have come, with an answer or not yet.
func (r *receiver) arrivals() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.came
}

func (r *receiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.byID)
}

func (r *receiver) has(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.byID[id] != nil
}

// check reports what was wrong with the deliveries.
func (r *receiver) check(t *testing.T) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range r.faults {
		t.Error(f)
	}
}

// configuration writes a configuration with one tenant, acme.test, all of whose
// mail goes to url, and returns its folder. extra stands in its delivery block, and
// blocks at its end.
func configuration(t *testing.T, url, extra string, blocks ...string) string {
	t.Helper()
	dir := t.TempDir()
	configure(t, dir, url, extra, blocks...)
	return dir
}

// configure writes such a configuration to a folder.
func configure(t *testing.T, dir, url, extra string, blocks ...string) {
	t.Helper()
	text := fmt.Sprintf(`
server {
  hostname = "mx.acme.test"
  data_dir = "data"
}
listener "mx" {
  address = "127.0.0.1:0"
}
delivery {
  allow_http     = true
  allow_networks = ["127.0.0.0/8"]
  %s
}
tenant "acme" {
  domains = ["acme.test"]
  endpoint "desk" {
    url        = %q
    secret_env = "TEST_WEBHOOK_SECRET"
  }
  alias "*" {
    endpoints = ["desk"]
  }
}
%s`, extra, url, strings.Join(blocks, ""))
	if err := os.WriteFile(filepath.Join(dir, "postern.hcl"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// gateway is a running gateway, a process of its own.
type gateway struct {
	cmd *exec.Cmd
	dir string
	env []string
	ready
	stderr lockedBuffer
	ended  chan error
}

// lockedBuffer is read while it is written to.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String is all that was written.
func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// serveIn starts a gateway on the configuration in dir and waits until it is
// ready. It is killed when the test ends. env comes after the test's own environment.
func serveIn(t *testing.T, dir string, env ...string) *gateway {
	t.Helper()
	g := newGateway(dir, env...)
	g.start(t)
	return g
}

// newGateway returns a gateway that is not started yet.
func newGateway(dir string, env ...string) *gateway {
	g := &gateway{dir: dir, env: env, ended: make(chan error, 1)}
	g.cmd = exec.Command("postern", "serve", "-c", filepath.Join(dir, "postern.hcl"), "--ready-file", g.readyFile())
	g.cmd.Env = append(append(os.Environ(), "TEST_WEBHOOK_SECRET="+testSecret), env...)
	g.cmd.Stderr = &g.stderr
	return g
}

func (g *gateway) readyFile() string { return filepath.Join(g.dir, "ready") }

// start starts a gateway as serveIn does.
func (g *gateway) start(t *testing.T) {
	t.Helper()
	if err := os.Remove(g.readyFile()); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	if err := g.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { g.ended <- g.cmd.Wait() }()
	t.Cleanup(func() { _ = g.cmd.Process.Kill() })
	eventually(t, "the gateway to be ready", func() bool {
		select {
		case err := <-g.ended:
			t.Fatalf("the gateway ended: %v\n%s", err, g.stderr.String())
		default:
		}
		content, err := os.ReadFile(g.readyFile())
		return err == nil && json.Unmarshal(content, &g.ready) == nil
	})
}

// smtp is the address of the gateway's listener.
func (g *gateway) smtp() string { return g.Listeners["mx"] }

// kill ends the gateway at once and waits until it is gone.
func (g *gateway) kill(t *testing.T) {
	t.Helper()
	if err := g.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-g.ended
}

// stop asks the gateway to stop and expects that it does so in good order.
func (g *gateway) stop(t *testing.T) {
	t.Helper()
	if err := g.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-g.ended:
		if err != nil {
			t.Errorf("the gateway ended with %v\n%s", err, g.stderr.String())
		}
	case <-time.After(patience):
		t.Fatal("the gateway does not stop")
	}
	if log := g.stderr.String(); strings.Contains(log, "[ERROR]") || strings.Contains(log, testSecret) {
		t.Errorf("the log has errors or secrets:\n%s", log)
	}
}

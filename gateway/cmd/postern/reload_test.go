package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/postern-mail/postern/gateway/internal/payload/schema/schematest"
	"github.com/postern-mail/postern/gateway/internal/smarthost/smtpclient"
)

// marker is a plugin that writes its version into the payload. It begins with as many pages of
// memory as its version says, so that versions are of different octets.
const marker = `(module
  (import "postern:plugin/payload@0.1.0" "set" (func $set (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 2)
  (data (i32.const 8) "/markVERSION")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536))
  (func (export "postern:plugin/transformer@0.1.0#configure") (param i32 i32) (result i32) (i32.const 1024))
  (func (export "postern:plugin/transformer@0.1.0#transform") (result i32)
    (call $set (i32.const 8) (i32.const 5) (i32.const 13) (i32.const 1) (i32.const 2048))
    (i32.const 1024)))`

// writeMarker builds a version of the marker into a file, in one go.
func writeMarker(t *testing.T, file string, version int) {
	t.Helper()
	wat2wasm, err := exec.LookPath("wat2wasm")
	if err != nil {
		missing(t, "wat2wasm (Debian: wabt)")
	}
	source := filepath.Join(t.TempDir(), "marker.wat")
	if err := os.WriteFile(source, []byte(strings.Replace(marker, "VERSION", fmt.Sprint(version), 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(wat2wasm, "-o", file+".new", source).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

// marked counts the payloads that have a mark.
func (r *receiver) marked(version int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, d := range r.byID {
		if bytes.Contains(d.payload, fmt.Appendf(nil, `"mark":%d`, version)) {
			n++
		}
	}
	return n
}

// edit changes the configuration of a gateway.
func (g *gateway) edit(t *testing.T, old, with string) {
	t.Helper()
	file := filepath.Join(g.dir, "postern.hcl")
	text, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(text), old) {
		t.Fatalf("%v: %s has no %q", err, file, old)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(text), old, with, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// hangUp has the gateway reload, and waits for a line of its log after that.
func (g *gateway) hangUp(t *testing.T, want string) {
	t.Helper()
	before := len(g.stderr.String())
	if err := g.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, want, func() bool { return strings.Contains(g.stderr.String()[before:], want) })
}

// TestReload changes plugins, tenants and what is wrong while mails come without a pause:
// each is delivered once, by the plugin of the time.
func TestReload(t *testing.T) {
	t.Parallel()
	rcv := newReceiver(t)
	rcv.keep = true
	rcv.form = schematest.Compile(t, schematest.Shaped)
	dir := configuration(t, rcv.URL, "", `
plugin "marker" {
  source = "file:marker.wasm"
  grant  = ["payload"]
  write  = ["/mark"]
}
`)
	file := filepath.Join(dir, "marker.wasm")
	writeMarker(t, file, 1)
	g := serveIn(t, dir)

	load := newLoad()
	endLoad := load.begin(t, g.smtp(), 4)
	eventually(t, "mails by version 1", func() bool { return rcv.marked(1) > 20 })

	// The file changes.
	writeMarker(t, file, 2)
	eventually(t, "mails by version 2", func() bool { return rcv.marked(2) > 20 })

	// What is wrong changes nothing.
	if err := os.WriteFile(file, []byte("no module"), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the refusal of what is no module", func() bool { return strings.Contains(g.stderr.String(), "it is no WebAssembly module") })
	g.edit(t, `grant  = ["payload"]`, `grant  = ["pailoat"]`)
	g.hangUp(t, "everything goes on as before")
	g.edit(t, `grant  = ["pailoat"]`, `grant  = []`)
	writeMarker(t, file, 3)
	g.hangUp(t, "module asks for payload, which it is not granted")
	seen := rcv.marked(2)
	eventually(t, "more mails by version 2", func() bool { return rcv.marked(2) > seen+20 })

	// A tenant comes, and what cannot change is said.
	g.edit(t, `grant  = []`, `grant  = ["payload"]`)
	g.edit(t, `tenant "acme" {`, fmt.Sprintf(`tenant "new" {
  domains = ["new.test"]
  endpoint "desk" {
    url        = %q
    secret_env = "TEST_WEBHOOK_SECRET"
  }
  alias "*" { endpoints = ["desk"] }
}
tenant "acme" {`, rcv.URL))
	g.edit(t, `address = "127.0.0.1:0"`, `address = "127.0.0.1:2"`)
	g.hangUp(t, "a change takes effect at the next start: block=listener")
	eventually(t, "mails by version 3", func() bool { return rcv.marked(3) > 20 })
	client, err := smtpclient.Dial(t.Context(), smtpclient.Config{Address: g.smtp()})
	if err != nil {
		t.Fatal(err)
	}
	reply, err := client.Send(smtpclient.Mail{From: "a@example.com", To: []string{"any@new.test"}, Body: strings.NewReader("Subject: x\r\n\r\nx\r\n")})
	if err != nil {
		t.Fatal(err)
	}
	_, id, _ := strings.Cut(reply, "queued as ")
	load.mu.Lock()
	load.accepted[id] = "x"
	load.mu.Unlock()
	_ = client.Close()

	endLoad()
	eventually(t, "every accepted mail", func() bool { return load.arrived(rcv) })
	if err := g.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-g.ended; err != nil {
		t.Errorf("the gateway ended with %v", err)
	}
	rcv.check(t)
	for id, d := range rcv.byID {
		if d.times != 1 {
			t.Errorf("%s came %d times", id, d.times)
		}
	}
	if all := rcv.marked(1) + rcv.marked(2) + rcv.marked(3); all != rcv.count() {
		t.Errorf("%d of %d payloads have a mark", all, rcv.count())
	}
	for _, want := range []string{"plugin replaced: plugin=marker", "the configuration is reloaded: plugins=1 tenants=2"} {
		if !strings.Contains(g.stderr.String(), want) {
			t.Errorf("the log has no %q:\n%s", want, g.stderr.String())
		}
	}
	if strings.Contains(g.stderr.String(), "panic") {
		t.Errorf("a panic:\n%s", g.stderr.String())
	}
	t.Logf("%d mails, by version 1: %d, 2: %d, 3: %d", rcv.count(), rcv.marked(1), rcv.marked(2), rcv.marked(3))
}

// TestCertificateIsReloaded gives a listener another certificate while it listens, and
// changes what a reload cannot.
func TestCertificateIsReloaded(t *testing.T) {
	t.Parallel()
	dir := configuration(t, "http://127.0.0.1:9/hook", "", fmt.Sprintf(`
public {
  address    = %q
  base_url   = "https://mail.acme.test"
  secret_env = "TEST_WEBHOOK_SECRET"
}
`, freeAddress(t)))
	first := certificate(t, dir)
	(&gateway{dir: dir}).edit(t, `address = "127.0.0.1:0"`, `address = "127.0.0.1:0"
  tls {
    cert_file = "mx.crt"
    key_file  = "mx.key"
  }`)
	g := serveIn(t, dir)
	trusted := func(pool *x509.CertPool) bool {
		client, err := smtpclient.Dial(t.Context(), smtpclient.Config{Address: g.smtp(), TLS: &tls.Config{RootCAs: pool, ServerName: "127.0.0.1"}})
		if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
			return false
		}
		if err != nil {
			t.Fatal(err)
		}
		_ = client.Close()
		return true
	}
	if !trusted(first) {
		t.Error("the first certificate is not shown")
	}
	second := certificate(t, dir)
	g.hangUp(t, "the configuration is reloaded")
	if trusted(first) || !trusted(second) {
		t.Error("the second certificate is not shown")
	}
	g.edit(t, "https://mail.acme.test", "https://other.acme.test")
	g.hangUp(t, "the public block is another than at the start")
	if err := g.cmd.Process.Kill(); err != nil { // its log has an error, as it should
		t.Fatal(err)
	}
}

// TestBrokenPluginIsItsTenants has a plugin of one tenant that cannot be loaded, and a shadow
// that cannot: the gateway starts and reloads, the tenant's mail goes by its on_error, and check
// refuses the configuration.
func TestBrokenPluginIsItsTenants(t *testing.T) {
	t.Parallel()
	rcv := newReceiver(t)
	rcv.keep = true
	rcv.form = schematest.Compile(t, schematest.Shaped)
	tenant := fmt.Sprintf(`
tenant "evil" {
  domains = ["evil.test"]
  endpoint "desk" {
    url        = %q
    secret_env = "TEST_WEBHOOK_SECRET"
  }
  alias "*" { endpoints = ["desk"] }
  plugin "bomb" { source = "file:gone.wasm" }
}
`, rcv.URL)
	dir := configuration(t, rcv.URL, "", `
plugin "marker" {
  source = "file:marker.wasm"
  shadow = "file:gone.wasm"
  grant  = ["payload"]
  write  = ["/mark"]
}
`, tenant)
	writeMarker(t, filepath.Join(dir, "marker.wasm"), 1)
	check := exec.Command("postern", "check", "-c", filepath.Join(dir, "postern.hcl"))
	check.Env = append(os.Environ(), "TEST_WEBHOOK_SECRET="+testSecret)
	if out, err := check.CombinedOutput(); err == nil || strings.Count(string(out), "gone.wasm: no such file") != 2 {
		t.Errorf("check: %v\n%s", err, out)
	}
	g := serveIn(t, dir)
	send := func(to string) {
		t.Helper()
		client, err := smtpclient.Dial(t.Context(), smtpclient.Config{Address: g.smtp()})
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		if _, err := client.Send(smtpclient.Mail{From: "a@example.com", To: []string{to}, Body: strings.NewReader("Subject: x\r\n\r\nx\r\n")}); err != nil {
			t.Fatal(err)
		}
	}
	send("any@acme.test")
	send("any@evil.test")
	eventually(t, "both mails", func() bool { return rcv.marked(1) == 2 })
	for _, want := range []string{
		"a shadow cannot be loaded, and does not run: plugin=marker",
		"a plugin cannot be loaded, and its stage fails for each mail: plugin=evil/bomb on_error=skip",
		"it could not be loaded",
	} {
		if !strings.Contains(g.stderr.String(), want) {
			t.Errorf("the log has no %q:\n%s", want, g.stderr.String())
		}
	}
	// It does not keep others from being changed, and works when it is there.
	writeMarker(t, filepath.Join(dir, "marker.wasm"), 2)
	eventually(t, "a reload", func() bool { return strings.Contains(g.stderr.String(), "plugin replaced: plugin=marker") })
	g.edit(t, `source = "file:gone.wasm" }`, `
    source = "file:marker.wasm"
    grant  = ["payload"]
    write  = ["/bomb"]
  }`)
	g.hangUp(t, "plugin loaded: plugin=evil/bomb")
	send("any@acme.test")
	eventually(t, "the new version", func() bool { return rcv.marked(2) == 1 })
	rcv.check(t)
}

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/postern-mail/postern/gateway/internal/smarthost/smtpclient"
)

// hostile are plugins by their name, as what their transform does.
func hostile() map[string]string {
	return map[string]string{
		"loop":   "(loop (br 0))",
		"fill":   "(loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 0x1000000)) (br 0))",
		"flood":  "(loop (drop (call $raw.size)) (br 0))",
		"table":  "(loop (drop (call_indirect (type $size) (i32.const 0))) (br 0))",
		"deep":   "(drop (call $deep (i32.const 0)))",
		"memory": "(loop (drop (memory.grow (i32.const 1))) (br 0))",
		"lines":  "(loop (call $log.write (i32.const 0) (i32.const 0) (i32.const 8192) (i32.const 4) (i32.const 0)) (br 0))",
		"far":    "(call $log.write (i32.const 0) (i32.const 0xffffffff) (i32.const 0xffffffff) (i32.const 4) (i32.const 0))",
		"exit":   "(call $exit (i32.const 0))",
	}
}

// writeHostile assembles a hostile plugin.
func writeHostile(t *testing.T, file, transform string) {
	t.Helper()
	program, err := exec.LookPath("wat2wasm")
	if err != nil {
		missing(t, "wat2wasm (Debian: wabt)")
	}
	text := `(module (type $size (func (result i64)))
		(import "postern:plugin/raw@0.1.0" "size" (func $raw.size (type $size)))
		(import "postern:plugin/log@0.1.0" "write" (func $log.write (param i32 i32 i32 i32 i32)))
		(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
		(memory (export "memory") 256) (table 1 funcref) (elem (i32.const 0) $raw.size)
		(func $deep (param i32) (result i32) (i32.add (call $deep (local.get 0)) (i32.const 1)))
		(func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0x1000))
		(func (export "postern:plugin/transformer@0.1.0#configure") (param i32 i32) (result i32) (i32.const 0x100000))
		(func (export "postern:plugin/transformer@0.1.0#transform") (result i32) ` + transform + ` (i32.const 0x100000)))`
	cmd := exec.CommandContext(t.Context(), program, "--output="+file, "-")
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// TestHostileTenant has one tenant whose chain holds nothing but hostile plugins, and one
// whose mail runs through a good one: all mails of both are delivered, those of the first
// without what its plugins did, and the gateway ends in good order.
func TestHostileTenant(t *testing.T) {
	t.Parallel()
	const hostileMails, goodMails = 4, 60
	rcv := newReceiver(t)
	dir := t.TempDir()
	var plugins, chain strings.Builder
	for name, transform := range hostile() {
		writeHostile(t, filepath.Join(dir, name+".wasm"), transform)
		fmt.Fprintf(&plugins, `
plugin %q {
  source  = "file:%s.wasm"
  grant   = ["raw"]
  timeout = "5m"
  fuel    = 50000000
  memory  = "32MiB"
}`, name, name)
		fmt.Fprintf(&chain, "%q, ", name)
	}
	writeHostile(t, filepath.Join(dir, "good.wasm"), "(drop (call $raw.size))")
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
}
%s
plugin "good" {
  source = "file:good.wasm"
  grant  = ["raw"]
  memory = "32MiB"
}
tenant "hostile" {
  domains  = ["hostile.test"]
  pipeline = [%s]
  endpoint "desk" {
    url        = %q
    secret_env = "TEST_WEBHOOK_SECRET"
  }
  alias "*" {
    endpoints = ["desk"]
  }
}
tenant "acme" {
  domains  = ["acme.test"]
  pipeline = ["good"]
  endpoint "desk" {
    url        = %q
    secret_env = "TEST_WEBHOOK_SECRET"
  }
  alias "*" {
    endpoints = ["desk"]
  }
}
`, plugins.String(), strings.TrimSuffix(chain.String(), ", "), rcv.URL, rcv.URL)
	if err := os.WriteFile(filepath.Join(dir, "postern.hcl"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	g := serveIn(t, dir)
	var mu sync.Mutex
	accepted := make(map[string]string)
	var wg sync.WaitGroup
	for domain, mails := range map[string]int{"hostile.test": hostileMails, "acme.test": goodMails} {
		wg.Go(func() {
			client, err := smtpclient.Dial(t.Context(), smtpclient.Config{Address: g.smtp()})
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = client.Close() }()
			for i := range mails {
				reply, err := client.Send(smtpclient.Mail{
					From: "load@example.com", To: []string{"any@" + domain}, Body: strings.NewReader(fmt.Sprintf("Subject: mail %d\r\n\r\ntext\r\n", i)),
				})
				if err != nil {
					t.Errorf("mail %d to %s: %v", i, domain, err)
					return
				}
				_, id, _ := strings.Cut(reply, "queued as ")
				mu.Lock()
				accepted[id] = domain
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(accepted) != hostileMails+goodMails {
		t.Fatalf("%d mails were accepted", len(accepted))
	}
	eventually(t, "every accepted mail", func() bool {
		for id := range accepted {
			if !rcv.has(id + "_1") {
				return false
			}
		}
		return true
	})
	g.stop(t)
	rcv.check(t)
	log := g.stderr.String()
	const failed = "a plugin failed: "
	for name := range hostile() {
		if n := strings.Count(log, "tenant=hostile plugin="+name+" on_error=skip reason="); n != hostileMails {
			t.Errorf("%s has failed for %d mails of %d", name, n, hostileMails)
		}
	}
	if all := strings.Count(log, failed); all != hostileMails*len(hostile()) {
		t.Errorf("%d runs have failed, those of the hostile plugins are %d", all, hostileMails*len(hostile()))
	}
	for _, words := range []string{"it exited with code 0", "more than 100000 calls of the host in one run", "address is outside the guest's memory", "stack overflow", "its fuel is used up"} {
		if !strings.Contains(log, words) {
			t.Errorf("the log does not say of any of them %q", words)
		}
	}
	if t.Failed() {
		t.Logf("%.4000s", log)
	}
}

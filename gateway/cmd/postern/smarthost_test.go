package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestMailServerEndpoint has mail passed on to a mail server that is not there at first, which is told of once, and then is: it is
// another gateway. The mail arrives there as it came, under our own fields, whatever the chain makes of it.
func TestMailServerEndpoint(t *testing.T) {
	t.Parallel()
	ops := newListening(t)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	dir := configuration(t, newReceiver(t).URL, `schedule = ["0s", "1s", "1s", "1s", "1s", "1s", "1s", "2s", "2s", "2s", "5s", "5s", "5s"]`, fmt.Sprintf(`
tenant "umbrella" {
  domains = ["umbrella.test"]
  endpoint "archive" {
    type = "smtp"
    smtp {
      host     = "127.0.0.1"
      port     = %s
      security = "none"
      to       = "archive@acme.test"
    }
  }
  endpoint "ops" {
    url        = %q
    secret_env = "TEST_WEBHOOK_SECRET"
    events     = ["connectError", "delivery.failed"]
  }
  alias "*" { endpoints = ["archive"] }
}
`, port, ops.URL))
	g := serveIn(t, dir)
	mails := []string{"plain.eml", "invoice.eml"}
	send := append([]string{"send", "--server", g.smtp(), "--to", "somebody@umbrella.test", "--from", "a@b.example"}, func() (paths []string) {
		for _, name := range mails {
			paths = append(paths, filepath.Join(repository, "examples", "mails", name))
		}
		return paths
	}()...)
	if out, err := exec.CommandContext(t.Context(), "postern", send...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	ops.want(t, "connectError connect ECONNREFUSED "+address+" ECONNREFUSED")

	other := configuration(t, newReceiver(t).URL, "")
	text, err := os.ReadFile(filepath.Join(other, "postern.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	moved := strings.Replace(string(text), `"127.0.0.1:0"`, `"`+address+`"`, 1)
	if err := os.WriteFile(filepath.Join(other, "postern.hcl"), []byte(strings.Replace(moved, "mx.acme.test", "archive.acme.test", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	serveIn(t, other)
	verb := func(dir string, args ...string) string {
		out, err := exec.CommandContext(t.Context(), "postern", append(args, "--data-dir", filepath.Join(dir, "data"))...).Output()
		if err != nil {
			t.Errorf("postern %q: %v", args, err)
		}
		return string(out)
	}
	eventually(t, "both mails", func() bool {
		return strings.Count(verb(dir, "message", "list", "--tenant", "umbrella", "--state", "delivered"), "umbrella/archive") == len(mails)
	})
	arrived := ""
	for _, line := range strings.Split(verb(other, "message", "list", "--recipient", "archive@acme.test"), "\n")[1:] {
		if id, _, ok := strings.Cut(line, "_1 "); ok {
			arrived += verb(other, "message", "raw", "--as-received", id)
		}
	}
	for _, name := range mails {
		mail, err := os.ReadFile(filepath.Join(repository, "examples", "mails", name))
		if err != nil {
			t.Fatal(err)
		}
		before, _, found := strings.Cut(arrived, strings.ReplaceAll(strings.ReplaceAll(string(mail), "\r\n", "\n"), "\n", "\r\n"))
		if !found || !strings.Contains(before, "Received: from") || !strings.Contains(before, "X-Postern-Loop: mx.acme.test") {
			t.Errorf("%s is not there as it was sent, under our fields; there is:\n%s", name, arrived)
		}
	}
	if got := ops.got(); len(got) != 1 {
		t.Errorf("events %q, want one", got)
	}
	g.stop(t)
}

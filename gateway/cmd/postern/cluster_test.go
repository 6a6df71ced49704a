package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/gateway/internal/spool/s3test"
	"github.com/postern-mail/postern/gateway/internal/store/postgres/pgtest"
)

// cluster is a PostgreSQL server and a bucket that gateways share.
type cluster struct {
	server *pgtest.Server
	bucket string // folder of its objects
	blocks string
	env    []string
}

func newCluster(t *testing.T, o pgtest.Options) *cluster {
	t.Helper()
	server, store := pgtest.Start(t, o), s3test.Start(t)
	return &cluster{
		server: server, bucket: store.MakeBucket(t, "mails"),
		blocks: fmt.Sprintf(`
store {
  driver          = "postgres"
  dsn_env         = "TEST_DSN"
  max_connections = 12
}
bodies {
  driver                = "s3"
  endpoint              = %q
  bucket                = "mails"
  prefix                = "test"
  access_key_id_env     = "TEST_S3_KEY"
  secret_access_key_env = "TEST_S3_SECRET"
}
`, store.Endpoint),
		env: []string{"TEST_DSN=" + server.Database(t), "TEST_S3_KEY=" + store.AccessKey, "TEST_S3_SECRET=" + store.SecretKey},
	}
}

// objects counts the large bodies.
func (c *cluster) objects(t *testing.T) int {
	t.Helper()
	n := 0
	err := filepath.WalkDir(c.bucket, func(_ string, entry os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(entry.Name(), ".eml") {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// killGateway ends the gateway, and starts another.
func killGateway(t *testing.T, g *gateway, _ *cluster) *gateway {
	t.Helper()
	g.kill(t)
	return serveIn(t, g.dir, g.env...)
}

// killServer ends the PostgreSQL server, and starts it again.
func killServer(t *testing.T, g *gateway, c *cluster) *gateway {
	t.Helper()
	if err := errors.Join(c.server.Kill(), c.server.Start()); err != nil {
		t.Fatal(err)
	}
	return g
}

// runPostern runs the program to its end, which is to be a good one, and returns what it says.
func runPostern(t *testing.T, env []string, args ...string) string {
	t.Helper()
	cmd := exec.Command("postern", args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("postern %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// failPostern runs the program, which is to fail, and returns what it says.
func failPostern(t *testing.T, env []string, args ...string) string {
	t.Helper()
	cmd := exec.Command("postern", args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if ended, ok := errors.AsType[*exec.ExitError](err); !ok || ended.ExitCode() != exitFailure {
		t.Fatalf("postern %s: %v; want exit code %d\n%s", strings.Join(args, " "), err, exitFailure, out)
	}
	return string(out)
}

// TestNodes has three gateways share a PostgreSQL and an S3, and one of them die under
// load. What it had claimed is taken over by the others, and all that was accepted arrives.
func TestNodes(t *testing.T) {
	t.Parallel()
	rcv := newReceiver(t)
	rcv.keep = true
	slow := make(chan struct{})
	rcv.wait = slow
	c := newCluster(t, pgtest.Options{})
	var nodes []*gateway
	for range 3 {
		nodes = append(nodes, serveIn(t, configuration(t, rcv.URL, `schedule = ["0s", "1s", "2s", "5s"]`, c.blocks), c.env...))
	}
	load := newLoad()
	var ends []func()
	for _, g := range nodes {
		ends = append(ends, load.begin(t, g.smtp(), 4))
	}
	// All workers have an attempt under way that has no answer yet.
	eventually(t, "attempts under way", func() bool { return rcv.arrivals() >= 3*8 && c.objects(t) > 0 })
	nodes[0].kill(t)
	before := rcv.arrivals()
	eventually(t, "mails after that", func() bool { return load.count() > 100 })
	close(slow)
	eventually(t, "attempts after that", func() bool { return rcv.arrivals() > before })
	for _, end := range ends {
		end()
	}
	began := time.Now()
	eventually(t, "every accepted mail", func() bool { return load.arrived(rcv) })
	t.Logf("%d mails accepted by three nodes, of which one was killed; the last arrived %.0f s after that; %d large bodies", load.count(), time.Since(began).Seconds(), c.objects(t))
	taken := strings.Contains(nodes[1].stderr.String()+nodes[2].stderr.String(), "took over leases that ended")
	if !taken {
		t.Error("nobody took over the leases of the node that was killed")
	}
	for _, g := range nodes[1:] {
		g.stop(t)
	}
	rcv.check(t)
}

// TestCopyToCluster moves a gateway with mails in all states to PostgreSQL and S3, where it
// goes on.
func TestCopyToCluster(t *testing.T) {
	t.Parallel()
	rcv := newReceiver(t)
	rcv.keep = true
	refusing := true
	rcv.answer = func(int, string) int {
		if refusing {
			return http.StatusServiceUnavailable
		}
		return http.StatusNoContent
	}
	dir := configuration(t, rcv.URL, `schedule = ["0s", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "1s"]`)
	g := serveIn(t, dir)
	load := newLoad()
	end := load.begin(t, g.smtp(), 4)
	eventually(t, "some mails", func() bool { return load.count() >= 40 })
	end()
	g.stop(t)

	c := newCluster(t, pgtest.Options{NoFsync: true})
	target := filepath.Join(dir, "cluster")
	if err := os.Mkdir(target, 0o700); err != nil {
		t.Fatal(err)
	}
	configure(t, target, rcv.URL, "", c.blocks)
	env := append([]string{"TEST_WEBHOOK_SECRET=" + testSecret}, c.env...)
	postern := func(args ...string) string { return runPostern(t, env, args...) }
	out := postern("store", "copy", "--from", filepath.Join(dir, "postern.hcl"), "--to", filepath.Join(target, "postern.hcl"))
	if want := fmt.Sprintf("Copied %d messages and %d bodies", load.count(), load.count()); !strings.Contains(out, want) {
		t.Errorf("store copy: %s; want %q", out, want)
	}
	if out := postern("verify", "-c", filepath.Join(target, "postern.hcl")); !strings.Contains(out, "all of it is whole") {
		t.Errorf("verify: %s", out)
	}
	if c.objects(t) == 0 {
		t.Error("no large body is in the bucket")
	}
	rcv.mu.Lock()
	refusing = false
	rcv.mu.Unlock()
	g = serveIn(t, target, c.env...)
	postern("queue", "retry", "-c", filepath.Join(target, "postern.hcl"), "--all", "--yes")
	eventually(t, "every accepted mail", func() bool { return load.arrived(rcv) })
	// And back, to a data folder. Not while the gateway runs, whose data folder need not be
	// known to who copies.
	back, elsewhere := filepath.Join(dir, "back"), filepath.Join(dir, "elsewhere")
	for _, folder := range []string{back, elsewhere} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	configure(t, back, rcv.URL, "")
	configure(t, elsewhere, rcv.URL, "", c.blocks)
	for from, to := range map[string]string{elsewhere: back, dir: elsewhere} {
		out := failPostern(t, env, "store", "copy", "--resume", "--from", filepath.Join(from, "postern.hcl"), "--to", filepath.Join(to, "postern.hcl"))
		if !strings.Contains(out, "a gateway is running on this database") {
			t.Errorf("copy from %s to %s: %s", from, to, out)
		}
	}
	g.stop(t)
	rcv.check(t)
	postern("store", "copy", "--from", filepath.Join(target, "postern.hcl"), "--to", filepath.Join(back, "postern.hcl"))
	if out := postern("verify", "-c", filepath.Join(back, "postern.hcl")); !strings.Contains(out, fmt.Sprintf("%d messages", load.count())) || !strings.Contains(out, "all of it is whole") {
		t.Errorf("verify: %s", out)
	}
}

// Package s3test starts a real S3 server for tests, on loopback: versitygw, over a
// folder. Where it is not installed it skips the test; with POSTERN_TEST_REQUIRE=1 that fails it.
package s3test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// module is what go install makes the server of.
const module = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"

// patience bounds every wait for something that has to come.
const patience = time.Minute

// Server is an S3 server with one user, who may do everything.
type Server struct {
	// Endpoint is its URL.
	Endpoint  string
	AccessKey string
	SecretKey string

	program, dir, addr string
	running            *exec.Cmd
	output             bytes.Buffer
}

// Start starts a server without buckets. It ends with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	s := &Server{AccessKey: "postern", SecretKey: "test-secret", program: find(t), dir: t.TempDir()}
	for _, dir := range []string{s.root(), filepath.Join(s.dir, "meta")} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { s.Stop(t) })
	for try := 1; ; try++ { // somebody may take the port before the server does
		s.addr = freePort(t)
		s.Endpoint = "http://" + s.addr
		err := s.Restart()
		if err == nil {
			return s
		}
		if s.Stop(t); try == 3 {
			t.Fatal(err)
		}
	}
}

// find looks where go install puts the server, and where CI has it.
func find(t testing.TB) string {
	t.Helper()
	if program, err := exec.LookPath("versitygw"); err == nil {
		return program
	}
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOPATH", "GOMOD").Output()
	if err != nil {
		t.Fatalf("go env: %v", err)
	}
	gopath, gomod, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	for _, dir := range []string{filepath.Join(gopath, "bin"), filepath.Join(filepath.Dir(gomod), ".build", "bin")} {
		program := filepath.Join(dir, "versitygw")
		if info, err := os.Stat(program); err == nil && info.Mode().IsRegular() {
			return program
		}
	}
	what := "missing: versitygw (go install " + module + ")"
	if os.Getenv("POSTERN_TEST_REQUIRE") == "1" {
		t.Fatal(what)
	}
	t.Skip(what)
	return ""
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return addr
}

// root has a folder for each bucket, and in that a file for each object.
func (s *Server) root() string { return filepath.Join(s.dir, "root") }

// MakeBucket makes a bucket and returns the folder that has its objects.
func (s *Server) MakeBucket(t testing.TB, name string) string {
	t.Helper()
	dir := filepath.Join(s.root(), name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Restart starts a server that was stopped, at the same address, and returns when it
// answers.
func (s *Server) Restart() error {
	s.output.Reset()
	s.running = exec.Command(s.program, "--port", s.addr, "--quiet", "--keep-alive", "posix", "--sidecar", filepath.Join(s.dir, "meta"), s.root()) //nolint:gosec,noctx // ours; it outlives a test's context
	// All that it knows of us is what it needs.
	s.running.Env = []string{"ROOT_ACCESS_KEY=" + s.AccessKey, "ROOT_SECRET_KEY=" + s.SecretKey, "HOME=" + s.dir, "TMPDIR=" + s.dir}
	s.running.Stdout, s.running.Stderr = &s.output, &s.output
	if err := s.running.Start(); err != nil {
		s.running = nil
		return err
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.DialTimeout("tcp", s.addr, time.Second) //nolint:noctx // it has its own bound
		if err == nil {
			return conn.Close()
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("versitygw does not listen on %s: %w", s.addr, err)
		}
	}
}

// Stop ends the server. What it has stored stays.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if s.running == nil {
		return
	}
	_ = s.running.Process.Signal(syscall.SIGTERM)
	forced := time.AfterFunc(patience, func() { _ = s.running.Process.Kill() })
	_ = s.running.Wait() // it exits by the signal
	if !forced.Stop() {
		t.Errorf("versitygw had to be killed:\n%s", s.output.String())
	}
	s.running = nil
}

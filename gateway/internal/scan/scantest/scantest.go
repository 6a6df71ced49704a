// Package scantest starts real scanners for tests, on loopback, by the scripts that
// stand beside the repository. Where a script or a program is missing it skips the test;
// with POSTERN_TEST_REQUIRE=1 a missing program fails it.
package scantest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// scripts is where the scripts are, beside the root of the repository.
const scripts = "../shared/servers"

// patience bounds every wait for something that has to come.
const patience = time.Minute

// Daemon is a real server that a script starts on loopback.
type Daemon struct {
	script, dir, pidFile string
	port                 int
	args                 []string // of the script, after the port
}

// ClamAV starts a clamd that knows one signature, EICAR's.
func ClamAV(t *testing.T) *Daemon {
	t.Helper()
	return start(t, "clamav", "clamd.pid", map[string]string{"clamd": "clamav-daemon", "nc": "netcat-openbsd"})
}

// Rspamd starts an rspamd that asks the DNS server at an address; nobody may be there.
func Rspamd(t *testing.T, dns string) *Daemon {
	t.Helper()
	return start(t, "rspamd", filepath.Join("run", "rspamd.pid"), map[string]string{"rspamd": "rspamd", "curl": "curl"}, dns)
}

// EICAR is the test string that every scanner takes for malware. It is assembled here, so
// that this file is none.
func EICAR() string {
	return `X5O!P%@AP[4\PZX54(P^)7CC)7}$` + "EICAR-STANDARD-" + "ANTIVIRUS-TEST-FILE!" + `$H+H*`
}

// start starts a server in a folder of its own. It skips the test where a
// program is missing.
func start(t *testing.T, name, pidFile string, packages map[string]string, args ...string) *Daemon {
	t.Helper()
	script := filepath.Join(root(t), scripts, name, "start.sh")
	if _, err := os.Stat(script); err != nil {
		t.Skipf("missing: %s beside the repository", filepath.Join(scripts, name))
	}
	for program, debian := range packages {
		if _, err := exec.LookPath(program); err != nil {
			missing(t, fmt.Sprintf("%s (Debian: %s)", program, debian))
		}
	}
	dir := t.TempDir()
	d := &Daemon{script: script, dir: dir, pidFile: filepath.Join(dir, pidFile), args: args}
	t.Cleanup(func() { d.Stop(t) })
	for try := 1; ; try++ { // somebody may take the port before the server does
		d.port = freePorts(t)
		err := d.Start()
		if err == nil {
			return d
		}
		if d.Stop(t); try == 3 {
			t.Fatal(err)
		}
	}
}

// root is the folder of go.mod.
func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	for ; err == nil; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	t.Fatalf("no go.mod above %s: %v", dir, err)
	return ""
}

func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("POSTERN_TEST_REQUIRE") == "1" {
		t.Fatalf("missing: %s", what)
	}
	t.Skipf("missing: %s", what)
}

// freePorts returns a port that is free, and so is the next.
func freePorts(t *testing.T) int {
	t.Helper()
	for range 100 {
		first, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := first.Addr().(*net.TCPAddr).Port
		second, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port+1))
		_ = first.Close()
		if err == nil {
			_ = second.Close()
			return port
		}
	}
	t.Fatal("no two free ports")
	return 0
}

// Address is where it listens.
func (d *Daemon) Address() string { return fmt.Sprintf("127.0.0.1:%d", d.port) }

// Socket is the Unix socket of clamd.
func (d *Daemon) Socket() string { return filepath.Join(d.dir, "clamd.sock") }

// Start starts a daemon that was stopped, at the same address.
func (d *Daemon) Start() error {
	// A file and no pipe: the daemon keeps it open.
	output, err := os.Create(filepath.Join(d.dir, "start.log"))
	if err != nil {
		return err
	}
	defer output.Close()
	cmd := exec.Command("bash", append([]string{d.script, d.dir, strconv.Itoa(d.port)}, d.args...)...) //nolint:gosec,noctx // a script of ours; the daemon outlives it
	cmd.Stdout, cmd.Stderr = output, output
	err = cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == interrupted && d.answers() {
		return nil
	}
	if err != nil {
		text, _ := os.ReadFile(output.Name())
		return fmt.Errorf("%s: %w\n%s", d.script, err, text)
	}
	return nil
}

// interrupted is how a shell exits that was sent SIGINT. clamd's child sends it to its
// parent when it is ready; where the parent was not prepared for it yet, which happens on
// a busy machine, it ends the script, and clamd runs.
const interrupted = 128 + int(syscall.SIGINT)

// answers waits a while for the server to take connections.
func (d *Daemon) answers() bool {
	for range 500 {
		conn, err := net.DialTimeout("tcp", d.Address(), time.Second) //nolint:noctx // it has its own bound
		if err == nil {
			return conn.Close() == nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return false
}

// Stop ends the server, by the pid that it has written, and waits for that.
func (d *Daemon) Stop(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(d.pidFile)
	if errors.Is(err, os.ErrNotExist) {
		return // it is not running
	}
	pid, convErr := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || convErr != nil {
		t.Fatalf("pid file: %v, %v", err, convErr)
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
		t.Fatal(err)
	}
	Eventually(t, "the end of "+d.script, func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		// Nobody may be there to wait for it: then it stays as a zombie.
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
	_ = os.Remove(d.pidFile)
}

// Eventually waits for a condition, within bounds.
func Eventually(t *testing.T, what string, met func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !met() {
		select {
		case <-deadline.C:
			t.Fatalf("waited in vain for %s", what)
		case <-tick.C:
		}
	}
}

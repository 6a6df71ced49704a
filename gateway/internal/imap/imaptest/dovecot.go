// Package imaptest starts a real dovecot for tests, on loopback, by the script that stands beside the
// repository. Where the script or a program is missing it skips the test; with POSTERN_TEST_REQUIRE=1
// a missing program fails it.
package imaptest

import (
	"bytes"
	"crypto/x509"
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

	"github.com/postern-mail/postern/gateway/internal/outbound"
)

// script is where the script is, beside the root of the repository.
const script = "../shared/servers/dovecot/start.sh"

// patience bounds every wait for something that has to come.
const patience = time.Minute

// Dovecot is a running dovecot, which has the users u1 and u2 with the password "pw".
type Dovecot struct {
	script, dir string
	imap, imaps int
	tokens      string // where tokens are asked about
}

// Start starts a dovecot. It asks about the tokens of XOAUTH2 at a URL; empty for none. The test
// has to run as root, since dovecot takes the rights of another user.
func Start(t testing.TB, tokens string) *Dovecot {
	t.Helper()
	path := filepath.Join(root(t), script)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("missing: %s beside the repository", script)
	}
	for program, debian := range map[string]string{"dovecot": "dovecot-imapd", "openssl": "openssl"} {
		if _, err := exec.LookPath(program); err != nil {
			missing(t, fmt.Sprintf("%s (Debian: %s)", program, debian))
		}
	}
	if os.Geteuid() != 0 {
		missing(t, "root, as who dovecot is started")
	}
	// t.TempDir is 0700 above, which the user of the mailboxes could not pass.
	dir, err := os.MkdirTemp("", "dovecot") //nolint:usetesting // for that reason
	if err != nil {
		t.Fatal(err)
	}
	d := &Dovecot{script: path, dir: dir, tokens: tokens}
	t.Cleanup(func() {
		d.Stop(t)
		_ = os.RemoveAll(dir)
	})
	for try := 1; ; try++ { // somebody may take the port before the server does
		d.imap, d.imaps = freePort(t), freePort(t)
		err := d.start()
		if err == nil {
			return d
		}
		if d.Stop(t); try == 3 {
			t.Fatal(err)
		}
	}
}

// start runs the script.
func (d *Dovecot) start() error {
	output, err := os.Create(filepath.Join(d.dir, "start.log")) // a file and no pipe: the daemon keeps it open
	if err != nil {
		return err
	}
	defer output.Close()
	cmd := exec.Command("bash", d.script, d.dir, strconv.Itoa(d.imap), strconv.Itoa(d.imaps)) //nolint:gosec,noctx // a script of ours; the daemon outlives it
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(output.Name())
		return fmt.Errorf("%s: %w\n%s", d.script, err, text)
	}
	return d.adjust()
}

// adjust has tokens asked about at the test's own server, and lets doveadm work for the users.
func (d *Dovecot) adjust() error {
	for file, change := range map[string]func(text []byte) []byte{
		"oauth2.conf": func(text []byte) []byte {
			if d.tokens == "" {
				return text
			}
			return bytes.ReplaceAll(text, []byte("http://127.0.0.1:21080/"), []byte(d.tokens+"/"))
		},
		"dovecot.conf": func(text []byte) []byte {
			return bytes.ReplaceAll(text, []byte("args = uid="), []byte("args = allow_all_users=yes uid="))
		},
	} {
		file = filepath.Join(d.dir, file)
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := os.WriteFile(file, change(text), 0o644); err != nil { //nolint:gosec // dovecot's other users read it
			return err
		}
	}
	doveadm := func(args ...string) error {
		return exec.Command("doveadm", append([]string{"-c", filepath.Join(d.dir, "dovecot.conf")}, args...)...).Run() //nolint:gosec,noctx // it ends by itself
	}
	if err := doveadm("reload"); err != nil {
		return err
	}
	var err error
	for range 500 { // what answers while it reloads goes away
		if err = doveadm("user", "u1"); err == nil {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return err
}

// Start starts a dovecot that was stopped, at the same ports, with the same mailboxes.
func (d *Dovecot) Start(t testing.TB) {
	t.Helper()
	if err := d.start(); err != nil {
		t.Fatal(err)
	}
}

// Stop ends the server, by the pid that it has written, and waits for that.
func (d *Dovecot) Stop(t testing.TB) {
	t.Helper()
	file := filepath.Join(d.dir, "run", "master.pid")
	text, err := os.ReadFile(file)
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
	Eventually(t, "the end of dovecot", func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		// Nobody may be there to wait for it: then it stays as a zombie.
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
	_ = os.Remove(file)
}

// Server is how to connect to it.
func (d *Dovecot) Server(t testing.TB, security outbound.Security) outbound.Server {
	t.Helper()
	pem, err := os.ReadFile(filepath.Join(d.dir, "cert.pem"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		t.Fatal("no certificate in cert.pem")
	}
	s := outbound.Server{Host: "localhost", Port: d.imap, Security: security, Roots: roots}
	if security == outbound.TLS {
		s.Port = d.imaps
	}
	return s
}

// Admin runs doveadm.
func (d *Dovecot) Admin(t testing.TB, input string, args ...string) string {
	t.Helper()
	cmd := exec.Command("doveadm", append([]string{"-c", filepath.Join(d.dir, "dovecot.conf")}, args...)...) //nolint:gosec,noctx // it ends by itself
	cmd.Stdin = strings.NewReader(input)
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("doveadm %q: %v\n%s", args, err, output)
	}
	return string(output)
}

// Deliver puts mails into a folder of a user.
func (d *Dovecot) Deliver(t testing.TB, user, folder string, mails ...string) {
	t.Helper()
	for _, m := range mails {
		d.Admin(t, m, "save", "-u", user, "-m", folder)
	}
}

// Count is how many mails a folder of a user has, of those that a search finds.
func (d *Dovecot) Count(t testing.TB, user, folder string, search ...string) int {
	t.Helper()
	if len(search) == 0 {
		search = []string{"ALL"}
	}
	output := d.Admin(t, "", append([]string{"search", "-u", user, "mailbox", folder}, search...)...)
	return strings.Count(output, "\n")
}

// root is the folder of go.mod.
func root(t testing.TB) string {
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

func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("POSTERN_TEST_REQUIRE") == "1" {
		t.Fatalf("missing: %s", what)
	}
	t.Skipf("missing: %s", what)
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

// Eventually waits for a condition, within bounds.
func Eventually(t testing.TB, what string, met func() bool) {
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

// CAFile is the authority that has signed the server's certificate, in PEM.
func (d *Dovecot) CAFile() string { return filepath.Join(d.dir, "cert.pem") }

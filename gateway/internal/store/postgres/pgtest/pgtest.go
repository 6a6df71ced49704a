// Package pgtest starts PostgreSQL servers for tests: in a temporary folder, on a Unix
// socket and on loopback, with the programs that the machine has. Where there are none it
// skips the test; with POSTERN_TEST_REQUIRE=1 it fails it.
//
// PostgreSQL refuses to run as root: a test that does runs it as the user postgres. A
// server ends with the test binary, also where that is killed.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// patience bounds every wait for the server.
	patience = time.Minute
	role     = "postgres" // the superuser
	// Password is what the superuser is asked for over TCP, and not on the socket.
	Password = "correct-horse"
)

// Options says what a server is like.
type Options struct {
	// NoFsync saves time where durability is not the subject.
	NoFsync bool
	// Settings are more lines for postgresql.conf, as in "max_connections = 20".
	Settings []string
}

// Server is a PostgreSQL server.
type Server struct {
	dir     string
	bin     string
	port    int
	account *syscall.Credential // nil for our own

	mu        sync.Mutex
	process   *os.Process
	ended     chan struct{} // closed when it has
	databases int
}

// Shared is a server that the tests of a binary share: a global variable of theirs. It is
// started for the first that asks, and TestMain calls its Stop.
type Shared struct {
	Options Options

	once   sync.Once
	server *Server
	err    error
}

// Database makes a new, empty database, which goes with the test, and returns its DSN.
func (s *Shared) Database(t testing.TB) string {
	t.Helper()
	return s.Server(t).Database(t)
}

// Server returns the server, running.
func (s *Shared) Server(t testing.TB) *Server {
	t.Helper()
	s.once.Do(func() { s.server, s.err = launch(s.Options) })
	if s.err != nil {
		unavailable(t, s.err)
	}
	return s.server
}

// Stop ends the server, if it was started, and deletes its folder.
func (s *Shared) Stop() {
	if s.server != nil {
		s.server.remove()
	}
}

// Start starts a server that the test has to itself. It ends with the test.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s, err := launch(o)
	if err != nil {
		unavailable(t, err)
	}
	t.Cleanup(s.remove)
	return s
}

// errMissing means that the machine has no PostgreSQL.
var errMissing = errors.New("missing: initdb and postgres (Debian: postgresql)")

func unavailable(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, errMissing) && os.Getenv("POSTERN_TEST_REQUIRE") != "1" {
		t.Skip(err)
	}
	t.Fatal(err)
}

// programs finds the folder of the newest server's programs, which Debian does not put
// into the path.
func programs() (string, error) {
	folders, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}
	slices.Sort(folders)
	slices.Reverse(folders)
	if inPath, err := exec.LookPath("initdb"); err == nil {
		folders = append(folders, filepath.Dir(inPath))
	}
	for _, dir := range append(folders, "/usr/local/bin") {
		_, initdb := os.Stat(filepath.Join(dir, "initdb"))
		_, postgres := os.Stat(filepath.Join(dir, "postgres"))
		if initdb == nil && postgres == nil {
			return dir, nil
		}
	}
	return "", errMissing
}

// launch makes a server's folder and starts it.
func launch(o Options) (*Server, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin}
	if s.dir, err = os.MkdirTemp("", "pg-"); err != nil {
		return nil, err
	}
	if err := s.prepare(o); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	for try := 1; ; try++ { // somebody may take the port before the server does
		err := s.takePort()
		if err == nil {
			err = s.Start()
		}
		if err == nil {
			return s, nil
		}
		if try == 3 {
			return nil, errors.Join(err, os.RemoveAll(s.dir))
		}
	}
}

// prepare makes the database cluster.
func (s *Server) prepare(o Options) error {
	if os.Geteuid() == 0 {
		if err := s.become(role); err != nil {
			return err
		}
	}
	secret := filepath.Join(s.dir, "password")
	if err := os.WriteFile(secret, []byte(Password+"\n"), 0o644); err != nil { //nolint:gosec // the server's user reads it
		return err
	}
	initdb := s.command("initdb", "--pgdata", s.data(), "--username", role, "--pwfile", secret, "--auth-local=trust", "--auth-host=scram-sha-256",
		"--encoding=UTF8", "--no-locale", "--no-sync")
	if text, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, text)
	}
	settings := append([]string{
		fmt.Sprintf("unix_socket_directories = '%s'", s.dir), "listen_addresses = '127.0.0.1'", "max_connections = 300",
		"shared_buffers = 128MB", fmt.Sprintf("fsync = %t", !o.NoFsync), "log_min_messages = fatal", "timezone = 'UTC'",
	}, o.Settings...)
	file, err := os.OpenFile(filepath.Join(s.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	for _, line := range settings {
		if _, err := fmt.Fprintln(file, line); err != nil {
			return errors.Join(err, file.Close())
		}
	}
	return file.Close()
}

// become has the server run as another user.
func (s *Server) become(name string) error {
	account, err := user.Lookup(name)
	if err != nil {
		return fmt.Errorf("%w: PostgreSQL does not run as root, and: %w", errMissing, err)
	}
	uid, uidErr := strconv.Atoi(account.Uid)
	gid, gidErr := strconv.Atoi(account.Gid)
	if err := errors.Join(uidErr, gidErr, os.Chown(s.dir, uid, gid)); err != nil {
		return err
	}
	s.account = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return nil
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, name), args...) //nolint:gosec,noctx // a program that was found above; the server is ended by Stop
	cmd.Dir = s.dir
	// Immediate shutdown where the test binary dies.
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.account, Pdeathsig: syscall.SIGQUIT}
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	return cmd
}

func (s *Server) takePort() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.port = l.Addr().(*net.TCPAddr).Port
	return l.Close()
}

// Start starts a server that was stopped or killed, at the same address, and returns when
// it answers.
func (s *Server) Start() error {
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	cmd := s.command("postgres", "-D", s.data(), "-p", strconv.Itoa(s.port))
	cmd.Stdout, cmd.Stderr = log, log
	started, ended := make(chan error, 1), make(chan struct{})
	go func() {
		// The signal at the parent's death comes when the thread ends that has started
		// the child: so this one is kept until the child's end.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
		_ = log.Close()
		close(ended)
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	s.mu.Lock()
	s.process, s.ended = cmd.Process, ended
	s.mu.Unlock()
	return s.await(ended)
}

// await waits until the server answers.
func (s *Server) await(ended <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, s.DSN(role))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-ended:
			text, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			return fmt.Errorf("PostgreSQL has ended before it answered:\n%s", text)
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL does not answer: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Stop ends the server in order, and waits for that; those that use it are cut off.
func (s *Server) Stop() error { return s.signal(syscall.SIGINT) }

// Kill ends all processes of the server at once, as a power cut does, and waits for that.
func (s *Server) Kill() error {
	s.mu.Lock()
	process := s.process
	s.mu.Unlock()
	if process == nil {
		return nil
	}
	// The children first would be restarted by their parent; the parent first would
	// leave them: it is stopped meanwhile.
	if err := errors.Join(process.Signal(syscall.SIGSTOP), awaitState(process.Pid, "T")); err != nil {
		return err
	}
	children, err := childrenOf(process.Pid)
	if err != nil {
		return err
	}
	for _, pid := range children {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
	}
	if err := s.signal(syscall.SIGKILL); err != nil {
		return err
	}
	for _, pid := range children {
		if err := awaitState(pid, "Z"); err != nil {
			return err
		}
	}
	return nil
}

// awaitState waits until a process is in a state, or gone. One that has ended is a zombie
// until somebody asks how.
func awaitState(pid int, state string) error {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || strings.Contains(string(text), ") "+state+" ") {
			return nil
		}
	}
	return fmt.Errorf("process %d of PostgreSQL does not get into state %s", pid, state)
}

// childrenOf lists the processes that a process has started.
func childrenOf(pid int) ([]int, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return nil, err
	}
	var list []int
	for field := range strings.FieldsSeq(string(text)) {
		child, err := strconv.Atoi(field)
		if err != nil {
			return nil, err
		}
		list = append(list, child)
	}
	return list, nil
}

func (s *Server) signal(sig syscall.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return nil
	}
	if err := s.process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-s.ended:
	case <-time.After(patience):
		return errors.New("PostgreSQL does not end")
	}
	s.process = nil
	return nil
}

func (s *Server) remove() {
	_ = s.signal(syscall.SIGQUIT)
	_ = os.RemoveAll(s.dir)
}

// DSN is the address of a database on the socket, where nobody is asked for a password.
func (s *Server) DSN(database string) string {
	u := url.URL{Scheme: "postgres", Path: "/" + database}
	u.RawQuery = url.Values{"host": {s.dir}, "port": {strconv.Itoa(s.port)}, "user": {role}, "sslmode": {"disable"}}.Encode()
	return u.String()
}

// TCP is the address of a database over loopback, with a password.
func (s *Server) TCP(database, password string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(role, password), Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)), Path: "/" + database}
	u.RawQuery = "sslmode=disable"
	return u.String()
}

// Database makes a new, empty database, which goes with the test, and returns its DSN.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	s.mu.Lock()
	s.databases++
	name := fmt.Sprintf("test_%d", s.databases)
	s.mu.Unlock()
	if err := s.Exec("CREATE DATABASE " + name + " TEMPLATE template0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Exec("DROP DATABASE " + name + " WITH (FORCE)") })
	return s.DSN(name)
}

// Exec runs a statement as the superuser.
func (s *Server) Exec(statement string, args ...any) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.DSN(role))
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement, args...)
	return errors.Join(err, conn.Close(ctx))
}

package admin_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/admin"
)

func TestSocketMode(t *testing.T) {
	t.Parallel()
	_, _, socket := start(t)
	info, err := os.Stat(socket)
	if err != nil {
		t.Fatal(err)
	}
	if want := fs.ModeSocket | 0o600; info.Mode() != want {
		t.Errorf("mode = %s, want %s", info.Mode(), want)
	}
}

// pathOf returns a path of so many octets for a socket.
func pathOf(t *testing.T, octets int) string {
	t.Helper()
	dir := t.TempDir()
	if len(dir)+2 > octets {
		t.Fatalf("the temporary folder %s is too long for a socket", dir)
	}
	return filepath.Join(dir, strings.Repeat("s", octets-len(dir)-1))
}

func TestSocketPathLength(t *testing.T) {
	t.Parallel()
	fits := pathOf(t, 107)
	l, err := admin.Listen(fits)
	if err != nil {
		t.Fatalf("a path of %d octets: %v", len(fits), err)
	}
	_ = l.Close()
	long := pathOf(t, 108)
	_, err = admin.Listen(long)
	wantError(t, "Listen", err, "open control socket: the path "+long+" has 108 octets and a Unix socket has room for 107; choose a shorter server.data_dir")
}

// stale leaves a socket behind that nobody listens at, as a crash does.
func stale(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestStaleSocketIsReplaced(t *testing.T) {
	t.Parallel()
	path := stale(t)
	l, err := admin.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
}

func TestListenFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := admin.Listen(filepath.Join(dir, "missing", "s")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in a folder that is missing: %v", err)
	}
	// A folder that holds something is not taken for an old socket.
	if err := os.Mkdir(filepath.Join(dir, "s"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "s", "kept"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Listen(filepath.Join(dir, "s")); err == nil || !strings.HasPrefix(err.Error(), "open control socket: ") {
		t.Errorf("in place of a folder: %v", err)
	}
}

func TestNotRunning(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]string{
		"no socket":    filepath.Join(t.TempDir(), "s"),
		"stale socket": stale(t),
	} {
		_, err := admin.NewClient(path).List(t.Context(), admin.ListOptions{})
		if !errors.Is(err, admin.ErrNotRunning) {
			t.Errorf("%s: error = %v, want %v", name, err, admin.ErrNotRunning)
		}
		wantError(t, name, err, "no gateway is running on this data folder: nobody answers at "+path)
	}
}

// TestShutdown holds that a gateway that has stopped is one that is not running.
func TestShutdown(t *testing.T) {
	t.Parallel()
	f := open(t)
	path := filepath.Join(f.dir, "s")
	l, err := admin.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	server := admin.NewServer(admin.Config{Store: f.store, Bodies: f.bodies, Logger: hclog.NewNullLogger()})
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	client := admin.NewClient(path)
	if _, err := client.List(t.Context(), admin.ListOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(server.Shutdown(t.Context()), <-ended); err != nil {
		t.Error(err)
	}
	if _, err := client.List(t.Context(), admin.ListOptions{}); !errors.Is(err, admin.ErrNotRunning) {
		t.Errorf("error = %v, want %v", err, admin.ErrNotRunning)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

func TestServeReportsErrors(t *testing.T) {
	t.Parallel()
	f := open(t)
	l, err := admin.Listen(filepath.Join(f.dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	if err := admin.NewServer(admin.Config{Store: f.store, Bodies: f.bodies, Logger: hclog.NewNullLogger()}).Serve(l); !errors.Is(err, net.ErrClosed) {
		t.Errorf("error = %v, want %v", err, net.ErrClosed)
	}
}

func TestClientIsCancelled(t *testing.T) {
	t.Parallel()
	_, client, _ := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := client.List(ctx, admin.ListOptions{}); !errors.Is(err, context.Canceled) || errors.Is(err, admin.ErrNotRunning) {
		t.Errorf("error = %v, want %v", err, context.Canceled)
	}
}

// TestForeignAnswers holds what a client says of a server that is not ours.
func TestForeignAnswers(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]string{
		"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{\"deliveries\":[":                "read the gateway's answer: unexpected EOF",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno":                                "read the gateway's answer: invalid character 'o' in literal null (expecting 'u')",
		"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 2\r\n\r\n{}":                       "the gateway answered 502 Bad Gateway",
		"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 6\r\n\r\n<html>":                   "the gateway answered 502 Bad Gateway",
		"HTTP/1.1 418 I'm a teapot\r\nContent-Length: 18\r\n\r\n{\"error\":\"teapot\"}": "teapot",
	} {
		path := filepath.Join(t.TempDir(), "s")
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			// The request fits into one read; what comes of it does not matter.
			_, _ = conn.Read(make([]byte, 4096))
			_, _ = conn.Write([]byte(answer))
			_ = conn.Close()
		}()
		_, err = admin.NewClient(path).List(t.Context(), admin.ListOptions{})
		wantError(t, answer, err, want)
		_ = l.Close()
	}
}

// TestOtherRequests holds that nothing but the documented questions is answered.
func TestOtherRequests(t *testing.T) {
	t.Parallel()
	_, _, socket := start(t)
	for request, want := range map[string]int{
		"GET /":                        http.StatusNotFound,
		"GET /v1":                      http.StatusNotFound,
		"GET /v1/messages":             http.StatusNotFound,
		"GET /v1/messages/x/y":         http.StatusNotFound,
		"GET /v1/deliveries/x":         http.StatusNotFound,
		"POST /v1/deliveries":          http.StatusMethodNotAllowed,
		"DELETE /v1/messages/x":        http.StatusMethodNotAllowed,
		"PUT /v1/deliveries/x/payload": http.StatusMethodNotAllowed,
		"GET /v1/messages/x":           http.StatusBadRequest,
		"GET /v1/deliveries/x/payload": http.StatusBadRequest,
		"GET /v1/messages/x/raw":       http.StatusBadRequest,
		"GET /v1/acts/resend":          http.StatusMethodNotAllowed,
		"GET /v1/queue/pause":          http.StatusMethodNotAllowed,
		"POST /v1/acts/resend":         http.StatusBadRequest,
		"POST /v1/queue/pause":         http.StatusBadRequest,
	} {
		method, target, _ := strings.Cut(request, " ")
		if resp := ask(t, socket, method, target); resp.StatusCode != want {
			t.Errorf("%s: status = %s, want %d", request, resp.Status, want)
		}
	}
}

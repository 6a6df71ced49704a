package artifact_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern-mail/postern/gateway/internal/artifact"
)

// module are octets to fetch. What they are is not this package's business.
var module = bytes.Repeat([]byte("\x00asm not a module "), 1000)

func sum(octets []byte) string {
	s := sha256.Sum256(octets)
	return hex.EncodeToString(s[:])
}

// server is one that tests fetch from. It counts the requests.
type server struct {
	*httptest.Server
	requests atomic.Int32
}

func newServer(t *testing.T, handler http.HandlerFunc) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		handler(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// config trusts the server, and waits for it no longer than for most of the tests.
func (s *server) config(cacheDir string) artifact.Config {
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return artifact.Config{CacheDir: cacheDir, RootCAs: roots, Timeout: 10 * time.Second}
}

// wants holds that an error says all of some texts.
func wants(t *testing.T, err error, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("error %v does not say %q", err, text)
		}
	}
}

func write(t *testing.T, dir, name string, octets []byte) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, octets, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := write(t, dir, "crm.wasm", module)
	large := write(t, dir, "large.wasm", nil)
	if err := os.Truncate(large, artifact.MaxModule+1); err != nil {
		t.Fatal(err)
	}
	o := artifact.New(artifact.Config{CacheDir: filepath.Join(dir, "cache")})
	open := func(file, pin string) ([]byte, error) {
		return o.Open(t.Context(), artifact.Request{Source: artifact.Source{File: file}, SHA256: pin})
	}
	for _, pin := range []string{"", sum(module)} {
		if got, err := open(file, pin); err != nil || !bytes.Equal(got, module) {
			t.Errorf("pinned by %q: %d octets, %v", pin, len(got), err)
		}
	}
	_, err := open(file, sum(nil))
	wants(t, err, file+" is not the module that sha256 pins: its SHA-256 is "+sum(module))
	_, err = open(file, "../../"+sum(module))
	wants(t, err, "is no SHA-256")
	_, err = open(filepath.Join(dir, "gone"), "")
	wants(t, err, "no such file")
	_, err = open(dir, "")
	wants(t, err, "is no file")
	_, err = open(large, "")
	wants(t, err, large, "33554432")
	if _, err := os.Stat(filepath.Join(dir, "cache")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file was kept: %v", err)
	}
}

// TestURL fetches from servers of all kinds. What fails leaves nothing in the cache.
func TestURL(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(module) }))
	t.Cleanup(plain.Close)
	cases := map[string]struct {
		handler http.HandlerFunc
		pin     string
		timeout time.Duration
		want    []string // none where it comes
	}{
		"good": {handler: func(w http.ResponseWriter, r *http.Request) {
			if got := r.Header.Get("User-Agent") + " " + r.URL.RawQuery; got != "Postern token=hunter2" {
				t.Errorf("asked as %q", got)
			}
			_, _ = w.Write(module)
		}},
		"redirected": {handler: func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/there" {
				http.Redirect(w, r, "/there", http.StatusFound)
				return
			}
			_, _ = w.Write(module)
		}},
		"another": {
			handler: func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(module[1:]) },
			want:    []string{"is not the module that sha256 pins: its SHA-256 is " + sum(module[1:]), "/crm.wasm?…"},
		},
		"truncated": {
			handler: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "18000")
				_, _ = w.Write(module[:100])
			},
			want: []string{"/crm.wasm?…: it came in part only"},
		},
		"declared too large": {
			handler: func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "33554433") },
			want:    []string{"it has 33554433 octets or more, and may have 33554432"},
		},
		"endless": {
			handler: func(w http.ResponseWriter, _ *http.Request) {
				for err := error(nil); err == nil; {
					_, err = w.Write(module)
				}
			},
			want: []string{"it has 33554433 octets or more"},
		},
		"slow": {
			handler: func(w http.ResponseWriter, r *http.Request) {
				for i := 0; r.Context().Err() == nil; i++ {
					_, _ = w.Write(module[i : i+1])
					w.(http.Flusher).Flush()
					time.Sleep(time.Millisecond)
				}
			},
			timeout: 100 * time.Millisecond,
			want:    []string{"it did not come within 100ms; look whether the server is well"},
		},
		"silent": {
			handler: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
			timeout: 100 * time.Millisecond,
			want:    []string{"it did not come within 100ms"},
		},
		"gone": {
			handler: http.NotFound,
			want:    []string{"the server answers 404 Not Found; look whether it is still there"},
		},
		"forbidden": {
			handler: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) },
			want:    []string{"403 Forbidden; it wants to know who asks"},
		},
		"broken": {
			handler: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
			want:    []string{"502 Bad Gateway; try again later"},
		},
		"empty answer": {
			handler: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
			want:    []string{"204 No Content"},
		},
		"to plain http": {
			handler: func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, plain.URL, http.StatusFound) },
			want:    []string{"the server redirects to http:, and it may be https only"},
		},
		"round and round": {
			handler: func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, r.URL.Path+"x?token=hunter2", http.StatusFound)
			},
			want: []string{"the server redirects more than 5 times"},
		},
		"large headers": {
			handler: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X", strings.Repeat("x", 1<<20))
			},
			want: []string{"fetch https://"},
		},
		"no http": {
			handler: func(w http.ResponseWriter, _ *http.Request) {
				conn, _, err := w.(http.Hijacker).Hijack()
				if err == nil {
					_, _ = conn.Write([]byte("\x1b[2J what?\r\n\r\n"))
					err = conn.Close()
				}
				if err != nil {
					t.Error(err)
				}
			},
			want: []string{"fetch https://"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := newServer(t, c.handler)
			cfg := srv.config(t.TempDir())
			if c.timeout > 0 {
				cfg.Timeout = c.timeout
			}
			got, err := artifact.New(cfg).Open(t.Context(), artifact.Request{
				Source: artifact.Source{URL: srv.URL + "/crm.wasm?token=hunter2"}, SHA256: sum(module),
			})
			if c.want == nil {
				if err != nil || !bytes.Equal(got, module) {
					t.Errorf("%d octets, %v", len(got), err)
				}
				return
			}
			wants(t, err, c.want...)
			if got != nil || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%d octets, %v", len(got), err)
			}
			if entries, err := os.ReadDir(filepath.Join(cfg.CacheDir, "modules")); len(entries) > 0 {
				t.Errorf("the cache holds %v, %v", entries, err)
			}
		})
	}
}

func TestURLRefused(t *testing.T) {
	t.Parallel()
	srv := newServer(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(module) })
	open := func(cfg artifact.Config, url, pin string) error {
		_, err := artifact.New(cfg).Open(t.Context(), artifact.Request{Source: artifact.Source{URL: url}, SHA256: pin})
		return err
	}
	wants(t, open(srv.config(""), srv.URL, ""), "needs its SHA-256 beside it")
	wants(t, open(artifact.Config{}, srv.URL, sum(module)), "certificate signed by unknown authority", "SSL_CERT_FILE")
	wants(t, open(srv.config(""), strings.Replace(srv.URL, "https", "http", 1), sum(module)), "only https is fetched")
	gone := newServer(t, nil)
	gone.Close()
	wants(t, open(gone.config(""), gone.URL, sum(module)), "connection refused")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := artifact.New(srv.config("")).Open(ctx, artifact.Request{Source: artifact.Source{URL: srv.URL}, SHA256: sum(module)}); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of its context: %v", err)
	}
}

// TestCache holds that a module comes once, and that what is kept is not believed.
func TestCache(t *testing.T) {
	t.Parallel()
	srv := newServer(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(module) })
	dir := filepath.Join(t.TempDir(), "cache")
	kept := filepath.Join(dir, "modules", sum(module))
	open := func(o *artifact.Opener, requests int32) {
		t.Helper()
		got, err := o.Open(t.Context(), artifact.Request{Source: artifact.Source{URL: srv.URL}, SHA256: sum(module)})
		if err != nil || !bytes.Equal(got, module) || srv.requests.Load() != requests {
			t.Fatalf("%d octets, %v, after %d requests, want %d", len(got), err, srv.requests.Load(), requests)
		}
	}
	o := artifact.New(srv.config(dir))
	open(o, 1)
	open(o, 1)
	open(artifact.New(srv.config(dir)), 1)
	for file, mode := range map[string]fs.FileMode{dir: 0o700, filepath.Dir(kept): 0o700, kept: 0o600} {
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s is of mode %v, %v", file, info.Mode(), err)
		}
	}

	// Whatever stands in its place is removed, and it comes again.
	write(t, filepath.Dir(kept), sum(module), module[1:])
	open(o, 2)
	if err := os.Truncate(kept, artifact.MaxModule+1); err != nil {
		t.Fatal(err)
	}
	open(o, 3)
	if err := os.Remove(kept); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(write(t, t.TempDir(), "x", module), kept); err != nil {
		t.Fatal(err)
	}
	open(o, 4)
	if err := os.Remove(kept); err != nil {
		t.Fatal(err)
	}
	write(t, kept, "x", nil) // a folder
	open(o, 5)
	if info, err := os.Lstat(kept); err != nil || !info.Mode().IsRegular() {
		t.Errorf("%s is %v, %v", kept, info, err)
	}

	// What is there needs no server; what is not does.
	srv.Close()
	open(o, 5)
	_, err := o.Open(t.Context(), artifact.Request{Source: artifact.Source{URL: srv.URL}, SHA256: sum(nil)})
	wants(t, err, "connection refused")

	// Without a folder nothing is kept; a folder that cannot be is told.
	again := newServer(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(module) })
	for range 2 {
		if _, err := artifact.New(again.config("")).Open(t.Context(), artifact.Request{Source: artifact.Source{URL: again.URL}, SHA256: sum(module)}); err != nil {
			t.Error(err)
		}
	}
	if n := again.requests.Load(); n != 2 {
		t.Errorf("%d requests without a cache", n)
	}
	_, err = artifact.New(again.config(kept)).Open(t.Context(), artifact.Request{Source: artifact.Source{URL: again.URL}, SHA256: sum(module)})
	wants(t, err, "look for a fetched module", "not a directory")
}

// TestPrune removes what nobody asked for, and nothing that is not the cache's.
func TestPrune(t *testing.T) {
	t.Parallel()
	srv := newServer(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(module) })
	dir := t.TempDir()
	o := artifact.New(srv.config(dir))
	if err := o.Prune(); err != nil {
		t.Errorf("without a folder: %v", err)
	}
	if _, err := o.Open(t.Context(), artifact.Request{Source: artifact.Source{URL: srv.URL}, SHA256: sum(module)}); err != nil {
		t.Fatal(err)
	}
	modules := filepath.Join(dir, "modules")
	for _, name := range []string{sum(nil), sum(nil) + ".0123456789ABCDEF.minisig", "README", ".new-1", ".new-2"} {
		write(t, modules, name, nil)
	}
	old := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(filepath.Join(modules, ".new-2"), old, old); err != nil {
		t.Fatal(err)
	}
	if err := o.Prune(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(modules)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got, want := strings.Join(names, " "), ".new-1 "+sum(module)+" README"; err != nil || got != want {
		t.Errorf("left are %s, want %s; %v", got, want, err)
	}
	if err := artifact.New(artifact.Config{}).Prune(); err != nil {
		t.Errorf("without a cache: %v", err)
	}
}

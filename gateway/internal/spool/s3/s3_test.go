package s3_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/spool"
	"github.com/postern-mail/postern/gateway/internal/spool/s3"
	"github.com/postern-mail/postern/gateway/internal/spool/s3test"
	"github.com/postern-mail/postern/gateway/internal/spool/spooltest"
)

const bucket = "mail"

// fixture is a server with a bucket.
type fixture struct {
	*s3test.Server
	dir string // has a file for each object
	tmp string
}

func start(t *testing.T) *fixture {
	t.Helper()
	server := s3test.Start(t)
	return &fixture{Server: server, dir: server.MakeBucket(t, bucket), tmp: t.TempDir()}
}

func (f *fixture) config(prefix string) s3.Config {
	return s3.Config{Endpoint: f.Endpoint, Bucket: bucket, Prefix: prefix, AccessKey: f.AccessKey, SecretKey: f.SecretKey, TempDir: f.tmp}
}

func (f *fixture) open(t *testing.T, prefix string) *s3.Bodies {
	t.Helper()
	bodies, err := s3.Open(t.Context(), f.config(prefix))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bodies.Close() })
	return bodies
}

// prefix makes one of a place.
func prefix(place string) string {
	return "p" + strings.NewReplacer(".", "_", "=", "_").Replace(place) + "/"
}

// suite is that for bodies in S3. Places are prefixes.
func (f *fixture) suite() spooltest.Suite {
	return spooltest.Suite{
		Open: func(t *testing.T, place string) (spool.Store, func() error) {
			t.Helper()
			bodies := f.open(t, prefix(place))
			return bodies, bodies.Close
		},
		Alter: func(t *testing.T, _ string, ref mail.BodyRef, change func([]byte) []byte) {
			t.Helper()
			name := f.file(ref)
			octets, err := os.ReadFile(name)
			if err == nil {
				octets = change(octets)
			}
			if octets == nil {
				err = errors.Join(err, os.Remove(name))
			} else {
				err = errors.Join(err, os.WriteFile(name, octets, 0o600))
			}
			if err != nil {
				t.Fatal(err)
			}
		},
		Age: func(t *testing.T, place string) {
			t.Helper()
			f.age(t, prefix(place))
		},
	}
}

// file is where the server has a body.
func (f *fixture) file(ref mail.BodyRef) string {
	return filepath.Join(f.dir, filepath.FromSlash(strings.Split(string(ref), ":")[1]))
}

// age lets what is below a prefix be two days old.
func (f *fixture) age(t *testing.T, prefix string) {
	t.Helper()
	old := time.Now().Add(-48 * time.Hour)
	for _, name := range f.files(t, prefix) {
		if err := os.Chtimes(name, old, old); err != nil {
			t.Fatal(err)
		}
	}
}

func (f *fixture) files(t *testing.T, prefix string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(f.dir, prefix, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestConforms(t *testing.T) {
	t.Parallel()
	f := start(t)
	// Its subtests run in parallel, and end before the server does.
	f.suite().Test(t)
}

// roundTripper makes requests through a function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestFails(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.suite().TestFailures(t, []int{1, 2}, func(place string, faults *spooltest.Faults) (spool.Store, func() error, error) {
		bodies, err := s3.OpenThrough(context.Background(), f.config(prefix(place)), func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (answer *http.Response, err error) {
				err = faults.Call(func() (err error) {
					answer, err = next.RoundTrip(r)
					return err
				})
				if err != nil && answer != nil {
					_, _ = io.Copy(io.Discard, answer.Body)
					_ = answer.Body.Close()
					answer = nil
				}
				return answer, err
			})
		}, time.Minute)
		if err != nil {
			return nil, nil, err
		}
		return bodies, bodies.Close, nil
	})
}

func put(t *testing.T, bodies spool.Store, content string) mail.BodyRef {
	t.Helper()
	ref, err := bodies.Put(t.Context(), mail.NewMessageID(time.Now()), time.Time{}, strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// TestSweepLeavesOthersAlone holds that the sweep removes old bodies of its own prefix
// alone.
func TestSweepLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	f := start(t)
	bodies := f.open(t, "gateway")
	old := put(t, bodies, "old")
	elsewhere := put(t, f.open(t, "other"), "of another gateway")
	foreign := filepath.Join(f.dir, "gateway", "notes.txt")
	if err := os.WriteFile(foreign, []byte("not ours"), 0o600); err != nil {
		t.Fatal(err)
	}
	f.age(t, "gateway")
	f.age(t, "other")
	fresh := put(t, bodies, "fresh")
	none := func(context.Context, []mail.MessageID) (map[mail.MessageID]mail.BodyRef, error) { return nil, nil }
	if n, err := bodies.Sweep(t.Context(), none); n != 1 || err != nil {
		t.Errorf("Sweep = %d, %v; want 1", n, err)
	}
	for name, want := range map[string]bool{f.file(old): false, f.file(elsewhere): true, f.file(fresh): true, foreign: true} {
		if _, err := os.Stat(name); (err == nil) != want {
			t.Errorf("%s after the sweep: %v", name, err)
		}
	}
}

// TestOpenTellsWhatIsWrong holds what an operator is told about a store that cannot be
// used.
func TestOpenTellsWhatIsWrong(t *testing.T) {
	t.Parallel()
	f := start(t)
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := nobody.Close(); err != nil {
		t.Fatal(err)
	}
	answers := func(status int, body string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet { // the list
				_, _ = io.WriteString(w, "<ListBucketResult></ListBucketResult>")
				return
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	for name, tc := range map[string]struct {
		change func(*s3.Config)
		want   error
		says   string
	}{
		"wrong secret":     {func(c *s3.Config) { c.SecretKey = "wrong-secret" }, s3.ErrRefused, "access key"},
		"wrong key":        {func(c *s3.Config) { c.AccessKey = "nobody" }, s3.ErrRefused, "access key"},
		"no bucket":        {func(c *s3.Config) { c.Bucket = "elsewhere" }, s3.ErrNoBucket, `create bucket "elsewhere"`},
		"nobody there":     {func(c *s3.Config) { c.Endpoint = "http://" + nobody.Addr().String() }, s3.ErrUnreachable, nobody.Addr().String()},
		"may not write":    {func(c *s3.Config) { c.Endpoint = answers(403, "<Error><Code>AccessDenied</Code></Error>") }, s3.ErrRefused, "s3:PutObject"},
		"clock":            {func(c *s3.Config) { c.Endpoint = answers(403, "<Error><Code>RequestTimeTooSkewed</Code></Error>") }, s3.ErrRefused, "clock"},
		"full":             {func(c *s3.Config) { c.Endpoint = answers(507, "") }, spool.ErrFull, "until there is room"},
		"out of order":     {func(c *s3.Config) { c.Endpoint = answers(503, "") }, s3.ErrUnreachable, "503"},
		"no S3 at all":     {func(c *s3.Config) { c.Endpoint = answers(404, "<html>") }, nil, "write to bucket"},
		"no scheme":        {func(c *s3.Config) { c.Endpoint = "s3.example.com" }, nil, "want a URL"},
		"a path":           {func(c *s3.Config) { c.Endpoint = "https://s3.example.com/bucket" }, nil, "want a URL"},
		"no URL":           {func(c *s3.Config) { c.Endpoint = "https://%" }, nil, "endpoint"},
		"no bucket's name": {func(c *s3.Config) { c.Bucket = "" }, nil, "bucket"},
		"no key":           {func(c *s3.Config) { c.AccessKey = "" }, nil, "access key"},
		"prefix":           {func(c *s3.Config) { c.Prefix = "a:b" }, nil, "prefix"},
		"prefix leads out": {func(c *s3.Config) { c.Prefix = "../a" }, nil, "prefix"},
		"no temporary dir": {func(c *s3.Config) { c.TempDir = filepath.Join(c.TempDir, "missing") }, os.ErrNotExist, "temporary"},
		"https to http":    {func(c *s3.Config) { c.Endpoint = strings.Replace(c.Endpoint, "http:", "https:", 1) }, s3.ErrUnreachable, "HTTPS"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := f.config("")
			tc.change(&cfg)
			bodies, err := s3.Open(t.Context(), cfg)
			if err == nil {
				_ = bodies.Close()
				t.Fatal("it was opened")
			}
			if tc.want != nil && !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("error = %v, want %v and %q", err, tc.want, tc.says)
			}
			if strings.Contains(err.Error(), cfg.SecretKey) {
				t.Errorf("the error tells the secret: %v", err)
			}
		})
	}
	if left := f.files(t, ""); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestSweepEnds sweeps a bucket whose store gives the same page again and again, whatever it is
// asked to begin after.
func TestSweepEnds(t *testing.T) {
	t.Parallel()
	f := start(t)
	var page strings.Builder
	page.WriteString("<ListBucketResult>")
	for range 1000 {
		page.WriteString("<Contents><Key>" + string(mail.NewMessageID(time.Now())) + "-0011223344556677.eml</Key><LastModified>2020-01-01T00:00:00.000Z</LastModified><Size>1</Size></Contents>")
	}
	page.WriteString("</ListBucketResult>")
	bodies, err := s3.OpenThrough(t.Context(), f.config(""), func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.URL.Query().Get("max-keys") != "1000" {
				return next.RoundTrip(r)
			}
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(page.String())), Request: r}, nil
		})
	}, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = bodies.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	_, err = bodies.Sweep(ctx, func(context.Context, []mail.MessageID) (map[mail.MessageID]mail.BodyRef, error) {
		return nil, nil
	})
	if err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error = %v, want that the list does not go on", err)
	}
}

// TestServerGoes holds what becomes of bodies while the server is away.
func TestServerGoes(t *testing.T) {
	t.Parallel()
	f := start(t)
	bodies := f.open(t, "")
	ref := put(t, bodies, "kept")
	f.Stop(t)
	if _, err := bodies.Put(t.Context(), mail.NewMessageID(time.Now()), time.Time{}, strings.NewReader("x")); !errors.Is(err, s3.ErrUnreachable) {
		t.Errorf("Put: error = %v, want ErrUnreachable", err)
	}
	if _, err := bodies.Open(t.Context(), ref); !errors.Is(err, s3.ErrUnreachable) || errors.Is(err, spool.ErrDamaged) {
		t.Errorf("Open: error = %v, want ErrUnreachable", err)
	}
	if err := bodies.Delete(t.Context(), ref); !errors.Is(err, s3.ErrUnreachable) {
		t.Errorf("Delete: error = %v, want ErrUnreachable", err)
	}
	if err := f.Restart(); err != nil {
		t.Fatal(err)
	}
	body, err := bodies.Open(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	_ = body.Close()
}

// TestNoAnswer holds that no request waits for ever.
func TestNoAnswer(t *testing.T) {
	t.Parallel()
	f := start(t)
	var silent atomic.Bool
	bodies, err := s3.OpenThrough(t.Context(), f.config(""), func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if silent.Load() {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			return next.RoundTrip(r)
		})
	}, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = bodies.Close() }()
	ref := put(t, bodies, "kept")
	silent.Store(true)
	var wg sync.WaitGroup
	for what, call := range map[string]func(context.Context) error{
		"Put": func(ctx context.Context) error {
			_, err := bodies.Put(ctx, mail.NewMessageID(time.Now()), time.Time{}, strings.NewReader("x"))
			return err
		},
		"Open":   func(ctx context.Context) error { _, err := bodies.Open(ctx, ref); return err },
		"Delete": func(ctx context.Context) error { return bodies.Delete(ctx, ref) },
		"Sweep":  func(ctx context.Context) error { _, err := bodies.Sweep(ctx, nil); return err },
	} {
		wg.Go(func() {
			if err := call(t.Context()); !errors.Is(err, s3.ErrUnreachable) || !strings.Contains(err.Error(), "did not answer within 5s") {
				t.Errorf("%s: error = %v, want ErrUnreachable", what, err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, s3.ErrUnreachable) {
				t.Errorf("%s: error = %v, want that of the caller's context", what, err)
			}
		})
	}
	wg.Wait()
}

// zeros is a reader of so many octets that takes no memory.
func zeros(n int64) io.Reader { return io.LimitReader(zeroReader{}, n) }

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// TestMemoryIsBounded holds that large bodies are not in memory, whether they come or go.
func TestMemoryIsBounded(t *testing.T) {
	f := start(t)
	bodies := f.open(t, "")
	const count, size, most = 64, 4 << 20, 48 << 20
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	var peak atomic.Uint64
	var wg sync.WaitGroup
	for range count {
		wg.Go(func() {
			ref, err := bodies.Put(t.Context(), mail.NewMessageID(time.Now()), time.Time{}, zeros(size))
			if err != nil {
				t.Error(err)
				return
			}
			body, err := bodies.Open(t.Context(), ref)
			if err != nil {
				t.Error(err)
				return
			}
			var now runtime.MemStats
			runtime.ReadMemStats(&now)
			for old := peak.Load(); now.HeapAlloc > old; old = peak.Load() {
				if peak.CompareAndSwap(old, now.HeapAlloc) {
					break
				}
			}
			if n, err := io.Copy(io.Discard, io.NewSectionReader(body, 0, body.Size())); n != size || err != nil {
				t.Errorf("%d octets, %v", n, err)
			}
			_ = body.Close()
		})
	}
	wg.Wait()
	if used := int64(peak.Load()) - int64(before.HeapAlloc); used > most {
		t.Errorf("%d bodies of %d MiB took %d MiB of memory", count, size>>20, used>>20)
	} else {
		t.Logf("%d bodies of %d MiB took %d MiB of memory", count, size>>20, used>>20)
	}
	if left, err := os.ReadDir(f.tmp); err != nil || len(left) > 0 {
		t.Errorf("temporary files are left: %v, %v", left, err)
	}
}

// TestBind opens bodies for the database that they are of, and for another. A sweep leaves
// what says so.
func TestBind(t *testing.T) {
	t.Parallel()
	f := start(t)
	for _, tc := range []struct {
		prefix, identity string
		want             error
	}{{"a", "one", nil}, {"a", "one", nil}, {"a", "other", spool.ErrOther}, {"b", "other", nil}, {"a", "one", nil}} {
		bodies := f.open(t, tc.prefix)
		if err := bodies.Bind(t.Context(), tc.identity); !errors.Is(err, tc.want) {
			t.Errorf("Bind of %s to %q: %v, want %v", tc.prefix, tc.identity, err, tc.want)
		}
		none := func(context.Context, []mail.MessageID) (map[mail.MessageID]mail.BodyRef, error) { return nil, nil }
		if n, err := bodies.Sweep(t.Context(), none); n != 0 || err != nil {
			t.Errorf("Sweep = %d, %v", n, err)
		}
	}
}

package bench

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mime"
	"github.com/postern-mail/postern/gateway/internal/payload"
	"github.com/postern-mail/postern/gateway/internal/pipeline"
	"github.com/postern-mail/postern/gateway/internal/plugin"
	"github.com/postern-mail/postern/gateway/internal/plugin/builtin"
	"github.com/postern-mail/postern/gateway/internal/sandbox"
)

// resident is what the process has of memory, in KiB, without garbage: all of it that is in
// memory; the same with what is mapped several times shared out among those; and what it has
// written to.
type resident struct{ rss, pss, dirty float64 }

func residentNow(t testing.TB) resident {
	t.Helper()
	debug.FreeOSMemory()
	debug.FreeOSMemory() // what finalizers have let go
	const file = "/proc/self/smaps_rollup"
	return resident{procField(t, file, "Rss:"), procField(t, file, "Pss:"), procField(t, file, "Private_Dirty:")}
}

// procField reads a number of KiB.
func procField(t testing.TB, file, name string) float64 {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("it is Linux that tells what is in memory")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			n, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("%s has no %s", file, name)
	return 0
}

// clones is of how many instances at the same time memory is measured.
const clones = 100

// BenchmarkIdleMemory makes a hundred instances of a plugin, each of which runs once, and
// reports what each of them takes while it waits for the next run, in KiB: "rss", in which
// the pages that all of them have of their image count for each of them, "pss", in which they
// count once, and "dirty", which is the instance's own; what is on Go's heap is in all three.
// "extism" is an instance of Extism that has been called once.
func BenchmarkIdleMemory(b *testing.B) {
	news := []byte(newsletter(b, 50_000))
	for _, c := range []struct {
		name, dir string
		mail      []byte
	}{
		{"echo/1KiB", "guest/echo", body(1 << 10)},
		{"markdown/1KiB", ownGuest, news[:1<<10]},
		{"markdown/50KB", ownGuest, news},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := newBoundary(b, buildGuest(b, c.dir), clones)
			measureIdle(b, func(ctx context.Context, n int) error { return nested(ctx, s, c.mail, n) })
		})
	}
	b.Run("extism/1KiB", func(b *testing.B) {
		instance := compileExtism(b, buildGuest(b, "guest/extismecho"))
		made := 0
		measureIdle(b, func(ctx context.Context, n int) error {
			for ; made < n; made++ {
				p, err := instance(ctx)
				if err != nil {
					return err
				}
				b.Cleanup(func() { _ = p.Close(context.Background()) })
				if _, _, err := p.CallWithContext(ctx, "transform", body(1<<10)); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// measureIdle measures memory before and after there are as many instances. A first one is
// there before.
func measureIdle(b *testing.B, instances func(ctx context.Context, n int) error) {
	for b.Loop() { // how long it takes is not what is asked
		if err := instances(b.Context(), 1); err != nil {
			b.Fatal(err)
		}
	}
	before, heap := residentNow(b), heapNow()
	if err := instances(b.Context(), clones); err != nil {
		b.Fatal(err)
	}
	after := residentNow(b)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric((after.rss-before.rss)/(clones-1), "rss-KiB")
	b.ReportMetric((after.pss-before.pss)/(clones-1), "pss-KiB")
	b.ReportMetric((after.dirty-before.dirty)/(clones-1), "dirty-KiB")
	b.ReportMetric((heapNow()-heap)/(clones-1), "heap-KiB")
}

func heapNow() float64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / 1024
}

// nested has n instances run at the same time: each waits in its run for the next one.
func nested(ctx context.Context, s *boundary, mail []byte, n int) error {
	if n == 0 {
		return nil
	}
	return s.run(ctx, mail, func(ctx context.Context) error { return nested(ctx, s, mail, n-1) })
}

// octets is a raw mail in memory.
type octets struct{ *bytes.Reader }

func (octets) Close() error { return nil }

// inFlight is one delivery that the chain is run for.
func inFlight(t testing.TB, raw []byte, n int) (plugin.Mail, payload.Facts) {
	t.Helper()
	view, err := mime.Parse(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(raw)
	m := plugin.Mail{
		ID: "msg_01ARYZ6S410000000000000000_1", Tenant: fmt.Sprintf("tenant%d", n%8), Alias: "support", Recipient: "support@acme.test",
		ReceivedAt: time.UnixMilli(1770892200123), View: view, Raw: octets{bytes.NewReader(raw)},
	}
	return m, payload.Facts{ID: m.ID, Tenant: m.Tenant, Alias: m.Alias, Recipient: m.Recipient, ReceivedAt: m.ReceivedAt, SHA256: hex.EncodeToString(sum[:])}
}

// defaultChain loads the plugins that come with the gateway, as serve does, and returns their
// stages and what unloads them.
func defaultChain(t testing.TB, cacheDir string) ([]pipeline.Stage, func()) {
	t.Helper()
	lanes, images := plugin.NewLanes(max(1, runtime.GOMAXPROCS(0)-1)), sandbox.NewSnapshots(snapshots)
	var stages []pipeline.Stage
	var closes []func()
	for _, name := range builtin.Names() {
		m, err := builtin.Get(name)
		if errors.Is(err, builtin.ErrNotBuilt) {
			if os.Getenv("POSTERN_TEST_REQUIRE") == "1" {
				t.Fatal("missing: the built plugins (make plugins)")
			}
			t.Skip("missing: the built plugins (make plugins)")
		}
		if err != nil {
			t.Fatal(err)
		}
		p, err := plugin.Load(t.Context(), plugin.Config{
			Name: name, Wasm: m.Wasm, Grant: m.Grant, Read: m.Read, Write: m.Write, Options: []byte("{}"),
			Timeout: time.Minute, Memory: memoryCap, CacheDir: cacheDir, Lanes: lanes, Snapshots: images,
		})
		if err != nil {
			t.Fatal(err)
		}
		stages = append(stages, pipeline.Stage{Name: name, Plugin: p, OnError: pipeline.Retry})
		closes = append(closes, func() { _ = p.Close(context.Background()) })
	}
	return stages, func() {
		for _, f := range closes {
			f()
		}
		_ = images.Close()
	}
}

// newsletterMail is a mail with a newsletter of 50 KB.
func newsletterMail(t testing.TB) []byte {
	t.Helper()
	html := strings.ReplaceAll(newsletter(t, 50_000), "\n", "\r\n")
	return []byte("From: news@example.com\r\nTo: support@acme.test\r\nSubject: News\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + html)
}

// flight runs the chain for so many mails at the same time.
func flight(t testing.TB, stages []pipeline.Stage, raw []byte, mails int) []pipeline.Outcome {
	t.Helper()
	outcomes := make([]pipeline.Outcome, mails)
	var wg sync.WaitGroup
	for i := range mails {
		m, facts := inFlight(t, raw, i)
		wg.Go(func() { outcomes[i] = pipeline.Run(t.Context(), stages, m, payload.Build(m.View, facts)) })
	}
	wg.Wait()
	return outcomes
}

// TestFlight holds that what is measured is the whole chain, with the same document for each
// mail in flight.
func TestFlight(t *testing.T) {
	t.Parallel()
	stages, unload := defaultChain(t, filepath.Join(t.TempDir(), "cache"))
	defer unload()
	var want string
	for i, o := range flight(t, stages, newsletterMail(t), 16) {
		if o.Verdict != pipeline.Deliver || len(o.Steps) != len(builtin.Names()) {
			t.Fatalf("mail %d: %s, %s, after %d steps", i, o.Verdict, o.Reason, len(o.Steps))
		}
		var b strings.Builder
		if err := o.Document.Encode(&b, nil); err != nil {
			t.Fatal(err)
		}
		got := strings.ReplaceAll(b.String(), fmt.Sprintf(`"tenant":"tenant%d"`, i%8), `"tenant":"tenant"`)
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("mail %d has another document than the first", i)
		}
		if !strings.Contains(got, `"markdown":"`) || !strings.Contains(got, `"classification":`) {
			t.Errorf("mail %d: no trace of the plugins in its document", i)
		}
	}
}

// BenchmarkFlightMemory loads the four plugins that come with the gateway, out of the cache,
// and runs their chain for 64 newsletters of 50 KB at the same time. It reports, in MiB, by how
// much that made the process grow: when they are loaded, at the most while mails are in flight,
// the mails and documents themselves included, and after that.
func BenchmarkFlightMemory(b *testing.B) {
	const mib, resetPeak = 1024, "5" // in KiB; proc_pid_clear_refs(5)
	raw, cacheDir := newsletterMail(b), filepath.Join(b.TempDir(), "cache")
	_, unload := defaultChain(b, cacheDir) // compiles
	unload()
	before := residentNow(b)
	stages, unload := defaultChain(b, cacheDir)
	defer unload()
	loaded := residentNow(b)
	if err := os.WriteFile("/proc/self/clear_refs", []byte(resetPeak), 0); err != nil {
		b.Skipf("the peak cannot be reset: %v", err)
	}
	for b.Loop() {
		for _, o := range flight(b, stages, raw, 64) {
			if o.Verdict != pipeline.Deliver {
				b.Fatalf("%s: %s", o.Verdict, o.Reason)
			}
		}
	}
	peak := procField(b, "/proc/self/status", "VmHWM:")
	after := residentNow(b)
	b.ReportMetric((loaded.rss-before.rss)/mib, "loaded-MiB")
	b.ReportMetric((peak-before.rss)/mib, "peak-MiB")
	b.ReportMetric((after.rss-before.rss)/mib, "after-MiB")
}

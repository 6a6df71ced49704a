package sandbox_test

import (
	"context"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/postern-mail/postern/gateway/internal/sandbox"
)

// spinners are the bodies of loops that never end, by what they spin with. Memory holds a
// list of all its words, each of which says where the next one is, far away.
func spinners() map[string]string {
	row := func(begin, text string, n int, end string) string {
		return begin + strings.Repeat(text, n) + end
	}
	return map[string]string{
		"nothing":             "",
		"additions":           row("(local.get $i)", "(i64.const 3) i64.add", 3000, " local.set $i"),
		"divisions":           row("(i64.const 0x7fffffffffffffff)", "(i64.or (local.get $i) (i64.const 3)) i64.div_s (i64.const 0x7ffffffffffffff0) i64.or", 1000, " local.set $i"),
		"square roots":        row("(f64.convert_i64_u (local.get $i))", " f64.sqrt", 3000, " i64.trunc_sat_f64_u local.set $i"),
		"floating divisions":  row("(f64.convert_i64_u (local.get $i))", "(f64.const 1.0000001) f64.div", 3000, " i64.trunc_sat_f64_u local.set $i"),
		"loads, one by one":   row("(local.get $p)", " i32.load", 3000, " local.set $p"),
		"stores":              row("", "(i32.store offset=3 (local.tee $p (i32.and (i32.mul (local.get $p) (i32.const 0x0019660d)) (i32.const 0x3ffff00))) (i32.const 0)) (local.set $p (i32.add (local.get $p) (i32.const 0x3c6f001)))", 500, ""),
		"filling of memory":   "(memory.fill (i32.const 0) (i32.const 0) (i32.const 0x4000000))",
		"copying of memory":   "(memory.copy (i32.const 8) (i32.const 0) (i32.const 0x3fffff8))",
		"copying of segments": "(memory.init $data (i32.const 0) (i32.const 0) (i32.const 0x100000))",
		"filling of tables":   "(table.fill $t (i32.const 0) (ref.null func) (i32.const 65536))",
		"copying of tables":   "(table.copy $t $t (i32.const 1) (i32.const 0) (i32.const 65535))",
		"calls of the host":   "(drop (call_indirect (type $yield) (i32.const 0)))",
		"growing that fails":  "(drop (memory.grow (i32.const 1)))",
	}
}

// spinner assembles a guest that spins with what its loop holds.
func spinner(t testing.TB, body string) []byte {
	t.Helper()
	wat2wasm, err := exec.LookPath("wat2wasm")
	if err != nil {
		assemble(t, "guest") // which says so
	}
	text := `(module (type $yield (func (result i32)))
		(import "wasi_snapshot_preview1" "sched_yield" (func $yield (type $yield)))
		(memory (export "memory") 1024 1024) (table $t 65536 65536 funcref) (elem (i32.const 0) $yield)
		(data $data "` + strings.Repeat("0123456789abcdef", 1<<16) + `")
		(func (export "prepare") (local $i i32) (loop
			(i32.store (i32.shl (local.get $i) (i32.const 2)) (i32.shl (i32.and (i32.const 0xffffff) (i32.add (i32.const 1013904223) (i32.mul (local.get $i) (i32.const 1664525)))) (i32.const 2)))
			(br_if 0 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 0x1000000)))))
		(func (export "spin") (local $i i64) (local $p i32) (loop ` + body + ` br 0)))`
	source := filepath.Join(t.TempDir(), "spinner.wat")
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return assembleFile(t, wat2wasm, source)
}

// BenchmarkPause collects garbage while a guest spins, and reports for how long all
// goroutines were stopped, the wait for the guest included: of half of the times, of nine in
// ten, and the longest. What is longer is the system's, which runs other things too: see
// "idle", where nothing spins, and "no-guest", where Go itself does.
func BenchmarkPause(b *testing.B) {
	b.Run("idle", measurePauses)
	b.Run("no-guest", func(b *testing.B) {
		var stop atomic.Bool
		ended := make(chan struct{})
		go func() {
			for !stop.Load() { //nolint:revive // it spins
			}
			close(ended)
		}()
		measurePauses(b)
		stop.Store(true)
		<-ended
	})
	for name, body := range spinners() {
		b.Run(strings.ReplaceAll(name, " ", "-"), func(b *testing.B) {
			m, err := sandbox.Compile(b.Context(), spinner(b, body), sandbox.Config{Memory: 64 * mebibyte})
			if err != nil {
				b.Fatal(err)
			}
			defer m.Close(context.Background())
			ctx, cancel := context.WithCancel(b.Context())
			ready, ended := make(chan struct{}), make(chan error)
			go func() {
				_, err := m.NewPool(1, func(context.Context, *sandbox.Guest) error { return nil }).Run(ctx, os.Stderr, func(ctx context.Context, g *sandbox.Guest) error {
					if _, err := g.Call(ctx, "prepare"); err != nil {
						return err
					}
					close(ready)
					_, err := g.Call(ctx, "spin")
					return err
				})
				ended <- err
			}()
			<-ready
			measurePauses(b)
			cancel()
			if err := <-ended; err == nil {
				b.Error("the guest ended well")
			}
		})
	}
}

func measurePauses(b *testing.B) {
	before := pauses()
	for b.Loop() {
		runtime.GC()
	}
	after := pauses()
	b.ReportMetric(quantile(before, after, 0.5)*1e3, "p50-ms")
	b.ReportMetric(quantile(before, after, 0.9)*1e3, "p90-ms")
	b.ReportMetric(quantile(before, after, 1)*1e3, "max-ms")
}

func pauses() *metrics.Float64Histogram {
	sample := []metrics.Sample{{Name: "/sched/pauses/total/gc:seconds"}}
	metrics.Read(sample)
	return sample[0].Value.Float64Histogram()
}

// quantile is the bound of that part of the pauses that were in between, in seconds.
func quantile(before, after *metrics.Float64Histogram, part float64) float64 {
	counts, all := slices.Clone(after.Counts), uint64(0)
	for i := range counts {
		if i < len(before.Counts) {
			counts[i] -= before.Counts[i]
		}
		all += counts[i]
	}
	seen := uint64(0)
	for i, n := range counts {
		if seen += n; float64(seen) >= part*float64(all) {
			return after.Buckets[i+1]
		}
	}
	return math.Inf(1)
}

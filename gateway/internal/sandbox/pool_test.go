package sandbox_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/postern-mail/postern/gateway/internal/sandbox"
)

// pooled calls an export by a pool.
func pooled(ctx context.Context, p *sandbox.Pool, name string) (result uint64, err error) {
	_, err = p.Run(ctx, io.Discard, func(ctx context.Context, g *sandbox.Guest) error {
		results, err := g.Call(ctx, name)
		if len(results) > 0 {
			result = results[0]
		}
		return err
	})
	return result, err
}

// TestPoolIsPristine counts in all that a guest can change, thousands of times, with runs
// between that trap, loop, grow and close: what is counted never gets beyond one.
func TestPoolIsPristine(t *testing.T) {
	t.Parallel()
	for _, guest := range []string{"state", "large"} {
		for way, choose := range sandbox.Ways() {
			t.Run(guest+" "+way, func(t *testing.T) {
				t.Parallel()
				m := compile(t, assemble(t, guest), sandbox.Config{Memory: 4 << 20, Fuel: 1_000_000})
				choose(m)
				isPristine(t, m)
			})
		}
	}
}

func isPristine(t *testing.T, m *sandbox.Module) {
	t.Helper()
	setUps := 0
	var mu sync.Mutex
	p := m.NewPool(2, func(ctx context.Context, g *sandbox.Guest) error {
		mu.Lock()
		defer mu.Unlock()
		setUps++
		_, err := g.Call(ctx, "setup")
		return err
	})
	const want = 5*101 + 1
	check := func() {
		if got, err := pooled(t.Context(), p, "count"); err != nil || got != want {
			t.Errorf("count = %d, %v; want %d", got, err, want)
		}
	}
	for range 3000 {
		check()
	}
	if setUps != 1 {
		t.Errorf("it was set up %d times", setUps)
	}
	for range 200 {
		for name, fails := range map[string]bool{"trap": true, "spin": true, "grow": false, "close": false} {
			if got, err := pooled(t.Context(), p, name); (err != nil) != fails || name == "grow" && got != 1 || name == "close" && got != 8 {
				t.Errorf("%s = %d, %v", name, got, err)
			}
			check()
		}
	}
	if setUps != 1 {
		t.Errorf("it was set up %d times", setUps)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				check()
			}
		})
	}
	wg.Wait()
	// A panic of the host's own within a run leaves nothing behind either.
	func() {
		defer func() { _ = recover() }()
		_, _ = p.Run(t.Context(), io.Discard, func(ctx context.Context, g *sandbox.Guest) error {
			_, _ = g.Call(ctx, "count")
			panic("boom")
		})
	}()
	check()
}

// TestPoolThatCannotReset has a guest that changes a table: each run has an instance of its
// own.
func TestPoolThatCannotReset(t *testing.T) {
	t.Parallel()
	m := compile(t, assemble(t, "table"), sandbox.Config{Memory: mebibyte})
	setUps := 0
	p := m.NewPool(2, func(context.Context, *sandbox.Guest) error { setUps++; return nil })
	for range 3 {
		if got, err := pooled(t.Context(), p, "count"); err != nil || got != 0 {
			t.Errorf("count = %d, %v", got, err)
		}
	}
	if setUps != 3 {
		t.Errorf("it was set up %d times", setUps)
	}
}

// TestPoolSetUpFails holds that what fails is not kept, and tried again.
func TestPoolSetUpFails(t *testing.T) {
	t.Parallel()
	m := compile(t, assemble(t, "state"), sandbox.Config{Memory: 4 << 20})
	failed := errors.New("not today")
	fails := 2
	p := m.NewPool(2, func(ctx context.Context, g *sandbox.Guest) error {
		if fails--; fails >= 0 {
			return failed
		}
		_, err := g.Call(ctx, "setup")
		return err
	})
	for range 2 {
		if _, err := pooled(t.Context(), p, "count"); !errors.Is(err, failed) {
			t.Errorf("error = %v", err)
		}
	}
	if got, err := pooled(t.Context(), p, "count"); err != nil || got != 5*101+1 {
		t.Errorf("count = %d, %v", got, err)
	}
}

// TestPoolKeepsToItsRun holds that a run's output and time are its own.
func TestPoolKeepsToItsRun(t *testing.T) {
	t.Parallel()
	kept := &[]string{}
	m := compile(t, assemble(t, "guest"), sandbox.Config{Memory: mebibyte, Functions: []sandbox.Function{notes(kept)}})
	p := m.NewPool(1, func(context.Context, *sandbox.Guest) error { return nil })
	for _, want := range []string{"hello", "hello"} {
		var out writer
		if _, err := p.Run(t.Context(), &out, func(ctx context.Context, g *sandbox.Guest) error { _, err := g.Call(ctx, "print"); return err }); err != nil || string(out) != want {
			t.Errorf("output %q, %v", out, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := pooled(ctx, p, "spin"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error = %v", err)
	}
	if got, err := pooled(t.Context(), p, "count"); err != nil || got != 101 {
		t.Errorf("count after it = %d, %v", got, err)
	}
}

// TestWASIIsGuarded holds that no function of WASI is given more than it may, and that
// none is called when the time is over, however it is called.
func TestWASIIsGuarded(t *testing.T) {
	t.Parallel()
	m := compile(t, assemble(t, "wasi"), sandbox.Config{Memory: mebibyte})
	p := m.NewPool(1, func(context.Context, *sandbox.Guest) error { return nil })
	for name, want := range map[string]string{
		"path":     "path: path_filestat_get: 4097 in one call, at most 4096 are allowed",
		"indirect": "indirect: path_filestat_get: 4097 in one call, at most 4096 are allowed",
		"poll":     "poll: poll_oneoff: 16385 in one call, at most 16384 are allowed",
		"read":     "read: fd_read: 16385 in one call, at most 16384 are allowed",
	} {
		if _, err := pooled(t.Context(), p, name); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := pooled(ctx, p, "clock"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error = %v", err)
	}
}

// TestTimeThatIsOverAtTheEnd has a run that ends well, and too late.
func TestTimeThatIsOverAtTheEnd(t *testing.T) {
	t.Parallel()
	m := compile(t, assemble(t, "state"), sandbox.Config{Memory: 4 << 20})
	p := m.NewPool(1, func(context.Context, *sandbox.Guest) error { return nil })
	ctx, cancel := context.WithCancel(t.Context())
	_, err := p.Run(ctx, io.Discard, func(context.Context, *sandbox.Guest) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v", err)
	}
}

type writer []byte

func (w *writer) Write(b []byte) (int, error) { *w = append(*w, b...); return len(b), nil }

// BenchmarkPool runs a guest that does next to nothing, reset included.
func BenchmarkPool(b *testing.B) {
	wasm := assemble(b, "state")
	m, err := sandbox.Compile(b.Context(), wasm, sandbox.Config{Memory: 4 << 20})
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close(context.Background())
	p := m.NewPool(1, func(context.Context, *sandbox.Guest) error { return nil })
	for b.Loop() {
		if _, err := pooled(b.Context(), p, "count"); err != nil {
			b.Fatal(err)
		}
	}
}

// TestGrownMemoryIsZero grows by a mebibyte in each run, twice: what is asked of the system at
// once is as new as what comes page after page.
func TestGrownMemoryIsZero(t *testing.T) {
	t.Parallel()
	for way, choose := range sandbox.Ways() {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			m := compile(t, assemble(t, "grower"), sandbox.Config{Memory: 4 << 20})
			choose(m)
			p := m.NewPool(1, func(context.Context, *sandbox.Guest) error { return nil })
			for range 20 {
				_, err := p.Run(t.Context(), io.Discard, func(ctx context.Context, g *sandbox.Guest) error {
					for range 2 {
						if results, err := g.Call(ctx, "grow"); err != nil || results[0] != 0 {
							t.Errorf("%v words of the new memory are not zero, %v", results, err)
						}
					}
					if g.MemorySize() != 36<<16 {
						t.Errorf("memory has %d octets", g.MemorySize())
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
}

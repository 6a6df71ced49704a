package sandbox

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// keeper is a guest whose functions are called again: work(n) calls itself n times, and then
// the host; fail traps in the middle of that.
const keeper = `(module
	(import "test" "again" (func $again (param i32) (result i32)))
	(memory (export "memory") 1)
	(func $work (export "work") (param $n i32) (result i32)
		(if (i32.eqz (local.get $n)) (then (return (call $again (i32.const 0)))))
		(i32.add (i32.const 1) (call $work (i32.sub (local.get $n) (i32.const 1)))))
	(func (export "fail") (param $n i32) (result i32) (drop (call $work (local.get $n))) unreachable))`

// newKeeper returns a pool of keepers. The host function again is called with the guest.
func newKeeper(t *testing.T, again func(ctx context.Context, g *Guest) (uint64, error)) *Pool {
	t.Helper()
	wat2wasm, err := exec.LookPath("wat2wasm")
	if err != nil {
		if os.Getenv("POSTERN_TEST_REQUIRE") == "1" {
			t.Fatal("missing: wat2wasm (Debian: wabt)")
		}
		t.Skip("missing: wat2wasm (Debian: wabt)")
	}
	source, file := filepath.Join(t.TempDir(), "keeper.wat"), filepath.Join(t.TempDir(), "keeper.wasm")
	if err := os.WriteFile(source, []byte(keeper), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), wat2wasm, "-o", file, source).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	wasm, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	m, err := Compile(t.Context(), wasm, Config{Memory: 1 << 20, Functions: []Function{{
		Module: "test", Name: "again", Params: []Type{I32}, Results: []Type{I32},
		Call: func(ctx context.Context, g *Guest, stack []uint64) (err error) {
			stack[0], err = again(ctx, g)
			return err
		},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close(context.Background()) })
	return m.NewPool(1, func(context.Context, *Guest) error { return nil })
}

// keptBy runs one export and says which functions the pool's instance has kept after that.
func keptBy(t *testing.T, p *Pool, name string, n, want uint64) []string {
	t.Helper()
	_, err := p.Run(t.Context(), io.Discard, func(ctx context.Context, g *Guest) error {
		results, err := g.Call(ctx, name, n)
		if err == nil && results[0] != want {
			t.Errorf("%s(%d) = %d, want %d", name, n, results[0], want)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	in := <-p.idle
	p.idle <- in
	var names []string
	for name := range in.guest.kept {
		names = append(names, name)
	}
	return names
}

// TestFunctionsAreKept pins where wazero has the stack of a function: those that were called
// are there for the next run, but for one whose stack has become long.
func TestFunctionsAreKept(t *testing.T) {
	t.Parallel()
	p := newKeeper(t, func(context.Context, *Guest) (uint64, error) { return 0, nil })
	for range 3 {
		if got := keptBy(t, p, "work", 3, 3); !slices.Equal(got, []string{"work"}) {
			t.Errorf("after a shallow run are kept: %q", got)
		}
		if got := keptBy(t, p, "work", 100_000, 100_000); got != nil {
			t.Errorf("after a deep run are kept: %q", got)
		}
	}
	if n, ok := (&Guest{}).stackOf(nil); ok {
		t.Errorf("nothing has a stack of %d", n)
	}
}

// TestFunctionIsCalledWithinItself has the host call the function that calls it, and one that
// traps in there, four deep: each call has a stack of its own.
func TestFunctionIsCalledWithinItself(t *testing.T) {
	t.Parallel()
	depth := 0
	p := newKeeper(t, func(ctx context.Context, g *Guest) (uint64, error) {
		if depth == 4 {
			return 7, nil
		}
		depth++
		defer func() { depth-- }()
		if _, err := g.Call(ctx, "fail", 3); err == nil || !strings.Contains(err.Error(), "unreachable") {
			t.Errorf("error = %v, want that of unreachable", err)
		}
		results, err := g.Call(ctx, "work", 5)
		if err != nil {
			return 0, err
		}
		return results[0], nil
	})
	for range 3 {
		if got := keptBy(t, p, "work", 5, 5*5+7); !slices.Equal(got, []string{"work"}) {
			t.Errorf("are kept: %q", got)
		}
	}
}

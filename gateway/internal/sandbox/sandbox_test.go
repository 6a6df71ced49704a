package sandbox_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/gateway/internal/sandbox"
)

const mebibyte = 1 << 20

// assemble builds a guest of testdata.
func assemble(t testing.TB, name string) []byte {
	t.Helper()
	wat2wasm, err := exec.LookPath("wat2wasm")
	if err != nil {
		if os.Getenv("POSTERN_TEST_REQUIRE") == "1" {
			t.Fatal("missing: wat2wasm (Debian: wabt)")
		}
		t.Skip("missing: wat2wasm (Debian: wabt)")
	}
	return assembleFile(t, wat2wasm, filepath.Join("testdata", name+".wat"))
}

func assembleFile(t testing.TB, wat2wasm, source string) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "guest.wasm")
	if out, err := exec.CommandContext(t.Context(), wat2wasm, "-o", file, source).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	wasm, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}

var errNoted = errors.New("not to be noted")

// notes is a host function that keeps what the guest gives it, and fails for "h".
func notes(kept *[]string) sandbox.Function {
	return sandbox.Function{
		Module: "test", Name: "note", Params: []sandbox.Type{sandbox.I32, sandbox.I32},
		Call: func(_ context.Context, g *sandbox.Guest, stack []uint64) error {
			b, err := g.Read(uint32(stack[0]), uint32(stack[1]))
			if err != nil {
				return err
			}
			if string(b) == "h" {
				return errNoted
			}
			*kept = append(*kept, string(b))
			return nil
		},
	}
}

func compile(t *testing.T, wasm []byte, cfg sandbox.Config) *sandbox.Module {
	t.Helper()
	m, err := sandbox.Compile(t.Context(), wasm, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close(context.Background()) })
	return m
}

func guest(t *testing.T) (*sandbox.Module, *[]string) {
	t.Helper()
	kept := &[]string{}
	return compile(t, assemble(t, "guest"), sandbox.Config{Memory: mebibyte, Functions: []sandbox.Function{notes(kept)}}), kept
}

// start returns what runs a module that needs no set-up.
func start(m *sandbox.Module) func(context.Context, io.Writer, func(context.Context, *sandbox.Guest) error) (int64, error) {
	return m.NewPool(1, func(context.Context, *sandbox.Guest) error { return nil }).Run
}

// call runs one export in an instance of its own.
func call(ctx context.Context, m *sandbox.Module, name string, args ...uint64) (results []uint64, err error) {
	_, err = start(m)(ctx, io.Discard, func(ctx context.Context, g *sandbox.Guest) error {
		var err error
		results, err = g.Call(ctx, name, args...)
		return err
	})
	return results, err
}

func TestRunsArePristine(t *testing.T) {
	t.Parallel()
	m, _ := guest(t)
	for range 3 {
		if got, err := call(t.Context(), m, "count"); err != nil || got[0] != 101 {
			t.Errorf("count = %v, %v; want 101: the run before is still there", got, err)
		}
	}
	if got, err := call(t.Context(), m, "initialized"); err != nil || got[0] != 7 {
		t.Errorf("initialized = %v, %v", got, err)
	}
}

func TestRunsEnd(t *testing.T) {
	t.Parallel()
	m, _ := guest(t)
	for name, want := range map[string]string{
		"trap":    "trap: wasm error: unreachable",
		"deep":    "deep: stack overflow",
		"exit":    "exit: it exited with code 3",
		"nothing": "nothing: module exports no such function",
		"note":    "note: function takes 2 values, and is to take 0",
	} {
		var trap *sandbox.Trap
		if _, err := call(t.Context(), m, name); !errors.As(err, &trap) || err.Error() != want || trap.Deadline {
			t.Errorf("%s: error = %v, want %s", name, err, want)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	var trap *sandbox.Trap
	if _, err := call(ctx, m, "spin"); !errors.As(err, &trap) || !trap.Deadline || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("spin: error = %v, want the deadline", err)
	}
	canceled, cancelNow := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancelNow)
	if _, err := call(canceled, m, "spin"); !errors.Is(err, context.Canceled) {
		t.Errorf("spin: error = %v, want canceled", err)
	}
	if got, err := call(t.Context(), m, "count"); err != nil || got[0] != 101 {
		t.Errorf("count after the others = %v, %v", got, err)
	}
}

func TestStartFunctionEnds(t *testing.T) {
	t.Parallel()
	m := compile(t, assemble(t, "start"), sandbox.Config{Memory: mebibyte})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := start(m)(ctx, io.Discard, func(context.Context, *sandbox.Guest) error { return nil })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error = %v, want the deadline", err)
	}
}

func TestMemoryIsCapped(t *testing.T) {
	t.Parallel()
	m, _ := guest(t)
	if got, err := call(t.Context(), m, "grow"); err != nil || got[0] != mebibyte/(64<<10) {
		t.Errorf("grow got %v pages, %v; want %d", got, err, mebibyte/(64<<10))
	}
}

func TestWASIGivesNothingAway(t *testing.T) {
	t.Parallel()
	m, _ := guest(t)
	const badFileDescriptor = 8
	if got, err := call(t.Context(), m, "open"); err != nil || got[0] != badFileDescriptor {
		t.Errorf("open = %v, %v; want EBADF", got, err)
	}
	if got, err := call(t.Context(), m, "environ"); err != nil || got[0] != 0 {
		t.Errorf("environ has %v entries, %v", got, err)
	}
	var out bytes.Buffer
	_, err := start(m)(t.Context(), &out, func(ctx context.Context, g *sandbox.Guest) error {
		_, err := g.Call(ctx, "print")
		return err
	})
	if err != nil || out.String() != "hello" {
		t.Errorf("output = %q, %v", out.String(), err)
	}
}

func TestHostFunctions(t *testing.T) {
	t.Parallel()
	m, kept := guest(t)
	// The upper half of an i32 is garbage to the host.
	if _, err := call(t.Context(), m, "note", 16, 5); err != nil || strings.Join(*kept, ",") != "hello" {
		t.Errorf("noted %q, %v", *kept, err)
	}
	if _, err := call(t.Context(), m, "note", 16, 1); !errors.Is(err, errNoted) || !strings.HasPrefix(err.Error(), "note: test note: not to be noted") {
		t.Errorf("error = %v, want that of the host function", err)
	}
	for _, args := range [][2]uint64{{0, mebibyte}, {0xffffffff, 1}, {0xffffffff, 0xffffffff}, {1, 0xffffffff}, {65536, 1}} {
		if _, err := call(t.Context(), m, "note", args[0], args[1]); !errors.Is(err, sandbox.ErrBadAddress) {
			t.Errorf("note%v: error = %v, want ErrBadAddress", args, err)
		}
	}
}

func TestAllocate(t *testing.T) {
	t.Parallel()
	m, _ := guest(t)
	_, err := start(m)(t.Context(), io.Discard, func(ctx context.Context, g *sandbox.Guest) error {
		for range 3 {
			p, err := g.Allocate(ctx, 8, 100)
			if err != nil || p%8 != 0 {
				t.Errorf("Allocate = %d, %v", p, err)
			}
			if err := g.Write(p, bytes.Repeat([]byte("x"), 100)); err != nil {
				t.Error(err)
			}
			if b, err := g.Read(p, 100); err != nil || len(b) != 100 {
				t.Errorf("Read = %q, %v", b, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	liar := compile(t, assemble(t, "allocator"), sandbox.Config{Memory: mebibyte})
	for size, want := range map[uint32]string{9: "not aligned", 65536: "outside", 0xfffffff8: "outside", 65528: "outside"} {
		_, err := start(liar)(t.Context(), io.Discard, func(ctx context.Context, g *sandbox.Guest) error {
			_, err := g.Allocate(ctx, 8, size)
			return err
		})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Allocate of %d: error = %v, want one with %q", size, err, want)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"import":   "module imports wasi_snapshot_preview1 launch_missiles, which the host has not",
		"memory":   "memory section: it needs at least 62.5 MiB, at most 1 MiB are allowed",
		"nomemory": `module exports no memory named "memory"`,
		"guest":    "module imports test note, which the host has not",
	} {
		_, err := sandbox.Compile(t.Context(), assemble(t, name), sandbox.Config{Memory: mebibyte})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error = %v, want %s", name, err, want)
		}
	}
	for _, wasm := range [][]byte{nil, []byte("\x00asm"), []byte("\x00asm\x01\x00\x00\x00\x01\xff\xff\xff\xff\x0f"), []byte("MZ")} {
		if _, err := sandbox.Compile(t.Context(), wasm, sandbox.Config{Memory: mebibyte}); err == nil {
			t.Errorf("%q was compiled", wasm)
		}
	}
}

func TestImportsAndExports(t *testing.T) {
	t.Parallel()
	m, _ := guest(t)
	if got := m.Imports(); len(got) != 5 || got[0] != (sandbox.Symbol{Module: "test", Name: "note"}) || got[1].Module != sandbox.WASI {
		t.Errorf("Imports = %v", got)
	}
	if got := strings.Join(m.Exports(), " "); !strings.HasPrefix(got, "_initialize cabi_realloc count ") {
		t.Errorf("Exports = %s", got)
	}
}

// compiledFiles lists the files of compiled code in a cache, and holds that all there is nobody
// else's to read.
func compiledFiles(t *testing.T, cacheDir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(cacheDir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v, %v", path, info.Mode(), err)
		}
		if !entry.IsDir() && strings.HasPrefix(filepath.Base(filepath.Dir(path)), "wazero-") {
			files = append(files, path)
		}
		return nil
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("there are %d files, %v", len(files), err)
	}
	return files
}

// damage changes an octet of each file of compiled code in a cache.
func damage(t *testing.T, cacheDir string, at func(size int) int) {
	t.Helper()
	for _, file := range compiledFiles(t, cacheDir) {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		content[at(len(content))] ^= 0x01
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func middle(size int) int { return size / 2 }

func TestDamagedCacheEntryIsCompiledAgain(t *testing.T) {
	t.Parallel()
	wasm := assemble(t, "start")
	cfg := sandbox.Config{Memory: mebibyte, CacheDir: filepath.Join(t.TempDir(), "cache")}
	if err := compile(t, wasm, cfg).Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	damage(t, cfg.CacheDir, middle)
	compile(t, wasm, cfg)
}

// TestNoDamageIsLoaded changes each octet of an entry by a bit, cuts it, and has it be of another
// processor: it is always compiled again, and never by who loads it.
func TestNoDamageIsLoaded(t *testing.T) {
	t.Parallel()
	wasm := assemble(t, "start")
	compilations := 0
	cfg := sandbox.Config{Memory: mebibyte, CacheDir: filepath.Join(t.TempDir(), "cache")}
	cfg.Compiler = func(_ context.Context, wasm []byte, cacheDir string) error {
		compilations++
		return compile(t, wasm, sandbox.Config{Memory: mebibyte, CacheDir: cacheDir}).Close(t.Context())
	}
	compile(t, wasm, cfg)
	file := compiledFiles(t, cfg.CacheDir)[0]
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(whole); at += max(1, len(whole)/200) {
		damage(t, cfg.CacheDir, func(int) int { return at })
		before := compilations
		if compile(t, wasm, cfg); compilations != before+1 {
			t.Errorf("it was compiled %d times after octet %d was changed", compilations-before, at)
		}
	}
	seals, err := filepath.Glob(filepath.Join(cfg.CacheDir, "*", "*", "seal"))
	if err != nil || len(seals) != 1 {
		t.Fatalf("%d seals, %v", len(seals), err)
	}
	for name, change := range map[string]func() error{
		"cut":               func() error { return os.Truncate(file, int64(len(whole)-1)) },
		"gone":              func() error { return os.Remove(file) },
		"another processor": func() error { return os.WriteFile(seals[0], []byte("{HasAVX:true}\n"), 0o600) },
		"not sealed":        func() error { return os.Remove(seals[0]) },
	} {
		before := compilations
		if err := change(); err != nil {
			t.Fatal(err)
		}
		if compile(t, wasm, cfg); compilations != before+1 {
			t.Errorf("%s: it was compiled %d times", name, compilations-before)
		}
	}
}

// TestCompiler holds that a module which is not in the cache is compiled by the compiler, and by
// it alone.
func TestCompiler(t *testing.T) {
	t.Parallel()
	wasm := assemble(t, "start")
	calls := 0
	cfg := sandbox.Config{Memory: mebibyte, CacheDir: filepath.Join(t.TempDir(), "cache")}
	cfg.Compiler = func(_ context.Context, wasm []byte, cacheDir string) error {
		calls++
		return compile(t, wasm, sandbox.Config{Memory: 2 * mebibyte, CacheDir: cacheDir}).Close(t.Context())
	}
	for range 2 {
		if compile(t, wasm, cfg); calls != 1 {
			t.Errorf("the compiler was called %d times", calls)
		}
	}
	damage(t, cfg.CacheDir, middle)
	if compile(t, wasm, cfg); calls != 2 {
		t.Errorf("the compiler was called %d times, the second one for a damaged entry", calls)
	}
	cfg.CacheDir = "" // it has one for itself, then
	if compile(t, wasm, cfg); calls != 3 {
		t.Errorf("the compiler was called %d times, the third one without a cache", calls)
	}
	failed := errors.New("it takes too long")
	for want, compiler := range map[string]sandbox.Compiler{
		"it takes too long": func(context.Context, []byte, string) error { return failed },
		"holds nothing of the module after it was compiled": func(context.Context, []byte, string) error { return nil },
	} {
		_, err := sandbox.Compile(t.Context(), wasm, sandbox.Config{Memory: mebibyte, CacheDir: filepath.Join(t.TempDir(), "cache"), Compiler: compiler})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want %s", err, want)
		}
	}
}

func TestPrune(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	kept, old := strings.Repeat("ab", 32), strings.Repeat("cd", 32)
	for _, name := range []string{kept, old, "notes"} {
		if err := os.MkdirAll(filepath.Join(dir, name, "x"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := sandbox.Prune(dir, map[string]bool{kept: true}); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 || entries[0].Name() != kept || entries[1].Name() != "notes" {
		t.Errorf("left are %v, %v", entries, err)
	}
	if err := sandbox.Prune(filepath.Join(dir, "gone"), nil); err == nil {
		t.Error("a folder that is not there was pruned")
	}
}

// TestRowsAreStopped has a function without a loop, in which thousands of instructions
// that take milliseconds stand in a row: its deadline ends it all the same.
func TestRowsAreStopped(t *testing.T) {
	t.Parallel()
	wat2wasm, err := exec.LookPath("wat2wasm")
	if err != nil {
		assemble(t, "guest") // which says so
	}
	for name, row := range map[string]string{
		"fill": "(memory.fill (i32.const 0) (i32.const 1) (i32.const 0x4000000))",
		"copy": "(memory.copy (i32.const 0) (i32.const 1) (i32.const 0x3fffffe))",
	} {
		source := filepath.Join(t.TempDir(), name+".wat")
		text := `(module (memory (export "memory") 1024) (func (export "row") ` + strings.Repeat(row, 3000) + "))"
		if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		m := compile(t, assembleFile(t, wat2wasm, source), sandbox.Config{Memory: 64 * mebibyte})
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := call(ctx, m, "row"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: error = %v, want the deadline", name, err)
		}
	}
}

// TestRandomNumbersAreBounded has a guest ask for more than a run may have.
func TestRandomNumbersAreBounded(t *testing.T) {
	t.Parallel()
	wat2wasm, err := exec.LookPath("wat2wasm")
	if err != nil {
		assemble(t, "guest") // which says so
	}
	source := filepath.Join(t.TempDir(), "random.wat")
	text := `(module (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
		(memory (export "memory") 160) (func (export "ask") (param i32) (result i32) (call $random (i32.const 0) (local.get 0)))
		(func (export "twice") (result i32) (drop (call $random (i32.const 0) (i32.const 0xa00000))) (call $random (i32.const 0) (i32.const 0xa00000))))`
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	m := compile(t, assembleFile(t, wat2wasm, source), sandbox.Config{Memory: 16 * mebibyte})
	if got, err := call(t.Context(), m, "ask", 0xa00000); err != nil || got[0] != 0 {
		t.Errorf("10 MiB: %v, %v", got, err)
	}
	if got, err := call(t.Context(), m, "twice"); err != nil || got[0] == 0 {
		t.Errorf("20 MiB: %v, %v; want an error for the guest", got, err)
	}
}

// TestFuel holds that a run is stopped when its fuel is used up, that the same run uses
// the same, and that none is left over for the next.
func TestFuel(t *testing.T) {
	t.Parallel()
	kept := &[]string{}
	m := compile(t, assemble(t, "guest"), sandbox.Config{Memory: mebibyte, Fuel: 1_000_000, Functions: []sandbox.Function{notes(kept)}})
	run := func(name string) (int64, error) {
		return start(m)(t.Context(), io.Discard, func(ctx context.Context, g *sandbox.Guest) error {
			_, err := g.Call(ctx, name)
			return err
		})
	}
	for range 2 {
		used, err := run("spin")
		var trap *sandbox.Trap
		if !errors.As(err, &trap) || !errors.Is(err, sandbox.ErrFuel) || trap.Deadline || used < 1_000_000 || used > 1_100_001 {
			t.Errorf("spin used %d units: %v", used, err)
		}
	}
	first, err := run("count")
	again, againErr := run("count")
	if first != again || first < 1 || first > 1000 || err != nil || againErr != nil {
		t.Errorf("count used %d and %d units: %v, %v", first, again, err, againErr)
	}
}

package admit_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/postern-mail/postern/gateway/internal/sandbox/admit"
)

var errSpent = errors.New("spent")

// metered is a runtime for modules that are metered, which may spend slices of fuel.
func metered(t testing.TB, slices *int) wazero.Runtime {
	t.Helper()
	r := wazero.NewRuntimeWithConfig(t.Context(), wazero.NewRuntimeConfigCompiler().WithDebugInfoEnabled(false).WithMemoryLimitPages(256))
	t.Cleanup(func() { _ = r.Close(context.Background()) })
	_, err := r.NewHostModuleBuilder(admit.HostModule).NewFunctionBuilder().
		WithFunc(func(left int32) int32 {
			if left >= 0 {
				panic(fmt.Errorf("asked for fuel with %d left", left))
			}
			if *slices--; *slices < 0 {
				panic(errSpent)
			}
			return admit.Slice
		}).Export(admit.Refuel).Instantiate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// outcome is what a call gives: its results, or the first line of its error.
func outcome(ctx context.Context, f api.Function, args []uint64) (string, error) {
	results, err := f.Call(ctx, args...)
	if err != nil {
		text, _, _ := strings.Cut(err.Error(), "\n")
		return text, err
	}
	return fmt.Sprint(results), nil
}

// arguments gives a function its arguments, all alike.
func arguments(f api.Function, value uint64) []uint64 {
	var args []uint64
	for _, typ := range f.Definition().ParamTypes() {
		if typ == api.ValueTypeExternref {
			args = append(args, 0)
			continue
		}
		args = append(args, value)
	}
	return args
}

// unshown are the types whose values are no numbers: vectors and references to functions.
func unshown(typ api.ValueType) bool { return typ == 0x7b || typ == 0x70 }

// starts does what a host has to do before a module runs.
func starts(ctx context.Context, m api.Module, info admit.Info) bool {
	for _, s := range info.Data {
		if !m.Memory().Write(s.Address, s.Octets) {
			return false
		}
	}
	if f := m.ExportedFunction(admit.Start); f != nil {
		_, err := f.Call(ctx)
		return err == nil
	}
	return true
}

// TestMeteredModulesDoTheSame calls what the modules of the specification export, in the
// same order, in a module as it is and in one that is metered: results, traps and state
// are the same. What does not end in the latter is not called in the former.
func TestMeteredModulesDoTheSame(t *testing.T) {
	t.Parallel()
	left := 0
	plainRuntime := wazero.NewRuntimeWithConfig(t.Context(), wazero.NewRuntimeConfigCompiler().WithDebugInfoEnabled(false).WithMemoryLimitPages(256))
	t.Cleanup(func() { _ = plainRuntime.Close(context.Background()) })
	meteredRuntime := metered(t, &left)
	modules, calls, traps := 0, 0, 0
	for _, file := range specification(t) {
		// Of these, what is admitted is another: tables that grow without end, custom sections
		// that are none, and a reference to the start function, which is an export now.
		wasm, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		const tableGrow = "\xfc\x0f"
		if strings.Contains(string(wasm), tableGrow) || strings.HasPrefix(filepath.Base(file), "utf8-custom") || filepath.Base(file) == "ref_func.5.wasm" {
			continue
		}
		rewritten, info, err := admit.Module(wasm, 256)
		if err != nil {
			continue
		}
		left = 20
		with, err := meteredRuntime.InstantiateWithConfig(t.Context(), rewritten, wazero.NewModuleConfig().WithName(""))
		if err != nil {
			continue // it is not valid, or imports what is not here
		}
		if !starts(t.Context(), with, info) {
			started, err := plainRuntime.InstantiateWithConfig(t.Context(), wasm, wazero.NewModuleConfig().WithName(""))
			if err == nil {
				t.Errorf("%s starts as it is, and not when it is metered", filepath.Base(file))
				_ = started.Close(t.Context())
			}
			continue
		}
		plain, err := plainRuntime.InstantiateWithConfig(t.Context(), wasm, wazero.NewModuleConfig().WithName(""))
		if err != nil {
			t.Errorf("%s starts when it is metered, and not as it is: %v", filepath.Base(file), err)
			continue
		}
		modules++
		var names []string
		for name := range plain.ExportedFunctionDefinitions() {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			for _, value := range []uint64{0, 1, 7, 0x80000000, 1<<64 - 1} {
				args := arguments(plain.ExportedFunction(name), value)
				if f := plain.ExportedFunction(name).Definition(); slices.ContainsFunc(slices.Concat(f.ParamTypes(), f.ResultTypes()), unshown) {
					continue
				}
				left = 20
				got, err := outcome(t.Context(), with.ExportedFunction(name), args)
				if errors.Is(err, errSpent) || strings.Contains(got, "stack overflow") {
					break
				}
				calls++
				want, err := outcome(t.Context(), plain.ExportedFunction(name), args)
				if err != nil {
					traps++
				}
				if got != want {
					t.Errorf("%s: %s(%d) is %s when it is metered, and %s as it is", filepath.Base(file), name, value, got, want)
				}
			}
		}
		_ = with.Close(t.Context())
		_ = plain.Close(t.Context())
	}
	t.Logf("%d calls in %d modules, of which %d trapped", calls, modules, traps)
	if modules < 500 || calls < 5000 || traps < 500 {
		t.Errorf("%d calls in %d modules, of which %d trapped: that is not the specification", calls, modules, traps)
	}
}

// FuzzMeter holds that a module does the same when it is metered: what its functions give,
// how they trap, and what they leave in memory. Those that do not end in a few slices
// of fuel are not asked for more.
func FuzzMeter(f *testing.F) {
	for _, code := range []string{
		"\x20\x00\x20\x01\x6a", // a sum
		"\x41\x00\x20\x00\x20\x01\xfc\x0b\x00\x41\x08\x28\x02\x00",                 // memory.fill, and a load
		"\x20\x00\x41\x07\x20\x01\xfc\x0a\x00\x00\x41\x08\x28\x02\x00",             // memory.copy
		"\x03\x40\x20\x00\x41\x01\x6b\x22\x00\x0d\x00\x0b\x20\x01",                 // a loop
		"\x20\x00\x45\x04\x7f\x41\x01\x05\x20\x00\x41\x01\x6b\x20\x01\x10\x00\x0b", // a recursion
		"\x20\x00\x20\x01\x6d\x20\x01\x40\x00\x6a",                                 // a division, and growth
		"\x20\x00\x20\x01\x41\x00\x11\x00\x00",                                     // a call through the table
		"\x02\x63\x00\xd0\x00\x0b\xd1",                                             // a block with a type of two octets
		"\xd2\x00\xd2\x00\x41\x01\x1c\x01\x64\x00\xd1",                             // a selection with one
		"\xd2\x00\xd1\x41\x00\x26\x00\x41\x01",                                     // references
	} {
		f.Add([]byte(code), uint32(7), uint32(0x28000))
	}
	ctx := context.Background()
	left := 0
	meteredRuntime := metered(f, &left)
	plain := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler().WithDebugInfoEnabled(false).WithMemoryLimitPages(256))
	f.Cleanup(func() { _ = plain.Close(ctx) })
	f.Fuzz(func(t *testing.T, code []byte, a, b uint32) {
		if len(code) > 4<<10 {
			return
		}
		wasm := around(code)
		rewritten, info, err := admit.Module(wasm, 256)
		if err != nil {
			return
		}
		left = 20
		with, err := meteredRuntime.InstantiateWithConfig(t.Context(), rewritten, wazero.NewModuleConfig().WithName(""))
		if err != nil {
			if compiles(t, plain, wasm) {
				t.Errorf("it compiles, and does not start when it is metered: %v", err)
			}
			return
		}
		defer with.Close(ctx)
		if !starts(t.Context(), with, info) {
			t.Fatal("its data cannot be copied")
		}
		as, err := plain.InstantiateWithConfig(t.Context(), wasm, wazero.NewModuleConfig().WithName(""))
		if err != nil {
			t.Fatalf("it starts when it is metered, and not as it is: %v", err)
		}
		defer as.Close(ctx)
		for range 2 { // of which the second begins with what the first has left
			got, err := outcome(t.Context(), with.ExportedFunction("f"), []uint64{uint64(a), uint64(b)})
			if errors.Is(err, errSpent) || strings.Contains(got, "stack overflow") {
				return
			}
			if want, _ := outcome(t.Context(), as.ExportedFunction("f"), []uint64{uint64(a), uint64(b)}); got != want {
				t.Errorf("it is %s when it is metered, and %s as it is", got, want)
			}
			one, _ := with.Memory().Read(0, with.Memory().Size())
			other, _ := as.Memory().Read(0, as.Memory().Size())
			if !bytes.Equal(one, other) {
				t.Errorf("it leaves another memory when it is metered: of %d octets, and of %d as it is", len(one), len(other))
			}
		}
	})
}

// around is a module with the code as its function, of type (i32, i32) → i32. It has four
// pages of memory, of which the beginning is not empty, and a table that holds the function.
func around(code []byte) []byte {
	section := func(b []byte, id byte, content string) []byte {
		return append(binary.AppendUvarint(append(b, id), uint64(len(content))), content...)
	}
	code = slices.Concat([]byte{1, 2, 0x7f}, code, []byte{0x0b})
	body := string(binary.AppendUvarint([]byte{1}, uint64(len(code)))) + string(code)
	b := section([]byte("\x00asm\x01\x00\x00\x00"), 1, "\x01\x60\x02\x7f\x7f\x01\x7f")
	b = section(b, 3, "\x01\x00")
	b = section(b, 4, "\x01\x70\x01\x02\x10")
	b = section(b, 5, "\x01\x01\x04\x08")
	b = section(b, 6, "\x01\x7f\x01\x41\x05\x0b")
	b = section(b, 7, "\x02\x01f\x00\x00\x06memory\x02\x00")
	b = section(b, 9, "\x01\x00\x41\x00\x0b\x01\x00")
	b = section(b, 12, "\x02")
	b = section(b, 10, body)
	return section(b, 11, "\x02\x00\x41\x00\x0b\x10abcdefghijklmnop\x01\x04wxyz")
}

// TestPieces copies and fills more memory than is worked on at a time: it comes to the same
// as in one, where the places overlap too, and what goes beyond the end changes nothing.
func TestPieces(t *testing.T) {
	t.Parallel()
	left := 0
	r := metered(t, &left)
	// (func (export "f") (param i32 i32 i32) local.get 0, 1, 2, memory.copy) and one that fills
	wasm := []byte("\x00asm\x01\x00\x00\x00\x01\x07\x01\x60\x03\x7f\x7f\x7f\x00\x03\x03\x02\x00\x00\x05\x03\x01\x00\x10" +
		"\x07\x18\x03\x04copy\x00\x00\x04fill\x00\x01\x06memory\x02\x00" +
		"\x0a\x1b\x02\x0c\x00\x20\x00\x20\x01\x20\x02\xfc\x0a\x00\x00\x0b\x0c\x00\x20\x00\x20\x01\x20\x02\xfc\x0b\x00\x01\x0b")
	wasm[len(wasm)-2] = 0x01 // a nop
	rewritten, _, err := admit.Module(wasm, 16)
	if err != nil {
		t.Fatal(err)
	}
	left = 100
	m, err := r.InstantiateWithConfig(t.Context(), rewritten, wazero.NewModuleConfig())
	if err != nil {
		t.Fatal(err)
	}
	const size, piece = 1 << 20, 64 << 10
	for _, n := range []uint32{0, 1, piece - 1, piece, piece + 1, 3 * piece, 5*piece + 7, size, size + 1, 1<<32 - 1} {
		for _, to := range []uint32{0, 1, 100, piece, 2*piece + 3, size - piece, size, size + 1, 1<<32 - 1} {
			for _, from := range []uint32{0, 99, 101, piece + 1, size - 5*piece} {
				want := make([]byte, size)
				for i := range want {
					want[i] = byte(i*7 + i>>8)
				}
				m.Memory().Write(0, want)
				left = 1000
				fits := func(address uint32) bool { return uint64(address)+uint64(n) <= size }
				_, err := m.ExportedFunction("copy").Call(t.Context(), uint64(to), uint64(from), uint64(n))
				if (err == nil) != (fits(to) && fits(from)) {
					t.Fatalf("copy(%d, %d, %d): %v", to, from, n, err)
				}
				if err == nil {
					copy(want[to:], want[from:from+n])
				}
				_, err = m.ExportedFunction("fill").Call(t.Context(), uint64(to), 0xab, uint64(n))
				if (err == nil) != fits(to) {
					t.Fatalf("fill(%d, %d): %v", to, n, err)
				}
				got, _ := m.Memory().Read(0, size)
				if fits(to) {
					if other := bytes.Trim(got[to:to+n], "\xab"); len(other) > 0 {
						t.Fatalf("fill(%d, %d) leaves %d octets", to, n, len(other))
					}
					copy(want[to:to+n], got[to:to+n])
				}
				if !bytes.Equal(got, want) {
					t.Fatalf("copy(%d, %d, %d) or fill: memory is another", to, from, n)
				}
			}
		}
	}
}

package admit_test

import (
	"context"
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
func metered(t *testing.T, slices *int) wazero.Runtime {
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

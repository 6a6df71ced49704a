package sandbox

import (
	"context"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// badDescriptor is EBADF of WASI.
const badDescriptor = 8

// Bounds of what a call of WASI may be given.
const (
	maxPathLength = 4 << 10  // octets
	maxVectors    = 16 << 10 // pieces of output, or events to wait for
)

// linkWASI gives a runtime WASI preview 1, of which the functions that change a descriptor
// always fail. A guest has its standard ones alone, and what it did to them would be there
// in the next run of the instance.
func linkWASI(ctx context.Context, r wazero.Runtime) error {
	b := r.NewHostModuleBuilder(WASI)
	wasi_snapshot_preview1.NewFunctionExporter().ExportFunctions(b)
	for name, params := range map[string][]Type{
		"fd_close":              {I32},
		"fd_renumber":           {I32, I32},
		"fd_allocate":           {I32, I64, I64},
		"fd_fdstat_set_flags":   {I32, I32},
		"fd_fdstat_set_rights":  {I32, I64, I64},
		"fd_filestat_set_size":  {I32, I64},
		"fd_filestat_set_times": {I32, I64, I64, I32},
	} {
		b.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(func(_ context.Context, _ api.Module, stack []uint64) { stack[0] = badDescriptor }), params, []Type{I32}).Export(name)
	}
	// wazero's functions look neither at the time nor at how much they are given.
	_, err := b.Instantiate(experimental.WithFunctionListenerFactory(ctx, guards{}))
	return err
}

// guards put a guard before each function of WASI, however it is called.
type guards struct{}

// NewFunctionListener implements experimental.FunctionListenerFactory.
func (guards) NewFunctionListener(f api.FunctionDefinition) experimental.FunctionListener {
	names := f.ExportNames()
	if len(names) == 0 {
		return guard{}
	}
	// Which parameters are lengths or counts, and their bounds.
	bounds := map[string]guard{
		"fd_read": {{2, maxVectors}}, "fd_pread": {{2, maxVectors}}, "fd_write": {{2, maxVectors}}, "fd_pwrite": {{2, maxVectors}},
		"poll_oneoff":         {{2, maxVectors}}, // random_get has a bound for the run
		"fd_prestat_dir_name": {{2, maxPathLength}}, "fd_readdir": {{2, maxPathLength}},
		"path_create_directory": {{2, maxPathLength}}, "path_filestat_get": {{3, maxPathLength}}, "path_filestat_set_times": {{3, maxPathLength}},
		"path_link": {{3, maxPathLength}, {6, maxPathLength}}, "path_open": {{3, maxPathLength}}, "path_readlink": {{2, maxPathLength}, {4, maxPathLength}},
		"path_remove_directory": {{2, maxPathLength}}, "path_rename": {{2, maxPathLength}, {5, maxPathLength}},
		"path_symlink": {{1, maxPathLength}, {4, maxPathLength}}, "path_unlink_file": {{2, maxPathLength}},
		"sock_recv": {{2, maxVectors}}, "sock_send": {{2, maxVectors}},
	}
	return bounds[names[0]]
}

// guard ends a run whose time is over, that has called too often, or that gives a
// parameter more than is allowed.
type guard []struct {
	parameter int
	most      uint32
}

// Before implements experimental.FunctionListener.
func (g guard) Before(ctx context.Context, _ api.Module, f api.FunctionDefinition, params []uint64, _ experimental.StackIterator) {
	if ctx.Err() != nil {
		panic(context.Cause(ctx))
	}
	if r := runOf(ctx); r != nil {
		if r.wasiCalls++; r.wasiCalls > maxWASICalls {
			panic(fmt.Errorf("more than %d calls of WASI in one run", maxWASICalls))
		}
	}
	for _, bound := range g {
		if n := uint32(params[bound.parameter]); n > bound.most {
			panic(fmt.Errorf("%s: %d in one call, at most %d are allowed", f.Name(), n, bound.most))
		}
	}
}

// After implements experimental.FunctionListener.
func (guard) After(context.Context, api.Module, api.FunctionDefinition, []uint64) {}

// Abort implements experimental.FunctionListener.
func (guard) Abort(context.Context, api.Module, api.FunctionDefinition, error) {}

package sandbox

import (
	"context"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// badDescriptor is EBADF of WASI.
const badDescriptor = 8

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
	_, err := b.Instantiate(ctx)
	return err
}

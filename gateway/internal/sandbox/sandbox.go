// Package sandbox runs WebAssembly modules of strangers: it compiles them, gives each run
// an instance as it was when it was set up, and bounds what a run may use. It is the home of
// wazero, and knows octets and limits, not mail.
//
// # Invariants
//
//   - A run begins with a pristine instance, as it was when it was set up. Nothing that
//     a guest wrote, into memory, globals or tables, is there in the next run. An
//     instance is used again only where all that a run can change was set back.
//   - A run ends: by itself, by a trap, when its fuel is used up, or when its context
//     does. Its memory stays below the module's cap.
//   - A guest comes back to the host after each slice of fuel: what has to stop all
//     goroutines of the process waits no longer. That is far less than a millisecond of
//     ordinary work; a run whose slices take longer gets shorter ones.
//   - No address or length from a guest is believed: every access of the host to
//     linear memory is checked, and what is read is copied.
//   - A guest has clock, random numbers, standard output and error, and exit. It has
//     no files, no network, no arguments and no environment.
//
// Compiled code is kept in a folder that must be this process's alone (0700): it is
// native code, and its seal is no signature. A damaged entry, or one for another
// processor, is removed and compiled again.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/postern-mail/postern/gateway/internal/sandbox/admit"
)

// WASI is the module whose imports every guest may have.
const WASI = wasi_snapshot_preview1.ModuleName

// pageSize is that of linear memory, in octets.
const pageSize = 64 << 10

// Config says how a module is compiled and bounded.
type Config struct {
	// CacheDir holds compiled code; empty for none.
	CacheDir string
	// Compiler puts compiled code into the cache, for what is not there yet; nil to compile in this
	// process.
	Compiler Compiler
	// Memory is the cap of linear memory, in octets; it counts whole pages of 64 KiB.
	Memory uint64
	// Fuel is what a run may use, in units (see package admit); 0 means any.
	Fuel int64
	// Snapshots bounds the images of all modules that share it; nil for as much as it takes.
	Snapshots *Snapshots
	// Owner is whose module it is: what one has too much of goes at its own expense.
	Owner string
	// Functions are what the module may import beside WASI.
	Functions []Function
}

// Type is the type of a parameter or result of a host function.
type Type = api.ValueType

// The types that occur at the boundary.
const (
	I32 = api.ValueTypeI32
	I64 = api.ValueTypeI64
)

// Function is a host function. Call gets the arguments in stack, of which those of
// type I32 have garbage in their upper half, and leaves its results there. An
// error ends the run.
type Function struct {
	Module, Name    string
	Params, Results []Type
	Call            func(ctx context.Context, g *Guest, stack []uint64) error
}

// Symbol names an import.
type Symbol struct {
	Module string
	Name   string
}

// maxShown bounds how much of a name is shown, in octets.
const maxShown = 100

// String writes a symbol so that it can be shown: names are a stranger's words.
func (s Symbol) String() string { return Shown(s.Module) + " " + Shown(s.Name) }

// Shown makes a name of a module one that can be shown.
func Shown(name string) string {
	if len(name) > maxShown {
		name = strings.ToValidUTF8(name[:maxShown], "") + "…"
	}
	if quoted := strconv.Quote(name); quoted != `"`+name+`"` {
		return quoted
	}
	return name
}

// Module is a compiled module. Its methods may be called by any number of
// goroutines. It runs by way of a [Pool].
type Module struct {
	// runtime is the module's own: its cap of memory is for this module.
	runtime  wazero.Runtime
	compiled wazero.CompiledModule
	cache    wazero.CompilationCache // nil for none; with one, it holds the compiled code
	fuel     int64
	admitted admit.Info

	snapshots *Snapshots
	owner     string
	alone     bool // snapshots are its own
	onHeap    bool // images and memories, as where the system has nothing better

	mu    sync.Mutex
	pools []*Pool
}

// errCompile is the failure of compiling, as opposed to that of linking.
var errCompile = errors.New("module cannot be compiled")

// Compiler compiles a module as Compile does, with a cache in a folder, and keeps nothing but
// what is in there then. It is for another process, which can be ended: to compile what
// strangers wrote may take any memory and time.
type Compiler func(ctx context.Context, wasm []byte, cacheDir string) error

// Compile compiles a module, or the first core module of a component. What the module asks for that it cannot have is an
// error: an import that there is no function for, or more memory than the cap.
func Compile(ctx context.Context, wasm []byte, cfg Config) (_ *Module, err error) {
	core := wasm
	if admit.IsComponent(wasm) {
		if core, err = admit.Unwrap(wasm); err != nil {
			return nil, err
		}
	}
	admitted, info, err := admit.Module(core, pages(cfg.Memory))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errCompile, err)
	}
	if cfg.CacheDir == "" && cfg.Compiler != nil {
		if cfg.CacheDir, err = os.MkdirTemp("", "postern-cache-"); err != nil {
			return nil, fmt.Errorf("open compilation cache: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(cfg.CacheDir)) }()
	}
	if cfg.CacheDir == "" {
		return compile(ctx, admitted, info, cfg, "")
	}
	entry := cacheEntry(cfg.CacheDir, wasm, admitted)
	if err := openCacheDir(cfg.CacheDir, filepath.Dir(entry), entry); err != nil {
		return nil, err
	}
	switch {
	case isCompiled(entry):
	case cfg.Compiler != nil:
		if err := cfg.Compiler(ctx, wasm, cfg.CacheDir); err != nil {
			return nil, err
		}
		if !isCompiled(entry) {
			return nil, fmt.Errorf("compilation cache %s holds nothing of the module after it was compiled: is there room, and may it be written?", cfg.CacheDir)
		}
	default:
		err := compileEntry(entry, func() error {
			m, err := compile(ctx, admitted, info, cfg, entry)
			if err != nil {
				return err
			}
			return m.Close(ctx)
		})
		if err != nil {
			return nil, err
		}
	}
	return compile(ctx, admitted, info, cfg, entry)
}

// pages gives a cap of memory in whole pages.
func pages(octets uint64) uint32 { return uint32(min(octets/pageSize, 65536)) }

func compile(ctx context.Context, wasm []byte, info admit.Info, cfg Config, cacheDir string) (_ *Module, err error) {
	// What a module says for debuggers is not read: debug/dwarf is not made for what
	// strangers write, and wazero would panic with it.
	rc := wazero.NewRuntimeConfig().WithDebugInfoEnabled(false).
		WithMemoryLimitPages(pages(cfg.Memory))
	var cache wazero.CompilationCache
	if cacheDir != "" {
		if cache, err = wazero.NewCompilationCacheWithDir(cacheDir); err != nil {
			return nil, fmt.Errorf("open compilation cache: %w", err)
		}
		rc = rc.WithCompilationCache(cache)
	}
	m := &Module{cache: cache, runtime: wazero.NewRuntimeWithConfig(ctx, rc), fuel: cfg.Fuel, admitted: info, snapshots: cfg.Snapshots, owner: cfg.Owner}
	if m.snapshots == nil {
		m.snapshots, m.alone = NewSnapshots(math.MaxInt64), true
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, m.Close(ctx))
		}
	}()
	if m.compiled, err = m.runtime.CompileModule(ctx, wasm); err != nil {
		return nil, fmt.Errorf("%w: %w", errCompile, err)
	}
	if err := m.checkMemory(); err != nil {
		return nil, err
	}
	if err := m.link(ctx, append(slices.Clip(cfg.Functions), refuel())); err != nil {
		return nil, err
	}
	return m, nil
}

func (m *Module) checkMemory() error {
	if len(m.compiled.ImportedMemories()) > 0 {
		return errors.New("module imports a memory; it is to have its own")
	}
	if _, ok := m.compiled.ExportedMemories()["memory"]; !ok {
		return errors.New(`module exports no memory named "memory"`)
	}
	return nil
}

// link gives the module's runtime the host functions, and refuses imports that
// there is no function for.
func (m *Module) link(ctx context.Context, functions []Function) error {
	if err := linkWASI(ctx, m.runtime); err != nil {
		return fmt.Errorf("link WASI: %w", err)
	}
	builders := make(map[string]wazero.HostModuleBuilder)
	known := make(map[Symbol]api.FunctionDefinition)
	for _, f := range functions {
		b, ok := builders[f.Module]
		if !ok {
			b = m.runtime.NewHostModuleBuilder(f.Module)
			builders[f.Module] = b
		}
		b.NewFunctionBuilder().WithGoModuleFunction(hostFunction(f), f.Params, f.Results).Export(f.Name)
	}
	names := []string{WASI}
	for name, b := range builders {
		if _, err := b.Instantiate(ctx); err != nil {
			return fmt.Errorf("link %s: %w", name, err)
		}
		names = append(names, name)
	}
	for _, module := range names {
		for name, f := range m.runtime.Module(module).ExportedFunctionDefinitions() {
			known[Symbol{module, name}] = f
		}
	}
	for _, f := range m.compiled.ImportedFunctions() {
		module, name, _ := f.Import()
		s := Symbol{module, name}
		have, ok := known[s]
		if !ok {
			return &UnknownImportError{s}
		}
		if !slices.Equal(f.ParamTypes(), have.ParamTypes()) || !slices.Equal(f.ResultTypes(), have.ResultTypes()) {
			return fmt.Errorf("module imports %s by another type than it has", s)
		}
	}
	return nil
}

// UnknownImportError means that a module imports a function that there is not.
type UnknownImportError struct{ Symbol }

// Error implements error. Names are the module's own words.
func (e *UnknownImportError) Error() string {
	return "module imports " + e.String() + ", which the host has not"
}

// hostFunction makes an error of the function the end of the run, has the run pay for what
// the function has handed over, and lets others go first where the host has worked for long.
func hostFunction(f Function) api.GoModuleFunc {
	return func(ctx context.Context, mod api.Module, stack []uint64) {
		r, g := runOf(ctx), guestOf(ctx, mod)
		outer := g.octets // of a call that this one is within
		g.octets = 0
		err := f.Call(ctx, g, stack)
		if err == nil {
			err = r.charge(g.octets)
		}
		if err == nil {
			err = r.turn(ctx)
		}
		g.octets = outer
		if err != nil {
			panic(fmt.Errorf("%s %s: %w", f.Module, f.Name, err))
		}
	}
}

// guestOf is the guest of the run that calls the host: it keeps functions.
func guestOf(ctx context.Context, mod api.Module) *Guest {
	if r := runOf(ctx); r != nil && r.guest != nil && r.guest.mod == mod {
		return r.guest
	}
	return &Guest{mod: mod}
}

// Imports lists the functions that the module imports.
func (m *Module) Imports() []Symbol {
	var list []Symbol
	for _, f := range m.compiled.ImportedFunctions() {
		if module, name, _ := f.Import(); module != admit.HostModule {
			list = append(list, Symbol{module, name})
		}
	}
	return list
}

// Exports lists the names of the functions that the module exports, sorted.
func (m *Module) Exports() []string {
	var list []string
	for name := range m.compiled.ExportedFunctions() {
		if name != admit.Start {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// Signature gives the types of an exported function.
func (m *Module) Signature(name string) (params, results []Type, ok bool) {
	f, ok := m.compiled.ExportedFunctions()[name]
	if !ok {
		return nil, nil, false
	}
	return f.ParamTypes(), f.ResultTypes(), true
}

// Close gives back what the module and its pools hold. No run may be under way.
func (m *Module) Close(ctx context.Context) error {
	m.mu.Lock()
	pools := m.pools
	m.pools = nil
	m.mu.Unlock()
	for _, p := range pools {
		p.close(ctx)
	}
	err := m.runtime.Close(ctx)
	if m.cache != nil {
		err = errors.Join(err, m.cache.Close(ctx))
	}
	if m.alone {
		err = errors.Join(err, m.snapshots.Close())
	}
	return err
}

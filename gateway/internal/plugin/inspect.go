package plugin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/postern-mail/postern/gateway/internal/sandbox"
)

// PruneCache removes compiled plugins from a folder that are none of these.
func PruneCache(cacheDir string, loaded []*Plugin) error {
	keep := make(map[string]bool)
	for _, p := range loaded {
		keep[p.sha256] = true
	}
	return sandbox.Prune(cacheDir, keep)
}

// WASI is the module whose imports every plugin may have.
const WASI = sandbox.WASI

// Permissions lists the interfaces of the contract that a plugin can be granted, in
// the order of the contract.
func Permissions() []string {
	var list []string
	for _, f := range functions() {
		if name := interfaceOf(f.Module); name != logPermission && !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}

// Inspection is what can be read off a module without running it.
type Inspection struct {
	Size   int    `json:"size"`
	SHA256 string `json:"sha256"`
	// Contract is the version of the contract that the module follows; empty where
	// it is no plugin.
	Contract string `json:"contract"`
	// Permissions are the interfaces that it asks for, sorted; log needs none.
	Permissions []string `json:"permissions"`
	// Edits is true where it changes the payload, and needs to be granted where.
	Edits   bool     `json:"edits"`
	Imports []string `json:"imports"`
	Exports []string `json:"exports"`
	// Problem says why it would not load with all permissions granted; empty where
	// nothing speaks against it.
	Problem string `json:"problem,omitempty"`
}

// Inspect reads a module and runs nothing of it. Its error is that of what is no
// module, or cannot be linked. Where the module is compiled, see Config.
func Inspect(ctx context.Context, wasm []byte, cacheDir string, compiler sandbox.Compiler) (in Inspection, err error) {
	module, err := compile(ctx, wasm, sandbox.Config{Memory: maxMemory, CacheDir: cacheDir, Compiler: compiler})
	if err != nil {
		return Inspection{}, err
	}
	defer func() { err = errors.Join(err, module.Close(ctx)) }()
	in = Inspection{
		Size: len(wasm), SHA256: digest(wasm),
		Permissions: append([]string{}, permissions(module)...), Edits: edits(module), Imports: []string{}, Exports: module.Exports(),
	}
	for _, s := range module.Imports() {
		in.Imports = append(in.Imports, s.Module+" "+s.Name)
	}
	for _, name := range in.Exports {
		if rest, ok := strings.CutPrefix(name, transformer); ok {
			in.Contract, _, _ = strings.Cut(rest, "#")
		}
	}
	if err := checkExports(module); err != nil {
		in.Problem = err.Error()
	}
	return in, nil
}

func digest(wasm []byte) string {
	sum := sha256.Sum256(wasm)
	return hex.EncodeToString(sum[:])
}

// maxMemory is what linear memory can be at the most.
const maxMemory = 4<<30 - 64<<10

// compile tells apart what is no core module before the compiler sees it.
func compile(ctx context.Context, wasm []byte, cfg sandbox.Config) (*sandbox.Module, error) {
	switch {
	case len(wasm) == 0:
		return nil, errors.New("it is empty")
	case !bytes.HasPrefix(wasm, []byte("\x00asm")):
		return nil, errors.New("it is no WebAssembly module")
	}
	if bytes.Contains(wasm, []byte("\x04gojs")) && !bytes.Contains(wasm, []byte(sandbox.WASI)) {
		return nil, errors.New("module is built for GOOS=js; build it for GOOS=wasip1")
	}
	cfg.Functions = functions()
	module, err := sandbox.Compile(ctx, wasm, cfg)
	if unknown, ok := errors.AsType[*sandbox.UnknownImportError](err); ok && ofAnotherVersion(unknown.Module) {
		return nil, fmt.Errorf("%w: it is of another version of the contract, this is %s", err, version)
	}
	return module, err
}

func ofAnotherVersion(module string) bool {
	name := interfaceOf(module)
	return name != "" && module != packageName+name+"@"+version
}

// permissions lists the interfaces that a module imports, but for log, sorted: what
// it asks for.
func permissions(module *sandbox.Module) []string {
	var list []string
	for _, s := range module.Imports() {
		if name := interfaceOf(s.Module); name != "" && name != logPermission && !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

// edits reports whether a module imports what changes the payload.
func edits(module *sandbox.Module) bool {
	return slices.ContainsFunc(module.Imports(), func(s sandbox.Symbol) bool {
		return interfaceOf(s.Module) == "payload" && (s.Name == "set" || s.Name == "remove")
	})
}

// interfaceOf gives the interface of the contract that an import is of.
func interfaceOf(module string) string {
	rest, ours := strings.CutPrefix(module, packageName)
	if !ours {
		return ""
	}
	name, _, _ := strings.Cut(rest, "@")
	return name
}

// checkExports holds a module to what a plugin exports.
func checkExports(module *sandbox.Module) error {
	exports := module.Exports()
	if slices.Contains(exports, "_start") && !slices.Contains(exports, "_initialize") {
		return errors.New("module is built as a program, and is to be built as a library: with Go, by -buildmode=c-shared")
	}
	for _, want := range []struct {
		name, params, results string
		optional              bool
	}{
		{name: exportConfigure, params: "ii", results: "i"},
		{name: exportTransform, results: "i"},
		{name: exportRealloc, params: "iiii", results: "i"},
		{name: exportPost + exportConfigure, params: "i", optional: true},
		{name: exportPost + exportTransform, params: "i", optional: true},
		{name: "_initialize", optional: true},
	} {
		params, results, ok := module.Signature(want.name)
		if ok && (!slices.Equal(params, types(want.params)) || !slices.Equal(results, types(want.results))) {
			return fmt.Errorf("module is no plugin: %s has not the type that the contract gives it", want.name)
		}
		if ok || want.optional {
			continue
		}
		for _, other := range exports {
			if strings.HasPrefix(other, transformer) && !strings.HasPrefix(other, transformer+version+"#") {
				return fmt.Errorf("module is of another version of the contract: it exports %s, and is to export %s", sandbox.Shown(other), want.name)
			}
		}
		return fmt.Errorf("module is no plugin: it does not export %s", want.name)
	}
	return nil
}

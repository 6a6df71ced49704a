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
	Imports     []string `json:"imports"`
	Exports     []string `json:"exports"`
	// Problem says why it would not load with all permissions granted; empty where
	// nothing speaks against it.
	Problem string `json:"problem,omitempty"`
}

// Inspect reads a module and runs nothing of it. Its error is that of what is no
// module, or cannot be linked.
func Inspect(ctx context.Context, wasm []byte, cacheDir string) (in Inspection, err error) {
	module, err := compile(ctx, wasm, maxMemory, cacheDir)
	if err != nil {
		return Inspection{}, err
	}
	defer func() { err = errors.Join(err, module.Close(ctx)) }()
	in = Inspection{
		Size: len(wasm), SHA256: digest(wasm),
		Permissions: append([]string{}, permissions(module)...), Imports: []string{}, Exports: module.Exports(),
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
const maxMemory = 4 << 30

// compile tells apart what is no core module before the compiler sees it.
func compile(ctx context.Context, wasm []byte, memory uint64, cacheDir string) (*sandbox.Module, error) {
	switch {
	case !bytes.HasPrefix(wasm, []byte("\x00asm")):
		return nil, errors.New("it is no WebAssembly module")
	case bytes.HasPrefix(wasm[4:], []byte{0x0d, 0, 1, 0}):
		return nil, errors.New("it is a component; give the core module that it was made of")
	}
	return sandbox.Compile(ctx, wasm, sandbox.Config{CacheDir: cacheDir, Memory: memory, Functions: functions()})
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
	for _, name := range []string{exportConfigure, exportTransform, exportRealloc} {
		if slices.Contains(exports, name) {
			continue
		}
		for _, other := range exports {
			if strings.HasPrefix(other, transformer) && !strings.HasPrefix(other, transformer+version) {
				return fmt.Errorf("module is of another version of the contract: it exports %s, and is to export %s", other, name)
			}
		}
		return fmt.Errorf("module is no plugin: it does not export %s", name)
	}
	return nil
}

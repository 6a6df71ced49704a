// Package builtin holds the plugins that come with the gateway: their modules, as
// they were built from the folder plugins, and the permissions that they carry.
//
// The modules are embedded when the program is built. They are no sources and not
// in the repository: "make plugins" builds them, and so do "make build", "make run"
// and "make test". A program that was built without them says so when one is asked
// for.
package builtin

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/postern-mail/postern/gateway/internal/document"
)

//go:embed all:modules
var modules embed.FS

// ErrNotBuilt means that the program was built without the module.
var ErrNotBuilt = errors.New("this program was built without its plugins: build it by make build")

// Module is a plugin that comes with the gateway.
type Module struct {
	Name string
	Wasm []byte
	// Grant, Read and Write are what it may do, without the operator's word.
	Grant       []string
	Read, Write []document.Pointer
}

// table says what there is, in the order of the default chain.
func table() []Module {
	whole := []document.Pointer{{}}
	return []Module{
		{Name: "classify", Grant: []string{"envelope", "headers", "body", "attachments", "payload"}, Write: []document.Pointer{{"classification"}}},
		{Name: "spam", Grant: []string{"scans", "payload"}, Write: []document.Pointer{{"spam"}}},
		{Name: "markdown", Grant: []string{"body", "payload"}, Write: []document.Pointer{{"message", "content", "markdown"}}},
		{Name: "payload", Grant: []string{"payload"}, Read: whole, Write: whole},
	}
}

// Names lists the plugins, in the order of the default chain.
func Names() []string {
	var names []string
	for _, m := range table() {
		names = append(names, m.Name)
	}
	return names
}

// Get returns a plugin by its name.
func Get(name string) (Module, error) {
	list := table()
	i := slices.IndexFunc(list, func(m Module) bool { return m.Name == name })
	if i < 0 {
		return Module{}, fmt.Errorf("there is no builtin:%s; there are %s", name, strings.Join(Names(), ", "))
	}
	m := list[i]
	wasm, err := modules.ReadFile("modules/" + name + ".wasm")
	if errors.Is(err, fs.ErrNotExist) {
		err = ErrNotBuilt
	}
	if err != nil {
		return Module{}, fmt.Errorf("builtin:%s: %w", name, err)
	}
	m.Wasm = wasm
	return m, nil
}

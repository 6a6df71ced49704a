package admit

import (
	"bytes"
	"errors"
	"fmt"
)

// What a binary begins with, beside the magic of modules.
const (
	wasmMagic      = "\x00asm"
	componentMagic = wasmMagic + "\x0d\x00\x01\x00"
)

// IsComponent reports whether a binary is a component rather than a module.
func IsComponent(wasm []byte) bool { return bytes.HasPrefix(wasm, []byte(componentMagic)) }

// Unwrap returns the first core module of a component (Component Model, binary format of
// version 0x0d): the one that tools make a component of by putting adapters around it.
// Whether what it imports is there is found when it is linked, as of any module.
func Unwrap(component []byte) ([]byte, error) {
	const (
		coreModuleSection = 1
		lastSection       = 12
	)
	if !IsComponent(component) {
		return nil, errors.New("it is no component")
	}
	for r := (&reader{b: component[len(componentMagic):]}); len(r.b) > 0; {
		id, _ := r.octet() // there is one
		content, err := r.octets()
		switch {
		case err != nil:
			return nil, fmt.Errorf("component: section %d: %w", id, err)
		case id > lastSection:
			return nil, fmt.Errorf("component: section %d is unknown", id)
		case id == coreModuleSection:
			if IsComponent(content) || !bytes.HasPrefix(content, []byte(wasmMagic)) {
				return nil, errors.New("component: its first core module is none")
			}
			return content, nil
		}
	}
	return nil, errors.New("component: there is no core module in it")
}

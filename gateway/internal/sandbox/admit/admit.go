// Package admit decides which modules of strangers may be compiled, and rewrites
// those that it admits so that they can be stopped and bounded.
//
// # Invariants
//
//   - What is admitted declares no more of anything than the bounds here allow, and
//     all that its counts say is there. Who believes a count of 2^32 takes memory for
//     that many, and a process that is out of memory is ended.
//   - Every function of it has a loop, at which a guest that is compiled to look at
//     the time does so, and every table a maximum.
//   - It works in time and memory linear in the length of the module. Whether a
//     module is valid otherwise is the compiler's to say.
package admit

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// Bounds of what a module may declare.
const (
	maxLocals      = 2_000     // of one function
	maxAllLocals   = 5_000_000 // of a module
	maxTableLength = 65_536
	maxElements    = 131_072 // of all segments together
	maxValues      = 1_000   // parameters or results of a function
	maxAllValues   = 100_000 // of all types together
	maxBody        = 1 << 20 // octets of a function: the compiler takes a thousand times that
)

// Sections of a module, by their ids.
const (
	customSection  = 0
	typeSection    = 1
	importSection  = 2
	tableSection   = 4
	memorySection  = 5
	exportSection  = 7
	elementSection = 9
	codeSection    = 10
	dataSection    = 11
)

// maxEntries bounds the entries of each section that is a list, by its id. A decoder
// that believes a count takes memory for 2^32 of them, and is out of it.
func maxEntries(id byte) (entries uint32, isList bool) {
	switch id {
	case typeSection, importSection, 6, exportSection, elementSection, 13: // types, imports, globals, exports, elements, tags
		return 10_000, true
	case 3, codeSection, dataSection: // functions, their bodies, data
		return 100_000, true
	case tableSection:
		return 4, true
	case memorySection:
		return 1, true
	}
	return 0, false
}

const magic = "\x00asm\x01\x00\x00\x00"

// sectionName gives a section its name in the specification.
func sectionName(id byte) string {
	names := []string{"custom", "type", "import", "function", "table", "memory", "global", "export", "start", "element", "code", "data", "data count", "tag"}
	if int(id) < len(names) {
		return names[id] + " section"
	}
	return fmt.Sprintf("section %d", id)
}

// Module returns the module as it is to be compiled. The compiler is made to look at
// the time in loops only: each function gets an empty one to begin with, so that a
// tree of calls ends too. It bounds memory.grow and not table.grow: each table gets
// a maximum. Custom sections, names and debugging among them, are nothing that a run
// needs, and are left out. An error says which section it is about, and the bound.
// memory is the cap of linear memory in pages of 64 KiB.
func Module(wasm []byte, memory uint32) ([]byte, error) {
	rest, ok := bytes.CutPrefix(wasm, []byte(magic))
	if !ok {
		return nil, errors.New("it is no WebAssembly module of version 1")
	}
	out := []byte(magic)
	imports := uint32(0) // functions
	for len(rest) > 0 {
		id := rest[0]
		r := reader{rest[1:]}
		content, err := r.octets()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", sectionName(id), err)
		}
		rest = r.b
		if id == customSection {
			continue
		}
		if most, isList := maxEntries(id); isList {
			n, err := (&reader{content}).number()
			if err != nil {
				return nil, fmt.Errorf("%s: %w", sectionName(id), err)
			}
			if n > most {
				return nil, fmt.Errorf("%s: %d entries, at most %d are allowed", sectionName(id), n, most)
			}
		}
		switch id {
		case typeSection:
			values := 0
			err = each(content, func(r *reader) error {
				n, err := r.functionType()
				if values += n; err == nil && values > maxAllValues {
					err = fmt.Errorf("more than %d parameters and results in all types", maxAllValues)
				}
				return err
			})
		case importSection:
			err = each(content, func(r *reader) error {
				isFunction, err := r.imported()
				if isFunction {
					imports++
				}
				return err
			})
		case memorySection:
			err = each(content, func(r *reader) error { return r.memory(memory) })
		case exportSection:
			err = each(content, (*reader).exported)
		case tableSection:
			content, err = boundTables(content)
		case elementSection:
			entries := 0
			err = each(content, func(r *reader) error {
				n, err := r.element()
				if entries += n; err == nil && entries > maxElements {
					err = fmt.Errorf("more than %d entries in all segments", maxElements)
				}
				return err
			})
		case dataSection:
			err = each(content, (*reader).data)
		case codeSection:
			content, err = stoppable(content, imports)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", sectionName(id), err)
		}
		out = append(binary.AppendUvarint(append(out, id), uint64(len(content))), content...)
	}
	return out, nil
}

// each reads over the entries of a section that is a list of them, and so holds that
// what they count is there.
func each(section []byte, entry func(*reader) error) error {
	r := &reader{section}
	n, err := r.number()
	for ; n > 0 && err == nil; n-- {
		err = entry(r)
	}
	return err
}

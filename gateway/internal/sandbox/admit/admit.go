// Package admit decides which modules of strangers may be compiled, and rewrites
// those that it admits so that they can be stopped, bounded and measured.
//
// # Invariants
//
//   - What is admitted declares no more of anything than the bounds here allow, and
//     all that its counts say is there. Who believes a count of 2^32 takes memory for
//     that many, and a process that is out of memory is ended.
//   - It cannot run without spending fuel: each function and each round of a loop costs
//     by its length and by how slow its instructions can be, each work on a piece of memory
//     by its own, and each call of the host. After at most Slice units it asks the host for
//     more. What a table or a reference holds of the host is a function that pays first.
//   - What is added here is out of its reach: it refers to no type, function or global that
//     is not its own.
//   - It exports no function of the host: called from outside, that has no instance to
//     work on.
//   - Every table has a maximum.
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
	maxElements    = 131_072   // of all segments together
	maxValues      = 64        // parameters or results of a function, or of a block
	maxTargets     = 10_000    // of a branch
	maxAllValues   = 100_000   // of all types together
	maxBody        = 512 << 10 // octets of a function: the compiler takes a thousand times that
	maxMetered     = 1 << 20   // octets of a function when it is metered
	// maxBranches is how many blocks and branches a function may have. The compiler's time
	// is that of their square: two seconds for so many, and minutes for eight times that.
	// maxSquares bounds the sum of these squares. The interpreter of a JavaScript engine has
	// some 5,000, and all of its engine 150 million.
	maxBranches = 10_000
	maxSquares  = 1_000_000_000
	maxModule   = 32 << 20
	maxSegment  = 4 << 20 // octets that a run may copy at once
)

// Sections of a module, by their ids.
const (
	customSection    = 0
	typeSection      = 1
	importSection    = 2
	functionSection  = 3
	tableSection     = 4
	memorySection    = 5
	globalSection    = 6
	exportSection    = 7
	startSection     = 8
	elementSection   = 9
	codeSection      = 10
	dataSection      = 11
	dataCountSection = 12
	tagSection       = 13
)

// order is that of the sections in a module.
func order() []byte {
	return []byte{
		typeSection, importSection, functionSection, tableSection, memorySection, tagSection, globalSection, exportSection,
		startSection, elementSection, dataCountSection, codeSection, dataSection,
	}
}

// maxEntries bounds the entries of each section that is a list, by its id. A decoder
// that believes a count takes memory for 2^32 of them, and is out of it.
func maxEntries(id byte) (entries uint32, isList bool) {
	switch id {
	case typeSection, importSection, globalSection, exportSection, elementSection, tagSection:
		return 10_000, true
	case functionSection, codeSection, dataSection:
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

// Module returns the module as it is to be compiled: metered, with a maximum for each
// table, since a runtime bounds memory.grow and not table.grow, and without custom
// sections, names and debugging among them, which are nothing that a run needs. To start
// it is the host's to do: see [Info]. An
// error says which section it is about, and the bound. memory is the cap of linear
// memory in pages of 64 KiB.
func Module(wasm []byte, memory uint32) ([]byte, Info, error) {
	if len(wasm) > maxModule {
		return nil, Info{}, fmt.Errorf("it has %d octets, at most %d are allowed", len(wasm), maxModule)
	}
	sections, err := split(wasm)
	if err != nil {
		return nil, Info{}, err
	}
	m := &module{memory: memory}
	if err := m.liftStart(sections); err != nil {
		return nil, Info{}, err
	}
	copies := make(map[byte]section)
	for _, id := range order() {
		content, stands := sections[id]
		if !stands {
			continue
		}
		w := rewriter{reader: reader{b: content}, module: m}
		n, err := w.section(id)
		if err != nil {
			return nil, Info{}, fmt.Errorf("%s: %w", sectionName(id), err)
		}
		copies[id] = section{n, w.out}
	}
	if err := m.checkStart(); err != nil {
		return nil, Info{}, fmt.Errorf("%s: %w", sectionName(startSection), err)
	}
	data, lifted := m.liftData(sections)
	if lifted {
		delete(copies, dataSection)
		delete(copies, dataCountSection)
	}
	out := make([]byte, 0, len(wasm)+len(wasm)/2)
	out = append(out, magic...)
	for _, id := range order() {
		// What is to be added is known when all has been read.
		added := m.added(id)
		copied, stands := copies[id]
		if !stands && added.entries == 0 {
			continue
		}
		var count []byte
		if _, isList := maxEntries(id); isList {
			count = binary.AppendUvarint(nil, uint64(copied.entries+added.entries))
		}
		out = binary.AppendUvarint(append(out, id), uint64(len(count)+len(copied.text)+len(added.text)))
		out = append(append(append(out, count...), copied.text...), added.text...)
	}
	return out, Info{Globals: len(m.mutable), Resettable: !m.fixed, Data: data}, nil
}

// section is a list of entries.
type section struct {
	entries uint32
	text    []byte
}

// Info is what the host has to know of a module that is admitted.
type Info struct {
	// Globals is how many globals it has that can change. Each is an export, see
	// [GlobalName].
	Globals int
	// Resettable says that memory and globals are all that a run can change.
	Resettable bool
	// Data is to be copied into memory, in this order, before [Start] is called. The
	// module has no data section then.
	Data []Segment
}

// split takes a module apart into its sections, of which each stands once and in order.
func split(wasm []byte) (map[byte][]byte, error) {
	rest, ok := bytes.CutPrefix(wasm, []byte(magic))
	if !ok {
		return nil, errors.New("it is no WebAssembly module of version 1")
	}
	sections := make(map[byte][]byte)
	r := reader{b: rest}
	place := order()
	for len(r.b) > 0 {
		id, _ := r.octet() // there is one
		content, err := r.octets()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", sectionName(id), err)
		}
		if id == customSection {
			if _, err := (&reader{b: content}).octets(); err != nil { // its name
				return nil, fmt.Errorf("%s: %w", sectionName(id), err)
			}
			continue
		}
		i := bytes.IndexByte(place, id)
		if i < 0 {
			return nil, fmt.Errorf("%s: it stands twice, in a wrong place, or is unknown", sectionName(id))
		}
		place = place[i+1:]
		sections[id] = content
	}
	return sections, nil
}

// module is what is known of a module by the sections that came so far.
type module struct {
	memory uint32 // the cap, in pages

	parameters []uint32 // of each type
	arity      []int    // parameters and results of each type
	imports    []uint32 // types of the functions that it imports
	types      []uint32 // of its own functions
	globals    uint32
	mutable    []uint32 // those that can change
	fixed      bool     // a run can change what cannot be set back
	segments   bool     // an instruction works on a data segment
	hasMemory  bool
	start      *uint32 // the function by which it starts

	generated []generated       // functions that are added, beside the first
	helpers   map[helper]uint32 // where they are among those

	values, elements int    // of all types, and of all segments
	allLocals        uint64 // of its functions
	squares          uint64 // of their branches
}

// functions is how many there are, imported ones included, without ours.
func (m *module) functions() uint32 { return uint32(len(m.imports) + len(m.types)) }

// section copies a section, and gives the number of its entries, which is left out.
func (w *rewriter) section(id byte) (entries uint32, err error) {
	most, isList := maxEntries(id)
	if !isList {
		return 0, w.single()
	}
	n, err := w.number()
	if err != nil {
		return 0, err
	}
	if n > most {
		return 0, fmt.Errorf("%d entries, at most %d are allowed", n, most)
	}
	if id == codeSection && n != uint32(len(w.types)) {
		return 0, fmt.Errorf("code for %d functions, and there are %d", n, len(w.types))
	}
	for i := range n {
		if err := w.entry(id, i); err != nil {
			return 0, err
		}
	}
	if len(w.b) > 0 {
		return 0, errors.New("there is more than it says")
	}
	return n, nil
}

// single copies a section that is no list.
func (w *rewriter) single() error {
	err := w.copied(func(r *reader) error { return r.skipNumbers(1) })
	if err == nil && len(w.b) > 0 {
		err = errors.New("there is more than it says")
	}
	return err
}

// entry copies an entry of a section that is a list.
func (w *rewriter) entry(id byte, i uint32) error {
	switch id {
	case typeSection:
		return w.copied(func(r *reader) error {
			parameters, values, err := r.functionType()
			w.parameters, w.arity = append(w.parameters, parameters), append(w.arity, values)
			if w.values += values; err == nil && w.values > maxAllValues {
				err = fmt.Errorf("more than %d parameters and results in all types", maxAllValues)
			}
			return err
		})
	case importSection:
		return w.imported()
	case functionSection:
		return w.copied(func(r *reader) error {
			n, err := r.number()
			if err == nil && uint64(n) >= uint64(len(w.parameters)) {
				err = fmt.Errorf("function %d is of type %d, which is not there", i, n)
			}
			w.types = append(w.types, n)
			return err
		})
	case tableSection:
		return w.table()
	case memorySection:
		w.hasMemory = true
		return w.copied(func(r *reader) error { return r.limitedMemory(w.memory) })
	case globalSection:
		return w.global()
	case exportSection:
		return w.exported()
	case elementSection:
		return w.element()
	case dataSection:
		return w.data()
	case codeSection:
		if err := w.function(i); err != nil {
			return fmt.Errorf("function %d: %w", i, err)
		}
		return nil
	}
	return errors.New("it is of a later version of WebAssembly")
}

package admit

import (
	"encoding/binary"
	"fmt"
	"regexp"
)

// rewriter copies a part of a module, and changes what there is to be changed. Ours is
// the last of the imported functions, so that the functions of the module itself have an
// index that is higher by one.
type rewriter struct {
	reader
	*module
	out []byte
}

// copied copies what f reads over.
func (w *rewriter) copied(f func(*reader) error) error {
	before := w.b
	err := f(&w.reader)
	w.out = append(w.out, before[:len(before)-len(w.b)]...)
	return err
}

func (w *rewriter) append(n uint32) { w.out = binary.AppendUvarint(w.out, uint64(n)) }

// shifted is the index that a function has now.
func (w *rewriter) shifted(index uint32) uint32 {
	if index >= uint32(len(w.imports)) {
		index++
	}
	return index
}

// functionIndex copies the index of a function that is referred to. Where it is one of the
// host, it becomes one that pays for the call.
func (w *rewriter) functionIndex() error {
	n, err := w.number()
	if err != nil {
		return err
	}
	if n >= w.functions() {
		return fmt.Errorf("it refers to function %d, and there are %d", n, w.functions())
	}
	w.append(w.referred(n))
	return nil
}

// referred is the index that a function has now for who does not call it by its name.
func (w *rewriter) referred(index uint32) uint32 {
	if index < uint32(len(w.imports)) {
		return w.helper(helper{wraps, index})
	}
	return w.shifted(index)
}

// repeated is how the tools of components name an import that stands twice, which it may in
// a module and not in a component: "fd_write [v2]".
var repeated = regexp.MustCompile(` \[v[0-9]{1,4}\]$`)

// imported copies an import. One that stands twice gets its own name back.
func (w *rewriter) imported() error {
	module, err := w.octets()
	if err != nil {
		return err
	}
	if string(module) == HostModule {
		return fmt.Errorf("module imports from %s, which is the host's own", HostModule)
	}
	name, err := w.octets()
	if err != nil {
		return err
	}
	for _, s := range [][]byte{module, repeated.ReplaceAll(name, nil)} {
		w.append(uint32(len(s)))
		w.out = append(w.out, s...)
	}
	return w.copied(func(r *reader) error {
		kind, err := r.octet()
		if err != nil {
			return err
		}
		switch kind {
		case 0: // function
			n, err := r.number()
			if err == nil && uint64(n) >= uint64(len(w.parameters)) {
				err = fmt.Errorf("function %.60q %.60q is of type %d, which is not there", module, name, n)
			}
			w.imports = append(w.imports, n)
			return err
		case 1:
			return fmt.Errorf("module imports the table %.60q %.60q; it is to have its own", module, name)
		case 2: // memory
			return r.limits()
		case 3:
			return fmt.Errorf("module imports the global %.60q %.60q; it is to have its own", module, name)
		}
		return fmt.Errorf("import of kind %#x", kind)
	})
}

// table copies a table, and gives it a maximum.
func (w *rewriter) table() error {
	kind, err := w.octet()
	if err != nil {
		return err
	}
	if kind != 0x70 && kind != 0x6f { // funcref, externref
		return fmt.Errorf("table of type %#x", kind)
	}
	flags, err := w.octet()
	if err != nil {
		return err
	}
	least, err := w.number()
	if err != nil {
		return err
	}
	most := uint32(maxTableLength)
	switch flags {
	case 0:
	case 1:
		if most, err = w.number(); err != nil {
			return err
		}
	default:
		return fmt.Errorf("table with flags %#x", flags)
	}
	if least > maxTableLength {
		return fmt.Errorf("table of %d elements, at most %d are allowed", least, maxTableLength)
	}
	w.out = append(w.out, kind, 1)
	w.append(least)
	w.append(min(most, maxTableLength))
	return nil
}

// global copies a global.
func (w *rewriter) global() error {
	err := w.copied(func(r *reader) error {
		kind, err := r.octet()
		if err != nil || kind < 0x6f || kind > 0x7f {
			return fmt.Errorf("global of type %#x", kind)
		}
		mutable, err := r.octet()
		if mutable == 1 {
			w.mutable = append(w.mutable, w.globals)
			w.fixed = w.fixed || kind < 0x7c // a vector or a reference, of which the host has no value
		}
		return err
	})
	if err == nil {
		err = w.expression()
	}
	w.globals++
	return err
}

// exported copies an export.
func (w *rewriter) exported() error {
	var kind byte
	var name []byte
	err := w.copied(func(r *reader) (err error) {
		if name, err = r.exportName(); err == nil {
			kind, err = r.octet()
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case kind == 0:
		if n, err := (&reader{b: w.b}).number(); err == nil && n < uint32(len(w.imports)) {
			return fmt.Errorf("module exports %.60q, which is a function that it imports; it is to export functions of its own", name)
		}
		return w.functionIndex()
	case kind == 3:
		return w.copied(func(r *reader) error {
			n, err := r.number()
			if err == nil && n >= w.globals {
				err = fmt.Errorf("it refers to global %d, and there are %d", n, w.globals)
			}
			return err
		})
	}
	return w.copied(func(r *reader) error { return r.skipNumbers(1) })
}

// data copies a data segment.
func (w *rewriter) data() error {
	const (
		passive  = 1
		explicit = 2 // active, with a memory
	)
	var flags uint32
	err := w.copied(func(r *reader) (err error) {
		if flags, err = r.number(); err != nil {
			return err
		}
		if flags > explicit {
			return fmt.Errorf("segment with flags %#x", flags)
		}
		if flags == explicit {
			return r.skipNumbers(1)
		}
		return nil
	})
	if err == nil && flags != passive {
		err = w.expression()
	}
	if err != nil {
		return err
	}
	return w.copied(func(r *reader) error {
		octets, err := r.octets()
		if flags == passive && len(octets) > maxSegment {
			err = fmt.Errorf("passive segment of %d octets, at most %d are allowed", len(octets), maxSegment)
		}
		return err
	})
}

// element copies an element segment.
func (w *rewriter) element() error {
	const (
		notActive   = 1
		explicit    = 2 // table, or declarative
		expressions = 4
	)
	var flags uint32
	err := w.copied(func(r *reader) (err error) {
		if flags, err = r.number(); err != nil {
			return err
		}
		if flags > notActive|explicit|expressions {
			return fmt.Errorf("segment with flags %#x", flags)
		}
		if flags&(notActive|explicit) == explicit {
			return r.skipNumbers(1) // the table
		}
		return nil
	})
	if err == nil && flags&notActive == 0 {
		err = w.expression()
	}
	if err != nil {
		return err
	}
	var n uint32
	if err := w.copied(func(r *reader) (err error) {
		if flags&(notActive|explicit) != 0 {
			kind, err := r.octet()
			if err != nil {
				return err
			}
			// What the compiler takes beside these is longer.
			if (flags&expressions == 0) != (kind == 0) || kind != 0 && kind != 0x70 && kind != 0x6f {
				return fmt.Errorf("segment of type %#x", kind)
			}
		}
		n, err = r.number()
		return err
	}); err != nil {
		return err
	}
	if w.elements += int(n); w.elements > maxElements {
		return fmt.Errorf("more than %d entries in all segments", maxElements)
	}
	for range n {
		if flags&expressions != 0 {
			err = w.expression()
		} else {
			err = w.functionIndex()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// expression copies a constant expression.
func (w *rewriter) expression() error {
	for {
		opcode, err := w.octet()
		if err != nil {
			return err
		}
		w.out = append(w.out, opcode)
		switch opcode {
		case 0x0b: // end
			return nil
		case 0xd2: // ref.func
			err = w.functionIndex()
		case 0x23: // global.get
			err = w.copied(func(r *reader) error {
				n, err := r.number()
				if err == nil && n >= w.globals {
					err = fmt.Errorf("it refers to global %d, and there are %d before it", n, w.globals)
				}
				return err
			})
		case 0x41, 0x42, 0xd0: // i32.const, i64.const, ref.null
			err = w.copied(func(r *reader) error { return r.skipNumbers(1) })
		case 0x43: // f32.const
			err = w.copied(func(r *reader) error { return r.skip(4) })
		case 0x44: // f64.const
			err = w.copied(func(r *reader) error { return r.skip(8) })
		case 0xfd: // v128.const, which is two octets
			err = w.copied(func(r *reader) error { return r.skip(17) })
		default:
			err = fmt.Errorf("constant expression with opcode %#x", opcode)
		}
		if err != nil {
			return err
		}
	}
}

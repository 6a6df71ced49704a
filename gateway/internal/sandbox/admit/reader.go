package admit

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
)

// reader takes a module apart.
type reader struct{ b []byte }

var errCut = errors.New("it ends too early")

func (r *reader) octet() (byte, error) {
	if len(r.b) == 0 {
		return 0, errCut
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c, nil
}

// number reads a u32 in LEB128.
func (r *reader) number() (uint32, error) {
	n, size := binary.Uvarint(r.b)
	if size <= 0 || size > 5 || n > 1<<32-1 {
		return 0, errCut
	}
	r.b = r.b[size:]
	return uint32(n), nil
}

// octets reads what has its length before it.
func (r *reader) octets() ([]byte, error) {
	n, err := r.number()
	if err != nil {
		return nil, err
	}
	if uint64(n) > uint64(len(r.b)) {
		return nil, errCut
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b, nil
}

// functionType reads over the type of a function, and gives the number of its
// parameters and results.
func (r *reader) functionType() (values int, err error) {
	switch form, err := r.octet(); {
	case err != nil:
		return 0, err
	case form != 0x60:
		return 0, fmt.Errorf("type of form %#x", form)
	}
	for range 2 { // parameters and results
		n, err := r.number()
		values += int(n)
		if n > maxValues {
			return 0, fmt.Errorf("function of %d parameters or results, at most %d are allowed", n, maxValues)
		}
		for ; n > 0 && err == nil; n-- {
			err = r.valueType()
		}
		if err != nil {
			return 0, err
		}
	}
	return values, nil
}

// imported reads over an import.
func (r *reader) imported() (isFunction bool, err error) {
	module, err := r.octets()
	if err != nil {
		return false, err
	}
	name, err := r.octets()
	if err != nil {
		return false, err
	}
	kind, err := r.octet()
	if err != nil {
		return false, err
	}
	switch kind {
	case 0: // function
		_, err = r.number()
	case 1:
		err = fmt.Errorf("module imports the table %.60q %.60q; it is to have its own", module, name)
	case 2: // memory
		err = r.limits()
	case 3:
		err = fmt.Errorf("module imports the global %.60q %.60q; it is to have its own", module, name)
	default:
		err = fmt.Errorf("import of kind %#x", kind)
	}
	return kind == 0, err
}

// memory reads over a memory, which may not begin above the cap.
func (r *reader) memory(most uint32) error {
	flags, err := r.octet()
	if err != nil {
		return err
	}
	least, err := r.number()
	if err != nil {
		return err
	}
	if least > most {
		return fmt.Errorf("it needs at least %s, at most %s are allowed", mebibytes(least), mebibytes(most))
	}
	if flags&1 != 0 { // it has a maximum
		_, err = r.number()
	}
	return err
}

// mebibytes shows a number of pages.
func mebibytes(pages uint32) string {
	return strconv.FormatFloat(float64(pages)/16, 'f', -1, 64) + " MiB"
}

func (r *reader) limits() error {
	flags, err := r.octet()
	if err != nil {
		return err
	}
	if flags > 1 {
		return fmt.Errorf("limits with flags %#x", flags)
	}
	for range 1 + flags {
		if _, err := r.number(); err != nil {
			return err
		}
	}
	return nil
}

// exported reads over an export.
func (r *reader) exported() error {
	_, err := r.octets()
	if err == nil {
		_, err = r.octet()
	}
	if err == nil {
		_, err = r.number()
	}
	return err
}

// data reads over a data segment.
func (r *reader) data() error {
	const (
		passive  = 1
		explicit = 2 // active, with a memory
	)
	flags, err := r.number()
	switch {
	case err != nil:
		return err
	case flags > explicit:
		return fmt.Errorf("segment with flags %#x", flags)
	case flags == explicit:
		if _, err := r.number(); err != nil {
			return err
		}
	}
	if flags != passive {
		if err := r.expression(); err != nil {
			return err
		}
	}
	_, err = r.octets()
	return err
}

// valueType reads over the type of a value: numbers, vectors, funcref, externref,
// which are of one octet.
func (r *reader) valueType() error {
	kind, err := r.octet()
	if err == nil && (kind < 0x6f || kind > 0x7f) {
		err = fmt.Errorf("value of type %#x", kind)
	}
	return err
}

// element reads over an element segment, and gives the number of its entries.
func (r *reader) element() (entries int, err error) {
	flags, err := r.number()
	if err != nil {
		return 0, err
	}
	const (
		notActive   = 1
		explicit    = 2 // table, or declarative
		expressions = 4
	)
	if flags > notActive|explicit|expressions {
		return 0, fmt.Errorf("segment with flags %#x", flags)
	}
	if flags&(notActive|explicit) == explicit {
		if _, err := r.number(); err != nil { // the table
			return 0, err
		}
	}
	if flags&notActive == 0 {
		if err := r.expression(); err != nil {
			return 0, err
		}
	}
	if flags&(notActive|explicit) != 0 {
		if _, err := r.octet(); err != nil { // the kind or type
			return 0, err
		}
	}
	n, err := r.number()
	if err != nil {
		return 0, err
	}
	if uint64(n) > uint64(len(r.b)) {
		return 0, errCut
	}
	for range n {
		if flags&expressions != 0 {
			err = r.expression()
		} else {
			_, err = r.number()
		}
		if err != nil {
			return 0, err
		}
	}
	return int(n), nil
}

// expression reads over a constant expression.
func (r *reader) expression() error {
	for {
		opcode, err := r.octet()
		if err != nil {
			return err
		}
		skip := 0
		switch opcode {
		case 0x0b: // end
			return nil
		case 0x23, 0x41, 0x42, 0xd0, 0xd2: // global.get, i32.const, i64.const, ref.null, ref.func
			for c := byte(0x80); c&0x80 != 0 && err == nil; {
				c, err = r.octet()
			}
		case 0x43: // f32.const
			skip = 4
		case 0x44: // f64.const
			skip = 8
		case 0xfd: // v128.const, which is two octets
			skip = 17
		default:
			return fmt.Errorf("constant expression with opcode %#x", opcode)
		}
		for range skip {
			if _, err := r.octet(); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
}

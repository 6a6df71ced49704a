package admit

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// reader takes a module apart.
type reader struct {
	b []byte
	// lasting is set by an instruction that changes what cannot be set back: a table,
	// or whether a segment is there.
	lasting bool
	// segments is set by an instruction that works on a data segment.
	segments bool
	// weight is how slow the instruction is that was read last, as a multiple of an addition.
	weight uint32
	// branches counts the blocks and branches that were read.
	branches uint32
	// highest is how many types there are to be for those that were read.
	highest uint64
}

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

// skipNumbers reads over numbers in LEB128, of any size and sign.
func (r *reader) skipNumbers(n int) error {
	for ; n > 0; n-- {
		for c := byte(0x80); c&0x80 != 0; {
			var err error
			if c, err = r.octet(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *reader) skip(n int) error {
	if len(r.b) < n {
		return errCut
	}
	r.b = r.b[n:]
	return nil
}

// functionType reads over the type of a function. values are its parameters and results.
func (r *reader) functionType() (parameters uint32, values int, err error) {
	switch form, err := r.octet(); {
	case err != nil:
		return 0, 0, err
	case form != 0x60:
		return 0, 0, fmt.Errorf("type of form %#x", form)
	}
	for i := range 2 { // parameters and results
		n, err := r.number()
		if i == 0 {
			parameters = n
		}
		values += int(n)
		if n > maxValues {
			return 0, 0, fmt.Errorf("function of %d parameters or results, at most %d are allowed", n, maxValues)
		}
		for ; n > 0 && err == nil; n-- {
			err = r.valueType()
		}
		if err != nil {
			return 0, 0, err
		}
	}
	return parameters, values, nil
}

// exportName reads the name of an export, which does not begin as those of the host do.
func (r *reader) exportName() ([]byte, error) {
	name, err := r.octets()
	if err == nil && strings.HasPrefix(string(name), HostModule) {
		err = fmt.Errorf("module exports %.60q, a name that is the host's own", name)
	}
	return name, err
}

// limitedMemory reads over a memory, which may not begin above the cap.
func (r *reader) limitedMemory(most uint32) error {
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
	return r.skipNumbers(1 + int(flags))
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

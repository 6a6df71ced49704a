package admit

import "fmt"

// maxUnguarded is how many long instructions may come without a loop before them. Each
// takes some milliseconds at the most, so that many take no time that counts; and
// hardly a function that a compiler makes has more, so that none pays for the loops.
const maxUnguarded = 16

// guarded puts an empty loop before each long instruction of a function that has many:
// one that works on a piece of memory or of a table, or calls an import. A function can
// have any number of them in a row: without a loop there is no moment at which the guest
// could be stopped, and none at which the host's collector of garbage could go on.
func guarded(code []byte, imports uint32) ([]byte, error) {
	var long []int // where they are
	r := &reader{code}
	for len(r.b) > 0 {
		at := len(code) - len(r.b)
		isLong, err := r.instruction(imports)
		if err != nil {
			return nil, err
		}
		if isLong {
			long = append(long, at)
		}
	}
	if len(long) <= maxUnguarded {
		return code, nil
	}
	out := make([]byte, 0, len(code)+len(long)*len(loop))
	last := 0
	for _, at := range long {
		out = append(append(out, code[last:at]...), loop...)
		last = at
	}
	return append(out, code[last:]...), nil
}

// instruction reads over an instruction; long is one whose time is not that of an
// instruction. imports is the number of imported functions, which come first.
func (r *reader) instruction(imports uint32) (long bool, err error) {
	opcode, err := r.octet()
	if err != nil {
		return false, err
	}
	switch {
	case opcode <= 0x01, opcode == 0x05, opcode == 0x0b, opcode == 0x0f, opcode == 0x1a, opcode == 0x1b,
		opcode >= 0x45 && opcode <= 0xc4, opcode == 0xd1:
		return false, nil
	case opcode >= 0x02 && opcode <= 0x04, opcode == 0x0c, opcode == 0x0d, opcode >= 0x20 && opcode <= 0x26,
		opcode >= 0x3f && opcode <= 0x42, opcode == 0xd0, opcode == 0xd2:
		return false, r.skipNumbers(1)
	case opcode == 0x10: // call
		n, err := r.number()
		return n < imports, err
	case opcode == 0x11, opcode >= 0x28 && opcode <= 0x3e:
		return false, r.skipNumbers(2)
	case opcode == 0x0e, opcode == 0x1c: // br_table, select
		n, err := r.number()
		if err == nil && uint64(n) > uint64(len(r.b)) {
			err = errCut
		}
		if err != nil {
			return false, err
		}
		if opcode == 0x0e {
			n++
		}
		return false, r.skipNumbers(int(n))
	case opcode == 0x43:
		return false, r.skip(4)
	case opcode == 0x44:
		return false, r.skip(8)
	case opcode == 0xfc:
		return r.prefixed()
	case opcode == 0xfd:
		return false, r.vector()
	}
	return false, fmt.Errorf("instruction %#x", opcode)
}

func (r *reader) prefixed() (long bool, err error) {
	n, err := r.number()
	switch {
	case err != nil:
		return false, err
	case n <= 7:
		return false, nil
	case n == 8, n == 10, n == 12, n == 14: // memory.init, memory.copy, table.init, table.copy
		return true, r.skipNumbers(2)
	case n == 11, n == 17: // memory.fill, table.fill
		return true, r.skipNumbers(1)
	case n <= 16:
		return false, r.skipNumbers(1)
	}
	return false, fmt.Errorf("instruction 0xfc %d", n)
}

func (r *reader) vector() error {
	n, err := r.number()
	switch {
	case err != nil:
		return err
	case n <= 11, n == 92, n == 93:
		return r.skipNumbers(2)
	case n == 12, n == 13:
		return r.skip(16)
	case n >= 21 && n <= 34:
		return r.skip(1)
	case n >= 84 && n <= 91:
		if err := r.skipNumbers(2); err != nil {
			return err
		}
		return r.skip(1)
	case n <= 255:
		return nil
	}
	return fmt.Errorf("instruction 0xfd %d", n)
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

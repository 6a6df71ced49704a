package admit

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// operation is what the metering has to know of an instruction.
type operation int

const (
	plain     operation = iota
	opens               // a block or an if
	loops               // a loop
	ends                // the end of any of them, or of the function
	calls               // a function, by its index
	global              // is read or written, by its index
	bulk                // works on a piece of memory or of a table, whose length is on the stack
	copying             // of memory to memory
	filling             // of memory
	increases           // memory or a table
)

// How slow instructions can be.
const (
	accessWeight = 16 // of memory that is in no cache, or of a table
	slowWeight   = 8  // division and square root
	vectorWeight = 4  // several instructions of the machine
	bulkWeight   = 64 // a call of the engine, be the piece of memory or of a table ever so small
)

// weigh says how slow an instruction can be.
func weigh(opcode byte) uint32 {
	switch {
	case opcode >= 0x28 && opcode <= 0x3e, opcode == 0x25, opcode == 0x26: // load, store, table.get, table.set
		return accessWeight
	case opcode >= 0x6d && opcode <= 0x70, opcode >= 0x7f && opcode <= 0x82, // div and rem of i32, of i64
		opcode == 0x91, opcode == 0x95, opcode == 0x9f, opcode == 0xa3, // sqrt and div of f32, of f64
		opcode >= 0xa8 && opcode <= 0xbf: // conversions
		return slowWeight
	}
	return 1
}

// instruction reads over an instruction up to its index, where it has one that has to be
// looked at, and that too.
func (r *reader) instruction() (op operation, index uint32, err error) {
	opcode, err := r.octet()
	if err != nil {
		return plain, 0, err
	}
	r.weight = weigh(opcode)
	switch {
	case opcode == 0x0b:
		return ends, 0, nil
	case opcode <= 0x01, opcode == 0x05, opcode == 0x0f, opcode == 0x1a, opcode == 0x1b,
		opcode >= 0x45 && opcode <= 0xc4, opcode == 0xd1:
		return plain, 0, nil
	case opcode == 0x02, opcode == 0x04: // block, if
		r.branches++
		return opens, 0, r.blockType()
	case opcode == 0x03:
		r.branches++
		return loops, 0, r.blockType()
	case opcode == 0x10:
		index, err = r.number()
		return calls, index, err
	case opcode == 0xd2: // ref.func, for which the engine takes memory each time, and keeps it
		return plain, 0, errors.New("it makes a reference to a function in its code; it is to have references in element segments")
	case opcode == 0x23, opcode == 0x24:
		index, err = r.number()
		return global, index, err
	case opcode == 0x40: // memory.grow
		return increases, 0, r.skipNumbers(1)
	case opcode == 0x26: // table.set
		r.lasting = true
		return plain, 0, r.skipNumbers(1)
	case opcode == 0x0c, opcode == 0x0d: // br, br_if
		r.branches++
		return plain, 0, r.skipNumbers(1)
	case opcode >= 0x20 && opcode <= 0x22, opcode == 0x25,
		opcode == 0x3f, opcode == 0x41, opcode == 0x42, opcode == 0xd0:
		return plain, 0, r.skipNumbers(1)
	case opcode == 0x11: // call_indirect
		n, err := r.number()
		if err != nil {
			return plain, 0, err
		}
		r.highest = max(r.highest, uint64(n)+1)
		return plain, 0, r.skipNumbers(1)
	case opcode >= 0x28 && opcode <= 0x3e:
		return plain, 0, r.skipNumbers(2)
	case opcode == 0x1c:
		return plain, 0, r.selectType()
	case opcode == 0x0e: // br_table
		n, err := r.number()
		if err == nil && uint64(n) > uint64(len(r.b)) {
			err = errCut
		}
		if err != nil {
			return plain, 0, err
		}
		if n > maxTargets {
			return plain, 0, fmt.Errorf("a branch with %d targets, at most %d are allowed", n, maxTargets)
		}
		r.branches += 1 + n/4
		return plain, 0, r.skipNumbers(int(n) + 1)
	case opcode == 0x43:
		return plain, 0, r.skip(4)
	case opcode == 0x44:
		return plain, 0, r.skip(8)
	case opcode == 0xfc:
		op, err = r.prefixed()
		return op, 0, err
	case opcode == 0xfd:
		return plain, 0, r.vector()
	}
	return plain, 0, fmt.Errorf("instruction %#x", opcode)
}

func (r *reader) prefixed() (operation, error) {
	n, err := r.subopcode()
	r.segments = r.segments || n == 8 || n == 9 // memory.init, data.drop
	if n >= 8 && n <= 17 {
		r.weight = bulkWeight
	}
	// data.drop, table.init, elem.drop, table.copy, table.grow, table.fill
	r.lasting = r.lasting || n == 9 || n >= 12 && n <= 15 || n == 17
	switch {
	case err != nil:
		return plain, err
	case n <= 7:
		r.weight = slowWeight // a conversion
		return plain, nil
	case n == 10:
		return copying, r.zeros(2)
	case n == 11:
		return filling, r.zeros(1)
	case n == 8, n == 12, n == 14: // memory.init, table.init, table.copy
		return bulk, r.skipNumbers(2)
	case n == 17: // table.fill
		return bulk, r.skipNumbers(1)
	case n == 15: // table.grow
		return increases, r.skipNumbers(1)
	case n <= 16:
		return plain, r.skipNumbers(1)
	}
	return plain, fmt.Errorf("instruction 0xfc %d", n)
}

// blockType reads over the type of a block: an index, nothing, or that of a value. A
// reference with a type of its own is of two numbers, which the compiler reads, and whose
// second would be taken here for an instruction.
func (r *reader) blockType() error {
	n, size := binary.Uvarint(r.b)
	switch {
	case size <= 0 || size > 5:
		return errCut
	case r.b[size-1]&0x40 == 0:
		r.highest = max(r.highest, n+1)
		r.b = r.b[size:]
		return nil
	case size == 1 && n == 0x40: // nothing
		r.b = r.b[1:]
		return nil
	}
	return r.valueType()
}

// selectType reads over the types of what is selected.
func (r *reader) selectType() error {
	n, err := r.number()
	if err == nil && n > maxValues {
		err = fmt.Errorf("selection of %d values, at most %d are allowed", n, maxValues)
	}
	for ; n > 0 && err == nil; n-- {
		err = r.valueType()
	}
	return err
}

// zeros reads over the indexes of memories, of which there is one.
func (r *reader) zeros(n int) error {
	for range n {
		if c, err := r.octet(); err != nil || c != 0 {
			return fmt.Errorf("memory %d, and there is one", c)
		}
	}
	return nil
}

// subopcode reads what follows a prefix. It is LEB128 by the specification, and one octet
// by the compiler, which takes the second of those above 127 for a nop: what is not
// the same for both is refused.
func (r *reader) subopcode() (uint32, error) {
	n, err := r.octet()
	if err != nil || n < 0x80 {
		return uint32(n), err
	}
	if second, err := r.octet(); err != nil || second != 1 {
		return 0, fmt.Errorf("instruction with the subopcode %#x %#x", n, second)
	}
	return uint32(n), nil
}

func (r *reader) vector() error {
	n, err := r.subopcode()
	r.weight = vectorWeight
	if n <= 11 || n >= 84 && n <= 93 || n == 0xe3 || n == 0xe7 || n == 0xef || n == 0xf3 { // load, store, sqrt, div
		r.weight = 2 * accessWeight
	}
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

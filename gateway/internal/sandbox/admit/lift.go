package admit

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// Start is the export of the function by which a module starts, where it has one.
const Start = HostModule + "/start"

// Segment is data that a module begins with.
type Segment struct {
	Address uint32
	Octets  []byte
}

// liftStart takes the start section out: the function becomes an export, which the host
// calls where it makes a module run for the first time, and not where it makes a copy of
// what that has come to.
func (m *module) liftStart(sections map[byte][]byte) error {
	content, ok := sections[startSection]
	if !ok {
		return nil
	}
	delete(sections, startSection)
	r := reader{b: content}
	n, err := r.number()
	if err == nil && len(r.b) > 0 {
		err = errors.New("there is more than it says")
	}
	if err != nil {
		return fmt.Errorf("%s: %w", sectionName(startSection), err)
	}
	m.start = &n
	return nil
}

// checkStart holds the function by which the module starts to be one, when all is read.
func (m *module) checkStart() error {
	if m.start == nil {
		return nil
	}
	imports := uint32(len(m.imports))
	switch n := *m.start; {
	case n >= m.functions():
		return fmt.Errorf("it refers to function %d, and there are %d", n, m.functions())
	case n < imports:
		return errors.New("it is a function that the module imports; it is to be its own")
	default:
		if arity := m.arity[m.types[n-imports]]; arity != 0 {
			return fmt.Errorf("function of %d parameters and results, it is to have none", arity)
		}
		return nil
	}
}

// startExport is the export of the start function, if there is one.
func (m *module) startExport(name func([]byte, string) []byte) section {
	if m.start == nil {
		return section{}
	}
	return section{1, binary.AppendUvarint(append(name(nil, Start), 0), uint64(*m.start)+1)}
}

// liftData gives the data of a module, for the host to copy where it makes the module run
// for the first time: an engine would do it for each copy. It cannot where an instruction
// works on a segment, or where a segment is not simply at an address.
func (m *module) liftData(sections map[byte][]byte) (data []Segment, lifted bool) {
	content, stands := sections[dataSection]
	if !stands || m.segments || !m.hasMemory {
		return nil, false
	}
	r := reader{b: content}
	n, err := r.number()
	if err != nil {
		return nil, false
	}
	if count, ok := sections[dataCountSection]; ok {
		// One that is wrong is the engine's to refuse.
		if counted, err := (&reader{b: count}).number(); err != nil || counted != n {
			return nil, false
		}
	}
	for range n {
		s, active, ok := r.segment()
		if !ok {
			return nil, false
		}
		if active {
			data = append(data, s)
		}
	}
	size := 0
	for _, s := range data {
		size += len(s.Octets)
	}
	// A copy, so that the module itself need not be kept.
	all := make([]byte, 0, size)
	for i, s := range data {
		all = append(all, s.Octets...)
		data[i].Octets = all[len(all)-len(s.Octets):]
	}
	return slices.Clip(data), true
}

// segment reads a data segment that is passive, or at an address that is a constant.
func (r *reader) segment() (s Segment, active, ok bool) {
	flags, err := r.number()
	if err != nil || flags > 2 {
		return s, false, false
	}
	active = flags != 1
	if flags == 2 {
		if memory, err := r.number(); err != nil || memory != 0 {
			return s, false, false
		}
	}
	if active {
		if !bytes.HasPrefix(r.b, []byte{0x41}) { // i32.const
			return s, false, false
		}
		r.b = r.b[1:]
		if s.Address, ok = r.signed32(); !ok || !bytes.HasPrefix(r.b, []byte{0x0b}) { // end
			return s, false, false
		}
		r.b = r.b[1:]
	}
	s.Octets, err = r.octets()
	return s, active, err == nil
}

// signed32 reads an i32 in signed LEB128.
func (r *reader) signed32() (uint32, bool) {
	var n int64
	for shift := 0; shift < 35; shift += 7 {
		c, err := r.octet()
		if err != nil {
			return 0, false
		}
		n |= int64(c&0x7f) << shift
		if c&0x80 == 0 {
			if c&0x40 != 0 {
				n |= -1 << (shift + 7)
			}
			return uint32(n), n == int64(int32(n))
		}
	}
	return 0, false
}

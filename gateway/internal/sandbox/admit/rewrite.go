package admit

import (
	"encoding/binary"
	"fmt"
)

// boundTables gives a maximum to the tables of a table section.
func boundTables(section []byte) ([]byte, error) {
	r := reader{section}
	n, err := r.number()
	if err != nil {
		return nil, err
	}
	out := binary.AppendUvarint(nil, uint64(n))
	for range n {
		kind, err := r.octet()
		if err != nil {
			return nil, err
		}
		if kind != 0x70 && kind != 0x6f { // funcref, externref
			return nil, fmt.Errorf("table of type %#x", kind)
		}
		flags, err := r.octet()
		if err != nil {
			return nil, err
		}
		least, err := r.number()
		if err != nil {
			return nil, err
		}
		most := uint32(maxTableLength)
		switch flags {
		case 0:
		case 1:
			if most, err = r.number(); err != nil {
				return nil, err
			}
		default:
			return nil, fmt.Errorf("table with flags %#x", flags)
		}
		if least > maxTableLength {
			return nil, fmt.Errorf("table of %d elements, at most %d are allowed", least, maxTableLength)
		}
		out = append(out, kind, 1)
		out = binary.AppendUvarint(out, uint64(least))
		out = binary.AppendUvarint(out, uint64(min(most, maxTableLength)))
	}
	return append(out, r.b...), nil
}

// loop is one without parameters and results, and its end.
const loop = "\x03\x40\x0b"

// stoppable gives each function of a code section an empty loop to begin with, and
// more where it needs them.
func stoppable(section []byte, imports uint32) ([]byte, error) {
	r := reader{section}
	n, err := r.number()
	if err != nil {
		return nil, err
	}
	out := binary.AppendUvarint(make([]byte, 0, len(section)+len(section)/8), uint64(n))
	all := uint64(0)
	for i := range n {
		body, err := r.octets()
		if err != nil {
			return nil, fmt.Errorf("function %d: %w", i, err)
		}
		if len(body) > maxBody {
			return nil, fmt.Errorf("function %d has %d octets of code, at most %d are allowed", i, len(body), maxBody)
		}
		locals, code, err := splitLocals(body, &all)
		if err != nil {
			return nil, fmt.Errorf("function %d: %w", i, err)
		}
		if code, err = guarded(code, imports); err != nil {
			return nil, fmt.Errorf("function %d: %w", i, err)
		}
		out = binary.AppendUvarint(out, uint64(len(locals)+len(loop)+len(code)))
		out = append(append(append(out, locals...), loop...), code...)
	}
	return append(out, r.b...), nil
}

func splitLocals(body []byte, all *uint64) (locals, code []byte, err error) {
	r := reader{body}
	groups, err := r.number()
	if err != nil {
		return nil, nil, err
	}
	count := uint64(0)
	for range groups {
		n, err := r.number()
		if err != nil {
			return nil, nil, err
		}
		if err := r.valueType(); err != nil {
			return nil, nil, err
		}
		count += uint64(n)
		*all += uint64(n)
		if count > maxLocals || *all > maxAllLocals {
			return nil, nil, fmt.Errorf("more than %d locals in a function, or %d in all", maxLocals, maxAllLocals)
		}
	}
	return body[:len(body)-len(r.b)], r.b, nil
}

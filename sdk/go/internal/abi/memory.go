package abi

import "encoding/binary"

// memory is the linear memory that host and plugin share. In a module it is the
// module's own; natively it is what a test makes.
type memory interface {
	// octets views n octets at an address. It traps where they are not there.
	octets(address uint32, n uint64) []byte
	// text returns the string of a block of its own, for as long as anybody has it.
	text(address uint32, n uint32) string
	// allocate makes room, zeroed, at an address that is a multiple of 8: the largest
	// alignment of the contract.
	allocate(size uint32) (b []byte, address uint32)
	// lend gives the host a string to read.
	lend(s string) (address, length uint32)
}

// area is the memory of one value: where the host writes a result, an element of
// a list, or what is lowered for the host.
type area struct {
	memory  memory
	address uint32
	b       []byte
}

func newArea(m memory, size uint32) area {
	b, address := m.allocate(size)
	return area{m, address, b}
}

func (a area) u8(offset uint32) uint8   { return a.b[offset] }
func (a area) u32(offset uint32) uint32 { return binary.LittleEndian.Uint32(a.b[offset:]) }
func (a area) u64(offset uint32) uint64 { return binary.LittleEndian.Uint64(a.b[offset:]) }

func (a area) str(offset uint32) string {
	return a.memory.text(a.u32(offset), a.u32(offset+4))
}

// optional reads an option<string>.
func (a area) optional(offset uint32) (s string, some bool) {
	if a.u8(offset) == 0 {
		return "", false
	}
	return a.str(offset + 4), true
}

// list reads the list that stands at the beginning of an area. Its elements have
// the given size.
func list[T any](a area, size uint32, element func(area) T) []T {
	address, n := a.u32(0), a.u32(4)
	b := a.memory.octets(address, uint64(n)*uint64(size))
	values := make([]T, n)
	for i := range values {
		values[i] = element(area{a.memory, address + uint32(i)*size, b[uint32(i)*size:][:size]})
	}
	return values
}

// lend writes the address and length of a string that is lent to the host.
func (a area) lend(offset uint32, s string) {
	address, length := a.memory.lend(s)
	binary.LittleEndian.PutUint32(a.b[offset:], address)
	binary.LittleEndian.PutUint32(a.b[offset+4:], length)
}

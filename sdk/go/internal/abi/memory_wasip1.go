//go:build wasip1

package abi

import (
	"encoding/binary"
	"unsafe"
)

// live keeps every block that the host knows by address reachable: the garbage
// collector does not see 32-bit addresses within records. Go's heap does not
// move, so a reachable block keeps its address.
var live [][]byte

// pinned does the same for strings that are lent to the host in place.
var pinned []string

// before the Go heap exists there is preHeap. A module that was wrapped into a
// component gets the adapter for WASI, which allocates its state by cabi_realloc
// in the first call of WASI, and that is made by the Go runtime's own start.
var (
	ready   bool
	preHeap [160 << 10]byte
	preUsed uintptr
)

func init() { ready = true }

// outOfMemory is an address at which every access traps.
const outOfMemory = ^uint32(0)

//go:wasmexport cabi_realloc
func cabiRealloc(old, oldSize, align, size uint32) uint32 {
	if !ready {
		return preAlloc(uintptr(size), uintptr(align))
	}
	b, p := allocate(size)
	if oldSize > 0 {
		copy(b, octets(old, min(oldSize, size)))
	}
	return p
}

// preAlloc must not grow the stack, and there is nothing that could free.
//
//go:nosplit
func preAlloc(size, align uintptr) uint32 {
	base := uintptr(unsafe.Pointer(&preHeap))
	p := (base + preUsed + align - 1) &^ (align - 1)
	if p+size > base+uintptr(len(preHeap)) {
		return outOfMemory
	}
	preUsed = p + size - base
	return uint32(p)
}

// allocate returns a block that stays until release. Its address is a multiple of
// 8, the largest alignment of the contract.
func allocate(size uint32) ([]byte, uint32) {
	if size == 0 {
		return nil, 8 // not null, aligned, never followed
	}
	// Blocks whose length is a multiple of 8 are aligned to 8.
	b := make([]byte, (uint64(size)+7)&^7)[:size]
	live = append(live, b)
	return b, uint32(uintptr(unsafe.Pointer(unsafe.SliceData(b))))
}

// release lets go of all that was allocated and lent.
func release() {
	clear(live)
	live = live[:0]
	clear(pinned)
	pinned = pinned[:0]
}

// octets views linear memory.
func octets(p, n uint32) []byte {
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(nil), uintptr(p))), n)
}

// text copies a string out of linear memory, so that it outlives the block.
func text(p, n uint32) string { return string(octets(p, n)) }

// area is where the host writes a result. It is on the heap: the host allocates
// by cabi_realloc while the import runs, and that may move stacks.
type area struct {
	b []byte
	p uint32
}

func newArea(size uint32) area {
	b, p := allocate(size)
	return area{b, p}
}

func (a area) at() unsafe.Pointer { return unsafe.Add(unsafe.Pointer(nil), uintptr(a.p)) }

func (a area) u8(off uint32) uint8   { return a.b[off] }
func (a area) u32(off uint32) uint32 { return binary.LittleEndian.Uint32(a.b[off:]) }
func (a area) u64(off uint32) uint64 { return binary.LittleEndian.Uint64(a.b[off:]) }
func (a area) str(off uint32) string { return text(a.u32(off), a.u32(off+4)) }

// optional reads an option<string>.
func (a area) optional(off uint32) (string, bool) {
	if a.u8(off) == 0 {
		return "", false
	}
	return a.str(off + 4), true
}

// elements views a list whose elements have the given size.
func (a area) elements(off, size uint32) []area {
	base, n := a.u32(off), a.u32(off+4)
	list := make([]area, n)
	for i := range list {
		p := base + uint32(i)*size
		list[i] = area{octets(p, size), p}
	}
	return list
}

// lend gives the host a string in place.
func lend(s string) (unsafe.Pointer, uint32) {
	if s == "" {
		return unsafe.Add(unsafe.Pointer(nil), 1), 0
	}
	pinned = append(pinned, s)
	return unsafe.Pointer(unsafe.StringData(s)), uint32(len(s))
}

// lendAt writes the address and length of a string into a record.
func lendAt(b []byte, off uint32, s string) {
	p, n := lend(s)
	binary.LittleEndian.PutUint32(b[off:], uint32(uintptr(p)))
	binary.LittleEndian.PutUint32(b[off+4:], n)
}

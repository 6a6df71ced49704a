//go:build wasip1

package abi

import "unsafe"

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
	b, p := linear{}.allocate(size)
	if oldSize > 0 {
		copy(b, linear{}.octets(old, uint64(min(oldSize, size))))
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

// linear is the module's own memory. Its blocks are on the heap: the host
// allocates by cabi_realloc while an import runs, and that may move stacks.
type linear struct{}

// octets views linear memory. Where it is not there, what reads the view traps.
func (linear) octets(address uint32, n uint64) []byte {
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(nil), uintptr(address))), n)
}

// text takes the block over as it is: a body may be of mebibytes. The host has written it by
// now, and a string keeps its block beyond release.
func (m linear) text(address, n uint32) string {
	b := m.octets(address, uint64(n))
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// allocate returns a block that stays until release.
func (linear) allocate(size uint32) ([]byte, uint32) {
	if size == 0 {
		return nil, 8 // not null, aligned, never followed
	}
	// Blocks whose length is a multiple of 8 are aligned to 8.
	b := make([]byte, (uint64(size)+7)&^7)[:size]
	live = append(live, b)
	return b, uint32(uintptr(unsafe.Pointer(unsafe.SliceData(b))))
}

// lend gives the host a string in place.
func (linear) lend(s string) (uint32, uint32) {
	if s == "" {
		return 1, 0 // not null, never followed
	}
	pinned = append(pinned, s)
	return uint32(uintptr(unsafe.Pointer(unsafe.StringData(s)))), uint32(len(s))
}

// release lets go of all that was allocated and lent.
func release() {
	clear(live)
	live = live[:0]
	clear(pinned)
	pinned = pinned[:0]
}

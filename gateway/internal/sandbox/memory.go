package sandbox

import (
	"context"
	"os"
	"sync/atomic"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// linearMemory backs the memory of an instance: a piece of address space that is as long as
// the memory may become, with the pages of an image at its beginning, of which the
// instance gets a copy where it writes. Where the system has no such thing, it is a piece of
// the heap, and the image is copied.
//
// wazero lets a memory grow and never shrink; but when it grows, it takes what it is given
// here for the memory, whatever its length. A test holds that it does.
type linearMemory struct {
	octets []byte
	most   uint64
	// reserved is the address space; nil where the memory is the heap's.
	reserved []byte
	onHeap   bool // it is to be
	// image is what the memory begins with; nil until the first instance was set up.
	image   *image
	regions []pageRegion // room for the pages that a run has written to
	// shrinking is true where the next growth is to come to shrink, in its stead.
	shrinking bool
	shrink    int
}

// withMemory has an instance that is made under the context backed by l.
func withMemory(ctx context.Context, l *linearMemory) context.Context {
	return experimental.WithMemoryAllocator(ctx, experimental.MemoryAllocatorFunc(func(_, most uint64) experimental.LinearMemory {
		l.most = most
		l.reserve()
		return l
	}))
}

// reserve takes address space and maps the image there. Where it cannot, the heap will do.
func (l *linearMemory) reserve() {
	if l.onHeap || l.most == 0 {
		return
	}
	reserved, err := reserve(l.most)
	if err != nil {
		return
	}
	if l.image != nil && l.image.mapTo(reserved) != nil {
		release(reserved)
		return
	}
	l.reserved = reserved
}

// leastPopulated and mostPopulated are by how much, in octets, a memory grows that the system is
// asked for at once: a guest that grows by that much has a large value to put there, and to
// come by it page after page takes half as long again. Less is often room to spare.
const leastPopulated, mostPopulated = 512 << 10, 4 << 20

// Reallocate implements experimental.LinearMemory.
func (l *linearMemory) Reallocate(size uint64) []byte {
	switch length := uint64(len(l.octets)); {
	case l.shrinking:
		l.octets = l.octets[:l.shrink]
	case l.reserved != nil:
		l.octets = l.reserved[:size] // zero, or of the image
		if l.image != nil && length >= uint64(len(l.image.memory)) && size-length >= leastPopulated && size-length <= mostPopulated {
			populate(l.octets[length:])
		}
	case size > uint64(cap(l.octets)):
		grown := make([]byte, size, max(size, min(2*uint64(cap(l.octets)), l.most)))
		copy(grown, l.octets)
		l.octets = grown
	default:
		l.octets = l.octets[:size]
		clear(l.octets[length:]) // a run before may have been there
	}
	return l.octets
}

// Free implements experimental.LinearMemory. A guest that exits is closed in the middle of
// its run, and who runs it may look at its memory yet: it is given back by close.
func (l *linearMemory) Free() {}

// adopt makes a memory that was the first one of an image, and has its length, one that
// begins with it.
func (l *linearMemory) adopt(made *image) bool {
	l.image = made
	return l.reserved == nil || !made.mapped() || made.mapTo(l.reserved) == nil
}

// close gives back what the memory holds. Nobody may look at it any more.
func (l *linearMemory) close() {
	if l.reserved != nil {
		release(l.reserved)
	}
	if l.image != nil {
		l.image.letGo()
	}
	l.octets, l.reserved, l.image = nil, nil, nil
}

// shrinkTo makes a memory as long as it was, in octets. It cannot where the memory has
// come to its most.
func (l *linearMemory) shrinkTo(m api.Memory, length int) {
	l.shrink, l.shrinking = length, true
	m.Grow(1)
	l.shrinking = false
}

// keptOctets is how much of what a run has written to stays with an instance, in octets: it
// is set back by copying, so that the next run need not ask the system for it.
const keptOctets = 512 << 10

// restore makes the memory what its image says, of which it has the length already; used is
// what it was before. pages tells which pages were written to; nil where the system cannot.
func (l *linearMemory) restore(used int, pages *os.File) bool {
	if l.reserved == nil {
		copy(l.octets, l.image.memory) // what is behind it is cleared when it grows
		return true
	}
	if !l.image.mapped() {
		length := copy(l.reserved, l.image.memory)
		return used == length || discard(l.reserved[length:used]) == nil
	}
	kept := 0
	if pages != nil {
		kept = l.copyBack(l.reserved[:used], pages)
	}
	return kept == used || discard(l.reserved[kept:used]) == nil
}

// smallImage is up to which length, in octets, an image is copied: that is quicker than to
// ask the system what there is to be copied.
const smallImage = 64 << 10

// image is what an instance is when it was set up. Instances share it.
type image struct {
	memory  []byte // only to be read
	globals []uint64
	file    *os.File // holds the memory; nil where that is on the heap
	size    int64    // what it takes, in octets
	users   atomic.Int32
}

// newImage copies what an instance is. The caller is its first user.
func newImage(memory []byte, globals []uint64, onHeap bool) *image {
	made := &image{globals: globals}
	made.users.Store(1)
	if onHeap || len(memory) <= smallImage || made.freeze(memory) != nil {
		made.memory, made.size = append([]byte(nil), memory...), int64(len(memory))
	}
	return made
}

func (i *image) mapped() bool { return i.file != nil }

// use adds a user to those that there are.
func (i *image) use() *image {
	if i.users.Add(1) < 2 {
		panic("an image is used that was given back")
	}
	return i
}

// letGo takes a user away. Who was the last one gives back what the image holds.
func (i *image) letGo() {
	if i.users.Add(-1) == 0 && i.file != nil {
		release(i.memory)
		_ = i.file.Close() // there is nothing to be lost
	}
}

package sandbox

import (
	"context"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// linearMemory backs the memory of an instance. wazero lets a memory grow and never shrink;
// but when it grows, it takes what it is given here for the memory, whatever its length.
// A test holds that it does.
type linearMemory struct {
	octets []byte
	most   uint64
	// shrinking is true where the next growth is to come to shrink, in its stead.
	shrinking bool
	shrink    int
}

// withMemory has an instance that is made under the context backed by l.
func withMemory(ctx context.Context, l *linearMemory) context.Context {
	return experimental.WithMemoryAllocator(ctx, experimental.MemoryAllocatorFunc(func(_, most uint64) experimental.LinearMemory {
		l.most = most
		return l
	}))
}

// Reallocate implements experimental.LinearMemory.
func (l *linearMemory) Reallocate(size uint64) []byte {
	switch length := uint64(len(l.octets)); {
	case l.shrinking:
		l.octets = l.octets[:l.shrink]
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

// Free implements experimental.LinearMemory.
func (l *linearMemory) Free() { l.octets = nil }

// shrinkTo makes a memory as long as it was, in octets. It cannot where the memory has
// come to its most.
func (l *linearMemory) shrinkTo(m api.Memory, length int) {
	l.shrink, l.shrinking = length, true
	m.Grow(1)
	l.shrinking = false
}

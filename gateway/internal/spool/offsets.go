package spool

import "slices"

// offsets is a set of places in a segment, of four octets each. They are added in
// ascending order.
type offsets struct {
	list []uint32
	// removed counts those that are marked.
	removed int
}

// removedBit marks an offset that was removed. No segment is so long that one has it.
const removedBit = 1 << 31

func (o *offsets) add(offset int64) { o.list = append(o.list, uint32(offset)) }

// remove takes an offset out. It reports whether it was there.
func (o *offsets) remove(offset int64) bool {
	i, found := slices.BinarySearchFunc(o.list, uint32(offset), func(have, want uint32) int {
		return int(have&^removedBit) - int(want)
	})
	if !found || o.list[i]&removedBit != 0 {
		return false
	}
	o.list[i] |= removedBit
	o.removed++
	return true
}

// count says how many there are.
func (o *offsets) count() int { return len(o.list) - o.removed }

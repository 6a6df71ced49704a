package powercut

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
)

// Cut cuts the power and writes what is left to a new folder. All that is safe is there; of
// what is not, rng says what is: nothing, all, what came before some moment, or any of it,
// torn. The disk itself stays as it is, for other cuts.
func (d *Disk) Cut(rng *rand.Rand, into string) error {
	c := &cut{rng: rng, children: make(map[*node]map[string]*node)}
	switch rng.IntN(8) {
	case 0, 1, 2: // nothing
	case 3:
		c.kept = 1
	case 4:
		c.until = rng.IntN(d.next + 1)
	default:
		c.kept, c.torn = rng.Float64(), true
	}
	for _, e := range d.entries {
		if !c.keeps(e.begin) {
			continue
		}
		for _, s := range e.steps {
			c.give(s)
		}
	}
	if err := c.writeFolder(d.root, into); err != nil {
		return fmt.Errorf("write what a power cut left: %w", err)
	}
	return nil
}

// cut is how one cut goes.
type cut struct {
	rng   *rand.Rand
	kept  float64 // the part of what is not safe that is there
	until int     // the event before which all is there
	torn  bool    // writes may be there in part
	// children are what folders hold that had changed.
	children map[*node]map[string]*node
}

func (c *cut) keeps(begin int) bool { return begin < c.until || c.rng.Float64() < c.kept }

func (c *cut) give(s step) {
	children := c.children[s.in]
	if children == nil {
		children = maps.Clone(s.in.safe)
		c.children[s.in] = children
	}
	if s.node == nil {
		delete(children, s.name)
		return
	}
	children[s.name] = s.node
}

func (c *cut) writeFolder(n *node, name string) error {
	if err := os.MkdirAll(name, 0o700); err != nil {
		return err
	}
	children := c.children[n]
	if children == nil {
		children = n.safe
	}
	for _, base := range slices.Sorted(maps.Keys(children)) { // so that rng alone decides
		child := children[base]
		file := filepath.Join(name, base)
		var err error
		if child.folder {
			err = c.writeFolder(child, file)
		} else {
			err = os.WriteFile(file, c.content(child), 0o600)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// content is what a file holds after the cut.
func (c *cut) content(n *node) []byte {
	if n.scratch {
		return c.garbage(int(n.size))
	}
	if len(n.pending) == 0 {
		return n.content
	}
	content := append([]byte(nil), n.content...)
	longest := int64(len(content))
	for _, w := range n.pending {
		longest = max(longest, w.at+int64(len(w.data)))
		if !c.keeps(w.begin) {
			continue
		}
		if !c.torn || w.resize {
			content = w.apply(content)
			continue
		}
		for _, piece := range c.tear(w) {
			content = piece.apply(content)
		}
	}
	// The length is written by itself, and may be on the disk before what it is for.
	if grown := longest - int64(len(content)); c.torn && grown > 0 && c.rng.IntN(2) == 0 {
		tail := make([]byte, c.rng.Int64N(grown+1))
		if c.rng.IntN(2) == 0 {
			tail = c.garbage(len(tail))
		}
		content = append(content, tail...)
	}
	return content
}

// tear returns pieces of a write: a sector, or a block of the page cache, is there as a
// whole or not at all.
func (c *cut) tear(w write) []write {
	sizes := []int64{int64(len(w.data)) + 1, 4096, 512}
	size := sizes[c.rng.IntN(len(sizes))]
	if size > int64(len(w.data)) {
		return []write{w}
	}
	var pieces []write
	for from := int64(0); from < int64(len(w.data)); {
		to := min((w.at+from)/size*size+size-w.at, int64(len(w.data)))
		if c.rng.IntN(2) == 0 {
			pieces = append(pieces, write{at: w.at + from, data: w.data[from:to]})
		}
		from = to
	}
	return pieces
}

func (c *cut) garbage(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(c.rng.Uint32())
	}
	return b
}

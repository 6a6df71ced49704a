package powercut

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// maxFile bounds a file of the model, in octets.
const maxFile = 1 << 30

// ErrUnknown means that the program did something to the folder that the model has no notion
// of. Teach it the system call, or have the program do without.
var ErrUnknown = errors.New("the model of the disk does not know this")

// Disk is the folder at a point of a recording.
type Disk struct {
	// Deaf, where it is set, says of which files and folders a sync does nothing. A test
	// that is to notice what is missing sets it, to see whether it does.
	Deaf func(name string, folder bool) bool

	recording *Recording
	next      int // event
	root      *node
	open      map[int]*description
	entries   []*entryChange // that are not safe, in order
	said      [][]byte
}

// node is a file or a folder.
type node struct {
	folder bool
	// What a folder holds, as the program sees it, and as far as it is safe.
	now, safe map[string]*node
	// What a file holds as far as it is safe; how long it is for the program; and what is
	// not safe, in order.
	content []byte
	size    int64
	pending []write
	scratch bool
}

// write is a change to a file's content.
type write struct {
	begin, end int // of its call
	at         int64
	data       []byte
	resize     bool // the file becomes at octets long
}

// entryChange is a change to what folders hold.
type entryChange struct {
	begin, end int
	steps      []step
}

// step gives a name in a folder to a node, or to none.
type step struct {
	in   *node
	name string
	node *node
}

// description is an open file.
type description struct {
	node     *node
	offset   int64
	appended bool
}

func newFolder() *node {
	return &node{folder: true, now: make(map[string]*node), safe: make(map[string]*node)}
}

// load reads a folder, all of which is safe but for scratch.
func load(name string, scratch []string) (*node, error) {
	entries, err := os.ReadDir(name)
	if err != nil {
		return nil, err
	}
	n := newFolder()
	for _, e := range entries {
		var child *node
		file := filepath.Join(name, e.Name())
		switch {
		case e.IsDir():
			child, err = load(file, scratch)
		case e.Type().IsRegular():
			child = &node{scratch: isScratch(e.Name(), scratch)}
			child.content, err = os.ReadFile(file)
			child.size = int64(len(child.content))
		default:
			err = fmt.Errorf("%w: %s is a %s", ErrUnknown, file, e.Type())
		}
		if err != nil {
			return nil, err
		}
		n.now[e.Name()], n.safe[e.Name()] = child, child
	}
	return n, nil
}

// clone copies a node of which all is safe.
func (n *node) clone() *node {
	if !n.folder {
		return &node{content: bytes.Clone(n.content), size: n.size, scratch: n.scratch}
	}
	c := newFolder()
	for name, child := range n.safe {
		child = child.clone()
		c.now[name], c.safe[name] = child, child
	}
	return c
}

// Play goes on to a point of the recording, which is one from 0 to its Events.
func (d *Disk) Play(point int) error {
	for ; d.next < point; d.next++ {
		e := d.recording.events[d.next]
		if e.call.failed {
			continue
		}
		act := d.begin
		if e.ended {
			act = d.ended
		}
		if err := act(e.call); err != nil {
			return fmt.Errorf("event %d, %s: %w", d.next, e.call.name, err)
		}
	}
	return nil
}

// Said is what the program has written to elsewhere so far, write by write.
func (d *Disk) Said() [][]byte { return d.said }

// sync makes safe what had been done to a node when the sync began.
func (d *Disk) sync(n *node, begun int) {
	if n.folder {
		var left []*entryChange
		for _, c := range d.entries {
			if c.end >= begun || !c.touches(n) {
				left = append(left, c)
				continue
			}
			for _, s := range c.steps {
				s.apply()
			}
		}
		d.entries = left
		return
	}
	var left []write
	for _, w := range n.pending {
		if w.end >= begun {
			left = append(left, w)
			continue
		}
		n.content = w.apply(n.content)
	}
	n.pending = left
}

func (c *entryChange) touches(n *node) bool {
	for _, s := range c.steps {
		if s.in == n {
			return true
		}
	}
	return false
}

// apply makes a step safe.
func (s step) apply() {
	if s.node == nil {
		delete(s.in.safe, s.name)
		return
	}
	s.in.safe[s.name] = s.node
}

// apply returns content as the write leaves it.
func (w write) apply(content []byte) []byte {
	if w.resize {
		return resized(content, w.at)
	}
	content = resized(content, max(int64(len(content)), w.at+int64(len(w.data))))
	copy(content[w.at:], w.data)
	return content
}

func resized(content []byte, size int64) []byte {
	if size <= int64(len(content)) {
		return content[:size:size]
	}
	return append(content, make([]byte, size-int64(len(content)))...)
}

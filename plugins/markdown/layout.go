package main

import "strconv"

type blockKind uint8

const (
	paragraph blockKind = iota
	heading
	codeBlock
	ruleBlock
	tableBlock
)

// block is a block of the result: its inline content is buf[start:end].
type block struct {
	kind       blockKind
	level      uint8 // of a heading
	box        int32
	start, end int32
}

type boxKind uint8

const (
	rootBox boxKind = iota
	quoteBox
	itemBox
)

// box is what blocks stand in: a quote or an item of a list, within another box.
type box struct {
	kind   boxKind
	begun  bool // the mark of the item is written
	depth  uint8
	parent int32
	list   int32
	number int32 // of an item; -1 where its list is not ordered
}

// root is the index of the box around all.
const root int32 = 0

// maxBoxes is how deep boxes are nested; what is deeper stands in the last.
const maxBoxes = 20

// list counts the items of a list.
type list struct {
	ordered bool
	next    int32
}

// layout is the list of blocks and the boxes that they are in.
type layout struct {
	buf    []byte
	start  int // of the block that is being written
	blocks []block
	boxes  []box
	lists  []list
}

func newLayout() layout {
	// The first list is for items without one.
	return layout{boxes: []box{{kind: rootBox}}, lists: make([]list, 1)}
}

// addBlock makes a block of what has been written since the last one.
func (l *layout) addBlock(kind blockKind, level uint8, in int32) {
	l.blocks = append(l.blocks, block{kind: kind, level: level, box: in, start: int32(l.start), end: int32(len(l.buf))})
	l.start = len(l.buf)
}

// addBox adds a box and returns its index, or its parent's where that is too deep.
func (l *layout) addBox(b box) int32 {
	parent := l.boxes[b.parent]
	if parent.depth == maxBoxes {
		return b.parent
	}
	b.depth = parent.depth + 1
	l.boxes = append(l.boxes, b)
	return int32(len(l.boxes) - 1)
}

func (l *layout) addList(ordered bool, start int) int32 {
	l.lists = append(l.lists, list{ordered: ordered, next: int32(start)})
	return int32(len(l.lists) - 1)
}

// nextItem returns the box of the next item of the list that the text is in.
func (w *writer) nextItem() box {
	l := &w.lists[w.now.list]
	b := box{kind: itemBox, list: w.now.list, number: -1}
	if l.ordered {
		b.number = l.next
		l.next++
	}
	return b
}

// render writes the blocks out. budget bounds the bytes that go into the prefixes
// of lines; blocks that would go beyond it are written without their boxes.
func (l *layout) render(budget int) string {
	out := make([]byte, 0, len(l.buf)+len(l.buf)/8+16)
	var path, last []int32
	var first, rest []byte
	for i, b := range l.blocks {
		path = l.path(path[:0], b.box)
		content := l.buf[b.start:b.end]
		cost := (count(content) + 2) * l.width(path)
		if cost > budget {
			path = path[:0]
			cost = 0
		}
		budget -= cost
		if i > 0 {
			out = l.separate(out, last, path, l.blocks[i-1].kind == paragraph && b.kind == paragraph)
		}
		first, rest = l.prefixes(first[:0], rest[:0], path)
		out = append(out, first...)
		if b.kind == heading {
			out = appendRun(out, '#', int(b.level))
			out = append(out, ' ')
		}
		for _, c := range content {
			out = append(out, c)
			if c == '\n' {
				out = append(out, rest...)
			}
		}
		path, last = last, path
	}
	return string(out)
}

// count returns the number of lines less one.
func count(content []byte) int {
	n := 0
	for _, c := range content {
		if c == '\n' {
			n++
		}
	}
	return n
}

// path appends the boxes around a block, outermost first, without the root.
func (l *layout) path(path []int32, in int32) []int32 {
	depth := int(l.boxes[in].depth)
	for range depth {
		path = append(path, 0)
	}
	for i := depth - 1; i >= 0; i-- {
		path[i] = in
		in = l.boxes[in].parent
	}
	return path
}

// width returns the length of the prefix that a path makes.
func (l *layout) width(path []int32) int {
	n := 0
	for _, i := range path {
		n += len(l.boxes[i].mark())
	}
	return n
}

// mark returns what the first line of a box begins with.
func (b box) mark() string {
	switch {
	case b.kind == quoteBox:
		return "> "
	case b.number < 0:
		return "- "
	}
	return strconv.Itoa(int(b.number)) + ". "
}

// prefixes appends the prefix of the first line of a block, and that of the other
// lines.
func (l *layout) prefixes(first, rest []byte, path []int32) (firstLine, otherLines []byte) {
	for _, i := range path {
		b := &l.boxes[i]
		mark := b.mark()
		if b.kind == quoteBox {
			first, rest = append(first, mark...), append(rest, mark...)
			continue
		}
		if b.begun {
			first = appendRun(first, ' ', len(mark))
		} else {
			first = append(first, mark...)
			b.begun = true
		}
		rest = appendRun(rest, ' ', len(mark))
	}
	return first, rest
}

// separate ends the line of the block in the boxes of last, and writes an empty
// line before the one in those of path unless it is the next item of a list.
func (l *layout) separate(out []byte, last, path []int32, paragraphs bool) []byte {
	out = append(out, '\n')
	shared := 0
	for shared < len(last) && shared < len(path) && last[shared] == path[shared] {
		shared++
	}
	if paragraphs && shared < len(path) {
		next := l.boxes[path[shared]]
		if next.kind == itemBox && !next.begun {
			sibling := shared < len(last) && l.boxes[last[shared]].kind == itemBox && l.boxes[last[shared]].list == next.list
			// Right after a paragraph, Markdown begins an ordered list at 1 only.
			nested := shared > 0 && shared == len(last) && l.boxes[last[shared-1]].kind == itemBox && next.number <= 1 && next.number != 0
			if sibling || nested {
				return out
			}
		}
	}
	// The quotes that go on mark the empty line too; spaces are of no use there.
	quoted := 0
	for i, index := range path[:shared] {
		if l.boxes[index].kind == quoteBox {
			quoted = i + 1
		}
	}
	for i, index := range path[:quoted] {
		b := l.boxes[index]
		switch {
		case b.kind == itemBox:
			out = appendRun(out, ' ', len(b.mark()))
		case i+1 == quoted:
			out = append(out, '>')
		default:
			out = append(out, "> "...)
		}
	}
	return append(out, '\n')
}

package commonmark

import (
	"bytes"
	"strconv"
)

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
	box        Box
	start, end int32
}

// Box is what blocks stand in: a quote or an item of a list, within another box. 0
// is the one around all.
type Box int32

// MaxBoxes is how deep boxes are nested; what is deeper stands in the last.
const MaxBoxes = 20

type boxKind uint8

const (
	rootBox boxKind = iota
	quoteBox
	itemBox
)

type box struct {
	kind   boxKind
	begun  bool // the mark of the item is written
	depth  uint8
	parent Box
	list   List
	number int32 // of an item; -1 where its list is not ordered
}

// List is a list that items are counted in.
type List int32

type list struct {
	ordered bool
	next    int32
	// isOther means that its marks are the other ones that there are, so that it is
	// not taken for a part of the list before it.
	isOther bool
}

// layout is the list of blocks and the boxes that they are in.
type layout struct {
	buf    []byte
	start  int // of the block that is being written
	blocks []block
	boxes  []box
	lists  []list
}

func newLayout(source int) layout {
	return layout{
		buf: make([]byte, 0, source/4+64), blocks: make([]block, 0, source/512+8),
		boxes: []box{{kind: rootBox}},
		lists: make([]list, 1), // the first is for items without one
	}
}

// addBlock makes a block of what has been written since the last one.
func (l *layout) addBlock(kind blockKind, level uint8, in Box) {
	l.blocks = append(l.blocks, block{kind: kind, level: level, box: in, start: int32(l.start), end: int32(len(l.buf))})
	l.start = len(l.buf)
}

// addBox adds a box and returns it, or its parent where that is too deep.
func (l *layout) addBox(b box) Box {
	parent := l.boxes[b.parent]
	if parent.depth == MaxBoxes {
		return b.parent
	}
	b.depth = parent.depth + 1
	l.boxes = append(l.boxes, b)
	return Box(len(l.boxes) - 1)
}

// NewList begins a list. An ordered one counts from start.
func (l *layout) NewList(ordered bool, start int) List {
	l.lists = append(l.lists, list{ordered: ordered, next: int32(start)})
	return List(len(l.lists) - 1)
}

// nextItem returns the box of the next item of a list.
func (l *layout) nextItem(of List) box {
	in := &l.lists[of]
	b := box{kind: itemBox, list: of, number: -1}
	if in.ordered {
		b.number = in.next
		in.next++
	}
	return b
}

// Markdown ends the last block and returns the result, for a source of a length
// in bytes.
func (w *Writer) Markdown(source int) string {
	w.EndBlock()
	return w.render(source/2 + 2048)
}

// render writes the blocks out. budget bounds the bytes that go into the prefixes
// of lines; blocks that would go beyond it are written without their boxes.
func (l *layout) render(budget int) string {
	out := make([]byte, 0, len(l.buf)+len(l.buf)/8+4*len(l.blocks)+16)
	var path, last []Box
	var first, rest []byte
	for i, b := range l.blocks {
		path = l.path(path[:0], b.box)
		content := l.buf[b.start:b.end]
		if len(path) > 0 {
			cost := (bytes.Count(content, []byte{'\n'}) + 2) * l.width(path)
			if cost > budget {
				path = path[:0]
				cost = 0
			}
			budget -= cost
		}
		if i > 0 {
			out = l.separate(out, last, path, l.blocks[i-1].kind == paragraph && b.kind == paragraph)
		}
		first, rest = l.prefixes(first[:0], rest[:0], path)
		out = append(out, first...)
		if b.kind == heading {
			out = appendRun(out, '#', int(b.level))
			out = append(out, ' ')
		}
		for len(rest) > 0 {
			end := bytes.IndexByte(content, '\n')
			if end < 0 {
				break
			}
			out = append(out, content[:end+1]...)
			out = append(out, rest...)
			content = content[end+1:]
		}
		out = append(out, content...)
		path, last = last, path
	}
	return string(out)
}

// path appends the boxes around a block, outermost first, without the root.
func (l *layout) path(path []Box, in Box) []Box {
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
func (l *layout) width(path []Box) int {
	n := 0
	for _, i := range path {
		n += l.boxes[i].width()
	}
	return n
}

// width returns the length of the mark of a box.
func (b *box) width() int {
	n := len("- ")
	if b.kind == itemBox && b.number >= 0 {
		n++
		for rest := b.number / 10; rest > 0; rest /= 10 {
			n++
		}
	}
	return n
}

// appendMark appends what the first line of a box begins with.
func (l *layout) appendMark(dst []byte, b *box) []byte {
	isOther := l.lists[b.list].isOther
	switch {
	case b.kind == quoteBox:
		return append(dst, "> "...)
	case b.number < 0 && isOther:
		return append(dst, "* "...)
	case b.number < 0:
		return append(dst, "- "...)
	}
	dst = strconv.AppendInt(dst, int64(b.number), 10)
	if isOther {
		return append(dst, ") "...)
	}
	return append(dst, ". "...)
}

// prefixes appends the prefix of the first line of a block, and that of the other
// lines.
func (l *layout) prefixes(first, rest []byte, path []Box) (firstLine, otherLines []byte) {
	for _, i := range path {
		b := &l.boxes[i]
		if b.kind == quoteBox {
			first, rest = append(first, "> "...), append(rest, "> "...)
			continue
		}
		if b.begun {
			first = appendRun(first, ' ', b.width())
		} else {
			first = l.appendMark(first, b)
			b.begun = true
		}
		rest = appendRun(rest, ' ', b.width())
	}
	return first, rest
}

// separate ends the line of the block in the boxes of last, and writes an empty
// line before the one in those of path unless it is the next item of a list.
func (l *layout) separate(out []byte, last, path []Box, paragraphs bool) []byte {
	out = append(out, '\n')
	shared := 0
	for shared < len(last) && shared < len(path) && last[shared] == path[shared] {
		shared++
	}
	if shared < len(path) {
		next := l.boxes[path[shared]]
		if next.kind == itemBox && !next.begun {
			sibling := shared < len(last) && l.boxes[last[shared]].kind == itemBox
			if sibling && l.boxes[last[shared]].list != next.list {
				l.tellApart(l.boxes[last[shared]].list, next.list)
				sibling = false
			}
			// Right after a paragraph, Markdown begins an ordered list at 1 only.
			nested := shared > 0 && shared == len(last) && l.boxes[last[shared-1]].kind == itemBox && next.number <= 1 && next.number != 0
			if paragraphs && (sibling || nested) {
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
		b := &l.boxes[index]
		switch {
		case b.kind == itemBox:
			out = appendRun(out, ' ', b.width())
		case i+1 == quoted:
			out = append(out, '>')
		default:
			out = append(out, "> "...)
		}
	}
	return append(out, '\n')
}

// tellApart gives a list marks other than those of the list right before it, which
// it would be a part of.
func (l *layout) tellApart(before, next List) {
	a, b := l.lists[before], &l.lists[next]
	if a.ordered == b.ordered {
		b.isOther = !a.isOther
	}
}

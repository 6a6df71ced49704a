package convert

import (
	"strings"

	"github.com/postern-mail/postern/plugins/markdown/commonmark"
)

// Outlook writes lists as paragraphs: each says its level, and has its mark in an
// element of its own, which says that it is to be ignored.

// maxWordLevel is how many levels Word's lists have.
const maxWordLevel = 9

// wordList is the list of Word's that the text is in.
type wordList struct {
	// level is that of the paragraph that is open, 0 for one that is no item, and
	// owner its place in the stack.
	level uint8
	owner int
	text  []byte // the mark

	// open are the items that the next one may stand in, outermost first. They are
	// so as long as no other block is written: last is how many there were.
	open []wordItem
	last int
}

type wordItem struct {
	list      commonmark.List
	isOrdered bool
	in, box   commonmark.Box
}

// paragraph begins a paragraph of a level.
func (l *wordList) paragraph(level uint8, owner int) {
	if level == 0 {
		return
	}
	l.level, l.owner, l.text = level, owner, l.text[:0]
}

// maxMark bounds the mark of an item, in bytes.
const maxMark = 64

// mark takes the text of a mark.
func (l *wordList) mark(text string) {
	if len(l.text) < maxMark {
		l.text = append(l.text, text[:min(len(text), maxMark)]...)
	}
}

// end ends the element at a place in the stack, after which there are so many
// blocks.
func (l *wordList) end(place, blocks int) {
	if l.level > 0 && l.owner == place {
		l.level = 0
		l.last = blocks
	}
}

// startWordItem begins an item, after its mark has been read. A mark elsewhere than
// at the beginning of such a paragraph is text.
func (c *converter) startWordItem() {
	l := &c.word
	mark := strings.TrimSpace(strings.ReplaceAll(string(l.text), "\u00a0", " "))
	l.text = l.text[:0]
	w := c.writer
	if l.level == 0 || !w.IsAtStart() || mark == "" {
		w.Text(mark)
		return
	}
	paragraph := &c.stack[l.owner].outer.write
	if l.last != w.Blocks() || len(l.open) > 0 && l.open[0].in != paragraph.Box {
		l.open = l.open[:0]
	}
	level := min(int(l.level), len(l.open)+1)
	isOrdered, number := orderOf(mark)
	in := paragraph.Box
	if level > 1 {
		in = l.open[level-2].box
	}
	var item wordItem
	if level <= len(l.open) && l.open[level-1].isOrdered == isOrdered {
		item = l.open[level-1]
	} else {
		item = wordItem{list: w.NewList(isOrdered, number), isOrdered: isOrdered, in: in}
	}
	now := w.Now
	w.Now.Box, w.Now.List = in, item.list
	w.Item()
	item.box = w.Now.Box
	w.Now = now
	l.open = append(l.open[:level-1], item)
	// The item is all of the paragraph, of which other elements may be open.
	w.Now.Box = item.box
	for i := l.owner + 1; i < len(c.stack); i++ {
		c.stack[i].outer.write.Box = item.box
	}
}

// orderOf tells by its mark whether an item is of an ordered list, and its number.
func orderOf(mark string) (isOrdered bool, n int) {
	text, found := strings.CutSuffix(strings.TrimPrefix(mark, "("), ")")
	if !found {
		if text, found = strings.CutSuffix(mark, "."); !found {
			return false, 0
		}
	}
	if !isAlphanumeric(text) {
		return false, 0
	}
	return true, number(text, 1, 99999)
}

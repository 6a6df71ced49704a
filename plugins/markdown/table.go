package main

import "strings"

// table is the innermost table that is open. Its cells are written as the blocks
// of a layout; once it has ended and is found to hold data, these are taken back
// and written as rows. A table around another one is layout, so that no text is
// taken back twice.
type table struct {
	// owner is the place of its element in the stack, or noTable.
	owner  int
	layout bool // it says so itself
	row    int
	cells  []cell
	box    int32
}

const noTable = -1

type cell struct {
	row   int32
	block int32 // its first
	span  int32
	head  bool
}

// The bounds of what is taken for a table of data where no header cell says so.
const (
	maxDataBlocks = 2   // of a cell
	maxDataLength = 400 // of a cell, in bytes
	maxSpan       = 12
)

func (c *converter) startTable(s *scanner) {
	role := s.attr("role")
	c.table = table{
		owner:  len(c.stack) - 1,
		layout: sameFold(role, "presentation") || sameFold(role, "none"),
		box:    c.now.box,
		cells:  c.table.cells[:0],
	}
}

func (c *converter) startCell(s *scanner) {
	if c.table.owner == noTable {
		return
	}
	c.table.cells = append(c.table.cells, cell{
		row: int32(c.table.row), block: int32(len(c.blocks)), head: s.tag == thTag,
		span: int32(max(1, number(s.attr("colspan"), 1, maxSpan))),
	})
}

// endTable ends the table whose element stood at a place of the stack.
func (c *converter) endTable(owner int) {
	if c.table.owner != owner {
		return // one around a table that has been dealt with
	}
	c.table.owner = noTable
	if len(c.table.cells) == 0 || !c.holdsData() {
		return
	}
	first := c.table.cells[0].block
	c.writeRows()
	c.blocks = c.blocks[:first]
	c.addBlock(tableBlock, 0, c.table.box)
}

// cellBlocks returns the blocks of a cell.
func (c *converter) cellBlocks(i int) []block {
	end := len(c.blocks)
	if i+1 < len(c.table.cells) {
		end = int(c.table.cells[i+1].block)
	}
	return c.blocks[c.table.cells[i].block:end]
}

// holdsData tells a table of data from one that places things: two rows or more
// with two cells or more that say something, and in each cell a few words.
func (c *converter) holdsData() bool {
	t := &c.table
	if t.layout {
		return false
	}
	hasHead := false
	rows, inRow := 0, 0
	for i, cell := range t.cells {
		if i == 0 || cell.row != t.cells[i-1].row {
			inRow = 0
		}
		hasHead = hasHead || cell.head
		blocks := c.cellBlocks(i)
		if len(blocks) == 0 {
			continue
		}
		inRow++
		if inRow == 2 {
			rows++
		}
		length := 0
		for _, b := range blocks {
			if b.kind != paragraph || b.box != t.box {
				return false
			}
			length += int(b.end - b.start)
		}
		if !hasHead && (len(blocks) > maxDataBlocks || length > maxDataLength) {
			return false
		}
	}
	return rows >= 2
}

// writeRows writes the cells as the rows of a table.
func (c *converter) writeRows() {
	t := &c.table
	columns, inRow := 0, 0
	for i, cell := range t.cells {
		if i == 0 || cell.row != t.cells[i-1].row {
			inRow = 0
		}
		inRow += int(cell.span)
		columns = max(columns, inRow)
	}
	isHead := true
	for from := 0; from < len(t.cells); {
		to := from
		isEmpty := true
		for to < len(t.cells) && t.cells[to].row == t.cells[from].row {
			isEmpty = isEmpty && len(c.cellBlocks(to)) == 0
			to++
		}
		if !isEmpty {
			c.writeRow(from, to, isHead, columns)
			isHead = false
		}
		from = to
	}
}

func (c *converter) writeRow(from, to int, isHead bool, columns int) {
	if !isHead {
		c.buf = append(c.buf, '\n')
	}
	c.buf = append(c.buf, '|')
	width := 0
	for i := from; i < to; i++ {
		for _, b := range c.cellBlocks(i) {
			c.buf = append(c.buf, ' ')
			c.writeCell(c.buf[b.start:b.end])
		}
		c.buf = append(c.buf, " |"...)
		for range c.table.cells[i].span - 1 {
			c.buf = append(c.buf, " |"...)
		}
		width += int(c.table.cells[i].span)
	}
	if !isHead {
		return // Markdown fills the row up by itself
	}
	c.buf = append(c.buf, strings.Repeat(" |", columns-width)...)
	c.buf = append(c.buf, "\n|"...)
	c.buf = append(c.buf, strings.Repeat(" --- |", columns)...)
}

// writeCell writes inline content in one line, without a bar that would end the
// cell: those of text are escaped already, those of code spans are not.
func (c *converter) writeCell(content []byte) {
	escaped := false
	for _, b := range content {
		switch {
		case b == '\n':
			b = ' '
		case b == '|' && !escaped:
			c.buf = append(c.buf, '\\')
		}
		c.buf = append(c.buf, b)
		escaped = b == '\\' && !escaped
	}
}

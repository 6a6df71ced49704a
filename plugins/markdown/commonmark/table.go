package commonmark

import "bytes"

// Align is how a cell is aligned.
type Align uint8

// The alignments.
const (
	_ Align = iota
	Left
	Center
	Right
)

// Cell is a cell of a table whose content is written as blocks.
type Cell struct {
	Row   int32
	First int32 // its first block, as Blocks counted before it
	Span  int32 // how many columns it takes, at least 1
	Rows  int32 // how many rows it takes, at least 1
	Head  bool
	Align Align
}

// The bounds of what is taken for a table of data where no header cell says so.
const (
	maxDataBlocks = 2   // of a cell
	maxDataLength = 400 // of a cell, in bytes
)

// Table makes a table of the blocks of its cells, which are the last ones that
// were written in box. They stay as they are where the cells hold no data but
// place things, as isLayout may say; they become a list where the cells of one
// column hold nothing but bullets.
func (w *Writer) Table(cells []Cell, in Box, isLayout bool) {
	if len(cells) == 0 {
		return
	}
	t := table{w, cells, in}
	switch {
	case t.isList():
		t.writeList()
	case !isLayout && t.holdsData():
		t.write()
	}
}

type table struct {
	*Writer
	cells []Cell
	in    Box
}

// blocksOf returns the blocks of a cell.
func (t table) blocksOf(i int) []block {
	end := len(t.blocks)
	if i+1 < len(t.cells) {
		end = int(t.cells[i+1].First)
	}
	return t.blocks[t.cells[i].First:end]
}

// rowFrom returns the end of the row that begins with a cell, and how many of its
// cells say something.
func (t table) rowFrom(from int) (to, filled int) {
	for to = from; to < len(t.cells) && t.cells[to].Row == t.cells[from].Row; to++ {
		if len(t.blocksOf(to)) > 0 {
			filled++
		}
	}
	return to, filled
}

// holdsData tells a table of data from one that places things: two rows or more
// with two cells or more that say something, not in pictures alone, and in each cell
// a few words.
func (t table) holdsData() bool {
	hasHead := false
	rows := 0
	for from := 0; from < len(t.cells); {
		to, filled := t.rowFrom(from)
		hasText := false
		for i := from; i < to; i++ {
			hasHead = hasHead || t.cells[i].Head
			blocks := t.blocksOf(i)
			length := 0
			for _, b := range blocks {
				if b.kind != paragraph || b.box != t.in {
					return false
				}
				length += int(b.end - b.start)
				hasText = hasText || !beginsWithImage(t.buf[b.start:b.end])
			}
			if !hasHead && (len(blocks) > maxDataBlocks || length > maxDataLength) {
				return false
			}
		}
		if filled >= 2 && hasText {
			rows++
		}
		from = to
	}
	return rows >= 2
}

func beginsWithImage(content []byte) bool {
	return bytes.HasPrefix(bytes.TrimPrefix(content, []byte("[")), []byte("!["))
}

// column is a column of a table.
type column struct {
	used  bool // there is a cell in it that says something
	align Align
	// taken is how many more rows a cell above takes it in.
	taken int32
}

// maxRowColumns is in how many columns cells may take several rows: each row writes
// what is taken from above anew.
const maxRowColumns = 12

// grid is where the cells stand.
type grid struct {
	columns []column
	at      []int // the column of each cell
}

// grid finds the columns. One in which no cell says anything, as layouts have them
// for gaps, is not written.
func (t table) grid(withRows bool) grid {
	var g grid
	for from := 0; from < len(t.cells); {
		to, _ := t.rowFrom(from)
		at := 0
		for i := from; i < to; i++ {
			cell := t.cells[i]
			for at < len(g.columns) && g.columns[at].taken > 0 {
				g.columns[at].taken--
				at++
			}
			g.at = append(g.at, at)
			for len(g.columns) < at+int(cell.Span) {
				g.columns = append(g.columns, column{})
			}
			if first := &g.columns[at]; len(t.blocksOf(i)) > 0 {
				first.used = true
				if first.align == 0 && cell.Span == 1 {
					first.align = cell.Align
				}
			}
			for range cell.Span {
				if withRows {
					g.columns[at].taken = cell.Rows - 1
				}
				at++
			}
			if withRows && at > maxRowColumns {
				return t.grid(false)
			}
		}
		for ; withRows && at < len(g.columns); at++ {
			g.columns[at].taken = max(0, g.columns[at].taken-1)
		}
		from = to
	}
	return g
}

// write writes the cells as the rows of a table.
func (t table) write() {
	g := t.grid(true)
	first := t.cells[0].First
	isFirst := true
	for from := 0; from < len(t.cells); {
		to, filled := t.rowFrom(from)
		switch {
		case filled == 0:
		case !isFirst:
			t.buf = append(t.buf, '\n')
			t.writeRow(g, from, to, false)
		case t.isHead(from, to):
			t.writeRow(g, from, to, true)
			t.writeDelimiters(g)
		default:
			t.writeRow(g, from, from, true)
			t.writeDelimiters(g)
			t.buf = append(t.buf, '\n')
			t.writeRow(g, from, to, false)
		}
		isFirst = isFirst && filled == 0
		from = to
	}
	t.blocks = t.blocks[:first]
	t.addBlock(tableBlock, 0, t.in)
}

// isHead reports whether a row is the header: its cells are headers, or all bold.
func (t table) isHead(from, to int) bool {
	for i := from; i < to; i++ {
		blocks := t.blocksOf(i)
		if len(blocks) == 0 || t.cells[i].Head {
			continue
		}
		mark := []byte(Bold.mark())
		content := t.buf[blocks[0].start:blocks[0].end]
		if len(blocks) > 1 || !bytes.HasPrefix(content, mark) || !bytes.HasSuffix(content, mark) || bytes.Count(content, mark) != 2 {
			return false
		}
	}
	return true
}

// writeRow writes the cells of a row, and the empty ones at its end where the row
// is to be full; otherwise Markdown adds them.
func (t table) writeRow(g grid, from, to int, isFull bool) {
	t.buf = append(t.buf, '|')
	at := 0
	for i := from; i < to; i++ {
		t.writeEmpty(g.columns[at:g.at[i]])
		at = g.at[i] + int(t.cells[i].Span)
		taken := g.columns[g.at[i]:at]
		if blocks := t.blocksOf(i); len(blocks) > 0 {
			for _, b := range blocks {
				t.buf = append(t.buf, ' ')
				t.writeCell(t.buf[b.start:b.end])
			}
			t.buf = append(t.buf, " |"...)
			taken = taken[1:]
		}
		t.writeEmpty(taken)
	}
	if isFull {
		t.writeEmpty(g.columns[at:])
	}
}

// writeEmpty writes empty cells in columns.
func (t table) writeEmpty(columns []column) {
	for _, c := range columns {
		if c.used {
			t.buf = append(t.buf, " |"...)
		}
	}
}

// writeDelimiters writes the row between the header and the others.
func (t table) writeDelimiters(g grid) {
	t.buf = append(t.buf, "\n|"...)
	for _, c := range g.columns {
		switch {
		case !c.used:
		case c.align == Center:
			t.buf = append(t.buf, " :-: |"...)
		case c.align == Right:
			t.buf = append(t.buf, " --: |"...)
		default:
			t.buf = append(t.buf, " --- |"...)
		}
	}
}

// writeCell writes inline content in one line, without a bar that would end the
// cell.
func (t table) writeCell(content []byte) {
	isEscaped := false
	for i, b := range content {
		switch {
		case b == '\n':
			b = ' '
		case b == ' ' && i+1 < len(content) && (content[i+1] == '\n' || content[i+1] == ' '):
			continue // a hard break
		case b == '|' && !isEscaped:
			t.buf = append(t.buf, '\\')
		}
		t.buf = append(t.buf, b)
		isEscaped = b == '\\' && !isEscaped
	}
}

// isList reports whether each row is a cell with a bullet and one with text.
func (t table) isList() bool {
	isList := false
	for from := 0; from < len(t.cells); {
		to, filled := t.rowFrom(from)
		if filled != 0 && filled != 2 {
			return false
		}
		isBullet := true
		for i := from; i < to && filled > 0; i++ {
			blocks := t.blocksOf(i)
			if len(blocks) == 0 {
				continue
			}
			if isBullet && (len(blocks) != 1 || !isBulletText(t.buf[blocks[0].start:blocks[0].end])) {
				return false
			}
			for _, b := range blocks {
				if b.box != t.in {
					return false
				}
			}
			isBullet = false
			isList = true
		}
		from = to
	}
	return isList
}

func isBulletText(content []byte) bool {
	switch string(content) {
	case "•", "·", "▪", "◦", "‣", "●", "○", "■", "–", `\-`, `\*`:
		return true
	}
	return false
}

// bullets is the list that tables of one item each are written in.
type bullets struct {
	list List
	in   Box
	end  int // the number of blocks after its last item
}

// writeList takes the bullets away and puts what stands beside them in items.
func (t table) writeList() {
	first := int(t.cells[0].First)
	if t.bullets.list == 0 || t.bullets.end != first || t.bullets.in != t.in {
		t.bullets = bullets{list: t.NewList(false, 1), in: t.in}
	}
	written := first
	item := t.in
	row := int32(-1)
	for i := range t.cells {
		for _, b := range t.blocksOf(i) {
			if row != t.cells[i].Row {
				row = t.cells[i].Row // its first block is the bullet
				next := t.nextItem(t.bullets.list)
				next.parent = t.in
				item = t.addBox(next)
				continue
			}
			b.box = item
			t.blocks[written] = b
			written++
		}
	}
	t.blocks = t.blocks[:written]
	t.bullets.end = written
}

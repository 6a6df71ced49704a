package convert

import (
	"strings"

	"github.com/postern-mail/postern/plugins/markdown/commonmark"
	"github.com/postern-mail/postern/plugins/markdown/entity"
	"github.com/postern-mail/postern/plugins/markdown/link"
	"github.com/postern-mail/postern/plugins/markdown/scan"
)

// closeImplied closes the elements whose end tag the start of t, a block, stands
// for.
func (c *converter) closeImplied(t scan.Tag) {
	switch {
	case t == scan.LI:
		for i := len(c.stack) - 1; i >= 0; i-- {
			switch u := &c.stack[i]; u.tag {
			case scan.LI:
				c.popTo(i)
				return
			case scan.UL, scan.OL, scan.TD, scan.TH, scan.Table, scan.Enclosed:
				return
			}
		}
	case t > scan.Table: // a part of one
		for i := len(c.stack) - 1; i >= 0; i-- {
			switch u := &c.stack[i]; {
			case u.tag == scan.Table || u.tag == scan.TR && (t == scan.TD || t == scan.TH):
				c.popTo(i + 1)
				return
			case u.tag == scan.Enclosed:
				return
			}
		}
	default:
		for i := len(c.stack) - 1; i >= 0; i-- {
			u := &c.stack[i]
			tag := u.tag
			if tag == scan.P || tag.IsHeading() && t.IsHeading() {
				c.popTo(i)
			}
			if tag.IsBlock() || tag == scan.Enclosed {
				return
			}
		}
	}
}

// link begins a link.
func (c *converter) link(s *scan.Scanner) {
	url := ""
	if c.options.Links {
		url = link.Of(s.Attr(scan.Href))
	}
	c.writer.StartLink(url)
}

// image writes an image. Those of a tracker are left out, and those that say
// themselves, by an empty alt, that they are decoration, unless they are all that
// a link has to show.
func (c *converter) image(s *scan.Scanner) {
	if !c.options.Images || c.writer.Now.Code || isSpeck(s.Attr(scan.Width)) || isSpeck(s.Attr(scan.Height)) {
		return
	}
	look := lookOf(s)
	if look.hidden || look.isSpeck {
		return
	}
	url := link.OfImage(s.Attr(scan.Src))
	alt := s.Attr(scan.Alt)
	if strings.IndexByte(alt, '&') >= 0 {
		alt = string(entity.Unescape(nil, alt, true))
	}
	alt = strings.TrimSpace(alt)
	if alt == "" && s.Has(scan.Alt) && !c.writer.InLink() && !strings.HasPrefix(url, link.ContentID) {
		return
	}
	c.writer.Image(url, alt)
}

// isSpeck reports whether a width or height is that of a tracking pixel.
func isSpeck(size string) bool {
	size = trimLeft(size)
	if size == "" || size[0] > '2' || size[0] < '0' {
		return false
	}
	unit := trimSpaceRight(trimLeft(size[1:]))
	return unit == "" || scan.SameFold(unit, "px")
}

// languageOf finds the language of a listing in a class such as language-go.
func languageOf(s *scan.Scanner) string {
	for class := range strings.FieldsSeq(s.Attr(scan.Class)) {
		if name, ok := strings.CutPrefix(class, "language-"); ok && len(name) <= 20 && isAlphanumeric(name) {
			return name
		}
	}
	return ""
}

func isAlphanumeric(s string) bool {
	for i := range len(s) {
		if b := s[i]; (b|0x20 < 'a' || b|0x20 > 'z') && (b < '0' || b > '9') {
			return false
		}
	}
	return s != ""
}

// number reads a number from 0 to most; otherwise is for what is none.
func number(s string, otherwise, most int) int {
	s = trimSpaceRight(trimLeft(s))
	if s == "" || len(s) > 9 {
		return otherwise
	}
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return otherwise
		}
		n = n*10 + int(s[i]-'0')
	}
	return min(n, most)
}

// table is the innermost table that is open. Its cells are written as the blocks
// of a layout; once it has ended and is found to hold data, these are taken back
// and written as rows. A table around another one is layout, so that no text is
// taken back twice.
type table struct {
	// owner is the place of its element in the stack, or noTable.
	owner    int
	isLayout bool // it says so itself
	inHead   bool
	row      int
	cells    []commonmark.Cell
	box      commonmark.Box
}

const noTable = -1

// maxSpan and maxRows are how many columns and rows a cell may take.
const maxSpan, maxRows = 12, 99

func (c *converter) startTable(s *scan.Scanner) {
	role := s.Attr(scan.Role)
	c.table = table{
		owner:    len(c.stack) - 1,
		isLayout: scan.SameFold(role, "presentation") || scan.SameFold(role, "none"),
		box:      c.writer.Now.Box,
		cells:    c.table.cells[:0],
	}
}

func (c *converter) startCell(s *scan.Scanner, look look) {
	if c.table.owner == noTable {
		return
	}
	align := alignOf(s.Attr(scan.Align))
	if align == 0 {
		align = look.align
	}
	c.table.cells = append(c.table.cells, commonmark.Cell{
		Row: int32(c.table.row), First: int32(c.writer.Blocks()),
		Span: int32(max(1, number(s.Attr(scan.Colspan), 1, maxSpan))),
		Rows: int32(max(1, number(s.Attr(scan.Rowspan), 1, maxRows))),
		Head: s.Tag == scan.TH || c.table.inHead, Align: align,
	})
}

// alignOf reads an alignment.
func alignOf(value string) commonmark.Align {
	switch {
	case value == "":
	case scan.SameFold(value, "left"):
		return commonmark.Left
	case scan.SameFold(value, "center"):
		return commonmark.Center
	case scan.SameFold(value, "right"):
		return commonmark.Right
	}
	return 0
}

// endTable ends the table whose element stood at a place of the stack.
func (c *converter) endTable(owner int) {
	if c.table.owner != owner {
		return // one around a table that has been dealt with
	}
	c.table.owner = noTable
	c.writer.Table(c.table.cells, c.table.box, c.table.isLayout)
}

// Package convert makes Markdown of the bodies of mails.
//
// HTML is read tag by tag, in one pass and without a tree: scan gives the tokens,
// a stack of open elements gives the state that text is written in, and commonmark
// writes it. What browsers do with bad markup is done as far as it matters to
// readable text.
package convert

import (
	"strings"

	"github.com/postern-mail/postern/plugins/markdown/commonmark"
	"github.com/postern-mail/postern/plugins/markdown/entity"
	"github.com/postern-mail/postern/plugins/markdown/scan"
)

// Options are what the plugin's block in the configuration may set.
type Options struct {
	// Links false leaves the text of links and drops where they lead.
	Links bool `json:"links"`
	// Images false leaves images out, with their alternative text.
	Images bool `json:"images"`
	// HardBreaks ends a line that is broken with a backslash.
	HardBreaks bool `json:"hard_breaks"`
}

// maxNesting is how many elements may be open; what is nested deeper is read as
// if it stood at this depth.
const maxNesting = 100

// state is what an element hands down to its content.
type state struct {
	hidden bool // nothing shows
	tiny   bool // text has no size
	marker bool // text is the mark of an item of Word's
	write  commonmark.State
}

// element is an open element.
type element struct {
	tag  scan.Tag
	id   uint8
	name string // as written
	// outer is the state to return to at its end.
	outer state
}

// converter turns HTML into blocks. Of the state in hand it has all but what the
// writer works by, which is in writer.Now.
type converter struct {
	writer  *commonmark.Writer
	options Options

	hidden, tiny, marker bool

	stack []element
	// flattened counts open elements past maxNesting.
	flattened int
	table     table
	word      wordList
}

// HTML returns an HTML body as Markdown; "" where it shows nothing. The result has
// no raw HTML, and no link but to http, https, mailto, tel and cid. It takes linear
// time, and is not longer than commonmark.Bound of the length of body.
func HTML(body string, o Options) string {
	c := converter{
		writer:  commonmark.New(commonmark.Options{HardBreaks: o.HardBreaks}, len(body)),
		options: o,
		stack:   make([]element, 0, 64),
		table:   table{owner: noTable},
	}
	s := scan.New(body)
	var scratch []byte
	for s.Next() {
		switch s.Kind {
		case scan.StartTag:
			c.startTag(&s)
		case scan.EndTag:
			c.endTag(s.Tag, s.ID, s.Name)
		case scan.Text:
			if c.hidden || c.tiny && !c.writer.Now.Pre {
				continue
			}
			text := s.Text
			if !s.IsLiteral && strings.IndexByte(text, '&') >= 0 {
				scratch = entity.Unescape(scratch[:0], text, false)
				text = string(scratch)
			}
			if c.marker {
				c.word.mark(text)
				continue
			}
			c.writer.Text(text)
		}
	}
	for len(c.stack) > 0 {
		c.pop()
	}
	return c.writer.Markdown(len(body))
}

// now returns the state in hand.
func (c *converter) now() state {
	return state{hidden: c.hidden, tiny: c.tiny, marker: c.marker, write: c.writer.Now}
}

// startTag opens an element.
func (c *converter) startTag(s *scan.Scanner) {
	t := s.Tag
	if c.writer.Now.Pre {
		c.startInPre(s)
		return
	}
	if t.IsBlock() {
		c.closeImplied(t)
		if !c.hidden {
			c.writer.EndBlock()
		}
	}
	switch {
	case t.IsVoid():
		if !c.hidden {
			c.void(s)
		}
		return
	case t == scan.Foreign && s.IsSelfClosing:
		return
	case len(c.stack) == maxNesting:
		c.flattened++
		return
	}
	c.stack = append(c.stack, element{tag: t, id: s.ID, name: s.Name, outer: c.now()})
	look := lookOf(s)
	c.hidden = c.hidden || look.hidden || t.IsDropped()
	if look.fontSize != unset {
		c.tiny = look.fontSize == zero
	}
	if !c.hidden {
		c.open(s, look)
	}
}

// startInPre opens an element within a listing, where only lines and what is
// hidden matter.
func (c *converter) startInPre(s *scan.Scanner) {
	t := s.Tag
	if !c.hidden {
		switch {
		case t == scan.BR:
			c.writer.LineBreak()
		case t.IsBlock():
			c.writer.EndBlock()
		case t == scan.Code:
			c.writer.Language(languageOf(s))
		}
	}
	switch {
	case t.IsVoid():
	case len(c.stack) == maxNesting:
		c.flattened++
	default:
		// As Other, lest a cell or a list within it take the part of one.
		c.stack = append(c.stack, element{tag: scan.Other, id: s.ID, name: s.Name, outer: c.now()})
		c.hidden = c.hidden || t.IsDropped() || lookOf(s).hidden
	}
}

// void does what an element without content does.
func (c *converter) void(s *scan.Scanner) {
	switch s.Tag {
	case scan.BR:
		c.writer.LineBreak()
	case scan.HR:
		c.writer.Rule()
	case scan.Img:
		c.image(s)
	}
}

// open applies what a visible element means for its content.
func (c *converter) open(s *scan.Scanner, look look) {
	w := c.writer
	switch t := s.Tag; t {
	case scan.H1, scan.H2, scan.H3, scan.H4, scan.H5, scan.H6:
		w.Now.Heading = uint8(t-scan.H1) + 1
	case scan.Bold:
		w.Now.Style |= commonmark.Bold
	case scan.Em:
		w.Now.Style |= commonmark.Em
	case scan.Strike:
		w.Now.Style |= commonmark.Strike
	case scan.Sup:
		w.Now.Shift = commonmark.Superscript
	case scan.Sub:
		w.Now.Shift = commonmark.Subscript
	case scan.Code:
		w.Now.Code = true
	case scan.Pre:
		w.StartPre(languageOf(s))
	case scan.Quote:
		w.Quote()
	case scan.A:
		c.link(s)
	case scan.UL, scan.OL:
		w.Now.List = w.NewList(t == scan.OL, number(s.Attr(scan.Start), 1, 99999))
	case scan.LI:
		w.Item()
	case scan.Table:
		c.startTable(s)
	case scan.Thead, scan.Section:
		c.table.inHead = t == scan.Thead
	case scan.TR:
		c.table.row++
	case scan.TD, scan.TH:
		c.startCell(s, look)
	case scan.Div:
		// Outlook's reply: the quoted mail begins at a line above, or stands right
		// of a line.
		switch look.border {
		case borderTop:
			w.Rule()
		case borderLeft:
			w.Quote()
		}
	case scan.P:
		c.word.paragraph(look.listLevel, len(c.stack)-1)
	case scan.Other:
		c.marker = c.marker || look.isMarker
	}
}

// endTag closes the innermost element of that name, and all within it. An end tag
// within a cell does not reach out of it.
func (c *converter) endTag(t scan.Tag, id uint8, name string) {
	if t.IsVoid() {
		if t == scan.BR && !c.hidden { // browsers take </br> for <br>
			c.writer.LineBreak()
		}
		return
	}
	if t.IsBlock() && !c.hidden {
		c.writer.EndBlock()
	}
	if c.flattened > 0 {
		c.flattened--
		return
	}
	for i := len(c.stack) - 1; i >= 0; i-- {
		u := &c.stack[i]
		if u.id == id && (id != 0 || scan.SameFold(u.name, name)) {
			c.popTo(i)
			return
		}
		switch u.tag {
		case scan.Table, scan.Enclosed:
			return
		case scan.TD, scan.TH:
			if !t.IsTablePart() {
				return
			}
		}
	}
}

// popTo closes elements until n are open.
func (c *converter) popTo(n int) {
	c.flattened = 0
	for len(c.stack) > n {
		c.pop()
	}
}

// pop closes the innermost element.
func (c *converter) pop() {
	e := &c.stack[len(c.stack)-1]
	c.stack = c.stack[:len(c.stack)-1]
	if !c.hidden {
		w := c.writer
		switch {
		case e.tag == scan.Pre:
			w.EndPre()
		case e.tag == scan.Table:
			w.EndBlock()
			c.endTable(len(c.stack))
		case e.tag.IsBlock():
			w.EndBlock()
			c.word.end(len(c.stack), w.Blocks())
		case e.tag == scan.A:
			w.EndLink()
		case w.Now.Code && !e.outer.write.Code:
			w.EndCode()
		}
	}
	endsMarker := c.marker && !e.outer.marker
	c.hidden, c.tiny, c.marker, c.writer.Now = e.outer.hidden, e.outer.tiny, e.outer.marker, e.outer.write
	if endsMarker {
		c.startWordItem()
	}
}

package main

import (
	"slices"
	"strings"
)

// Options are what the plugin's block in the configuration may set.
type Options struct {
	// Links false leaves the text of links and drops where they lead.
	Links bool `json:"links"`
	// Images false leaves images out, with their alternative text.
	Images bool `json:"images"`
}

// Input is what a mail has of readable bodies.
type Input struct {
	HTML, Text string
}

// Convert returns the HTML body as Markdown or, where that says nothing, the text
// body. The result has no raw HTML, and no link but to http, https, mailto, tel
// and cid. It takes linear time, and its length is bounded by four times the
// input's and a constant.
func Convert(in Input, o Options) string {
	if markdown := fromHTML(in.HTML, o); markdown != "" {
		return markdown
	}
	return fromText(in.Text)
}

// maxNesting is how many elements may be open; what is nested deeper is read as
// if it stood at this depth.
const maxNesting = 100

// converter turns HTML into a list of blocks, which render writes out.
type converter struct {
	writer

	stack []element
	// flattened counts open elements past maxNesting.
	flattened int
	table     table
}

// element is an open element.
type element struct {
	tag  tag
	name string // as written
	// outer is the state to return to at its end.
	outer state
}

func fromHTML(html string, o Options) string {
	c := converter{writer: newWriter(o)}
	c.buf = make([]byte, 0, len(html)/2)
	c.table.owner = noTable
	s := scanner{src: html}
	var scratch []byte
	for s.next() {
		switch s.kind {
		case textToken:
			if c.now.hidden {
				continue
			}
			text := s.text
			if strings.IndexByte(text, '&') >= 0 {
				scratch = unescape(scratch[:0], text, false)
				text = string(scratch)
			}
			c.text(text)
		case startToken:
			c.startTag(&s)
		case endToken:
			c.endTag(s.tag, s.name)
		}
	}
	for len(c.stack) > 0 {
		c.pop()
	}
	c.endBlock()
	// See the README: with the prefixes of lines bounded by half of the input, the
	// worst input cannot grow more than fourfold.
	return c.render(len(html)/2 + 2048)
}

// fromText makes paragraphs and quotes of plain text.
func fromText(text string) string {
	w := newWriter(Options{})
	quotes := []int32{root} // the box of each depth of the quote that is open
	for line := range strings.Lines(text) {
		depth := 0
		for {
			line = strings.TrimLeft(line, " \t")
			if line == "" || line[0] != '>' {
				break
			}
			line = line[1:]
			depth++
		}
		depth = min(depth, maxBoxes)
		if depth != len(quotes)-1 {
			w.endBlock()
			quotes = quotes[:min(depth+1, len(quotes))]
			for len(quotes) <= depth {
				quotes = append(quotes, w.addBox(box{parent: quotes[len(quotes)-1], kind: quoteBox}))
			}
			w.now.box = quotes[depth]
		}
		if strings.TrimSpace(line) == "" {
			w.endBlock()
			continue
		}
		w.text(line)
		w.lineBreak()
	}
	w.endBlock()
	return w.render(len(text) + 2048)
}

// startTag opens an element.
func (c *converter) startTag(s *scanner) {
	t := s.tag
	if c.now.pre {
		c.startInPre(s)
		return
	}
	c.closeImplied(t)
	if t.isBlock() {
		c.endBlock()
	}
	if t.isVoid() {
		if !c.now.hidden {
			c.void(s)
		}
		return
	}
	if len(c.stack) == maxNesting {
		c.flattened++
		return
	}
	c.stack = append(c.stack, element{tag: t, name: s.name, outer: c.now})
	if t == svgTag && s.selfClosing {
		c.pop()
		return
	}
	look := lookOf(s)
	c.now.hidden = c.now.hidden || look.hidden || t.isDropped()
	if look.fontSize != unset {
		c.now.tiny = look.fontSize == zero
	}
	if !c.now.hidden {
		c.open(s, look)
	}
}

// startInPre opens an element within preformatted text, where only lines and what
// is hidden matter.
func (c *converter) startInPre(s *scanner) {
	if c.now.hidden && s.tag.isVoid() {
		return
	}
	if s.tag.isBlock() || s.tag == brTag {
		c.preBreak(s.tag == brTag)
	}
	if s.tag == codeTag && c.language == "" && len(c.code) == 0 {
		c.language = languageOf(s)
	}
	switch {
	case s.tag.isVoid():
	case len(c.stack) == maxNesting:
		c.flattened++
	default:
		// As otherTag, lest a cell or a list within it take the part of one.
		c.stack = append(c.stack, element{tag: otherTag, name: s.name, outer: c.now})
		c.now.hidden = c.now.hidden || s.tag.isDropped() || lookOf(s).hidden
	}
}

// void does what an element without content does.
func (c *converter) void(s *scanner) {
	switch s.tag {
	case brTag:
		c.lineBreak()
	case hrTag:
		c.rule()
	case imgTag:
		c.image(s)
	}
}

// open applies what a visible element means for its content.
func (c *converter) open(s *scanner, look look) {
	switch s.tag {
	case h1Tag, h2Tag, h3Tag, h4Tag, h5Tag, h6Tag:
		c.now.heading = uint8(s.tag-h1Tag) + 1
	case boldTag:
		c.now.style |= bold
	case emTag:
		c.now.style |= em
	case strikeTag:
		c.now.style |= strike
	case codeTag:
		c.now.code = true
	case preTag:
		c.flushCode()
		c.now.pre = true
		c.language = languageOf(s)
	case quoteTag:
		c.enter(box{kind: quoteBox})
	case aTag:
		c.endLink()
		if c.options.Links {
			c.link = link{url: safeURL(s.attr("href"), linkSchemes)}
		}
	case ulTag, olTag:
		c.now.list = c.addList(s.tag == olTag, number(s.attr("start"), 1, 99999))
	case liTag:
		c.enter(c.nextItem())
	case tableTag:
		c.startTable(s)
	case trTag:
		c.table.row++
	case tdTag, thTag:
		c.startCell(s)
	case divTag:
		// Outlook's reply: the quoted mail begins at a line above, or stands right
		// of a line.
		switch look.border {
		case borderTop:
			c.rule()
		case borderLeft:
			c.enter(box{kind: quoteBox})
		}
	}
}

// enter makes b the box of what follows.
func (c *converter) enter(b box) {
	b.parent = c.now.box
	c.now.box = c.addBox(b)
}

// closeImplied closes the elements whose end tag the start of t stands for.
func (c *converter) closeImplied(t tag) {
	switch t {
	case liTag:
		for i, v := range slices.Backward(c.stack) {
			switch v.tag {
			case liTag:
				c.popTo(i)
				return
			case ulTag, olTag, tdTag, thTag, tableTag:
				return
			}
		}
	case trTag, sectionOfTableTag, tdTag, thTag:
		for i, v := range slices.Backward(c.stack) {
			if u := v.tag; u == tableTag || u == trTag && (t == tdTag || t == thTag) {
				c.popTo(i + 1)
				return
			}
		}
	default:
		if !t.isBlock() {
			return
		}
		for i, v := range slices.Backward(c.stack) {
			u := v.tag
			if u == pTag || u.isHeading() && t.isHeading() {
				c.popTo(i)
			}
			if u.isBlock() {
				return
			}
		}
	}
}

// endTag closes the innermost element of that name, and all within it. An end tag
// within a cell does not reach out of it.
func (c *converter) endTag(t tag, name string) {
	if t == brTag { // browsers take </br> for <br>
		if !c.now.hidden {
			c.lineBreak()
		}
		return
	}
	if t.isVoid() {
		return
	}
	if t.isBlock() {
		if c.now.pre {
			c.preBreak(false)
		} else {
			c.endBlock()
		}
	}
	if c.flattened > 0 {
		c.flattened--
		return
	}
	for i, u := range slices.Backward(c.stack) {

		if sameFold(u.name, name) {
			c.popTo(i)
			return
		}
		if u.tag == tableTag || (u.tag == tdTag || u.tag == thTag) && !t.isTablePart() {
			return
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
	e := c.stack[len(c.stack)-1]
	c.stack = c.stack[:len(c.stack)-1]
	if !c.now.hidden {
		switch {
		case e.tag == preTag:
			c.endPre()
		case e.tag == tableTag:
			c.endBlock()
			c.endTable(len(c.stack))
		case e.tag.isBlock():
			c.endBlock()
		case e.tag == aTag:
			c.flushCode()
			c.endLink()
		case c.now.code && !e.outer.code:
			c.flushCode()
		}
	}
	c.now = e.outer
}

// image writes an image. Those of a tracker are left out, and those that say
// themselves, by an empty alt, that they are decoration.
func (c *converter) image(s *scanner) {
	if !c.options.Images || c.now.pre || c.now.code {
		return
	}
	if isSpeck(s.attr("width")) || isSpeck(s.attr("height")) {
		return
	}
	look := lookOf(s)
	if look.hidden || look.speck {
		return
	}
	url := safeURL(s.attr("src"), imageSchemes)
	alt := strings.TrimSpace(string(unescape(nil, s.attr("alt"), true)))
	if alt == "" && s.has("alt") && !strings.HasPrefix(url, "cid:") {
		return
	}
	c.writer.image(url, alt)
}

// isSpeck reports whether a width or height is that of a tracking pixel.
func isSpeck(size string) bool {
	size = strings.TrimSpace(size)
	if n := len(size) - 2; n > 0 && sameFold(size[n:], "px") {
		size = strings.TrimSpace(size[:n])
	}
	return size == "0" || size == "1" || size == "2"
}

// languageOf finds the language of a listing in a class such as language-go.
func languageOf(s *scanner) string {
	for class := range strings.FieldsSeq(s.attr("class")) {
		if name, ok := strings.CutPrefix(class, "language-"); ok && len(name) <= 20 && isAlphanumeric(name) {
			return name
		}
	}
	return ""
}

func isAlphanumeric(s string) bool {
	for i := range len(s) {
		if !isWordByte(s[i]) || s[i] >= 0x80 {
			return false
		}
	}
	return s != ""
}

// number reads a number from 0 to most; otherwise is for what is none.
func number(s string, otherwise, most int) int {
	s = strings.TrimSpace(s)
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

package main

import "bytes"

// style is a set of the inline styles.
type style uint8

// In the order of nesting, outermost first.
const (
	strike style = 1 << iota
	bold
	em
)

var markers = [...]struct {
	style style
	text  string
}{{strike, "~~"}, {bold, "**"}, {em, "*"}}

// state is what an element hands down to its content.
type state struct {
	hidden  bool // nothing shows
	tiny    bool // text has no size
	pre     bool
	code    bool
	style   style
	heading uint8
	list    int32
	box     int32
}

// link is the link that the text is within.
type link struct {
	url  string // "" where there is none
	open bool   // its bracket is written
}

// writer writes inline content as Markdown, block by block. Whitespace and the
// marks of styles and links are written when text calls for them, so that no mark
// stands next to whitespace and none is empty.
type writer struct {
	layout
	options Options

	now state
	// space and newline are the whitespace that is due before the next text.
	space, newline bool
	// lead is the number of digits that the line begins with; -1 once there is
	// anything else.
	lead  int
	style style // whose marks are open
	link  link
	// code is the content of the code span or the listing that is being read.
	code     []byte
	language string
}

func newWriter(o Options) writer {
	return writer{options: o, layout: newLayout()}
}

// class is what a byte of text may need.
type class uint8

const (
	plain class = iota
	space
	control
	special     // escaped everywhere
	leadSpecial // escaped where a line begins with it
	hash        // as leadSpecial, and in headings
	ordinal     // escaped where it makes the mark of a list of the number that a line begins with
	parenthesis // escaped after a bracket
	ampersand
	wide // the first byte of a character that may be an invisible one
)

var classes = func() (table [256]class) {
	for b := range ' ' {
		table[b] = control
	}
	table[0x7f] = control
	for kind, bytes := range map[class]string{
		space:       " \t\n\v\f\r",
		special:     "\\`*_[]<|~",
		leadSpecial: ">-+=:",
		hash:        "#",
		ordinal:     ".)",
		parenthesis: "(",
		ampersand:   "&",
		wide:        "\xc2\xcd\xe2\xef",
	} {
		for i := range len(bytes) {
			table[bytes[i]] = kind
		}
	}
	return table
}()

// text writes text, whitespace collapsed as a browser does, and escaped so that
// nothing in it is read as Markdown or HTML.
func (w *writer) text(s string) {
	switch {
	case w.now.pre:
		w.code = append(w.code, s...)
		return
	case w.now.tiny:
		return
	case w.now.code:
		w.code = append(w.code, s...)
		return
	}
	for i := 0; i < len(s); {
		b := s[i]
		switch kind := classes[b]; kind {
		case plain:
			end := i + 1
			for end < len(s) && classes[s[end]] == plain {
				end++
			}
			w.word(s[i:end])
			i = end
			continue
		case space:
			w.space = true
		case control:
		case wide:
			size, blank := invisible(s[i:])
			switch {
			case size == 0:
				w.word(s[i : i+1])
			case blank:
				w.space = true
			}
			i += max(size, 1)
			continue
		default:
			w.begin(b)
			if w.needsEscape(kind, s[i+1:]) {
				w.buf = append(w.buf, '\\')
			}
			w.buf = append(w.buf, b)
			w.lead = -1
		}
		i++
	}
}

// needsEscape reports whether a byte of a class would be read as Markdown here.
func (w *writer) needsEscape(kind class, rest string) bool {
	switch kind {
	case leadSpecial:
		return w.lead == 0
	case hash:
		return w.lead == 0 || w.now.heading > 0
	case ordinal:
		return w.lead > 0 && (rest == "" || classes[rest[0]] == space || classes[rest[0]] == control || classes[rest[0]] == wide)
	case parenthesis:
		// The bracket is escaped already. This is for those who look for "](" in
		// Markdown to judge it.
		return w.last() == ']'
	case ampersand:
		// The end of this text may not be the end of the word.
		return rest == "" || rest[0] == '#' || isWordByte(rest[0])
	}
	return true
}

// word writes text that needs no escaping.
func (w *writer) word(s string) {
	w.begin(s[0])
	w.buf = append(w.buf, s...)
	if w.lead < 0 {
		return
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			w.lead = -1
			return
		}
	}
	w.lead += len(s)
}

// invisible returns the length of the character that s begins with where it is a
// space of some kind, or one that fills hidden lines and shows nothing; 0 where
// it is another.
func invisible(s string) (size int, blank bool) {
	if len(s) >= 2 {
		switch {
		case s[0] == 0xc2 && s[1] == 0xa0: // no-break space
			return 2, true
		case s[0] == 0xc2 && (s[1] == 0xad || s[1] < 0xa0): // soft hyphen, C1 controls
			return 2, false
		case s[0] == 0xcd && s[1] == 0x8f: // combining grapheme joiner
			return 2, false
		}
	}
	if len(s) >= 3 {
		switch {
		case s[0] == 0xe2 && s[1] == 0x80 && (s[2] <= 0x8a || s[2] == 0xa8 || s[2] == 0xa9 || s[2] == 0xaf): // spaces
			return 3, true
		case s[0] == 0xe2 && s[1] == 0x80 && s[2] == 0x8b, // zero-width space
			s[0] == 0xef && s[1] == 0xbb && s[2] == 0xbf: // byte order mark
			return 3, false
		}
	}
	return 0, false
}

// begin brings whitespace, styles and links up to date for text that begins with
// first.
func (w *writer) begin(first byte) {
	opensLink := w.link.url != "" && !w.link.open
	if !w.space && !w.newline && w.style == w.now.style && !opensLink {
		return
	}
	keep := w.style
	if opensLink {
		keep = 0
	}
	before := w.last()
	closed := w.closeStyles(keep & w.now.style)
	switch {
	case len(w.buf) == w.start:
	case w.newline && w.now.heading == 0:
		w.buf = append(w.buf, '\n')
		w.lead = 0
	case w.space || w.newline:
		w.buf = append(w.buf, ' ')
	case closed && isPunct(before) && isWordByte(first), w.style != w.now.style && isWordByte(before) && isPunct(first):
		// Next to a letter, the marks of a style do not work at punctuation.
		w.buf = append(w.buf, ' ')
	}
	w.space, w.newline = false, false
	if opensLink {
		if w.last() == '!' { // lest the two make an image
			w.buf[len(w.buf)-1] = '\\'
			w.buf = append(w.buf, '!')
		}
		w.buf = append(w.buf, '[')
		w.link.open = true
		w.lead = -1
	}
	for _, m := range markers {
		if w.now.style&m.style != 0 && w.style&m.style == 0 {
			w.buf = append(w.buf, m.text...)
			w.style |= m.style
			w.lead = -1
		}
	}
}

// last returns the last byte of the block, or 0.
func (w *writer) last() byte {
	if len(w.buf) == w.start {
		return 0
	}
	return w.buf[len(w.buf)-1]
}

// closeStyles closes all styles but those to keep, and those that stand within
// one that is closed or to be opened.
func (w *writer) closeStyles(keep style) (closed bool) {
	for i, m := range markers {
		if (w.style|w.now.style)&m.style != 0 && keep&m.style == 0 {
			for j := len(markers) - 1; j >= i; j-- {
				if inner := markers[j]; w.style&inner.style != 0 {
					w.buf = append(w.buf, inner.text...)
					w.style &^= inner.style
					closed = true
				}
			}
			break
		}
	}
	return closed
}

func isPunct(b byte) bool { return b > ' ' && b < 0x7f && !isWordByte(b) }

// lineBreak ends a line, and where it is empty the block.
func (w *writer) lineBreak() {
	switch {
	case w.now.pre || w.now.code:
		w.code = append(w.code, '\n')
	case w.newline:
		w.endBlock()
	case len(w.buf) > w.start:
		w.newline = true
	}
}

// endLink ends the link that the text is within.
func (w *writer) endLink() {
	if w.link.open {
		w.finishLink()
	}
	w.link = link{}
}

func (w *writer) finishLink() {
	w.closeStyles(0)
	w.buf = append(w.buf, "]("...)
	w.buf = append(w.buf, w.link.url...)
	w.buf = append(w.buf, ')')
	// A link that spans blocks is a link in the first of them, lest its URL be
	// repeated without bounds.
	w.link = link{}
}

// image writes an image, or where url is empty its alternative text.
func (w *writer) image(url, alt string) {
	tiny := w.now.tiny
	w.now.tiny = false
	if url == "" {
		w.text(alt)
	} else {
		w.begin('!')
		w.buf = append(w.buf, "!["...)
		w.lead = -1
		w.text(alt)
		w.space = false
		w.buf = append(w.buf, "]("...)
		w.buf = append(w.buf, url...)
		w.buf = append(w.buf, ')')
	}
	w.now.tiny = tiny
}

// flushCode writes the code span that has been read.
func (w *writer) flushCode() {
	if len(w.code) == 0 || w.now.pre {
		return
	}
	code := w.code
	w.code = w.code[:0]
	trimmed := bytes.TrimFunc(code, isBlank)
	if len(trimmed) == 0 {
		w.space = true
		return
	}
	w.space = w.space || isSpace(code[0])
	w.begin('`')
	if w.last() == '`' { // lest two runs become one
		w.buf = append(w.buf, ' ')
	}
	fence := longestRun(trimmed) + 1
	w.buf = appendRun(w.buf, '`', fence)
	if fence > 1 {
		w.buf = append(w.buf, ' ')
	}
	pending := false
	for _, b := range trimmed {
		switch {
		case isSpace(b):
			pending = true
		case classes[b] == control:
		default:
			if pending {
				w.buf = append(w.buf, ' ')
				pending = false
			}
			w.buf = append(w.buf, b)
		}
	}
	if fence > 1 {
		w.buf = append(w.buf, ' ')
	}
	w.buf = appendRun(w.buf, '`', fence)
	w.lead = -1
	w.space = isSpace(code[len(code)-1])
}

func isBlank(r rune) bool { return r <= ' ' || r == 0x7f }

// longestRun returns the length of the longest run of backticks.
func longestRun(s []byte) int {
	longest, run := 0, 0
	for _, b := range s {
		switch {
		case b == '`':
			run++
			longest = max(longest, run)
		case classes[b] != control: // which are left out
			run = 0
		}
	}
	return longest
}

func appendRun(dst []byte, b byte, n int) []byte {
	for range n {
		dst = append(dst, b)
	}
	return dst
}

// preBreak ends a line of a listing; always is for a line that may be empty.
func (w *writer) preBreak(always bool) {
	if !w.now.hidden && (always || len(w.code) > 0 && w.code[len(w.code)-1] != '\n') {
		w.code = append(w.code, '\n')
	}
}

// endPre makes a block of the listing that has been read.
func (w *writer) endPre() {
	code := bytes.TrimRightFunc(w.code, isBlank)
	w.code = w.code[:0]
	for len(code) > 0 { // lines at the beginning that are empty
		line, rest, found := bytes.Cut(code, []byte{'\n'})
		if !found || len(bytes.TrimFunc(line, isBlank)) > 0 {
			break
		}
		code = rest
	}
	if len(code) == 0 {
		return
	}
	fence := max(3, longestRun(code)+1)
	w.buf = appendRun(w.buf, '`', fence)
	w.buf = append(w.buf, w.language...)
	w.buf = append(w.buf, '\n')
	for i, b := range code {
		switch {
		case b == '\r' && (i+1 == len(code) || code[i+1] != '\n'):
			w.buf = append(w.buf, '\n')
		case b == '\n' || b == '\t' || classes[b] != control && (b == ' ' || !isSpace(b)):
			w.buf = append(w.buf, b)
		}
	}
	w.buf = append(w.buf, '\n')
	w.buf = appendRun(w.buf, '`', fence)
	w.addBlock(codeBlock, 0, w.now.box)
	w.lead = 0
}

// endBlock ends the block that is being written, if any.
func (w *writer) endBlock() {
	if w.now.pre {
		return
	}
	if len(w.code) > 0 {
		w.flushCode()
	}
	if w.link.open {
		w.finishLink()
	}
	if w.style != 0 {
		outside := w.now.style
		w.now.style = 0
		w.closeStyles(0)
		w.now.style = outside
	}
	w.space, w.newline, w.lead = false, false, 0
	if len(w.buf) > w.start {
		kind := paragraph
		if w.now.heading > 0 {
			kind = heading
		}
		w.addBlock(kind, w.now.heading, w.now.box)
	}
}

// rule adds a line across.
func (w *writer) rule() {
	w.endBlock()
	if n := len(w.blocks); n > 0 && w.blocks[n-1].kind != ruleBlock {
		// Not "---", which after the mark of a list would be a line by itself.
		w.buf = append(w.buf, "***"...)
		w.addBlock(ruleBlock, 0, w.now.box)
	}
}

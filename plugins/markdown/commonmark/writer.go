// Package commonmark writes text, styles, links, images and blocks as Markdown
// (CommonMark with the tables and the strikethrough of GitHub).
//
// Invariants, whatever it is given:
//
//   - No text is read as a mark, as HTML or as a link: what could be is escaped.
//     Outside code there is no '<' and no '{' without a backslash, and no bracket
//     but those of the links and images that were asked for.
//   - An address that is text (https://…, www.…) may be made a link of by a renderer,
//     to what it says. Nothing else can be taken into it: see defuse.
//   - The time is linear in the length of what is given, and so is the length of
//     the result: see Bound.
package commonmark

// Options are what the result is to look like.
type Options struct {
	// HardBreaks ends a line that is broken with two spaces, so that it is broken in
	// every renderer. Without it a broken line ends like any other, which some
	// renderers join.
	HardBreaks bool
}

// Style is a set of inline styles.
type Style uint8

// The styles.
const (
	Strike Style = 1 << iota
	Bold
	Em
)

// Shift is whether text stands above or below the line.
type Shift uint8

// The shifts.
const (
	_ Shift = iota
	Superscript
	Subscript
)

// State is what text is written by. Whoever opens an element of a source changes
// it, and gives it back as it was at the end.
type State struct {
	Pre   bool // a listing
	Code  bool // a code span
	Style Style
	// Heading is the level of the heading, 0 outside of one.
	Heading uint8
	Shift   Shift
	List    List
	Box     Box
}

// Writer writes Markdown block by block. Whitespace and the marks of styles and
// links are written when text calls for them, so that no mark stands next to
// whitespace and none is empty.
type Writer struct {
	layout
	options Options

	// Now is the state of what is written next.
	Now State
	// space and newline are the whitespace that is due before the next text.
	space, newline bool
	// lead is the number of digits that the line begins with; -1 once there is
	// anything else.
	lead int
	// defused is up to where bare addresses are dealt with.
	defused int

	// open are the styles whose marks are open, outermost first, and style is the
	// set of them.
	open    [3]Style
	isOpen  int // their number
	style   Style
	link    link
	repeats int // how many bytes links may be repeated by

	// code is the content of the code span or the listing that is being read.
	code     []byte
	language string
	bullets  bullets
}

// link is the link that the text is within.
type link struct {
	url     string // "" where there is none
	pending bool   // its bracket is not written yet
	hasText bool
	floor   int // how many styles were open before it
}

// Bound bounds the length of the result by that of the source: as long as each
// byte of text and of URLs that is given was a byte of the source, it is less.
func Bound(source int) int { return 4*source + 4096 }

// New returns a writer for a source of a length in bytes.
func New(o Options, source int) *Writer {
	// Escaping doubles text, a URL grows threefold. Links that are repeated take a
	// quarter of the source, the beginnings of lines take half of it.
	return &Writer{options: o, layout: newLayout(source), repeats: source/4 + 1024}
}

// LineBreak ends a line, and where it is empty the block.
func (w *Writer) LineBreak() {
	switch {
	case w.Now.Pre || w.Now.Code:
		w.code = append(w.code, '\n')
	case w.newline:
		w.EndBlock()
	case len(w.buf) > w.start:
		w.newline = true
	}
}

// StartLink begins a link. Where url is "", there is only its text.
func (w *Writer) StartLink(url string) {
	w.EndLink()
	w.link = link{url: url, pending: url != ""}
}

// InLink reports whether text is within a link.
func (w *Writer) InLink() bool { return w.link.url != "" }

// EndLink ends the link that the text is within, if any. A link without content
// leaves nothing.
func (w *Writer) EndLink() {
	w.EndCode()
	w.closeLink()
	w.link = link{}
}

// closeLink writes the end of the link, if its beginning is written.
func (w *Writer) closeLink() {
	if w.link.url == "" || w.link.pending {
		return
	}
	w.closeStyles(0)
	w.buf = append(w.buf, "]("...)
	w.buf = append(w.buf, w.link.url...)
	w.buf = append(w.buf, ')')
	w.defused = len(w.buf)
	w.lead = -1
}

// interruptLink ends a link at the end of a block. A link that spans several is a
// link in the first that has text; it is repeated no more than that, lest its URL
// be repeated without bounds.
func (w *Writer) interruptLink() {
	if w.link.url == "" || w.link.pending {
		return
	}
	w.closeLink()
	cost := len(w.link.url) + len("[]()")
	if w.link.hasText || cost > w.repeats {
		w.link = link{}
		return
	}
	w.repeats -= cost
	w.link = link{url: w.link.url, pending: true}
}

// Image writes an image, or where url is empty its alternative text.
func (w *Writer) Image(url, alt string) {
	if url == "" {
		w.Text(alt)
		return
	}
	hadText := w.link.hasText
	w.begin("!")
	w.defuse()
	w.buf = append(w.buf, "!["...)
	w.lead = -1
	w.Text(alt)
	w.space = false
	w.buf = append(w.buf, "]("...)
	w.buf = append(w.buf, url...)
	w.buf = append(w.buf, ')')
	w.defused = len(w.buf)
	w.link.hasText = hadText
}

// EndBlock ends the block that is being written, if any. Within a listing it ends
// the line.
func (w *Writer) EndBlock() {
	if !w.IsAtStart() {
		w.endBlock()
	}
}

func (w *Writer) endBlock() {
	if w.Now.Pre {
		w.endLine()
		return
	}
	if len(w.code) > 0 {
		w.EndCode()
	}
	w.interruptLink()
	if w.isOpen > 0 {
		w.closeStyles(0)
	}
	w.space, w.newline, w.lead = false, false, 0
	if len(w.buf) > w.start {
		kind := paragraph
		if w.Now.Heading > 0 {
			kind = heading
		}
		w.addBlock(kind, w.Now.Heading, w.Now.Box)
	}
}

// Rule adds a line across.
func (w *Writer) Rule() {
	w.EndBlock()
	if n := len(w.blocks); n > 0 && w.blocks[n-1].kind != ruleBlock {
		// Not "---", which after the mark of a list would be a line by itself.
		w.buf = append(w.buf, "***"...)
		w.addBlock(ruleBlock, 0, w.Now.Box)
	}
}

// Enter puts what follows in a quote or an item of a list, within the box that it
// is in.
func (w *Writer) enter(b box) {
	b.parent = w.Now.Box
	w.Now.Box = w.addBox(b)
}

// Quote puts what follows in a quote.
func (w *Writer) Quote() { w.enter(box{kind: quoteBox}) }

// Item puts what follows in the next item of the list that the text is in.
func (w *Writer) Item() { w.enter(w.nextItem(w.Now.List)) }

// Blocks returns the number of blocks that are written.
func (w *Writer) Blocks() int { return len(w.blocks) }

// IsAtStart reports whether nothing of the next block is written.
func (w *Writer) IsAtStart() bool { return len(w.buf) == w.start && len(w.code) == 0 }

// last returns the last byte of the block, or 0.
func (w *Writer) last() byte {
	if len(w.buf) == w.start {
		return 0
	}
	return w.buf[len(w.buf)-1]
}

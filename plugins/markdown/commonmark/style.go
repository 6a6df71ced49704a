package commonmark

import (
	"unicode"
	"unicode/utf8"
)

// mark returns the mark of one style.
func (s Style) mark() string {
	switch s {
	case Strike:
		return "~~"
	case Bold:
		return "**"
	}
	return "*"
}

// isMixed reports whether there is more than one kind of mark, of which each is
// punctuation to the other.
func (s Style) isMixed() bool { return s&Strike != 0 && s != Strike }

// begin brings whitespace, styles and links up to date for text that begins with
// next.
func (w *Writer) begin(next string) {
	if w.style != w.Now.Style || w.newline || w.link.pending {
		w.bring(next)
		return
	}
	if w.space {
		w.space = false
		if len(w.buf) > w.start {
			w.buf = append(w.buf, ' ')
		}
	}
}

// bring does what begin does where there is more to do than to write a space.
func (w *Writer) bring(next string) {
	before, _ := utf8.DecodeLastRune(w.buf[w.start:])
	first, _ := utf8.DecodeRuneInString(next)
	if w.link.pending {
		first = '['
	}
	closed := w.closeStyles(w.Now.Style)
	opened := w.Now.Style &^ w.style
	if w.link.pending {
		opened = 0 // they open after the bracket
	}
	switch {
	case len(w.buf) == w.start:
	case w.newline && w.Now.Heading == 0:
		if w.options.HardBreaks {
			w.buf = append(w.buf, "  "...)
		}
		w.buf = append(w.buf, '\n')
		w.lead = 0
	case w.space || w.newline:
		w.buf = append(w.buf, ' ')
	case closed != 0 && (isPunct(before) || closed.isMixed()) && !isPunct(first),
		opened != 0 && !isPunct(before) && (isPunct(first) || opened.isMixed()):
		// Next to a letter, the marks of a style do not work at punctuation.
		w.buf = append(w.buf, ' ')
	}
	w.space, w.newline = false, false
	if w.link.pending {
		w.defuse()
		if w.last() == '!' { // lest the two make an image
			w.buf[len(w.buf)-1] = '\\'
			w.buf = append(w.buf, '!')
		}
		w.buf = append(w.buf, '[')
		w.lead = -1
		w.link.pending = false
		w.link.floor = w.isOpen
	}
	if w.style != w.Now.Style {
		w.openStyles(next, closed)
	}
}

// openStyles opens the styles that are not open yet, before next. Those of closed
// have been closed for it.
func (w *Writer) openStyles(next string, closed Style) {
	opened := w.Now.Style &^ w.style
	isWithin := w.style&^Strike != 0
	first, _ := utf8.DecodeRuneInString(next)
	for s := Strike; s <= Em; s <<= 1 {
		if opened&s == 0 {
			continue
		}
		if s != Strike {
			before, _ := utf8.DecodeLastRune(w.buf[w.start:])
			// The mark could as well end the style around it.
			couldEnd := isWithin && len(w.buf) > w.start && before > ' ' && (!isPunct(before) || isPunct(first))
			// Of the marks that end two styles and this one, Markdown makes one run,
			// which by its length may be kept from ending the two.
			joins := before == '*' && closed&^Strike == Bold|Em
			if couldEnd || joins {
				continue // the style begins a word later
			}
		}
		w.defuse()
		w.buf = append(w.buf, s.mark()...)
		w.lead = -1
		w.style |= s
		w.open[w.isOpen] = s
		w.isOpen++
	}
}

// closeStyles closes the styles but those to keep, and those that stand within one
// that is closed. Within a link it leaves alone what was open before.
func (w *Writer) closeStyles(keep Style) (closed Style) {
	from := 0
	if w.link.url != "" && !w.link.pending {
		from = w.link.floor
	}
	for from < w.isOpen && w.open[from]&keep != 0 {
		from++
	}
	for w.isOpen > from {
		w.isOpen--
		s := w.open[w.isOpen]
		w.defuse()
		w.buf = append(w.buf, s.mark()...)
		w.lead = -1
		w.style &^= s
		closed |= s
	}
	return closed
}

// isPunct reports whether a character is punctuation or a symbol, as far as
// Markdown tells them from letters.
func isPunct(r rune) bool {
	if r < utf8.RuneSelf {
		return r > ' ' && r != 0x7f && !isAlphanumeric(byte(r))
	}
	return unicode.IsPunct(r) || unicode.IsSymbol(r)
}

func isAlphanumeric(b byte) bool { return b|0x20 >= 'a' && b|0x20 <= 'z' || b >= '0' && b <= '9' }

package commonmark

import "strings"

// What a byte of text may need. The order matters: in the middle of a line, all up
// to hash is text like any other.
const (
	plain       = '.'
	parenthesis = '1' // escaped right after a bracket
	lineStart   = '2' // escaped where it begins a line and makes a mark there
	hash        = '3' // as lineStart, and in headings
	wide        = '5' // the first byte of a character that may be an invisible one
	space       = '6'
	special     = '7' // escaped but for places where it cannot be a mark
	control     = '8' // left out
)

// class says what each byte is, in rows of 64.
const class = "" +
	"888888888666668888888888888888886..3..7.1272.22...........2.722." +
	"...........................777.77..........................72.78" +
	"................................................................" +
	"..5..........5...................555...........5...5............"

// Text writes text, whitespace collapsed as a browser does, and escaped so that
// nothing in it is read as Markdown or HTML.
func (w *Writer) Text(s string) {
	if w.Now.Pre || w.Now.Code {
		w.code = append(w.code, s...)
		return
	}
	if w.Now.Shift != 0 {
		s = shifted(s, w.Now.Shift)
	}
	for i := 0; i < len(s); {
		kind := class[s[i]]
		switch kind {
		case space:
			w.space = true
			i++
			for i < len(s) && class[s[i]] == space {
				i++
			}
			continue
		case control:
			i++
			continue
		case wide:
			if size, isBlank := invisible(s[i:]); size > 0 && !w.isJoiner(s[i:i+size]) {
				w.space = w.space || isBlank
				i += size
				continue
			}
		}
		w.begin(s[i:])
		if kind != plain && kind != wide && w.isMark(s[i], s[i+1:]) {
			w.defuse()
			w.buf = append(w.buf, '\\')
		}
		end := w.runOf(s, i)
		w.buf = append(w.buf, s[i:end]...)
		w.link.hasText = true
		i = end
	}
}

// runOf returns the end of the text that begins at i and, after its first byte,
// needs no escaping. It keeps w.lead up to date for it.
func (w *Writer) runOf(s string, i int) int {
	end := i + 1
	if w.lead >= 0 {
		if isDigit(s[i]) {
			for end < len(s) && isDigit(s[end]) {
				end++
			}
			w.lead += end - i
			return end
		}
		w.lead = -1
	}
	if s[i] == ']' {
		return end // what follows may be a parenthesis
	}
	limit := byte(hash)
	if w.Now.Heading > 0 {
		limit = lineStart
	}
	for {
		for end < len(s) && class[s[end]] <= limit {
			end++
		}
		switch {
		case end == len(s):
			return end
		case s[end] == ' ':
			if end+1 == len(s) || class[s[end+1]] > limit {
				return end
			}
			end += 2
		case class[s[end]] == wide:
			if size, _ := invisible(s[end:]); size > 0 && (!isJoiner(s[end:end+size]) || s[end-1] < 0x80) {
				return end
			}
			end++
		default:
			return end
		}
	}
}

// isMark reports whether b, with rest after it in the same piece of text, would be
// read as a mark of Markdown where it is written now.
func (w *Writer) isMark(b byte, rest string) bool {
	switch b {
	case '(':
		// The bracket is escaped already. This is for those who look for "](" in
		// Markdown to judge it.
		return w.last() == ']'
	case '>', '|':
		return w.lead == 0
	case '+':
		return w.lead == 0 && mayBreak(rest)
	case '-', '=':
		return w.lead == 0 && (mayBreak(rest) || isLineOfMarks(rest))
	case ':':
		return w.lead == 0 && (mayBreak(rest) || rest[0] == ':' || isLineOfMarks(rest))
	case '.', ')':
		return w.lead > 0 && w.lead <= maxDigits && mayBreak(rest)
	case '#':
		if w.Now.Heading > 0 { // at the end of one it would be left out
			return mayBreak(rest) || rest[0] == '#'
		}
		return w.lead == 0 && mayBreak(strings.TrimLeft(rest, "#"))
	case '*':
		return !w.standsAlone(rest)
	case '_':
		return !w.standsAlone(rest) && (rest == "" || !isAlphanumeric(rest[0]) || !isAlphanumeric(w.last()))
	case '\\':
		return rest == "" || !isAlphanumeric(rest[0])
	case '&':
		return mayBeReference(rest)
	}
	return true
}

// maxDigits is how many digits the number of an item may have in Markdown.
const maxDigits = 9

// mayBreak reports whether a space may be what comes first of rest. The end of
// rest is not the end of the line.
func mayBreak(rest string) bool {
	if rest == "" {
		return true
	}
	c := class[rest[0]]
	return c == space || c == control || c == wide
}

// isLineOfMarks reports whether a line that goes on with rest may have nothing but
// the marks of a rule, of an underlined heading, or of the second row of a table.
func isLineOfMarks(rest string) bool {
	for i := range len(rest) {
		switch b := rest[i]; class[b] {
		case space:
		case control, wide:
			return true
		default:
			if b != '-' && b != '=' && b != ':' && b != '|' {
				return false
			}
		}
	}
	return true
}

// standsAlone reports whether there is a space on both sides within the line.
func (w *Writer) standsAlone(rest string) bool {
	return w.last() == ' ' && rest != "" && class[rest[0]] == space
}

// mayBeReference reports whether an ampersand with rest after it may be read as a
// character reference.
func mayBeReference(rest string) bool {
	for i := range min(len(rest), 40) {
		switch b := rest[i]; {
		case b == ';':
			return i > 0
		case b == '#' && i == 0, isAlphanumeric(b):
		default:
			return class[b] == control || class[b] == wide
		}
	}
	return len(rest) < 40
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

// invisible returns the length of the character that s begins with where it is a
// space of some kind, or one that shows nothing; 0 where it is another.
func invisible(s string) (size int, isBlank bool) {
	if len(s) < 2 {
		return 0, false
	}
	switch a, b := s[0], s[1]; a {
	case 0xc2:
		switch {
		case b == 0xa0: // no-break space
			return 2, true
		case b == 0xad || b < 0xa0: // soft hyphen, C1 controls
			return 2, false
		}
	case 0xcd:
		if b == 0x8f { // combining grapheme joiner
			return 2, false
		}
	default:
		if len(s) >= 3 {
			return invisible3(s)
		}
	}
	return 0, false
}

// invisible3 is invisible for characters of three and four bytes.
func invisible3(s string) (size int, isBlank bool) {
	c := s[2]
	switch string(s[:2]) {
	case "\xe1\x85": // Hangul fillers
		if c == 0x9f || c == 0xa0 {
			return 3, false
		}
	case "\xe1\xa0":
		if c == 0x8e { // Mongolian vowel separator
			return 3, false
		}
	case "\xe2\x80":
		switch {
		case c <= 0x8a, c == 0xa8, c == 0xa9, c == 0xaf: // spaces, separators
			return 3, true
		case c <= 0x8d: // zero-width space and joiners
			return 3, false
		}
	case "\xe2\x81":
		switch {
		case c == 0x9f: // mathematical space
			return 3, true
		case c >= 0xa0 && c <= 0xa4: // word joiner, invisible operators
			return 3, false
		}
	case "\xe2\xa0":
		if c == 0x80 { // blank in Braille, a favourite filler
			return 3, true
		}
	case "\xe3\x80":
		if c == 0x80 { // ideographic space
			return 3, true
		}
	case "\xe3\x85":
		if c == 0xa4 { // Hangul filler
			return 3, false
		}
	case "\xef\xbb":
		if c == 0xbf { // byte order mark
			return 3, false
		}
	case "\xf3\xa0": // tags: a text within the text that nobody sees
		if (c == 0x80 || c == 0x81) && len(s) >= 4 {
			return 4, false
		}
	}
	return 0, false
}

// isJoiner reports whether s is one of the joiners of letters, which have a meaning
// within words of some scripts, and between the parts of an emoji.
func isJoiner(s string) bool { return s == "\u200c" || s == "\u200d" }

// isJoiner reports whether s is a joiner right after what it may join.
func (w *Writer) isJoiner(s string) bool {
	return !w.space && !w.newline && w.last() >= 0x80 && isJoiner(s)
}

// shifted writes the digits of a text above or below the line: "2<sup>10</sup>" is
// not 210.
func shifted(s string, shift Shift) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r < '0' || r > '9':
			return r
		case shift == Subscript:
			return r - '0' + '₀'
		case r == '1':
			return '¹'
		case r == '2' || r == '3':
			return r - '2' + '²'
		}
		return r - '0' + '⁰'
	}, s)
}

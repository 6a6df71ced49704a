// Package scan splits HTML into texts and tags, by the rules that browsers follow:
// its tokens are those of golang.org/x/net/html, to which a differential test holds
// it. It keeps what a mail's readable text needs, and no more: comments,
// declarations, and elements whose content is no markup (script, style, …) are
// passed over, and of the attributes those of Attribute are kept.
//
// Invariants: every byte is looked at a bounded number of times, whatever the
// input; nothing is copied or allocated, tokens are slices of the source.
package scan

import "strings"

// Kind is the kind of a token.
type Kind uint8

// The kinds.
const (
	Text Kind = iota
	StartTag
	EndTag
)

// Scanner reads the tokens of a source. What its fields say holds until the next
// call of Next.
type Scanner struct {
	src string
	pos int

	Kind Kind
	// Text is the text, with its character references as written.
	Text string
	// IsLiteral means that the text has no references: an ampersand is one.
	IsLiteral bool
	// Tag is the kind of element that a tag is of.
	Tag Tag
	// ID is that of the name of the element, 0 for one without a meaning.
	ID uint8
	// Name is as written.
	Name string
	// IsSelfClosing means that a start tag ends in "/>".
	IsSelfClosing bool

	isPlain bool // all that follows is text
	present uint16
	values  [attributes]string
}

// New returns a scanner at the beginning of a source.
func New(src string) Scanner { return Scanner{src: src} }

// Attr returns the value of an attribute of the start tag as written, or "". Where
// the attribute is repeated, the first one counts.
func (s *Scanner) Attr(a Attribute) string {
	if s.present&(1<<a) == 0 {
		return ""
	}
	return s.values[a]
}

// Has reports whether the start tag has an attribute.
func (s *Scanner) Has(a Attribute) bool { return s.present&(1<<a) != 0 }

// Next reads a token; false is the end.
func (s *Scanner) Next() bool {
	for s.pos < len(s.src) {
		if s.src[s.pos] != '<' || s.isPlain {
			s.readText()
			return true
		}
		switch kind := s.markup(); kind {
		case noMarkup:
			s.readText()
			return true
		case passedOver:
		default:
			return true
		}
	}
	return false
}

// outcome is what became of a '<'.
type outcome uint8

const (
	noMarkup outcome = iota
	passedOver
	found
)

// markup reads what begins with the '<' at the place in hand.
func (s *Scanner) markup() outcome {
	if s.pos+1 == len(s.src) {
		return noMarkup
	}
	b := s.src[s.pos+1]
	if isLetter(b) {
		return s.readStart()
	}
	switch b {
	case '/':
		if s.pos+2 == len(s.src) {
			return noMarkup
		}
		if isLetter(s.src[s.pos+2]) {
			return s.readEnd()
		}
		s.skipPast('>', s.pos+2)
		return passedOver
	case '!', '?':
		if strings.HasPrefix(s.src[s.pos:], "<!--") {
			s.skipComment()
		} else {
			s.skipPast('>', s.pos+2)
		}
		return passedOver
	}
	return noMarkup
}

// readText reads up to the next '<', of which the first byte may be one that
// begins no tag.
func (s *Scanner) readText() {
	start := s.pos
	s.pos = len(s.src)
	if !s.isPlain {
		if i := strings.IndexByte(s.src[start+1:], '<'); i >= 0 {
			s.pos = start + 1 + i
		}
	}
	s.Kind, s.Text, s.IsLiteral = Text, s.src[start:s.pos], s.isPlain
}

// skipPast moves behind the next b, or to the end.
func (s *Scanner) skipPast(b byte, from int) {
	i := strings.IndexByte(s.src[from:], b)
	if i < 0 {
		s.pos = len(s.src)
		return
	}
	s.pos = from + i + 1
}

// skipComment passes over a comment. It ends at "-->" or "--!>"; right after its
// beginning ">" or "->" will do.
func (s *Scanner) skipComment() {
	begin := s.pos + len("<!--")
	for s.pos = begin; ; {
		i := strings.IndexByte(s.src[s.pos:], '>')
		if i < 0 {
			s.pos = len(s.src)
			return
		}
		content := s.src[begin : s.pos+i]
		s.pos += i + 1
		if content == "" || content == "-" || strings.HasSuffix(content, "--") || strings.HasSuffix(content, "--!") {
			return
		}
	}
}

// readStart reads a start tag.
func (s *Scanner) readStart() outcome {
	s.Kind, s.present = StartTag, 0
	if !s.readTag(true) {
		return passedOver
	}
	switch s.Tag {
	case Raw:
		if s.Name[0]|0x20 == 's' && len(s.Name) == len("script") {
			s.skipScript()
		} else {
			s.skipRaw()
		}
		return passedOver
	case Plaintext:
		s.isPlain = true
		return passedOver
	}
	return found
}

// readEnd reads an end tag.
func (s *Scanner) readEnd() outcome {
	s.Kind = EndTag
	s.pos++
	if !s.readTag(false) {
		return passedOver
	}
	return found
}

// readTag reads a tag from the byte before its name on; false is one that never
// ends. End tags have attributes too, of which only the place of the end matters.
func (s *Scanner) readTag(keep bool) bool {
	s.readName()
	src := s.src
	slash := -1
	i := s.pos
	for i < len(src) {
		switch b := src[i]; {
		case class[b] != stop:
			i = s.readAttribute(i, keep)
		case b == '>':
			s.IsSelfClosing = slash == i-1
			s.pos = i + 1
			return true
		case b == '/':
			slash = i
			i++
		default:
			i++
		}
	}
	s.pos = len(src)
	return false
}

// readName reads the name of a tag.
func (s *Scanner) readName() {
	src := s.src
	start := s.pos + 1
	end := start
	var k key
	for end < len(src) && class[src[end]] != stop {
		k = k.with(lower[src[end]], end-start)
		end++
	}
	s.pos, s.Name = end, src[start:end]
	s.Tag, s.ID = lookUp(k, s.Name)
}

// readAttribute reads the attribute whose name begins at i, and returns where it
// ends.
func (s *Scanner) readAttribute(i int, keep bool) int {
	src := s.src
	start := i
	i++ // a name may begin with '='
	for i < len(src) && class[src[i]] == ordinary {
		i++
	}
	name := src[start:i]
	for i < len(src) && isSpace(src[i]) {
		i++
	}
	value := ""
	if i < len(src) && src[i] == '=' {
		i++
		for i < len(src) && isSpace(src[i]) {
			i++
		}
		if i == len(src) {
			return i
		}
		if quote := src[i]; quote == '"' || quote == '\'' {
			i++
			end := strings.IndexByte(src[i:], quote)
			if end < 0 {
				return len(src)
			}
			value = src[i : i+end]
			i += end + 1
		} else {
			begin := i
			for i < len(src) && src[i] != '>' && !isSpace(src[i]) {
				i++
			}
			value = src[begin:i]
		}
	}
	if keep && len(name) >= minAttribute && len(name) <= maxAttribute {
		s.keep(name, value)
	}
	return i
}

// keep remembers an attribute that has a meaning.
func (s *Scanner) keep(name, value string) {
	a := attributeOf(name)
	if a == attributes || s.present&(1<<a) != 0 {
		return
	}
	s.present |= 1 << a
	s.values[a] = value
}

// skipRaw passes over the content of an element that has no markup. Its end tag
// is a token like any other.
func (s *Scanner) skipRaw() {
	for {
		i := strings.Index(s.src[s.pos:], "</")
		if i < 0 {
			s.pos = len(s.src)
			return
		}
		s.pos += i
		if s.isEndOf(s.Name) {
			return
		}
		s.pos += len("</")
	}
}

// isEndOf reports whether the "</" at the place in hand begins the end tag of a
// name.
func (s *Scanner) isEndOf(name string) bool {
	begin := s.pos + len("</")
	return isName(s.src[begin:], name)
}

// isName reports whether s begins with the name of a tag.
func isName(s, name string) bool {
	return len(s) > len(name) && class[s[len(name)]] == stop && SameFold(s[:len(name)], name)
}

// skipScript is skipRaw for a script. In what looks like a comment, a script within
// the script may have an end tag of its own.
func (s *Scanner) skipScript() {
	const name = "script"
	comment := 0 // where the comment ends; 0 outside of one
	isInner := false
	for {
		i := strings.IndexByte(s.src[s.pos:], '<')
		if comment > 0 && (i < 0 || s.pos+i >= comment) && comment < len(s.src) {
			s.pos, comment, isInner = comment, 0, false
			continue
		}
		if i < 0 {
			s.pos = len(s.src)
			return
		}
		s.pos += i
		rest := s.src[s.pos:]
		switch {
		case strings.HasPrefix(rest, "</") && s.isEndOf(name):
			if !isInner {
				return
			}
			isInner = false
			s.pos += len("</script")
		case comment == 0 && strings.HasPrefix(rest, "<!--"):
			comment = len(s.src)
			s.pos += len("<!") // the dashes may be those of the end
			if end := strings.Index(s.src[s.pos:], "-->"); end >= 0 {
				comment = s.pos + end + len("-->")
			}
		case comment > 0 && !isInner && isName(rest[1:], name):
			isInner = true
			s.pos += len("<script")
		default:
			s.pos++
		}
	}
}

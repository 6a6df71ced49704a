package main

import "strings"

type tokenKind uint8

const (
	textToken tokenKind = iota
	startToken
	endToken
)

// scanner splits HTML into texts and tags, much as a browser does. Comments,
// declarations and elements whose content is no markup (script, style, …) are
// passed over: where their end is missing, so is all that follows. Every byte is
// looked at once.
type scanner struct {
	src string
	pos int

	kind tokenKind
	text string // of a text, with character references still in it
	tag  tag    // of a tag
	name string // of a tag, as written
	// attributes of a start tag, as written. What goes past the array is left out.
	attributes  [48]attribute
	count       int
	selfClosing bool
}

type attribute struct {
	name, value string
}

// attr returns the value of an attribute of the start tag, or "".
func (s *scanner) attr(name string) string {
	for i := range s.attributes[:s.count] {
		if a := &s.attributes[i]; sameFold(a.name, name) {
			return a.value
		}
	}
	return ""
}

// has reports whether the start tag has an attribute.
func (s *scanner) has(name string) bool {
	for i := range s.attributes[:s.count] {
		if sameFold(s.attributes[i].name, name) {
			return true
		}
	}
	return false
}

// next reads a token; false is the end.
func (s *scanner) next() bool {
	for s.pos < len(s.src) {
		start := s.pos
		if s.src[start] != '<' {
			s.readText(start)
			return true
		}
		var after byte
		if start+1 < len(s.src) {
			after = s.src[start+1]
		}
		switch {
		case isLetter(after):
			if s.readStart() {
				return true
			}
		case after == '/' && start+2 < len(s.src) && isLetter(s.src[start+2]):
			if s.readEnd() {
				return true
			}
		case after == '!' || after == '?' || after == '/' && start+2 < len(s.src):
			s.skipComment()
		default:
			s.readText(start)
			return true
		}
	}
	return false
}

// readText reads up to the next '<', of which the first byte may be one that
// begins no tag.
func (s *scanner) readText(start int) {
	end := strings.IndexByte(s.src[start+1:], '<')
	if end < 0 {
		s.pos = len(s.src)
	} else {
		s.pos = start + 1 + end
	}
	s.kind, s.text = textToken, s.src[start:s.pos]
}

// skipComment passes over a comment, a declaration or what browsers take for one.
func (s *scanner) skipComment() {
	rest := s.src[s.pos:]
	body, isComment := strings.CutPrefix(rest, "<!--")
	switch {
	case !isComment:
		s.skipPast(">", 2)
	case strings.HasPrefix(body, ">"):
		s.pos += len("<!-->")
	case strings.HasPrefix(body, "->"):
		s.pos += len("<!--->")
	default:
		s.skipPast("-->", len("<!--"))
	}
}

// skipPast moves behind the next occurrence of end, or to the end.
func (s *scanner) skipPast(end string, from int) {
	from += s.pos
	i := strings.Index(s.src[from:], end)
	if i < 0 {
		s.pos = len(s.src)
		return
	}
	s.pos = from + i + len(end)
}

// readEnd reads an end tag; false is one that never ends.
func (s *scanner) readEnd() bool {
	s.pos += 2
	s.readName()
	s.skipPast(">", 0)
	s.kind = endToken
	return s.src[s.pos-1] == '>'
}

// readName reads the name of a tag.
func (s *scanner) readName() {
	start := s.pos
	for s.pos < len(s.src) && !isSpace(s.src[s.pos]) && s.src[s.pos] != '>' && s.src[s.pos] != '/' {
		s.pos++
	}
	s.name = s.src[start:s.pos]
	s.tag = tagOf(s.name)
}

// readStart reads a start tag; false is one that never ends, or whose content is
// no markup.
func (s *scanner) readStart() bool {
	s.pos++
	s.readName()
	s.kind, s.count, s.selfClosing = startToken, 0, false
	for s.pos < len(s.src) {
		switch b := s.src[s.pos]; {
		case b == '>':
			s.pos++
			if s.tag == rawTag {
				s.skipRaw()
				return false
			}
			return true
		case b == '/':
			s.pos++
			s.selfClosing = s.pos < len(s.src) && s.src[s.pos] == '>'
		case isSpace(b):
			s.pos++
		default:
			s.readAttribute()
		}
	}
	return false
}

func (s *scanner) readAttribute() {
	start := s.pos
	s.pos++ // a name may begin with '='
	for s.pos < len(s.src) && !isSpace(s.src[s.pos]) && strings.IndexByte("=>/", s.src[s.pos]) < 0 {
		s.pos++
	}
	a := attribute{name: s.src[start:s.pos]}
	end := s.pos
	for end < len(s.src) && isSpace(s.src[end]) {
		end++
	}
	if end < len(s.src) && s.src[end] == '=' {
		s.pos = end + 1
		a.value = s.readValue()
	} else {
		s.pos = end
	}
	if s.count < len(s.attributes) {
		s.attributes[s.count] = a
		s.count++
	}
}

func (s *scanner) readValue() string {
	for s.pos < len(s.src) && isSpace(s.src[s.pos]) {
		s.pos++
	}
	if s.pos == len(s.src) {
		return ""
	}
	start := s.pos
	if quote := s.src[start]; quote == '"' || quote == '\'' {
		start++
		end := strings.IndexByte(s.src[start:], quote)
		if end < 0 {
			s.pos = len(s.src)
			return ""
		}
		s.pos = start + end + 1
		return s.src[start : start+end]
	}
	for s.pos < len(s.src) && !isSpace(s.src[s.pos]) && s.src[s.pos] != '>' {
		s.pos++
	}
	return s.src[start:s.pos]
}

// skipRaw passes over the content of an element that has no markup, and its end
// tag.
func (s *scanner) skipRaw() {
	for {
		i := strings.Index(s.src[s.pos:], "</")
		if i < 0 {
			s.pos = len(s.src)
			return
		}
		s.pos += i + 2
		end := s.pos + len(s.name)
		if end < len(s.src) && sameFold(s.src[s.pos:end], s.name) && (isSpace(s.src[end]) || s.src[end] == '>' || s.src[end] == '/') {
			s.skipPast(">", 0)
			return
		}
	}
}

// tag is a kind of element.
type tag uint8

const (
	otherTag   tag = iota // inline, without a meaning here
	rawTag                // its content is no markup
	droppedTag            // neither it nor its content shows
	svgTag                // as droppedTag; may close itself
	brTag
	hrTag
	imgTag
	voidTag // without content or meaning
	aTag
	boldTag
	emTag
	strikeTag
	codeTag
	// From here on, elements that are blocks.
	blockTag // without another meaning
	divTag
	pTag
	h1Tag
	h2Tag
	h3Tag
	h4Tag
	h5Tag
	h6Tag
	preTag
	quoteTag
	ulTag
	olTag
	liTag
	tableTag
	sectionOfTableTag
	trTag
	tdTag
	thTag
)

func (t tag) isBlock() bool     { return t >= blockTag || t == hrTag }
func (t tag) isVoid() bool      { return t >= brTag && t <= voidTag }
func (t tag) isDropped() bool   { return t == droppedTag || t == svgTag }
func (t tag) isHeading() bool   { return t >= h1Tag && t <= h6Tag }
func (t tag) isTablePart() bool { return t >= tableTag }

// tagOf tells the kind of an element by its name in any case.
func tagOf(name string) tag {
	var lower [12]byte
	if len(name) > len(lower) {
		return otherTag
	}
	for i := range len(name) {
		lower[i] = toLower(name[i])
	}
	switch string(lower[:len(name)]) {
	case "script", "style", "title", "textarea", "iframe", "noembed", "noframes", "xmp":
		return rawTag
	case "template", "xml", "object", "audio", "video", "canvas", "select", "datalist", "applet", "math":
		return droppedTag
	case "svg":
		return svgTag
	case "br":
		return brTag
	case "hr":
		return hrTag
	case "img":
		return imgTag
	case "meta", "link", "base", "input", "col", "wbr", "area", "embed", "param", "source", "track", "basefont", "bgsound", "frame":
		return voidTag
	case "a":
		return aTag
	case "b", "strong":
		return boldTag
	case "i", "em", "cite", "var", "dfn":
		return emTag
	case "s", "strike", "del":
		return strikeTag
	case "code", "tt", "kbd", "samp":
		return codeTag
	case "div":
		return divTag
	case "p":
		return pTag
	case "h1":
		return h1Tag
	case "h2":
		return h2Tag
	case "h3":
		return h3Tag
	case "h4":
		return h4Tag
	case "h5":
		return h5Tag
	case "h6":
		return h6Tag
	case "pre", "listing":
		return preTag
	case "blockquote":
		return quoteTag
	case "ul", "menu", "dir":
		return ulTag
	case "ol":
		return olTag
	case "li":
		return liTag
	case "table":
		return tableTag
	case "thead", "tbody", "tfoot", "caption", "colgroup":
		return sectionOfTableTag
	case "tr":
		return trTag
	case "td":
		return tdTag
	case "th":
		return thTag
	case "html", "head", "body", "address", "article", "aside", "center", "dd", "details", "dialog", "dl", "dt", "fieldset",
		"figcaption", "figure", "footer", "form", "header", "hgroup", "legend", "main", "nav", "option", "section", "summary":
		return blockTag
	}
	return otherTag
}

func isSpace(b byte) bool { return b == ' ' || b >= '\t' && b <= '\r' }

func isLetter(b byte) bool { return toLower(b) >= 'a' && toLower(b) <= 'z' }

// isWordByte reports whether a byte is of a letter or a digit, as far as a byte
// tells.
func isWordByte(b byte) bool { return isLetter(b) || b >= '0' && b <= '9' || b >= 0x80 }

func toLower(b byte) byte {
	if b >= 'A' && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}

// sameFold reports whether two names are the same but for the case of ASCII
// letters.
func sameFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if toLower(a[i]) != toLower(b[i]) {
			return false
		}
	}
	return true
}

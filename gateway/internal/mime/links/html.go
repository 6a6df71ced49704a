package links

import (
	"slices"
	"strings"
	"unicode"
)

// AddHTML adds the links of a and area elements, in order. The text of a link is
// its content without tags, white space collapsed, with the alternative text of
// pictures; it ends where the next link begins, since links do not nest.
func (s *Set) AddHTML(content string) {
	h := htmlScanner{set: s, rest: content}
	for h.next() {
		if s.cut && len(s.links) == MaxLinks {
			return
		}
	}
	h.closeLink()
}

// htmlScanner goes over an HTML text from tag to tag. Of most of them it looks
// for the end only: what costs time is to be paid by links alone.
type htmlScanner struct {
	set  *Set
	rest string // what is not scanned yet
	url  string // of the open link; empty outside of one
	text collapser
}

// next handles the text up to the next tag, and the tag. It returns false at the
// end.
func (h *htmlScanner) next() bool {
	i := strings.IndexByte(h.rest, '<')
	if i < 0 || i+1 == len(h.rest) {
		h.addText(h.rest)
		return false
	}
	kind := h.rest[i+1]
	if !letter(kind) && kind != '/' && kind != '!' && kind != '?' {
		h.addText(h.rest[:i+1])
		h.rest = h.rest[i+1:]
		return true
	}
	h.addText(h.rest[:i])
	h.rest = h.rest[i+1:]
	switch kind {
	case '/':
		return h.end()
	case '!', '?':
		h.rest = h.rest[declarationLen(h.rest):]
		return true
	}
	t, n := scanTag(h.rest)
	if n == 0 { // a tag without an end is dropped, and so is all that follows
		return false
	}
	h.rest = h.rest[n:]
	h.open(t)
	return true
}

func (h *htmlScanner) addText(raw string) {
	if h.url != "" {
		h.text.add(unescape(raw))
	}
}

// end handles an end tag, without its "<".
func (h *htmlScanner) end() bool {
	switch {
	case len(h.rest) == 1: // no tag, but "</" at the end of all text
		h.addText("</")
		return false
	case !letter(h.rest[1]):
		h.rest = h.rest[declarationLen(h.rest):]
		return true
	}
	t, n := scanTag(h.rest[1:])
	if n == 0 {
		return false
	}
	h.rest = h.rest[1+n:]
	if t.is("a") {
		h.closeLink()
	} else {
		h.breakWord(t)
	}
	return true
}

func (h *htmlScanner) open(t tag) {
	switch {
	case t.is("a"):
		h.closeLink()
		if url := cleanURL(t.attr("href")); absolute(url) {
			h.url = url
		}
	case t.is("area"):
		if url := cleanURL(t.attr("href")); absolute(url) {
			var alt collapser
			alt.add(t.attr("alt"))
			h.set.add(url, alt.String())
		}
	case t.is("img"):
		if h.url != "" {
			h.text.add(t.attr("alt"))
		}
	case t.raw():
		h.rest = h.rest[rawLen(h.rest, t.name):]
	default:
		h.breakWord(t)
	}
}

func (h *htmlScanner) closeLink() {
	if h.url != "" {
		h.set.add(h.url, h.text.String())
	}
	h.url, h.text = "", collapser{}
}

// breakWord keeps the words of neighbouring blocks apart.
func (h *htmlScanner) breakWord(t tag) {
	if h.url == "" || h.text.gap {
		return
	}
	blocks := []string{"br", "div", "p", "td", "tr", "li", "h1", "h2", "h3", "h4"}
	h.text.gap = slices.ContainsFunc(blocks, t.is)
}

// cleanURL removes what browsers remove before they follow a link: white space
// and control characters around it, tabs and line breaks within.
func cleanURL(url string) string {
	url = strings.TrimFunc(url, func(r rune) bool { return r <= ' ' })
	if isGraphic(url) {
		return url
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, url)
}

// isGraphic reports whether s consists of the visible characters of ASCII.
func isGraphic(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// collapser builds one line of at most maxText characters.
type collapser struct {
	b     strings.Builder
	runes int
	gap   bool
}

func (c *collapser) add(s string) {
	for _, r := range s {
		if c.runes == maxText {
			return
		}
		if unicode.IsSpace(r) || unicode.IsControl(r) {
			c.gap = true
			continue
		}
		if c.gap && c.runes > 0 {
			c.b.WriteByte(' ')
			c.runes++
		}
		c.gap = false
		if c.runes < maxText {
			c.b.WriteRune(r)
			c.runes++
		}
	}
}

func (c *collapser) String() string { return c.b.String() }

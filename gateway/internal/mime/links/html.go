package links

import (
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// AddHTML adds the links of a and area elements, in order. The text of a link is
// its content without tags, white space collapsed, with the alternative text of
// pictures; it ends where the next link begins, since links do not nest.
func (s *Set) AddHTML(content string) {
	h := htmlScanner{set: s, z: html.NewTokenizer(strings.NewReader(content))}
	for h.next() {
		if s.cut && len(s.links) == MaxLinks {
			return
		}
	}
	h.closeLink()
}

type htmlScanner struct {
	set  *Set
	z    *html.Tokenizer
	url  string // of the open link; empty outside of one
	text collapser
	skip atom.Atom // inside of this element, whose content is no text
}

// next handles one token. It returns false at the end.
func (h *htmlScanner) next() bool {
	switch h.z.Next() {
	case html.ErrorToken: // a reader of a string has no other error than its end
		return false
	case html.TextToken:
		if h.url != "" && h.skip == 0 {
			h.text.add(string(h.z.Text()))
		}
	case html.StartTagToken, html.SelfClosingTagToken:
		name, hasAttr := h.z.TagName()
		h.open(atom.Lookup(name), hasAttr)
	case html.EndTagToken:
		name, _ := h.z.TagName()
		switch a := atom.Lookup(name); a {
		case atom.A:
			h.closeLink()
		case h.skip:
			h.skip = 0
		default:
			h.text.breakWord(a)
		}
	}
	return true
}

func (h *htmlScanner) open(tag atom.Atom, hasAttr bool) {
	switch tag {
	case atom.A:
		h.closeLink()
		if url := cleanURL(h.attr("href", hasAttr)); absolute(url) {
			h.url = url
		}
	case atom.Area:
		attrs := h.attrs(hasAttr, "href", "alt")
		if url := cleanURL(attrs[0]); absolute(url) {
			var alt collapser
			alt.add(attrs[1])
			h.set.add(url, alt.String())
		}
	case atom.Img:
		if h.url != "" {
			h.text.add(h.attr("alt", hasAttr))
		}
	case atom.Script, atom.Style:
		h.skip = tag
	default:
		h.text.breakWord(tag)
	}
}

func (h *htmlScanner) closeLink() {
	if h.url != "" {
		h.set.add(h.url, h.text.String())
	}
	h.url, h.text = "", collapser{}
}

func (h *htmlScanner) attr(name string, hasAttr bool) string {
	return h.attrs(hasAttr, name)[0]
}

// attrs returns the values of the named attributes of the current tag. Of a
// repeated attribute the first counts, as in browsers.
func (h *htmlScanner) attrs(hasAttr bool, names ...string) []string {
	values := make([]string, len(names))
	seen := make([]bool, len(names))
	for hasAttr {
		var key, value []byte
		key, value, hasAttr = h.z.TagAttr()
		for i, name := range names {
			if !seen[i] && string(key) == name {
				values[i], seen[i] = string(value), true
			}
		}
	}
	return values
}

// cleanURL removes what browsers remove before they follow a link: white space
// and control characters around it, tabs and line breaks within.
func cleanURL(url string) string {
	url = strings.TrimFunc(url, func(r rune) bool { return r <= ' ' })
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, url)
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

// breakWord keeps the words of neighbouring blocks apart.
func (c *collapser) breakWord(tag atom.Atom) {
	switch tag {
	case atom.Br, atom.Div, atom.P, atom.Td, atom.Tr, atom.Li, atom.H1, atom.H2, atom.H3, atom.H4:
		c.gap = true
	}
}

func (c *collapser) String() string { return c.b.String() }

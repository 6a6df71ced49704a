package main

import (
	"strconv"
	"strings"
)

// maxLinks is how many links a page keeps, the last ones: the way out of a
// mailing stands at its foot.
const maxLinks = 500

// page is the readable text of a body, with what is in it.
type page struct {
	text      []byte
	links     []link
	linkCount int // of all links, kept or not
	images    int
}

// link is a link of a page; start and end are where its words stand in the text.
type link struct {
	url        string
	start, end int
}

func (p *page) addLink(l link) {
	p.linkCount++
	if len(p.links) == 2*maxLinks {
		// Only every maxLinks-th time, so that it stays linear.
		p.links = append(p.links[:0], p.links[maxLinks:]...)
	}
	p.links = append(p.links, l)
}

// readText reads a plain text. Quoted lines are left out, which another wrote;
// so are the links themselves, whose words are no prose.
func readText(s string) *page {
	p := &page{text: make([]byte, 0, len(s))}
	for len(s) > 0 {
		line, rest, _ := strings.Cut(s, "\n")
		s = rest
		if strings.HasPrefix(line, ">") {
			continue
		}
		for {
			i := strings.Index(line, "http")
			if i < 0 {
				break
			}
			p.text = append(p.text, line[:i]...)
			line = line[i:]
			if !strings.HasPrefix(line, "http://") && !strings.HasPrefix(line, "https://") {
				p.text = append(p.text, "http"...)
				line = line[len("http"):]
				continue
			}
			end := strings.IndexAny(line, " \t\r<>\"|")
			if end < 0 {
				end = len(line)
			}
			p.addLink(link{line[:end], len(p.text), len(p.text)})
			line = line[end:]
		}
		p.text = append(append(p.text, line...), '\n')
	}
	return p
}

// readHTML reads HTML in one pass. It is no parser: it needs the words, the
// links and the number of images, and takes whatever markup it is given.
func readHTML(s string) *page {
	p := &page{text: make([]byte, 0, len(s)/2)}
	var open *link
	closeLink := func() {
		if open != nil {
			open.end = len(p.text)
			p.addLink(*open)
			open = nil
		}
	}
	for len(s) > 0 {
		switch {
		case s[0] == '&':
			s = p.entity(s)
		case s[0] != '<':
			n := strings.IndexAny(s, "<&")
			if n < 0 {
				n = len(s)
			}
			p.text = append(p.text, s[:n]...)
			s = s[n:]
		case strings.HasPrefix(s, "<!--"):
			s = after(s[len("<!--"):], "-->")
		default:
			var t tag
			t, s = readTag(s)
			switch t.name {
			case "":
				// "<" that begins no tag is text; a space does for the words.
				p.text = append(p.text, ' ')
			case "a":
				closeLink()
				if t.link() {
					open = &link{url: t.target, start: len(p.text)}
				}
			case "/a":
				closeLink()
			case "img":
				p.images++
			case "style", "script", "title":
				s = afterFold(s, "</"+t.name)
			case "b", "i", "em", "strong", "u", "span", "font", "/b", "/i", "/em", "/strong", "/u", "/span", "/font", "wbr":
				// They stand inside of words.
			default:
				p.text = append(p.text, '\n')
			}
		}
	}
	closeLink()
	return p
}

// entity appends what a character reference at the start of s stands for, and
// returns the rest. Of the named ones it knows the letters of the languages that
// the phrases are in; package html would know all, for 100 kB of tables.
func (p *page) entity(s string) string {
	const longest = 10
	end := strings.IndexByte(s[:min(len(s), longest)], ';')
	if end < 0 {
		p.text = append(p.text, '&')
		return s[1:]
	}
	name := s[1:end]
	if number, ok := strings.CutPrefix(name, "#"); ok {
		base := 10
		if strings.HasPrefix(number, "x") || strings.HasPrefix(number, "X") {
			number, base = number[1:], 16
		}
		if n, err := strconv.ParseUint(number, base, 21); err == nil {
			p.text = append(p.text, string(rune(n))...)
		}
		return s[end+1:]
	}
	p.text = append(p.text, namedEntity(name)...)
	return s[end+1:]
}

func namedEntity(name string) string {
	if letter, mark, ok := cutMark(name); ok {
		const letters = "aeioucnAEIOUCN"
		var marked []rune
		switch mark {
		case "uml":
			marked = []rune("äëïöü··ÄËÏÖÜ··")
		case "acute":
			marked = []rune("áéíóú··ÁÉÍÓÚ··")
		case "grave":
			marked = []rune("àèìòù··ÀÈÌÒÙ··")
		case "circ":
			marked = []rune("âêîôû··ÂÊÎÔÛ··")
		case "tilde":
			marked = []rune("ã··õ··ñÃ··Õ··Ñ")
		case "cedil":
			marked = []rune("·····ç······Ç·")
		}
		if i := strings.IndexByte(letters, letter); i >= 0 {
			return string(marked[i])
		}
	}
	switch name {
	case "szlig":
		return "ß"
	case "percnt":
		return "%"
	case "shy", "zwnj", "zwj":
		return "" // they stand inside of words
	}
	return " "
}

// cutMark takes "eacute" apart.
func cutMark(name string) (letter byte, mark string, ok bool) {
	if len(name) < 2 {
		return 0, "", false
	}
	switch name[1:] {
	case "uml", "acute", "grave", "circ", "tilde", "cedil":
		return name[0], name[1:], true
	}
	return 0, "", false
}

// tag is a start or end tag; target is its href.
type tag struct{ name, target string }

// link reports whether it links to a page, rather than within the mail.
func (t tag) link() bool {
	const longest = len("https://")
	start := strings.ToLower(t.target[:min(len(t.target), longest)])
	return strings.HasPrefix(start, "http://") || strings.HasPrefix(start, "https://") || strings.HasPrefix(start, "mailto:")
}

// readTag reads the tag at the start of s, which begins with "<", and returns
// what comes after. A tag that does not end takes all of s.
func readTag(s string) (t tag, rest string) {
	// Before anything is scanned: "<<<<" is to take linear time.
	if len(s) < 2 || s[1] != '/' && s[1] != '!' && s[1] != '?' && !isLetter(s[1]) {
		return tag{}, s[1:]
	}
	const longest = 12 // no name that matters is longer
	end := 1
	for end < len(s) && !isSpace(s[end]) && s[end] != '>' && (s[end] != '/' || end == 1) {
		end++
	}
	t.name = strings.ToLower(s[1:min(end, longest)])
	s = s[end:]
	for len(s) > 0 && s[0] != '>' {
		if isSpace(s[0]) || s[0] == '/' {
			s = s[1:]
			continue
		}
		var name, value string
		name, value, s = readAttribute(s)
		if len(name) == len("href") && strings.EqualFold(name, "href") && t.target == "" {
			t.target = strings.TrimSpace(value)
		}
	}
	if len(s) > 0 {
		s = s[1:]
	}
	return t, s
}

// readAttribute reads one attribute. It takes one octet of s at least.
func readAttribute(s string) (name, value, rest string) {
	end := 1
	for end < len(s) && !isSpace(s[end]) && s[end] != '=' && s[end] != '>' && s[end] != '/' {
		end++
	}
	name, s = s[:end], strings.TrimLeft(s[end:], spaces)
	if s == "" || s[0] != '=' {
		return name, "", s
	}
	s = strings.TrimLeft(s[1:], spaces)
	if s == "" {
		return name, "", ""
	}
	if s[0] == '"' || s[0] == '\'' {
		value, rest, _ = strings.Cut(s[1:], s[:1])
		return name, value, rest
	}
	end = 0
	for end < len(s) && !isSpace(s[end]) && s[end] != '>' {
		end++
	}
	return name, s[:end], s[end:]
}

const spaces = " \t\r\n\f"

func isSpace(c byte) bool { return strings.IndexByte(spaces, c) >= 0 }

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// after returns what follows the first separator, or nothing.
func after(s, separator string) string {
	_, rest, _ := strings.Cut(s, separator)
	return rest
}

// afterFold is after for a separator in lower case, found in either.
func afterFold(s, separator string) string {
	for {
		i := strings.IndexByte(s, separator[0])
		if i < 0 || len(s)-i < len(separator) {
			return ""
		}
		s = s[i:]
		if strings.EqualFold(s[:len(separator)], separator) {
			return s[len(separator):]
		}
		s = s[1:]
	}
}

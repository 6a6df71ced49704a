package page

import (
	"strconv"
	"strings"
)

// ReadHTML reads HTML in one pass. Where a mail program put what it quotes or
// forwards, it ends.
func ReadHTML(s string) *Page {
	p := &Page{Text: make([]byte, 0, len(s)/2)}
	var open *Link
	closeLink := func() {
		if open != nil {
			open.End = len(p.Text)
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
			p.Text = append(p.Text, s[:n]...)
			s = s[n:]
		case strings.HasPrefix(s, "<!--"):
			s = after(s[len("<!--"):], "-->")
		default:
			var t tag
			t, s = readTag(s)
			if t.quotes {
				p.Quotes = true
				s = ""
			}
			if t.hidden && len(p.Text) < atTop {
				p.Preheader = true
			}
			switch t.name {
			case "":
				// "<" that begins no tag is text; a space does for the words.
				p.Text = append(p.Text, ' ')
			case "a":
				closeLink()
				if t.link() {
					open = &Link{URL: t.target, Start: len(p.Text)}
				}
			case "/a":
				closeLink()
			case "img":
				p.Images++
			case "table":
				p.Tables++
				p.Text = append(p.Text, '\n')
			case "style", "script", "title":
				s = after(afterFold(s, "</"+t.name), ">")
			case "b", "i", "em", "strong", "u", "span", "font", "/b", "/i", "/em", "/strong", "/u", "/span", "/font", "wbr":
				// They stand inside of words.
			default:
				p.Text = append(p.Text, '\n')
			}
		}
	}
	closeLink()
	return p
}

// entity appends what a character reference at the start of s stands for, and
// returns the rest. Of the named ones it knows the letters of the languages that
// the phrases are in; package html would know all, for 100 kB of tables.
func (p *Page) entity(s string) string {
	const longest = 10
	end := strings.IndexByte(s[:min(len(s), longest)], ';')
	if end < 0 {
		p.Text = append(p.Text, '&')
		return s[1:]
	}
	name := s[1:end]
	if number, ok := strings.CutPrefix(name, "#"); ok {
		base := 10
		if strings.HasPrefix(number, "x") || strings.HasPrefix(number, "X") {
			number, base = number[1:], 16
		}
		if n, err := strconv.ParseUint(number, base, 21); err == nil {
			p.Text = append(p.Text, string(rune(n))...)
		}
		return s[end+1:]
	}
	p.Text = append(p.Text, namedEntity(name)...)
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

// atTop is before how many octets of text a preheader stands.
const atTop = 200

// tag is a start or end tag.
type tag struct {
	name   string
	target string // its href
	quotes bool   // it holds a mail that is quoted
	hidden bool   // it is not shown
}

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
		t.attribute(name, value)
	}
	if len(s) > 0 {
		s = s[1:]
	}
	return t, s
}

// maxAttribute is how much of an attribute is looked at, but for a link.
const maxAttribute = 512

// attribute takes what matters from an attribute.
func (t *tag) attribute(name, value string) {
	short := value[:min(len(value), maxAttribute)]
	switch {
	case is(name, "href"):
		if t.target == "" {
			t.target = strings.TrimSpace(value)
		}
	case is(name, "class"):
		// Gmail, Yahoo, Proton, Thunderbird. The line that says who wrote what is
		// quoted goes with it.
		t.quotes = t.quotes || containsAny(short, "gmail_quote", "yahoo_quoted", "protonmail_quote", "moz-cite-prefix", "moz-forward-container")
	case is(name, "id"):
		t.quotes = t.quotes || short == "divRplyFwdMsg" || short == "appendonsend" // Outlook
	case is(name, "type"):
		t.quotes = t.quotes || t.name == "blockquote" && strings.EqualFold(value, "cite") // Apple Mail
	case is(name, "style"):
		t.hidden = containsAny(short, "display:none", "display: none")
	}
}

// is compares an attribute's name, most of which are of another length.
func is(name, lower string) bool { return len(name) == len(lower) && strings.EqualFold(name, lower) }

func containsAny(s string, parts ...string) bool {
	for _, p := range parts {
		if strings.Contains(s, p) {
			return true
		}
	}
	return false
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

package links

import (
	"strings"

	"golang.org/x/net/html"
)

// This file cuts HTML into tags by the rules of the HTML standard (section
// 13.2.5), as browsers do whatever the text looks like. It stands here because
// the tokenizer of x/net/html takes most of the time that a mail takes; a test
// and a fuzz target hold that both find the same links. It differs on purpose in
// two places: noscript is read like any other element, since readers of mail run
// no scripts; and a script ends at its first end tag, whatever comments it holds.

// tag is a start or end tag: its name and the attributes, both as written.
type tag struct {
	name, attrs string
}

// is reports whether the tag has that name, which is in lower case.
func (t tag) is(name string) bool { return equalName(t.name, name) }

// raw reports whether what follows the start tag is text without tags up to its
// end tag. None of it is shown as the text of a link.
func (t tag) raw() bool {
	switch len(t.name) {
	case len("xmp"):
		return t.is("xmp")
	case len("style"):
		return t.is("style") || t.is("title")
	case len("script"):
		return t.is("script") || t.is("iframe")
	case len("noembed"):
		return t.is("noembed")
	case len("noframes"):
		return t.is("noframes") || t.is("textarea")
	case len("plaintext"):
		return t.is("plaintext")
	}
	return false
}

// attr returns the value of an attribute. Of a repeated one the first counts.
func (t tag) attr(name string) string {
	for rest := t.attrs; ; {
		rest = trimSpace(rest)
		if rest == "" {
			return ""
		}
		var key, value string
		key, value, rest = scanAttr(rest)
		if equalName(key, name) {
			return unescapeAttr(value)
		}
	}
}

// isSpace reports whether c separates attributes.
func isSpace(c byte) bool {
	return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f'
}

func trimSpace(s string) string {
	for s != "" && isSpace(s[0]) {
		s = s[1:]
	}
	return s
}

// scanTag reads a tag from its name on. It returns the length up to and with the
// ">", or 0 where that is missing.
func scanTag(s string) (t tag, n int) {
	end := strings.IndexByte(s, '>')
	if end < 0 {
		return tag{}, 0
	}
	name := 0
	for s[name] != '>' && s[name] != '/' && !isSpace(s[name]) {
		name++
	}
	if name == end {
		return tag{name: s[:end]}, end + 1
	}
	// Outside of quotes the first ">" ends the tag. Whether a quote opens a value
	// depends on what is before it.
	if strings.IndexByte(s[name:end], '"') >= 0 || strings.IndexByte(s[name:end], '\'') >= 0 {
		rest := trimSpace(s[name:])
		for rest != "" && rest[0] != '>' {
			_, _, rest = scanAttr(rest)
			rest = trimSpace(rest)
		}
		if rest == "" {
			return tag{}, 0
		}
		end = len(s) - len(rest)
	}
	return tag{name: s[:name], attrs: s[name:end]}, end + 1
}

// scanAttr reads one attribute, or one slash, and returns what follows it. s
// begins with neither white space nor ">".
func scanAttr(s string) (key, value, rest string) {
	if s[0] == '/' {
		return "", "", s[1:]
	}
	end := 1 // an equals sign at the beginning belongs to the name
	for end < len(s) && s[end] != '=' && s[end] != '/' && s[end] != '>' && !isSpace(s[end]) {
		end++
	}
	key, rest = s[:end], trimSpace(s[end:])
	switch {
	case strings.HasPrefix(rest, "/"):
		return key, "", rest[1:]
	case !strings.HasPrefix(rest, "="):
		return key, "", rest
	}
	rest = trimSpace(rest[1:])
	if rest == "" || rest[0] == '>' {
		return key, "", rest
	}
	if quote := rest[0]; quote == '"' || quote == '\'' {
		rest = rest[1:]
		if end = strings.IndexByte(rest, quote); end < 0 {
			return key, rest, ""
		}
		return key, rest[:end], rest[end+1:]
	}
	end = 0
	for end < len(rest) && rest[end] != '>' && !isSpace(rest[end]) {
		end++
	}
	return key, rest[:end], rest[end:]
}

// declarationLen returns the length of what is no tag though it begins like one,
// without its "<": a comment, a document type, a processing instruction, an end
// tag without a name.
func declarationLen(s string) int {
	if strings.HasPrefix(s, "!--") {
		return len("!--") + commentLen(s[len("!--"):])
	}
	if end := strings.IndexByte(s, '>'); end >= 0 {
		return end + 1
	}
	return len(s)
}

// commentLen returns the length of a comment behind its "<!--". It ends with
// "-->" or "--!>", and at once with ">" or "->".
func commentLen(s string) int {
	switch {
	case strings.HasPrefix(s, ">"):
		return len(">")
	case strings.HasPrefix(s, "->"):
		return len("->")
	}
	for i := 0; ; {
		dashes := strings.Index(s[i:], "--")
		if dashes < 0 {
			return len(s)
		}
		i += dashes + len("--")
		end := i
		for end < len(s) && s[end] == '-' {
			end++
		}
		switch {
		case strings.HasPrefix(s[end:], ">"):
			return end + len(">")
		case strings.HasPrefix(s[end:], "!>"):
			return end + len("!>")
		}
		i = end
	}
}

// rawLen returns the length of the text behind the start tag of a raw element,
// up to its end tag or, without one, to the end. Plaintext has no end tag.
func rawLen(s, name string) int {
	lower := strings.ToLower(name)
	if lower == "plaintext" {
		return len(s)
	}
	for i := 0; ; {
		end := strings.Index(s[i:], "</")
		if end < 0 {
			return len(s)
		}
		i += end
		after := i + len("</") + len(name)
		if after < len(s) && equalName(s[i+len("</"):after], lower) && (s[after] == '/' || s[after] == '>' || isSpace(s[after])) {
			return i
		}
		i += len("</")
	}
}

// equalName compares a name with one in lower case. Only ASCII letters have
// cases here.
func equalName(s, lower string) bool {
	if len(s) != len(lower) {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// unescape resolves character references in text.
func unescape(s string) string {
	if strings.IndexByte(s, '&') < 0 {
		return s
	}
	return html.UnescapeString(s)
}

// unescapeAttr resolves character references in the value of an attribute, where
// "&copy=1" is no sign of copyright but part of a URL (HTML section 13.2.5.73).
func unescapeAttr(s string) string {
	if strings.IndexByte(s, '&') < 0 {
		return s
	}
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '&')
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:i])
		s = s[i:]
		n := referenceLen(s)
		text := html.UnescapeString(s[:n])
		named := n > 1 && s[1] != '#'
		switch {
		case n == 1, named && s[n-1] != ';' && n < len(s) && s[n] == '=', named && !whole(text):
			b.WriteByte('&')
			s = s[1:]
		default:
			b.WriteString(text)
			s = s[n:]
		}
	}
}

// whole reports whether the text of a named reference is that of the whole name.
// In text, but not here, a name may be found at the beginning of a longer one;
// what is left of the longer one is then at the end.
func whole(text string) bool {
	last := text[len(text)-1]
	return text == ";" || (last != ';' && !letter(last) && (last < '0' || last > '9'))
}

// referenceLen returns the length of what may be a character reference; 1 where
// there is none behind the "&".
func referenceLen(s string) int {
	i := 1
	digits := "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	if strings.HasPrefix(s, "&#") {
		i, digits = 2, "0123456789"
		if len(s) > 2 && s[2]|0x20 == 'x' {
			i, digits = 3, "0123456789abcdefABCDEF"
		}
	}
	start := i
	for i < len(s) && strings.IndexByte(digits, s[i]) >= 0 {
		i++
	}
	switch {
	case i == start:
		return 1
	case i < len(s) && s[i] == ';':
		i++
	}
	return i
}

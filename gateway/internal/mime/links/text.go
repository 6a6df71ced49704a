package links

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// AddText adds the bare URLs of a plain text: http:// and https:// anywhere
// that no letter or digit stands before, mailto: with an address. The text of
// such a link is the URL itself, for that is what the reader sees.
func (s *Set) AddText(content string) {
	for content != "" {
		// Every URL has a colon, and little else in a text has: jumping from one
		// to the next is what makes this fast.
		colon := strings.IndexByte(content, ':')
		if colon < 0 {
			return
		}
		start, ok := schemeBefore(content, colon)
		if !ok {
			content = content[colon+1:]
			continue
		}
		end := urlEnd(content, colon+1, start)
		if url := trimURL(content[start:end]); acceptable(url) {
			s.add(url, url)
		}
		content = content[end:]
	}
}

// schemeBefore finds the scheme that ends at the colon.
func schemeBefore(content string, colon int) (start int, ok bool) {
	for _, scheme := range []string{"https", "http", "mailto"} {
		start = colon - len(scheme)
		if start < 0 || !strings.EqualFold(content[start:colon], scheme) {
			continue
		}
		if scheme != "mailto" && !strings.HasPrefix(content[colon:], "://") {
			return 0, false
		}
		before, _ := utf8.DecodeLastRuneInString(content[:start])
		return start, start == 0 || (!unicode.IsLetter(before) && !unicode.IsDigit(before))
	}
	return 0, false
}

// urlEnd finds where the URL ends: at white space, at a delimiter that RFC 3986
// appendix C names, or where a second URL is glued to it behind a bracket.
func urlEnd(content string, from, start int) int {
	enclosed := start > 0 && content[start-1] == '<'
	for i, r := range content[from:] {
		switch {
		case unicode.IsSpace(r), unicode.IsControl(r), r == '<', r == '>', r == '"', r == '`':
			return from + i
		case !enclosed && (r == '“' || r == '”' || r == '»' || r == '、' || r == '。'):
			return from + i
		}
	}
	return len(content)
}

// trimURL takes the punctuation off the end that belongs to the sentence, and
// closing brackets that were not opened within.
func trimURL(url string) string {
	balance := map[byte]int{
		')': strings.Count(url, "(") - strings.Count(url, ")"),
		']': strings.Count(url, "[") - strings.Count(url, "]"),
		'}': strings.Count(url, "{") - strings.Count(url, "}"),
	}
	for url != "" {
		last := url[len(url)-1]
		switch last {
		case '(': // an opening bracket at the end opens nothing
			balance[')']--
		case '[':
			balance[']']--
		case '{':
			balance['}']--
		case '.', ',', ';', ':', '!', '?', '\'', '*', '_', '~', '|', '\\':
		case ')', ']', '}':
			if balance[last] >= 0 {
				return url
			}
			balance[last]++
		default:
			return url
		}
		url = url[:len(url)-1]
	}
	return url
}

// acceptable wants a host behind // and an @ in a mailto.
func acceptable(url string) bool {
	if !absolute(url) {
		return false
	}
	scheme, rest, _ := strings.Cut(url, ":")
	if strings.EqualFold(scheme, "mailto") {
		return strings.IndexByte(rest, '@') > 0
	}
	first, _ := utf8.DecodeRuneInString(strings.TrimPrefix(rest, "//"))
	return unicode.IsLetter(first) || unicode.IsDigit(first) || first == '['
}

package main

import "strings"

// What links and images may lead to. The list is closed: whatever a scheme is
// disguised as, it is either one of these, letter by letter, or none.
var (
	linkSchemes  = []string{"https://", "http://", "mailto:", "tel:", "cid:"}
	imageSchemes = []string{"https://", "http://", "cid:"}
)

// safeURL returns the value of a href or src attribute as the destination of a
// Markdown link, or "" where it is not to be followed.
func safeURL(attribute string, schemes []string) string {
	if strings.IndexByte(attribute, '&') >= 0 {
		attribute = string(unescape(nil, attribute, true))
	}
	attribute = strings.Trim(attribute, " \t\r\n\f")
	for _, scheme := range schemes {
		if len(attribute) > len(scheme) && sameFold(attribute[:len(scheme)], scheme) {
			return destination(scheme, attribute[len(scheme):])
		}
	}
	return ""
}

// destination escapes what would end a link's destination, or be read as
// something else within it.
func destination(scheme, rest string) string {
	const hex = "0123456789ABCDEF"
	url := make([]byte, 0, len(scheme)+len(rest)+16)
	url = append(url, scheme...)
	for i := range len(rest) {
		b := rest[i]
		switch {
		case b == '\t' || b == '\n' || b == '\r':
			// Browsers leave them out of a URL.
		case b < ' ' || b == 0x7f:
			return ""
		case strings.IndexByte(" ()<>[]\\\"`|", b) >= 0:
			url = append(url, '%', hex[b>>4], hex[b&15])
		case b == '&' && isReference(rest[i:]):
			url = append(url, "&amp;"...)
		default:
			url = append(url, b)
		}
	}
	if len(url) == len(scheme) {
		return ""
	}
	return string(url)
}

// isReference reports whether s begins with what Markdown reads as a character
// reference.
func isReference(s string) bool {
	for i := 1; i < len(s) && i < 40; i++ {
		switch b := s[i]; {
		case b == ';':
			return i > 1
		case b == '#' && i == 1:
		case !isWordByte(b) || b >= 0x80:
			return false
		}
	}
	return false
}

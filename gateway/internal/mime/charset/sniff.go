package charset

import (
	"bytes"
	"strings"
)

// sniffed is how far into an HTML text its own declaration is looked for, as
// browsers do (HTML section 13.2.3.2).
const sniffed = 1024

// Sniff returns the label of the character set that an HTML text declares itself
// in a meta element, or "". It is for texts whose part declares none: what the
// part says comes first.
func Sniff(html []byte) string {
	html = bytes.ToLower(html[:min(len(html), sniffed)])
	for {
		i := bytes.Index(html, []byte("<meta"))
		if i < 0 {
			return ""
		}
		html = html[i+len("<meta"):]
		tag, _, _ := bytes.Cut(html, []byte(">"))
		if _, value, ok := bytes.Cut(tag, []byte("charset")); ok {
			if label := labelIn(string(value)); label != "" {
				return label
			}
		}
	}
}

// labelIn reads the label behind the word charset: = and a value that may be
// quoted, itself or with the content attribute that holds it.
func labelIn(s string) string {
	s, ok := strings.CutPrefix(strings.TrimLeft(s, " \t\r\n"), "=")
	if !ok {
		return ""
	}
	s = strings.TrimLeft(s, " \t\r\n\"'")
	if end := strings.IndexAny(s, " \t\r\n\"';/"); end >= 0 {
		s = s[:end]
	}
	if strings.HasPrefix(s, "utf-16") || strings.HasPrefix(s, "utf-7") {
		return "" // who can read the element as ASCII knows that it is neither
	}
	return s
}

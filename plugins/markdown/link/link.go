// Package link says where a link or an image of Markdown may lead.
//
// The list of schemes is closed: whatever a URL is disguised as, its scheme is one
// of these, letter by letter, or there is no link.
package link

import (
	"strings"
	"unicode/utf8"

	"github.com/postern-mail/postern/plugins/markdown/entity"
	"github.com/postern-mail/postern/plugins/markdown/scan"
)

// ContentID is the scheme of parts of the mail itself.
const ContentID = "cid:"

// Of returns the destination of a link by the value of a href attribute as
// written, or "" where it is not to be followed.
func Of(href string) string {
	return destination(href, [...]string{"https://", "http://", "mailto:", "tel:", ContentID})
}

// OfImage returns the destination of an image by the value of a src attribute as
// written, or "".
func OfImage(src string) string {
	return destination(src, [...]string{"https://", "http://", ContentID, "", ""})
}

// destination finds the scheme. An empty one is none.
func destination(attribute string, schemes [5]string) string {
	if strings.IndexByte(attribute, '&') >= 0 {
		attribute = string(entity.Unescape(nil, attribute, true))
	}
	for attribute != "" && isSpace(attribute[0]) {
		attribute = attribute[1:]
	}
	for attribute != "" && isSpace(attribute[len(attribute)-1]) {
		attribute = attribute[:len(attribute)-1]
	}
	for _, scheme := range schemes {
		if n := len(scheme); n > 0 && len(attribute) > n && scan.SameFold(attribute[:n], scheme) {
			return escape(attribute, scheme)
		}
	}
	return ""
}

func isSpace(b byte) bool { return b == ' ' || b == '\t' || b == '\n' || b == '\f' || b == '\r' }

// What a byte of a URL needs.
const (
	asIs      = '.'
	percent   = '%' // would end the destination, or be read as something else within it
	refused   = '!'
	ampersand = '&'
	wide      = 'w' // begins a character that may be an invisible one
)

// class says what each byte is, in rows of 64.
const class = "" +
	"!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!%.%...&.%%%.................%.%." +
	"...........................%%%..%..........................%%%.!" +
	"................................................................" +
	"..w...............................ww...........w...w............"

// escape returns a URL of a scheme as a destination: without what would end it, and
// without what cannot be seen in it.
func escape(url, scheme string) string {
	i := len(scheme)
	for i < len(url) && class[url[i]] == asIs {
		i++
	}
	if i == len(url) && url[:len(scheme)] == scheme {
		return url
	}
	if strings.ContainsAny(url, "\t\n\r") {
		// Browsers leave them out. What stands on both sides may make a reference.
		url = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(url)
	}
	out := make([]byte, 0, len(url)+16)
	out = append(out, scheme...)
	out = append(out, url[len(scheme):i]...)
	for i < len(url) {
		begin := i
		for i < len(url) && class[url[i]] == asIs {
			i++
		}
		out = append(out, url[begin:i]...)
		if i == len(url) {
			break
		}
		size := 1
		switch class[url[i]] {
		case refused:
			return ""
		case percent:
			out = appendPercent(out, url[i:i+1])
		case ampersand:
			out = append(out, '&')
			if IsReference(url[i:]) {
				out = append(out, "amp;"...)
			}
		case wide:
			var r rune
			r, size = utf8.DecodeRuneInString(url[i:])
			if isInvisible(r) {
				out = appendPercent(out, url[i:i+size])
			} else {
				out = append(out, url[i:i+size]...)
			}
		}
		i += size
	}
	if len(out) == len(scheme) {
		return ""
	}
	return string(out)
}

func appendPercent(dst []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		dst = append(dst, '%', hex[s[i]>>4], hex[s[i]&15])
	}
	return dst
}

// isInvisible reports whether a character is a space, shows nothing, or turns the
// direction of those around it.
func isInvisible(r rune) bool {
	switch r {
	case 0xa0, 0xad, 0x3000, 0xfeff:
		return true
	}
	return r >= 0x2000 && r <= 0x200f || r >= 0x2028 && r <= 0x202f || r >= 0x205f && r <= 0x206f || r >= 0xe0000 && r <= 0xe007f
}

// IsReference reports whether s, which begins with an ampersand, begins with what
// Markdown reads as a character reference.
func IsReference(s string) bool {
	for i := 1; i < len(s) && i < 40; i++ {
		switch b := s[i]; {
		case b == ';':
			return i > 1
		case b == '#' && i == 1:
		case (b|0x20 < 'a' || b|0x20 > 'z') && (b < '0' || b > '9'):
			return false
		}
	}
	return false
}

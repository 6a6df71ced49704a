package report

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// unescape undoes the escapes of an address of the type utf-8, which is how a
// report in ASCII names one beyond it: \x{F6} (RFC 6533 section 3).
func unescape(s string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, `\x{`)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		hex, after, ok := strings.Cut(rest, "}")
		n, err := strconv.ParseUint(hex, 16, 32)
		if r := rune(n); ok && err == nil && n <= utf8.MaxRune && utf8.ValidRune(r) && unicode.IsPrint(r) {
			b.WriteRune(r)
			s = after
		} else {
			b.WriteString(`\x{`)
			s = rest
		}
	}
}

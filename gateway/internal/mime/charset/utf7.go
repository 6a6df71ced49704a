package charset

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// decodeUTF7 reads UTF-7 (RFC 2152), which old mailers of Microsoft still send
// and no library here knows: runs of base64 over UTF-16 between + and -. What
// is malformed becomes U+FFFD.
func decodeUTF7(octets []byte) string {
	var out strings.Builder
	for i := 0; i < len(octets); {
		c := octets[i]
		i++
		switch {
		case c >= utf8.RuneSelf:
			out.WriteRune(utf8.RuneError)
		case c != '+':
			out.WriteByte(c)
		case i < len(octets) && octets[i] == '-': // "+-" is a plus
			out.WriteByte('+')
			i++
		default:
			i += decodeShifted(&out, octets[i:])
		}
	}
	return out.String()
}

// decodeShifted reads one run of base64 and returns how many octets it took,
// the "-" behind it included.
func decodeShifted(out *strings.Builder, run []byte) int {
	var units []uint16
	var acc uint32
	bits, n := 0, 0
	for n < len(run) {
		v := sextet(run[n])
		if v < 0 {
			break
		}
		n++
		acc = acc<<6 | uint32(v)
		bits += 6
		if bits >= 16 {
			bits -= 16
			units = append(units, uint16(acc>>bits)) // the low 16 bits are meant
		}
	}
	for _, r := range utf16.Decode(units) {
		out.WriteRune(r)
	}
	if n == 0 || bits >= 6 { // nothing encoded, or more than padding left over
		out.WriteRune(utf8.RuneError)
	}
	if n < len(run) && run[n] == '-' {
		n++
	}
	return n
}

// sextet returns the value of a base64 digit, or -1.
func sextet(c byte) int {
	switch {
	case 'A' <= c && c <= 'Z':
		return int(c - 'A')
	case 'a' <= c && c <= 'z':
		return int(c-'a') + 26
	case '0' <= c && c <= '9':
		return int(c-'0') + 52
	case c == '+':
		return 62
	case c == '/':
		return 63
	}
	return -1
}

package transfer

import (
	"bytes"
	"slices"
)

// decodeQuotedPrintable appends the octets of src to dst (RFC 2045 section 6.7).
// An "=" that begins neither an escape nor a soft line break stays as text.
// White space at the end of a line is transport padding and goes. It returns how
// many octets at the end of src must be seen again with what follows them.
func decodeQuotedPrintable(dst, src []byte, eof bool, damaged *bool) (out []byte, rest int) {
	dst = slices.Grow(dst, len(src)) // escapes only shrink
	for len(src) > 0 {
		end := bytes.IndexByte(src, '\n')
		if end < 0 {
			// An unfinished line waits for its end, unless it fills the buffer:
			// then all of it is text but for the last octets, which may be the
			// start of an escape.
			if !eof && len(src) < chunk {
				return dst, len(src)
			}
			if !eof {
				cut := len(src) - 2
				if i := bytes.IndexByte(src[cut:], '='); i >= 0 {
					cut += i
				} else {
					cut = len(src)
				}
				return unescape(dst, src[:cut], damaged), len(src) - cut
			}
			line, soft := trimLine(src)
			dst = unescape(dst, line, damaged)
			if !soft {
				dst = append(dst, src[len(line):]...)
			}
			return dst, 0
		}
		line, soft := trimLine(src[:end])
		dst = unescape(dst, line, damaged)
		if !soft {
			if end > 0 && src[end-1] == '\r' {
				dst = append(dst, '\r')
			}
			dst = append(dst, '\n')
		}
		src = src[end+1:]
	}
	return dst, 0
}

// trimLine takes the padding off the end of a line, and the "=" of a soft line
// break.
func trimLine(line []byte) (text []byte, soft bool) {
	line = bytes.TrimRight(line, " \t\r")
	if n := len(line); n > 0 && line[n-1] == '=' {
		return line[:n-1], true
	}
	return line, false
}

func unescape(dst, text []byte, damaged *bool) []byte {
	for {
		i := bytes.IndexByte(text, '=')
		if i < 0 {
			return append(dst, text...)
		}
		dst = append(dst, text[:i]...)
		text = text[i:]
		if len(text) >= 3 {
			hi, lo := hexDigit(text[1]), hexDigit(text[2])
			if hi >= 0 && lo >= 0 {
				dst = append(dst, byte(hi<<4|lo))
				text = text[3:]
				continue
			}
		}
		*damaged = true
		dst = append(dst, '=')
		text = text[1:]
	}
}

// hexDigit returns the value of a hexadecimal digit, or -1. The RFC wants upper
// case; lower case is common.
func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}

// DecodeQ appends the octets of a Q-encoded word (RFC 2047 section 4.2), in
// which "_" is a space and no line ever ends. clean is false where something in
// it is no escape.
func DecodeQ(dst []byte, word string) (out []byte, clean bool) {
	var damaged bool
	out = unescape(dst, bytes.ReplaceAll([]byte(word), []byte("_"), []byte(" ")), &damaged)
	return out, !damaged
}

// DecodeB appends the octets of a B-encoded word (RFC 2047 section 4.1). clean is
// false where something in it is no base64.
func DecodeB(dst []byte, word string) (out []byte, clean bool) {
	var damaged bool
	d := base64Decoder{damaged: &damaged}
	out, _ = d.decode(dst, []byte(word), true)
	return out, !damaged
}

package transfer

import "slices"

// base64Decoder decodes base64 (RFC 2045 section 6.8) octet by octet. Its state
// is one quantum.
type base64Decoder struct {
	acc     uint32
	digits  int // of the quantum, 0 to 3
	done    bool
	damaged *bool
}

// What base64Digits has for octets that are no digits.
const (
	foreign = 0xff
	space   = 0xfe
	pad     = 0xfd

	foreign16 = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
	foreign64 = foreign16 + foreign16 + foreign16 + foreign16
)

// base64Digits holds for each octet the value of the digit (RFC 2045 section
// 6.8, table 1), or one of the three above. It is a string because Go has no
// constant arrays; a switch takes several times as long on random digits.
const base64Digits = "" +
	"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xfe\xff\xff\xfe\xff\xff" + // 0x00: HT, LF and CR are space
	"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" + // 0x10
	"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x3e\xff\xff\xff\x3f" + // 0x20: space, "+" and "/"
	"\x34\x35\x36\x37\x38\x39\x3a\x3b\x3c\x3d\xff\xff\xff\xfd\xff\xff" + // 0x30: 0 to 9, "="
	"\xff\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e" + // 0x40: A to O
	"\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\xff\xff\xff\xff\xff" + // 0x50: P to Z
	"\xff\x1a\x1b\x1c\x1d\x1e\x1f\x20\x21\x22\x23\x24\x25\x26\x27\x28" + // 0x60: a to o
	"\x29\x2a\x2b\x2c\x2d\x2e\x2f\x30\x31\x32\x33\xff\xff\xff\xff\xff" + // 0x70: p to z
	foreign64 + foreign64

// decode appends the octets of src to dst. Foreign characters are skipped, as
// the RFC asks. Padding ends the data ("may be taken as evidence that the end
// of the data has been reached"), so that the footer of a mailing list is not
// decoded as if it belonged to the picture above it. Padding where no quantum
// can end is a foreign character.
func (d *base64Decoder) decode(dst, src []byte, eof bool) (out []byte, rest int) {
	dst = slices.Grow(dst, len(src)/4*3+3)
	for i := 0; i < len(src); i++ {
		if d.digits == 0 && !d.done {
			var n int
			if dst, n = appendQuanta(dst, src[i:]); i+n == len(src) {
				break
			}
			i += n
		}
		v := base64Digits[src[i]]
		switch {
		case v == space:
			continue
		case d.done && v == pad: // the second of two
			continue
		case d.done:
			*d.damaged = true
			return dst, 0
		case v == pad && d.digits >= 2:
			dst = d.flush(dst)
			d.done = true
			continue
		case v == pad || v == foreign:
			*d.damaged = true
			continue
		}
		d.acc = d.acc<<6 | uint32(v)
		d.digits++
		if d.digits == 4 {
			dst = append(dst, byte(d.acc>>16), byte(d.acc>>8), byte(d.acc))
			d.acc, d.digits = 0, 0
		}
	}
	if eof && d.digits > 0 { // padding left out, or the part cut off
		*d.damaged = true
		dst = d.flush(dst)
	}
	return dst, 0
}

// appendQuanta decodes whole quanta as long as nothing but digits comes, which
// is nearly all of nearly every part, and returns how many octets they were.
func appendQuanta(dst, src []byte) (out []byte, n int) {
	for ; len(src)-n >= 4; n += 4 {
		q := src[n : n+4 : n+4]
		a, b, c, d := base64Digits[q[0]], base64Digits[q[1]], base64Digits[q[2]], base64Digits[q[3]]
		if a|b|c|d >= 1<<6 {
			break
		}
		v := uint32(a)<<18 | uint32(b)<<12 | uint32(c)<<6 | uint32(d)
		dst = append(dst, byte(v>>16), byte(v>>8), byte(v))
	}
	return dst, n
}

// flush appends the whole octets of an unfinished quantum.
func (d *base64Decoder) flush(dst []byte) []byte {
	switch d.digits {
	case 2:
		dst = append(dst, byte(d.acc>>4))
	case 3:
		dst = append(dst, byte(d.acc>>10), byte(d.acc>>2))
	}
	d.acc, d.digits = 0, 0
	return dst
}

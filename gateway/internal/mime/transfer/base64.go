package transfer

// base64Decoder decodes base64 (RFC 2045 section 6.8) octet by octet. Its state
// is one quantum.
type base64Decoder struct {
	acc     uint32
	digits  int // of the quantum, 0 to 3
	done    bool
	damaged *bool
}

const (
	foreign = 0xff
	space   = 0xfe
	pad     = 0xfd
)

// base64Digits is only read. Its values are those of the alphabet, or one of the
// three above.
var base64Digits = func() (t [256]byte) {
	for i := range t {
		t[i] = foreign
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for i := range len(alphabet) {
		t[alphabet[i]] = byte(i)
	}
	for _, c := range []byte(" \t\r\n") {
		t[c] = space
	}
	t['='] = pad
	return t
}()

// decode appends the octets of src to dst. Foreign characters are skipped, as
// the RFC asks. Padding ends the data ("may be taken as evidence that the end
// of the data has been reached"), so that the footer of a mailing list is not
// decoded as if it belonged to the picture above it. Padding where no quantum
// can end is a foreign character.
func (d *base64Decoder) decode(dst, src []byte, eof bool) (out []byte, rest int) {
	for _, c := range src {
		v := base64Digits[c]
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

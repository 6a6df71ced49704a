// Package charset turns octets of a declared character set into valid UTF-8.
//
// It never fails: mail names character sets that do not exist, and declares
// ones that it was not written in. What had to be guessed is told in the
// Outcome, so that the caller can warn. The result never holds a NUL, which
// neither JSON consumers nor databases take well.
//
// Work and memory are linear in the input; no output is longer than about three
// times its input.
package charset

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-message/charset"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
)

// Text is what Decode makes of octets.
type Text struct {
	Content string
	// Charset is the name, in lower case, of the character set that the octets
	// were read in. It is another one than the label even of honest mail where one
	// set is the part of a larger one: ISO 8859-1 is read as windows-1252, GB 2312
	// as GBK.
	Charset string
	Outcome Outcome
}

// Replaced counts the U+FFFD of the content: characters that were lost here, or
// by an earlier program that put one in their place.
func (t Text) Replaced() int { return strings.Count(t.Content, string(utf8.RuneError)) }

// Outcome says how far the declared character set could be believed.
type Outcome int

// The outcomes of Decode.
const (
	// AsDeclared means that the octets were what the label says.
	AsDeclared Outcome = iota
	// Mismatch means that the octets cannot be, or plainly are not, what the
	// label says; another reading was taken, or single octets became U+FFFD.
	Mismatch
	// Unknown means that nobody knows the label; the octets were read as UTF-8
	// where they are that, and otherwise as windows-1252.
	Unknown
)

// The names of the character sets that are read without the library.
const (
	nameASCII   = "us-ascii"
	nameUTF8    = "utf-8"
	nameUTF7    = "utf-7"
	nameWestern = "windows-1252"
)

// maxLabel is longer than any registered name (RFC 2978 section 2.3 allows 40).
const maxLabel = 64

// Decode reads octets in the character set that label names. An empty label
// means UTF-8 or, where the octets are not that, windows-1252.
func Decode(octets []byte, label string) Text {
	label = strings.ToLower(strings.Trim(label, " \t\"'"))
	var t Text
	switch label {
	case "us-ascii", "ascii":
		if t = guess(octets); t.Charset == nameUTF8 && isASCII(octets) {
			t.Charset = nameASCII
		} else {
			t.Outcome = Mismatch
		}
	case "", "utf-8", "utf8", "unknown-8bit", "x-unknown", "default", "8bit":
		t = guess(octets)
	case "iso-8859-1", "iso8859-1", "iso_8859-1", "latin1", "windows-1252", "cp1252":
		t = western(octets)
	case "utf-7", "unicode-1-1-utf-7":
		t = Text{Content: decodeUTF7(octets), Charset: nameUTF7}
		if strings.ContainsRune(t.Content, utf8.RuneError) {
			t.Outcome = Mismatch
		}
	default:
		t = byLibrary(octets, label)
	}
	t.Content = strings.ReplaceAll(strings.TrimPrefix(t.Content, "\ufeff"), "\x00", "")
	return t
}

// guess reads what claims to be UTF-8, or claims nothing. Text that is UTF-8
// but for single octets (a mail cut in the middle of a character) stays UTF-8;
// text in which broken sequences are the rule is older than UTF-8.
func guess(octets []byte) Text {
	if utf8.Valid(octets) {
		return Text{Content: string(octets), Charset: nameUTF8}
	}
	good, bad := 0, 0
	for rest := octets; len(rest) > 0; {
		r, n := utf8.DecodeRune(rest)
		switch {
		case r == utf8.RuneError && n == 1:
			bad++
		case n > 1:
			good++
		}
		rest = rest[n:]
	}
	if good > bad {
		text := strings.ToValidUTF8(string(octets), string(utf8.RuneError))
		return Text{Content: text, Charset: nameUTF8, Outcome: Mismatch}
	}
	return Text{Content: windows1252(octets), Charset: nameWestern, Outcome: Mismatch}
}

// western reads the default of many mailers, which is declared whatever the
// text is. Octets above 127 in Latin text are all but never valid UTF-8 by
// accident. ISO 8859-1 is read as windows-1252, as the WHATWG Encoding standard
// does: the difference is control characters that nobody writes.
func western(octets []byte) Text {
	if isASCII(octets) {
		return Text{Content: string(octets), Charset: nameWestern}
	}
	if utf8.Valid(octets) {
		return Text{Content: string(octets), Charset: nameUTF8, Outcome: Mismatch}
	}
	return Text{Content: windows1252(octets), Charset: nameWestern}
}

func byLibrary(octets []byte, label string) Text {
	unknown := func() Text {
		t := guess(octets)
		t.Outcome = Unknown
		return t
	}
	if len(label) > maxLabel {
		return unknown()
	}
	r, err := charset.Reader(label, bytes.NewReader(octets))
	if err != nil {
		return unknown()
	}
	// Two octets for one are the most that the common charsets make.
	decoded := bytes.NewBuffer(make([]byte, 0, 2*len(octets)+bytes.MinRead))
	_, err = decoded.ReadFrom(r)
	text := decoded.String()
	if err != nil || (len(octets) > 1 && text == string(utf8.RuneError)) {
		// The second is the "replacement" decoder of the WHATWG: the name is
		// known, but only as one to refuse.
		return unknown()
	}
	t := Text{Content: strings.ToValidUTF8(text, string(utf8.RuneError)), Charset: canonical(label)}
	if strings.ContainsRune(t.Content, utf8.RuneError) {
		t.Outcome = Mismatch
		if !isASCII(octets) && utf8.Valid(octets) {
			t.Content, t.Charset = string(octets), nameUTF8
		}
	}
	return t
}

// canonical names the encoding that the library chose by a label. It asks in the
// order in which the library does.
func canonical(label string) string {
	enc, err := ianaindex.MIME.Encoding(label)
	if err != nil || enc == nil {
		enc, err = ianaindex.MIME.Encoding("cs" + label)
	}
	if err == nil && enc != nil {
		if name, err := ianaindex.MIME.Name(enc); err == nil {
			return strings.ToLower(name)
		}
	} else if enc, err := htmlindex.Get(label); err == nil {
		if name, err := htmlindex.Name(enc); err == nil {
			return name
		}
	}
	return label
}

func windows1252(octets []byte) string {
	// A decoder of a single-byte table has no input that it fails on.
	text, _ := charmap.Windows1252.NewDecoder().Bytes(octets)
	return string(text)
}

func isASCII(octets []byte) bool {
	for _, c := range octets {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

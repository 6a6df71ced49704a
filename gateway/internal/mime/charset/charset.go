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
	"io"
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-message/charset"
	"golang.org/x/text/encoding/charmap"
)

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

// maxLabel is longer than any registered name (RFC 2978 section 2.3 allows 40).
const maxLabel = 64

// Decode reads octets in the character set that label names. An empty label
// means UTF-8 or, where the octets are not that, windows-1252.
func Decode(octets []byte, label string) (string, Outcome) {
	label = strings.ToLower(strings.Trim(label, " \t\"'"))
	var text string
	outcome := AsDeclared
	switch label {
	case "", "utf-8", "utf8", "us-ascii", "ascii", "unknown-8bit", "x-unknown", "default", "8bit":
		text, outcome = guess(octets)
	case "iso-8859-1", "iso8859-1", "iso_8859-1", "latin1", "windows-1252", "cp1252":
		text, outcome = western(octets)
	case "utf-7", "unicode-1-1-utf-7":
		text = decodeUTF7(octets)
		if strings.ContainsRune(text, utf8.RuneError) {
			outcome = Mismatch
		}
	default:
		text, outcome = byLibrary(octets, label)
	}
	text = strings.TrimPrefix(text, "\ufeff")
	return strings.ReplaceAll(text, "\x00", ""), outcome
}

// guess reads what claims to be UTF-8, or claims nothing. Text that is UTF-8
// but for single octets (a mail cut in the middle of a character) stays UTF-8;
// text in which broken sequences are the rule is older than UTF-8.
func guess(octets []byte) (string, Outcome) {
	if utf8.Valid(octets) {
		return string(octets), AsDeclared
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
		return strings.ToValidUTF8(string(octets), string(utf8.RuneError)), Mismatch
	}
	return windows1252(octets), Mismatch
}

// western reads the default of many mailers, which is declared whatever the
// text is. Octets above 127 in Latin text are all but never valid UTF-8 by
// accident. ISO 8859-1 is read as windows-1252, as the WHATWG Encoding standard
// does: the difference is control characters that nobody writes.
func western(octets []byte) (string, Outcome) {
	if isASCII(octets) {
		return string(octets), AsDeclared
	}
	if utf8.Valid(octets) {
		return string(octets), Mismatch
	}
	return windows1252(octets), AsDeclared
}

func byLibrary(octets []byte, label string) (string, Outcome) {
	if len(label) > maxLabel {
		text, _ := guess(octets)
		return text, Unknown
	}
	r, err := charset.Reader(label, bytes.NewReader(octets))
	if err != nil {
		text, _ := guess(octets)
		return text, Unknown
	}
	decoded, err := io.ReadAll(r)
	if err != nil || (len(octets) > 1 && string(decoded) == string(utf8.RuneError)) {
		// The second is the "replacement" decoder of the WHATWG: the name is
		// known, but only as one to refuse.
		text, _ := guess(octets)
		return text, Unknown
	}
	text := strings.ToValidUTF8(string(decoded), string(utf8.RuneError))
	if !strings.ContainsRune(text, utf8.RuneError) {
		return text, AsDeclared
	}
	if !isASCII(octets) && utf8.Valid(octets) {
		return string(octets), Mismatch
	}
	return text, Mismatch
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

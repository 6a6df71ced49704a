// Package header interprets the values of header fields: text with encoded
// words, dates and message ids, each as mail has them rather than as the RFCs
// want them. Addresses and parameters have packages of their own, which build
// on this one.
//
// Values come in raw: unfolded, but otherwise the octets of the mail, since
// what an octet above 127 means depends on the encoded word that it stands in.
// What goes out is valid UTF-8 without NUL, CR and LF. Nothing here fails; a
// second result says what was wrong with a value.
//
// All scanners go over their input once. That is why they are written out
// here: the decoder of encoded words in the standard library's package mime
// starts again behind every broken word.
package header

import (
	"strings"
	"unicode/utf8"

	"github.com/postern-mail/postern/gateway/internal/mime/charset"
	"github.com/postern-mail/postern/gateway/internal/mime/transfer"
)

// Flaws says what is wrong with the text of a value.
type Flaws uint8

// The flaws of a value. It was read for all of them, as well as could be.
const (
	// RawOctets are octets above 127 that are not UTF-8.
	RawOctets Flaws = 1 << iota
	// BadWord is an encoded word that breaks RFC 2047: unfinished, not set off
	// from its neighbours, with spaces or foreign characters in it, or ending
	// within a character.
	BadWord
	// UnknownCharset is an encoded word in a character set that nobody knows.
	UnknownCharset
	// WrongCharset is an encoded word that is not in its character set.
	WrongCharset
)

// Text reads an unstructured value: it decodes the encoded words of RFC 2047
// wherever they stand, inside quotes and words too, and reads other octets as
// UTF-8 or windows-1252.
func Text(raw string) (text string, flaws Flaws) {
	if isPlain(raw) {
		return OneLine(raw), 0
	}
	var d textDecoder
	for raw != "" {
		i := strings.Index(raw, "=?")
		if i < 0 {
			i = len(raw)
		}
		d.plain(raw[:i])
		raw = raw[i:]
		if raw == "" {
			break
		}
		w, n := scanWord(raw)
		if n == 0 {
			d.plain(raw[:2])
			if w.charset != "" { // it wants to be a word
				d.flaws |= BadWord
			}
			raw = raw[2:]
			continue
		}
		raw = raw[n:]
		if !d.apart || (raw != "" && !separates(raw[0])) || strings.ContainsAny(w.text, " \t?") {
			d.flaws |= BadWord
		}
		d.word(w)
	}
	d.flush()
	return OneLine(d.out.String()), d.flaws
}

// isPlain reports whether a value is the text that it stands for.
func isPlain(raw string) bool {
	for i := range len(raw) {
		if c := raw[i]; c == 0 || c >= utf8.RuneSelf || (c == '?' && i > 0 && raw[i-1] == '=') {
			return false
		}
	}
	return true
}

// separates reports whether an encoded word may have c beside it (RFC 2047
// section 5): white space, or the bracket of a comment.
func separates(c byte) bool { return c == ' ' || c == '\t' || c == '(' || c == ')' }

// word is an encoded word, taken apart but not decoded.
type word struct {
	charset  string
	encoding byte // 'b' or 'q'
	text     string
}

// scanWord reads the encoded word that s begins with and returns its length, or
// 0 where there is none; the "=?" must be there. The text may hold spaces and
// question marks, as broken mailers write them, but never the beginning of
// another word: so that what was scanned in vain is not scanned again. A
// charset without a length is that of a word which is broken.
func scanWord(s string) (word, int) {
	const open = len("=?")
	name := strings.IndexAny(s[open:], "? \t")
	if name <= 0 || s[open+name] != '?' {
		return word{}, 0
	}
	// RFC 2231 section 5 lets a language follow the charset.
	label, _, _ := strings.Cut(strings.ToLower(s[open:open+name]), "*")
	w := word{charset: label}
	rest := s[open+name+1:]
	if len(rest) < 2 || rest[1] != '?' || !strings.ContainsRune("bBqQ", rune(rest[0])) {
		return w, 0
	}
	w.encoding = rest[0] | 0x20
	text := rest[2:]
	for i := 0; i < len(text); i++ {
		if text[i] != '?' {
			continue
		}
		if i+1 < len(text) && text[i+1] == '=' {
			w.text = text[:i]
			return w, open + name + 1 + 2 + i + 2
		}
		if i > 0 && text[i-1] == '=' {
			break
		}
	}
	return w, 0
}

// WordLen returns the length of the encoded word that raw begins with, or 0 where
// there is none. Whoever splits a value at separators must step over such words:
// a comma inside of one is text.
func WordLen(raw string) int {
	if !strings.HasPrefix(raw, "=?") {
		return 0
	}
	_, n := scanWord(raw)
	return n
}

// textDecoder joins what Text finds. Octets of adjacent words of one charset are
// collected before they are decoded, since mailers cut in the middle of
// characters although RFC 2047 section 5 forbids it.
type textDecoder struct {
	out    strings.Builder
	label  string
	octets []byte
	inWord bool
	apart  bool   // a word may begin here
	space  string // between a word and whatever comes next
	flaws  Flaws
}

// plain adds text that is no encoded word. White space is held back until it is
// known that no second word follows, which would swallow it.
func (d *textDecoder) plain(s string) {
	if s == "" {
		d.apart = !d.inWord && d.out.Len() == 0
		return
	}
	d.apart = separates(s[len(s)-1])
	if d.inWord && strings.Trim(s, " \t") == "" {
		d.space += s
		return
	}
	d.flush()
	t := charset.Decode([]byte(s), "")
	if t.Outcome != charset.AsDeclared {
		d.flaws |= RawOctets
	}
	d.out.WriteString(t.Content)
}

func (d *textDecoder) word(w word) {
	if d.inWord && d.label != w.charset {
		d.space = ""
		d.flush()
	}
	if d.inWord && (w.charset == "utf-8" || w.charset == "utf8") && endsWithinRune(d.octets) {
		d.flaws |= BadWord
	}
	d.space = ""
	d.inWord, d.label = true, w.charset
	decode := transfer.DecodeQ
	if w.encoding == 'b' {
		decode = transfer.DecodeB
	}
	var clean bool
	if d.octets, clean = decode(d.octets, w.text); !clean {
		d.flaws |= BadWord
	}
}

// endsWithinRune reports whether octets in UTF-8 end in the middle of a character.
func endsWithinRune(octets []byte) bool {
	for i := len(octets) - 1; i >= max(0, len(octets)-utf8.UTFMax+1); i-- {
		if utf8.RuneStart(octets[i]) {
			return !utf8.FullRune(octets[i:])
		}
	}
	return false
}

func (d *textDecoder) flush() {
	if d.inWord {
		t := charset.Decode(d.octets, d.label)
		switch t.Outcome {
		case charset.Unknown:
			d.flaws |= UnknownCharset
		case charset.Mismatch:
			d.flaws |= WrongCharset
		case charset.AsDeclared:
		}
		d.out.WriteString(t.Content)
		d.octets, d.inWord = d.octets[:0], false
	}
	d.out.WriteString(d.space)
	d.space = ""
}

// OneLine makes one line of a decoded value. An encoded word can hold any control
// character, a line break among them; a program that copies the value into a
// header or a log must not be surprised by one.
func OneLine(s string) string {
	if i := strings.IndexFunc(s, isControl); i >= 0 {
		s = s[:i] + strings.Map(func(r rune) rune {
			if isControl(r) {
				return ' '
			}
			return r
		}, s[i:])
	}
	return strings.Trim(s, " \t")
}

func isControl(r rune) bool { return (r < ' ' && r != '\t') || r == 0x7f }

// Cut shortens s to at most limit octets without cutting a character.
func Cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// Comment reads the comment that raw begins with (RFC 5322 section 3.2.2) and
// returns its content, not decoded, and what follows it. Comments nest; an
// unterminated one ends with raw.
func Comment(raw string) (text, rest string) {
	var b strings.Builder
	depth := 0
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '(':
			depth++
			if depth == 1 {
				continue
			}
		case ')':
			depth--
			if depth == 0 {
				return b.String(), raw[i+1:]
			}
		case '\\':
			if i+1 < len(raw) {
				i++
			}
		}
		b.WriteByte(raw[i])
	}
	return b.String(), ""
}

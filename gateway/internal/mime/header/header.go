// Package header interprets the values of header fields: text with encoded
// words, dates and message ids, each as mail has them rather than as the RFCs
// want them. Addresses and parameters have packages of their own, which build
// on this one.
//
// Values come in raw: unfolded, but otherwise the octets of the mail, since
// what an octet above 127 means depends on the encoded word that it stands in.
// What goes out is valid UTF-8 without NUL, CR and LF. Nothing here fails; a
// second result says whether the value could be read without guessing.
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

// Text reads an unstructured value: it decodes the encoded words of RFC 2047
// wherever they stand, inside quotes and words too, and reads other octets as
// UTF-8 or windows-1252. clean is false where something was guessed or broken.
func Text(raw string) (text string, clean bool) {
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
		if w, n := scanWord(raw); n > 0 {
			d.word(w)
			raw = raw[n:]
		} else {
			d.plain(raw[:2])
			d.damaged = true
			raw = raw[2:]
		}
	}
	d.flush()
	return OneLine(d.out.String()), !d.damaged
}

// word is an encoded word, taken apart but not decoded.
type word struct {
	charset  string
	encoding byte // 'b' or 'q'
	text     string
}

// scanWord reads the encoded word that s begins with and returns its length, or
// 0 where there is none; the "=?" must be there. The text may hold spaces and
// question marks, as broken mailers write them, but never the beginning of
// another word: so that what was scanned in vain is not scanned again.
func scanWord(s string) (word, int) {
	const open = len("=?")
	name := strings.IndexAny(s[open:], "? \t")
	if name <= 0 || s[open+name] != '?' {
		return word{}, 0
	}
	rest := s[open+name+1:]
	if len(rest) < 2 || rest[1] != '?' || !strings.ContainsRune("bBqQ", rune(rest[0])) {
		return word{}, 0
	}
	w := word{charset: s[open : open+name], encoding: rest[0] | 0x20}
	// RFC 2231 section 5 lets a language follow the charset.
	w.charset, _, _ = strings.Cut(strings.ToLower(w.charset), "*")
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
	return word{}, 0
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
	out     strings.Builder
	label   string
	octets  []byte
	inWord  bool
	space   string // between a word and whatever comes next
	damaged bool
}

// plain adds text that is no encoded word. White space is held back until it is
// known that no second word follows, which would swallow it.
func (d *textDecoder) plain(s string) {
	if s == "" {
		return
	}
	if d.inWord && strings.Trim(s, " \t") == "" {
		d.space += s
		return
	}
	d.flush()
	text, outcome := charset.Decode([]byte(s), "")
	d.damaged = d.damaged || outcome != charset.AsDeclared
	d.out.WriteString(text)
}

func (d *textDecoder) word(w word) {
	if d.inWord && d.label != w.charset {
		d.space = ""
		d.flush()
	}
	d.space = ""
	d.inWord, d.label = true, w.charset
	if w.encoding == 'b' {
		d.octets = transfer.DecodeB(d.octets, w.text)
	} else {
		d.octets = transfer.DecodeQ(d.octets, w.text)
	}
}

func (d *textDecoder) flush() {
	if d.inWord {
		text, outcome := charset.Decode(d.octets, d.label)
		d.damaged = d.damaged || outcome != charset.AsDeclared
		d.out.WriteString(text)
		d.octets, d.inWord = d.octets[:0], false
	}
	d.out.WriteString(d.space)
	d.space = ""
}

// OneLine makes one line of a decoded value. An encoded word can hold any control
// character, a line break among them; a program that copies the value into a
// header or a log must not be surprised by one.
func OneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if (r < ' ' && r != '\t') || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	return strings.Trim(s, " \t")
}

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

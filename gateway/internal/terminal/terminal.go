// Package terminal prints what strangers wrote so that a terminal shows it and
// obeys none of it: control characters, escape sequences and characters that turn
// the order of reading are escaped, long strings are shortened.
package terminal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// Of what is not JSON, the first maxRaw characters are printed.
	maxRaw = 200

	// Strings of more than longString characters, such as attachments, are
	// printed by their first keptString ones.
	longString = 200
	keptString = 80

	// A payload that is larger than maxIndented octets when its strings are
	// shortened, or nested deeper than maxDepth, is printed unindented and at
	// most up to that size: indenting multiplies size by depth.
	maxIndented = 256 << 10
	maxDepth    = 64
)

// Text returns at most limit characters of s on one line, a cut being marked.
func Text(s string, limit int) string { return safe(cut(s, limit)) }

// safe returns s with everything escaped, as JSON escapes it, that could command
// a terminal or turn the order of what is read: control characters, C1 among
// them, format characters such as U+202E, separators of lines, and octets that
// are no UTF-8.
func safe(s string) string {
	if !strings.ContainsFunc(s, hostile) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if hostile(r) {
			escape(&b, r)
		} else {
			b.WriteString(s[i : i+size])
		}
		i += size
	}
	return b.String()
}

// escape writes a character as JSON escapes it.
func escape(b io.Writer, r rune) {
	if r > 0xFFFF {
		// JSON knows 16 bits at a time (RFC 8259 section 7).
		high, low := (r-0x10000)>>10+0xD800, (r-0x10000)&0x3FF+0xDC00
		fmt.Fprintf(b, `\u%04x\u%04x`, high, low)
		return
	}
	fmt.Fprintf(b, `\u%04x`, r)
}

// hostile is also true for U+FFFD, which stands for an octet that is no UTF-8.
func hostile(r rune) bool { return r == utf8.RuneError || !unicode.IsGraphic(r) }

// cut shortens s to at most limit characters and marks the cut.
func cut(s string, limit int) string {
	n := 0
	for i := range s {
		if n == limit {
			return s[:i] + "…"
		}
		n++
	}
	return s
}

// WritePayload prints a payload: JSON indented, in the sender's order, with
// long strings shortened; anything else quoted.
func WritePayload(b *strings.Builder, payload []byte) {
	if !json.Valid(payload) {
		fmt.Fprintf(b, "  not JSON, %d octets: %s\n", len(payload), strconv.QuoteToGraphic(cut(string(payload), maxRaw)))
		return
	}
	short, depth := shorten(payload)
	if len(short) > maxIndented || depth > maxDepth {
		text := short[:min(len(short), maxIndented)]
		fmt.Fprintf(b, "  %s\n  (%d octets, too large or too deep to be indented)\n", strings.ToValidUTF8(string(text), ""), len(payload))
		return
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, short, "  ", "  "); err != nil {
		// It cannot fail: short has the structure of payload, which is valid.
		fmt.Fprintf(b, "  %s\n", short)
		return
	}
	fmt.Fprintf(b, "  %s\n", indented.Bytes())
}

// shorten copies valid JSON without the space between its tokens, with its
// strings shortened and made safe, and returns how deep it is nested. It works
// on the text: decoding would lose the order of the keys and the numbers' form.
func shorten(payload []byte) (short []byte, depth int) {
	short = make([]byte, 0, min(len(payload), maxIndented))
	level := 0
	for i := 0; i < len(payload); i++ {
		switch c := payload[i]; c {
		case '"':
			end := stringEnd(payload, i)
			short = append(short, shortenString(payload[i:end])...)
			i = end - 1
		case ' ', '\t', '\r', '\n':
		case '{', '[':
			level++
			depth = max(depth, level)
			short = append(short, c)
		case '}', ']':
			level--
			short = append(short, c)
		default:
			short = append(short, c)
		}
	}
	return short, depth
}

// stringEnd returns the index after the string that begins at start.
func stringEnd(payload []byte, start int) int {
	for i := start + 1; i < len(payload); i++ {
		switch payload[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(payload)
}

// shortenString returns a JSON string for the terminal. A short one keeps the
// escapes that the sender chose.
func shortenString(token []byte) string {
	var text string
	// A token of up to longString octets has no more characters than that.
	if len(token) <= longString || json.Unmarshal(token, &text) != nil {
		return safe(string(token))
	}
	characters := utf8.RuneCountInString(text)
	if characters <= longString {
		return safe(string(token))
	}
	kept := []rune(text[:min(len(text), keptString*utf8.UTFMax)])[:keptString]
	var quoted bytes.Buffer
	encoder := json.NewEncoder(&quoted)
	encoder.SetEscapeHTML(false) // for browsers; it makes HTML hard to read
	if err := encoder.Encode(string(kept)); err != nil {
		return safe(string(token)) // a string always encodes
	}
	open := strings.TrimSuffix(quoted.String(), "\"\n")
	return safe(fmt.Sprintf(`%s… (%d characters)"`, open, characters))
}

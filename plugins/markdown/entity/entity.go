// Package entity resolves the character references of HTML: &eacute;, &#233;,
// &#xe9;, by the rules that browsers follow, including those names that need no
// semicolon.
//
// The table is two constant strings, made by gen.go. Unlike a map it costs nothing
// when the program starts, and a mail pays for the names that it has.
package entity

//go:generate go run gen.go

import (
	"strings"
	"unicode/utf8"
)

// Unescape appends text with its character references resolved. In the value of
// an attribute a name without a semicolon is a reference only where nothing can
// be meant to go on, lest "?a=1&copy=2" be damaged.
func Unescape(dst []byte, text string, isAttribute bool) []byte {
	for {
		i := strings.IndexByte(text, '&')
		if i < 0 {
			return append(dst, text...)
		}
		dst = append(dst, text[:i]...)
		text = text[i:]
		size := 0
		if len(text) > 1 && text[1] == '#' {
			dst, size = appendNumeric(dst, text)
		} else {
			dst, size = appendNamed(dst, text, isAttribute)
		}
		if size == 0 {
			dst = append(dst, '&')
			size = 1
		}
		text = text[size:]
	}
}

// maxName is the length of the longest name, and maxLegacy that of the longest one
// that needs no semicolon.
const (
	maxName   = len("CounterClockwiseContourIntegral")
	maxLegacy = len("Aacute")
)

// appendNamed appends the characters of the reference that s begins with. size is
// its length; 0 where it is none.
func appendNamed(dst []byte, s string, isAttribute bool) (_ []byte, size int) {
	end := 1
	for end < len(s) && end <= maxName && isAlphanumeric(s[end]) {
		end++
	}
	name := s[1:end]
	if end < len(s) && s[end] == ';' {
		if value, _ := find(name); value != "" {
			return append(dst, value...), end + 1
		}
	} else if value, isLegacy := find(name); isLegacy && (!isAttribute || end == len(s) || s[end] != '=') {
		return append(dst, value...), end
	}
	if isAttribute {
		return dst, 0
	}
	for n := min(len(name)-1, maxLegacy); n > 1; n-- {
		if value, isLegacy := find(name[:n]); isLegacy {
			return append(dst, value...), 1 + n
		}
	}
	return dst, 0
}

// The separators between name and characters in the table. Both sort before what
// names are made of.
const (
	strict = '.' // the name needs a semicolon
	legacy = ',' // it does not
)

// find returns the characters of a name, or "", and whether the name needs no
// semicolon.
func find(name string) (value string, isLegacy bool) {
	switch name { // most of what is found in mails
	case "":
		return "", false
	case "nbsp":
		return "\u00a0", true
	case "amp":
		return "&", true
	case "zwnj":
		return "\u200c", false
	}
	low, high := 0, count
	for low < high {
		middle := int(uint(low+high) >> 1)
		r := record(middle)
		if len(r) > len(name) && r[:len(name)] == name && (r[len(name)] == strict || r[len(name)] == legacy) {
			return r[len(name)+1:], r[len(name)] == legacy
		}
		if r < name {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return "", false
}

// record returns a record of the table: name, separator, characters.
func record(i int) string {
	end := len(records)
	if i+1 < count {
		end = offset(i + 1)
	}
	return records[offset(i):end]
}

func offset(i int) int { return int(offsets[2*i])<<8 | int(offsets[2*i+1]) }

// appendNumeric appends the character of a reference such as &#8364; or &#x20ac;,
// with or without the semicolon. size is 0 where it is none.
func appendNumeric(dst []byte, s string) (_ []byte, size int) {
	i, base := 2, rune(10)
	if i < len(s) && s[i]|0x20 == 'x' {
		i, base = 3, 16
	}
	digits := i
	r := rune(0)
	for ; i < len(s); i++ {
		d := digit(s[i])
		if d >= base {
			break
		}
		r = min(r*base+d, utf8.MaxRune+1)
	}
	if i == digits {
		return dst, 0
	}
	if i < len(s) && s[i] == ';' {
		i++
	}
	switch {
	case r >= 0x80 && r < 0xa0:
		r = windows1252(r)
	case r == 0 || !utf8.ValidRune(r):
		r = utf8.RuneError
	}
	return utf8.AppendRune(dst, r), i
}

// digit returns the value of a digit of any base, or one above all bases.
func digit(b byte) rune {
	switch {
	case b >= '0' && b <= '9':
		return rune(b - '0')
	case b|0x20 >= 'a' && b|0x20 <= 'f':
		return rune(b|0x20-'a') + 10
	}
	return 99
}

// windows1252 returns what browsers take the number of a C1 control for.
func windows1252(r rune) rune {
	table := [32]rune{
		0x20ac, 0x0081, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
		0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x008d, 0x017d, 0x008f,
		0x0090, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
		0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x009d, 0x017e, 0x0178,
	}
	return table[r-0x80]
}

func isAlphanumeric(b byte) bool {
	return b|0x20 >= 'a' && b|0x20 <= 'z' || b >= '0' && b <= '9'
}

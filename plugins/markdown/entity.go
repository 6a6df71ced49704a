package main

import (
	"strings"
	"unicode/utf8"
)

// unescape appends text with its character references resolved. In an attribute,
// a name without a semicolon is no reference, lest "?a=1&copy=2" be damaged.
func unescape(dst []byte, text string, isAttribute bool) []byte {
	for {
		i := strings.IndexByte(text, '&')
		if i < 0 {
			return append(dst, text...)
		}
		dst = append(dst, text[:i]...)
		text = text[i:]
		r, size := reference(text, isAttribute)
		if size == 0 {
			dst = append(dst, '&')
			size = 1
		} else {
			dst = utf8.AppendRune(dst, r)
		}
		text = text[size:]
	}
}

// reference reads the character reference that s begins with; size is 0 where it
// is none, or of a name that is not known.
func reference(s string, isAttribute bool) (r rune, size int) {
	if len(s) > 1 && s[1] == '#' {
		return numeric(s)
	}
	end := 1
	for end < len(s) && end <= maxName && isWordByte(s[end]) && s[end] < 0x80 {
		end++
	}
	name := s[1:end]
	if end < len(s) && s[end] == ';' {
		if r := named(name); r != 0 {
			return r, end + 1
		}
	}
	if isAttribute {
		return 0, 0
	}
	for _, legacy := range [...]string{"amp", "lt", "gt", "quot", "nbsp", "copy", "reg"} {
		if strings.HasPrefix(name, legacy) {
			return named(legacy), 1 + len(legacy)
		}
	}
	return 0, 0
}

// numeric reads a reference such as &#8364; or &#x20ac;, with or without the
// semicolon.
func numeric(s string) (r rune, size int) {
	i, base := 2, rune(10)
	if i < len(s) && toLower(s[i]) == 'x' {
		i, base = 3, 16
	}
	digits := i
	for ; i < len(s); i++ {
		d := rune(99)
		switch b := toLower(s[i]); {
		case b >= '0' && b <= '9':
			d = rune(b - '0')
		case b >= 'a' && b <= 'f':
			d = rune(b-'a') + 10
		}
		if d >= base {
			break
		}
		r = min(r*base+d, utf8.MaxRune+1)
	}
	switch {
	case i == digits:
		return 0, 0
	case i < len(s) && s[i] == ';':
		i++
	}
	switch {
	case r >= 0x80 && r < 0xa0:
		r = windows1252[r-0x80]
	case r == 0 || !utf8.ValidRune(r):
		r = utf8.RuneError
	}
	return r, i
}

// windows1252 is what browsers take the numbers of C1 controls for.
var windows1252 = [32]rune{
	0x20ac, 0x0081, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
	0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x008d, 0x017d, 0x008f,
	0x0090, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
	0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x009d, 0x017e, 0x0178,
}

// maxName is the length of the longest name below.
const maxName = 14

// named returns the character of a name, or 0. The common ones are here: the
// letters and signs of Latin-1, what word processors and newsletters use, and what
// attempts at disguise do. A switch, unlike a map, costs nothing at start.
func named(name string) rune {
	switch name {
	case "Tab":
		return 0x9
	case "NewLine":
		return 0xa
	case "excl":
		return 0x21
	case "quot":
		return 0x22
	case "num":
		return 0x23
	case "dollar":
		return 0x24
	case "percnt":
		return 0x25
	case "amp":
		return 0x26
	case "apos":
		return 0x27
	case "lpar":
		return 0x28
	case "rpar":
		return 0x29
	case "ast":
		return 0x2a
	case "plus":
		return 0x2b
	case "comma":
		return 0x2c
	case "period":
		return 0x2e
	case "sol":
		return 0x2f
	case "colon":
		return 0x3a
	case "semi":
		return 0x3b
	case "lt":
		return 0x3c
	case "equals":
		return 0x3d
	case "gt":
		return 0x3e
	case "quest":
		return 0x3f
	case "commat":
		return 0x40
	case "lsqb", "lbrack":
		return 0x5b
	case "bsol":
		return 0x5c
	case "rsqb", "rbrack":
		return 0x5d
	case "Hat":
		return 0x5e
	case "lowbar":
		return 0x5f
	case "grave":
		return 0x60
	case "lcub", "lbrace":
		return 0x7b
	case "verbar", "vert":
		return 0x7c
	case "rcub", "rbrace":
		return 0x7d
	case "nbsp":
		return 0xa0
	case "iexcl":
		return 0xa1
	case "cent":
		return 0xa2
	case "pound":
		return 0xa3
	case "curren":
		return 0xa4
	case "yen":
		return 0xa5
	case "brvbar":
		return 0xa6
	case "sect":
		return 0xa7
	case "uml":
		return 0xa8
	case "copy":
		return 0xa9
	case "ordf":
		return 0xaa
	case "laquo":
		return 0xab
	case "not":
		return 0xac
	case "shy":
		return 0xad
	case "reg":
		return 0xae
	case "macr":
		return 0xaf
	case "deg":
		return 0xb0
	case "plusmn":
		return 0xb1
	case "sup2":
		return 0xb2
	case "sup3":
		return 0xb3
	case "acute":
		return 0xb4
	case "micro":
		return 0xb5
	case "para":
		return 0xb6
	case "middot":
		return 0xb7
	case "cedil":
		return 0xb8
	case "sup1":
		return 0xb9
	case "ordm":
		return 0xba
	case "raquo":
		return 0xbb
	case "frac14":
		return 0xbc
	case "frac12":
		return 0xbd
	case "frac34":
		return 0xbe
	case "iquest":
		return 0xbf
	case "Agrave":
		return 0xc0
	case "Aacute":
		return 0xc1
	case "Acirc":
		return 0xc2
	case "Atilde":
		return 0xc3
	case "Auml":
		return 0xc4
	case "Aring":
		return 0xc5
	case "AElig":
		return 0xc6
	case "Ccedil":
		return 0xc7
	case "Egrave":
		return 0xc8
	case "Eacute":
		return 0xc9
	case "Ecirc":
		return 0xca
	case "Euml":
		return 0xcb
	case "Igrave":
		return 0xcc
	case "Iacute":
		return 0xcd
	case "Icirc":
		return 0xce
	case "Iuml":
		return 0xcf
	case "ETH":
		return 0xd0
	case "Ntilde":
		return 0xd1
	case "Ograve":
		return 0xd2
	case "Oacute":
		return 0xd3
	case "Ocirc":
		return 0xd4
	case "Otilde":
		return 0xd5
	case "Ouml":
		return 0xd6
	case "times":
		return 0xd7
	case "Oslash":
		return 0xd8
	case "Ugrave":
		return 0xd9
	case "Uacute":
		return 0xda
	case "Ucirc":
		return 0xdb
	case "Uuml":
		return 0xdc
	case "Yacute":
		return 0xdd
	case "THORN":
		return 0xde
	case "szlig":
		return 0xdf
	case "agrave":
		return 0xe0
	case "aacute":
		return 0xe1
	case "acirc":
		return 0xe2
	case "atilde":
		return 0xe3
	case "auml":
		return 0xe4
	case "aring":
		return 0xe5
	case "aelig":
		return 0xe6
	case "ccedil":
		return 0xe7
	case "egrave":
		return 0xe8
	case "eacute":
		return 0xe9
	case "ecirc":
		return 0xea
	case "euml":
		return 0xeb
	case "igrave":
		return 0xec
	case "iacute":
		return 0xed
	case "icirc":
		return 0xee
	case "iuml":
		return 0xef
	case "eth":
		return 0xf0
	case "ntilde":
		return 0xf1
	case "ograve":
		return 0xf2
	case "oacute":
		return 0xf3
	case "ocirc":
		return 0xf4
	case "otilde":
		return 0xf5
	case "ouml":
		return 0xf6
	case "divide":
		return 0xf7
	case "oslash":
		return 0xf8
	case "ugrave":
		return 0xf9
	case "uacute":
		return 0xfa
	case "ucirc":
		return 0xfb
	case "uuml":
		return 0xfc
	case "yacute":
		return 0xfd
	case "thorn":
		return 0xfe
	case "yuml":
		return 0xff
	case "OElig":
		return 0x152
	case "oelig":
		return 0x153
	case "Scaron":
		return 0x160
	case "scaron":
		return 0x161
	case "Yuml":
		return 0x178
	case "Zcaron":
		return 0x17d
	case "zcaron":
		return 0x17e
	case "fnof":
		return 0x192
	case "circ":
		return 0x2c6
	case "tilde":
		return 0x2dc
	case "Delta":
		return 0x394
	case "Omega":
		return 0x3a9
	case "alpha":
		return 0x3b1
	case "beta":
		return 0x3b2
	case "gamma":
		return 0x3b3
	case "delta":
		return 0x3b4
	case "epsilon":
		return 0x3b5
	case "lambda":
		return 0x3bb
	case "mu":
		return 0x3bc
	case "pi":
		return 0x3c0
	case "sigma":
		return 0x3c3
	case "omega":
		return 0x3c9
	case "ensp":
		return 0x2002
	case "emsp":
		return 0x2003
	case "numsp":
		return 0x2007
	case "puncsp":
		return 0x2008
	case "thinsp":
		return 0x2009
	case "hairsp":
		return 0x200a
	case "ZeroWidthSpace":
		return 0x200b
	case "zwnj":
		return 0x200c
	case "zwj":
		return 0x200d
	case "lrm":
		return 0x200e
	case "rlm":
		return 0x200f
	case "ndash":
		return 0x2013
	case "mdash":
		return 0x2014
	case "horbar":
		return 0x2015
	case "lsquo":
		return 0x2018
	case "rsquo":
		return 0x2019
	case "sbquo":
		return 0x201a
	case "ldquo":
		return 0x201c
	case "rdquo":
		return 0x201d
	case "bdquo":
		return 0x201e
	case "dagger":
		return 0x2020
	case "Dagger":
		return 0x2021
	case "bull":
		return 0x2022
	case "hellip":
		return 0x2026
	case "permil":
		return 0x2030
	case "prime":
		return 0x2032
	case "Prime":
		return 0x2033
	case "lsaquo":
		return 0x2039
	case "rsaquo":
		return 0x203a
	case "oline":
		return 0x203e
	case "frasl":
		return 0x2044
	case "NoBreak":
		return 0x2060
	case "euro":
		return 0x20ac
	case "trade":
		return 0x2122
	case "larr":
		return 0x2190
	case "uarr":
		return 0x2191
	case "rarr":
		return 0x2192
	case "darr":
		return 0x2193
	case "harr":
		return 0x2194
	case "lArr":
		return 0x21d0
	case "rArr":
		return 0x21d2
	case "sum":
		return 0x2211
	case "minus":
		return 0x2212
	case "radic":
		return 0x221a
	case "infin":
		return 0x221e
	case "asymp":
		return 0x2248
	case "ne":
		return 0x2260
	case "equiv":
		return 0x2261
	case "le":
		return 0x2264
	case "ge":
		return 0x2265
	case "loz":
		return 0x25ca
	case "starf":
		return 0x2605
	case "star":
		return 0x2606
	case "spades":
		return 0x2660
	case "clubs":
		return 0x2663
	case "hearts":
		return 0x2665
	case "diams":
		return 0x2666
	case "check":
		return 0x2713
	case "cross":
		return 0x2717
	}
	return 0
}

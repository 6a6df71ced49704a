package convert

import (
	"strings"

	"github.com/postern-mail/postern/plugins/markdown/commonmark"
	"github.com/postern-mail/postern/plugins/markdown/scan"
)

// look is what an element's attributes say of its looks.
type look struct {
	// hidden is that neither it nor what is in it shows.
	hidden   bool
	fontSize length
	border   border
	// isSpeck is a width or height of a pixel or two.
	isSpeck bool
	align   commonmark.Align
	// isNothing is a width or height of nothing, and isClipped that what goes beyond
	// it does not show.
	isNothing, isClipped bool
	// listLevel is that of the item of a list that Word makes a paragraph of, and
	// isMarker that the element is its mark.
	listLevel uint8
	isMarker  bool
}

type length uint8

const (
	unset length = iota
	zero
	more
)

type border uint8

const (
	_ border = iota
	borderTop
	borderLeft
)

// maxDeclaration is how long a declaration may be that says something here.
const maxDeclaration = 200

// lookOf reads an element's style and hidden attributes.
func lookOf(s *scan.Scanner) (l look) {
	l.hidden = s.Has(scan.Hidden)
	style := s.Attr(scan.Style)
	for style != "" {
		declaration := style
		if end := strings.IndexByte(style, ';'); end >= 0 {
			declaration, style = style[:end], style[end+1:]
		} else {
			style = ""
		}
		declaration = trimLeft(declaration)
		// Most declarations are colours and paddings. The first letter tells them
		// apart from what matters.
		if declaration == "" || firstLetters[declaration[0]&0x1f] != 'x' || len(declaration) > maxDeclaration {
			continue
		}
		if colon := strings.IndexByte(declaration, ':'); colon > 0 {
			l.declare(trimSpaceRight(declaration[:colon]), trimLeft(declaration[colon+1:]), s.Tag)
		}
	}
	l.hidden = l.hidden || l.isNothing && l.isClipped
	return l
}

// firstLetters marks the letters that the properties below begin with, in any
// case: b, d, f, h, m, o, t, v, w.
const firstLetters = "..x.x.x.x....x.x....x.xx........"

// declare applies a declaration. Length and first letter of the property leave
// little to compare with.
func (l *look) declare(property, value string, t scan.Tag) {
	switch len(property) {
	case len("width"), len("height"):
		// Only what is less than a few pixels matters.
		if value != "" && value[0] <= '2' && (scan.SameFold(property, "width") || scan.SameFold(property, "height")) {
			value = trimRight(value)
			l.isSpeck = l.isSpeck || isSpeck(value)
			l.isNothing = l.isNothing || isZero(value)
		}
	case len("display"): // and opacity
		switch {
		case scan.SameFold(property, "display"):
			l.hidden = l.hidden || scan.SameFold(trimRight(value), "none")
		case isZero(value) && scan.SameFold(property, "opacity"):
			l.hidden = true
		}
	case len("mso-hide"): // and mso-list, overflow
		switch property[0] | 0x20 {
		case 'o':
			l.isClipped = scan.SameFold(property, "overflow") && scan.SameFold(trimRight(value), "hidden")
		case 'm':
			switch {
			case scan.SameFold(property, "mso-hide"):
				// A link that is hidden from Outlook alone is a button, whose twin for
				// Outlook stands in a conditional comment.
				l.hidden = l.hidden || scan.SameFold(trimRight(value), "all") && t != scan.A
			case scan.SameFold(property, "mso-list"):
				l.list(trimRight(value))
			}
		}
	case len("font-size"):
		if property[0]|0x20 == 'f' && scan.SameFold(property, "font-size") {
			// Inherited, and undone by a child: layouts set it to close gaps.
			l.fontSize = more
			if isZero(value) {
				l.fontSize = zero
			}
		}
	case len("visibility"): // and max-height, border-top, text-align
		switch property[0] | 0x20 {
		case 't':
			if (t == scan.TD || t == scan.TH) && scan.SameFold(property, "text-align") {
				l.align = alignOf(trimRight(value))
			}
		case 'v':
			if scan.SameFold(property, "visibility") {
				value = trimRight(value)
				l.hidden = l.hidden || scan.SameFold(value, "hidden") || scan.SameFold(value, "collapse")
			}
		case 'm':
			l.hidden = l.hidden || isZero(value) && scan.SameFold(property, "max-height")
		case 'b':
			if beginsSolid(value) && scan.SameFold(property, "border-top") {
				l.border = borderTop
			}
		}
	case len("border-left"):
		if property[0]|0x20 == 'b' && beginsSolid(value) && scan.SameFold(property, "border-left") {
			l.border = borderLeft
		}
	}
}

// trimLeft takes whitespace from the beginning.
func trimLeft(s string) string {
	for s != "" && s[0] <= ' ' {
		s = s[1:]
	}
	return s
}

// trimRight takes whitespace and "!important" from the end of a value.
func trimRight(value string) string {
	const important = "important"
	value = trimSpaceRight(value)
	if n := len(value) - len(important); n > 0 && scan.SameFold(value[n:], important) {
		value = trimSpaceRight(strings.TrimSuffix(trimSpaceRight(value[:n]), "!"))
	}
	return value
}

func trimSpaceRight(s string) string {
	for s != "" && s[len(s)-1] <= ' ' {
		s = s[:len(s)-1]
	}
	return s
}

// beginsSolid reports whether a border is written as Outlook writes them.
func beginsSolid(value string) bool {
	const solid = "solid"
	return len(value) >= len(solid) && scan.SameFold(value[:len(solid)], solid)
}

// isZero reports whether a CSS length is 0, in any unit.
func isZero(value string) bool {
	if value == "" || value[0] != '0' && value[0] != '.' {
		return false
	}
	for i := range len(value) {
		switch b := value[i]; {
		case b >= '1' && b <= '9':
			return false
		case b != '0' && b != '.':
			return true // the unit
		}
	}
	return true
}

// list reads what Word says of the item of a list: "l0 level1 lfo1", or "Ignore" of
// its mark.
func (l *look) list(value string) {
	if scan.SameFold(value, "ignore") {
		l.isMarker = true
		return
	}
	for word := range strings.FieldsSeq(value) {
		if level, ok := strings.CutPrefix(word, "level"); ok {
			l.listLevel = uint8(number(level, 0, maxWordLevel))
		}
	}
}

package main

import "strings"

// look is what an element's attributes say of its looks.
type look struct {
	// hidden is that neither it nor what is in it shows.
	hidden   bool
	fontSize length
	border   border
	// speck is a width or height of a pixel or two.
	speck bool
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

// lookOf reads an element's style and hidden attributes.
func lookOf(s *scanner) look {
	var l look
	l.hidden = s.has("hidden")
	style := s.attr("style")
	for style != "" {
		var declaration string
		declaration, style, _ = strings.Cut(style, ";")
		l.declare(declaration, s.tag)
	}
	return l
}

func (l *look) declare(declaration string, t tag) {
	property, value, ok := strings.Cut(declaration, ":")
	if !ok {
		return
	}
	property = strings.TrimSpace(property)
	// Most declarations are colours and paddings. The first letter tells them apart
	// from what matters, without folding them.
	if property == "" || strings.IndexByte("dvmfobwhDVMFOBWH", property[0]) < 0 || len(declaration) > 200 {
		return
	}
	value = strings.ToLower(strings.TrimSpace(value))
	value = strings.TrimSpace(strings.TrimSuffix(value, "!important"))
	switch strings.ToLower(property) {
	case "display":
		l.hidden = l.hidden || value == "none"
	case "visibility":
		l.hidden = l.hidden || value == "hidden" || value == "collapse"
	case "mso-hide":
		// A link that is hidden from Outlook alone is a button, whose twin for
		// Outlook stands in a conditional comment.
		l.hidden = l.hidden || value == "all" && t != aTag
	case "opacity", "max-height":
		l.hidden = l.hidden || isZero(value)
	case "font-size":
		// Inherited, and undone by a child: layouts set it to close gaps.
		l.fontSize = more
		if isZero(value) {
			l.fontSize = zero
		}
	case "width", "height":
		l.speck = l.speck || isSpeck(value)
	case "border-top":
		if strings.HasPrefix(value, "solid") {
			l.border = borderTop
		}
	case "border-left":
		if strings.HasPrefix(value, "solid") {
			l.border = borderLeft
		}
	}
}

// isZero reports whether a CSS length is 0 in any unit.
func isZero(value string) bool {
	if value == "" || value[0] != '0' && value[0] != '.' {
		return false
	}
	number := strings.TrimRight(value, "abcdefghijklmnopqrstuvwxyz% ")
	return strings.Trim(number, "0.") == ""
}

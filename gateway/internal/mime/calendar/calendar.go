// Package calendar reads of an iCalendar text (RFC 5545) what a receiver needs to
// match an invitation with its answers: the method and the UID (RFC 5546).
//
// Nothing here fails: what is absent or unreadable is empty. The text is gone
// over once, and only two of its lines are kept.
package calendar

import (
	"strings"

	"github.com/postern-mail/postern/gateway/internal/mime/header"
)

// maxValue bounds a UID, in octets. RFC 7986 section 5.3 asks for less than 255.
const maxValue = 1024

// Object is what an iCalendar text says about itself.
type Object struct {
	// Method is in upper case, as in "REQUEST", "REPLY" or "CANCEL"; empty for a
	// calendar that asks for nothing.
	Method string
	// UID is that of the first event, task or journal entry.
	UID string
}

// Is reports whether parts of that type, which is in lower case, hold a calendar.
func Is(contentType string) bool {
	return contentType == "text/calendar" || contentType == "application/ics"
}

// Read reads a text in UTF-8, which may be cut off. declared is the method that
// the part declares; the text's own counts more, since it is what a program acts
// on.
func Read(text, declared string) Object {
	o := Object{Method: method(declared)}
	depth := 0 // components around the line: a calendar is the first, an alarm the third
	for line, rest := next(text); (line != "" || rest != "") && o.UID == ""; line, rest = next(rest) {
		name, value := property(line)
		switch {
		case name == "BEGIN":
			depth++
		case name == "END":
			depth = max(depth-1, 0)
		case name == "METHOD" && depth == 1:
			if m := method(value); m != "" {
				o.Method = m
			}
		case name == "UID" && depth == 2:
			o.UID = header.Cut(header.OneLine(unescape(value)), maxValue)
		}
	}
	return o
}

// method cleans the name of a method, which is a token (RFC 5545 section 3.7.2).
func method(s string) string {
	s = strings.ToUpper(strings.TrimSpace(s))
	if len(s) > 40 || strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" {
		return ""
	}
	return s
}

// next cuts the first line off, which may be folded: a line that begins with
// white space belongs to the one before (RFC 5545 section 3.1). More than a name
// and a value within bounds is not put together.
func next(text string) (line, rest string) {
	line, rest, _ = strings.Cut(text, "\n")
	line = strings.TrimSuffix(line, "\r")
	if !folded(rest) {
		return line, rest
	}
	var b strings.Builder
	b.WriteString(line)
	for folded(rest) {
		var more string
		more, rest, _ = strings.Cut(rest, "\n")
		if b.Len() < maxLine {
			b.WriteString(strings.TrimSuffix(more[1:], "\r"))
		}
	}
	return b.String(), rest
}

func folded(s string) bool { return strings.HasPrefix(s, " ") || strings.HasPrefix(s, "\t") }

// maxLine is how long a folded line is put together: a UID with parameters.
const maxLine = 8 << 10

// property splits a line into its name, in upper case, and its value. Parameters
// between the two are passed over; a colon in quotes belongs to them.
func property(line string) (name, value string) {
	end := strings.IndexAny(line, ":;")
	if end < 0 {
		return "", ""
	}
	name = strings.ToUpper(strings.TrimSpace(line[:end]))
	quoted := false
	for i := end; i < len(line); i++ {
		switch {
		case line[i] == '"':
			quoted = !quoted
		case line[i] == ':' && !quoted:
			return name, line[i+1:]
		}
	}
	return name, ""
}

// unescape undoes the escapes of a text value (RFC 5545 section 3.3.11).
func unescape(s string) string {
	return strings.NewReplacer(`\\`, `\`, `\;`, ";", `\,`, ",", `\n`, " ", `\N`, " ").Replace(s)
}

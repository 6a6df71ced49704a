package structure

import (
	"bytes"
	"strings"
)

// maxJunk is after how many lines that are no fields a header without any field
// is taken for the body that it is.
const maxJunk = 20

// Field is a header field as sent: the value is unfolded, and otherwise the
// octets of the mail.
type Field struct {
	Name  string
	Value []byte
}

// section collects the header of a mail or part, line by line (RFC 5322 section
// 2.2). It keeps what is a field and passes over what is not.
type section struct {
	start  int64
	fields []Field
	// keep says which fields are wanted; nil means all.
	keep func(name string) bool
	// budget is how many octets may still be kept, shared by sections.
	budget *int

	seen int  // fields, kept or not
	junk int  // lines that are no fields
	over bool // a bound left something out

	appending bool // what follows continues the last of fields
}

// add takes one piece that is not blank. It returns false where this cannot be
// a header at all: the body began at start.
func (s *section) add(p piece) bool {
	text := p.text()
	switch {
	case !p.first: // the rest of a long line
		if s.appending {
			s.extend(text)
		}
		return true
	case text[0] == ' ' || text[0] == '\t': // a folded line
		if s.seen == 0 {
			s.junk++
		} else if s.appending {
			s.extend([]byte(" "))
			s.extend(bytes.TrimLeft(text, " \t"))
		}
	default:
		s.addField(text)
	}
	return s.seen > 0 || s.junk < maxJunk
}

func (s *section) addField(text []byte) {
	s.appending = false
	name, value, ok := bytes.Cut(text, []byte(":"))
	name = bytes.TrimRight(name, " \t") // obsolete, but allowed (RFC 5322 section 4.5)
	if !ok || !isFieldName(name) {
		s.junk++
		return
	}
	s.seen++
	if s.keep != nil && !s.keep(string(name)) {
		*s.budget -= len(text)
		return
	}
	if *s.budget < len(name) || len(s.fields) == MaxFields {
		s.over = true
		return
	}
	*s.budget -= len(name)
	s.fields = append(s.fields, Field{Name: string(name)})
	s.appending = true
	s.extend(bytes.TrimLeft(value, " \t"))
}

// extend appends to the value of the last field as far as the budget allows.
func (s *section) extend(text []byte) {
	if len(text) > max(*s.budget, 0) {
		text = text[:max(*s.budget, 0)]
		s.over = true
	}
	*s.budget -= len(text)
	f := &s.fields[len(s.fields)-1]
	f.Value = append(f.Value, text...)
}

// Header reads the header that octets begin with, without what they belong to:
// an enclosed mail, or a block of the fields that reports consist of. It returns
// what follows the empty line.
func Header(octets []byte) (fields []Field, rest []byte) {
	budget := maxHeader
	s := section{budget: &budget}
	rest = s.read(octets, func() bool { return false })
	return s.fields, rest
}

// FirstField returns the value of the first field of a name in the header of the mail that
// octets begin with, as Scan has it, and whether there is one. It reads no further.
func FirstField(octets []byte, name string) (value []byte, found bool) {
	octets = bytes.TrimPrefix(octets, []byte(byteOrderMark))
	if isMboxLine(piece{b: octets}) {
		_, octets, _ = bytes.Cut(octets, []byte("\n"))
	}
	budget := maxHeader
	s := section{budget: &budget}
	s.keep = func(n string) bool { return strings.EqualFold(n, name) }
	s.read(octets, func() bool { return len(s.fields) > 0 && !s.appending || len(s.fields) > 1 })
	if len(s.fields) == 0 {
		return nil, false
	}
	return s.fields[0].Value, true
}

// read adds the lines of a header, up to its end or until enough is true.
func (s *section) read(octets []byte, enough func() bool) (rest []byte) {
	for len(octets) > 0 && !enough() {
		end := bytes.IndexByte(octets, '\n') + 1
		if end == 0 {
			end = len(octets)
		}
		p := piece{b: octets[:end], first: true, whole: true}
		octets = octets[end:]
		if p.blank() || !s.add(p) {
			break
		}
	}
	return octets
}

// isFieldName reports whether name consists of printable ASCII.
func isFieldName(name []byte) bool {
	for _, c := range name {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return len(name) > 0
}

// isMboxLine reports whether the first line of a mail is the separator of an
// mbox file, which exports leave in place.
func isMboxLine(p piece) bool {
	return bytes.HasPrefix(p.b, []byte("From ")) || bytes.HasPrefix(p.b, []byte(">From "))
}

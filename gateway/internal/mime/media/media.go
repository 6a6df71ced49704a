// Package media reads the fields that describe the content of a part:
// Content-Type, Content-Disposition and Content-Transfer-Encoding, a value and
// its parameters (RFC 2045 section 5.1, RFC 2231).
//
// Fields come in raw, as in package header. Reading never fails and is bounded
// in the octets and the parameters of a field. The parser of the standard
// library's package mime is not asked, since it refuses a whole field for one
// bad parameter.
package media

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/postern-mail/postern/gateway/internal/mime/charset"
	"github.com/postern-mail/postern/gateway/internal/mime/header"
)

// Bounds of one field: real ones have fewer than ten parameters, and RFC 2231
// lets a long file name take some dozens. What is beyond is not read.
const (
	maxField  = 64 << 10 // octets
	maxParams = 2000
)

// Field is a Content-Type, Content-Disposition or Content-Transfer-Encoding
// field: a value and its parameters. The zero Field is one that is absent.
type Field struct {
	// Value is in lower case, without comments and white space.
	Value string
	// Clean is false where the field could only be read by guessing.
	Clean  bool
	params []param
}

// param is one parameter as written. Index is the number of an RFC 2231
// continuation, or -1.
type param struct {
	name     string
	index    int
	extended bool // percent-encoded: the name ended in "*"
	value    string
}

// Parse reads such a field. Missing semicolons, unquoted values with
// spaces, unterminated quotes and raw 8-bit text are all accepted.
func Parse(raw string) Field {
	f := Field{Clean: len(raw) <= maxField}
	raw = header.Cut(raw, maxField)
	head := raw
	if i := strings.IndexByte(raw, ';'); i >= 0 {
		head, raw = raw[:i], raw[i+1:]
	} else {
		raw = ""
	}
	if i := strings.IndexByte(head, '('); i >= 0 {
		head = head[:i]
	}
	fields := strings.Fields(head)
	if len(fields) > 1 {
		// "multipart/mixed boundary=x": what looks like a parameter behind the
		// value is one.
		rest := strings.Join(fields[1:], " ")
		if strings.HasPrefix(rest, "/") || strings.HasSuffix(fields[0], "/") { // "text / plain"
			head = strings.Join(fields, "")
		} else {
			f.Clean = false
			head = fields[0]
			if strings.Contains(rest, "=") {
				raw = rest + ";" + raw
			}
		}
	}
	f.Value, _ = header.Text(strings.ToLower(strings.Trim(head, " \t\"'")))
	for len(f.params) < maxParams {
		raw = strings.TrimLeft(raw, "; \t\r\n")
		if raw == "" {
			return f
		}
		raw = f.scanParam(raw)
	}
	f.Clean = false
	return f
}

// scanParam reads one parameter and returns what follows it.
func (f *Field) scanParam(raw string) (rest string) {
	end := strings.IndexAny(raw, "=;")
	if end < 0 || raw[end] == ';' { // a word without a value
		f.Clean = false
		if end < 0 {
			return ""
		}
		return raw[end:]
	}
	p := param{name: strings.ToLower(strings.TrimSpace(raw[:end])), index: -1}
	raw = strings.TrimLeft(raw[end+1:], " \t\r\n")
	if strings.HasPrefix(raw, `"`) {
		p.value, rest = quotedParam(raw)
	} else {
		p.value, rest = tokenParam(raw, p.name)
	}
	if stem, ok := strings.CutSuffix(p.name, "*"); ok {
		p.name, p.extended = stem, true
	}
	if stem, number, ok := strings.Cut(p.name, "*"); ok {
		n, err := strconv.Atoi(number)
		if err != nil || n < 0 || n > maxParams {
			f.Clean = false
			return rest
		}
		p.name, p.index = stem, n
	}
	f.params = append(f.params, p)
	return rest
}

// quotedParam reads the quoted string that s begins with; an unterminated one
// ends with s. A backslash stays unless it escapes a quote or itself: mailers on
// Windows send whole paths as file names.
func quotedParam(s string) (text, rest string) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] == '"' {
			return b.String(), s[i+1:]
		}
		if s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\') {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), ""
}

// tokenParam reads an unquoted value up to the semicolon. A file name may hold
// spaces and parentheses; other values end with the first of either, and what
// is behind must be the next parameter or a comment.
func tokenParam(s, name string) (value, rest string) {
	value, _, _ = strings.Cut(s, ";")
	rest = s[len(value):]
	if !strings.HasPrefix(name, "name") && !strings.HasPrefix(name, "filename") {
		if i := strings.IndexAny(value, " \t("); i >= 0 {
			if strings.Contains(value[i:], "=") {
				rest = s[i:]
			}
			value = value[:i]
		}
	}
	return strings.TrimSpace(value), rest
}

// Raw returns the octets of a parameter as they were sent: a boundary is
// compared octet by octet.
func (f Field) Raw(name string) (value string, ok bool) {
	for _, p := range f.params {
		if p.name == name && p.index < 0 && !p.extended {
			return p.value, true
		}
	}
	return f.extended(name)
}

// Text returns a parameter for people, decoded and in valid UTF-8. The extended
// form of RFC 2231 wins over a plain one, which old mailers add for older ones.
// Encoded words are decoded, though RFC 2047 section 5 forbids them here.
func (f Field) Text(name string) string {
	if v, ok := f.extended(name); ok {
		return header.OneLine(v)
	}
	v, _ := f.Raw(name)
	text, _ := header.Text(v)
	return text
}

// extended joins the pieces of an RFC 2231 value: name*, or name*0, name*1 …,
// with or without a "*" behind the number. The first piece names the charset.
func (f Field) extended(name string) (string, bool) {
	var pieces []param
	for _, p := range f.params {
		if p.name == name && (p.index >= 0 || p.extended) {
			pieces = append(pieces, p)
		}
	}
	if len(pieces) == 0 {
		return "", false
	}
	slices.SortStableFunc(pieces, func(a, b param) int { return cmp.Compare(a.index, b.index) })
	var octets []byte
	label, encoded := "", false
	last := -2
	for i, p := range pieces {
		if p.index == last { // the first of a repeated piece counts
			continue
		}
		last = p.index
		value := p.value
		if p.extended {
			encoded = true
			if i == 0 {
				label, value = cutCharset(value)
			}
			octets = appendPercent(octets, value)
		} else {
			octets = append(octets, value...)
		}
		if p.index < 0 { // name* is whole
			break
		}
	}
	if !encoded {
		// Plain continuations are often encoded words that were cut in pieces.
		text, _ := header.Text(string(octets))
		return text, true
	}
	text, _ := charset.Decode(octets, label)
	return text, true
}

// cutCharset splits charset'language'value (RFC 2231 section 4). A value
// without the two quotes is all value.
func cutCharset(s string) (label, value string) {
	label, rest, ok := strings.Cut(s, "'")
	if !ok {
		return "", s
	}
	_, value, ok = strings.Cut(rest, "'")
	if !ok {
		return "", s
	}
	return label, value
}

func appendPercent(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				dst = append(dst, byte(n))
				i += 2
				continue
			}
		}
		dst = append(dst, s[i])
	}
	return dst
}

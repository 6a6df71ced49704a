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
	Clean bool
	// BadParam is the name of the first parameter that breaks RFC 2231, or repeats
	// or encodes what it must not; empty where there is none.
	BadParam string
	params   []param
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
			f.checkParams()
			return f
		}
		raw = f.scanParam(raw)
	}
	f.Clean = false
	f.checkParams()
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
	var clean bool
	if strings.HasPrefix(raw, `"`) {
		p.value, rest, clean = quotedParam(raw)
	} else {
		p.value, rest = tokenParam(raw, p.name)
		clean = !strings.ContainsAny(p.value, " \t()<>")
	}
	f.Clean = f.Clean && clean
	if p.name == "" {
		f.Clean = false
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
// ends with s, and is not closed. A backslash stays unless it escapes a quote or itself: mailers on
// Windows send whole paths as file names.
func quotedParam(s string) (text, rest string, closed bool) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] == '"' {
			return b.String(), s[i+1:], true
		}
		if s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\') {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), "", false
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
	text, _ := join(pieces)
	return text, true
}

// join decodes the pieces of one extended value, in order. clean is false where
// they are not what RFC 2231 makes of a value.
func join(pieces []param) (text string, clean bool) {
	clean = pieces[0].index <= 0 // name* stands alone, or pieces begin with 0
	var octets []byte
	label, encoded := "", false
	last := -2
	for i, p := range pieces {
		if p.index == last { // the first of a repeated piece counts
			clean = false
			continue
		}
		if last >= 0 && p.index != last+1 {
			clean = false
		}
		last = p.index
		value := p.value
		if p.extended {
			encoded = true
			if i == 0 {
				var ok bool
				label, value, ok = cutCharset(value)
				clean = clean && ok
			} else {
				clean = clean && pieces[0].extended
			}
			var ok bool
			octets, ok = appendPercent(octets, value)
			clean = clean && ok
		} else {
			octets = append(octets, value...)
		}
		if p.index < 0 { // name* is whole
			clean = clean && len(pieces) == 1
			break
		}
	}
	if !encoded {
		// Plain continuations are often encoded words that were cut in pieces.
		text, flaws := header.Text(string(octets))
		return text, clean && flaws == 0 && !strings.Contains(string(octets), "=?")
	}
	t := charset.Decode(octets, label)
	return t.Content, clean && t.Outcome == charset.AsDeclared
}

// cutCharset splits charset'language'value (RFC 2231 section 4). A value
// without the two quotes is all value.
func cutCharset(s string) (label, value string, ok bool) {
	label, rest, ok := strings.Cut(s, "'")
	if !ok {
		return "", s, false
	}
	_, value, ok = strings.Cut(rest, "'")
	if !ok {
		return "", s, false
	}
	return label, value, true
}

// appendPercent appends the octets of a percent-encoded value; what is no escape
// stays, and clean is then false.
func appendPercent(dst []byte, s string) (out []byte, clean bool) {
	clean = true
	for i := 0; i < len(s); i++ {
		if s[i] == '%' {
			if i+2 < len(s) {
				if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
					dst = append(dst, byte(n))
					i += 2
					continue
				}
			}
			clean = false
		}
		dst = append(dst, s[i])
	}
	return dst, clean
}

// checkParams looks for a parameter that breaks a rule, and sets BadParam.
func (f *Field) checkParams() {
	if len(f.params) == 0 {
		return
	}
	sorted := slices.Clone(f.params)
	slices.SortStableFunc(sorted, func(a, b param) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.index, b.index))
	})
	for len(sorted) > 0 {
		n := 1
		for n < len(sorted) && sorted[n].name == sorted[0].name {
			n++
		}
		if !isClean(sorted[:n]) {
			f.BadParam, _ = header.Text(sorted[0].name)
			return
		}
		sorted = sorted[n:]
	}
}

// isClean reports whether the pieces of one parameter are as the RFCs want them:
// one value at most, in each of the two forms. Encoded words have no business
// here (RFC 2047 section 5), and nor have octets that are no text.
func isClean(pieces []param) bool {
	var extended []param
	plain := 0
	for _, p := range pieces {
		if p.index >= 0 || p.extended {
			extended = append(extended, p)
			continue
		}
		plain++
		if _, flaws := header.Text(p.value); flaws != 0 || strings.Contains(p.value, "=?") {
			return false
		}
	}
	if plain > 1 {
		return false
	}
	if len(extended) > 0 {
		_, clean := join(extended)
		return clean
	}
	return true
}

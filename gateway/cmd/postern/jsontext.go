package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// decodeStrict reads one JSON text into a struct, and refuses members that it has not.
func decodeStrict(text []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		message := strings.TrimPrefix(err.Error(), "json: ")
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			line := 1 + bytes.Count(text[:min(int(syntax.Offset), len(text))], []byte("\n"))
			message = fmt.Sprintf("line %d: %s", line, message)
		}
		return errors.New(message)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more behind the JSON text")
	}
	return nil
}

// decoded reads JSON that is known to be that.
func decoded(text []byte) any {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	_ = dec.Decode(&v)
	return v
}

// sameJSON reports whether two JSON values say the same: members in any order, and
// numbers by their value.
func sameJSON(a, b json.RawMessage) bool {
	return reflect.DeepEqual(byValue(decoded(a)), byValue(decoded(b)))
}

// byValue gives the numbers of a decoded value one form.
func byValue(v any) any {
	switch v := v.(type) {
	case json.Number:
		return json.Number(plainNumber(string(v)))
	case []any:
		for i := range v {
			v[i] = byValue(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = byValue(v[name])
		}
	}
	return v
}

// maxZeros is how many zeros a number may be written with instead of an exponent.
const maxZeros = 20

// plainNumber gives a JSON number a form that is the same for all that have its value.
func plainNumber(text string) string {
	mantissa, exponent := text, int64(0)
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		var err error
		if exponent, err = strconv.ParseInt(strings.TrimPrefix(text[i+1:], "+"), 10, 32); err != nil {
			return text // nothing that anybody means
		}
		mantissa = text[:i]
	}
	sign := ""
	if mantissa[0] == '-' {
		sign, mantissa = "-", mantissa[1:]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	exponent -= int64(len(fraction))
	exponent += int64(len(digits) - len(strings.TrimRight(digits, "0")))
	digits = strings.TrimRight(digits, "0")
	switch point := int64(len(digits)) + exponent; {
	case digits == "":
		return "0"
	case exponent >= 0 && exponent <= maxZeros:
		return sign + digits + strings.Repeat("0", int(exponent))
	case exponent < 0 && point > 0:
		return sign + digits[:point] + "." + digits[point:]
	case exponent < 0 && point > -maxZeros:
		return sign + "0." + strings.Repeat("0", int(-point)) + digits
	default:
		return sign + digits + "e" + strconv.FormatInt(exponent, 10)
	}
}

// maxIndent is how deep JSON is indented for people, in levels.
const maxIndent = 64

// jsonLines writes a decoded value for a person to compare: members sorted by name,
// and a string that has lines as so many lines.
func jsonLines(v any) []string {
	p := &jsonPrinter{}
	p.value(v, 0)
	return append(p.lines, p.line.String())
}

type jsonPrinter struct {
	lines []string
	line  strings.Builder // the last one
}

func (p *jsonPrinter) newLine(depth int) {
	p.lines = append(p.lines, p.line.String())
	p.line.Reset()
	p.line.WriteString(strings.Repeat("  ", min(depth, maxIndent)))
}

func (p *jsonPrinter) value(v any, depth int) {
	switch v := v.(type) {
	case string:
		p.line.WriteByte('"')
		for i, piece := range strings.SplitAfter(v, "\n") {
			if i > 0 && piece != "" {
				p.newLine(depth + 1)
			}
			text := encodedJSON(piece)
			p.line.WriteString(text[1 : len(text)-1])
		}
		p.line.WriteByte('"')
	case []any:
		p.list("[", "]", len(v), depth, func(i int) { p.value(v[i], depth+1) })
	case map[string]any:
		names := slices.Sorted(maps.Keys(v))
		p.list("{", "}", len(names), depth, func(i int) {
			p.line.WriteString(encodedJSON(names[i]) + ": ")
			p.value(v[names[i]], depth+1)
		})
	default:
		p.line.WriteString(encodedJSON(v))
	}
}

func (p *jsonPrinter) list(open, end string, n, depth int, element func(i int)) {
	p.line.WriteString(open)
	for i := range n {
		p.newLine(depth + 1)
		element(i)
		if i < n-1 {
			p.line.WriteByte(',')
		}
	}
	if n > 0 {
		p.newLine(depth)
	}
	p.line.WriteString(end)
}

// encodedJSON encodes what was decoded from JSON.
func encodedJSON(v any) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // which is for browsers
	_ = enc.Encode(v)        // it was decoded from JSON
	return strings.TrimSuffix(b.String(), "\n")
}

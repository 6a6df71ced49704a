package main

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/postern-mail/postern/gateway/internal/document"
)

// maxChanges bounds the list of changes that is shown.
const maxChanges = 100

// changes lists what is different in two JSON texts, a line for each place and what
// is there now: "+" is new, "-" is gone, "~" is another value.
func changes(before, after []byte) []string {
	c := &comparison{}
	c.compare(nil, decoded(before), decoded(after))
	if len(c.lines) > maxChanges {
		more := len(c.lines) - maxChanges
		c.lines = append(c.lines[:maxChanges], "and "+strconv.Itoa(more)+" more")
	}
	return c.lines
}

// decoded reads JSON that the gateway itself has written.
func decoded(text []byte) any {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	_ = dec.Decode(&v)
	return v
}

type comparison struct{ lines []string }

func (c *comparison) add(sign string, at document.Pointer, now any) {
	line := sign + " " + at.String()
	if sign != "-" {
		var text strings.Builder
		enc := json.NewEncoder(&text)
		enc.SetEscapeHTML(false)
		_ = enc.Encode(now) // it was decoded from JSON
		line += " = " + strings.TrimSpace(text.String())
	}
	c.lines = append(c.lines, line)
}

func (c *comparison) compare(at document.Pointer, before, after any) {
	a, isObject := before.(map[string]any)
	b, both := after.(map[string]any)
	if isObject && both {
		c.compareObjects(at, a, b)
		return
	}
	x, isArray := before.([]any)
	y, both := after.([]any)
	if isArray && both && len(x) == len(y) {
		for i := range x {
			c.compare(below(at, strconv.Itoa(i)), x[i], y[i])
		}
		return
	}
	if !reflect.DeepEqual(before, after) {
		c.add("~", at, after)
	}
}

func (c *comparison) compareObjects(at document.Pointer, before, after map[string]any) {
	names := make([]string, 0, len(before)+len(after))
	for name := range before {
		names = append(names, name)
	}
	for name := range after {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		old, was := before[name]
		now, is := after[name]
		switch {
		case was && is:
			c.compare(below(at, name), old, now)
		case is:
			c.add("+", below(at, name), now)
		default:
			c.add("-", below(at, name), nil)
		}
	}
}

func below(at document.Pointer, token string) document.Pointer {
	return append(slices.Clone(at), token)
}

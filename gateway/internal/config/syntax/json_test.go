package syntax

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestJSON(t *testing.T) {
	t.Parallel()
	const digits = "1234567890123456789012345678901234567890123456789012345678901234"
	for src, want := range map[string]string{
		"":                                   `{}`,
		"# nothing\n":                        `{}`,
		"b = 1\na = 2\nc = 3\n":              `{"b":1,"a":2,"c":3}`,
		"a = null\nb = [null, { c = null }]": `{"a":null,"b":[null,{"c":null}]}`,
		"a = true\nb = [false]":              `{"a":true,"b":[false]}`,
		"a = []\nb = {}":                     `{"a":[],"b":{}}`,

		// Names: words, also such as mean something elsewhere, and strings.
		"a = { z = 1, \"y/x\" = 2, \"\" = 3 }":              `{"a":{"z":1,"y/x":2,"":3}}`,
		"a = { null = 1, true = 2, b-c : 3 }":               `{"a":{"null":1,"true":2,"b-c":3}}`,
		"a = {\n  b = 1 # and then\n  \"c\\\"d\" = 2,\n}\n": `{"a":{"b":1,"c\"d":2}}`,
		"größe = { \"größe\" = 1 }":                         `{"größe":{"größe":1}}`,
		"a = { b = { a = { b = 1 } }, a = 2 }":              `{"a":{"b":{"a":{"b":1}},"a":2}}`,

		// Strings. What HTML minds is escaped too, which means the same.
		`a = "ü🦆 \"\\ \n\r\t \u0000\u001f \U0001F986"`: `{"a":"ü🦆 \"\\ \n\r\t \u0000\u001f 🦆"}`,
		`a = "$${x} %%{y} $ %"`:                        `{"a":"${x} %{y} $ %"}`,
		`a = "<&>"`:                                    `{"a":"\u003c\u0026\u003e"}`,
		"a = \"\"\nb = \"\u2028\"":                     `{"a":"","b":"\u2028"}`,
		"a = <<E\nb\n  \"c\"\nE\n":                     `{"a":"b\n  \"c\"\n"}`,
		"a = <<-E\n  b\n    c\n  E\n":                  `{"a":"b\n  c\n"}`,

		// Numbers: whole ones are exact, others the nearest of 64 bits.
		"a = [0, -0, 007, 1.0, 1e3, -25e-1]":                    `{"a":[0,0,7,1,1000,-2.5]}`,
		"a = [9223372036854775807, -9223372036854775808]":       `{"a":[9223372036854775807,-9223372036854775808]}`,
		"a = [9223372036854775808, -9223372036854775809, 1e30]": `{"a":[9223372036854775808,-9223372036854775809,1000000000000000000000000000000]}`,
		"a = " + digits:  `{"a":` + digits + `}`,
		"a = -" + digits: `{"a":-` + digits + `}`,
		"a = [0.1, 6.02, 0.30000000000000004, 1e-7, -2.5E+70]":                 `{"a":[0.1,6.02,0.30000000000000004,1e-7,-2.5e+70]}`,
		"a = [1.7976931348623157e308, 5e-324, 0.12345678901234567890]":         `{"a":[1.7976931348623157e+308,5e-324,0.12345678901234568]}`,
		"a = " + strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth): `{"a":` + strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth) + `}`,
	} {
		body, ps := parse("x.hcl", []byte(src))
		if ps != nil {
			t.Errorf("parse(%q) = %v", src, ps)
			continue
		}
		if got, ps := JSON(body.Attributes); string(got) != want || ps != nil {
			t.Errorf("JSON of %q = %s, %v; want %s", src, got, ps, want)
		}
	}
}

func TestJSONWrong(t *testing.T) {
	t.Parallel()
	const (
		name = "the name of a member is a word or a string; write the name itself, in quotes"
		far  = "the number is out of range; numbers reach from 5e-324 to 1.7e308"
	)
	many := strings.Repeat("a=1,", MaxEntries+1)
	for src, want := range map[string]string{
		"a = b":                            "x.hcl:1:5: " + noExpressions + "; write the value, in quotes if it is text",
		"a = [1,\n{ b = c() }, -null]":     "x.hcl:2:7: " + noExpressions + "; write the value\nx.hcl:2:14: " + noExpressions + "; write the value",
		"a = { b = 1, \"b\" = 2 }":         `x.hcl:1:14: member "b" stands at x.hcl:1:7 already`,
		"a = { b = 1, b = c }":             `x.hcl:1:18: ` + noExpressions + "; write the value, in quotes if it is text\n" + `x.hcl:1:14: member "b" stands at x.hcl:1:7 already`,
		"a = { (b) = 1 }":                  "x.hcl:1:7: " + name,
		"a = { (\"b\") = 1 }":              "x.hcl:1:7: " + name,
		"a = { b.c = 1, d[0] = 2, 5 = 3 }": "x.hcl:1:7: " + name + "\nx.hcl:1:16: " + name + "\nx.hcl:1:26: " + name,
		"a = { \"b${c}\" = 1 }":            "x.hcl:1:8: " + noExpressions + `; write "$${" for a plain "${", and "%%{" for a plain "%{"`,
		"a = { for b in c : b => b }":      "x.hcl:1:5: " + noExpressions + "; write the value",
		"a = 1e309\nb = [-1e-400]":         "x.hcl:1:5: " + far + "\nx.hcl:2:6: " + far,
		"a = 1e999999999":                  "x.hcl:1:5: " + far,
		"a = {" + many + "}":               "x.hcl:1:5: the object has 10001 members, at most 10000 are allowed",
	} {
		body, ps := parse("x.hcl", []byte(src))
		if ps != nil {
			t.Errorf("parse(%.100q) = %v", src, ps)
			continue
		}
		if got, ps := JSON(body.Attributes); ps.Error() != want || got != nil {
			t.Errorf("JSON of %.100q = %s,\n%v\nwant\n%s", src, got, ps, want)
		}
	}
}

// checkJSON holds that what a body's attributes come to is JSON that names each of
// them, in their order.
func checkJSON(t *testing.T, attributes []Attribute) {
	t.Helper()
	text, ps := JSON(attributes)
	if (text == nil) == (ps == nil) {
		t.Fatalf("JSON = %q, %v", text, ps)
	}
	if ps != nil {
		return
	}
	d := json.NewDecoder(strings.NewReader(string(text)))
	next := func() json.Token {
		tok, err := d.Token()
		if err != nil {
			t.Fatalf("JSON = %q: %v", text, err)
		}
		return tok
	}
	next() // {
	for _, a := range attributes {
		if tok := next(); tok != a.Name {
			t.Fatalf("JSON = %q: %v stands where %q should", text, tok, a.Name)
		}
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			t.Fatalf("JSON = %q: %v", text, err)
		}
	}
	if tok := next(); tok != json.Delim('}') || !json.Valid(text) {
		t.Fatalf("JSON = %q: %v stands at the end", text, tok)
	}
}

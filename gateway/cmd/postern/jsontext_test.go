package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/document"
)

func TestPlainNumber(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"0": "0", "-0": "0", "0.0": "0", "0e99": "0", "1": "1", "1.0": "1", "10e-1": "1", "1E+0": "1", "100": "100", "1e2": "100",
		"-1.50": "-1.5", "0.015e2": "1.5", "0.001": "0.001", "1e-3": "0.001", "12.5e-1": "1.25", "4.711e3": "4711",
		"9007199254740993": "9007199254740993", "9007199254740992": "9007199254740992",
		"1e400": "1e400", "10e399": "1e400", "1e-400": "1e-400", "1e99999999999": "1e99999999999",
	} {
		if got := plainNumber(in); got != want {
			t.Errorf("plainNumber(%s) = %s, want %s", in, got, want)
		}
	}
}

func TestSameJSON(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		a, b string
		want bool
	}{
		{`{"a":1,"b":[1,2]}`, `{"b":[1.0,2e0],"a":1}`, true},
		{`[1,2]`, `[2,1]`, false},
		{`{"a":null}`, `{}`, false},
		{`"1"`, `1`, false},
		{`9007199254740993`, `9007199254740992`, false},
	} {
		if got := sameJSON(json.RawMessage(tc.a), json.RawMessage(tc.b)); got != tc.want {
			t.Errorf("sameJSON(%s, %s) = %v", tc.a, tc.b, got)
		}
	}
}

func TestJSONLines(t *testing.T) {
	t.Parallel()
	got := strings.Join(jsonLines(decoded([]byte(`{"b":["one\ntwo\n","<x>",{}],"a":{"n":1}, "e":[]}`))), "\n")
	const want = `{
  "a": {
    "n": 1
  },
  "b": [
    "one\n
      two\n",
    "<x>",
    {}
  ],
  "e": []
}`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeStrict(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"write":["/a"]}`:     "",
		`{"write":"/a"}`:       "cannot unmarshal string",
		"{\n\"write\": [\n}":   "line 3: invalid character '}'",
		`{} {}`:                "there is more behind the JSON text",
		`{"wirte":[]}`:         `unknown field "wirte"`,
		``:                     "EOF",
		`{"options":{"a":1}}x`: "there is more",
	} {
		var s caseSettingsFile
		err := decodeStrict([]byte(text), &s)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestCutTo(t *testing.T) {
	t.Parallel()
	const payload = `{"id":"x","crm":{"a":1,"b":{"c":2,"d":3}},"list":[{"x":1},{"x":2}]}`
	for places, want := range map[string]string{
		"":                        payload,
		"/crm":                    `{"crm":{"a":1,"b":{"c":2,"d":3}}}`,
		"/crm/b/c":                `{"crm":{"b":{"c":2}}}`,
		"/crm/b/c /crm/a":         `{"crm":{"a":1,"b":{"c":2}}}`,
		"/crm/b/c /crm/b":         `{"crm":{"b":{"c":2,"d":3}}}`,
		"/crm/b /crm/b/c /crm/no": `{"crm":{"b":{"c":2,"d":3}}}`,
		"/list/0/x /list/1/x":     `{"list":[{"x":1},{"x":2}]}`,
		"/gone":                   `{}`,
	} {
		var list []document.Pointer
		for s := range strings.SplitSeq(places, " ") {
			p, err := document.ParsePointer(s)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, p)
		}
		if got := cutTo(json.RawMessage(payload), list); !sameJSON(got, json.RawMessage(want)) {
			t.Errorf("%q: %s, want %s", places, got, want)
		}
	}
}

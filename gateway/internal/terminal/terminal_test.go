package terminal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

func TestWritePayload(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ payload, want string }{
		"order, escapes and numbers stay": {
			`{"b":"\u00e9\n\"x\"\\","a":-1.50e+07,"b":[true,null,{}]}`,
			"  {\n    \"b\": \"\\u00e9\\n\\\"x\\\"\\\\\",\n    \"a\": -1.50e+07,\n    \"b\": [\n      true,\n      null,\n      {}\n    ]\n  }\n",
		},
		"a string":              {`"x"`, "  \"x\"\n"},
		"200 characters":        {`"` + strings.Repeat("é", 200) + `"`, `  "` + strings.Repeat("é", 200) + "\"\n"},
		"201 characters":        {`"` + strings.Repeat("é", 201) + `"`, `  "` + strings.Repeat("é", 80) + "… (201 characters)\"\n"},
		"escaped characters":    {`"` + strings.Repeat(`\u00e9`, 201) + `"`, `  "` + strings.Repeat("é", 80) + "… (201 characters)\"\n"},
		"200 escaped":           {`"` + strings.Repeat(`\u00e9`, 200) + `"`, `  "` + strings.Repeat(`\u00e9`, 200) + "\"\n"},
		"4-octet characters":    {`"` + strings.Repeat("😀", 300) + `"`, `  "` + strings.Repeat("😀", 80) + "… (300 characters)\"\n"},
		"quotes and markup":     {`"` + strings.Repeat(`\"<\\u003c>&`, 40) + `"`, `  "` + strings.Repeat(`\"<\\u003c>&`, 8) + "… (400 characters)\"\n"},
		"new lines in the kept": {`"` + strings.Repeat(`\n`, 300) + `"`, `  "` + strings.Repeat(`\n`, 80) + "… (300 characters)\"\n"},
		"not JSON":              {"hello\x1b", "  not JSON, 6 octets: \"hello\\x1b\"\n"},
		"two values":            {"1 2", "  not JSON, 3 octets: \"1 2\"\n"},
	} {
		var b strings.Builder
		WritePayload(&b, []byte(tc.payload))
		if diff := cmp.Diff(tc.want, b.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain äöü 😀":             "plain äöü 😀",
		"\x1b[31mred":             `\u001b[31mred`,
		"a\u202eb\u0085c\r\n":     `a\u202eb\u0085c\u000d\u000a`,
		"no utf-8 \xff":           `no utf-8 \ufffd`,
		"tag \U000e0041":          `tag \udb40\udc41`,
		strings.Repeat("é", 1000): strings.Repeat("é", 1000),
	} {
		if got := Text(in, 1000); got != want {
			t.Errorf("Text(%q) = %q, want %q", in, got, want)
		}
	}
	if got := Text("äöü", 2); got != "äö…" {
		t.Errorf("Text = %q", got)
	}
	if got := Text("äöü", 3); got != "äöü" {
		t.Errorf("Text = %q", got)
	}
}

// FuzzWritePayload holds that any payload prints safely, and any JSON as JSON of
// the same structure.
func FuzzWritePayload(f *testing.F) {
	f.Add([]byte(`{"a":[1,"b",{"c":null}],"d":"\u001b[31m"}`))
	f.Add([]byte("\"" + strings.Repeat("\u202e", 201) + "\""))
	f.Add([]byte("not JSON \x1b[2J"))
	f.Add([]byte(strings.Repeat("[", 70) + strings.Repeat("]", 70)))
	f.Add([]byte("\"" + strings.Repeat(`\ud83d\ude00`, 201) + "\\\\\""))
	f.Fuzz(func(t *testing.T, payload []byte) {
		var b strings.Builder
		WritePayload(&b, payload)
		got := b.String()
		if i := strings.IndexFunc(got, func(r rune) bool { return r != '\n' && (r == '\uFFFD' || !unicode.IsGraphic(r)) }); i >= 0 {
			t.Errorf("printed %q", got)
		}
		if !json.Valid(payload) {
			return
		}
		short, depth := shorten(payload)
		if !json.Valid(short) {
			t.Errorf("shortened to %q", short)
		}
		if depth > maxDepth || len(short) > maxIndented {
			return
		}
		if tokens(t, payload) != tokens(t, short) {
			t.Errorf("structure changed: %q", short)
		}
		if !json.Valid(bytes.TrimSpace([]byte(got))) {
			t.Errorf("printed what is no JSON: %q", got)
		}
	})
}

// tokens returns the kinds of the tokens of valid JSON, and its delimiters and
// numbers as they are.
func tokens(t *testing.T, text []byte) string {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var b strings.Builder
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			return b.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := token.(string); ok {
			token = "string"
		}
		fmt.Fprintf(&b, "%v ", token)
	}
}

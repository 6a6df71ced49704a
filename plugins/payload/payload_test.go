package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postern-mail/postern/sdk/go/plugin"
	"github.com/postern-mail/postern/sdk/go/plugintest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// parse reads options as the SDK does.
func parse(t *testing.T, text string) options {
	t.Helper()
	var o options
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&o); err != nil {
		t.Fatal(err)
	}
	if err := o.check(); err != nil {
		t.Fatal(err)
	}
	return o
}

// run shapes a payload of which all may be read and written.
func run(t *testing.T, payload, opts string) plugintest.Result {
	t.Helper()
	return runGranted(t, payload, opts, []string{""}, []string{""})
}

func runGranted(t *testing.T, payload, opts string, read, write []string) plugintest.Result {
	t.Helper()
	o := parse(t, opts)
	return plugintest.Run(t, func(m *plugin.Mail) error { return shape(m.Payload(), o) },
		plugintest.Mail{Payload: json.RawMessage(payload), Read: read, Write: write})
}

func readFile(t testing.TB, name string) string {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// TestGolden shapes testdata/payload.json by each testdata/NAME.options.json.
func TestGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.options.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no options: %v", err)
	}
	for _, file := range files {
		base := strings.TrimSuffix(file, ".options.json")
		t.Run(filepath.Base(base), func(t *testing.T) {
			t.Parallel()
			r := run(t, readFile(t, "testdata/payload.json"), readFile(t, file))
			if r.Err != nil {
				t.Fatal(r.Err)
			}
			var got bytes.Buffer
			if err := json.Indent(&got, r.Payload, "", "  "); err != nil {
				t.Fatal(err)
			}
			got.WriteByte('\n')
			golden := base + ".golden.json"
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if want := readFile(t, golden); got.String() != want {
				t.Errorf("%s: got\n%s\nwant\n%s", golden, got.String(), want)
			}
		})
	}
}

func TestShape(t *testing.T) {
	t.Parallel()
	const list = `{"list":["a","b","c","d","e","f","g","h","i","j","k"]}`
	for name, c := range map[string]struct{ payload, options, want string }{
		"only of what is not there":           {`{"a":1,"b":{"c":2}}`, `{"only":["/b/d","/e"]}`, `{}`},
		"only below a string":                 {`{"a":"x","b":1}`, `{"only":["/a/b","/b"]}`, `{"b":1}`},
		"only of a parent and its child":      {`{"a":{"b":1,"c":2}}`, `{"only":["/a/b","/a"]}`, `{"a":{"b":1,"c":2}}`},
		"only of elements":                    {list, `{"only":["/list/1","/list/10"]}`, `{"list":["b","k"]}`},
		"only of members named with escapes":  {`{"a\u002fb":{"\u007e":1,"~1":2}}`, `{"only":["/a~1b/~01"]}`, `{"a/b":{"~1":2}}`},
		"only of a member without a name":     {`{"":{"":1,"a":2},"b":3}`, `{"only":["//"]}`, `{"":{"":1}}`},
		"omit by index, 9 before 10":          {list, `{"omit":["/list/10","/list/9","/list/0"]}`, `{"list":["b","c","d","e","f","g","h","i"]}`},
		"omit the same twice":                 {list, `{"omit":["/list/0","/list/0"]}`, `{"list":["b","c","d","e","f","g","h","i","j","k"]}`},
		"omit a parent and its child":         {`{"a":{"b":1,"c":2}}`, `{"omit":["/a","/a/b"]}`, `{}`},
		"rename into the parent's place":      {`{"a":{"b":1,"c":2}}`, `{"rename":{"/a/b":"/a"}}`, `{"a":1}`},
		"rename along a chain moves one step": {`{"a":1,"b":2}`, `{"rename":{"/a":"/b","/b":"/c"}}`, `{"b":1,"c":2}`},
		"rename into what is renamed":         {`{"a":{"x":1},"b":2}`, `{"rename":{"/a":"/c","/b":"/c/y"}}`, `{"c":{"x":1,"y":2}}`},
		"rename of elements":                  {list, `{"rename":{"/list/10":"/k","/list/2":"/c"}}`, `{"c":"c","k":"k","list":["a","b","d","e","f","g","h","i","j"]}`},
		"constants of every kind":             {`{"a":1}`, `{"constants":{"/a":[1,{"b":null}],"/c":{"d":"e"},"/c/f":false}}`, `{"a":[1,{"b":null}],"c":{"d":"e","f":false}}`},
		"rename comes after omit":             {`{"a":1,"b":2}`, `{"omit":["/a"],"rename":{"/a":"/c","/b":"/d"}}`, `{"d":2}`},
		"constants come after rename":         {`{"a":{"b":1}}`, `{"rename":{"/a":"/c"},"constants":{"/c/d":2,"/a":3}}`, `{"a":3,"c":{"b":1,"d":2}}`},
		"null options":                        {`{"a":1}`, `{"only":null,"omit":null,"rename":null,"constants":null}`, `{"a":1}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := run(t, c.payload, c.options)
			if r.Err != nil || string(r.Payload) != c.want {
				t.Errorf("payload = %s, %v; want %s", r.Payload, r.Err, c.want)
			}
		})
	}
}

// What the host refuses is told with the option and the pointer.
func TestRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		options, want string
		err           error
	}{
		"only without all to read":         {`{"only":["/a"]}`, "only: the whole payload has to be read", plugin.ErrForbidden},
		"omit":                             {`{"omit":["/id"]}`, "omit: payload /id:", plugin.ErrForbidden},
		"rename from":                      {`{"rename":{"/id":"/a"}}`, "rename: payload /id:", plugin.ErrForbidden},
		"rename from what is only read":    {`{"rename":{"/read":"/a"}}`, "rename: payload /read:", plugin.ErrForbidden},
		"rename to":                        {`{"rename":{"/a":"/id"}}`, "rename /a: payload /id:", plugin.ErrForbidden},
		"rename to a place with no parent": {`{"rename":{"/a":"/b/c/d"}}`, "rename /a: payload /b/c/d:", plugin.ErrBadPointer},
		"constants":                        {`{"constants":{"/id":1}}`, "constants: payload /id:", plugin.ErrForbidden},
		"constants with no parent":         {`{"constants":{"/b/c/d":1}}`, "constants: payload /b/c/d:", plugin.ErrBadPointer},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := runGranted(t, `{"id":1,"a":2,"b":{},"read":3}`, c.options, []string{"/a", "/b", "/read"}, []string{"/a", "/b"})
			if !errors.Is(r.Err, c.err) || !strings.HasPrefix(r.Err.Error(), c.want) {
				t.Errorf("err = %v, want %s", r.Err, c.want)
			}
		})
	}
	t.Run("only, of a member that may not go", func(t *testing.T) {
		t.Parallel()
		r := runGranted(t, `{"id":1,"a":2}`, `{"only":["/a"]}`, []string{""}, []string{"/a"})
		if want := "only: payload /id:"; !errors.Is(r.Err, plugin.ErrForbidden) || !strings.HasPrefix(r.Err.Error(), want) {
			t.Errorf("err = %v, want %s", r.Err, want)
		}
	})
}

func TestCheck(t *testing.T) {
	t.Parallel()
	many := make([]string, maxEntries+1)
	for i := range many {
		many[i] = fmt.Sprintf("/%d", i)
	}
	for name, c := range map[string]struct {
		options options
		want    string // empty where the options are good
	}{
		"none":                        {options{}, ""},
		"at the bounds":               {options{Only: many[1:], Omit: []string{strings.Repeat("/a", maxDepth), "/" + strings.Repeat("a", maxPointer-1)}}, ""},
		"too many":                    {options{Omit: many}, "omit: 1001 entries are more than 1000"},
		"whole payload":               {options{Only: []string{""}}, `only: "" is the whole payload`},
		"no slash":                    {options{Omit: []string{"/a", "spam"}}, `omit: "spam" is no JSON Pointer`},
		"bad escape":                  {options{Omit: []string{"/a~2"}}, `omit: "/a~2" is no JSON Pointer`},
		"cut escape":                  {options{Only: []string{"/a~"}}, `only: "/a~" is no JSON Pointer`},
		"doubled escape":              {options{Only: []string{"/a~~0"}}, `only: "/a~~0" is no JSON Pointer`},
		"too long":                    {options{Omit: []string{"/" + strings.Repeat("a", maxPointer)}}, "is longer than 1024 octets"},
		"too deep":                    {options{Omit: []string{strings.Repeat("/a", maxDepth+1)}}, "is more than 32 deep"},
		"rename source":               {options{Rename: map[string]string{"a": "/b"}}, `rename: "a" is no JSON Pointer`},
		"rename target":               {options{Rename: map[string]string{"/a": "b"}}, `rename: /a: target "b" is no JSON Pointer`},
		"rename to the same":          {options{Rename: map[string]string{"/a": "/a"}}, "rename: /a: target /a is the value itself"},
		"rename into itself":          {options{Rename: map[string]string{"/a": "/a/b"}}, "rename: /a: target /a/b is"},
		"rename to a sibling":         {options{Rename: map[string]string{"/a": "/ab"}}, ""},
		"one target for two":          {options{Rename: map[string]string{"/b": "/c", "/a": "/c"}}, "rename: /a and /b have the same target /c"},
		"constants pointer":           {options{Constants: map[string]json.RawMessage{"": []byte("1")}}, `constants: "" is the whole payload`},
		"constants at depth":          {options{Constants: map[string]json.RawMessage{"/a": nested(maxDepth)}}, ""},
		"constants too deep":          {options{Constants: map[string]json.RawMessage{"/a": nested(maxDepth + 1)}}, "constants: the value of /a is nested more than 32 deep"},
		"content of an attachment":    {options{Omit: []string{"/message/attachments/0/content"}}, "is the content of an attachment"},
		"place of the content":        {options{Rename: map[string]string{"/a": "/message/attachments/0/$part"}}, "is the content of an attachment"},
		"part of an attachment, only": {options{Only: []string{"/message/attachments/0/size"}}, "only: /message/attachments/0/size is part of an attachment"},
		"part of an attachment, omit": {options{Omit: []string{"/message/attachments/0/size"}}, ""},
		"an attachment":               {options{Only: []string{"/message/attachments/0"}, Omit: []string{"/message/attachments"}}, ""},
		"move all attachments":        {options{Rename: map[string]string{"/message/attachments": "/files"}}, "rename: /message/attachments: attachments have to stay in /message/attachments"},
		"move what has them in it":    {options{Rename: map[string]string{"/message": "/mail"}}, "rename: /message: attachments have to stay"},
		"move an attachment":          {options{Rename: map[string]string{"/message/attachments/1": "/file"}}, "rename: /message/attachments/1: attachments have to stay"},
		"move it to the end":          {options{Rename: map[string]string{"/message/attachments/0": "/message/attachments/-"}}, ""},
		"move a part of one":          {options{Rename: map[string]string{"/message/attachments/0/filename": "/file", "/message/attachmentsX": "/a"}}, ""},
		"several at once":             {options{Only: []string{""}, Omit: []string{"x"}}, "only: \"\" is the whole payload: name a member\nomit: \"x\""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := c.options.check()
			if c.want == "" && err == nil {
				return
			}
			if err == nil || c.want == "" || !strings.Contains(err.Error(), c.want) {
				t.Errorf("check = %v, want %q", err, c.want)
			}
		})
	}
}

func nested(depth int) json.RawMessage {
	return json.RawMessage(strings.Repeat("[", depth) + strings.Repeat("]", depth))
}

// TestRegistered runs what main.go registers. The SDK keeps one program's options,
// hence it is not parallel.
func TestRegistered(t *testing.T) {
	f, err := plugintest.Configure(t, `{"omit":["/spam"],"constants":{"/source":"postern"}}`)
	if err != nil {
		t.Fatal(err)
	}
	r := plugintest.Run(t, f, plugintest.Mail{Payload: []byte(`{"spam":{}}`), Write: []string{""}})
	if want := `{"source":"postern"}`; r.Err != nil || string(r.Payload) != want {
		t.Errorf("payload = %s, %v; want %s", r.Payload, r.Err, want)
	}
	for options, want := range map[string]string{
		`{"omitt":[]}`:        `there is no option "omitt"`,
		`{"omit":["spam"]}`:   `omit: "spam" is no JSON Pointer`,
		`{"rename":{"/a":1}}`: "rename",
	} {
		if _, err := plugintest.Configure(t, options); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Configure(%s) = %v, want %s", options, err, want)
		}
	}
}

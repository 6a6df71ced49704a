package main

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestUnnamed(t *testing.T) {
	t.Parallel()
	got, err := unnamed([]byte(` { "a" : [ 1 , { "b" : "}\"" , "c" : [ ] } ] , "d" : { } , "e" : "\\" } `), []string{"/a/1/b", "/e", "/d/x"})
	if want := []string{"/a/0", "/a/1/c", "/d"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("unnamed = %q, %v; want %q", got, err, want)
	}
	for _, text := range []string{
		``, ` `, `{`, `[`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a" 1}`, `{a:1}`, `{"a":1]`, `{"a":{"b":"}`,
		`{"\x":1}`, `{"a":}`, `{"a":1}x`, `{"b":[1}`, `{"b":"\`, "{\"b\":\x00}",
	} {
		if got, err := unnamed([]byte(text), []string{"/a/b"}); err == nil {
			t.Errorf("unnamed(%s) = %q", text, got)
		}
	}
}

// FuzzUnnamed holds the skimmer to a decoder: what it names is all, and nothing
// but, that the pointers do not.
func FuzzUnnamed(f *testing.F) {
	f.Add([]byte(readFile(f, "testdata/payload.json")), "/message/subject /message/attachments/1 /x~1y/~0")
	f.Add([]byte(`{"a":[1,{"b":"}\""}],"\u00e9":{}}`), "/a/1 /é /a/1/b")
	f.Add([]byte(`[[[0,1],2],{"":-1e9}]`), "/0/0/1 /1/")
	f.Fuzz(func(t *testing.T, text []byte, list string) {
		pointers := strings.Fields(list)
		if checkPointers("only", pointers) != nil || len(pointers) == 0 {
			t.Skip()
		}
		others, err := unnamed(text, pointers)
		value, ok := decode(text)
		if !ok {
			return // it must not panic, no more
		}
		if err != nil {
			t.Fatalf("unnamed(%s): %v", text, err)
		}
		if want := reference(value, pointers, "", nil); !slices.Equal(others, want) {
			t.Errorf("unnamed(%s, %q) = %q, want %q", text, pointers, others, want)
		}
	})
}

// member is a member of an object or an element of an array.
type member struct {
	token string
	value any // []member, or anything else
}

// decode reads what the host may send: one JSON text in UTF-8 without duplicate
// names or escaped surrogates.
func decode(text []byte) (any, bool) {
	if !utf8.Valid(text) || !json.Valid(text) || bytes.Contains(text, []byte(`\u`)) && bytes.ContainsAny(text, "dD") {
		return nil, false
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	value, ok := decodeValue(dec)
	_, err := dec.Token()
	return value, ok && err == io.EOF
}

func decodeValue(dec *json.Decoder) (any, bool) {
	token, err := dec.Token()
	delim, composite := token.(json.Delim)
	if err != nil || !composite {
		return token, err == nil
	}
	members, seen := []member{}, map[string]bool{}
	for dec.More() {
		name := strconv.Itoa(len(members))
		if delim == '{' {
			token, err := dec.Token()
			if err != nil {
				return nil, false
			}
			name = token.(string)
		}
		value, ok := decodeValue(dec)
		if !ok || seen[name] {
			return nil, false
		}
		seen[name] = true
		members = append(members, member{strings.NewReplacer("~", "~0", "/", "~1").Replace(name), value})
	}
	_, err = dec.Token()
	return members, err == nil
}

// reference is unnamed in the plain way: each member is looked at by its pointer.
func reference(value any, pointers []string, at string, others []string) []string {
	members, _ := value.([]member)
	for _, m := range members {
		pointer := at + "/" + m.token
		switch {
		case slices.Contains(pointers, pointer):
		case slices.ContainsFunc(pointers, func(p string) bool {
			rest, below := strings.CutPrefix(p, pointer+"/")
			return below && has(m.value, strings.Split(rest, "/"))
		}):
			others = reference(m.value, pointers, pointer, others)
		default:
			others = append(others, pointer)
		}
	}
	return others
}

func has(value any, tokens []string) bool {
	if len(tokens) == 0 {
		return true
	}
	members, _ := value.([]member)
	i := slices.IndexFunc(members, func(m member) bool { return m.token == tokens[0] })
	return i >= 0 && has(members[i].value, tokens[1:])
}

func BenchmarkUnnamed(b *testing.B) {
	html, err := json.Marshal(strings.Repeat("<p class=\"a\">text</p>\n", 4<<20/22))
	if err != nil {
		b.Fatal(err)
	}
	text := []byte(`{"id":"x","message":{"subject":"y","content":{"html":` + string(html) + `}}}`)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := unnamed(text, []string{"/id", "/message/content/html"}); err != nil {
			b.Fatal(err)
		}
	}
}

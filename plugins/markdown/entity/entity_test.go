package entity

import (
	"html"
	"strings"
	"testing"
)

func TestUnescape(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ in, text, attribute string }{
		{"a &amp; b &eacute;&nbsp;&CounterClockwiseContourIntegral;", "a & b é\u00a0∳", "a & b é\u00a0∳"},
		{"&ampx &notit; &notin; &copy &copy=1", "&x ¬it; ∉ © ©=1", "&ampx &notit; ∉ © &copy=1"},
		{"&nosuch; &; & &&amp;&", "&nosuch; &; & &&&", "&nosuch; &; & &&&"},
		{"&#8364;&#x20AC&#X20ac;&#128;&#0;&#xD800;&#99999999999;", "€€€€\ufffd\ufffd\ufffd", "€€€€\ufffd\ufffd\ufffd"},
		{"&#;&#x;&#xg;&#", "&#;&#x;&#xg;&#", "&#;&#x;&#xg;&#"},
		{"&fjlig;&NotEqualTilde;&NewLine;&zwnj;&zwnj", "fj≂̸\n\u200c&zwnj", "fj≂̸\n\u200c&zwnj"},
	} {
		if got := string(Unescape(nil, test.in, false)); got != test.text {
			t.Errorf("text %q: got %q, want %q", test.in, got, test.text)
		}
		if got := string(Unescape(nil, test.in, true)); got != test.attribute {
			t.Errorf("attribute %q: got %q, want %q", test.in, got, test.attribute)
		}
	}
}

// TestTable holds every name to what the standard library makes of it.
func TestTable(t *testing.T) {
	t.Parallel()
	longest, longestLegacy, inOrder := 0, 0, ""
	for i := range count {
		r := record(i)
		if r <= inOrder {
			t.Errorf("%q comes after %q", r, inOrder)
		}
		inOrder = r
		end := strings.IndexAny(r, ".,")
		name, value := r[:end], r[end+1:]
		longest = max(longest, len(name))
		if r[end] == legacy {
			longestLegacy = max(longestLegacy, len(name))
		}
		for _, in := range []string{"&" + name + ";", "&" + name, "&" + name + "x", "&" + name + " "} {
			if got, want := string(Unescape(nil, in, false)), html.UnescapeString(in); got != want {
				t.Errorf("%q: got %q, want %q", in, got, want)
			}
		}
		if got := string(Unescape(nil, "&"+name+";", true)); got != value || value == "" {
			t.Errorf("%q: got %q, want %q", name, got, value)
		}
	}
	if longest != maxName || longestLegacy != maxLegacy {
		t.Errorf("the longest names have %d and %d bytes", longest, longestLegacy)
	}
}

// FuzzUnescape holds names to html.UnescapeString, which reads some numbers
// otherwise than browsers do.
func FuzzUnescape(f *testing.F) {
	for _, seed := range []string{"&amp;", "&#x41;&#65", "&notit;&copy", "a&b;c&&#;&#x;", "&frac12&frac1&sup1;"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, isAttribute := range []bool{false, true} {
			if got := Unescape(nil, text, isAttribute); len(got) > 3*len(text) {
				t.Errorf("%q grows to %d bytes", text, len(got))
			}
		}
		text = strings.ReplaceAll(text, "#", "")
		if got, want := string(Unescape(nil, text, false)), html.UnescapeString(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	})
}

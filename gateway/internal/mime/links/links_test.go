package links

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestAddHTML(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, in string
		want     []Link
	}{
		{"plain", `<a href="https://x.example/">Go</a>`, []Link{{URL: "https://x.example/", Text: "Go"}}},
		{"entities", `<a href="https://x.example/?a=1&amp;b=2">A &amp; B</a>`, []Link{{URL: "https://x.example/?a=1&b=2", Text: "A & B"}}},
		{"white space", "<a href=' https://x.example/\n'> two\n\t <b>words</b> </a>", []Link{{URL: "https://x.example/", Text: "two words"}}},
		{"blocks", `<a href=https://x.example/><div>one</div><div>two</div></a>`, []Link{{URL: "https://x.example/", Text: "one two"}}},
		{"picture", `<a href=https://x.example/><img src=cid:1 alt="Logo"></a>`, []Link{{URL: "https://x.example/", Text: "Logo"}}},
		{"picture first", `<a href=https://x.example/><img></a><a href=https://x.example/>Words</a>`, []Link{{URL: "https://x.example/", Text: "Words"}}},
		{"first text stays", `<a href=tel:+1>a</a><a href=tel:+1>b</a>`, []Link{{URL: "tel:+1", Text: "a"}}},
		{"unclosed", `<a href=https://x.example/1>one <a href=https://x.example/2>two`, []Link{{URL: "https://x.example/1", Text: "one"}, {URL: "https://x.example/2", Text: "two"}}},
		{"area", `<area href="HTTPS://x.example/" alt=Map>`, []Link{{URL: "HTTPS://x.example/", Text: "Map"}}},
		{"script is no text", `<a href=https://x.example/>a<style>b</style><script>c</script>d</a>`, []Link{{URL: "https://x.example/", Text: "ad"}}},
		{"repeated attribute", `<a href=https://x.example/ href=https://y.example/>a</a>`, []Link{{URL: "https://x.example/", Text: "a"}}},
		{"no scheme", `<a href=/a>a</a><a href="#x">b</a><a>c</a><a href=www.x.example>d</a>`, nil},
		{"dangerous", `<a href=javascript:alert(1)>a</a><a href="java` + "\n" + `script:x">b</a><a href=data:text/html,x>c</a><a href=vbscript:x>d</a>`, nil},
		{"nothing behind the scheme", `<a href=https://>a</a><a href=mailto:>b</a>`, nil},
	} {
		var s Set
		s.AddHTML(tc.in)
		if diff := cmp.Diff(tc.want, s.Links()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

func TestAddText(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in   string
		want []string
	}{
		{"see https://x.example/a.", []string{"https://x.example/a"}},
		{"(see https://x.example/a)", []string{"https://x.example/a"}},
		{"https://x.example/a_(b)", []string{"https://x.example/a_(b)"}},
		{"(https://x.example/a_(b)).", []string{"https://x.example/a_(b)"}},
		{"[text](https://x.example/a)", []string{"https://x.example/a"}},
		{"<https://x.example/a,b>", []string{"https://x.example/a,b"}},
		{`"https://x.example/"!`, []string{"https://x.example/"}},
		{"„https://x.example/“", []string{"https://x.example/"}},
		{"*https://x.example/*", []string{"https://x.example/"}},
		{"https://x.example/([{ and https://x.example/b([)", []string{"https://x.example/", "https://x.example/b([)"}},
		{"HTTP://X.example/?a=b:c&d=(e", []string{"HTTP://X.example/?a=b:c&d=(e"}},
		{"http://[2001:db8::1]/", []string{"http://[2001:db8::1]/"}},
		{"a:http://x.example", []string{"http://x.example"}},
		{"mailto:a@x.example, mailto:nobody", []string{"mailto:a@x.example"}},
		{"https://x.example/ https://x.example/", []string{"https://x.example/"}},
		{"https://bücher.example/ü", []string{"https://bücher.example/ü"}},
		{"xhttp://x.example http:x https:// http://. javascript:x note: 12:30", nil},
	} {
		var s Set
		s.AddText(tc.in)
		var want []Link
		for _, url := range tc.want {
			want = append(want, Link{URL: url, Text: url})
		}
		if diff := cmp.Diff(want, s.Links()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tc.in, diff)
		}
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	var s Set
	s.AddHTML(`<a href="https://x.example/">` + strings.Repeat("wörd ", 1000) + `</a>`)
	if got := utf8.RuneCountInString(s.Links()[0].Text); got > maxText {
		t.Errorf("text of %d characters", got)
	}
	s.AddText("https://x.example/" + strings.Repeat("y", maxURL))
	if len(s.Links()) != 1 || !s.Cut() {
		t.Errorf("%d links, cut %v; want the long one left out", len(s.Links()), s.Cut())
	}
}

func FuzzLinks(f *testing.F) {
	f.Add(`<a href="https://x.example/?a&amp;b">x<img alt=y></a> https://x.example/(a).`)
	f.Add(`<area href=tel:1 alt=z><style>mailto:a@b</style><https://[::1]/>`)
	f.Fuzz(func(t *testing.T, in string) {
		in = strings.ToValidUTF8(in, "")
		var s Set
		s.AddHTML(in)
		s.AddText(in)
		seen := make(map[string]bool)
		for _, l := range s.Links() {
			if !absolute(l.URL) || seen[l.URL] || len(l.URL) > maxURL {
				t.Errorf("URL %q", l.URL)
			}
			seen[l.URL] = true
			if !utf8.ValidString(l.URL) || !utf8.ValidString(l.Text) || strings.ContainsAny(l.URL, "\r\n\x00") {
				t.Errorf("link %+v", l)
			}
		}
		if len(s.Links()) > MaxLinks {
			t.Errorf("%d links", len(s.Links()))
		}
	})
}

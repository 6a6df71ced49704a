package scan

import (
	"fmt"
	"strings"
	"testing"
)

// tokens writes what a scanner reads, one token a line.
func tokens(src string) string {
	var b strings.Builder
	s := New(src)
	for s.Next() {
		switch s.Kind {
		case Text:
			fmt.Fprintf(&b, "%q", s.Text)
			if s.IsLiteral {
				b.WriteString(" literal")
			}
		case EndTag:
			fmt.Fprintf(&b, "/%s", s.Name)
		case StartTag:
			b.WriteString(s.Name)
			for a := range attributes {
				if s.Has(a) {
					fmt.Fprintf(&b, " %d=%q", a, s.Attr(a))
				}
			}
			if s.IsSelfClosing {
				b.WriteString(" /")
			}
		}
		b.WriteByte('\n')
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func TestTokens(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ src, want string }{
		{"a<b>c</b >d", "\"a\"\nb\n\"c\"\n/b\n\"d\""},
		{"a < b <3 <", "\"a \"\n\"< b \"\n\"<3 \"\n\"<\""},
		{`<A HREF='x>y' href=z Alt = "1" hidden style>`, `A 1="1" 5="" 6="x>y" 11=""`},
		{"<br/><img src=a/ ><p / ><p/ alt>", "br /\nimg 9=\"a/\"\np\np 1=\"\""},
		{`<a =x href==y "z" alt=>`, `a 1="" 6="=y"`},
		{"<a\u00a0href=x><a\vhref=x>", "a\u00a0href=x\na\vhref=x"},
		{"</a href='>'>x</>y</ z>w</", "/a\n\"x\"\n\"y\"\n\"w\"\n\"</\""},
		{"<a href='x", ""},
		{"x<a href=", `"x"`},
		{"<!-- > -- - --!>a<!-->b<!--->c<!---->d<!---!>--><!x>e<?y?>f<!", "\"a\"\n\"b\"\n\"c\"\n\"d\"\n\"e\"\n\"f\""},
		{"<!--x--->a<!--->b<!-- --!-- >c", "\"a\"\n\"b\""},
		{"<style><a></styles></STYLE x='>'>b<title>&lt;</title>", "/STYLE\n\"b\"\n/title"},
		{"<textarea></textarea", ""},
		{"<script>a</scripty></script>b", "/script\n\"b\""},
		{"<script><!--<script></script></script>--></script>b", "/script\n\"-->\"\n/script\n\"b\""},
		{"<script><!--<script></script>--></script>b", "/script\n\"b\""},
		{"<script><!--<script>--></script>b", "/script\n\"b\""},
		{"<script><!--></script>b", "/script\n\"b\""},
		{"<plaintext>a<b>&amp;", `"a<b>&amp;" literal`},
	} {
		if got := tokens(test.src); got != test.want {
			t.Errorf("%s: got\n%s\nwant\n%s", test.src, got, test.want)
		}
	}
}

func TestTags(t *testing.T) {
	t.Parallel()
	byName := map[string]element{}
	ids := map[uint8]bool{}
	for _, e := range elements {
		if e.id == 0 {
			continue
		}
		if byName[e.name].id != 0 || ids[e.id] {
			t.Errorf("%s is there twice", e.name)
		}
		byName[e.name], ids[e.id] = e, true
	}
	if len(byName) < 100 {
		t.Errorf("%d names", len(byName))
	}
	for name := range byName {
		for _, like := range []string{name, strings.ToUpper(name), name + "x", "x" + name, strings.Repeat(name, 3), name[:len(name)-1]} {
			want := byName[strings.ToLower(like)]
			s := New("<" + like + ">")
			found := s.Next()
			if like != "" && (s.Tag != want.tag || s.ID != want.id || found != (want.tag != Raw && want.tag != Plaintext)) {
				t.Errorf("%s: tag %d, number %d, want %d, %d", like, s.Tag, s.ID, want.tag, want.id)
			}
		}
	}
}

func FuzzScan(f *testing.F) {
	for _, seed := range []string{
		"<p class='a'>b</p>", "<!-- a --!><script><!--<script></script>", "<a / =x><b/>", "<title></titl></title x>", "a<3</<!><?>",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, src string) {
		s := New(src)
		last := -1
		for s.Next() {
			if s.pos <= last {
				t.Fatalf("no progress at %d", s.pos)
			}
			last = s.pos
			switch {
			case s.Kind == Text && s.Text == "":
				t.Fatal("an empty text")
			case s.Kind != Text && (s.Name == "" || !isLetter(s.Name[0])):
				t.Fatalf("a tag named %q", s.Name)
			case s.Kind == StartTag && (s.Tag == Raw || s.Tag == Plaintext):
				t.Fatalf("a tag %q", s.Name)
			}
		}
		if s.pos != len(src) {
			t.Fatalf("ends at %d of %d", s.pos, len(src))
		}
	})
}

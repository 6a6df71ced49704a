package commonmark

import (
	"strings"
	"testing"
)

// write returns what a writer makes of the calls of f.
func write(o Options, f func(w *Writer)) string {
	w := New(o, 1000)
	f(w)
	return w.Markdown(1000)
}

func TestText(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ text, want string }{
		{"plain, (text). It's 5 > 4; a+b=c - d: #1", "plain, (text). It's 5 > 4; a+b=c - d: #1"},
		{" a \n\t b\u00a0\u3000c\u200bd\u00ade\ufeff ", "a b cde"},
		{"*a* **b** _c_ __d__ ~e~ `f` [g](h) ![i] <j> {k} \\* \\l", "\\*a\\* \\*\\*b\\*\\* \\_c\\_ \\_\\_d\\_\\_ \\~e\\~ \\`f\\` \\[g\\]\\(h) !\\[i\\] \\<j> \\{k} \\\\\\* \\l"},
		{"snake_case 5 * 3 a * b _ c a_b_ _d", "snake_case 5 * 3 a * b _ c a_b\\_ \\_d"},
		{"# a", "\\# a"},
		{"#7 a", "#7 a"},
		{"####### a", "\\####### a"},
		{"#", "\\#"},
		{"- a", "\\- a"},
		{"-10", "-10"},
		{"--", "\\--"},
		{"-- a", "-- a"},
		{"- - -", "\\- - -"},
		{"-|-", "\\-|-"},
		{"---: x", "---: x"},
		{"+ a", "\\+ a"},
		{"+1", "+1"},
		{"===", "\\==="},
		{"== a", "== a"},
		{"> a", "\\> a"},
		{"| a", "\\| a"},
		{"a | b", "a | b"},
		{": a", "\\: a"},
		{":-)", ":-)"},
		{":--", "\\:--"},
		{":::a", "\\:::a"},
		{"1. a", "1\\. a"},
		{"12) a", "12\\) a"},
		{"1.5 a", "1.5 a"},
		{"2026 a. b", "2026 a. b"},
		{"1234567890. a", "1234567890. a"},
		{"1.", "1\\."},
		{"AT&T &amp; &#60; &x &; &", "AT&T \\&amp; \\&#60; &x &; \\&"},
		{"می\u200cخواهم a\u200cb \u200c\u200c", "می\u200cخواهم ab"},
		{"👩\u200d💻 \U000e0041\U000e0042x", "👩\u200d💻 x"},
		{"see https://a.test/b_c?d=e&f=(g), www.h.test.", "see https://a.test/b_c?d=e&f=(g), www.h.test."},
		{"https://a.test/<b> x://y~z WWW.c.test/*d*", "https\\://a.test/\\<b> x\\://y\\~z WWW\\.c.test/\\*d\\*"},
		{"http\\://a.test/*b* http\\\\://*", "http\\\\\\://a.test/\\*b\\* http\\\\\\\\\\://\\*"},
		{"*https://a.test* https://b.test", "\\*https\\://a.test\\* https://b.test"},
	} {
		if got := write(Options{}, func(w *Writer) { w.Text(test.text) }); got != test.want {
			t.Errorf("%q: got %q, want %q", test.text, got, test.want)
		}
	}
}

// TestPieces writes text in pieces, of which the end of one is not the end of the
// word.
func TestPieces(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		pieces []string
		want   string
	}{
		{[]string{"1", ". a"}, "1\\. a"},
		{[]string{"1", ".", "5"}, "1\\.5"},
		{[]string{"&", "lt;"}, "\\&lt;"},
		{[]string{"&am", "p;"}, "\\&amp;"},
		{[]string{"-", "- "}, "\\--"},
		{[]string{"]", "(a)"}, "\\]\\(a)"},
		{[]string{"]", "\u200b", "(a)"}, "\\]\\(a)"},
		{[]string{"http:", "//a.test", "/<b>"}, "http\\://a.test/\\<b>"},
		{[]string{"ww", "w.a.test", "`"}, "www\\.a.test\\`"},
		{[]string{"a_", "b", " ", "c"}, "a\\_b c"},
	} {
		got := write(Options{}, func(w *Writer) {
			for _, piece := range test.pieces {
				w.Text(piece)
			}
		})
		if got != test.want {
			t.Errorf("%q: got %q, want %q", test.pieces, got, test.want)
		}
	}
}

// TestStyles writes text by a little language: b, i and s turn a style on and off,
// everything else is text.
func TestStyles(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ script, want string }{
		{"/b/x/b/", "**x**"},
		{"a/b/x/b/c", "a**x**c"},
		{"/b/ x /b/y", "**x** y"},
		{"/b/x:/b/y", "**x:** y"},
		{"a/b/(x)/b/", "a **(x)**"},
		{"に/b/「x」/b/ご", "に **「x」** ご"},
		{"/b/50 %/b/—x", "**50 %**—x"},
		{"/i/a /b/x/b/ c/i/", "*a **x** c*"},
		{"/b/a /i/x/b/ y/i/", "**a *x*** *y*"},
		{"/b/x/b//b/y/b/", "**xy**"},
		{"/b/x/b//i/y/i/", "**x***y*"},
		{"/b//i/x/i/y/i/z/i//b/", "***x*yz**"},
		{"/b/a /i/x/b/y/i/", "**a *x***y"},
		{"/i/a /b/x/i/y/b/", "*a **x***y"},
		{"/b/x/b//i/y /s//b/(z)/b//s//i/", "**x***y ~~(z)~~*"},
		{"/b/x /s/y/s//b/z", "**x ~~y~~** z"},
		{"/b//b/ /i/ /i/", ""},
	} {
		got := write(Options{}, func(w *Writer) {
			for word := range strings.SplitSeq(test.script, "/") {
				switch word {
				case "b":
					w.Now.Style ^= Bold
				case "i":
					w.Now.Style ^= Em
				case "s":
					w.Now.Style ^= Strike
				default:
					w.Text(word)
				}
			}
		})
		if got != test.want {
			t.Errorf("%s: got %q, want %q", test.script, got, test.want)
		}
	}
}

func TestLinks(t *testing.T) {
	t.Parallel()
	const url = "https://a.test/"
	for name, test := range map[string]struct {
		calls func(w *Writer)
		want  string
	}{
		"text":             {func(w *Writer) { w.Text("see "); w.StartLink(url); w.Text("it "); w.EndLink(); w.Text("now") }, "see [it](https://a.test/) now"},
		"empty":            {func(w *Writer) { w.Text("a"); w.StartLink(url); w.Text(" "); w.EndLink(); w.Text("b") }, "a b"},
		"none":             {func(w *Writer) { w.StartLink(""); w.Text("a"); w.EndLink() }, "a"},
		"image":            {func(w *Writer) { w.StartLink(url); w.Image("cid:b", "c]"); w.EndLink() }, "[![c\\]](cid:b)](https://a.test/)"},
		"exclamation mark": {func(w *Writer) { w.Text("oh!"); w.StartLink(url); w.Text("a"); w.EndLink() }, "oh\\![a](https://a.test/)"},
		"style around": {func(w *Writer) {
			w.Now.Style = Bold
			w.Text("a ")
			w.StartLink(url)
			w.Text("b")
			w.EndLink()
			w.Text(" c")
		}, "**a [b](https://a.test/) c**"},
		"style within": {func(w *Writer) {
			w.StartLink(url)
			w.Now.Style = Bold
			w.Text("a")
			w.EndLink()
			w.Now.Style = 0
			w.Text(" b")
		}, "[**a**](https://a.test/) b"},
		"style that ends within": {func(w *Writer) {
			w.Now.Style = Bold
			w.Text("a ")
			w.StartLink(url)
			w.Text("b ")
			w.Now.Style = 0
			w.Text("c")
			w.EndLink()
			w.Text(" d")
		}, "**a [b c](https://a.test/)** d"},
		"over blocks": {func(w *Writer) { w.StartLink(url); w.Text("a"); w.EndBlock(); w.Text("b"); w.EndLink() }, "[a](https://a.test/)\n\nb"},
		"over blocks, image first": {func(w *Writer) {
			w.StartLink(url)
			w.Image("cid:a", "")
			w.EndBlock()
			w.Text("b")
			w.EndBlock()
			w.Text("c")
			w.EndLink()
		}, "[![](cid:a)](https://a.test/)\n\n[b](https://a.test/)\n\nc"},
		"code": {func(w *Writer) {
			w.StartLink(url)
			w.Now.Code = true
			w.Text("a<b")
			w.EndLink()
			w.StartLink(url)
			w.Text("c]")
			w.EndLink()
		}, "[`a<b`](https://a.test/)[c\\]](https://a.test/)"},
	} {
		if got := write(Options{}, test.calls); got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}

func TestBreaks(t *testing.T) {
	t.Parallel()
	calls := func(w *Writer) {
		w.Text("a")
		w.LineBreak()
		w.Text("- b")
		w.LineBreak()
		w.LineBreak()
		w.Text("c")
		w.LineBreak()
	}
	if got, want := write(Options{}, calls), "a\n\\- b\n\nc"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := write(Options{HardBreaks: true}, calls), "a  \n\\- b\n\nc"; got != want {
		t.Errorf("hard: got %q, want %q", got, want)
	}
}

func TestBoxes(t *testing.T) {
	t.Parallel()
	got := write(Options{}, func(w *Writer) {
		outside := w.Now
		for _, ordered := range []bool{false, false, true, true} {
			w.Now.List = w.NewList(ordered, 9)
			for _, text := range []string{"a", "b"} {
				now := w.Now
				w.Item()
				w.Text(text)
				w.EndBlock()
				w.Quote()
				w.Text("q")
				w.EndBlock()
				w.Now = now
			}
			w.Now = outside
		}
		w.Rule()
		w.Rule()
	})
	want := "- a\n\n  > q\n- b\n\n  > q\n\n* a\n\n  > q\n* b\n\n  > q\n\n" +
		"9. a\n\n   > q\n10. b\n\n    > q\n\n9) a\n\n   > q\n10) b\n\n    > q\n\n***"
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

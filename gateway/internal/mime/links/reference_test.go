package links

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// reference finds the links of an HTML text by the tokenizer of x/net/html, which
// is slower and was written by others.
func reference(content string) []Link {
	var s Set
	var open string
	var text collapser
	var raw atom.Atom
	closeLink := func() {
		if open != "" {
			s.add(open, text.String())
		}
		open, text = "", collapser{}
	}
	for z := html.NewTokenizer(strings.NewReader(content)); ; {
		kind := z.Next()
		if kind == html.ErrorToken {
			closeLink()
			return s.Links()
		}
		token := z.Token()
		attr := func(name string) string {
			for _, a := range token.Attr {
				if a.Key == name {
					return a.Val
				}
			}
			return ""
		}
		switch kind {
		case html.TextToken:
			if open != "" && raw == 0 {
				text.add(token.Data)
			}
			continue
		case html.EndTagToken:
			switch token.DataAtom {
			case atom.A:
				closeLink()
				continue
			case raw:
				raw = 0
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			switch token.DataAtom {
			case atom.A:
				closeLink()
				if url := cleanURL(attr("href")); absolute(url) {
					open = url
				}
				continue
			case atom.Area:
				if url := cleanURL(attr("href")); absolute(url) {
					var alt collapser
					alt.add(attr("alt"))
					s.add(url, alt.String())
				}
			case atom.Img:
				if open != "" {
					text.add(attr("alt"))
				}
			case atom.Noscript:
				z.NextIsNotRawText()
			case atom.Script, atom.Style, atom.Title, atom.Textarea, atom.Iframe, atom.Noembed, atom.Noframes, atom.Xmp, atom.Plaintext:
				raw = token.DataAtom
			}
		default:
			continue
		}
		switch token.DataAtom {
		case atom.Br, atom.Div, atom.P, atom.Td, atom.Tr, atom.Li, atom.H1, atom.H2, atom.H3, atom.H4:
			text.gap = true
		}
	}
}

// checkReference compares with the reference, but where both differ on purpose:
// in comments within scripts.
func checkReference(t *testing.T, content string) {
	t.Helper()
	lower := strings.ToLower(content)
	if strings.Contains(lower, "<script") && strings.Contains(lower, "<!-") {
		return
	}
	var s Set
	s.AddHTML(content)
	if s.cut {
		return
	}
	if diff := cmp.Diff(reference(content), s.Links()); diff != "" {
		t.Errorf("%q (-reference +got):\n%s", content, diff)
	}
}

// hostileHTML are texts in which the end of a tag or of a text is not plain.
var hostileHTML = []string{
	`<a href="https://x.example/?a=1&copy=2&amp;b&lt;c&ampd&#x41;&#65e&#;&#x;&semi;&nosuch;&notin;&notit;&">t&copyx &ampx &lt;b&gt;</a>`,
	`<a title=">" href='https://x.example/"'>a</a><a href=https://x.example/a"b'c/>b</a>`,
	`<a/href=https://x.example//alt=/>c</a ignored="</a>">d<A HREF = https://x.example/e >f</A/>`,
	`<a =href=https://x.example/1 href=https://x.example/2 href=3>g</a><a href>h</a><a href=>i</a>`,
	`<a"b href=https://x.example/no>no</a"b><a href="https://x.example/open>j</a>`,
	`<a href=https://x.example/><!-- <a href=https://y.example/> -->k<!-->l<!--->m<!----!>n<!-- --!-->o<!- x>p<!x>q<?y>r</>s</ x>t< u</a>`,
	`<a href=https://x.example/>v<!-- unfinished --`,
	`<a href=https://x.example/>w<`,
	`<a href=https://x.example/>x</`,
	`<a href=https://x.example/>y<b`,
	`<a href=https://x.example/>z</b c="`,
	`<a href=https://x.example/>1<script>"</a>"</scriptx></SCRIPT >2<style>3</style/>4<title>5</titl></title>6</a>`,
	`<a href=https://x.example/>1<textarea>2</a></textarea>3<xmp>4</xmp>5<iframe>6</iframe>7<noembed></noembed><noframes>8</noframes>`,
	`<a href=https://x.example/>1<noscript><a href=https://y.example/>2</a></noscript>3<plaintext></plaintext></a>`,
	`<title>unfinished <a href=https://x.example/>1</a></title`,
	"<a\nhref\r\n=\thttps://x.example/\f>a\r\nb<br>c<p>d</p>e<td/>f<img alt='g&quot;\r\n'>h<IMG/alt=i></a>",
	`<area href=https://x.example/ alt="a &amp; b"><area/href="https://y.example/"alt=c>`,
	`<ſcript><a href=https://x.example/>1</a></ſcript><noſcript>2`,
}

func TestReference(t *testing.T) {
	t.Parallel()
	for _, in := range hostileHTML {
		checkReference(t, in)
	}
}

func FuzzHTML(f *testing.F) {
	for _, in := range hostileHTML {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		in = strings.ToValidUTF8(strings.ReplaceAll(in, "\x00", ""), "")
		checkReference(t, in)
		// What is inside of a tag by one reading must be so by the other.
		checkReference(t, `<a href="https://x.example/">`+in+`</a><a href=https://y.example/ `+in+`>end</a>`)
	})
}

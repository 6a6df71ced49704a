package bench

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	renderer "github.com/yuin/goldmark/renderer/html"
	"golang.org/x/net/html"

	"github.com/postern-mail/postern/plugins/markdown/convert"
)

// The renderers that the Markdown is to be safe with: they let raw HTML pass, and
// know more marks than the plugin writes.
var (
	plainRenderer = newRenderer()
	// linkingRenderer makes links of bare addresses too.
	linkingRenderer = newRenderer(extension.Linkify)
)

func newRenderer(more ...goldmark.Extender) goldmark.Markdown {
	return goldmark.New(
		goldmark.WithExtensions(append(more, extension.Table, extension.Strikethrough, extension.TaskList,
			extension.Footnote, extension.DefinitionList)...),
		goldmark.WithParserOptions(parser.WithAttribute()),
		goldmark.WithRendererOptions(renderer.WithUnsafe()),
	)
}

// node is a start tag or a text of what was rendered.
type node struct {
	tag        string // "" for a text
	text       string // of a link, all that is in it
	attributes map[string]string
}

// render renders Markdown and takes the result apart.
func render(t testing.TB, r goldmark.Markdown, markdown string) []node {
	t.Helper()
	var out bytes.Buffer
	if err := r.Convert([]byte(markdown), &out); err != nil {
		t.Fatal(err)
	}
	var nodes []node
	link := -1
	z := html.NewTokenizer(&out)
	for {
		switch z.Next() {
		case html.ErrorToken:
			return nodes
		case html.CommentToken, html.DoctypeToken:
			t.Fatalf("a comment in %q", out.String())
		case html.TextToken:
			text := z.Token().Data
			nodes = append(nodes, node{text: text})
			if link >= 0 {
				nodes[link].text += text
			}
		case html.EndTagToken:
			if z.Token().Data == "a" {
				link = -1
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			token := z.Token()
			n := node{tag: token.Data, attributes: map[string]string{}}
			for _, a := range token.Attr {
				n.attributes[a.Key] = a.Val
			}
			if n.tag == "a" {
				link = len(nodes)
			}
			nodes = append(nodes, n)
		}
	}
}

// because says what of a source an element of the result may come from.
var because = map[string]*regexp.Regexp{
	"p": nil, "br": nil, // between blocks, and in lines that are broken
	"em":     regexp.MustCompile(`(?i)<(i|em|cite|var|dfn)\b`),
	"strong": regexp.MustCompile(`(?i)<(b|strong)\b`),
	"del":    regexp.MustCompile(`(?i)<(s|strike|del)\b`),
	"a":      regexp.MustCompile(`(?i)<a\b`),
	"img":    regexp.MustCompile(`(?i)<(img|image|amp-img)\b`),
	"code":   regexp.MustCompile(`(?i)<(code|tt|kbd|samp|pre|listing)\b`),
	"pre":    regexp.MustCompile(`(?i)<(pre|listing)\b`),
	"hr":     regexp.MustCompile(`(?i)<(hr|div)\b`),
	"h1":     regexp.MustCompile(`(?i)<h1\b`), "h2": regexp.MustCompile(`(?i)<h2\b`), "h3": regexp.MustCompile(`(?i)<h3\b`),
	"h4": regexp.MustCompile(`(?i)<h4\b`), "h5": regexp.MustCompile(`(?i)<h5\b`), "h6": regexp.MustCompile(`(?i)<h6\b`),
	"ul": list, "ol": list, "li": list,
	"blockquote": regexp.MustCompile(`(?i)<(blockquote|div)\b`),
	"table":      table, "thead": table, "tbody": table, "tr": table, "th": table, "td": table,
}

var (
	list  = regexp.MustCompile(`(?i)<(li|table|p)\b`)
	table = regexp.MustCompile(`(?i)<table\b`)
)

// attributes are those that a rendered element may have.
var attributes = map[string]*regexp.Regexp{
	"href":  regexp.MustCompile(`^(https?://|mailto:|tel:|cid:)`),
	"src":   regexp.MustCompile(`^(https?://|cid:)`),
	"alt":   nil,
	"class": regexp.MustCompile(`^language-[a-zA-Z0-9]+$`),
	"start": regexp.MustCompile(`^[0-9]+$`),
	"style": regexp.MustCompile(`^text-align:(left|center|right)$`),
	"align": regexp.MustCompile(`^(left|center|right)$`),
}

// targets lists what the links and images of a source lead to.
func targets(src string) map[string]bool {
	found := map[string]bool{}
	z := html.NewTokenizer(strings.NewReader(src))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return found
		case html.StartTagToken, html.SelfClosingTagToken:
			token := z.Token()
			if token.Data == "noscript" {
				z.NextIsNotRawText()
			}
			for _, a := range token.Attr {
				if a.Key == "href" || a.Key == "src" {
					found[target(a.Val)] = true
				}
			}
		}
	}
}

// target writes a URL in a form that does not depend on who has escaped it.
func target(url string) string {
	url = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(strings.Trim(url, " \t\r\n\f"))
	if scheme, rest, ok := strings.Cut(url, ":"); ok {
		url = strings.ToLower(scheme) + ":" + rest
	}
	var b strings.Builder
	for i := 0; i < len(url); i++ {
		if url[i] == '%' && i+2 < len(url) {
			if n, err := strconv.ParseUint(url[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(n))
				i += 2
				continue
			}
		}
		b.WriteByte(url[i])
	}
	return b.String()
}

// checkRendered holds what is rendered of a source's Markdown to have no element,
// attribute or target but those of the source.
func checkRendered(t testing.TB, src, markdown string) {
	t.Helper()
	known := targets(src)
	for _, r := range []goldmark.Markdown{plainRenderer, linkingRenderer} {
		for _, n := range render(t, r, markdown) {
			if n.tag == "" {
				for _, mark := range []string{"*", "~", "`"} {
					if strings.Contains(n.text, mark) && !strings.ContainsAny(src, mark+"&") {
						t.Errorf("a %s is left\nsource: %q\nMarkdown: %q", mark, src, markdown)
					}
				}
				continue
			}
			isAddress := r == linkingRenderer && n.tag == "a" && isBareAddress(n)
			reason, ok := because[n.tag]
			if !isAddress && (!ok || reason != nil && !reason.MatchString(src)) {
				t.Errorf("<%s> is not of the source\nsource: %q\nMarkdown: %q", n.tag, src, markdown)
			}
			for name, value := range n.attributes {
				pattern, ok := attributes[name]
				if !isAddress && (!ok || pattern != nil && !pattern.MatchString(value)) {
					t.Errorf("<%s %s=%q>\nsource: %q\nMarkdown: %q", n.tag, name, value, src, markdown)
				}
				if (name == "href" || name == "src") && !isAddress && !known[target(value)] {
					t.Errorf("%q leads elsewhere than the source\nsource: %q\nMarkdown: %q", value, src, markdown)
				}
			}
		}
	}
}

// isBareAddress reports whether a link is one that leads to what it says.
func isBareAddress(n node) bool {
	href := target(n.attributes["href"])
	for _, prefix := range []string{"", "http://", "mailto:"} {
		if len(n.attributes) == 1 && href == target(prefix+n.text) {
			return regexp.MustCompile(`^(?i)(https?://|ftp://|mailto:)`).MatchString(href)
		}
	}
	return false
}

var options = convert.Options{Links: true, Images: true}

func TestRendered(t *testing.T) {
	t.Parallel()
	for name, src := range mails(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkRendered(t, src, convert.HTML(src, options))
		})
	}
	// That the checks can fail.
	for _, bad := range []string{
		"<script>alert(1)</script>", "[x](javascript:alert)", "[x](https://other.test)", "*x*", "<https://other.test>", "x[^1]\n\n[^1]: y",
		"# x {#y}", "a\n: b", "- [ ] x", "![x](data:x)", "a | b\n--- | ---",
	} {
		var failing recorder
		checkRendered(&failing, "<p>", bad)
		if !failing.failed {
			t.Errorf("%q passes", bad)
		}
	}
}

// recorder is a test that may fail.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Helper()               {}
func (r *recorder) Errorf(string, ...any) { r.failed = true }
func (r *recorder) Fatalf(string, ...any) { r.failed = true }

// FuzzRendered renders the Markdown of any HTML.
func FuzzRendered(f *testing.F) {
	for _, src := range mails(f) {
		f.Add(src)
	}
	for _, src := range []string{
		"https://a.test/&lt;script&gt;alert(1)&lt;/script&gt;", "www.a.test/<b>&lt;i&gt;</b>", "<a href=https://a.test>https://b.test/](c)</a>&lt;b>",
		"<p>a<br>--<br>==<p>|a|b|<br>|-|-|", "<code>&lt;script&gt;</code>{=html}", "<ul><li>[x] a<li>- b<li>1. c<li># d<li>&gt; e",
		"<table><tr><td>a|b<td>`c|`d<tr><td>\\|<td>https://x.test/|y", "<td>•<td>a", "<p style='mso-list:l0 level1 lfo1'><span style='mso-list:Ignore'>1.</span>a",
	} {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		if !utf8.ValidString(src) {
			t.Skip() // the gateway gives none
		}
		markdown := convert.HTML(src, options)
		checkRendered(t, src, markdown)
		checkRendered(t, src, convert.HTML(src, convert.Options{Links: true, Images: true, HardBreaks: true}))
	})
}

// FuzzRenderedText holds that text stays text: what is rendered of it is what was
// written, and nothing else.
func FuzzRenderedText(f *testing.F) {
	for _, text := range []string{
		"# a", "1. b", "12345678901. c", "- d\n- e", "*f* **g** _h_ __i__ ~j~ ~~k~~ `l` snake_case a*b*c 5 * 3 a_b_ _c", "[m](n) ![o](p) [q]: r",
		"<s>t</s> &amp; &#60; &lt; AT&T &x y", "a\\*b\\ c\\\\", "a | b\n--- | ---", "===", "---", "a\n: b", ": c", ":::d", "https://a.test/b_c?d=e&f=g*h*", "> i", "+ j", "{k} {=l}",
		"!", "![", "a!", "www.x.y/<z>", "\u00a0\u200b\u2800a\u3000b\u200c\u200d", "    indented", "\tx", "- - -", "a  \nb", "#hash #7", "7) x", "-10 +20 -- x",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			t.Skip()
		}
		// One line, and no quote.
		text = strings.TrimLeft(strings.ReplaceAll(text, "\n", " "), " \t>")
		for name, markdown := range map[string]string{
			"HTML": convert.HTML("<p>"+html.EscapeString(text), options),
			"text": convert.Text(text, options),
		} {
			var rendered strings.Builder
			for _, n := range render(t, plainRenderer, markdown) {
				if n.tag != "" && n.tag != "p" {
					t.Errorf("%s %q: <%s> of %q", name, text, n.tag, markdown)
				}
				rendered.WriteString(n.text)
			}
			if got, want := visible(rendered.String()), visible(text); got != want {
				t.Errorf("%s %q: got %q, want %q, by %q", name, text, got, want, markdown)
			}
			for _, n := range render(t, linkingRenderer, markdown) {
				if n.tag != "" && n.tag != "p" && (n.tag != "a" || !isBareAddress(n)) {
					t.Errorf("%s %q: <%s %v> of %q", name, text, n.tag, n.attributes, markdown)
				}
			}
		}
	})
}

// visible leaves the letters, numbers, punctuation and symbols of a text.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == 0x2800, r >= 0xe0000 && r <= 0xe007f, unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r), r == 0xfffd, r == 0:
			return -1
		case unicode.IsGraphic(r) && !unicode.IsSpace(r) && !unicode.Is(unicode.Zs, r):
			return r
		}
		return -1
	}, s)
}

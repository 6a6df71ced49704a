package bench

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/postern-mail/postern/plugins/markdown/entity"
	"github.com/postern-mail/postern/plugins/markdown/scan"
)

// kept are the attributes that the scanner keeps.
var kept = map[string]scan.Attribute{
	"align": scan.Align, "alt": scan.Alt, "class": scan.Class, "colspan": scan.Colspan, "height": scan.Height,
	"hidden": scan.Hidden, "href": scan.Href, "role": scan.Role, "rowspan": scan.Rowspan, "src": scan.Src, "start": scan.Start,
	"style": scan.Style, "width": scan.Width,
}

// raw are the elements whose content, and whose start tag, the scanner passes over.
var raw = map[string]bool{
	"script": true, "style": true, "title": true, "textarea": true, "iframe": true, "noembed": true, "noframes": true, "xmp": true,
}

// ours writes the tokens of the plugin's scanner, one a line.
func ours(src string) string {
	var w tokenWriter
	s := scan.New(src)
	for s.Next() {
		switch s.Kind {
		case scan.Text:
			text := newlines(s.Text)
			if !s.IsLiteral {
				text = string(entity.Unescape(nil, text, false))
			}
			w.text(text)
		case scan.EndTag:
			w.tag("/"+lower(s.Name), "")
		case scan.StartTag:
			attributes := ""
			for _, name := range sortedKept {
				if a := kept[name]; s.Has(a) {
					attributes += fmt.Sprintf(" %s=%q", name, entity.Unescape(nil, newlines(s.Attr(a)), true))
				}
			}
			w.tag(lower(s.Name), attributes)
		}
	}
	return w.String()
}

// theirs writes those of golang.org/x/net/html. Whether a tag closes itself is left
// out: the two differ where an attribute is repeated without quotes (<p a a=b/>).
func theirs(src string) string {
	var w tokenWriter
	z := html.NewTokenizer(strings.NewReader(src))
	inRaw := false
	for {
		kind := z.Next()
		token := z.Token()
		switch kind {
		case html.ErrorToken:
			return w.String()
		case html.TextToken:
			if !inRaw {
				w.text(token.Data)
			}
		case html.EndTagToken:
			inRaw = false
			w.tag("/"+token.Data, "")
		case html.StartTagToken, html.SelfClosingTagToken:
			switch {
			case raw[token.Data]:
				inRaw = true
				continue
			case token.Data == "plaintext":
				continue
			case token.Data == "noscript":
				z.NextIsNotRawText() // mails are read without scripts
			}
			values := map[string]string{}
			for _, a := range token.Attr {
				values[a.Key] = a.Val
			}
			attributes := ""
			for _, name := range sortedKept {
				if value, ok := values[name]; ok {
					attributes += fmt.Sprintf(" %s=%q", name, value)
				}
			}
			w.tag(token.Data, attributes)
		}
	}
}

var sortedKept = []string{
	"align", "alt", "class", "colspan", "height", "hidden", "href", "role", "rowspan", "src", "start", "style", "width",
}

// tokenWriter joins texts that nothing but a comment stands between.
type tokenWriter struct {
	strings.Builder
	pending string
}

func (w *tokenWriter) text(s string) { w.pending += s }

func (w *tokenWriter) tag(name, attributes string) {
	w.flush()
	fmt.Fprintf(&w.Builder, "<%s%s>\n", name, attributes)
}

func (w *tokenWriter) flush() {
	if w.pending != "" {
		fmt.Fprintf(&w.Builder, "%q\n", w.pending)
	}
	w.pending = ""
}

func (w *tokenWriter) String() string {
	w.flush()
	return w.Builder.String()
}

// newlines does what the other tokenizer does before anything else.
func newlines(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}

// lower lowers ASCII letters.
func lower(s string) string {
	b := []byte(s)
	for i := range b {
		if b[i] >= 'A' && b[i] <= 'Z' {
			b[i] += 'a' - 'A'
		}
	}
	return string(b)
}

// otherwise matches where the two read a script differently: within what looks
// like a comment in it, the other one takes a '<' that begins no tag for its end,
// which HTML does not.
var otherwise = regexp.MustCompile(`(?is)<script.*<!--`)

func TestTokens(t *testing.T) {
	t.Parallel()
	for name, src := range mails(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, want := ours(src), theirs(src); got != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// FuzzTokens holds the tokens of the plugin's scanner to those of
// golang.org/x/net/html.
func FuzzTokens(f *testing.F) {
	for _, src := range mails(f) {
		f.Add(src)
	}
	for _, src := range []string{
		"<a / =x href=y/><br/ ><p alt='a' ALT=b/>", "<!-- a --!>b<!--->c<!-->d<!---!>--><!x><?y>", "</ a>b</>c</a href='>'>d</",
		"<title>&lt;</titl></title x>", "<plaintext><b>&amp;", "&notit;&#x80;&#xD800;&amp&copy=1<a href='?a&copy=1&copy'>", "a<3 < <b c",
		"<textarea></textarea", "<script><!-- </script>x", "<style></styl</style/>x",
	} {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		src = strings.ReplaceAll(src, "\x00", "") // which it replaces in some places
		if otherwise.MatchString(src) {
			t.Skip()
		}
		if got, want := ours(src), theirs(src); got != want {
			t.Errorf("%q: got:\n%s\nwant:\n%s", src, got, want)
		}
	})
}

package page

import (
	"strings"
	"testing"
)

// words are the words of a text.
func words(text []byte) string { return strings.Join(strings.Fields(string(text)), " ") }

func TestReadHTML(t *testing.T) {
	t.Parallel()
	p := ReadHTML(`<!DOCTYPE html><title>No</title><STYLE>a>b{}</Style><!-- <a href=http://no> -->
<p class="a>b">Gr&uuml;&szlig;e, w<b>o</b>rd&nbsp;&#8364;&#x41; 1 < 2 &unknown &amp;</p>
<a title='>' HREF = "https://x.test/a">one <img src=a></a><a href=#top>top</a> <a href=http://x.test/b>two<script>no()</script>
<table><tr><td>cell</table>`)
	if got, want := words(p.Text), "Grüße, word €A 1 2 &unknown one top two cell"; got != want {
		t.Errorf("words are %q, want %q", got, want)
	}
	if p.Images != 1 || p.Tables != 1 || p.LinkCount != 2 || len(p.Links) != 2 || p.Quotes || p.Preheader {
		t.Fatalf("%+v", p)
	}
	for i, want := range []Link{{URL: "https://x.test/a"}, {URL: "http://x.test/b"}} {
		if got := p.Links[i]; got.URL != want.URL || got.Start >= got.End {
			t.Errorf("link %+v, want %+v", got, want)
		}
	}
}

// TestQuotedHTML ends a page where mail programs put what they quote.
func TestQuotedHTML(t *testing.T) {
	t.Parallel()
	for html, isQuote := range map[string]bool{
		`<div class="gmail_quote gmail_quote_container">`:         true,
		`<DIV ID='divRplyFwdMsg' dir=ltr>`:                        true,
		`<div id=appendonsend>`:                                   true,
		`<blockquote TYPE="cite">`:                                true,
		`<div class="moz-cite-prefix">`:                           true,
		`<div class="yahoo_quoted">`:                              true,
		`<blockquote>`:                                            false,
		`<ol type="cite">`:                                        false,
		`<p id="divRplyFwdMsg2">`:                                 false,
		`<p class="` + strings.Repeat(" ", 600) + `gmail_quote">`: false, // beyond what is looked at
	} {
		p := ReadHTML("<p>mine</p>" + html + `theirs <a href="https://x.test">link</a>`)
		if p.Quotes != isQuote || strings.Contains(string(p.Text), "theirs") == isQuote || (p.LinkCount == 0) != isQuote {
			t.Errorf("%s: quotes is %v, text %q, %d links", html, p.Quotes, p.Text, p.LinkCount)
		}
	}
}

func TestPreheader(t *testing.T) {
	t.Parallel()
	for html, want := range map[string]bool{
		`<div style="display:none;font-size:1px">Only today</div>Hello`:          true,
		`<span style='color:red; display: none'>Only today</span>`:               true,
		`<p style="color:red">Hello</p>`:                                         false,
		strings.Repeat("A mail ", atTop) + `<div style="display:none">end</div>`: false,
	} {
		if got := ReadHTML(html).Preheader; got != want {
			t.Errorf("%s: %v", html, got)
		}
	}
}

func TestReadText(t *testing.T) {
	t.Parallel()
	p := ReadText("See https://x.test/your/order, or <http://y.test>.\n> your order\nhttpd")
	if got, want := words(p.Text), "See or <>. httpd"; got != want {
		t.Errorf("words are %q, want %q", got, want)
	}
	if len(p.Links) != 2 || p.Links[1].URL != "http://y.test" || !p.Quotes {
		t.Errorf("%+v", p)
	}
}

// TestQuotedText ends a text where a forwarded mail begins.
func TestQuotedText(t *testing.T) {
	t.Parallel()
	check := func(line string, isQuote bool) {
		p := ReadText("mine\n" + line + "\ntheirs http://x.test")
		if p.Quotes != isQuote || strings.Contains(string(p.Text), "theirs") == isQuote || (p.LinkCount == 0) != isQuote {
			t.Errorf("%q: quotes is %v, text %q", line, p.Quotes, p.Text)
		}
	}
	for _, line := range []string{
		"-----Original Message-----",
		"---------- Forwarded message ---------",
		"-----Ursprüngliche Nachricht-----",
		"-----Message d'origine-----",
		"-------- Przekazana wiadomość --------",
		"Von: A\nGesendet: Montag",
		"*From:* A <a@x.test>\r\n*Sent:* Monday",
		"De : A\nEnvoyé : lundi",
		"Da: A\nInviato: lunedì",
	} {
		check(line, true)
	}
	for _, line := range []string{
		"--------------- Disk Space ---------------",
		"-- original",
		"From: A\nSubject: B",
		"Sent: Monday",
		strings.Repeat("-", maxSeparator) + "original",
	} {
		check(line, false)
	}
}

// TestManyLinks holds that the last links are kept, and all counted.
func TestManyLinks(t *testing.T) {
	t.Parallel()
	const count = 5*MaxLinks + 7
	p := ReadText(strings.Repeat("http://a.test\n", count) + "http://last.test")
	if p.LinkCount != count+1 || len(p.Links) > 2*MaxLinks || p.Links[len(p.Links)-1].URL != "http://last.test" {
		t.Errorf("%d links, %d kept", p.LinkCount, len(p.Links))
	}
}

// FuzzRead holds that links lie within the text, whatever is read.
func FuzzRead(f *testing.F) {
	for _, s := range []string{
		"http https://", "<a href='http://x\n<!-- <script></scriptx &#xffffff; &uuml; <", "From:\nSent:", "-----original",
		"<blockquote type=cite", "<p style=display:none id=divRplyFwdMsg class=", "<a href=http://x>a<a href=http://y>b</a>", "> a\n>",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, p := range []*Page{ReadText(s), ReadHTML(s)} {
			if p.LinkCount < len(p.Links) || p.Images < 0 || p.Tables < 0 {
				t.Errorf("%+v", p)
			}
			for _, l := range p.Links {
				if l.Start < 0 || l.Start > l.End || l.End > len(p.Text) {
					t.Errorf("link %+v in a text of %d", l, len(p.Text))
				}
			}
		}
	})
}

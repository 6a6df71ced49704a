package main

import (
	"strings"
	"testing"
)

func TestProse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                 "",
		" Your  ORDER,\u00a0l'été\n50%off": "your order l été 50 % off ",
		"\xff\xfe ok":                      "ok ",
	} {
		if got := prose([]byte(text)); got != want {
			t.Errorf("prose(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestFindPhrases(t *testing.T) {
	t.Parallel()
	list := []phrase{{"your order", "order"}, {"order number", "number"}}
	for text, want := range map[string]string{
		"your order number": "order number",
		"your orders":       "",
		"re your order":     "order",
		"flavour order":     "",
		"your":              "",
	} {
		found := map[string]bool{}
		findPhrases(prose([]byte(text)), list, found)
		var got []string
		for _, p := range list {
			if found[p.signal] {
				got = append(got, p.signal)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestReadHTML(t *testing.T) {
	t.Parallel()
	p := readHTML(`<!DOCTYPE html><title>No</title><STYLE>a>b{}</Style><!-- <a href=http://no> -->
<p class="a>b">Gr&uuml;&szlig;e, w<b>o</b>rd&nbsp;&#8364;&#x41; 1 < 2 &unknown &amp;</p>
<a title='>' HREF = "https://x.test/a">one <img src=a></a><a href=#top>top</a> <a href=http://x.test/b>two<script>no()</script>`)
	if got, want := prose(p.text), "grüße word a 1 2 unknown one top two "; got != want {
		t.Errorf("words are %q, want %q", got, want)
	}
	if p.images != 1 || p.linkCount != 2 || len(p.links) != 2 {
		t.Fatalf("%d images, links %+v", p.images, p.links)
	}
	for i, want := range []link{{url: "https://x.test/a"}, {url: "http://x.test/b"}} {
		if got := p.links[i]; got.url != want.url || got.start >= got.end {
			t.Errorf("link %+v, want %+v", got, want)
		}
	}
}

func TestReadText(t *testing.T) {
	t.Parallel()
	p := readText("See https://x.test/your/order, or <http://y.test>.\n> your order\nhttpd")
	if got, want := prose(p.text), "see or httpd "; got != want {
		t.Errorf("words are %q, want %q", got, want)
	}
	if len(p.links) != 2 || p.links[1].url != "http://y.test" {
		t.Errorf("links %+v", p.links)
	}
}

// TestManyLinks holds that the last links are kept, and all counted.
func TestManyLinks(t *testing.T) {
	t.Parallel()
	const count = 5*maxLinks + 7
	p := readText(strings.Repeat("http://a.test\n", count) + "http://last.test")
	if p.linkCount != count+1 || len(p.links) > 2*maxLinks || p.links[len(p.links)-1].url != "http://last.test" {
		t.Errorf("%d links, %d kept", p.linkCount, len(p.links))
	}
}

func TestUnsubscribeLink(t *testing.T) {
	t.Parallel()
	for html, want := range map[string]bool{
		`<a href="https://x.test/Unsubscribe?u=1">here</a>`:                                                     true,
		`<a href="https://x.test/1">Newsletter abbestellen</a>`:                                                 true,
		`To unsubscribe, click <a href="https://x.test/1">here</a>.`:                                            true,
		`<a href="https://x.test/1">Se d&eacute;sabonner</a>`:                                                   true,
		`<a href="mailto:leave@x.test?subject=unsubscribe">Leave</a>`:                                           true,
		`To unsubscribe, write to us.`:                                                                          false,
		`<a href="#unsubscribe">Unsubscribe</a>`:                                                                false,
		`How people unsubscribe: ` + strings.Repeat("a long story, ", 20) + `<a href="https://x.test">Home</a>`: false,
	} {
		if got := hasUnsubscribeLink(readHTML(html)); got != want {
			t.Errorf("%s: %v", html, got)
		}
	}
}

package links

import (
	"strings"
	"testing"
)

func TestOtherHost(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, url, text string
		want            bool
	}{
		{"no host", "https://evil.example.net/", "Click here", false},
		{"no text", "https://evil.example.net/", "", false},
		{"the same", "https://example.com/a", "https://example.com/", false},
		{"another", "https://evil.example.net/", "https://example.com/", true},
		{"another in running text", "https://evil.example.net/", "Log in at example.com, please.", true},
		{"any of several", "https://example.com/", "example.com or example.net", true},
		{"www and deeper", "https://login.example.com/", "www.example.com", false},
		{"registered below two labels", "https://a.example.co.uk/", "b.example.co.uk", false},
		{"neighbours below two labels", "https://a.other.co.uk/", "a.example.co.uk", true},
		{"own suffix in front", "https://example.com.evil.example.net/", "example.com", true},
		{"unknown top level", "https://a.evil.test/", "https://bank.test/", true},
		{"unknown top level, www", "https://a.evil.test/", "www.bank.test", true},
		{"letter case", "HTTPS://EXAMPLE.COM/", "Example.Com", false},
		{"upper case", "https://evil.example.net/", "GO TO EXAMPLE.COM", true},
		{"root's dot", "https://example.com./", "https://www.example.com/", false},
		{"port and path", "https://example.com:8443/x", "example.com:443/y?z", false},
		{"brackets around", "https://evil.example.net/", "(see <example.com>)", true},
		{"user in the URL", "https://example.com@evil.example.net/", "https://example.com/", true},
		{"user with password", "https://example.com:x@evil.example.net/", "example.com", true},
		{"user in the text", "https://example.com@example.net/", "https://example.com@example.net/", true},
		{"user that is none", "https://me@example.com/", "https://me@example.com/", false},
		{"www as a user", "https://www.example.com@evil.example.net", "www.example.com@evil.example.net", true},
		{"backslashes", `https:\\evil.example.net`, "example.com", false}, // no link at all
		{"backslash before the user", `https://evil.example.net\@example.com`, "example.com", true},
		{"more slashes", "https:////example.com/", "example.com", false},
		{"escaped host", "https://%65xample.com/", "example.com", false},
		{"query holds the host", "https://evil.example.net/?u=https://example.com", "example.com", true},
		{"Unicode and its form in ASCII", "https://xn--bcher-kva.example.com/", "bücher.example.com", false},
		{"Cyrillic a", "https://xn--exmple-4nf.com/", "example.com", true},
		{"Cyrillic a in the text", "https://xn--exmple-4nf.com/", "exаmple.com", true},
		{"full width", "https://example.com/", "ｅｘａｍｐｌｅ．ｃｏｍ", false},
		{"ideographic stop", "https://evil.example.net/", "example。com", true},
		{"zero width space", "https://evil.example.net/", "exa\u200bmple.com", true},
		{"addresses", "https://192.0.2.1/", "https://192.0.2.2/", true},
		{"same address", "https://192.0.2.1:80/", "http://192.0.2.1/", false},
		{"IPv6", "https://[2001:db8::1]:443/", "https://[2001:db8::1]/", false},
		{"version", "https://example.com/", "version 1.2.3.4", false},
		{"mail to the same", "mailto:a@example.com?subject=example.net", "a@example.com", false},
		{"mail to another", "mailto:a@evil.example.net", "a@example.com", true},
		{"mail to several", "mailto:a@example.net,b@example.com", "b@example.com", false},
		{"mail and web", "mailto:info@example.com", "www.example.com", false},
		{"web and mail", "https://evil.example.net/", "support@example.com", true},
		{"telephone", "tel:+1", "example.com", false},
		{"full stop without space", "https://example.com/", "Read on here.Now or never", false},
		{"abbreviations", "https://example.com/", "e.g. at 5 p.m. and so on...", false},
		{"file names", "https://example.com/", "report.pdf and notes.docx", false},
		{"file that is linked", "https://example.com/blob/main/README.md#x", "README.md", false},
		{"file that is not linked", "https://evil.example.net/", "readme.md", true},
		{"public suffix alone", "https://example.com/", "all of co.uk", false},
		{"dots only", "https://example.com/", "...", false},
	} {
		if got := otherHost(tc.url, tc.text); got != tc.want {
			t.Errorf("%s: otherHost(%q, %q) = %v", tc.name, tc.url, tc.text, got)
		}
	}
}

// TestMisleadingTextCounts holds that a link is not whitewashed by another with
// the same URL.
func TestMisleadingTextCounts(t *testing.T) {
	t.Parallel()
	var s Set
	s.AddHTML(`<a href="https://evil.example.net/">more</a><a href="https://evil.example.net/">https://example.com/</a>` +
		`<a href="https://evil.example.net/">www.example.org</a>`)
	s.AddText("https://evil.example.net/")
	want := Link{URL: "https://evil.example.net/", Text: "https://example.com/", OtherHost: true}
	if got := s.Links(); len(got) != 1 || got[0] != want {
		t.Errorf("links = %+v, want %+v", got, want)
	}
	s = Set{}
	s.AddText("see https://example.com@example.net/")
	if got := s.Links(); len(got) != 1 || !got[0].OtherHost {
		t.Errorf("links = %+v, want one to another host", got)
	}
}

// TestLongHosts holds that hosts of any length are compared.
func TestLongHosts(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ü", 4000)
	if !otherHost("https://"+long+".example.net/", "https://"+long[:400]+".example.com/") {
		t.Error("long hosts count as equal")
	}
}

func FuzzOtherHost(f *testing.F) {
	f.Add("https://a@b.example.com:1/\\", "see www.example.net. or c@d.example.org")
	f.Add("mailto:a@b,c%40d?x", "http://[::1]/ x://y")
	f.Add("https://bü.example.com/x.md", "ｘ。ｙ x.md")
	f.Fuzz(func(t *testing.T, url, text string) {
		url, text = strings.ToValidUTF8(url, ""), strings.ToValidUTF8(text, "")
		if otherHost(url, "") {
			t.Errorf("%q has no text, and names a host", url)
		}
		for _, h := range targets(url) {
			if h == "" || len(h) > 5*maxHost {
				t.Errorf("%q leads to %q", url, h)
			}
		}
		otherHost(url, text)
	})
}

package convert

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/postern-mail/postern/plugins/markdown/commonmark"
)

var update = flag.Bool("update", false, "write the golden files")

var all = Options{Links: true, Images: true}

func TestGolden(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, file := range sources(t) {
		golden := strings.TrimSuffix(file, ".html") + ".golden.md"
		known[file], known[golden] = true, true
		t.Run(strings.TrimPrefix(file, testdata), func(t *testing.T) {
			t.Parallel()
			html, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := HTML(string(html), all)
			checkSafe(t, got)
			if *update {
				if err := os.WriteFile(golden, []byte(got+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got+"\n" != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
	for _, pattern := range []string{"*.*", "mails/*.*"} {
		found, err := filepath.Glob(testdata + pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range found {
			if !known[file] && !*update {
				t.Errorf("%s belongs to no test", file)
			}
		}
	}
}

const testdata = "../testdata/"

// sources lists the pieces of HTML and the mails that there are golden files for.
func sources(t testing.TB) []string {
	t.Helper()
	pieces, err := filepath.Glob(testdata + "*.html")
	if err != nil || len(pieces) == 0 {
		t.Fatalf("no test data: %v", err)
	}
	mails, err := filepath.Glob(testdata + "mails/*.html")
	if err != nil || len(mails) == 0 {
		t.Fatalf("no mails: %v", err)
	}
	return append(pieces, mails...)
}

func TestBounds(t *testing.T) {
	t.Parallel()
	const n = 100_000
	for name, html := range map[string]string{
		"open elements": strings.Repeat("<div>", n) + "x",
		"quotes":        strings.Repeat("<blockquote>x", n),
		"lists":         strings.Repeat("<ul><li>x", n),
		"items":         "<ul><li><ul><li><ul><li><ol start=99999>" + strings.Repeat("<li>*", n),
		"numbers":       "<ol start=99999>" + strings.Repeat("<li>*", n),
		"styles":        "<s><b><i>" + strings.Repeat("<div>*", n),
		"switching":     strings.Repeat("<b>*<i>*", n),
		"tables":        strings.Repeat("<table><tr><td>x<td>y<tr><td>x<td>y", n),
		"cells":         "<table>" + strings.Repeat("<tr><th colspan=12>x<td>y", n),
		"one row":       "<table><tr>" + strings.Repeat("<th>x", n) + strings.Repeat("<tr><td>x<td>", n),
		"link of many":  "<a href='https://" + strings.Repeat("x", 5000) + "'>" + strings.Repeat("<p>x", n),
		"listing":       strings.Repeat("<blockquote>", 20) + "<pre>" + strings.Repeat("\nx", n),
		"breaks":        strings.Repeat("<blockquote>", 20) + strings.Repeat("<br>x", n),
		"specials":      strings.Repeat("<*_`[", n),
		"attributes":    "<a " + strings.Repeat("x ", n) + ">",
		"quotes open":   strings.Repeat("<a x='", n),
		"comments":      strings.Repeat("<!-", n),
		"raw":           strings.Repeat("<script></scrip", n),
		"ends":          strings.Repeat("<b>", 100) + strings.Repeat("</i>", n),
		"references":    strings.Repeat("&#", n) + strings.Repeat("&x", n),
		"backticks":     "<code>" + strings.Repeat("`", n),
		"url":           "<a href='http://" + strings.Repeat("(", n) + "'>x",
		"scripts":       "<script><!--" + strings.Repeat("<script></script>", n),
		"open comments": strings.Repeat("<!-- > ", n),
		"addresses":     strings.Repeat("http://*", n),
		"long address":  strings.Repeat("www.", n) + "*",
		"marks":         strings.Repeat("- ", n) + "<h1>" + strings.Repeat("#", n),
		"spans":         "<table>" + strings.Repeat("<tr><td>a<td colspan=12>x<td colspan=12>y", n),
		"wide rows":     "<table><tr>" + strings.Repeat("<td>a<td>b", n) + strings.Repeat("<tr><td colspan=12>a<td align=center>b", n),
		"tall":          "<table><tr>" + strings.Repeat("<td rowspan=99>a", 11) + strings.Repeat("<tr><td>b", n),
		"tall and wide": "<table><tr>" + strings.Repeat("<td rowspan=99>a", n) + strings.Repeat("<tr><td>b", n),
		"bullets":       strings.Repeat("<table><tr><td>•<td>x</table>", n),
		"lists of Word": strings.Repeat("<p style='mso-list:l0 level9 lfo1'><span style='mso-list:Ignore'>1.</span>x", n),
		"links":         strings.Repeat("<a href='https://a.test/'><img src='https://a.test/'><p>x</a>", n),
		"linked images": "<a href='https://" + strings.Repeat("(", 5000) + "'>" + strings.Repeat("<img src=cid:a><p>", n),
		"shifted":       "<sup>" + strings.Repeat("7", n),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkSize(t, html, HTML(html, all))
		})
	}
}

func checkSize(t *testing.T, in, out string) {
	t.Helper()
	if len(out) > commonmark.Bound(len(in)) {
		t.Errorf("%d bytes of %d", len(out), len(in))
	}
}

// checkSafe fails a test for Markdown that has, outside code, a '<' or '{', a
// bracket that is no mark of a link to a scheme that is allowed, a bare address
// with more than text in its word, or a character that is no text.
func checkSafe(t *testing.T, markdown string) {
	t.Helper()
	fence := ""
	for line := range strings.Lines(markdown) {
		line = strings.TrimRight(line, "\n")
		bare := strings.TrimLeft(line, "> -*0123456789.)")
		if fence != "" {
			if bare == fence {
				fence = ""
			}
			continue
		}
		if run := len(bare) - len(strings.TrimLeft(bare, "`")); run >= 3 && !strings.Contains(bare[run:], "`") {
			fence = bare[:run]
			continue
		}
		for i := 0; i < len(bare); i++ {
			if address := address.FindString(bare[i:]); address != "" {
				text, _, _ := strings.Cut(address, "](") // which ends the text of a link
				if marks.MatchString(text) {
					t.Fatalf("a bare address that takes more than text: %q", line)
				}
			}
			switch bare[i] {
			case '\\':
				i++
			case '`':
				run := len(bare[i:]) - len(strings.TrimLeft(bare[i:], "`"))
				end := closing(bare[i+run:], run)
				if end < 0 {
					t.Fatalf("a code span without end: %q", line)
				}
				i += run + end - 1
			case '<', '{':
				t.Fatalf("a bare %q: %q", bare[i], line)
			case ']':
				// Of text, it is escaped, and passed over above.
				rest, ok := strings.CutPrefix(bare[i:], "](")
				url, _, ended := strings.Cut(rest, ")")
				if !ok || !ended || !isSafe(url) {
					t.Fatalf("a link that is not safe: %q", line)
				}
				i += 2 + len(url)
			default:
				if b := bare[i]; b < ' ' || b == 0x7f {
					t.Fatalf("a control character: %q", line)
				}
			}
		}
	}
	if fence != "" {
		t.Fatal("a listing without end")
	}
}

// marks are what may not be taken into an address.
var marks = regexp.MustCompile("[*~`[]|\\\\[^0-9A-Za-z]")

// address is what a renderer takes for an address that begins where it stands.
var address = regexp.MustCompile(`^(?i)(://|www\.)[^\s<]*`)

// closing returns the offset past the next run of exactly n backticks, or -1.
func closing(s string, n int) int {
	for i := 0; i < len(s); {
		if s[i] != '`' {
			i++
			continue
		}
		run := len(s[i:]) - len(strings.TrimLeft(s[i:], "`"))
		i += run
		if run == n {
			return i
		}
	}
	return -1
}

func isSafe(url string) bool {
	if strings.ContainsAny(url, " \t\n<>()[]\\\"`|") {
		return false
	}
	for _, scheme := range []string{"https://", "http://", "mailto:", "tel:", "cid:"} {
		if strings.HasPrefix(url, scheme) {
			return true
		}
	}
	return false
}

func FuzzConvert(f *testing.F) {
	for _, file := range sources(f) {
		html, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(html))
	}
	f.Fuzz(func(t *testing.T, body string) {
		hard := all
		hard.HardBreaks = true
		for _, got := range []string{HTML(body, all), Text(body, all), HTML(body, hard), Text(body, hard)} {
			checkSize(t, body, got)
			checkSafe(t, got)
		}
	})
}

// newsletter makes HTML of about 50 KB as a newsletter's tools do.
func newsletter() string {
	var b strings.Builder
	b.WriteString(`<html><head><style>td{padding:0}</style></head><body><table role="presentation" width="100%"><tr><td><table width="600"><tr><td>`)
	for i := 0; b.Len() < 50_000; i++ {
		b.WriteString(`<table role="presentation" cellpadding="0" cellspacing="0" style="border-collapse:collapse;width:100%"><tr><td style="font-family:Arial,sans-serif;font-size:0px;padding:10px 25px;word-break:break-word;">` +
			`<div style="font-family:Helvetica,Arial;font-size:16px;line-height:24px;color:#333333;"><h2 style="margin:0">Story ` + strconv.Itoa(i) + ` &ndash; what&#8217;s new</h2>` +
			`<p>Lorem ipsum dolor sit amet, <strong>consectetur</strong> adipiscing elit &amp; sed do eiusmod tempor incididunt ut labore et dolore magna aliqua.` +
			` <a href="https://click.example.com/track/` + strings.Repeat("aZ09", 30) + `" style="color:#0066cc;text-decoration:none">Read more</a></p></div></td></tr></table>`)
	}
	b.WriteString(`</td></tr></table></td></tr></table></body></html>`)
	return b.String()
}

func BenchmarkConvert(b *testing.B) {
	html := newsletter()
	b.SetBytes(int64(len(html)))
	b.ReportAllocs()
	for b.Loop() {
		HTML(html, all)
	}
}

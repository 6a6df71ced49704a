package main

import (
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/postern-mail/postern/sdk/go/plugin"
	"github.com/postern-mail/postern/sdk/go/plugintest"
)

var update = flag.Bool("update", false, "write the golden files")

var all = Options{Links: true, Images: true}

func TestGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.html")
	if err != nil || len(files) == 0 {
		t.Fatalf("no test data: %v", err)
	}
	known := map[string]bool{}
	for _, file := range files {
		golden := strings.TrimSuffix(file, ".html") + ".golden.md"
		known[file], known[golden] = true, true
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			html, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := Convert(Input{HTML: string(html)}, all)
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
	stray, err := filepath.Glob("testdata/*.*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range stray {
		if !known[file] && !*update {
			t.Errorf("%s belongs to no test", file)
		}
	}
}

func TestTransform(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name          string
		options       string
		html, text    *plugin.Body
		want, wantErr string
	}{
		{
			name: "seed", options: `{}`,
			html: &plugin.Body{Text: "<p>Hi team,</p><p>Please find invoice #2026-0042 attached.</p><p>Best,<br>Alice</p>"},
			want: `"Hi team,\n\nPlease find invoice #2026-0042 attached.\n\nBest,\nAlice"`,
		},
		{
			name: "text", options: `{}`, text: &plugin.Body{Text: "Hi\r\n*you*\r\n\r\n> 1. # a\r\n> > b\r\nc"},
			want: `"Hi\n\\*you\\*\n\n\u003e 1\\. # a\n\u003e\n\u003e \u003e b\n\nc"`,
		},
		{name: "empty HTML", options: `{}`, html: &plugin.Body{Text: "<p>&nbsp;</p>"}, text: &plugin.Body{Text: "Hi"}, want: `"Hi"`},
		{name: "blank", options: `{}`, html: &plugin.Body{}, want: `""`},
		{name: "no body", options: `{}`},
		{
			name: "no links", options: `{"links": false}`,
			html: &plugin.Body{Text: `<a href="https://a.test">a</a> <img src="cid:b" alt="b">`}, want: `"a ![b](cid:b)"`,
		},
		{
			name: "no images", options: `{"images": false}`,
			html: &plugin.Body{Text: `<a href="https://a.test">a</a> <img src="cid:b" alt="b">`}, want: `"[a](https://a.test)"`,
		},
		{name: "unknown option", options: `{"link": false}`, wantErr: `there is no option "link"`},
	} {
		// Not parallel: the options are those of the one plugin that is registered.
		t.Run(test.name, func(t *testing.T) {
			f, err := plugintest.Configure(t, test.options)
			if test.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), test.wantErr) {
					t.Errorf("error = %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			r := plugintest.Run(t, f, plugintest.Mail{
				HTML: test.html, Text: test.text,
				Payload: []byte(`{"message":{"content":{}}}`), Write: []string{"/message/content/markdown"},
			})
			got := unquote(t, r.Get("/message/content/markdown"))
			if want := unquote(t, []byte(test.want)); r.Err != nil || got != want {
				t.Errorf("%v, got %q, want %q", r.Err, got, want)
			}
		})
	}
}

func unquote(t *testing.T, text []byte) string {
	t.Helper()
	if len(text) == 0 {
		return "nothing"
	}
	s, err := strconv.Unquote(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
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
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkSize(t, html, Convert(Input{HTML: html}, all))
		})
	}
}

func checkSize(t *testing.T, in, out string) {
	t.Helper()
	if len(out) > 4*len(in)+4096 {
		t.Errorf("%d bytes of %d", len(out), len(in))
	}
}

// checkSafe fails a test for Markdown that has, outside code, a '<', a bracket
// that is no mark of a link to a scheme that is allowed, or a character that is
// no text.
func checkSafe(t *testing.T, markdown string) {
	t.Helper()
	fence := ""
	for line := range strings.Lines(markdown) {
		line = strings.TrimRight(line, "\n")
		bare := strings.TrimLeft(line, "> -0123456789.")
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
			case '<':
				t.Fatalf("a bare '<': %q", line)
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
	files, err := filepath.Glob("testdata/*.html")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		html, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(html))
	}
	f.Fuzz(func(t *testing.T, body string) {
		for _, in := range []Input{{HTML: body}, {Text: body}} {
			got := Convert(in, all)
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
	in := Input{HTML: newsletter()}
	b.SetBytes(int64(len(in.HTML)))
	b.ReportAllocs()
	for b.Loop() {
		Convert(in, all)
	}
}

package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/postern-mail/postern/plugins/classify/phrases"
	"github.com/postern-mail/postern/plugins/classify/phrases/lists"
	"github.com/postern-mail/postern/sdk/go/plugin"
	"github.com/postern-mail/postern/sdk/go/plugintest"
)

var update = flag.Bool("update", false, "write the golden files")

// readMail reads a file of testdata: header, empty line, text, and after a line
// of its own "--html--" the HTML. X-Test-Attachments is a number of attachments, and
// Return-Path what the envelope says.
func readMail(t testing.TB, file string) plugintest.Mail {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	m := plugintest.Mail{Envelope: plugin.Envelope{MailFrom: "alice@example.com"}, Write: []string{"/classification"}}
	header, body, _ := strings.Cut(string(content), "\n\n")
	for line := range strings.Lines(header) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		value = strings.TrimSpace(value)
		if name == "Return-Path" {
			m.Envelope.MailFrom = strings.Trim(value, "<>")
			continue
		}
		if name != "X-Test-Attachments" {
			m.Headers = append(m.Headers, plugin.Field{Name: name, Value: value})
			continue
		}
		n, err := strconv.Atoi(value)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		m.Attachments = make([]plugintest.Attachment, n)
	}
	text, html, ok := strings.Cut(body, "--html--\n")
	if strings.TrimSpace(text) != "" {
		m.Text = &plugin.Body{Text: text}
	}
	if ok {
		m.HTML = &plugin.Body{Text: html}
	}
	m.Attachments = append(m.Attachments, plugintest.Attachment{Inline: true, ContentType: "image/png"})
	return m
}

func mailFiles(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no testdata: %v", err)
	}
	return files
}

// TestMails compares with the golden files, and holds that a mail's type is what
// its file is named for.
func TestMails(t *testing.T) {
	t.Parallel()
	for _, file := range mailFiles(t) {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := plugintest.Run(t, transform, readMail(t, file))
			if r.Err != nil {
				t.Fatal(r.Err)
			}
			var c Classification
			if err := json.Unmarshal(r.Get("/classification"), &c); err != nil {
				t.Fatal(err)
			}
			if want, _, _ := strings.Cut(name, "_"); c.Type != want {
				t.Errorf("type is %s (%s, by %s)", c.Type, c.Confidence, c.Signals)
			}
			got, err := json.Marshal(c)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, '\n')
			golden := strings.TrimSuffix(file, ".txt") + ".golden"
			if *update {
				if err := os.WriteFile(golden, got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("got  %swant %s", got, want)
			}
		})
	}
}

// TestShape holds the exact JSON, which is that of the documented example.
func TestShape(t *testing.T) {
	t.Parallel()
	r := plugintest.Run(t, transform, readMail(t, "testdata/normal_seed.txt"))
	const want = `{"classification":{"confidence":"definite","signals":["has_attachment","single_recipient"],"type":"normal"}}`
	if r.Err != nil || string(r.Payload) != want {
		t.Errorf("%v\ngot  %s\nwant %s", r.Err, r.Payload, want)
	}
	empty, err := json.Marshal(Classify(Input{Headers: []plugin.Field{{Name: "To", Value: "a@b.test, c@d.test"}}}))
	if err != nil || string(empty) != `{"type":"normal","signals":[],"confidence":"definite"}` {
		t.Errorf("%v, %s", err, empty)
	}
}

func TestWinner(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		points     score
		kind       string
		confidence string
	}{
		{score{}, "transactional", "possible"},
		{score{automated: 3, notification: 3}, "automated", "possible"},
		{score{normal: 3, marketing: -5}, "normal", "definite"},
		{score{normal: 3, marketing: 1}, "normal", "probable"},
		{score{normal: 3, transactional: 3, marketing: 3}, "transactional", "possible"},
		{score{notification: 4, marketing: 3}, "notification", "possible"},
		{score{marketing: 9, automated: 2}, "marketing", "definite"},
	} {
		kind, lead := c.points.winner()
		if got := confidence(lead); kind != c.kind || got != c.confidence {
			t.Errorf("%+v: %s %s", c.points, kind, got)
		}
	}
}

// TestTable holds that each signal stands in the table once, and in the README
// with the same weights, and that every phrase can match.
func TestTable(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, r := range rules() {
		if known[r.signal] {
			t.Errorf("%s stands twice in the table", r.signal)
		}
		known[r.signal] = true
		row := fmt.Sprintf("| `%s` | %s | %s | %s | %s | %s |", r.signal, points(r.normal), points(r.transactional), points(r.marketing),
			points(r.notification), points(r.automated))
		if !bytes.Contains(readme, []byte(row)) {
			t.Errorf("README.md lacks %s", row)
		}
	}
	if n := bytes.Count(readme, []byte("\n| `")); n != len(known) {
		t.Errorf("README.md has %d rows, the table %d", n, len(known))
	}
	for _, topic := range lists.All() {
		if !known[topic.Signal] {
			t.Errorf("no rule says what %s means", topic.Signal)
		}
	}
}

// TestExamples holds that the phrases that the README quotes give their signals.
func TestExamples(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for line := range strings.Lines(string(readme)) {
		signal, row, _ := strings.Cut(strings.TrimPrefix(line, "| `"), "` |")
		if !strings.HasSuffix(signal, "_words") {
			continue
		}
		for i, quoted := range strings.Split(row, `"`) {
			if i%2 == 0 {
				continue // between two quotations
			}
			count++
			var hits phrases.Hits
			prose := phrases.Fold(quoted, maxProse)
			hits.Find(phrases.Anywhere, prose)
			hits.Find(phrases.SubjectOnly, prose)
			if hits.Count(signal) == 0 {
				t.Errorf("%q does not give %s", quoted, signal)
			}
		}
	}
	if count < len(lists.All()) {
		t.Errorf("only %d examples", count)
	}
}

func points(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%+d", n)
}

func FuzzClassify(f *testing.F) {
	for _, file := range mailFiles(f) {
		content, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		header, body, _ := strings.Cut(string(content), "\n\n")
		text, html, _ := strings.Cut(body, "--html--\n")
		f.Add(header, text, html)
	}
	f.Add("From: <\nTo: (\\", "http https://", "<a href='http://x\n<!-- <script></scriptx &#xffffff; &uuml; <")
	f.Fuzz(func(t *testing.T, header, text, html string) {
		in := Input{Text: text, HTML: html}
		for line := range strings.Lines(header) {
			name, value, _ := strings.Cut(line, ":")
			in.Headers = append(in.Headers, plugin.Field{Name: name, Value: value})
		}
		c := Classify(in)
		if again := Classify(in); again.Type != c.Type || again.Confidence != c.Confidence || !slices.Equal(again.Signals, c.Signals) {
			t.Errorf("%+v, then %+v", c, again)
		}
		if !slices.IsSorted(c.Signals) {
			t.Errorf("signals are not sorted: %q", c.Signals)
		}
	})
}

// BenchmarkClassify takes bodies of the largest size, that cost the most.
func BenchmarkClassify(b *testing.B) {
	const size = 4 << 20
	for name, unit := range map[string]string{
		"words": "your order is here ", "links": "<a href=http://x>", "open": "<a href='", "tags": "<", "entities": "&", "comments": "<!--", "scripts": "<script>",
		"closing": "<script></scrip", "attributes": "<a = =", "urls": "http://x ",
	} {
		in := Input{HTML: strings.Repeat(unit, size/len(unit)), Text: strings.Repeat(unit, size/len(unit))}
		b.Run(name, func(b *testing.B) {
			b.SetBytes(2 * size)
			for range b.N {
				Classify(in)
			}
		})
	}
}

// TestReversePath holds that the envelope counts, and not what a mail says of it.
func TestReversePath(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		header      []plugin.Field
		reversePath string
		want        string
	}{
		"a bounce":                      {nil, "", "null_return_path"},
		"a bounce that says it is none": {[]plugin.Field{{Name: "return-path", Value: "<a@example.com>"}}, "", "null_return_path"},
		"bounces go elsewhere":          {nil, "bounce-17@example.com", "bounce_return_path"},
		"a person":                      {nil, "a@example.com", ""},
		"a person who says otherwise":   {[]plugin.Field{{Name: "Return-Path", Value: "<>"}}, "a@example.com", ""},
	} {
		r := plugintest.Run(t, transform, plugintest.Mail{
			Headers: tc.header, Envelope: plugin.Envelope{MailFrom: tc.reversePath}, Write: []string{"/classification"},
		})
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		got := string(r.Get("/classification/signals"))
		if has := strings.Contains(got, "return_path"); has != (tc.want != "") || !strings.Contains(got, tc.want) {
			t.Errorf("%s: signals %s, want %q", name, got, tc.want)
		}
	}
}

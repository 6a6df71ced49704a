package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/postern-mail/postern/plugins/classify/page"
	"github.com/postern-mail/postern/sdk/go/plugin"
)

func TestSubjects(t *testing.T) {
	t.Parallel()
	for subject, want := range map[string]string{
		"":                                 "",
		"Lunch":                            "",
		"Your order":                       "order_words",
		"Re: your order":                   "reply_subject",
		"AW: Automatic reply":              "reply_subject",
		"WG: Undelivered mail":             "forward_subject",
		"Fwd: [tracker] your order":        "forward_subject tagged_subject",
		"[tracker] Broken":                 "tagged_subject",
		"Automatische Antwort: Frage":      "out_of_office_subject acknowledgement_words",
		"Read: Lunch":                      "read_receipt_subject",
		"Please read: Lunch":               "",
		"Zugesagt: Ortstermin":             "calendar_subject",
		"Press release: we open a shop":    "press_words",
		"We saw your press release: great": "",
		"Sale \U0001f525":                  "emoji_subject",
		"Sale \u2600":                      "emoji_subject",
		"A \u2192 B \u00a9":                "",
		strings.Repeat("no ", maxSubject) + "your order": "",
	} {
		found := signals{}
		contentSignals(Input{Headers: []plugin.Field{{Name: "subject", Value: subject}}}, found)
		wanted := strings.Fields(want)
		slices.Sort(wanted)
		if got := slices.Sorted(maps.Keys(found)); !slices.Equal(got, wanted) {
			t.Errorf("%q: %q, want %q", subject, got, wanted)
		}
	}
}

// TestCounts holds how much phrases count.
func TestCounts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		subject, text, html string
		want                int
	}{
		{"", "your order", "", 1},
		{"", "your order, your order", "", 1},
		{"", "your order, order number 7", "", 2},
		{"", "your order, order number 7, thank you for your purchase", "", 2},
		{"your order", "", "", 1},
		{"your order", "your order", "", 2},
		{"", "your order", "order number", 1}, // the text, where there is one
		{"", " \n", "order number", 1},
		{"", "> your order", "", 0},
		{"", strings.Repeat("no ", maxProse) + "your order", "", 0},
	} {
		found := signals{}
		contentSignals(Input{Headers: []plugin.Field{{Name: "Subject", Value: c.subject}}, Text: c.text, HTML: c.html}, found)
		if found["order_words"] != c.want {
			t.Errorf("%q, %q, %q: %d, want %d", c.subject, c.text, c.html, found["order_words"], c.want)
		}
	}
}

func TestLayout(t *testing.T) {
	t.Parallel()
	in := Input{
		Attachments: 1, Calendar: true,
		HTML: "<div style='display:none'> </div>" + strings.Repeat("<table><img src=a><a href=https://x.test></a></table>", 10) + "<blockquote type=cite>",
	}
	found := signals{}
	contentSignals(in, found)
	want := []string{"calendar_alone", "has_attachment", "layout_tables", "many_images", "many_links", "preheader", "quotes_mail"}
	if got := slices.Sorted(maps.Keys(found)); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	in.HTML, in.Text = "", "See you there."
	found = signals{}
	contentSignals(in, found)
	if got := slices.Sorted(maps.Keys(found)); !slices.Equal(got, []string{"has_attachment"}) {
		t.Errorf("with words: %q", got)
	}
}

func TestUnsubscribeLink(t *testing.T) {
	t.Parallel()
	for html, want := range map[string]bool{
		`<a href="https://x.test/Unsubscribe?u=1">here</a>`:                                                     true,
		`<a href="https://x.test/1">Newsletter abbestellen</a>`:                                                 true,
		`To unsubscribe, click <a href="https://x.test/1">here</a>.`:                                            true,
		`<a href="https://x.test/1">Se d&eacute;sabonner</a>`:                                                   true,
		`<a href="https://x.test/1">Wypisz się</a>`:                                                             true,
		`<a href="https://x.test/1">Cancelar subscrição</a>`:                                                    true,
		`<a href="mailto:leave@x.test?subject=unsubscribe">Leave</a>`:                                           true,
		`To unsubscribe, write to us.`:                                                                          false,
		`<a href="#unsubscribe">Unsubscribe</a>`:                                                                false,
		`How people unsubscribe: ` + strings.Repeat("a long story, ", 20) + `<a href="https://x.test">Home</a>`: false,
	} {
		if got := hasUnsubscribeLink(page.ReadHTML(html)); got != want {
			t.Errorf("%s: %v", html, got)
		}
	}
}

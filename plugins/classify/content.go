package main

import (
	"strings"
	"unicode"

	"github.com/postern-mail/postern/plugins/classify/page"
	"github.com/postern-mail/postern/plugins/classify/phrases"
	"github.com/postern-mail/postern/sdk/go/plugin"
)

const (
	// maxProse is how much of a body is searched for phrases, and maxSubject how
	// much of a subject: what a mail is about stands at its top.
	maxProse   = 16 << 10
	maxSubject = 1 << 10
	// A person's mail rarely has as many links or images as this, nor as many tables.
	manyLinks, manyImages, manyTables = 10, 5, 2
	// vicinity is how near to a link the word must stand that makes it one to
	// unsubscribe by, as in "to unsubscribe, click <a>here</a>".
	vicinity = 80
	// maxLinkText is how much of a link's own words and address are looked at.
	maxLinkText = 512
	// A signal of words counts once for each phrase, up to this often.
	maxCount = 2
)

// contentSignals adds the signals of subject, bodies and attachments.
func contentSignals(in Input, found signals) {
	if in.Attachments > 0 {
		found.add("has_attachment")
	}
	plain, rich := page.ReadText(in.Text), page.ReadHTML(in.HTML)
	layoutSignals(plain, rich, found)
	body := plain.Text
	if strings.TrimSpace(in.Text) == "" {
		body = rich.Text
	}
	prose := phrases.Fold(string(body[:min(len(body), maxProse)]), maxProse)
	if in.Calendar && prose == "" {
		found.add("calendar_alone")
	}

	var words, subject phrases.Hits
	words.Find(phrases.Anywhere, prose)
	subjectSignals(subjectOf(in.Headers), &subject, found)
	for _, r := range rules() {
		// A phrase in the subject says as much as two of the body.
		if n := words.Count(r.signal) + subject.Count(r.signal); n > 0 {
			found[r.signal] = min(n, maxCount)
		}
	}
}

// layoutSignals adds what the bodies are made of.
func layoutSignals(plain, rich *page.Page, found signals) {
	for _, s := range []struct {
		is     bool
		signal string
	}{
		{hasUnsubscribeLink(plain) || hasUnsubscribeLink(rich), "has_unsubscribe_link"},
		{max(plain.LinkCount, rich.LinkCount) >= manyLinks, "many_links"},
		{rich.Images >= manyImages, "many_images"},
		{rich.Tables >= manyTables, "layout_tables"},
		{rich.Preheader, "preheader"},
		{plain.Quotes || rich.Quotes, "quotes_mail"},
	} {
		if s.is {
			found.add(s.signal)
		}
	}
}

// subjectSignals looks at the subject. That of an answer or of what is forwarded
// was written by another, and its words do not count.
func subjectSignals(subject string, words *phrases.Hits, found signals) {
	label, rest, isLabel := strings.Cut(subject, ":")
	if isLabel {
		words.Whole(phrases.Label, phrases.Fold(label, maxSubject))
	}
	isOthers := words.Count("reply_subject") > 0 || words.Count("forward_subject") > 0
	if isOthers {
		subject = rest
	}
	if strings.HasPrefix(strings.TrimSpace(subject), "[") {
		found.add("tagged_subject")
	}
	if isOthers {
		return
	}
	if strings.ContainsFunc(subject, isEmoji) {
		found.add("emoji_subject")
	}
	prose := phrases.Fold(subject, maxSubject)
	words.Find(phrases.SubjectOnly, prose)
	words.Find(phrases.Anywhere, prose)
}

func isEmoji(r rune) bool {
	return r >= 0x1f300 && r < 0x1fb00 || r >= 0x2600 && r < 0x27c0 && unicode.IsSymbol(r)
}

func subjectOf(fields []plugin.Field) string {
	for _, f := range fields {
		if strings.EqualFold(f.Name, "Subject") {
			return f.Value[:min(len(f.Value), maxSubject)]
		}
	}
	return ""
}

// hasUnsubscribeLink reports whether a link, its words or what stands beside it
// speak of leaving a mailing.
func hasUnsubscribeLink(p *page.Page) bool {
	for _, l := range p.Links {
		from, to := max(0, l.Start-vicinity), min(len(p.Text), l.End+vicinity, l.Start+maxLinkText)
		if unsubscribes(l.URL[:min(len(l.URL), maxLinkText)]) || unsubscribes(string(p.Text[from:to])) {
			return true
		}
	}
	return false
}

func unsubscribes(text string) bool {
	return phrases.Contains(phrases.Link, phrases.Fold(text, len(text)))
}

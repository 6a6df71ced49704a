package main

import (
	"strings"
	"unicode"

	"github.com/postern-mail/postern/sdk/go/plugin"
)

const (
	// maxProse is how much of a body is searched for phrases: what a mail is about
	// stands at its top.
	maxProse = 16 << 10
	// A person's mail rarely has as many links or images as this.
	manyLinks, manyImages = 10, 5
	// vicinity is how near to a link the word must stand that makes it one to
	// unsubscribe by, as in "to unsubscribe, click <a>here</a>".
	vicinity = 80
	// maxLinkText is how much of a link's own words and address are looked at.
	maxLinkText = 512
)

// contentSignals adds the signals of subject, bodies and attachments.
func contentSignals(in Input, found map[string]bool) {
	if in.Attachments > 0 {
		found["has_attachment"] = true
	}
	subject := prose([]byte(subjectOf(in.Headers)))
	findPhrases(subject, subjectPhrases(), found)

	plain, rich := readText(in.Text), readHTML(in.HTML)
	if hasUnsubscribeLink(plain) || hasUnsubscribeLink(rich) {
		found["has_unsubscribe_link"] = true
	}
	if max(plain.linkCount, rich.linkCount) >= manyLinks {
		found["many_links"] = true
	}
	if rich.images >= manyImages {
		found["many_images"] = true
	}
	body := plain.text
	if strings.TrimSpace(in.Text) == "" {
		body = rich.text
	}
	findPhrases(subject+prose(body[:min(len(body), maxProse)]), phrases(), found)
}

func subjectOf(fields []plugin.Field) string {
	for _, f := range fields {
		if strings.EqualFold(f.Name, "Subject") {
			return f.Value[:min(len(f.Value), maxProse)]
		}
	}
	return ""
}

// prose brings a text into the form that phrases are in: its words in lower case
// with one space after each. A word is letters and digits, or a % sign.
func prose(text []byte) string {
	var b strings.Builder
	b.Grow(len(text) + 1)
	inWord := false
	end := func() {
		if inWord {
			b.WriteByte(' ')
			inWord = false
		}
	}
	for _, r := range string(text) {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(unicode.ToLower(r))
			inWord = true
		case r == '%':
			end()
			b.WriteString("% ")
		default:
			end()
		}
	}
	end()
	return b.String()
}

// findPhrases adds the signals of the phrases that are in a text made by prose.
// The phrases are looked up by their first word, so that the time hardly depends
// on their number.
func findPhrases(text string, list []phrase, found map[string]bool) {
	byWord := make(map[string][]phrase, len(list))
	for _, p := range list {
		first, _, _ := strings.Cut(p.words, " ")
		byWord[first] = append(byWord[first], p)
	}
	for text != "" {
		word, rest, _ := strings.Cut(text, " ")
		for _, p := range byWord[word] {
			// Every word ends in a space, so this compares whole words.
			if strings.HasPrefix(text, p.words) && strings.HasPrefix(text[len(p.words):], " ") {
				found[p.signal] = true
			}
		}
		text = rest
	}
}

// hasUnsubscribeLink reports whether a link, its words or what stands beside it
// speak of leaving a mailing.
func hasUnsubscribeLink(p *page) bool {
	for _, l := range p.links {
		if unsubscribes(l.url[:min(len(l.url), maxLinkText)]) {
			return true
		}
		from, to := max(0, l.start-vicinity), min(len(p.text), l.end+vicinity, l.start+maxLinkText)
		if unsubscribes(string(p.text[from:to])) {
			return true
		}
	}
	return false
}

// unsubscribes looks for stems, which find the forms of a word, also within an
// address.
func unsubscribes(s string) bool {
	return containsAny(strings.ToLower(s),
		"unsubscribe", "opt-out", "optout", "opt out", "email preferences", // English
		"abmelde", "abbestell", "austragen", // German
		"désabonn", "desabonn", "désinscri", "desinscri", // French
		"darse de baja", "darte de baja", "cancelar suscripción", "cancelar la suscripción", // Spanish
		"afmelden", "uitschrijv", // Dutch
	)
}

package main

import (
	"slices"

	"github.com/postern-mail/postern/sdk/go/plugin"
)

// Input is what of a mail is looked at.
type Input struct {
	Headers     []plugin.Field
	Text, HTML  string
	Attachments int // without inline parts
}

// Classification is the section classification of the payload.
type Classification struct {
	Type       string   `json:"type"`
	Signals    []string `json:"signals"` // sorted
	Confidence string   `json:"confidence"`
}

// Classify finds a mail's signals, adds up what each says for the types, and
// takes the type with the most points.
func Classify(in Input) Classification {
	found := map[string]bool{}
	headerSignals(in.Headers, found)
	contentSignals(in, found)

	points := score{normal: basePoints}
	signals := []string{} // never null in JSON
	for _, r := range rules() {
		if found[r.signal] {
			points.add(r.score)
			signals = append(signals, r.signal)
		}
	}
	slices.Sort(signals)
	kind, lead := points.winner()
	return Classification{Type: kind, Signals: signals, Confidence: confidence(lead)}
}

// score holds points for each type.
type score struct{ normal, transactional, marketing, notification, automated int }

// basePoints is what a mail has for normal from the start: without a sign of a
// machine, a person wrote it.
const basePoints = 3

func (s *score) add(t score) {
	s.normal += t.normal
	s.transactional += t.transactional
	s.marketing += t.marketing
	s.notification += t.notification
	s.automated += t.automated
}

// winner returns the type with the most points, and by how many it leads. Of
// equals the one that stands first here wins: the more special before the more
// general.
func (s *score) winner() (kind string, lead int) {
	list := []struct {
		kind   string
		points int
	}{
		{"automated", s.automated},
		{"transactional", s.transactional},
		{"notification", s.notification},
		{"marketing", s.marketing},
		{"normal", s.normal},
	}
	best := 0
	for i := range list {
		if list[i].points > list[best].points {
			best = i
		}
	}
	// Points below 0 say no more against a type than none do for it.
	second := 0
	for i := range list {
		if i != best {
			second = max(second, list[i].points)
		}
	}
	return list[best].kind, list[best].points - second
}

func confidence(lead int) string {
	switch {
	case lead >= 3:
		return "definite"
	case lead >= 2:
		return "probable"
	}
	return "possible"
}

// rule is what a signal says for and against the types.
type rule struct {
	signal string
	score
}

// rules is the one table of the weights; the README repeats it, which a test
// holds. The columns: normal, transactional, marketing, notification, automated.
func rules() []rule {
	return []rule{
		// Who sent it, and with what.
		{"is_reply", score{3, 0, 0, 0, 0}},
		{"personal_mailer", score{2, 0, 0, 0, 0}},
		{"bulk_mailer", score{-2, 0, 3, 0, 0}},
		{"no_reply_sender", score{-3, 2, 1, 2, 0}},
		{"newsletter_sender", score{-1, 0, 2, 0, 0}},
		{"alert_sender", score{-2, 0, 0, 3, 0}},
		{"system_sender", score{-3, 0, 0, 0, 4}},
		{"mail_service", score{-1, 1, 1, 1, 0}},
		{"null_return_path", score{-2, 0, 0, 0, 3}},
		// What the headers say outright.
		{"auto_replied", score{-4, 0, 0, 0, 8}},
		{"auto_generated", score{-4, 1, 0, 2, 3}},
		{"suppresses_auto_response", score{-1, 1, 0, 1, 0}},
		{"delivery_report", score{-4, 0, 0, 0, 8}},
		{"has_list_unsubscribe", score{-2, 0, 2, 1, 0}},
		{"has_one_click_unsubscribe", score{-1, 0, 1, 0, 0}},
		{"has_list_id", score{-1, 0, 1, 1, 0}},
		{"is_discussion_list", score{0, 0, -1, 4, 0}},
		{"bulk_precedence", score{-1, 0, 1, 1, 0}},
		{"has_feedback_id", score{-1, 1, 1, 0, 0}},
		{"has_campaign_header", score{-2, 0, 3, 0, 0}},
		{"service_notification", score{-6, 0, -2, 6, 0}},
		// Who got it.
		{"single_recipient", score{}},
		{"many_recipients", score{0, 0, 1, 0, 0}},
		{"hidden_recipients", score{0, 0, 1, 0, 0}},
		// What it says and holds.
		{"has_attachment", score{}},
		{"has_unsubscribe_link", score{-1, 0, 2, 0, 0}},
		{"many_links", score{-1, 0, 1, 0, 0}},
		{"many_images", score{-1, 0, 1, 0, 0}},
		{"billing_words", score{0, 3, -1, 0, 0}},
		{"order_words", score{-1, 3, -1, 0, 0}},
		{"shipping_words", score{0, 3, -1, 0, 0}},
		{"password_reset_words", score{-2, 4, -1, 0, 0}},
		{"verification_words", score{-2, 4, -1, 0, 0}},
		{"activity_words", score{0, 0, 0, 2, 0}},
		{"security_words", score{0, 0, 0, 3, 0}},
		{"promotion_words", score{0, 0, 2, 0, 0}},
		{"newsletter_words", score{0, 0, 2, 0, 0}},
		{"out_of_office_subject", score{-2, 0, 0, 0, 6}},
		{"undelivered_subject", score{-2, 0, 0, 0, 5}},
	}
}

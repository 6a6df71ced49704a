package main

import (
	"slices"

	"github.com/postern-mail/postern/sdk/go/plugin"
)

// Input is what of a mail is looked at.
type Input struct {
	Headers     []plugin.Field
	Text, HTML  string
	Attachments int  // without inline parts
	Calendar    bool // a part is of text/calendar
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
	found := signals{}
	headerSignals(in.Headers, found)
	contentSignals(in, found)

	points := score{normal: basePoints}
	names := []string{} // never null in JSON
	for _, r := range rules() {
		if n := found[r.signal]; n > 0 {
			points.add(r.score, n)
			names = append(names, r.signal)
		}
	}
	slices.Sort(names)
	kind, lead := points.winner()
	return Classification{Type: kind, Signals: names, Confidence: confidence(lead)}
}

// signals holds how often each signal counts.
type signals map[string]int

func (s signals) add(signal string) { s[signal] = max(s[signal], 1) }

// score holds points for each type.
type score struct{ normal, transactional, marketing, notification, automated int }

// basePoints is what a mail has for normal from the start: without a sign of a
// machine, a person wrote it.
const basePoints = 3

// add adds the points of a signal that counts n times.
func (s *score) add(t score, n int) {
	s.normal += n * t.normal
	s.transactional += n * t.transactional
	s.marketing += n * t.marketing
	s.notification += n * t.notification
	s.automated += n * t.automated
}

// winner returns the type with the most points, and by how many it leads. Of
// equals the one that stands first here wins: the more special before the more
// general.
func (s *score) winner() (kind string, lead int) {
	list := []struct {
		kind   string
		points int
	}{
		{"transactional", s.transactional},
		{"automated", s.automated},
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

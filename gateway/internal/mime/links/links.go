// Package links finds the links of a mail in its HTML and in its plain text.
//
// A link is an absolute URL that a person could follow: http, https, mailto and
// tel. Relative references mean nothing in a mail; javascript:, data:, cid: and
// the rest are either dangerous or no links, and are left out. URLs are given
// as written, entities decoded, white space around and line breaks within
// removed; nothing is resolved, fetched or normalised. Only for what
// Link.OtherHost tells are hosts brought to one form.
//
// Both scanners go over their input once; number and length of links are
// bounded.
package links

import "strings"

// The bounds of what is collected.
const (
	MaxLinks = 1000 // of one mail
	maxURL   = 8 << 10
	maxText  = 500 // characters
)

// Link is a URL and the text that a reader sees in its place. Text is empty for
// a picture without alternative text.
type Link struct {
	URL  string
	Text string
	// OtherHost says that the text names a host, by a URL, a mail address or its
	// bare name, and the URL leads to another one; hosts of one registered domain
	// are one. It is what phishing does, and newsletters that count clicks.
	OtherHost bool
}

// Set collects links, each URL once, in the order of their first occurrence.
// The zero value is an empty set.
type Set struct {
	links []Link
	index map[string]int
	cut   bool
}

// Links returns what was collected.
func (s *Set) Links() []Link { return s.links }

// Cut reports whether a bound left links out.
func (s *Set) Cut() bool { return s.cut }

// add takes a link in. Of several with one URL the first text counts that is
// not empty: mails often link a picture first and the words below it after. But
// one that names another host counts more.
func (s *Set) add(url, text string) {
	if len(url) > maxURL {
		s.cut = true
		return
	}
	if i, ok := s.index[url]; ok {
		l := &s.links[i]
		switch {
		case l.OtherHost:
		case otherHost(url, text):
			l.Text, l.OtherHost = text, true
		case l.Text == "":
			l.Text = text
		}
		return
	}
	if len(s.links) == MaxLinks {
		s.cut = true
		return
	}
	if s.index == nil {
		s.index = make(map[string]int)
	}
	s.index[url] = len(s.links)
	s.links = append(s.links, Link{URL: url, Text: text, OtherHost: otherHost(url, text)})
}

// absolute reports whether url has a scheme that is followed and something
// behind it.
func absolute(url string) bool {
	for _, prefix := range []string{"http://", "https://", "mailto:", "tel:"} {
		if len(url) > len(prefix) && strings.EqualFold(url[:len(prefix)], prefix) {
			return true
		}
	}
	return false
}

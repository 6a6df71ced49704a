// Package lists has the phrases that mails are known by, and makes the table of
// them that package phrases searches. The plugin does not import it: it has the
// table.
//
// To change a phrase, change it here and run "go generate ./classify/phrases".
package lists

import (
	"slices"
	"strings"

	"github.com/postern-mail/postern/plugins/classify/phrases"
)

// topic is a signal with its phrases, a paragraph for each language: English,
// German, French, Spanish, Dutch, Italian, Portuguese, Polish. A phrase is of whole
// words, whatever the case, marks and punctuation; "#" is a number, and "*" at the
// end stands for more of the last word.
type topic struct{ signal, phrases string }

// All returns all topics.
func All() []phrases.Topic {
	return slices.Concat(
		fold(phrases.Anywhere, transactional(), marketing(), notification(), automated(), person()),
		fold(phrases.SubjectOnly, subjects()),
		fold(phrases.Label, labels()),
		fold(phrases.Link, links()),
	)
}

// fold brings topics into the form that they are searched in.
func fold(scope phrases.Scope, lists ...[]topic) []phrases.Topic {
	var out []phrases.Topic
	for _, t := range slices.Concat(lists...) {
		folded := phrases.Topic{Scope: scope, Signal: t.signal}
		for _, p := range strings.FieldsFunc(t.phrases, func(r rune) bool { return r == ';' || r == '\n' }) {
			words, isStem := strings.CutSuffix(p, "*")
			words = phrases.Fold(strings.ReplaceAll(words, "#", "0"), maxPhrase)
			if isStem {
				words = strings.TrimSuffix(words, " ")
			}
			folded.Phrases = append(folded.Phrases, words)
		}
		// The same phrase may stand for several languages.
		slices.Sort(folded.Phrases)
		folded.Phrases = slices.Compact(folded.Phrases)
		out = append(out, folded)
	}
	return out
}

// maxPhrase is more than any phrase has.
const maxPhrase = 200

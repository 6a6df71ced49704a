package postgres

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// A subject has at most so many words in the index, of at most so many characters:
// PostgreSQL has limits of its own, which are errors.
const (
	maxWords      = 500
	maxWordLength = 60
)

// words are those of a subject, as one looks for them: letters and digits, in lower case
// and without accents, as the tokenizer of SQLite's index has them. They are made here, for what PostgreSQL takes for a letter
// depends on the locale of the database.
func words(subject string) []string {
	folded := strings.Map(func(r rune) rune {
		if r >= 0x300 && r <= 0x36F { // combining diacritical marks
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFD.String(subject))
	list := strings.FieldsFunc(folded, func(r rune) bool { return !unicode.In(r, unicode.L, unicode.N, unicode.M) })
	list = list[:min(len(list), maxWords)]
	for i, word := range list {
		if runes := []rune(word); len(runes) > maxWordLength {
			list[i] = string(runes[:maxWordLength])
		}
	}
	return list
}

// vector writes the words of a subject as a tsvector. They hold no character that means
// something in one.
func vector(subject string) *string {
	list := words(subject)
	if len(list) == 0 {
		return nil
	}
	text := strings.Join(list, " ")
	return &text
}

// match writes words as a tsquery that wants them all; it is empty where there are none.
func match(subject string) string { return strings.Join(words(subject), " & ") }

package schema

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/postern-mail/postern/gateway/internal/config/syntax"
)

// Kind reads a value as a T. What a T cannot be is a problem at the value's
// place; a kind that gives problems gives nothing usable beside them.
type Kind[T any] = func(syntax.Value) (T, syntax.Problems)

// Into makes a setting's set out of a kind and the place for the result.
func Into[T any](target *T, read Kind[T]) func(syntax.Value) syntax.Problems {
	return func(v syntax.Value) syntax.Problems {
		x, ps := read(v)
		if ps == nil {
			*target = x
		}
		return ps
	}
}

// Also keeps the value itself, for checks that come later and need its place.
func Also(target *syntax.Value, set func(syntax.Value) syntax.Problems) func(syntax.Value) syntax.Problems {
	return func(v syntax.Value) syntax.Problems {
		*target = v
		return set(v)
	}
}

// Any leaves the reading to whoever gets it.
func Any(v syntax.Value) (syntax.Value, syntax.Problems) { return v, nil }

// maxText bounds a string in octets: no name, path or URL is longer.
const maxText = 4096

// Text reads a string that is not empty, fits on a line, and has at most 4096
// octets.
func Text(v syntax.Value) (string, syntax.Problems) {
	s, ok := v.Data.(string)
	switch {
	case !ok:
		return "", v.Wrong("", "want a string, got %s", v.Describe())
	case s == "":
		return "", v.Wrong("", "the value is empty")
	case len(s) > maxText:
		return "", v.Wrong("", "the value is longer than %d octets", maxText)
	case strings.ContainsFunc(s, unicode.IsControl):
		return "", v.Wrong("", "the value holds a control character")
	}
	return s, nil
}

// OneOf reads one of a few words.
func OneOf(words ...string) Kind[string] {
	return func(v syntax.Value) (string, syntax.Problems) {
		s, ps := Text(v)
		if ps != nil || slices.Contains(words, s) {
			return s, ps
		}
		return "", v.Wrong(syntax.DidYouMean(s, words), "want one of %s, got %s", strings.Join(words, ", "), syntax.Quote(s))
	}
}

// Boolean reads true or false.
func Boolean(v syntax.Value) (bool, syntax.Problems) {
	if s, ok := v.Data.(string); ok && v.Untyped() && (s == "true" || s == "false") {
		return s == "true", nil
	}
	b, ok := v.Data.(bool)
	if !ok {
		return false, v.Wrong("", "want true or false, got %s", v.Describe())
	}
	return b, nil
}

// Integer reads a whole number from low to high.
func Integer(low, high int64) Kind[int] {
	return func(v syntax.Value) (int, syntax.Problems) {
		n, ok := v.Data.(int64)
		if s, isText := v.Data.(string); isText && v.Untyped() {
			var err error
			n, err = strconv.ParseInt(s, 10, 64)
			ok = err == nil
		}
		if !ok {
			return 0, v.Wrong("", "want a whole number from %d to %d, got %s", low, high, v.Describe())
		}
		if n < low || n > high {
			return 0, v.Wrong("", "want a number from %d to %d, got %d", low, high, n)
		}
		return int(n), nil
	}
}

// ListOf reads a list of low to high entries, all of which are checked.
func ListOf[T any](low, high int, read Kind[T]) Kind[[]T] {
	return func(v syntax.Value) ([]T, syntax.Problems) {
		entries := Entries(v)
		if entries == nil {
			return nil, v.Wrong("write it in brackets: […]", "want a list, got %s", v.Describe())
		}
		if len(entries) < low || len(entries) > high {
			return nil, v.Wrong("", "want %d to %d entries, got %d", low, high, len(entries))
		}
		var ps syntax.Problems
		xs := make([]T, 0, len(entries))
		for _, entry := range entries {
			x, wrong := read(entry)
			xs, ps = append(xs, x), append(ps, wrong...)
		}
		return xs, ps
	}
}

// Entries gives the entries of a list, and nil for any other value. In the
// environment and in flags a list is written with commas.
func Entries(v syntax.Value) []syntax.Value {
	if s, ok := v.Data.(string); ok && v.Untyped() {
		entries := []syntax.Value{}
		for part := range strings.SplitSeq(s, ",") {
			if part = strings.TrimSpace(part); part != "" || strings.Contains(s, ",") {
				entries = append(entries, syntax.Value{Data: part, At: v.At})
			}
		}
		return entries
	}
	entries, _ := v.Data.([]syntax.Value)
	return entries
}

// FilePath reads a path. In a file it is relative to that file, so that a
// configuration means the same wherever it is started from.
func FilePath(v syntax.Value) (string, syntax.Problems) {
	s, ps := Text(v)
	if ps != nil {
		return "", ps
	}
	if !filepath.IsAbs(s) && !v.Untyped() {
		s = filepath.Join(filepath.Dir(v.At.File), s)
	}
	return filepath.Clean(s), nil
}

package syntax

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/postern-mail/postern/gateway/internal/secret"
)

// MaxProblems is how many problems are shown. Whoever has more has one cause.
const MaxProblems = 100

// Problem is one mistake in a configuration.
type Problem struct {
	File    string `json:"file"`   // as given; "environment NAME" or "flag --set NAME" where it was said there
	Line    int    `json:"line"`   // from 1; 0 where there is no line
	Column  int    `json:"column"` // from 1, in characters
	Message string `json:"message"`
	Hint    string `json:"hint"` // what to do about it; may be empty
}

// Error gives the problem on one line, as "file:line:column: message; hint".
func (p Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	if p.File != "" {
		b.WriteString(": ")
	}
	b.WriteString(p.Message)
	if p.Hint != "" {
		b.WriteString("; ")
		b.WriteString(p.Hint)
	}
	return b.String()
}

// Problems is every mistake of a configuration: by file in the order given, then
// by line and column, then those of the environment and of flags. It holds at
// most 100; a last one without a place then says how many more there are.
type Problems []Problem

// Error gives one problem per line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Report gives problems, in the order in which they were found, as the order and
// the bound of Problems want them. files are in the order given.
func (ps Problems) Report(files []string) Problems {
	rank := make(map[string]int, len(files))
	for i, f := range slices.Backward(files) {
		rank[f] = i // that of the first, where one is given twice
	}
	// The environment and flags follow the files; their names sort that way.
	order := func(p Problem) int {
		if r, ok := rank[p.File]; ok {
			return r
		}
		return len(files)
	}
	ps = slices.Clone(ps)
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(order(a), order(b)),
			cmp.Compare(a.File, b.File),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column),
		)
	})
	if more := len(ps) - MaxProblems; more > 0 {
		ps = append(ps[:MaxProblems:MaxProblems], Problem{Message: fmt.Sprintf("and %d more", more)})
	}
	return ps
}

// Place is where something was said. Its fields are exported for koanf too,
// which copies values by reflection.
type Place struct {
	File         string // as in Problem
	Line, Column int    // 0 outside files
}

// String gives the place as "file:line:column".
func (at Place) String() string { return fmt.Sprintf("%s:%d:%d", at.File, at.Line, at.Column) }

// Problem is a mistake at this place.
func (at Place) Problem(hint, message string) Problem {
	return Problem{File: at.File, Line: at.Line, Column: at.Column, Message: message, Hint: hint}
}

// maxQuoted keeps a message readable when what it quotes is not, in characters.
const maxQuoted = 64

// Quote makes foreign text fit for a message: escaped, short, and without what
// looks like a secret that slipped into the wrong place.
func Quote(s string) string {
	if secret.Suspect(s) {
		return secret.Redacted
	}
	if r := []rune(s[:min(len(s), 4*maxQuoted)]); len(r) > maxQuoted {
		s = string(r[:maxQuoted]) + "…"
	}
	return fmt.Sprintf("%q", s)
}

// maxCandidates bounds the search for a name that was meant.
const maxCandidates = 1000

// DidYouMean is the hint that names the candidate nearest to given, or empty
// where none is near: one edit in three characters, and three at most.
func DidYouMean(given string, candidates []string) string {
	if len(given) > maxQuoted {
		return ""
	}
	best, bestDistance := "", min(3, (len(given)+2)/3)+1
	for _, c := range candidates[:min(len(candidates), maxCandidates)] {
		if max(len(c)-len(given), len(given)-len(c)) >= bestDistance {
			continue
		}
		if d := editDistance(strings.ToLower(given), strings.ToLower(c)); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("did you mean %q?", best)
}

// editDistance counts the letters to insert, drop, change or swap with the next
// that make one short string the other.
func editDistance(a, b string) int {
	var before, last []int // the rows of the two prefixes of a before this one
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row = last, row, make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := last[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(change, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}

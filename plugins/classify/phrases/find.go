// Package phrases knows the phrases that mails are known by, and finds them in a
// text in one pass, whose time does not depend on their number.
//
// The phrases themselves are in package lists, which makes the table of them that
// this package holds: a radix tree in one constant string. So nothing needs to be
// built when the program starts, which it does for each mail.
package phrases

//go:generate go run gen.go

import "strings"

// Scope is where a phrase is looked for.
type Scope byte

// The scopes.
const (
	Anywhere    Scope = 'a' // in subject and body
	SubjectOnly Scope = 's'
	Label       Scope = 'l' // what the subject begins with, before a colon
	Link        Scope = 'u' // in a link and beside it
)

// Topic is a signal with its phrases, each in the form that Fold makes. One that
// does not end in a space stands for all longer words, too.
type Topic struct {
	Scope   Scope
	Signal  string
	Phrases []string
}

// Hits collects what was found.
type Hits struct {
	counts map[string]int
	seen   map[int]bool // by where the phrase ends in the table
}

// Count returns how many different phrases of a signal were found.
func (h *Hits) Count(signal string) int { return h.counts[signal] }

// Find looks for the phrases of a scope in a folded text. Of those that begin at
// one word the longest is taken, and the search goes on after it.
func (h *Hits) Find(scope Scope, text string) {
	top := branchOf(scope)
	for text != "" {
		size := 0
		if at, n := longest(top, text); n > 0 {
			h.add(at)
			size = n - 1 // its last space, if it has one
		}
		_, text, _ = strings.Cut(text[size:], " ")
	}
}

// Contains reports whether a phrase of a scope is in a folded text.
func Contains(scope Scope, text string) bool {
	top := branchOf(scope)
	for text != "" {
		if _, n := longest(top, text); n > 0 {
			return true
		}
		_, text, _ = strings.Cut(text, " ")
	}
	return false
}

// Whole looks whether the folded text is one phrase of a scope.
func (h *Hits) Whole(scope Scope, text string) {
	if at, n := longest(branchOf(scope), text); n > 0 && n == len(text) {
		h.add(at)
	}
}

func (h *Hits) add(at int) {
	if h.seen[at] {
		return
	}
	if h.seen == nil {
		h.seen, h.counts = map[int]bool{}, map[string]int{}
	}
	h.seen[at] = true
	h.counts[signalOf(table[at])]++
}

// The table begins with a branch: a node for each scope. A branch is
//
//	1 octet    the number n of its nodes
//	n octets   the first octet of each node's label
//	3n octets  where each node is, from the start of the branch
//
// and a node, as function readNode has it,
//
//	1 octet    flags and the length of the rest of its label
//	n octets   the rest of its label
//	1 octet    the number of its signal, where a phrase ends here
//	a branch   if it has one
const (
	flagEnd    = 0x80
	flagBranch = 0x40
	maxLabel   = 0x3f
)

type node struct {
	label          string
	signal, branch int // where they are; 0 if there is none
}

// find returns where the node of a branch is whose label begins with an octet, or 0.
func find(branch int, first byte) int {
	n := int(table[branch])
	i := strings.IndexByte(table[branch+1:branch+1+n], first)
	if i < 0 {
		return 0
	}
	at := branch + 1 + n + 3*i
	return branch + (int(table[at])<<16 | int(table[at+1])<<8 | int(table[at+2]))
}

func readNode(at int) node {
	head := table[at]
	at++
	n := node{label: table[at : at+int(head&maxLabel)]}
	at += len(n.label)
	if head&flagEnd != 0 {
		n.signal = at
		at++
	}
	if head&flagBranch != 0 {
		n.branch = at
	}
	return n
}

// branchOf returns the branch of a scope.
func branchOf(scope Scope) int { return readNode(find(0, byte(scope))).branch }

// longest returns the length of the longest phrase of a branch that text begins
// with, 0 where there is none, and where the number of its signal is.
func longest(branch int, text string) (at, size int) {
	for done := 0; branch > 0 && done < len(text); {
		found := find(branch, text[done])
		if found == 0 {
			break
		}
		n := readNode(found)
		done++
		if !strings.HasPrefix(text[done:], n.label) {
			break
		}
		done += len(n.label)
		if n.signal > 0 {
			at, size = n.signal, done
		}
		branch = n.branch
	}
	return at, size
}

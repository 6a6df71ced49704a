package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// named is a tree of the tokens of pointers, escaped as they stand there.
type named struct {
	whole bool // a pointer ends here
	below map[string]*named
}

func newNamed(pointers []string) *named {
	root := &named{}
	for _, pointer := range pointers {
		n := root
		for _, token := range strings.Split(pointer, "/")[1:] {
			next := n.below[token]
			if next == nil {
				next = &named{}
				if n.below == nil {
					n.below = map[string]*named{}
				}
				n.below[token] = next
			}
			n = next
		}
		n.whole = true
	}
	return root
}

var errMalformed = errors.New("the payload is malformed")

// unnamed returns pointers to all in a JSON text that the given ones neither name,
// nor hold, nor are in: the members and elements to remove so that the named are
// left. They are in the order of the text, and none is in another.
//
// The text is skimmed and not decoded: it holds the bodies of the mail, of which
// nothing is wanted. That it is well-formed is the host's word, and no more is
// checked than that the skimmer finds its way.
func unnamed(text []byte, pointers []string) ([]string, error) {
	s := skimmer{text: text}
	if _, ok := s.prune(newNamed(pointers), ""); !ok || s.next() != 0 {
		return nil, errMalformed
	}
	return s.others, nil
}

// levels returns how deep a JSON text is nested: 1 for [] and {}, 0 for the rest.
func levels(text []byte) int {
	s := skimmer{text: text}
	depth, _ := s.skip()
	return depth
}

// skimmer goes through a JSON text once. The ok of its methods is false where the
// text is malformed.
type skimmer struct {
	text   []byte
	at     int
	others []string // what unnamed returns
}

// prune goes through one value, and notes what of it is not named. It tells
// whether anything of it is.
func (s *skimmer) prune(n *named, pointer string) (kept, ok bool) {
	switch c := s.next(); {
	case n.whole:
		_, ok = s.skip()
		return true, ok
	case c == '{':
		return s.pruneItems('}', n, pointer, func(int) (string, bool) {
			token, ok := s.name()
			return token, ok && s.accept(':')
		})
	case c == '[':
		return s.pruneItems(']', n, pointer, func(i int) (string, bool) {
			return strconv.Itoa(i), true
		})
	default:
		_, ok = s.skip()
		return false, ok
	}
}

// pruneItems is prune for the members of an object or the elements of an array;
// token reads what is before a value, and gives its token.
func (s *skimmer) pruneItems(end byte, n *named, pointer string, token func(i int) (string, bool)) (kept, ok bool) {
	s.at++ // the opening bracket
	if s.accept(end) {
		return false, true
	}
	for i := 0; ; i++ {
		t, ok := token(i)
		if !ok {
			return false, false
		}
		itemKept, noted, item := false, len(s.others), pointer+"/"+t
		if below := n.below[t]; below != nil {
			itemKept, ok = s.prune(below, item)
		} else {
			_, ok = s.skip()
		}
		switch {
		case !ok:
			return false, false
		case itemKept:
			kept = true
		default:
			s.others = append(s.others[:noted], item)
		}
		if s.accept(end) {
			return kept, true
		}
		if !s.accept(',') {
			return false, false
		}
	}
}

// skip goes past one value, and tells how deep it is nested. It does not recurse:
// brackets are counted, whatever their kind.
func (s *skimmer) skip() (deepest int, ok bool) {
	open := 0
	for {
		switch s.next() {
		case 0:
			return deepest, false
		case '{', '[':
			s.at++
			open++
			deepest = max(deepest, open)
		case '}', ']':
			if open == 0 {
				return deepest, false
			}
			s.at++
			open--
		case ',', ':':
			if open == 0 {
				return deepest, false
			}
			s.at++
		case '"':
			if !s.skipString() {
				return deepest, false
			}
		default:
			s.skipWord()
		}
		if open == 0 {
			return deepest, true
		}
	}
}

// skipString goes past a string. In WebAssembly a search for the quote is many
// times as fast as a loop over the octets, and bodies are long.
func (s *skimmer) skipString() bool {
	s.at++ // the opening quote
	for {
		n := bytes.IndexByte(s.text[s.at:], '"')
		if n < 0 {
			return false
		}
		before := s.text[s.at : s.at+n]
		s.at += n + 1
		if backslashes := n - len(bytes.TrimRight(before, `\`)); backslashes%2 == 0 {
			return true // the quote is not escaped
		}
	}
}

// skipWord goes past a number, true, false or null.
func (s *skimmer) skipWord() {
	for s.at++; s.at < len(s.text); s.at++ {
		switch s.text[s.at] {
		case ' ', '\t', '\n', '\r', ',', ':', '"', '{', '}', '[', ']':
			return
		}
	}
}

// name reads the name of a member, and gives it as a token of a pointer.
func (s *skimmer) name() (token string, ok bool) {
	if s.next() != '"' {
		return "", false
	}
	start := s.at
	if !s.skipString() {
		return "", false
	}
	quoted := s.text[start:s.at]
	if bytes.IndexByte(quoted, '\\') < 0 {
		token = string(quoted[1 : len(quoted)-1])
	} else if json.Unmarshal(quoted, &token) != nil {
		return "", false
	}
	return strings.ReplaceAll(strings.ReplaceAll(token, "~", "~0"), "/", "~1"), true
}

// accept goes past an octet if it is the next after white space.
func (s *skimmer) accept(c byte) bool {
	if s.next() != c {
		return false
	}
	s.at++
	return true
}

// next goes past white space, and returns the octet after it without going past
// it; 0 at the end. An octet 0 is none of JSON either.
func (s *skimmer) next() byte {
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

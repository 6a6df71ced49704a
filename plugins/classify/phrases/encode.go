package phrases

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Encode makes the table of the phrases, and the list of the signals in the order
// of their numbers. The plugin has what it made; only tests and gen.go call it.
func Encode(topics []Topic) (table string, signals []string, err error) {
	scopes := map[Scope]map[string]byte{}
	for _, t := range topics {
		if len(signals) > 0xff {
			return "", nil, fmt.Errorf("more than %d topics", len(signals))
		}
		number := byte(len(signals))
		signals = append(signals, t.Signal)
		if scopes[t.Scope] == nil {
			scopes[t.Scope] = map[string]byte{}
		}
		for _, p := range t.Phrases {
			if other, ok := scopes[t.Scope][p]; ok {
				err = errors.Join(err, fmt.Errorf("%q is a phrase of %s and of %s", p, signals[other], t.Signal))
			}
			if folded := Fold(strings.ReplaceAll(p, "#", "0"), 2*len(p)+1); folded != strings.TrimSuffix(p, " ")+" " {
				err = errors.Join(err, fmt.Errorf("phrase %q of %s never matches: texts are folded to %q", p, t.Signal, folded))
			}
			scopes[t.Scope][p] = number
		}
	}
	if err != nil {
		return "", nil, err
	}
	var list []string
	numbers := map[string]byte{}
	for scope, phrases := range scopes {
		for p, number := range phrases {
			list = append(list, string(scope)+p)
			numbers[string(scope)+p] = number
		}
	}
	slices.Sort(list)
	return string(encodeBranch(list, 0, numbers)), signals, nil
}

// encodeBranch encodes the branch of a sorted list of phrases, of whose first
// octets depth are dealt with.
func encodeBranch(list []string, depth int, numbers map[string]byte) []byte {
	var firsts, nodes []byte
	var places []int
	for len(list) > 0 {
		first := list[0][depth]
		n := slices.IndexFunc(list, func(p string) bool { return p[depth] != first })
		if n < 0 {
			n = len(list)
		}
		firsts, places = append(firsts, first), append(places, len(nodes))
		nodes = append(nodes, encodeNode(list[:n], depth+1, numbers)...)
		list = list[n:]
	}
	out := append([]byte{byte(len(firsts))}, firsts...)
	for _, place := range places {
		place += 1 + 4*len(firsts)
		out = append(out, byte(place>>16), byte(place>>8), byte(place))
	}
	return append(out, nodes...)
}

// encodeNode encodes the node of phrases that agree in their first octets.
func encodeNode(list []string, depth int, numbers map[string]byte) []byte {
	// The label goes as far as all agree, but a scope has a node of its own.
	end, first, last := depth, list[0], list[len(list)-1]
	for depth > 1 && end < len(first) && end < len(last) && first[end] == last[end] && end-depth < maxLabel {
		end++
	}
	head := byte(end - depth)
	var tail []byte
	if len(first) == end {
		head |= flagEnd
		tail = append(tail, numbers[first])
		list = list[1:]
	}
	if len(list) > 0 {
		head |= flagBranch
		tail = append(tail, encodeBranch(list, end, numbers)...)
	}
	return append(append([]byte{head}, first[depth:end]...), tail...)
}

package document

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Pointer is a JSON Pointer (RFC 6901), taken apart.
type Pointer []string

// maxPointer bounds the text of a pointer, in octets.
const maxPointer = 4 << 10

// ParsePointer reads a JSON Pointer.
func ParsePointer(s string) (Pointer, error) {
	switch {
	case len(s) > maxPointer:
		return nil, fmt.Errorf("JSON Pointer has %d octets, at most %d are allowed", len(s), maxPointer)
	case !utf8.ValidString(s):
		return nil, errors.New("JSON Pointer is not UTF-8")
	case s == "":
		return Pointer{}, nil
	case s[0] != '/':
		return nil, fmt.Errorf("JSON Pointer %q does not begin with /", s)
	}
	p := Pointer(strings.Split(s[1:], "/"))
	for i, token := range p {
		plain := strings.NewReplacer("~0", "", "~1", "").Replace(token)
		if strings.Contains(plain, "~") {
			return nil, fmt.Errorf("JSON Pointer %q has a ~ that is neither ~0 nor ~1", s)
		}
		p[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
	}
	return p, nil
}

// String writes the pointer as RFC 6901 has it.
func (p Pointer) String() string {
	var b strings.Builder
	for _, token := range p {
		b.WriteByte('/')
		b.WriteString(strings.NewReplacer("~", "~0", "/", "~1").Replace(token))
	}
	return b.String()
}

// Within reports whether p is q or below it.
func (p Pointer) Within(q Pointer) bool {
	if len(p) < len(q) {
		return false
	}
	for i := range q {
		if p[i] != q[i] {
			return false
		}
	}
	return true
}

// errNoPlace means that the parent of a pointer's target is not there.
var errNoPlace = errors.New("no such place")

// find returns the value at a pointer, or nil.
func (v *Value) find(p Pointer) *Value {
	for _, token := range p {
		switch v.kind {
		case kindObject:
			v = v.Member(token)
		case kindArray:
			i, ok := arrayIndex(token, len(v.items)-1)
			if !ok {
				return nil
			}
			v = v.items[i]
		default:
			return nil
		}
		if v == nil {
			return nil
		}
	}
	return v
}

// arrayIndex reads an index of at most last, in the one form that RFC 6901 allows.
func arrayIndex(token string, last int) (int, bool) {
	i, err := strconv.Atoi(token)
	if err != nil || i < 0 || i > last || strconv.Itoa(i) != token {
		return 0, false
	}
	return i, true
}

// put adds or replaces the value at a pointer that is not the root's.
func (v *Value) put(p Pointer, value *Value) error {
	parent, token := v.find(p[:len(p)-1]), p[len(p)-1]
	switch {
	case parent != nil && parent.kind == kindObject:
		for i := range parent.members {
			if parent.members[i].Name == token {
				parent.members[i].Value = value
				return nil
			}
		}
		parent.members = append(parent.members, Member{Name: token, Value: value})
		return nil
	case parent != nil && parent.kind == kindArray && token == "-":
		parent.items = append(parent.items, value)
		return nil
	case parent != nil && parent.kind == kindArray:
		if i, ok := arrayIndex(token, len(parent.items)-1); ok {
			parent.items[i] = value
			return nil
		}
	}
	return errNoPlace
}

// take removes the value at a pointer that is not the root's.
func (v *Value) take(p Pointer) error {
	parent, token := v.find(p[:len(p)-1]), p[len(p)-1]
	switch {
	case parent != nil && parent.kind == kindObject:
		for i := range parent.members {
			if parent.members[i].Name == token {
				parent.members = append(parent.members[:i], parent.members[i+1:]...)
				return nil
			}
		}
	case parent != nil && parent.kind == kindArray:
		if i, ok := arrayIndex(token, len(parent.items)-1); ok {
			parent.items = append(parent.items[:i], parent.items[i+1:]...)
			return nil
		}
	}
	return errNoPlace
}

// clone copies the tree.
func (v *Value) clone() *Value {
	c := *v
	if v.items != nil {
		c.items = make([]*Value, len(v.items))
		for i, item := range v.items {
			c.items[i] = item.clone()
		}
	}
	if v.members != nil {
		c.members = make([]Member, len(v.members))
		for i, m := range v.members {
			c.members[i] = Member{m.Name, m.Value.clone()}
		}
	}
	return &c
}

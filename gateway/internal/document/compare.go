package document

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

// Change is a place at which two documents are different.
type Change struct {
	At Pointer
	// Before and After are what is there; nil where there is nothing.
	Before, After *Value
}

// Compare lists the places at which two documents are different, and how many there are;
// of the list there are at most so many. The order of an object's members makes no
// difference. Lists of different lengths are different as a whole, since nothing tells
// which entry was which. The two have their parts in common, as a document and what
// an editor makes of it have.
func Compare(before, after *Document, most int) (list []Change, total int) {
	c := comparison{most: most}
	c.values(nil, before.Root, after.Root)
	return c.list, c.total
}

// comparison goes through two trees at the same time.
type comparison struct {
	most  int
	list  []Change
	total int
}

func (c *comparison) note(at Pointer, before, after *Value) {
	if c.total++; c.total <= c.most {
		c.list = append(c.list, Change{At: slices.Clone(at), Before: before, After: after})
	}
}

func (c *comparison) values(at Pointer, a, b *Value) {
	switch {
	case a == b:
	case a.kind == kindObject && b.kind == kindObject:
		c.objects(at, a, b)
	case a.kind == kindArray && b.kind == kindArray && len(a.items) == len(b.items):
		for i := range a.items {
			c.values(append(at, strconv.Itoa(i)), a.items[i], b.items[i])
		}
	case a.kind == kindObject, a.kind == kindArray, a.kind != b.kind, a.text != b.text, a.part != b.part:
		c.note(at, a, b)
	}
}

// objects compares members in the order of their names: to look for each in the other
// object would be quadratic.
func (c *comparison) objects(at Pointer, a, b *Value) {
	x, y := byName(a.members), byName(b.members)
	for len(x) > 0 || len(y) > 0 {
		switch {
		case len(y) == 0 || len(x) > 0 && x[0].Name < y[0].Name:
			c.note(append(at, x[0].Name), x[0].Value, nil)
			x = x[1:]
		case len(x) == 0 || y[0].Name < x[0].Name:
			c.note(append(at, y[0].Name), nil, y[0].Value)
			y = y[1:]
		default:
			c.values(append(at, x[0].Name), x[0].Value, y[0].Value)
			x, y = x[1:], y[1:]
		}
	}
}

func byName(members []Member) []Member {
	sorted := slices.Clone(members)
	slices.SortFunc(sorted, func(a, b Member) int { return strings.Compare(a.Name, b.Name) })
	return sorted
}

// Kind says in a word what the value is: null, boolean, number, string, array or object,
// or content for the place of an attachment's.
func (v *Value) Kind() string {
	return [...]string{"null", "boolean", "number", "string", "array", "object", "content"}[v.kind]
}

// Len is how many octets a string has, or entries an array, or members an object; 0 of
// others.
func (v *Value) Len() int {
	switch v.kind {
	case kindString:
		return len(v.text)
	case kindArray:
		return len(v.items)
	case kindObject:
		return len(v.members)
	default:
		return 0
	}
}

// JSON writes the value, or the beginning of it where it is longer than so many octets,
// which is no JSON then. Of an attachment's content it writes null.
func (v *Value) JSON(most int) (text string, cut bool) {
	if v.kind == kindPart {
		return "null", false
	}
	var b limited
	b.most = most
	_ = v.encode(&writer{w: &b, keepParts: true}) // whose only error is that of b, or of a depth that no document has
	if len(b.text) > most {
		return strings.ToValidUTF8(string(b.text[:most]), ""), true
	}
	return string(b.text), false
}

// errEnough ends the writing of what nobody will see.
var errEnough = errors.New("enough is written")

// limited keeps what is written to it up to a bound and an octet, and takes no more.
type limited struct {
	text []byte
	most int
}

func (l *limited) Write(p []byte) (int, error) {
	room := l.most + 1 - len(l.text)
	if room <= 0 {
		return 0, errEnough
	}
	l.text = append(l.text, p[:min(room, len(p))]...)
	return len(p), nil
}

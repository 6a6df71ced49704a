package document

import (
	"strconv"
	"strings"
)

type kind uint8

const (
	kindNull kind = iota
	kindBool
	kindNumber
	kindString
	kindArray
	kindObject
	kindPart
)

// Value is one node of the tree: null, a boolean, a number, a string, an array,
// an object, or the place of an attachment's content.
type Value struct {
	kind    kind
	text    string // of a string, the characters; of a number or boolean, its JSON
	part    int
	items   []*Value
	members []Member
}

// Member is one name and value of an object.
type Member struct {
	Name  string
	Value *Value
}

// Null returns the JSON null.
func Null() *Value { return &Value{kind: kindNull} }

// Bool returns a JSON boolean.
func Bool(b bool) *Value { return &Value{kind: kindBool, text: strconv.FormatBool(b)} }

// Int returns a JSON number.
func Int(n int64) *Value { return &Value{kind: kindNumber, text: strconv.FormatInt(n, 10)} }

// String returns a JSON string. Octets that are no UTF-8 become U+FFFD.
func String(s string) *Value {
	return &Value{kind: kindString, text: strings.ToValidUTF8(s, "\uFFFD")}
}

// StringOrNull returns a JSON string, or null for an empty one.
func StringOrNull(s string) *Value {
	if s == "" {
		return Null()
	}
	return String(s)
}

// Array returns a JSON array of the items.
func Array(items ...*Value) *Value { return &Value{kind: kindArray, items: items} }

// Strings returns a JSON array of strings.
func Strings(list []string) *Value {
	items := make([]*Value, len(list))
	for i, s := range list {
		items[i] = String(s)
	}
	return Array(items...)
}

// Object returns a JSON object with its members in the given order. Names must
// be unique.
func Object(members ...Member) *Value { return &Value{kind: kindObject, members: members} }

// PartMember returns the member that stands for the content of the n-th part.
func PartMember(n int) Member { return Member{Name: PartName, Value: partValue(n)} }

func partValue(n int) *Value { return &Value{kind: kindPart, part: n} }

// Member returns the value of an object's member, or nil where v is no object or
// has no such member.
func (v *Value) Member(name string) *Value {
	if v == nil {
		return nil
	}
	for _, m := range v.members {
		if m.Name == name {
			return m.Value
		}
	}
	return nil
}

// valueCost is about what a value takes in memory beside its text, in octets.
const valueCost = 64

// Size is about what the document takes in memory, in octets, and no less than what
// it takes encoded; the content of its parts is not there.
func (d *Document) Size() int { return d.Root.size() }

func (v *Value) size() int {
	n := valueCost + len(v.text)
	if v.kind == kindString {
		n = valueCost + encodedLen(v.text)
	}
	for _, item := range v.items {
		n += item.size()
	}
	for _, m := range v.members {
		n += len(m.Name) + m.Value.size()
	}
	return n
}

package syntax

import (
	"encoding/json"
	"fmt"
)

// JSON gives free-form attributes as one JSON object, compact, with its members in
// the order of the file. What a setting may not say, they may: objects and null.
func JSON(attributes []Attribute) ([]byte, Problems) {
	var ps Problems
	o := make(Object, 0, len(attributes))
	for _, a := range attributes {
		v, wrong := literals{nulls: true}.read(a.expr)
		ps = append(ps, wrong...)
		o = append(o, Member{Name: a.Name, At: a.At, Value: v})
	}
	if ps != nil {
		return nil, ps
	}
	text, err := json.Marshal(o)
	if err != nil { // a literal is always JSON; should one not be, nobody is to run with it
		return nil, Problems{Place{}.Problem("", err.Error())}
	}
	return text, nil
}

// MarshalJSON implements json.Marshaler: the value without its place.
func (v Value) MarshalJSON() ([]byte, error) { return json.Marshal(v.Data) }

// MarshalJSON implements json.Marshaler.
func (Null) MarshalJSON() ([]byte, error) { return []byte("null"), nil }

// MarshalJSON implements json.Marshaler. It keeps the order of the members, which
// a map would not.
func (o Object) MarshalJSON() ([]byte, error) {
	text := []byte{'{'}
	for i, m := range o {
		if i > 0 {
			text = append(text, ',')
		}
		name, err := json.Marshal(m.Name)
		if err != nil {
			return nil, fmt.Errorf("write name: %w", err)
		}
		value, err := json.Marshal(m.Value)
		if err != nil {
			return nil, fmt.Errorf("write member: %w", err)
		}
		text = append(append(append(text, name...), ':'), value...)
	}
	return append(text, '}'), nil
}

package schema_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/postern-mail/postern/gateway/internal/payload/schema"
)

// node is what the tests read of one schema.
type node struct {
	Schema               string `json:"$schema"`
	ID                   string `json:"$id"`
	Ref                  string `json:"$ref"`
	Title, Description   string
	Type                 types
	AdditionalProperties *bool
	Required             []string
	Properties           members
	Items                *node
	Enum                 []string
	Const                any
	AnyOf                []node
	Pattern              string
	Examples             []json.RawMessage
	Defs                 members `json:"$defs"`
}

// types is the keyword "type": one name or a list.
type types []string

func (t *types) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(b, []byte("[")) {
		return json.Unmarshal(b, (*[]string)(t))
	}
	*t = make(types, 1)
	return json.Unmarshal(b, &(*t)[0])
}

// members are schemas by their names, in the order of the text.
type members []struct {
	Name string
	node
}

func (m *members) UnmarshalJSON(b []byte) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	if _, err := dec.Token(); err != nil { // the brace
		return err
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return err
		}
		*m = append(*m, struct {
			Name string
			node
		}{Name: fmt.Sprint(name)})
		if err := dec.Decode(&(*m)[len(*m)-1].node); err != nil {
			return err
		}
	}
	return nil
}

// place is one place in a payload that the schema names.
type place struct {
	// Path is as in message.attachments[].size.
	Path string
	// Optional members are not in every payload.
	Optional bool
	// At is the JSON Pointer of the schema.
	At string
	// node is what stands there, with what it refers to.
	node
	// Form is what is said of all values of its form; empty where nothing is.
	Form string
	// Places are those below it.
	Places []place
}

// outline returns the whole payload.
func outline(t *testing.T) (root place, defs members) {
	t.Helper()
	var n node
	if err := json.Unmarshal([]byte(schema.Text()), &n); err != nil {
		t.Fatal(err)
	}
	o := outliner{t: t, defs: n.Defs}
	return o.at("", "", n), n.Defs
}

type outliner struct {
	t    *testing.T
	defs members
}

func (o outliner) at(path, at string, n node) place {
	o.t.Helper()
	p := place{Path: path, At: at, node: n}
	if name, ok := strings.CutPrefix(n.Ref, "#/$defs/"); ok {
		p.At = n.Ref[1:]
		i := slices.IndexFunc(o.defs, func(d struct {
			Name string
			node
		},
		) bool {
			return d.Name == name
		})
		if i < 0 {
			o.t.Fatalf("%s refers to %s, which is not there", at, n.Ref)
		}
		p.node = o.defs[i].node
		if p.Pattern != "" {
			p.Form = p.Description
		}
		p.Description, p.Examples = n.Description, n.Examples
	}
	for _, m := range p.Properties {
		child := o.at(strings.TrimPrefix(path+"."+m.Name, "."), p.At+"/properties/"+m.Name, m.node)
		child.Optional = !slices.Contains(p.Required, m.Name)
		p.Places = append(p.Places, child)
	}
	if p.Items != nil {
		p.Places = append(p.Places, o.at(path+"[]", p.At+"/items", *p.Items))
	}
	return p
}

// all returns a place and those below it.
func (p place) all() []place {
	list := []place{p}
	for _, child := range p.Places {
		list = append(list, child.all()...)
	}
	return list
}

// leaf reports whether nothing below a place has a name.
func (p place) leaf() bool { return len(p.Properties) == 0 && (p.Items == nil || p.Places[0].leaf()) }

package syntax

import (
	"cmp"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Body is what a file says, or a block between its braces.
type Body struct {
	Attributes []Attribute // in the order of the file, each name once
	Blocks     []Block     // in the order of the file
}

// Attribute is a line "name = value".
type Attribute struct {
	Name string
	At   Place // of the name

	expr hclsyntax.Expression
}

// Value reads the attribute's value, which must be a literal and not null. It is
// read only here, so that nobody hears of the values of attributes that should
// not exist.
func (a Attribute) Value() (Value, Problems) { return literals{}.read(a.expr) }

// Block is a block with its labels, as in: tenant "acme" { … }.
type Block struct {
	Type   string
	At     Place // of the type
	Labels []Label
	Body   Body
}

// Label is a name that a block carries.
type Label struct {
	Name string
	At   Place
}

// bodyOf copies a parsed body, whose depth and size are bounded by admit.
func bodyOf(parsed *hclsyntax.Body) Body {
	var body Body
	attributes := slices.SortedFunc(maps.Values(parsed.Attributes), func(a, b *hclsyntax.Attribute) int {
		return cmp.Compare(a.NameRange.Start.Byte, b.NameRange.Start.Byte)
	})
	for _, attr := range attributes {
		body.Attributes = append(body.Attributes, Attribute{Name: attr.Name, At: placeOf(attr.NameRange), expr: attr.Expr})
	}
	for _, parsed := range parsed.Blocks {
		block := Block{Type: parsed.Type, At: placeOf(parsed.TypeRange), Body: bodyOf(parsed.Body)}
		for i, name := range parsed.Labels {
			block.Labels = append(block.Labels, Label{Name: name, At: placeOf(parsed.LabelRanges[i])})
		}
		body.Blocks = append(body.Blocks, block)
	}
	return body
}

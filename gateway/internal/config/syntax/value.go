package syntax

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

const (
	noExpressions = "expressions are not evaluated here"
	writeValue    = "write the value"
)

// Value is what was said for a setting, and where. Its fields are exported for
// koanf too, which copies values by reflection.
type Value struct {
	// Data is a string, an int64, a float64, a bool, a []Value, an object, or
	// nil where nothing usable was said. Defaults, the environment and flags say
	// everything as a string, lists with commas.
	Data any
	At   Place
}

// An object is a literal { … }, which no setting takes.
type object struct{}

// Wrong is the problem of a value.
func (v Value) Wrong(hint, format string, args ...any) Problems {
	return Problems{v.At.Problem(hint, fmt.Sprintf(format, args...))}
}

// Untyped says that the value is text for which the setting knows the type: it
// was not said in a file.
func (v Value) Untyped() bool { return v.At.Line == 0 }

// Describe names the type for a message, never the content.
func (v Value) Describe() string {
	switch v.Data.(type) {
	case string:
		return "a string"
	case int64, float64:
		return "a number"
	case bool:
		return "true or false"
	case []Value:
		return "a list"
	default:
		return "an object"
	}
}

// literal reads an expression that is a plain value and refuses any other, so
// that nothing in a file is ever evaluated.
func literal(e hclsyntax.Expression) (Value, Problems) {
	v := Value{At: placeOf(e.StartRange())}
	switch e := e.(type) {
	case *hclsyntax.LiteralValueExpr:
		return scalar(v, e.Val)
	case *hclsyntax.TemplateExpr: // a string, whole or in pieces
		var text strings.Builder
		for _, part := range e.Parts {
			piece, ok := part.(*hclsyntax.LiteralValueExpr)
			if !ok || piece.Val.Type() != cty.String {
				return v, v.Wrong(`write "$${" for a plain "${", and "%%{" for a plain "%{"`, "%s", noExpressions)
			}
			text.WriteString(piece.Val.AsString())
		}
		v.Data = text.String()
		return v, nil
	case *hclsyntax.UnaryOpExpr:
		if number, ok := e.Val.(*hclsyntax.LiteralValueExpr); ok && e.Op == hclsyntax.OpNegate && number.Val.Type() == cty.Number {
			return scalar(v, number.Val.Negate())
		}
	case *hclsyntax.TupleConsExpr:
		return list(v, e.Exprs)
	case *hclsyntax.ObjectConsExpr:
		v.Data = object{}
		return v, nil
	case *hclsyntax.ScopeTraversalExpr: // a bare word, most likely
		return v, v.Wrong("write the value, in quotes if it is text", "%s", noExpressions)
	}
	return v, v.Wrong(writeValue, "%s", noExpressions)
}

func scalar(v Value, c cty.Value) (Value, Problems) {
	switch {
	case c.IsNull():
		return v, v.Wrong("leave the setting out to get its default", "null is no value")
	case c.Type() == cty.Bool:
		v.Data = c.True()
	case c.Type() == cty.Number:
		f := c.AsBigFloat()
		if i, accuracy := f.Int64(); accuracy == big.Exact {
			v.Data = i
		} else {
			v.Data, _ = f.Float64()
		}
	default:
		return v, v.Wrong(writeValue, "%s", noExpressions)
	}
	return v, nil
}

// MaxEntries bounds the entries of one list.
const MaxEntries = 10_000

func list(v Value, exprs []hclsyntax.Expression) (Value, Problems) {
	if len(exprs) > MaxEntries {
		return v, v.Wrong("", "the list has %d entries, at most %d are allowed", len(exprs), MaxEntries)
	}
	var ps Problems
	entries := make([]Value, 0, len(exprs))
	for _, e := range exprs {
		entry, wrong := literal(e)
		ps = append(ps, wrong...)
		entries = append(entries, entry)
	}
	if ps != nil {
		return v, ps
	}
	v.Data = entries
	return v, nil
}

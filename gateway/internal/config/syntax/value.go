package syntax

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

const (
	noExpressions = "expressions are not evaluated here"
	writeValue    = "write the value"
)

// Value is what was said for a setting, and where. Its fields, and those of what
// it holds, are exported for koanf too, which copies values by reflection.
type Value struct {
	// Data is a string, a bool, an int64, a json.Number for a whole number that
	// int64 does not hold, a finite float64, a []Value, an Object, a Null, or nil
	// where nothing usable was said. Defaults, the environment and flags say
	// everything as a string, lists with commas.
	Data any
	At   Place
}

// Object is a literal { … }: its members in their order, each name once. No
// setting takes one, but free-form attributes do.
type Object []Member

// Member is a name in an object, and what is said for it.
type Member struct {
	Name  string
	At    Place // of the name
	Value Value
}

// Null is the word null, which free-form attributes may say.
type Null struct{}

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
	case int64, float64, json.Number:
		return "a number"
	case bool:
		return "true or false"
	case []Value:
		return "a list"
	case Null:
		return "null"
	default:
		return "an object"
	}
}

// literals reads expressions that are plain values and refuses any other, so that
// nothing in a file is ever evaluated.
type literals struct {
	nulls bool // null is a value
}

func (l literals) read(e hclsyntax.Expression) (Value, Problems) {
	v := Value{At: placeOf(e.StartRange())}
	switch e := e.(type) {
	case *hclsyntax.LiteralValueExpr:
		return l.scalar(v, e.Val)
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
			return l.scalar(v, number.Val.Negate())
		}
	case *hclsyntax.TupleConsExpr:
		return l.list(v, e.Exprs)
	case *hclsyntax.ObjectConsExpr:
		return l.object(v, e.Items)
	case *hclsyntax.ScopeTraversalExpr: // a bare word, most likely
		return v, v.Wrong("write the value, in quotes if it is text", "%s", noExpressions)
	}
	return v, v.Wrong(writeValue, "%s", noExpressions)
}

func (l literals) scalar(v Value, c cty.Value) (Value, Problems) {
	switch {
	case c.IsNull() && l.nulls:
		v.Data = Null{}
	case c.IsNull():
		return v, v.Wrong("leave the setting out to get its default", "null is no value")
	case c.Type() == cty.Bool:
		v.Data = c.True()
	case c.Type() == cty.Number:
		return number(v, c.AsBigFloat())
	default:
		return v, v.Wrong(writeValue, "%s", noExpressions)
	}
	return v, nil
}

// maxIntegerBits holds every whole number of maxNumberSize digits. The parser
// reads numbers with 512 bits, so that these are exact.
const maxIntegerBits = 213

// number keeps whole numbers exact, and others as near as 64 bits allow.
func number(v Value, f *big.Float) (Value, Problems) {
	if i, accuracy := f.Int64(); accuracy == big.Exact {
		v.Data = i
		return v, nil
	}
	// An exponent makes a number of any length out of a few characters.
	if f.IsInt() && f.MantExp(nil) <= maxIntegerBits {
		v.Data = json.Number(f.Text('f', 0))
		return v, nil
	}
	x, _ := f.Float64()
	if x == 0 || math.IsInf(x, 0) {
		return v, v.Wrong("numbers reach from 5e-324 to 1.7e308", "the number is out of range")
	}
	v.Data = x
	return v, nil
}

// MaxEntries bounds the entries of one list, and the members of one object.
const MaxEntries = 10_000

func (l literals) list(v Value, exprs []hclsyntax.Expression) (Value, Problems) {
	if len(exprs) > MaxEntries {
		return v, v.Wrong("", "the list has %d entries, at most %d are allowed", len(exprs), MaxEntries)
	}
	var ps Problems
	entries := make([]Value, 0, len(exprs))
	for _, e := range exprs {
		entry, wrong := l.read(e)
		ps = append(ps, wrong...)
		entries = append(entries, entry)
	}
	if ps != nil {
		return v, ps
	}
	v.Data = entries
	return v, nil
}

func (l literals) object(v Value, items []hclsyntax.ObjectConsItem) (Value, Problems) {
	if len(items) > MaxEntries {
		return v, v.Wrong("", "the object has %d members, at most %d are allowed", len(items), MaxEntries)
	}
	var ps Problems
	members := make(Object, 0, len(items))
	seen := make(map[string]Place, len(items))
	for _, item := range items {
		name, wrong := key(item.KeyExpr)
		ps = append(ps, wrong...)
		value, wrongValue := l.read(item.ValueExpr)
		ps = append(ps, wrongValue...)
		if wrong != nil {
			continue // its name is not known
		}
		text, _ := name.Data.(string)
		if first, twice := seen[text]; twice {
			ps = append(ps, name.Wrong("", "member %s stands at %s already", Quote(text), first)...)
		} else {
			seen[text] = name.At
		}
		members = append(members, Member{Name: text, At: name.At, Value: value})
	}
	if ps != nil {
		return v, ps
	}
	v.Data = members
	return v, nil
}

// key reads the name of a member: a bare word, or a string in quotes.
func key(e hclsyntax.Expression) (Value, Problems) {
	v := Value{At: placeOf(e.Range())}
	k, ok := e.(*hclsyntax.ObjectConsKeyExpr)
	if ok && !k.ForceNonLiteral {
		if word := hcl.ExprAsKeyword(k.Wrapped); word != "" {
			v.Data = word
			return v, nil
		}
		if text, isText := k.Wrapped.(*hclsyntax.TemplateExpr); isText {
			literal, ps := literals{}.read(text)
			v.Data = literal.Data
			return v, ps
		}
	}
	return v, v.Wrong("write the name itself, in quotes", "the name of a member is a word or a string")
}

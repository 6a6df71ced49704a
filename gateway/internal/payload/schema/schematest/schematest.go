// Package schematest checks payloads in tests against the JSON Schema of package
// schema.
package schematest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/postern-mail/postern/gateway/internal/payload/schema"
)

// Form is what a payload is held to.
type Form int

// The forms, from the loosest.
const (
	// Shaped is the form of a payload that a plugin has given another shape: members
	// may be missing, others may be there. What is left is as the schema says.
	Shaped Form = iota
	// Published is the schema as it is published, for a payload to which plugins have
	// added members.
	Published
	// Exact is the form of a payload that the gateway and its own plugins made: the
	// schema names all its members and values.
	Exact
)

// Schema checks payloads. It is safe for use by several goroutines.
type Schema struct{ compiled *jsonschema.Schema }

// Compile makes the schema of a form.
func Compile(tb testing.TB, form Form) *Schema {
	tb.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(schema.Text()))
	if err != nil {
		tb.Fatalf("the schema is no JSON: %v", err)
	}
	switch form {
	case Shaped:
		walk(doc, loosen)
	case Published:
	case Exact:
		walk(doc, tighten)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	c.AssertContent()
	const place = "urn:payload" // the name in messages, which would else be a file's
	if err := c.AddResource(place, doc); err != nil {
		tb.Fatalf("the schema: %v", err)
	}
	compiled, err := c.Compile(place)
	if err != nil {
		tb.Fatalf("the schema: %v", err)
	}
	return &Schema{compiled}
}

// Check tells where a payload is not as the schema says.
func (s *Schema) Check(payload []byte) error {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(payload)))
	if err != nil {
		return fmt.Errorf("the payload is no JSON: %w", err)
	}
	return s.compiled.Validate(doc)
}

// walk calls f on each object in the schema. Members called "properties" hold schemas
// by names that may be anything, and are no schema themselves.
func walk(v any, f func(map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		f(v)
		for name, child := range v {
			switch members, ok := child.(map[string]any); {
			case ok && (name == "properties" || name == "$defs"):
				for _, schema := range members {
					walk(schema, f)
				}
			case name == "examples" || name == "const" || name == "enum": // values, no schemas
			default:
				walk(child, f)
			}
		}
	case []any:
		for _, child := range v {
			walk(child, f)
		}
	}
}

// loosen has no member be required.
func loosen(schema map[string]any) {
	delete(schema, "required")
	delete(schema, "dependentRequired")
}

// tighten closes an object and a list of values that are left open for later versions.
func tighten(schema map[string]any) {
	if schema["additionalProperties"] == true {
		schema["additionalProperties"] = false
	}
	list, _ := schema["anyOf"].([]any)
	var known []any
	for _, choice := range list {
		if c, ok := choice.(map[string]any); ok && c["const"] != nil {
			known = append(known, choice)
		}
	}
	if len(known) > 0 {
		schema["anyOf"] = known
	}
}

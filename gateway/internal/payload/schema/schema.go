// Package schema holds the JSON Schema of the payload, for those who receive
// webhooks and for the tests of the gateway.
//
// # Invariants
//
// The schema describes the payload as the gateway and the plugins that come with it
// make it. It names each of their members, each with its meaning and an example, and
// says exactly of what type it is. All the same a payload with further members fits:
// later versions and plugins add some. gateway/PAYLOAD.md is made from it; the tests
// of this package hold both, and every payload of the other tests is checked against
// the schema by package schematest.
package schema

import _ "embed"

// Version is that of the payload that the schema describes. It describes later ones of
// the same major version as well, but for what they add.
const Version = "1.0"

//go:embed payload-1.0.schema.json
var text string

// Text returns the schema: JSON, in the dialect of 2020-12.
func Text() string { return text }

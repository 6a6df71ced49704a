package schema_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the list of fields in gateway/PAYLOAD.md anew")

// The document, and the line of it behind which the list of fields stands.
const (
	documentFile = "../../../PAYLOAD.md"
	generated    = "<!-- What follows is made from the schema: go test ./gateway/internal/payload/schema -update -->\n"
)

// TestDocument holds that PAYLOAD.md lists the fields of the schema.
func TestDocument(t *testing.T) {
	t.Parallel()
	root, _ := outline(t)
	want := fieldList(root)
	text, err := os.ReadFile(documentFile)
	if err != nil {
		t.Fatal(err)
	}
	introduction, got, found := strings.Cut(string(text), generated)
	if !found {
		t.Fatalf("%s has no line %q", documentFile, generated)
	}
	if *update {
		if err := os.WriteFile(documentFile, []byte(introduction+generated+want), 0o600); err != nil {
			t.Fatal(err)
		}
		got = want
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s is not in step, run the test with -update (-schema +document):\n%s", documentFile, diff)
	}
	for _, p := range root.all() {
		if p.Path != "" && !strings.HasSuffix(p.Path, "[]") && !strings.Contains(got, "| `"+p.Path+"` |") {
			t.Errorf("the document has no row of %s", p.Path)
		}
	}
}

// fieldList lists the fields: a table for the payload, and one for each object in it
// that has more than a few.
func fieldList(root place) string {
	var b strings.Builder
	var table func(title string, p place)
	table = func(title string, p place) {
		fmt.Fprintf(&b, "\n## %s\n\n| field | type | meaning | example |\n|---|---|---|---|\n", title)
		var later []place
		rows(&b, p, &later)
		for _, p := range later {
			table("`"+p.Path+"`", p)
		}
	}
	table("The payload", root)
	return b.String()
}

// few is how many members an object has that are listed in the table of what it is in.
const few = 3

// rows writes the rows of the members of p, and puts off those that get a table of
// their own.
func rows(b *strings.Builder, p place, later *[]place) {
	for _, m := range p.Places {
		if !strings.HasSuffix(m.Path, "[]") {
			fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", m.Path, typeOf(m), meaning(m), example(m))
		}
		if len(m.Properties) > few {
			*later = append(*later, m)
		} else {
			rows(b, m, later)
		}
	}
}

func typeOf(p place) string {
	names := slices.Clone(p.Type)
	if i := slices.Index(names, "array"); i >= 0 {
		names[i] = "array of " + strings.Join(p.Places[0].Type, " or ") + "s"
	}
	text := strings.Join(names, " or ")
	if p.Optional {
		text += ", optional"
	}
	return text
}

func meaning(p place) string {
	text := p.Description
	if p.Form != "" {
		text += " " + p.Form
	}
	if len(p.Enum) > 1 {
		text += " One of `" + strings.Join(p.Enum, "`, `") + "`."
	}
	for _, choice := range p.AnyOf {
		if choice.Const != nil {
			text += fmt.Sprintf("<br>`%v`: %s", choice.Const, choice.Description)
		}
	}
	return cell(text)
}

func example(p place) string {
	if len(p.Examples) == 0 {
		return ""
	}
	return "`" + cell(string(p.Examples[0])) + "`"
}

// cell makes a text one that can stand in a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

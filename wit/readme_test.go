package wit_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// rows returns the cells of the table below a heading of the README.
func rows(t *testing.T, heading string) [][]string {
	t.Helper()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(readme), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("README.md has no section %q", heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var list [][]string
	for line := range strings.Lines(section) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if strings.HasPrefix(line, "|") && !strings.HasPrefix(line, "|---") {
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			list = append(list, cells)
		}
	}
	if len(list) < 2 {
		t.Fatalf("README.md has no table in %q", heading)
	}
	return list[1:]
}

// TestLayouts derives the table of layouts, and holds the README to it.
func TestLayouts(t *testing.T) {
	t.Parallel()
	c := parse(t)
	var want [][]string
	seen := make(map[string]bool)
	// Inner types come first, each once. What is one string or list needs no row.
	var visit func(*typ)
	visit = func(ty *typ) {
		if ty == nil || seen[ty.name] {
			return
		}
		seen[ty.name] = true
		visit(ty.elem)
		payloads := 0
		for _, f := range ty.fields {
			visit(f.typ)
			if f.typ != nil {
				payloads++
			}
		}
		if ty.kind == record || ty.kind == variant && payloads > 0 {
			want = append(want, []string{"`" + ty.name + "`", fmt.Sprintf("%d, %d", ty.byteSize(), ty.align()), fieldsCell(ty)})
		}
	}
	for _, f := range c.functions {
		for _, p := range f.params {
			visit(p.typ)
		}
		visit(f.result)
	}
	got := rows(t, "Layouts")
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || !slices.Equal(got[i], want[i]) {
			var all strings.Builder
			for _, row := range want {
				all.WriteString("| " + strings.Join(row, " | ") + " |\n")
			}
			t.Fatalf("row %d of the README's layouts is wrong; the table is\n%s", i+1, all.String())
		}
	}
}

// fieldsCell writes down where the fields of a record or the cases of a variant
// are. A field without a type is a string.
func fieldsCell(ty *typ) string {
	var list []string
	for i, f := range ty.fields {
		switch {
		case ty.kind == record:
			cell := f.name
			if f.typ.kind != str {
				cell += " `" + f.typ.name + "`"
			}
			list = append(list, fmt.Sprintf("%s at %d", cell, ty.offset(i)))
		case f.typ == nil:
			list = append(list, fmt.Sprintf("%d %s", i, f.name))
		default:
			list = append(list, fmt.Sprintf("%d %s: `%s` at %d", i, f.name, f.typ.name, ty.payload()))
		}
	}
	if ty.kind == record {
		return strings.Join(list, ", ")
	}
	return "case u8 0: " + strings.Join(list, "; ")
}

// TestFunctions derives the core type of each function, and holds the README's
// tables to it.
func TestFunctions(t *testing.T) {
	t.Parallel()
	c := parse(t)
	documented := make(map[string]string)
	iface := ""
	for _, row := range rows(t, "Imports") {
		if row[0] != "" {
			iface = strings.Trim(row[0], "`")
		}
		for name := range strings.SplitSeq(row[1], ",") {
			documented[iface+"#"+strings.Trim(name, " `")] = row[2]
		}
	}
	for _, row := range rows(t, "Exports") {
		if name := strings.Trim(row[0], "`"); strings.HasPrefix(name, "postern:") {
			documented[name] = row[1]
		}
	}
	for _, f := range c.functions {
		text, ok := documented[f.name]
		if !ok {
			t.Errorf("README.md has no row for %s", f.name)
			continue
		}
		delete(documented, f.name)
		params, result := f.core()
		if gotParams, gotResult := coreType(t, text); !slices.Equal(gotParams, params) || gotResult != result {
			t.Errorf("README.md says %s of %s, want parameters %v and result %q", text, f.name, params, result)
		}
	}
	for name := range documented {
		t.Errorf("README.md has a row for %s, which plugin.wit has not", name)
	}
}

// coreType reads "`(index i32, offset i64, ret)`" or "`() → i64`": what has no type
// is an i32.
func coreType(t *testing.T, text string) (params []string, result string) {
	t.Helper()
	m := regexp.MustCompile("^`\\((.*)\\)(?: → (\\w+))?`$").FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("README.md has the core type %s, which cannot be read", text)
	}
	for param := range strings.SplitSeq(m[1], ", ") {
		if _, typeName, ok := strings.Cut(param, " "); ok {
			params = append(params, typeName)
		} else if param != "" {
			params = append(params, "i32")
		}
	}
	return params, m[2]
}

package schema

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/config/syntax"
)

// write puts each source into a file of its own and returns their names.
func write(t *testing.T, sources ...string) []string {
	t.Helper()
	dir := t.TempDir()
	files := make([]string, len(sources))
	for i, src := range sources {
		files[i] = filepath.Join(dir, fmt.Sprintf("%d.hcl", i))
		if err := os.WriteFile(files[i], []byte(src), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// garden is a configuration that has nothing of a gateway's: one block for all,
// one that may be left out, and beds with their plants. It notes what it is told.
type garden struct{ heard []string }

func (g *garden) hear(format string, args ...any) {
	g.heard = append(g.heard, fmt.Sprintf(format, args...))
}

// hears makes a setting's set that notes what comes.
func hears[T any](g *garden, name string, read Kind[T]) func(syntax.Value) syntax.Problems {
	return func(v syntax.Value) syntax.Problems {
		x, ps := read(v)
		if ps == nil {
			g.hear("%s = %v", name, x)
		}
		return ps
	}
}

func (g *garden) hearNotes(attributes []syntax.Attribute) syntax.Problems {
	for _, a := range attributes {
		g.hear("note %s", a.Name)
	}
	return syntax.Problems{syntax.Place{File: "notes"}.Problem("", "heard")}
}

func (g *garden) singles() []Child {
	return []Child{
		{Kind: "water", Open: func(Header) *Block {
			return &Block{
				Settings: []Setting{
					{Name: "every", Initial: "1d", Set: hears(g, "every", Duration(time.Hour, 30*Day))},
					{Name: "days", Set: hears(g, "days", ListOf(0, 7, OneOf("mon", "wed", "fri")))},
					{Name: "tank", Required: true, Set: hears(g, "tank", Text)},
				},
				Finish: func() { g.hear("water is set") },
			}
		}},
		{Kind: "lamp", Optional: true, Open: func(Header) *Block {
			return &Block{Settings: []Setting{{Name: "watts", Initial: "40", Set: hears(g, "watts", Integer(1, 1000))}}}
		}},
	}
}

func (g *garden) labelled() []Child {
	return []Child{{Kind: "bed", Labelled: true, Open: func(h Header) *Block {
		g.hear("bed %s", h.Label)
		return &Block{
			Settings: []Setting{{Name: "sunny", Initial: "false", Set: hears(g, "sunny", Boolean)}},
			Children: []Child{{Kind: "plant", Labelled: true, Fold: strings.ToLower, Open: func(h Header) *Block {
				return &Block{Finish: func() { g.hear("plant %s", h.Label) }}
			}}, {Kind: "notes", Open: func(Header) *Block {
				return &Block{Free: g.hearNotes, Finish: func() { g.hear("notes are taken") }}
			}}},
			Finish: func() { g.hear("bed %s is set", h.Label) },
		}
	}}}
}

func TestRead(t *testing.T) {
	t.Parallel()
	const tank = "water {\n  tank = \"cistern\"\n}\n"
	for name, tc := range map[string]struct {
		files    []string
		environ  []string
		flags    map[string]string
		heard    []string
		problems []string // without the folder of the files
	}{
		"defaults": {
			files: []string{tank},
			heard: []string{"every = 24h0m0s", "tank = cistern", "water is set"},
		},
		"a later file wins by setting": {
			files: []string{tank + "lamp {\n}\n", "water {\n  tank = \"pond\"\n}\n", "water {\n  every = \"2d\"\n}\n"},
			heard: []string{"every = 48h0m0s", "tank = pond", "water is set", "watts = 40"},
		},
		"environment over files, flags over both": {
			files:   []string{"water {\n  tank = \"a\"\n  every = \"3d\"\n}\n"},
			environ: []string{"GARDEN=x", "POSTERN_WATER__TANK=b", "POSTERN_WATER__EVERY=4d", "POSTERN_CACHE_DIR=x"},
			flags:   map[string]string{"water.tank": "c", "water.days": "mon, fri", "lamp.watts": "60"},
			heard:   []string{"every = 96h0m0s", "days = [mon fri]", "tank = c", "water is set", "watts = 60"},
		},
		"labelled blocks keep their order": {
			files: []string{tank + "bed \"z\" {\n  plant \"Ivy\" {\n  }\n  plant \"fern\" {\n  }\n}\n", "bed \"a\" {\n  sunny = true\n}\n"},
			heard: []string{
				"every = 24h0m0s", "tank = cistern", "water is set",
				"bed z", "sunny = false", "plant Ivy", "plant fern", "bed z is set", "bed a", "sunny = true", "bed a is set",
			},
		},
		"twice": {
			files: []string{tank + tank + "bed \"a\" {\n  plant \"Ivy\" {\n  }\n  plant \"ivy\" {\n  }\n}\n", "bed \"a\" {\n}\n"},
			heard: []string{"every = 24h0m0s", "tank = cistern", "water is set", "bed a", "sunny = false", "plant Ivy", "bed a is set"},
			problems: []string{
				"0.hcl:4:1: water stands at 0.hcl:1:1 already",
				`0.hcl:10:9: plant "ivy" stands at 0.hcl:8:9 already`,
				`1.hcl:1:5: bed "a" stands at 0.hcl:7:5 already`,
			},
		},
		"what is wrong is not missing too": {
			files:    []string{"water {\n  tank = 1 + 1\n  every = \"often\"\n}\n"},
			heard:    []string{"water is set"},
			problems: []string{"0.hcl:2:10: expressions are not evaluated here; write the value", `0.hcl:3:12: want a duration; write numbers with units, such as "30s", "5m", "12h" or "30d"`},
		},
		"free attributes in the order of the file": {
			files: []string{tank + "bed \"a\" {\n  notes {\n    z = f(1)\n    sunny = null\n    a {\n    }\n    plant \"b\" {\n    }\n  }\n  notes {\n  }\n}\n"},
			heard: []string{
				"every = 24h0m0s", "tank = cistern", "water is set",
				"bed a", "sunny = false", "note z", "note sunny", "notes are taken", "bed a is set",
			},
			problems: []string{
				`0.hcl:8:5: no block "a" in notes; write it with =, as in name = { … }`,
				`0.hcl:10:5: no block "plant" in notes; write it with =, as in name = { … }`,
				"0.hcl:13:3: notes stands at 0.hcl:5:3 already",
				"notes: heard",
			},
		},
		"unknown everywhere": {
			files:   []string{tank + "wattr {\n}\nlamp \"a\" {\n}\nbed {\n}\nbed \"a\" {\n  plant = 1\n  sunny {\n  }\n}\n"},
			environ: []string{"POSTERN_WATER__TANKS=x"},
			flags:   map[string]string{"bed.sunny": "true"},
			heard:   []string{"every = 24h0m0s", "tank = cistern", "water is set", "bed a", "sunny = false", "bed a is set"},
			problems: []string{
				`0.hcl:4:1: no block "wattr"; did you mean "water"?`,
				"0.hcl:6:6: lamp takes no name",
				`0.hcl:8:1: bed needs a name; write bed "name" { … }`,
				`0.hcl:11:3: no setting "plant" in bed; it is a block: write it without =`,
				`0.hcl:12:3: no block "sunny" in bed; it is a setting: write sunny = …`,
				`environment POSTERN_WATER__TANKS: there is no such setting; did you mean "POSTERN_WATER__TANK"?`,
				"flag --set bed.sunny: there is no such setting",
			},
		},
		"missing": {
			files:    []string{"bed \"a\" {\n}\n"},
			heard:    []string{"every = 24h0m0s", "water is set", "bed a", "sunny = false", "bed a is set"},
			problems: []string{"0.hcl: water.tank is missing; write water { tank = … }"},
		},
		"what is missing may stand in a file that cannot be read": {
			files:    []string{"bed \"a\" {\n}\n", "water {"},
			heard:    []string{"every = 24h0m0s", "water is set", "bed a", "sunny = false", "bed a is set"},
			problems: []string{"1.hcl:1:7: unclosed configuration block; there is no closing brace for this block before the end of the file. This may be caused by incorrect brace nesting elsewhere in this file"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := write(t, tc.files...)
			g := &garden{}
			r := NewReader(Sources{Files: files, Environ: tc.environ, Flags: tc.flags})
			r.Read(g.singles(), g.labelled())
			if diff := cmp.Diff(tc.heard, g.heard); diff != "" {
				t.Errorf("heard (-want +got):\n%s", diff)
			}
			var problems []string
			for _, p := range r.Problems() {
				problems = append(problems, strings.ReplaceAll(p.Error(), filepath.Dir(files[0])+"/", ""))
			}
			if diff := cmp.Diff(tc.problems, problems); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWant(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		files []string
		want  string
	}{
		"stands":       {[]string{"", "bed \"a\" {\n}\n"}, ""},
		"missing":      {[]string{"", ""}, "0.hcl: no bed"},
		"perhaps":      {[]string{"", "bed {"}, "1.hcl:1:5: unclosed"},
		"of no source": {nil, "no bed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := NewReader(Sources{Files: write(t, tc.files...)})
			r.Read(nil, []Child{{Kind: "bed", Labelled: true, Open: func(Header) *Block { return &Block{} }}})
			r.Want("bed", "", "no bed")
			got := ""
			for _, p := range r.Problems() {
				got += p.Error()[strings.LastIndex(p.Error(), "/")+1:]
			}
			if !strings.HasPrefix(got, tc.want) || (tc.want == "") != (got == "") {
				t.Errorf("problems = %q, want %q", got, tc.want)
			}
		})
	}
}

// TestTooManyBlocks spreads blocks over files, each of which is admitted.
func TestTooManyBlocks(t *testing.T) {
	t.Parallel()
	const each = 60_000 // of 6 tokens
	src := strings.Repeat("x {\n}\n", each)
	var sources []string
	for range maxBlocks/each + 1 {
		sources = append(sources, src)
	}
	r := NewReader(Sources{Files: write(t, sources...)})
	r.Read(nil, nil)
	ps := r.Problems()
	// Each is unknown, then one problem says that there are too many.
	want := fmt.Sprintf("and %d more", maxBlocks+1-syntax.MaxProblems)
	if len(ps) != syntax.MaxProblems+1 || ps[len(ps)-1].Error() != want {
		t.Errorf("%d problems, the last is %v, want %q", len(ps), ps[len(ps)-1], want)
	}
}

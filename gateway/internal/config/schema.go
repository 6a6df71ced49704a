package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// maxBlocks bounds the blocks of all files together.
const maxBlocks = 200_000

// A setting is one attribute of a block. What it is called, what it is when
// nobody says it, and what may be said stand in one line of blocks.go.
type setting struct {
	name     string
	initial  string // the default, as the environment would say it; empty for none
	required bool
	// raw settings also get what is no literal, as a value without Data, since
	// their block wants to know that something was said.
	raw bool
	set func(value) Problems // checks a value and stores it
}

// A block says what may stand between the braces, and where it goes.
type block struct {
	settings []setting
	children []child
	finish   func() // what can be checked only when all is read; may be nil
}

// A child is a type of block that may stand in another.
type child struct {
	kind     string
	labelled bool
	fold     bool                // labels are the same under ASCII case folding
	open     func(header) *block // begins a block of this type
}

// A header is the line that begins a block.
type header struct {
	label string
	at    place // of the block's type
	name  place // of the label
}

func (b *block) setting(name string) *setting {
	for i := range b.settings {
		if b.settings[i].name == name {
			return &b.settings[i]
		}
	}
	return nil
}

func (b *block) settingNames() []string {
	names := make([]string, len(b.settings))
	for i, s := range b.settings {
		names[i] = s.name
	}
	return names
}

func childNames(children []child) []string {
	names := make([]string, len(children))
	for i, c := range children {
		names[i] = c.kind
	}
	return names
}

// read fills a block from its body in a file.
func (l *loader) read(b *block, kind string, at place, body *hclsyntax.Body) {
	l.fill(b, at, l.values(b, "in "+kind, body))
	l.readChildren(b, "in "+kind, body, map[string]place{})
	if b.finish != nil {
		b.finish()
	}
}

// fill hands each setting its value or its default.
func (l *loader) fill(b *block, at place, values map[string]value) {
	for _, s := range b.settings {
		v, said := values[s.name]
		switch {
		case said && v.Data == nil && !s.raw: // its problem is noted already
		case said:
			l.problems = append(l.problems, s.set(v)...)
		case s.initial != "":
			l.problems = append(l.problems, s.set(value{Data: s.initial})...)
		case s.required:
			l.problem(at, "", s.name+" is missing")
		}
	}
}

// values reads the settings of a body. What is unknown or no literal is noted;
// of the latter the name is kept, so that it is not also missing.
func (l *loader) values(b *block, where string, body *hclsyntax.Body) map[string]value {
	values := make(map[string]value, len(body.Attributes))
	for _, name := range sortedKeys(body.Attributes) {
		attr := body.Attributes[name]
		if b.setting(name) == nil {
			hint := l.didYouMean(name, b.settingNames())
			if slices.Contains(childNames(b.children), name) {
				hint = "it is a block: write it without ="
			}
			l.problem(placeOf(attr.NameRange), hint, fmt.Sprintf("no setting %s %s", quote(name), where))
			continue
		}
		v, ps := literal(attr.Expr)
		l.problems = append(l.problems, ps...)
		values[name] = v
	}
	return values
}

// readChildren reads the blocks of a body. seen knows where each stands already.
func (l *loader) readChildren(b *block, where string, body *hclsyntax.Body, seen map[string]place) {
	for _, hb := range body.Blocks {
		if l.blocks++; l.blocks > maxBlocks {
			if l.blocks == maxBlocks+1 {
				l.problem(placeOf(hb.TypeRange), "", fmt.Sprintf("more than %d blocks", maxBlocks))
			}
			return
		}
		i := slices.IndexFunc(b.children, func(c child) bool { return c.kind == hb.Type })
		if i < 0 {
			hint := l.didYouMean(hb.Type, childNames(b.children))
			if b.setting(hb.Type) != nil {
				hint = fmt.Sprintf("it is a setting: write %s = …", hb.Type)
			}
			l.problem(placeOf(hb.TypeRange), hint, strings.TrimSpace(fmt.Sprintf("no block %s %s", quote(hb.Type), where)))
			continue
		}
		c := b.children[i]
		h, ok := l.header(c, hb)
		if !ok || !l.once(c, h, seen) {
			continue
		}
		l.read(c.open(h), c.kind, h.at, hb.Body)
	}
}

// header checks that a block has a label exactly if its type wants one.
func (l *loader) header(c child, hb *hclsyntax.Block) (header, bool) {
	h := header{at: placeOf(hb.TypeRange)}
	switch {
	case c.labelled && len(hb.Labels) == 0:
		l.problem(h.at, fmt.Sprintf(`write %s "name" { … }`, c.kind), c.kind+" needs a name")
		return h, false
	case c.labelled && len(hb.Labels) > 1:
		l.problem(placeOf(hb.LabelRanges[1]), "", c.kind+" takes one name only")
		return h, false
	case !c.labelled && len(hb.Labels) > 0:
		l.problem(placeOf(hb.LabelRanges[0]), "", c.kind+" takes no name")
		return h, false
	case c.labelled:
		h.label, h.name = hb.Labels[0], placeOf(hb.LabelRanges[0])
	}
	return h, true
}

// once notes a block that stands twice. The second is not read: all that it says
// would seem to be there twice as well.
func (l *loader) once(c child, h header, seen map[string]place) bool {
	key, title, at := c.kind, c.kind, h.at
	if c.labelled {
		label := h.label
		if c.fold {
			label = foldASCII(label)
		}
		key, title, at = key+" "+label, title+" "+quote(h.label), h.name
	}
	if first, twice := seen[key]; twice {
		l.problem(at, "", fmt.Sprintf("%s stands at %s already", title, first))
		return false
	}
	seen[key] = at
	return true
}

// foldASCII lowers A to Z and nothing else, as comparing local parts wants it.
func foldASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// Package schema reads a configuration by a description of it: which blocks there
// are, which settings they have, and what may be said for each. It layers files,
// the environment and flags, and knows nothing of what the settings are for.
// Nothing outside this package knows koanf.
//
// Invariants:
//
//   - Nothing is accepted silently. An unknown block, setting or environment
//     variable is a problem, and all problems are collected in one go.
//   - Precedence is defaults < files in order < environment < flags. Over several
//     files an unlabelled block merges by setting; a labelled one stands once.
//   - Labelled blocks are opened and finished in the order of the files, each with
//     its children in it.
//   - A setting of which something wrong was said is reported once: it is not
//     reported as missing too, and its target stays as it was.
//
// A [Reader] reads once and keeps what it found; there is no watching.
package schema

import (
	"github.com/postern-mail/postern/gateway/internal/config/syntax"
)

// Setting is one attribute of a block: what it is called, what it is when nobody
// says it, and what may be said.
type Setting struct {
	Name     string // without a dot, and in lower case, as the environment wants it
	Initial  string // the default, as the environment would say it; empty for none
	Required bool
	// Raw settings also get what is no literal, as a value without Data, since
	// their block wants to know that something was said.
	Raw bool
	Set func(syntax.Value) syntax.Problems // checks a value and stores it
}

// Block says what may stand between the braces, and where it goes.
type Block struct {
	Settings []Setting
	Children []Child
	// Free, where it is not nil, gets all attributes, whatever they are called, in
	// the order of the file. The block then has no Settings, and is no single one.
	Free   func([]syntax.Attribute) syntax.Problems
	Finish func() // what can be checked only when all is read; may be nil
}

// Child is a type of block that may stand in another, or outside of any.
type Child struct {
	Kind     string // its type
	Labelled bool   // it carries one label
	// Fold gives the form in which labels are compared to find the one that
	// stands twice. nil compares them as they are.
	Fold func(label string) string
	// Optional blocks outside of any are not filled unless some source says
	// something of them. For labelled ones, and inside blocks, it means nothing:
	// all of those may be left out.
	Optional bool
	Open     func(Header) *Block // begins a block of this type
}

// Header is the line that begins a block. Its places are zero where no file has
// the block.
type Header struct {
	Label string
	At    syntax.Place // of the block's type
	Name  syntax.Place // of the label
}

func (b *Block) setting(name string) *Setting {
	for i := range b.Settings {
		if b.Settings[i].Name == name {
			return &b.Settings[i]
		}
	}
	return nil
}

func (b *Block) settingNames() []string {
	names := make([]string, len(b.Settings))
	for i, s := range b.Settings {
		names[i] = s.Name
	}
	return names
}

func kinds(children []Child) []string {
	names := make([]string, len(children))
	for i, c := range children {
		names[i] = c.Kind
	}
	return names
}

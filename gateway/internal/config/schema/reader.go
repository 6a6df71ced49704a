package schema

import (
	"fmt"
	"slices"
	"strings"

	"github.com/postern-mail/postern/gateway/internal/config/syntax"
)

// maxBlocks bounds the blocks of all files together.
const maxBlocks = 200_000

// Sources says where a configuration comes from. The zero value of a field means
// that there is none of it.
type Sources struct {
	Files   []string          // HCL files, a later one over an earlier one
	Environ []string          // "NAME=value" as from os.Environ
	Flags   map[string]string // values by setting, such as "server.data_dir"
}

// Reader reads sources by a schema, and collects what is wrong with them.
type Reader struct {
	sources  Sources
	bodies   []syntax.Body
	problems syntax.Problems
	partial  bool // a file could not be parsed
	blocks   int  // read so far
}

// NewReader makes a Reader, which reads nothing yet.
func NewReader(s Sources) *Reader { return &Reader{sources: s} }

// Read reads all sources: first the single blocks, which carry no label and may
// be said by every source, so that what they say can decide about others; then
// the labelled ones, which stand in files only.
func (r *Reader) Read(singles, labelled []Child) {
	bodies, ps := syntax.ReadFiles(r.sources.Files)
	r.bodies, r.partial = bodies, len(ps) > 0
	r.Note(ps...)
	r.readSingles(singles)
	r.readLabelled(singles, labelled)
}

// Note adds to the problems.
func (r *Reader) Note(ps ...syntax.Problem) { r.problems = append(r.problems, ps...) }

// Problems returns what is wrong, in order. It is empty where nothing is.
func (r *Reader) Problems() syntax.Problems { return r.problems.Report(r.sources.Files) }

// Partial reports that a file could not be parsed. What seems to be missing may
// stand in it, so absence is then no problem of its own.
func (r *Reader) Partial() bool { return r.partial }

// Want notes a problem unless some file has a block of this type.
func (r *Reader) Want(kind, hint, message string) {
	stands := slices.ContainsFunc(r.bodies, func(body syntax.Body) bool {
		return slices.ContainsFunc(body.Blocks, func(b syntax.Block) bool { return b.Type == kind })
	})
	if !stands && !r.partial {
		r.Note(r.elsewhere().Problem(hint, message))
	}
}

// DidYouMean makes a hint out of the name that comes nearest to given. It stops
// working when more problems stand than are ever shown, which bounds its cost.
func (r *Reader) DidYouMean(given string, names []string) string {
	if len(r.problems) > syntax.MaxProblems {
		return ""
	}
	return syntax.DidYouMean(given, names)
}

// elsewhere is where a problem is reported that has no place of its own.
func (r *Reader) elsewhere() syntax.Place {
	if len(r.sources.Files) == 0 {
		return syntax.Place{}
	}
	return syntax.Place{File: r.sources.Files[0]}
}

// readLabelled reads the blocks that carry a label, and notes those that nobody
// knows.
func (r *Reader) readLabelled(singles, labelled []Child) {
	root := &Block{Children: slices.Concat(labelled, singles)}
	single := kinds(singles)
	seen := map[string]syntax.Place{}
	for _, body := range r.bodies {
		r.values(root, "outside a block", body)
		rest := slices.DeleteFunc(slices.Clone(body.Blocks), func(b syntax.Block) bool {
			return slices.Contains(single, b.Type) // read already
		})
		r.readChildren(root, "", rest, seen)
	}
}

// read fills a block from its body in a file.
func (r *Reader) read(b *Block, kind string, at syntax.Place, body syntax.Body) {
	if b.Free != nil {
		r.Note(b.Free(body.Attributes)...)
	} else {
		r.fill(b, at, r.values(b, "in "+kind, body))
	}
	r.readChildren(b, "in "+kind, body.Blocks, map[string]syntax.Place{})
	if b.Finish != nil {
		b.Finish()
	}
}

// fill hands each setting its value or its default.
func (r *Reader) fill(b *Block, at syntax.Place, values map[string]syntax.Value) {
	for _, s := range b.Settings {
		v, said := values[s.Name]
		switch {
		case said && v.Data == nil && !s.Raw: // its problem is noted already
		case said:
			r.Note(s.Set(v)...)
		case s.Initial != "":
			r.Note(s.Set(syntax.Value{Data: s.Initial})...)
		case s.Required:
			r.Note(at.Problem("", s.Name+" is missing"))
		}
	}
}

// values reads the settings of a body. What is unknown or no literal is noted;
// of the latter the name is kept, so that it is not also missing.
func (r *Reader) values(b *Block, where string, body syntax.Body) map[string]syntax.Value {
	values := make(map[string]syntax.Value, len(body.Attributes))
	for _, attr := range body.Attributes {
		if b.setting(attr.Name) == nil {
			hint := r.DidYouMean(attr.Name, b.settingNames())
			if slices.Contains(kinds(b.Children), attr.Name) {
				hint = "it is a block: write it without ="
			}
			r.Note(attr.At.Problem(hint, fmt.Sprintf("no setting %s %s", syntax.Quote(attr.Name), where)))
			continue
		}
		v, ps := attr.Value()
		r.Note(ps...)
		values[attr.Name] = v
	}
	return values
}

// readChildren reads the blocks of a body. seen knows where each stands already.
func (r *Reader) readChildren(b *Block, where string, blocks []syntax.Block, seen map[string]syntax.Place) {
	for _, found := range blocks {
		if r.blocks++; r.blocks > maxBlocks {
			if r.blocks == maxBlocks+1 {
				r.Note(found.At.Problem("", fmt.Sprintf("more than %d blocks", maxBlocks)))
			}
			return
		}
		i := slices.IndexFunc(b.Children, func(c Child) bool { return c.Kind == found.Type })
		if i < 0 {
			hint := r.DidYouMean(found.Type, kinds(b.Children))
			if b.Free != nil {
				hint = "write it with =, as in name = { … }"
			} else if b.setting(found.Type) != nil {
				hint = fmt.Sprintf("it is a setting: write %s = …", found.Type)
			}
			r.Note(found.At.Problem(hint, strings.TrimSpace(fmt.Sprintf("no block %s %s", syntax.Quote(found.Type), where))))
			continue
		}
		c := b.Children[i]
		h, ok := r.header(c, found)
		if !ok || !r.once(c, h, seen) {
			continue
		}
		r.read(c.Open(h), c.Kind, h.At, found.Body)
	}
}

// header checks that a block has a label exactly if its type wants one.
func (r *Reader) header(c Child, b syntax.Block) (Header, bool) {
	h := Header{At: b.At}
	switch {
	case c.Labelled && len(b.Labels) == 0:
		r.Note(h.At.Problem(fmt.Sprintf(`write %s "name" { … }`, c.Kind), c.Kind+" needs a name"))
		return h, false
	case c.Labelled && len(b.Labels) > 1:
		r.Note(b.Labels[1].At.Problem("", c.Kind+" takes one name only"))
		return h, false
	case !c.Labelled && len(b.Labels) > 0:
		r.Note(b.Labels[0].At.Problem("", c.Kind+" takes no name"))
		return h, false
	case c.Labelled:
		h.Label, h.Name = b.Labels[0].Name, b.Labels[0].At
	}
	return h, true
}

// once notes a block that stands twice. The second is not read: all that it says
// would seem to be there twice as well.
func (r *Reader) once(c Child, h Header, seen map[string]syntax.Place) bool {
	key, title, at := c.Kind, c.Kind, h.At
	if c.Labelled {
		label := h.Label
		if c.Fold != nil {
			label = c.Fold(label)
		}
		key, title, at = key+" "+label, title+" "+syntax.Quote(h.Label), h.Name
	}
	if first, twice := seen[key]; twice {
		r.Note(at.Problem("", fmt.Sprintf("%s stands at %s already", title, first)))
		return false
	}
	seen[key] = at
	return true
}

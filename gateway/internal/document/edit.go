package document

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Errors of an Editor.
var (
	// ErrForbidden means that a pointer is outside the editor's scope, or is the
	// host's own.
	ErrForbidden = errors.New("not granted")
	// ErrBadPointer means that it is no JSON Pointer, or its parent is not there.
	ErrBadPointer = errors.New("no such place")
	// ErrBadValue means that a value is not one JSON text, is nested too deep, is
	// over the budget, or names content that is not its own to name.
	ErrBadValue = errors.New("bad value")
)

// MaxSize bounds a document that is edited, by the measure of [Document.Size]. A
// mail's own document may be larger; edits cannot make it grow then.
const MaxSize = 32 << 20

// Scope is what of a document may be read and changed: what is at these pointers,
// or below them.
type Scope struct {
	Read, Write []Pointer
}

// hostOwned are the members of the root that no guest sets. Some may be removed
// from the payload by who is granted that. Receivers there are that read names in
// whatever case: one that differs by that alone would stand for the host's.
func hostOwned(name string) bool {
	switch strings.Map(fold, name) {
	case "id", "schema", "timestamp", "tenant", "envelope", "integrity", "security":
		return true
	}
	return false
}

// fold gives letters that differ in case alone one form.
func fold(r rune) rune {
	for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
		if 'a' <= other && other <= 'z' {
			return other
		}
	}
	return r
}

// attachmentsAt is where PartName members stand.
func attachmentsAt() Pointer { return Pointer{"message", "attachments"} }

// Editor changes a copy of a document within a scope, so that the changes can be
// taken all or none.
type Editor struct {
	original *Document
	edited   *Document // nil while nothing was changed
	scope    Scope
	budget   int
	size     int // of edited
}

// Edit returns an editor for d. budget bounds what it may set in all: the octets
// of JSON, and 64 more for each value in it.
func (d *Document) Edit(scope Scope, budget int) *Editor {
	return &Editor{original: d, scope: scope, budget: budget}
}

// Document returns the document with the changes. d itself is never changed.
func (e *Editor) Document() *Document {
	if e.edited == nil {
		return e.original
	}
	return e.edited
}

// change returns the copy that is changed.
func (e *Editor) change() *Document {
	if e.edited == nil {
		e.edited = &Document{Root: e.original.Root.clone(), Parts: e.original.Parts}
		e.size = e.edited.Size()
	}
	return e.edited
}

// locate reads a pointer and checks it against what is granted.
func locate(pointer string, granted []Pointer) (Pointer, error) {
	p, err := ParsePointer(pointer)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadPointer, err)
	}
	if !slices.ContainsFunc(granted, p.Within) {
		return nil, ErrForbidden
	}
	return p, nil
}

// Get returns the JSON at a pointer; found is false where there is nothing. The
// content of attachments shows as the PartName members.
func (e *Editor) Get(pointer string) (text string, found bool, err error) {
	p, err := locate(pointer, e.scope.Read)
	if err != nil {
		return "", false, err
	}
	v := e.Document().Root.find(p)
	if v == nil || v.kind == kindPart {
		return "", false, nil
	}
	var b strings.Builder
	if err := v.encode(&writer{w: &b, keepParts: true}); err != nil {
		return "", false, fmt.Errorf("%w: %w", ErrBadValue, err)
	}
	return b.String(), true, nil
}

// Set adds or replaces the value at a pointer; "-" after an array appends.
func (e *Editor) Set(pointer string, text []byte) error {
	p, err := e.writable(pointer)
	if err != nil {
		return err
	}
	if hostOwned(p[0]) {
		return ErrForbidden
	}
	value, err := e.parse(text)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBadValue, err)
	}
	doc := e.change()
	if err := value.restoreParts(len(doc.Parts)); err != nil {
		return fmt.Errorf("%w: %w", ErrBadValue, err)
	}
	before := doc.Root.find(p)
	size := e.size + doc.memberSize(p, value)
	if before != nil {
		size -= doc.memberSize(p, before)
	}
	if size > e.size && size > MaxSize {
		return fmt.Errorf("%w: the payload would be larger than %d MiB", ErrBadValue, MaxSize>>20)
	}
	if err := doc.Root.put(p, value); err != nil {
		return ErrBadPointer
	}
	if err := doc.checkAt(p, value); err != nil {
		doc.Root.undo(p, before)
		return fmt.Errorf("%w: %w", ErrBadValue, err)
	}
	e.size = size
	return nil
}

// memberSize is the size of a value at p, with its name where it has one.
func (d *Document) memberSize(p Pointer, value *Value) int {
	if parent := d.Root.find(p[:len(p)-1]); parent != nil && parent.kind == kindObject {
		return value.size() + len(p[len(p)-1])
	}
	return value.size()
}

// parse reads a value within the budget, which it is taken from.
func (e *Editor) parse(text []byte) (*Value, error) {
	if e.budget -= len(text); e.budget < 0 {
		return nil, errors.New("the edits of this run are over their budget")
	}
	value, err := parse(text, e.budget/valueCost)
	if err != nil {
		return nil, err
	}
	e.budget -= max(0, value.size()-len(text))
	return value, nil
}

// undo takes back a put that has succeeded.
func (v *Value) undo(p Pointer, before *Value) {
	parent, token := v.find(p[:len(p)-1]), p[len(p)-1]
	switch {
	case before != nil:
		_ = v.put(p, before) // as it succeeded before
	case parent.kind == kindArray: // it was appended
		parent.items = parent.items[:len(parent.items)-1]
	default:
		_ = parent.take(Pointer{token}) // it is there
	}
}

// Remove takes the value at a pointer away. To take an element out of an array moves
// those behind it: it needs a grant on the array.
func (e *Editor) Remove(pointer string) error {
	p, err := e.writable(pointer)
	if err != nil {
		return err
	}
	list := p[:len(p)-1]
	if v := e.Document().Root.find(list); v != nil && v.kind == kindArray && !slices.ContainsFunc(e.scope.Write, list.Within) {
		return ErrForbidden
	}
	doc := e.change()
	before := doc.Root.find(p)
	if err := doc.Root.take(p); err != nil {
		return ErrBadPointer
	}
	e.size -= doc.memberSize(p, before)
	return nil
}

// writable locates what is to be changed. The root itself, and the places of
// attachments' content, are nobody's to change.
func (e *Editor) writable(pointer string) (Pointer, error) {
	p, err := locate(pointer, e.scope.Write)
	if err != nil {
		return nil, err
	}
	if len(p) == 0 || p[len(p)-1] == PartName {
		return nil, ErrForbidden
	}
	return p, nil
}

// checkAt is check for a document in which only the value at p is new. To look at
// all of it after each edit would be quadratic.
func (d *Document) checkAt(p Pointer, value *Value) error {
	if p.Within(attachmentsAt()) || attachmentsAt().Within(p) || value.holdsPart() {
		return d.check()
	}
	return value.check(slices.Clone(p), make(map[int]bool))
}

func (v *Value) holdsPart() bool {
	return v.kind == kindPart || slices.ContainsFunc(v.items, (*Value).holdsPart) ||
		slices.ContainsFunc(v.members, func(m Member) bool { return m.Value.holdsPart() })
}

// check holds what makes a document renderable: its depth, and that the content
// of each attachment stands at most once, within the attachments, and alone.
func (d *Document) check() error {
	return d.Root.check(nil, make(map[int]bool))
}

func (v *Value) check(at Pointer, used map[int]bool) error {
	if (v.kind == kindArray || v.kind == kindObject) && len(at) >= MaxDepth {
		return fmt.Errorf("nested deeper than %d", MaxDepth)
	}
	for _, item := range v.items {
		if err := item.check(append(at, "-"), used); err != nil {
			return err
		}
	}
	for _, m := range v.members {
		if m.Value.kind != kindPart {
			if err := m.Value.check(append(at, m.Name), used); err != nil {
				return err
			}
			continue
		}
		inner := len(at) == len(attachmentsAt())+1 && at.Within(attachmentsAt())
		if i := slices.IndexFunc(v.members, func(other Member) bool {
			return other.Name != PartName && (strings.EqualFold(other.Name, PartName) || strings.EqualFold(other.Name, contentName) || strings.EqualFold(other.Name, urlName))
		}); i >= 0 {
			return fmt.Errorf("an attachment has both %s and %s, whose place it holds", PartName, v.members[i].Name)
		}
		switch n := m.Value.part; {
		case m.Name != PartName || !inner:
			return fmt.Errorf("%s stands outside an attachment", PartName)
		case used[n]:
			return fmt.Errorf("%s %d stands twice", PartName, n)
		default:
			used[n] = true
		}
	}
	return nil
}

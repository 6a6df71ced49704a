package document

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const budget = 4 << 10

// edited is a document with what the rules are about.
func editedDocument() *Document {
	return &Document{
		Root: Object(
			Member{"id", String("msg_1")},
			Member{"message", Object(
				Member{"subject", String("Hi")},
				Member{"list", Strings([]string{"a", "b"})},
				Member{"attachments", Array(Object(Member{"n", Int(0)}, PartMember(0)), Object(Member{"n", Int(1)}, PartMember(1)))},
			)},
			Member{"security", Object()},
			Member{"a/b", Object(Member{"~", Int(1)})},
		),
		Parts: []Part{{Length: 1}, {Length: 2}},
	}
}

func pointers(t *testing.T, list ...string) []Pointer {
	t.Helper()
	var out []Pointer
	for _, s := range list {
		p, err := ParsePointer(s)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, p)
	}
	return out
}

func text(t *testing.T, d *Document) string {
	t.Helper()
	b, err := d.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Unmarshal(b); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	var s strings.Builder
	if err := d.Root.encode(&writer{w: &s, keepParts: true}); err != nil {
		t.Fatal(err)
	}
	return s.String()
}

func TestEdits(t *testing.T) {
	t.Parallel()
	d := editedDocument()
	before := text(t, d)
	all := pointers(t, "")
	e := d.Edit(Scope{Read: all, Write: all}, budget)
	for _, edit := range []struct{ pointer, value string }{
		{"/crm", `{"x":[1,{"y":null}]}`},
		{"/crm/x/1/y", `"deep"`},
		{"/message/list/-", `"c"`},
		{"/message/list/0", `"A"`},
		{"/a~1b/~0", `2`},
		{"/message/attachments", `[{"n":1,"$part":1},{"n":2,"content":"bGl0ZXJhbA=="}]`},
	} {
		if err := e.Set(edit.pointer, []byte(edit.value)); err != nil {
			t.Errorf("Set(%s): %v", edit.pointer, err)
		}
	}
	for _, pointer := range []string{"/message/subject", "/message/list/1", "/security"} {
		if err := e.Remove(pointer); err != nil {
			t.Errorf("Remove(%s): %v", pointer, err)
		}
	}
	want := `{"id":"msg_1","message":{"list":["A","c"],"attachments":[{"n":1,"$part":1},{"n":2,"content":"bGl0ZXJhbA=="}]},` +
		`"a/b":{"~":2},"crm":{"x":[1,{"y":"deep"}]}}`
	if diff := cmp.Diff(want, text(t, e.Document())); diff != "" {
		t.Error(diff)
	}
	if got, found, err := e.Get("/message/attachments/0"); got != `{"n":1,"$part":1}` || !found || err != nil {
		t.Errorf("Get = %s, %v, %v", got, found, err)
	}
	if diff := cmp.Diff(before, text(t, d)); diff != "" {
		t.Errorf("the original was changed: %s", diff)
	}
}

func TestEditsThatAreRefused(t *testing.T) {
	t.Parallel()
	d := editedDocument()
	before := text(t, d)
	e := d.Edit(Scope{Write: pointers(t, "")}, budget)
	for _, tc := range []struct {
		pointer, value string
		want           error
	}{
		{"", `{}`, ErrForbidden},
		{"/id", `"forged"`, ErrForbidden},
		{"/envelope/mailFrom", `"forged"`, ErrForbidden},
		{"/ID", `"forged"`, ErrForbidden},
		{"/Integrity", `{}`, ErrForbidden},
		{"/\u017fchema", `"2"`, ErrForbidden},
		{"/message/attachments/0/Content", `"forged"`, ErrBadValue},
		{"/message/attachments/0/$Part", `1`, ErrBadValue},
		{"/security/virusScan", `{}`, ErrForbidden},
		{"/message/attachments/0/$part", `1`, ErrForbidden},
		{"message", `1`, ErrBadPointer},
		{"/message/~2", `1`, ErrBadPointer},
		{"/message/none/x", `1`, ErrBadPointer},
		{"/message/subject/x", `1`, ErrBadPointer},
		{"/message/list/2", `1`, ErrBadPointer},
		{"/message/list/-1", `1`, ErrBadPointer},
		{"/message/list/00", `1`, ErrBadPointer},
		{"/" + strings.Repeat("x", maxPointer), `1`, ErrBadPointer},
		{"/crm", `{"a":1,"a":2}`, ErrBadValue},
		{"/crm", `"\ud800"`, ErrBadValue},
		{"/crm", ``, ErrBadValue},
		{"/crm", strings.Repeat("[", 100) + strings.Repeat("]", 100), ErrBadValue},
		{"/crm", `{"$part":0}`, ErrBadValue},
		{"/message/x", `[{"$part":0}]`, ErrBadValue},
		{"/message/attachments/-", `{"$part":0}`, ErrBadValue},
		{"/message/attachments/-", `{"$part":7}`, ErrBadValue},
		{"/message/attachments/-", `{"$part":"0"}`, ErrBadValue},
		{"/message/attachments/-", `{"x":{"$part":0}}`, ErrBadValue},
		{"/message/attachments/0/content", `"forged"`, ErrBadValue},
		{"/message/attachments/0/Url", `"https://example.org/forged"`, ErrBadValue},
		{"/crm", `"` + strings.Repeat("x", budget) + `"`, ErrBadValue},
		{"/crm", "[" + strings.Repeat("0,", budget/valueCost) + "0]", ErrBadValue},
	} {
		if err := e.Set(tc.pointer, []byte(tc.value)); !errors.Is(err, tc.want) {
			t.Errorf("Set(%.40q, %.40q) = %v, want %v", tc.pointer, tc.value, err, tc.want)
		}
	}
	for pointer, want := range map[string]error{"": ErrForbidden, "/none": ErrBadPointer, "/message/list/-": ErrBadPointer, "/message/attachments/0/$part": ErrForbidden} {
		if err := e.Remove(pointer); !errors.Is(err, want) {
			t.Errorf("Remove(%q) = %v, want %v", pointer, err, want)
		}
	}
	if _, _, err := e.Get("/message"); !errors.Is(err, ErrForbidden) {
		t.Errorf("Get without a grant = %v", err)
	}
	if diff := cmp.Diff(before, text(t, e.Document())); diff != "" {
		t.Errorf("an edit that was refused has stayed: %s", diff)
	}
}

func TestScopes(t *testing.T) {
	t.Parallel()
	e := editedDocument().Edit(Scope{Read: pointers(t, "/message/subject"), Write: pointers(t, "/crm", "/message/list")}, budget)
	for pointer, want := range map[string]error{
		"/crm": nil, "/message/list": nil, "/message/list/0": nil,
		"/crmx": ErrForbidden, "/message": ErrForbidden, "/message/subject": ErrForbidden, "/message/listing": ErrForbidden,
	} {
		if err := e.Set(pointer, []byte(`[1]`)); !errors.Is(err, want) {
			t.Errorf("Set(%s) = %v, want %v", pointer, err, want)
		}
	}
	if got, found, err := e.Get("/message/subject"); got != `"Hi"` || !found || err != nil {
		t.Errorf("Get = %s, %v, %v", got, found, err)
	}
	// One element is not all of them: those behind it would move into its place.
	e = editedDocument().Edit(Scope{Write: pointers(t, "/message/list/0")}, budget)
	if err := errors.Join(e.Set("/message/list/0", []byte(`1`))); err != nil {
		t.Error(err)
	}
	if err := e.Remove("/message/list/0"); !errors.Is(err, ErrForbidden) {
		t.Errorf("Remove of the granted element = %v, want ErrForbidden", err)
	}
	for _, pointer := range []string{"", "/message", "/crm"} {
		if _, _, err := e.Get(pointer); !errors.Is(err, ErrForbidden) {
			t.Errorf("Get(%s) = %v, want ErrForbidden", pointer, err)
		}
	}
}

// TestSizes holds that a run cannot spend more than its budget, nor make a document
// of any size by many runs, whatever the shape of what it sets.
func TestSizes(t *testing.T) {
	t.Parallel()
	all := pointers(t, "")
	e := editedDocument().Edit(Scope{Write: all}, 1<<20)
	set := 0
	for e.Set("/crm", []byte("["+strings.Repeat("0,", 1000)+"0]")) == nil {
		set++
	}
	if want := 1 << 20 / (1000 * valueCost); set < want*9/10 || set > want {
		t.Errorf("%d lists of a thousand numbers were set, want some %d", set, want)
	}
	d := editedDocument()
	for i := range 100 {
		e := d.Edit(Scope{Write: all}, 4<<20)
		if err := e.Set("/crm"+strconv.Itoa(i), []byte(`"`+strings.Repeat("x", 1<<20)+`"`)); err != nil {
			if !errors.Is(err, ErrBadValue) || i < 20 || d.Size() > MaxSize {
				t.Errorf("edit %d of a document of %d octets: %v", i, d.Size(), err)
			}
			// What makes it smaller is welcome.
			if err := errors.Join(e.Set("/crm1", []byte(`""`)), e.Set("/crm0", []byte(`"`+strings.Repeat("x", 1<<20)+`"`)), e.Remove("/crm0")); err != nil {
				t.Error(err)
			}
			return
		}
		d = e.Document()
		if got := e.size; got != d.Size() {
			t.Fatalf("the editor counts %d octets of %d", got, d.Size())
		}
	}
	t.Error("a hundred runs made a document of any size")
}

// FuzzEdit holds that whatever is set or removed, the document can be stored and
// read again, and that what is the host's stays.
func FuzzEdit(f *testing.F) {
	f.Add("/crm", `{"x":1}`, "/message/list/0")
	f.Add("/message/attachments", `[{"$part":1},{"$part":0}]`, "/message/attachments/1")
	f.Add("/message/attachments/-", `{"$part":0,"content":""}`, "/a~1b")
	f.Fuzz(func(t *testing.T, pointer, value, gone string) {
		d := editedDocument()
		e := d.Edit(Scope{Read: []Pointer{{}}, Write: []Pointer{{}}}, budget)
		_ = e.Set(pointer, []byte(value))
		_ = e.Remove(gone)
		_ = e.Set(gone, []byte(value))
		got := text(t, e.Document())
		if e.edited != nil && e.size != e.edited.Size() {
			t.Errorf("%s: the editor counts %d octets of %d", got, e.size, e.edited.Size())
		}
		if id := e.Document().Root.Member("id"); (id == nil || id.text != "msg_1") && !strings.HasPrefix(gone, "/id") {
			t.Errorf("id was changed: %s", got)
		}
		var b strings.Builder
		if err := e.Document().Encode(&b, nil); err != nil {
			t.Errorf("%s: %v", got, err)
		}
	})
}

package document

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func parsedDocument(t *testing.T, text string) *Document {
	t.Helper()
	root, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return &Document{Root: root}
}

func said(v *Value) string {
	if v == nil {
		return "nothing"
	}
	text, _ := v.JSON(100)
	return fmt.Sprintf("%s(%d) %s", v.Kind(), v.Len(), text)
}

func TestCompare(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		before, after string
		want          []string
	}{
		"same":           {`{"a":[1,{"b":null}],"c":"x"}`, `{"c":"x","a":[1,{"b":null}]}`, nil},
		"values":         {`{"a":1,"b":"x","c":true,"d":null}`, `{"a":1.0,"b":"xyz","c":false,"d":null}`, []string{"/a: number(0) 1 → number(0) 1.0", `/b: string(1) "x" → string(3) "xyz"`, "/c: boolean(0) true → boolean(0) false"}},
		"kinds":          {`{"a":1,"b":{},"c":[]}`, `{"a":"1","b":[],"c":null}`, []string{`/a: number(0) 1 → string(1) "1"`, "/b: object(0) {} → array(0) []", "/c: array(0) [] → null(0) null"}},
		"members":        {`{"b":1,"a":1,"e":{"x":1}}`, `{"d":2,"b":1,"e":{"y":2}}`, []string{"/a: number(0) 1 → nothing", "/d: nothing → number(0) 2", "/e/x: number(0) 1 → nothing", "/e/y: nothing → number(0) 2"}},
		"lists":          {`{"a":[1,2],"b":[1,2]}`, `{"a":[1,3],"b":[1]}`, []string{"/a/1: number(0) 2 → number(0) 3", "/b: array(2) [1,2] → array(1) [1]"}},
		"names":          {`{"a/b":{"~":1}}`, `{"a/b":{"~":2}}`, []string{"/a~1b/~0: number(0) 1 → number(0) 2"}},
		"the whole":      {`1`, `2`, []string{": number(0) 1 → number(0) 2"}},
		"no empty value": {`{"a":""}`, `{"a":null}`, []string{`/a: string(0) "" → null(0) null`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list, total := Compare(parsedDocument(t, tc.before), parsedDocument(t, tc.after), 100)
			var got []string
			for _, c := range list {
				got = append(got, c.At.String()+": "+said(c.Before)+" → "+said(c.After))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" || total != len(got) {
				t.Errorf("%d in all: %s", total, diff)
			}
		})
	}
}

// TestCompareEdited compares what an editor has made of a document with it, content of
// attachments included.
func TestCompareEdited(t *testing.T) {
	t.Parallel()
	d := editedDocument()
	e := d.Edit(Scope{Read: pointers(t, ""), Write: pointers(t, "")}, budget)
	if err := e.Set("/message/attachments", []byte(`[{"n":0,"$part":1},{"n":1,"content":"x"}]`)); err != nil {
		t.Fatal(err)
	}
	list, total := Compare(d, e.Document(), 2)
	if total != 3 || len(list) != 2 {
		t.Fatalf("%d of %d changes", len(list), total)
	}
	if got := list[0].At.String() + " " + said(list[0].Before) + " " + said(list[0].After); got != "/message/attachments/0/$part content(0) null content(0) null" {
		t.Error(got)
	}
	if got := list[1].At.String() + " " + said(list[1].Before); got != "/message/attachments/1/$part content(0) null" {
		t.Error(got)
	}
}

func TestJSONIsCut(t *testing.T) {
	t.Parallel()
	v := Object(Member{"name", String(strings.Repeat("ä", 100_000))}, Member{"other", Strings([]string{"x"})})
	if text, cut := v.JSON(12); text != `{"name":"ä` || !cut { // the next letter would be cut in two
		t.Errorf("%s, %v", text, cut)
	}
	if text, cut := Int(12).JSON(2); text != "12" || cut {
		t.Errorf("%s, %v", text, cut)
	}
}

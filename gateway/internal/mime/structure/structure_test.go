package structure

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func scan(t *testing.T, raw string) (*Node, []Field, *Notes) {
	t.Helper()
	var notes Notes
	root, fields, err := Scan(strings.NewReader(raw), int64(len(raw)), &notes)
	if err != nil {
		t.Fatalf("Scan: %v", err)
	}
	return root, fields, &notes
}

// content returns the encoded octets of a part.
func content(raw string, n *Node) string {
	p := n.Part()
	return raw[p.Offset : p.Offset+p.Length]
}

// outline writes a tree as lines of path and type, leaves with their content.
func outline(raw string, n *Node) []string {
	if len(n.Children) == 0 {
		return []string{fmt.Sprintf("%s %s %q", n.Path, n.ContentType, content(raw, n))}
	}
	lines := []string{n.Path + " " + n.ContentType}
	for _, c := range n.Children {
		lines = append(lines, outline(raw, c)...)
	}
	return lines
}

func codes(notes *Notes) []string {
	var list []string
	for _, w := range notes.Warnings() {
		list = append(list, w.Part+" "+w.Code)
	}
	return list
}

func TestScan(t *testing.T) {
	t.Parallel()
	const mixed = "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
	for _, tc := range []struct {
		name, raw string
		want      []string
		notes     []string
	}{
		{"empty", "", []string{` text/plain ""`}, nil},
		{"leaf", "A: b\r\n\r\nx\r\n", []string{` text/plain "x\r\n"`}, nil},
		{"no header", "--\nx\n", []string{` text/plain "--\nx\n"`}, []string{" missing_header"}},
		{"header with junk", "A: b\nx y\n\nz", []string{` text/plain "z"`}, []string{" malformed_header"}},
		{"mbox line", "From a@x\nA: b\n\nx", []string{` text/plain "x"`}, []string{" mbox_line"}},
		{
			"parts", mixed + "before\r\n--b\r\n\r\none\r\n--b\r\nContent-Type: x/y\r\n\r\ntwo\r\n\r\n--b--\r\nafter",
			[]string{" multipart/mixed", `1 text/plain "one"`, `2 x/y "two\r\n"`},
			nil,
		},
		{
			"digest", "Content-Type: multipart/digest; boundary=b\n\n--b\n\none\n--b\nContent-Type: text/plain\n\ntwo\n--b--\n",
			[]string{" multipart/digest", `1 message/rfc822 "one"`, `2 text/plain "two"`},
			nil,
		},
		{
			"outer delimiter ends inner", mixed + "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n",
			[]string{" multipart/mixed", "1 multipart/mixed", `1.1 text/plain "one"`, `2 text/plain "two"`},
			[]string{"1 unclosed_multipart"},
		},
		{
			"boundary that ends with dashes", "Content-Type: multipart/mixed; boundary=b--\n\n--b--\n\none\n--b----\n",
			[]string{" multipart/mixed", `1 text/plain "one"`},
			nil,
		},
		{
			"boundary not declared", "Content-Type: multipart/mixed\n\n--x\n\none\n--x--\n",
			[]string{" multipart/mixed", `1 text/plain "one"`},
			[]string{" bad_boundary"},
		},
		{
			"cut off", mixed + "--b\r\n\r\none",
			[]string{" multipart/mixed", `1 text/plain "one"`},
			[]string{" unclosed_multipart"},
		},
		{"boundary never seen", mixed + "one\r\n", []string{` text/plain "one\r\n"`}, []string{" missing_boundary"}},
		// The line end that belongs to a closing delimiter is that of the header.
		{"closed at once", mixed + "--b--\r\nx", []string{` text/plain ""`}, []string{" missing_boundary"}},
		{
			"headers cut by delimiters", mixed + "--b\r\n--b\r\nContent-Type: x/y\r\n--b--\r\n",
			[]string{" multipart/mixed", `1 text/plain ""`, `2 x/y ""`},
			nil,
		},
		{
			"two types", "Content-Type: x/y\nContent-Type: text/plain\nContent-Transfer-Encoding: x\n\nz",
			[]string{` x/y "z"`},
			[]string{" duplicate_field", " unknown_encoding"},
		},
		{
			"parameters", "Content-Type: x/y; a=b; a=c\nContent-Disposition: attachment; filename*=%\n\nz",
			[]string{` x/y "z"`},
			[]string{" bad_parameter", " bad_parameter"},
		},
		{"disposition unreadable", "Content-Disposition: ;filename=a\n\nz", []string{` text/plain "z"`}, []string{" bad_disposition"}},
		{"type unreadable", "Content-Type: ;name=a\n\nz", []string{` application/octet-stream "z"`}, []string{" bad_content_type"}},
	} {
		root, _, notes := scan(t, tc.raw)
		if diff := cmp.Diff(tc.want, outline(tc.raw, root)); diff != "" {
			t.Errorf("%s: tree (-want +got):\n%s", tc.name, diff)
		}
		if diff := cmp.Diff(tc.notes, codes(notes)); diff != "" || notes.Truncated() {
			t.Errorf("%s: truncated %v, notes (-want +got):\n%s", tc.name, notes.Truncated(), diff)
		}
	}
}

func TestNodeDescribesItself(t *testing.T) {
	t.Parallel()
	n, _, _ := scan(t, "CONTENT-TYPE: Image/PNG; name=old.png\nContent-Transfer-Encoding: Base-64\nContent-ID: <a@x>\n"+
		"Content-Disposition: inline; filename=\"new.png\"\n\nx")
	got := []string{n.ContentType, n.Encoding, n.ContentID, n.Disposition.Value, n.Filename(), n.Media.Text("name")}
	if diff := cmp.Diff([]string{"image/png", "base64", "a@x", "inline", "new.png", "old.png"}, got); diff != "" {
		t.Errorf("node (-want +got):\n%s", diff)
	}
}

func TestFields(t *testing.T) {
	t.Parallel()
	_, fields, notes := scan(t, " folded into nothing\nA: b \nB :c\r\n\t d\r\nno field\n and no fold\nA:\n\nC: d")
	want := []Field{{"A", []byte("b ")}, {"B", []byte("c d")}, {Name: "A"}}
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{" malformed_header"}, codes(notes)); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}

// TestHeader holds what a header is by itself, and what follows it.
func TestHeader(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in   string
		want []Field
		rest string
	}{
		{"", nil, ""},
		{"A: b\r\n\r\nc", []Field{{"A", []byte("b")}}, "c"},
		{"A: b\n c\nno field\nB: d", []Field{{"A", []byte("b c")}, {"B", []byte("d")}}, ""},
		{"\nA: b", nil, "A: b"},
		{strings.Repeat("no field\n", maxJunk) + "A: b\n", nil, "A: b\n"},
	} {
		fields, rest := Header([]byte(tc.in))
		if diff := cmp.Diff(tc.want, fields); diff != "" || string(rest) != tc.rest {
			t.Errorf("Header(%.40q) leaves %q; fields (-want +got):\n%s", tc.in, rest, diff)
		}
	}
}

// TestNothingIsLostBehindTheLastPart holds that what the bound on parts leaves
// unseparated is still there.
func TestNothingIsLostBehindTheLastPart(t *testing.T) {
	t.Parallel()
	raw := "Content-Type: multipart/mixed; boundary=b\r\n\r\n" +
		strings.Repeat("--b\r\nContent-Type: x/y\r\n\r\nx\r\n", MaxParts) + "--b\r\n\r\nthe end\r\n--b--\r\n"
	root, _, notes := scan(t, raw)
	if len(root.Children) != MaxParts || !notes.Truncated() {
		t.Fatalf("%d parts, truncated %v; want %d", len(root.Children), notes.Truncated(), MaxParts)
	}
	if last := content(raw, root.Children[MaxParts-1]); !strings.Contains(last, "the end") {
		t.Errorf("last part = %q", last)
	}
}

// TestLongLines holds that a line end is seen whole wherever the buffer ends
// within it, and that a long line is no delimiter.
func TestLongLines(t *testing.T) {
	t.Parallel()
	for length := lineBuffer - 3; length <= lineBuffer+3; length++ {
		line := strings.Repeat("x", length)
		raw := "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n" + line + "\r\n--b\r\n\r\n--b" + line + "\r\n--b--\r\n"
		root, _, _ := scan(t, raw)
		if len(root.Children) != 2 || content(raw, root.Children[0]) != line || content(raw, root.Children[1]) != "--b"+line {
			t.Errorf("lines of %d octets are cut wrongly", length)
		}
	}
}

func TestScanPassesErrors(t *testing.T) {
	t.Parallel()
	errDisk := errors.New("disk on fire")
	_, _, err := Scan(brokenReaderAt{errDisk}, 10, new(Notes))
	if !errors.Is(err, errDisk) {
		t.Errorf("error %v", err)
	}
}

type brokenReaderAt struct{ err error }

func (b brokenReaderAt) ReadAt(p []byte, _ int64) (int, error) {
	return iotest.ErrReader(b.err).Read(p)
}

func TestNotes(t *testing.T) {
	t.Parallel()
	var notes Notes
	if notes.Warnings() != nil || notes.Truncated() {
		t.Errorf("zero Notes = %+v", notes)
	}
	notes.Warn("a", "1", "x")
	notes.Warn("a", "2", "x")
	notes.Warn("a", "1", "x")
	if diff := cmp.Diff([]Warning{{"a", "1", "x"}, {"a", "2", "x"}}, notes.Warnings()); diff != "" || notes.Truncated() {
		t.Errorf("truncated %v, warnings (-want +got):\n%s", notes.Truncated(), diff)
	}
	notes.Cut("a", "1", "x") // noted before, but now something is missing
	if len(notes.Warnings()) != 2 || !notes.Truncated() {
		t.Errorf("after Cut: truncated %v, warnings %+v", notes.Truncated(), notes.Warnings())
	}

	var many Notes
	for i := range MaxWarnings {
		many.Warn("a", strconv.Itoa(i), "")
	}
	many.Warn("a", "0", "")
	if many.Truncated() {
		t.Error("a repeated warning counts as left out")
	}
	many.Warn("b", "", "")
	if len(many.Warnings()) != MaxWarnings || !many.Truncated() {
		t.Errorf("%d warnings, truncated %v", len(many.Warnings()), many.Truncated())
	}
}

// countingReader counts the octets that are read.
type countingReader struct {
	r io.ReaderAt
	n int
}

func (c *countingReader) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.r.ReadAt(p, off)
	c.n += n
	return n, err
}

// checkTree walks a tree: its parts are few and not deep, paths tell the place,
// leaves lie one behind the other within the mail. It returns the number of
// parts.
func checkTree(t *testing.T, n *Node, depth int, behind *int64, size int64) int {
	t.Helper()
	if depth > maxDepth || n.ContentType == "" {
		t.Errorf("part %q of type %q at depth %d", n.Path, n.ContentType, depth)
	}
	if len(n.Children) == 0 {
		p := n.Part()
		if p.Length < 0 || p.Offset < *behind || p.Offset+p.Length > size {
			t.Errorf("part %q = %+v behind octet %d of %d", n.Path, p, *behind, size)
		}
		*behind = p.Offset + p.Length
	}
	parts := 1
	for i, c := range n.Children {
		if want := strings.TrimPrefix(n.Path+"."+strconv.Itoa(i+1), "."); c.Path != want {
			t.Errorf("path %q, want %q", c.Path, want)
		}
		parts += checkTree(t, c, depth+1, behind, size)
	}
	return parts
}

func FuzzScan(f *testing.F) {
	mails, err := filepath.Glob("../testdata/*.eml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range mails {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b--\r\n"))
	f.Add([]byte(strings.Repeat("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", maxDepth+1)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := &countingReader{r: bytes.NewReader(raw)}
		size := int64(len(raw))
		var notes Notes
		root, fields, err := Scan(r, size, &notes)
		if err != nil {
			t.Fatal(err)
		}
		if r.n > len(raw) {
			t.Errorf("%d octets were read of a mail of %d", r.n, len(raw))
		}
		var behind int64
		if parts := checkTree(t, root, 0, &behind, size); parts > MaxParts+1 {
			t.Errorf("%d parts", parts)
		}
		if len(fields) > MaxFields || len(notes.Warnings()) > MaxWarnings {
			t.Errorf("%d fields, %d warnings", len(fields), len(notes.Warnings()))
		}
	})
}

package mime

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/mime/structure"
)

// TestBodyBounds holds what is told of a body that is longer than it may be.
func TestBodyBounds(t *testing.T) {
	t.Parallel()
	const mega = 1 << 20
	part := func(charset, text string) string {
		return "--b\r\nContent-Type: text/plain; charset=" + charset + "\r\n\r\n" + text + "\r\n"
	}
	text := func(path, charset string, truncated bool) TextPart {
		return TextPart{Path: path, DeclaredCharset: charset, Charset: charset, Truncated: truncated}
	}
	unread := TextPart{Path: "4", DeclaredCharset: "utf-8", Truncated: true}
	for _, tc := range []struct {
		name, raw string
		length    int
		want      []TextPart
	}{
		{"just fits", "\r\n" + strings.Repeat("x", maxBody), maxBody, []TextPart{{Charset: "utf-8"}}},
		{"one octet more", "\r\n" + strings.Repeat("x", maxBody+1), maxBody, []TextPart{{Charset: "utf-8", Truncated: true}}},
		{
			"cut within a character", "Content-Type: text/plain; charset=utf-8\r\n\r\n" + strings.Repeat("x", maxBody-1) + "ä", maxBody - 1,
			[]TextPart{text("", "utf-8", true)},
		},
		{
			"longer in UTF-8", "Content-Type: text/plain; charset=koi8-r\r\n\r\n" + strings.Repeat("\xd0", maxBody/2+1), maxBody,
			[]TextPart{text("", "koi8-r", true)},
		},
		{
			"together too long",
			multipart(part("utf-8", strings.Repeat("x", 2*mega)) + part("koi8-r", strings.Repeat("\xd0", mega/2)) +
				part("utf-8", strings.Repeat("x", 2*mega)) + part("utf-8", "x") + "--b--"),
			maxBody,
			[]TextPart{text("1", "utf-8", false), text("2", "koi8-r", false), text("3", "utf-8", true), unread},
		},
	} {
		m := parseBytes(t, []byte(tc.raw))
		checkMessage(t, m)
		if diff := cmp.Diff(tc.want, m.Text.Parts); diff != "" || len(m.Text.Content) != tc.length {
			t.Errorf("%s: %d octets, want %d; parts (-want +got):\n%s", tc.name, len(m.Text.Content), tc.length, diff)
		}
		var codes []string
		if m.Truncated {
			codes = append(codes, structure.WarnBodyTooLong)
		}
		var got []string
		for _, w := range m.Warnings {
			got = append(got, w.Code)
		}
		if diff := cmp.Diff(codes, got); diff != "" || m.Truncated != tc.want[len(tc.want)-1].Truncated {
			t.Errorf("%s: truncated %v; warnings (-want +got):\n%s", tc.name, m.Truncated, diff)
		}
	}
}

// TestSizes holds that the tree tells the size of all leaves, those that were
// too long to be read among them.
func TestSizes(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("=41", maxBody+100)
	m := parseBytes(t, []byte(multipart("--b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"+long+
		"\r\n--b\r\n\r\nnot read\r\n--b\r\n\r\n\r\n--b\r\nContent-Type: x/y\r\nContent-Transfer-Encoding: base64\r\n\r\naGk=\r\n--b--")))
	var got []string
	for _, n := range m.Tree {
		got = append(got, fmt.Sprintf("%s %s %d %d", n.Path, n.ContentType, n.EncodedSize, n.Size))
	}
	size := m.Tree[0].EncodedSize
	want := []string{
		fmt.Sprintf(" multipart/mixed %d 0", size),
		fmt.Sprintf("1 text/plain %d %d", len(long), maxBody+100),
		"2 text/plain 8 8", "3 text/plain 0 0", "4 x/y 4 2",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
}

func TestCleanText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                        "",
		"plain\n\ttext\f":         "plain\n\ttext\f",
		"a\r\nb\r\n":              "a\nb\n",
		"\r\n":                    "\n",
		"a\rb\r":                  "a\rb\r",
		"a\r\r\nb":                "a\r\nb",
		"\x00a\x1b[31m\x7fb\x08ä": "a[31mbä",
	} {
		if got := cleanText(in); got != want {
			t.Errorf("cleanText(%q) = %q, want %q", in, got, want)
		}
	}
}

// TestTextThatIsNoBase64 holds where the line is between text and broken base64.
func TestTextThatIsNoBase64(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{
		"Three words here.\n":         "Three words here.\n",
		"\n\nThree words here.\n":     "Three words here.\n",
		"aGVs bG8=\n":                 "hello",
		"aGVsbG8=\nThree words here.": "hello",
		"":                            "",
	} {
		m := parseBytes(t, []byte("Content-Transfer-Encoding: base64\n\n"+content))
		got := ""
		if m.Text != nil {
			got = m.Text.Content
		}
		if strings.TrimLeft(got, "\n") != want {
			t.Errorf("%q is read as %q, want %q", content, got, want)
		}
	}
}

func TestThreadID(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"":                            "",
		"Message-ID: <a@x.example>\n": "a@x.example",
		"Message-ID: <a@x.example>\nIn-Reply-To: <b@x.example> <c@x.example>\n":                  "b@x.example",
		"In-Reply-To: <b@x.example>\nReferences: <d@x.example> <e@x.example>\n":                  "d@x.example",
		"References: none\nIn-Reply-To: your mail\nMessage-ID: <a@x.example>\n":                  "a@x.example",
		"Resent-Message-ID: <f@x.example>\nReferences: <d@x.example>\nReferences: <z@x.example>": "d@x.example",
	} {
		if got := parseBytes(t, []byte(header+"\n\n")).ThreadID; got != want {
			t.Errorf("%q: thread %q, want %q", header, got, want)
		}
	}
}

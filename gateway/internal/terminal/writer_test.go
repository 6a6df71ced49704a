package terminal

import (
	"errors"
	"strings"
	"testing"
)

// written passes text through a Writer, in pieces of a size.
func written(t *testing.T, text string, size int) string {
	t.Helper()
	var b strings.Builder
	w := NewWriter(&b)
	for rest := text; rest != ""; {
		piece := rest[:min(size, len(rest))]
		if n, err := w.Write([]byte(piece)); n != len(piece) || err != nil {
			t.Fatalf("Write = %d, %v", n, err)
		}
		rest = rest[len(piece):]
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestWriter(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                             "",
		"Subject: Grüße\r\n\r\na\tb\n": "Subject: Grüße\n\na\tb\n",
		"a\rb\r\r\nc\r":                `a\u000db\u000d` + "\n" + `c\u000d`,
		"\x1b[2J\x07\u009b\x00":        `\u001b[2J\u0007\u009b\u0000`,
		"\u202e\U000e0001\xff\xfe":     `\u202e\udb40\udc01\ufffd\ufffd`,
		"cut \xe2\x82":                 `cut \ufffd\ufffd`,
	} {
		for _, size := range []int{1, 2, 3, 100} {
			if got := written(t, in, size); got != want {
				t.Errorf("%q in pieces of %d: %q, want %q", in, size, got, want)
			}
		}
	}
}

func TestWriterFails(t *testing.T) {
	t.Parallel()
	gone := errors.New("gone")
	w := NewWriter(failing{gone})
	if n, err := w.Write([]byte("text")); n != 0 || !errors.Is(err, gone) {
		t.Errorf("Write = %d, %v", n, err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// FuzzWriter holds that what comes does not depend on how the text is cut, and holds
// nothing that a terminal obeys.
func FuzzWriter(f *testing.F) {
	f.Add("Subject: Grüße\r\n\x1b[2J\u202e\xff\r", 3)
	f.Fuzz(func(t *testing.T, text string, size int) {
		if size < 1 {
			return
		}
		got := written(t, text, size)
		if whole := written(t, text, len(text)+1); got != whole {
			t.Errorf("in pieces of %d: %q, whole: %q", size, got, whole)
		}
		if rest := strings.NewReplacer("\n", "", "\t", "").Replace(got); strings.ContainsFunc(rest, hostile) {
			t.Errorf("%q has something to obey in it", got)
		}
	})
}

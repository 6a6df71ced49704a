package terminal

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWriteDiff(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä", 1000)
	for name, tc := range map[string]struct{ before, after, want string }{
		"the same":         {"a b c", "a b c", ""},
		"nothing":          {"", "", ""},
		"another line":     {"a b c", "a x c", "  a\n- b\n+ x\n  c\n"},
		"one more":         {"a c", "a b c", "  a\n+ b\n  c\n"},
		"one less":         {"a b c", "a c", "  a\n- b\n  c\n"},
		"all":              {"a", "b", "- a\n+ b\n"},
		"what is common":   {"x a b y", "a z b", "- x\n  a\n+ z\n  b\n- y\n"},
		"far from another": {"1 2 3 4 5 6 7 8 9 x", "0 2 3 4 5 6 7 8 9 y", "- 1\n+ 0\n  2\n  3\n  4\n  …\n  7\n  8\n  9\n- x\n+ y\n"},
		"far from the end": {"1 2 3 4 5 6", "0 2 3 4 5 6", "- 1\n+ 0\n  2\n  3\n  4\n  …\n"},
		"what commands":    {"a\x1b[2J", "a\u202e", "- a\\u001b[2J\n+ a\\u202e\n"},
		"a long line": {
			long + "x", long + "y",
			"- …" + strings.Repeat("ä", leadIn/2) + "x\n+ …" + strings.Repeat("ä", leadIn/2) + "y\n",
		},
	} {
		var b strings.Builder
		WriteDiff(&b, strings.Fields(tc.before), strings.Fields(tc.after), false)
		if d := cmp.Diff(tc.want, b.String()); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func TestWriteDiffInColor(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	WriteDiff(&b, []string{"a", "\x1b[0m"}, []string{"a", "c"}, true)
	const want = "  a\n\x1b[31m- \\u001b[0m\x1b[0m\n\x1b[32m+ c\x1b[0m\n"
	if b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}

// TestWriteDiffIsBounded holds that texts that have nothing in common cost neither
// time nor lines without end.
func TestWriteDiffIsBounded(t *testing.T) {
	t.Parallel()
	numbered := func(format string) []string {
		lines := make([]string, 50_000)
		for i := range lines {
			lines[i] = fmt.Sprintf(format, i)
		}
		return lines
	}
	var b strings.Builder
	WriteDiff(&b, numbered("a%d"), numbered("b%d"), false)
	if n := strings.Count(b.String(), "\n"); n != maxDiffLines+1 || !strings.HasSuffix(b.String(), "… and more\n") {
		t.Errorf("%d lines", n)
	}
}

package smtpclient

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestCanonicalLineEnds(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":              "",
		"a\nb":          "a\r\nb",
		"a\r\nb\r\n":    "a\r\nb\r\n",
		"a\rb":          "a\r\nb",
		"a\r\r\nb":      "a\r\n\r\nb",
		"\n\n":          "\r\n\r\n",
		"\n.\n":         "\r\n.\r\n",
		"end with cr\r": "end with cr\r\n",
	} {
		for name, r := range map[string]io.Reader{
			"whole": Canonical(strings.NewReader(in)),
			"bytes": iotest.OneByteReader(Canonical(iotest.OneByteReader(strings.NewReader(in)))),
		} {
			got, err := io.ReadAll(r)
			if err != nil || string(got) != want {
				t.Errorf("%s: %q became %q, %v; want %q", name, in, got, err, want)
			}
		}
	}
}

package reception

import (
	"crypto/sha256"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/postern-mail/postern/gateway/internal/store"
)

func digestOf(t testing.TB, r io.Reader) store.Digest {
	t.Helper()
	d := newDigester()
	if _, err := io.Copy(d, r); err != nil {
		t.Fatal(err)
	}
	return d.Sum()
}

func TestDigest(t *testing.T) {
	t.Parallel()
	const body = "line\r\n\r\nMessage-ID: <other@x.test>\r\n"
	id := "<1@x.test>"
	want := store.Digest(sha256.Sum256([]byte(id + "\x00" + body)))
	for name, raw := range map[string]string{
		"plain":                     "Message-ID: <1@x.test>\r\n\r\n" + body,
		"another field":             "X-Server: added\r\nMessage-ID: <1@x.test>\r\nStatus: RO\r\n\r\n" + body,
		"folded":                    "Message-ID:\r\n  <1@x.test>\r\n\r\n" + body,
		"in other letters":          "MESSAGE-id : <1@x.test> \r\n\r\n" + body,
		"a second one":              "Message-ID: <1@x.test>\r\nMessage-ID: <2@x.test>\r\n more\r\n\r\n" + body,
		"LF alone":                  "Subject: x\nMessage-ID: <1@x.test>\n\n" + body,
		"a fold that is another's":  "Message-ID: <1@x.test>\r\nSubject: x\r\n <3@x.test>\r\n\r\n" + body,
		"a line that is no field":   "From x\r\nMessage-ID: <1@x.test>\r\n\r\n" + body,
		"a long line of another":    "X: " + strings.Repeat("x", 100_000) + "\r\nMessage-ID: <1@x.test>\r\n\r\n" + body,
		"a CR that ends no section": "X: 1\r\n\r\r\nMessage-ID: <1@x.test>\r\n\r\n" + body,
	} {
		if got := digestOf(t, strings.NewReader(raw)); got != want {
			t.Errorf("%s: another digest", name)
		}
		if got := digestOf(t, iotest.OneByteReader(strings.NewReader(raw))); got != want {
			t.Errorf("%s: another digest, octet by octet", name)
		}
	}
	for name, raw := range map[string]string{
		"none":               "Subject: x\r\n\r\n" + body,
		"an empty one":       "Message-ID: \r\n\r\n" + body,
		"nothing":            "",
		"only in the header": "Subject: x",
		"cut off within it":  "Message-ID: <1@x.test>",
	} {
		if got := digestOf(t, strings.NewReader(raw)); got != sha256.Sum256([]byte(raw)) {
			t.Errorf("%s: not that of all octets", name)
		}
	}
	seen := map[store.Digest]string{want: "plain"}
	for name, raw := range map[string]string{
		"another body":     "Message-ID: <1@x.test>\r\n\r\n" + body + "x",
		"another id":       "Message-ID: <2@x.test>\r\n\r\n" + body,
		"id, no body":      "Message-ID: <1@x.test>\r\n",
		"id and body swap": "Message-ID: <1@x.tes\r\n\r\nt>" + body,
	} {
		got := digestOf(t, strings.NewReader(raw))
		if other, dup := seen[got]; dup {
			t.Errorf("%s has the digest of %s", name, other)
		}
		seen[got] = name
	}
}

// FuzzDigest holds that a digest does not depend on how its mail came, that what it keeps is bounded,
// and that a field that a server adds does not change it where there is a Message-ID.
func FuzzDigest(f *testing.F) {
	f.Add("Message-ID: <1@x.test>\r\n\r\nbody", 3)
	f.Add("Subject: x\n\n", 1)
	f.Add("\r\r\n: \n\t\n", 2)
	f.Fuzz(func(t *testing.T, raw string, at int) {
		whole := newDigester()
		_, _ = io.WriteString(whole, raw)
		parts := newDigester()
		at = min(max(at, 0), len(raw))
		for _, piece := range []string{raw[:at], raw[at:]} {
			if n, err := io.WriteString(parts, piece); n != len(piece) || err != nil {
				t.Fatalf("Write = %d, %v", n, err)
			}
		}
		if whole.Sum() != parts.Sum() || whole.Sum() != digestOf(t, iotest.OneByteReader(strings.NewReader(raw))) {
			t.Errorf("the digest of %q depends on how it comes", raw)
		}
		if len(whole.line) > maxMessageID || len(whole.value) > maxMessageID {
			t.Errorf("it keeps %d and %d octets", len(whole.line), len(whole.value))
		}
		if len(whole.value) > 0 && digestOf(t, strings.NewReader("X-Added: 1\r\n"+raw)) != whole.Sum() && raw[0] != ' ' && raw[0] != '\t' {
			t.Errorf("a field before %q changes it", raw)
		}
	})
}

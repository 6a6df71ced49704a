package mime

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func FuzzParse(f *testing.F) {
	mails, err := filepath.Glob("testdata/*.eml")
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
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := &countingReader{r: bytes.NewReader(raw)}
		m, err := Parse(r, int64(len(raw)))
		if err != nil {
			t.Fatal(err)
		}
		if r.n > 2*int64(len(raw)) {
			t.Errorf("%d octets were read of a mail of %d", r.n, len(raw))
		}
		checkMessage(t, m)
		// Lines that Parse reads in pieces are the exception.
		if subject := Subject(raw); subject != m.Subject && len(raw) < 32<<10 {
			t.Errorf("Subject gives %q, Parse %q", subject, m.Subject)
		}
		if diff := cmp.Diff(m, parseBytes(t, raw)); diff != "" {
			t.Errorf("a second run differs:\n%s", diff)
		}
		for _, a := range m.Attachments {
			if a.Part.Offset < 0 || a.Part.Length < 0 || a.Part.Offset+a.Part.Length > int64(len(raw)) {
				t.Errorf("part %+v lies outside of a mail of %d octets", a.Part, len(raw))
			}
			n, err := io.Copy(io.Discard, Open(bytes.NewReader(raw), a.Part))
			if err != nil || n != a.Size {
				t.Errorf("Open gives %d octets, %v; want %d", n, err, a.Size)
			}
		}
	})
}

package mime

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/document"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden parses testdata/x.eml and compares with testdata/x.json.
func TestGolden(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".eml")
		switch {
		case e.IsDir():
			continue
		case !ok:
			stem := strings.TrimSuffix(e.Name(), ".json")
			if _, err := os.Stat(filepath.Join("testdata", stem+".eml")); err != nil {
				t.Errorf("testdata/%s belongs to no mail", e.Name())
			}
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw, err := os.ReadFile(filepath.Join("testdata", name+".eml"))
			if err != nil {
				t.Fatal(err)
			}
			m := parseBytes(t, raw)
			checkMessage(t, m)
			var got bytes.Buffer
			enc := json.NewEncoder(&got)
			enc.SetEscapeHTML(false)
			enc.SetIndent("", "  ")
			if err := enc.Encode(m); err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", name+".json")
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("message differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOpenStreamsAttachments(t *testing.T) {
	t.Parallel()
	raw := []byte("Content-Type: x/y\r\nContent-Transfer-Encoding: BASE64\r\n\r\naGVs\r\nbG8=\r\n")
	m := parseBytes(t, raw)
	if len(m.Attachments) != 1 {
		t.Fatalf("attachments = %+v, want one", m.Attachments)
	}
	a := m.Attachments[0]
	if want := (document.Part{Offset: 56, Length: 12, Encoding: "base64"}); a.Part != want {
		t.Errorf("part = %+v, want %+v", a.Part, want)
	}
	content, err := io.ReadAll(Open(bytes.NewReader(raw), a.Part))
	if err != nil || string(content) != "hello" || a.Size != 5 {
		t.Errorf("content = %q, %v, size %d", content, err, a.Size)
	}
}

// failingReader fails at the n-th call.
type failingReader struct {
	r io.ReaderAt
	n int
}

var errDisk = errors.New("disk on fire")

func (f *failingReader) ReadAt(p []byte, off int64) (int, error) {
	if f.n--; f.n < 0 {
		return 0, errDisk
	}
	return f.r.ReadAt(p, off)
}

func TestErrorsAreThoseOfTheReader(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/nested_mixed.eml")
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; ; n++ {
		_, err := Parse(&failingReader{r: bytes.NewReader(raw), n: n}, int64(len(raw)))
		if err == nil {
			if n < 3 {
				t.Errorf("Parse made %d reads only", n)
			}
			return
		}
		if !errors.Is(err, errDisk) {
			t.Fatalf("Parse with read %d failing: %v", n, err)
		}
	}
}

package payload_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/mime"
	"github.com/postern-mail/postern/gateway/internal/payload"
	"github.com/postern-mail/postern/gateway/internal/payload/schema/schematest"
)

// rendered is what the tests read of a payload; encoding/json decodes the base64
// of Content.
type rendered struct {
	Timestamp string
	Message   struct {
		Date    string
		Subject string
		Sender  struct{ Email string }
		Content struct{ Text, HTML string }

		Attachments []struct {
			Filename *string
			Size     int64
			SHA256   string
			Content  []byte
		}
	}
	Integrity struct{ ContentHash, RawEmailHash string }
}

// checkPayload holds for the payload of every mail that there is; form is the schema's
// exact one. It returns the payload.
func checkPayload(t testing.TB, form *schematest.Schema, raw []byte, f payload.Facts) []byte {
	t.Helper()
	doc := build(t, raw, f)
	got := render(t, doc, raw)
	if again := render(t, doc, raw); !bytes.Equal(got, again) {
		t.Errorf("a second rendering differs:\n%s\n%s", got, again)
	}
	if again := render(t, build(t, raw, f), raw); !bytes.Equal(got, again) {
		t.Errorf("a second building differs:\n%s\n%s", got, again)
	}
	if again := render(t, storedAndLoaded(t, doc), raw); !bytes.Equal(got, again) {
		t.Errorf("the stored document renders differently:\n%s\n%s", got, again)
	}
	if n, err := doc.EncodedSize(); err != nil || n != int64(len(got)) {
		t.Errorf("EncodedSize = %d, %v for a payload of %d octets", n, err, len(got))
	}
	// Stricter than encoding/json: names are unique, text is UTF-8.
	if _, err := document.Parse(got); err != nil {
		t.Fatalf("payload is not proper JSON: %v\n%s", err, got)
	}
	if err := form.Check(got); err != nil {
		t.Errorf("payload is not as its schema says: %v\n%s", err, got)
	}

	var p rendered
	if err := json.Unmarshal(got, &p); err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{p.Timestamp, p.Message.Date} {
		if _, err := time.Parse("2006-01-02T15:04:05.000Z", s); err != nil {
			t.Error(err)
		}
	}
	content := payload.Content{
		SenderEmail: p.Message.Sender.Email, Subject: p.Message.Subject,
		Text: p.Message.Content.Text, HTML: p.Message.Content.HTML,
	}
	for i, a := range p.Message.Attachments {
		sum := sha256.Sum256(a.Content)
		if a.Size != int64(len(a.Content)) || a.SHA256 != hex.EncodeToString(sum[:]) {
			t.Errorf("attachment %d: size %d, sha256 %s, and its content has %d octets of hash %x", i, a.Size, a.SHA256, len(a.Content), sum)
		}
		content.Attachments = append(content.Attachments, a.SHA256)
	}
	// Who has the payload alone can check its hash.
	if want := payload.ContentHash(content); p.Integrity.ContentHash != want || p.Integrity.RawEmailHash != f.SHA256 {
		t.Errorf("integrity = %+v, want the hashes %s and %s", p.Integrity, want, f.SHA256)
	}
	return got
}

func storedAndLoaded(t testing.TB, d *document.Document) *document.Document {
	t.Helper()
	b, err := d.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := document.Unmarshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

func TestPayloads(t *testing.T) {
	t.Parallel()
	form := schematest.Compile(t, schematest.Exact)
	for name, raw := range goldenMails(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkPayload(t, form, raw, goldenFacts(name, raw))
		})
	}
}

// corpusRoot holds public mails beside the repository.
const corpusRoot = "../../../../shared/corpus"

// corpusMails lists the mails of the corpus; there are none where it is absent.
func corpusMails() []string {
	var files []string
	_ = filepath.WalkDir(corpusRoot, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if ext := filepath.Ext(path); ext == ".eml" || ext == ".raw" || ext == ".fuzzy1" {
			files = append(files, path)
		}
		return nil
	})
	return files
}

func TestCorpus(t *testing.T) {
	t.Parallel()
	files := corpusMails()
	if len(files) == 0 {
		t.Skipf("no mails in %s", corpusRoot)
	}
	t.Logf("%d mails", len(files))
	form := schematest.Compile(t, schematest.Exact)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		checkPayload(t, form, raw, facts(raw))
		if t.Failed() {
			t.Fatalf("that was %s", file)
		}
	}
}

// TestContentIsTheOriginal sends octets through each encoding and back.
func TestContentIsTheOriginal(t *testing.T) {
	t.Parallel()
	octets := make([]byte, 100_001)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range octets {
		octets[i] = byte(rng.Uint32())
	}
	encoded := base64.StdEncoding.EncodeToString(octets)
	var lines strings.Builder
	for len(encoded) > 76 {
		lines.WriteString(encoded[:76] + "\r\n")
		encoded = encoded[76:]
	}
	lines.WriteString(encoded)
	raw := []byte("Content-Type: multipart/mixed; boundary=b\r\n\r\n" +
		"--b\r\nContent-Type: x/a\r\nContent-Transfer-Encoding: base64\r\n\r\n" + lines.String() + "\r\n" +
		"--b\r\nContent-Type: x/b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\na=00=FF=\r\nz\r\n" +
		"--b\r\nContent-Type: x/c\r\n\r\nplain\r\nlines\r\n" +
		"--b\r\nContent-Type: x/d\r\n\r\n\r\n--b--\r\n")
	var p rendered
	if err := json.Unmarshal(checkPayload(t, schematest.Compile(t, schematest.Exact), raw, facts(raw)), &p); err != nil {
		t.Fatal(err)
	}
	want := [][]byte{octets, []byte("a\x00\xffz"), []byte("plain\r\nlines"), {}}
	if len(p.Message.Attachments) != len(want) {
		t.Fatalf("%d attachments, want %d", len(p.Message.Attachments), len(want))
	}
	for i, a := range p.Message.Attachments {
		if !bytes.Equal(a.Content, want[i]) {
			t.Errorf("content of attachment %d has %d octets and is not the %d octets that were sent", i, len(a.Content), len(want[i]))
		}
	}
}

// TestRenderStreams is not parallel: it measures what is allocated.
func TestRenderStreams(t *testing.T) {
	const size = 20 << 20
	// 57 octets make a line of 76, as mailers write them.
	line := append(bytes.Repeat([]byte("QUJD"), 19), "\r\n"...)
	raw := bytes.Repeat(line, size/57+1)
	m := &mime.Message{Attachments: []mime.Attachment{{Part: document.Part{Length: int64(len(raw)), Encoding: "base64"}}}}
	doc := payload.Build(m, facts(nil))

	var w recorder
	r := &recordingReaderAt{r: bytes.NewReader(raw)}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := payload.Render(&w, doc, r)
	runtime.ReadMemStats(&after)
	if err != nil {
		t.Fatal(err)
	}
	if w.total < size*4/3 {
		t.Errorf("%d octets were written of an attachment of %d", w.total, size)
	}
	if w.largest > 64<<10 || r.largest > 64<<10 {
		t.Errorf("one write had %d octets, one read %d", w.largest, r.largest)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("%d octets were allocated: the content was whole in memory", n)
	}
}

// recorder takes note of writes.
type recorder struct{ total, largest int }

func (w *recorder) Write(p []byte) (int, error) {
	w.total += len(p)
	w.largest = max(w.largest, len(p))
	return len(p), nil
}

type recordingReaderAt struct {
	r       io.ReaderAt
	largest int
}

func (r *recordingReaderAt) ReadAt(p []byte, off int64) (int, error) {
	r.largest = max(r.largest, len(p))
	return r.r.ReadAt(p, off)
}

// TestRenderWantsTheWholeBody holds that a raw message that has become shorter
// than its document says gives an error, not a payload with half an attachment.
func TestRenderWantsTheWholeBody(t *testing.T) {
	t.Parallel()
	raw := goldenMails(t)["full"]
	doc := build(t, raw, facts(raw))
	end := doc.Parts[len(doc.Parts)-1]
	for _, n := range []int64{0, end.Offset, end.Offset + 1, end.Offset + end.Length - 1} {
		err := payload.Render(io.Discard, doc, bytes.NewReader(raw[:n]))
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("Render of %d octets of %d: error = %v, want io.ErrUnexpectedEOF", n, len(raw), err)
		}
	}
	if err := payload.Render(io.Discard, doc, bytes.NewReader(raw[:end.Offset+end.Length])); err != nil {
		t.Errorf("Render without what is behind the last part: %v", err)
	}
}

var errBroken = errors.New("broken")

// breaking fails at the n-th call, counted from 1.
type breaking struct {
	r io.ReaderAt
	n int
}

func (b *breaking) ReadAt(p []byte, off int64) (int, error) {
	if b.n--; b.n == 0 {
		return 0, errBroken
	}
	return b.r.ReadAt(p, off)
}

func (b *breaking) Write(p []byte) (int, error) {
	if b.n--; b.n == 0 {
		return 0, errBroken
	}
	return len(p), nil
}

func TestRenderReportsErrors(t *testing.T) {
	t.Parallel()
	raw := goldenMails(t)["full"]
	doc := build(t, raw, facts(raw))
	for name, renderWith := range map[string]func(*breaking) error{
		"reader": func(b *breaking) error { return payload.Render(io.Discard, doc, b) },
		"writer": func(b *breaking) error { return payload.Render(b, doc, bytes.NewReader(raw)) },
	} {
		calls := 0
		for n := 1; ; n++ {
			b := &breaking{r: bytes.NewReader(raw), n: n}
			err := renderWith(b)
			if b.n > 0 { // it was not called that often
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				break
			}
			calls = n
			if !errors.Is(err, errBroken) {
				t.Errorf("%s broken at call %d: error = %v", name, n, err)
			}
		}
		if calls < len(doc.Parts) {
			t.Errorf("%s: %d calls for %d parts", name, calls, len(doc.Parts))
		}
	}
}

func FuzzPayload(f *testing.F) {
	for _, raw := range goldenMails(f) {
		f.Add(raw, "support@acme.test", "alice@example.com", "mail.example.com")
	}
	f.Add([]byte("To: \xff <x@y>\r\n\r\n"), "x@y", "\xff@\x00", "\u2028")
	form := schematest.Compile(f, schematest.Exact)
	f.Fuzz(func(t *testing.T, raw []byte, recipient, reversePath, helo string) {
		with := facts(raw)
		with.Recipient, with.Envelope.ReversePath, with.Envelope.Session.HELO = recipient, reversePath, helo
		checkPayload(t, form, raw, with)
	})
}

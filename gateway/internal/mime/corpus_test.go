package mime

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/mime/report"
	"github.com/postern-mail/postern/gateway/internal/mime/structure"
)

// corpusRoot holds public mails beside the repository. They are optional:
// without them the tests over them are skipped, whatever POSTERN_TEST_REQUIRE
// says of servers and runtimes.
const corpusRoot = "../../../../shared/corpus"

// corpusFiles lists the mails of the corpus below dir.
func corpusFiles(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(filepath.Join(corpusRoot, dir), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		ext := filepath.Ext(path)
		if ext == ".eml" || ext == ".raw" || ext == ".fuzzy1" {
			files = append(files, path)
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) || (err == nil && len(files) == 0) {
		t.Skipf("no mails in %s", corpusRoot)
	}
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func parseBytes(t testing.TB, raw []byte) *Message {
	t.Helper()
	m, err := Parse(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	return m
}

// checkMessage holds for every mail that there is.
func checkMessage(t testing.TB, m *Message) {
	t.Helper()
	encoded, err := json.Marshal(m)
	if err != nil {
		t.Fatalf("Marshal: %v", err)
	}
	var decoded Message
	if err := json.Unmarshal(encoded, &decoded); err != nil {
		t.Fatalf("Unmarshal: %v", err)
	}
	// JSON replaces what is not UTF-8, so that a message which comes back as it
	// was holds valid strings only. Times lose their location's name.
	decoded.Date = m.Date
	if diff := cmp.Diff(m, &decoded); diff != "" {
		t.Errorf("message does not survive JSON (-in +out):\n%s", diff)
	}
	if bytes.Contains(bytes.ReplaceAll(encoded, []byte(`\\`), nil), []byte(`\u0000`)) {
		t.Errorf("a string holds NUL: %s", encoded)
	}
	if len(m.Warnings) > structure.MaxWarnings || len(m.To) > maxAddresses || len(m.Fields) > structure.MaxFields {
		t.Errorf("%d warnings, %d addresses, %d fields: beyond the bounds", len(m.Warnings), len(m.To), len(m.Fields))
	}
	for _, b := range []*Body{m.Text, m.HTML} {
		if b == nil {
			continue
		}
		if len(b.Content) > maxBody || !utf8.ValidString(b.Content) {
			t.Errorf("body of %d octets, valid %v", len(b.Content), utf8.ValidString(b.Content))
		}
		replaced, truncated := 0, false
		for _, p := range b.Parts {
			replaced += p.Replaced
			truncated = truncated || p.Truncated
		}
		if len(b.Parts) == 0 || truncated != b.Truncated || (!truncated && replaced != strings.Count(b.Content, "\ufffd")) {
			t.Errorf("body with %d U+FFFD, truncated %v, consists of %+v", strings.Count(b.Content, "\ufffd"), b.Truncated, b.Parts)
		}
	}
	checkParts(t, m)
}

// checkParts holds that the parts of a mail are told alike wherever they are.
func checkParts(t testing.TB, m *Message) {
	t.Helper()
	if len(m.Tree) == 0 || len(m.Tree) > structure.MaxParts+1 {
		t.Fatalf("%d parts", len(m.Tree))
	}
	nodes := make(map[string]Node)
	for i, n := range m.Tree {
		parent, _, _ := cutLast(n.Path, ".")
		if _, known := nodes[parent]; i > 0 && !known {
			t.Errorf("part %q stands before the one that holds it", n.Path)
		}
		if _, known := nodes[n.Path]; known || n.Size < 0 || n.EncodedSize < n.Size {
			t.Errorf("part %+v, known before: %v", n, known)
		}
		nodes[n.Path] = n
	}
	names := make(map[string]bool)
	for _, a := range m.Attachments {
		n, known := nodes[a.Path]
		if !known || n.Size != a.Size || n.EncodedSize != a.Part.Length || n.ContentType != a.ContentType || n.Filename != a.Filename {
			t.Errorf("attachment %+v is part %+v", a, n)
		}
		if a.SafeFilename == "" || names[strings.ToLower(a.SafeFilename)] {
			t.Errorf("attachment %q has the name %q", a.Path, a.SafeFilename)
		}
		names[strings.ToLower(a.SafeFilename)] = true
	}
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return "", s, false
}

func TestCorpusParses(t *testing.T) {
	t.Parallel()
	files := corpusFiles(t, ".")
	t.Logf("%d mails", len(files))
	if len(files) < 411 {
		t.Errorf("%d mails, want 411", len(files))
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m := parseBytes(t, raw)
		checkMessage(t, m)
		if diff := cmp.Diff(m, parseBytes(t, raw)); diff != "" {
			t.Errorf("%s: a second run differs:\n%s", file, diff)
		}
	}
}

// TestCorpusReports holds what is read out of reports that were written by others.
func TestCorpusReports(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"delayed_dsn.raw":                    "delayed 4.0.0",
		"multi_recipient_dsn.raw":            "failed 5.0.0, delayed 4.0.0, failed 5.0.0",
		"simple_dsn.raw":                     "failed 4.0.0",
		"simple_dsn_with_html.raw":           "failed 4.0.0",
		"dsn_with_multipart_alternative.raw": "failed 5.1.10",
	}
	n := 0
	for _, file := range corpusFiles(t, "enmime/dsn") {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m := parseBytes(t, raw)
		if m.Report == nil || m.Report.Kind != report.KindDeliveryStatus || m.Report.Reporter == "" || m.Automatic == nil {
			t.Errorf("%s: report %+v, automatic %+v", file, m.Report, m.Automatic)
			continue
		}
		n++
		var got []string
		for _, r := range m.Report.Recipients {
			got = append(got, r.Action+" "+r.Status)
			if !strings.Contains(r.Final, "@") || strings.ContainsAny(r.Final+r.RemoteMTA, "; ") || strings.HasPrefix(r.DiagnosticCode, "smtp") {
				t.Errorf("%s: recipient %+v", file, r)
			}
		}
		if diff := cmp.Diff(want[filepath.Base(file)], strings.Join(got, ", ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
	if n != len(want) {
		t.Errorf("%d reports, want %d", n, len(want))
	}
}

// reference is what stalwartlabs/mail-parser expects of its own test mails.
type reference struct {
	TextBody    []int `json:"text_body"`
	HTMLBody    []int `json:"html_body"`
	Attachments []int `json:"attachments"`
	Parts       []struct {
		Headers []struct {
			Name  any             `json:"name"`
			Value json.RawMessage `json:"value"`
		} `json:"headers"`
		Body json.RawMessage `json:"body"`
	} `json:"parts"`
}

// value returns the first field of that name of a part, decoded into v.
func (r *reference) value(part int, name, kind string, v any) {
	for _, h := range r.Parts[part].Headers {
		var byKind map[string]json.RawMessage
		if h.Name == name && json.Unmarshal(h.Value, &byKind) == nil && json.Unmarshal(byKind[kind], v) == nil {
			return
		}
	}
}

// body joins the texts of a kind.
func (r *reference) body(parts []int, kind string) string {
	var texts []string
	for _, i := range parts {
		var byKind map[string]string
		if json.Unmarshal(r.Parts[i].Body, &byKind) == nil {
			if text, ok := byKind[kind]; ok {
				texts = append(texts, text)
			}
		}
	}
	return strings.Join(texts, "\n")
}

type referenceAddress struct {
	Name    string `json:"name"`
	Address string `json:"address"`
}

func (r *reference) addresses(name string) []mail.Address {
	var v struct {
		List  []referenceAddress
		Group []struct {
			Addresses []referenceAddress `json:"addresses"`
		}
	}
	r.value(0, name, "Address", &v)
	for _, g := range v.Group {
		v.List = append(v.List, g.Addresses...)
	}
	var list []mail.Address
	for _, a := range v.List {
		list = append(list, mail.Address(a))
	}
	return list
}

type referenceType struct {
	Type       string `json:"c_type"`
	Subtype    string `json:"c_subtype"`
	Attributes []struct{ Name, Value string }
}

func (r referenceType) attribute(name string) string {
	for _, a := range r.Attributes {
		if a.Name == name {
			return a.Value
		}
	}
	return ""
}

// attachments lists them as "type name".
func (r *reference) attachments() []string {
	var list []string
	for _, i := range r.Attachments {
		var media, disposition referenceType
		r.value(i, "content_type", "ContentType", &media)
		r.value(i, "content_disposition", "ContentType", &disposition)
		name := disposition.attribute("filename")
		if name == "" {
			name = media.attribute("name")
		}
		list = append(list, name+" "+r.content(i))
	}
	return list
}

// content tells the length and hash of an attachment, where the reference has its octets.
func (r *reference) content(i int) string {
	var byKind map[string]json.RawMessage
	_ = json.Unmarshal(r.Parts[i].Body, &byKind)
	for _, kind := range []string{"Binary", "InlineBinary"} {
		var numbers []int
		if raw, ok := byKind[kind]; ok && json.Unmarshal(raw, &numbers) == nil {
			octets := make([]byte, len(numbers))
			for i, n := range numbers {
				octets[i] = byte(n)
			}
			return fmt.Sprintf("%d %x", len(octets), sha256.Sum256(octets))
		}
	}
	return ""
}

// alike compares a text with the reference, which replaces octets above 127 in
// headers where we read windows-1252, takes backslashes out of Windows paths,
// and keeps NUL and CR LF.
func alike(got, want string) bool {
	want = strings.NewReplacer("\r\n", "\n", "\x00", "", `\`, "").Replace(want)
	got = strings.ReplaceAll(got, `\`, "")
	return slices.EqualFunc([]rune(got), []rune(want), func(a, b rune) bool {
		return a == b || b == utf8.RuneError
	})
}

func alikeAddresses(got, want []mail.Address) bool {
	return slices.EqualFunc(got, want, func(a, b mail.Address) bool {
		return alike(a.Name, b.Name) && alike(a.Address, b.Address)
	})
}

func alikeAttachments(got []Attachment, want []string) bool {
	return slices.EqualFunc(got, want, func(a Attachment, b string) bool {
		return alike(a.Filename+" ", b) || alike(fmt.Sprintf("%s %d %s", a.Filename, a.Size, a.SHA256), b)
	})
}

// difference is in which fields a mail differs from the reference, and why.
type difference struct{ fields, reason string }

// differences from the reference that are meant, or that no reader could
// settle.
var differences = map[string]difference{
	"malformed/001.eml":  {"attachments text", "unclosed: the reference makes an attachment of an unclosed last part, we show it"},
	"malformed/002.eml":  {"attachments text", "unclosed"},
	"malformed/003.eml":  {"attachments text", "unclosed"},
	"malformed/004.eml":  {"attachments text", "unclosed"},
	"malformed/006.eml":  {"attachments text", "unclosed"},
	"malformed/007.eml":  {"attachments", "unclosed"},
	"malformed/008.eml":  {"attachments html", "unclosed"},
	"malformed/009.eml":  {"attachments text", "outer delimiter: it ends the inner multipart (RFC 2046 section 5.1.2); the reference reads on"},
	"malformed/011.eml":  {"attachments text", "outer delimiter"},
	"malformed/012.eml":  {"attachments", "outer delimiter"},
	"malformed/016.eml":  {"attachments text", "outer delimiter"},
	"malformed/017.eml":  {"attachments", "Content-Disposition without a value: we keep its file name"},
	"malformed/019.eml":  {"attachments html text", "several HTML texts in multipart/alternative: the last counts, the reference joins them"},
	"malformed/020.eml":  {"html text", "two Content-Types run together: the first counts, the reference takes the last"},
	"malformed/021.eml":  {"html text", "two Content-Types run together"},
	"thirdparty/000.eml": {"attachments text", "two texts in multipart/alternative: the last counts, the reference joins them"},
	"thirdparty/001.eml": {"attachments text", "two texts in multipart/alternative"},
	"thirdparty/002.eml": {"attachments text", "garbage in base64 decodes to other garbage"},
	"thirdparty/005.eml": {"text", "the reference finds a delimiter in the middle of a line"},
	"thirdparty/015.eml": {"attachments", "outer delimiter: the reference reads on within a nested message"},
}

// floors are the agreements that were reached: of all mails, and of those that
// are not malformed on purpose.
var floors = map[string]struct{ all, formed int }{
	"subject":     {100, 100},
	"from":        {100, 100},
	"to":          {100, 100},
	"cc":          {100, 100},
	"text":        {85, 95},
	"html":        {96, 100},
	"attachments": {84, 95},
}

func TestCorpusAgreesWithReference(t *testing.T) {
	t.Parallel()
	all, formed := make(map[string]int), make(map[string]int)
	files := corpusFiles(t, "mail-parser")
	nFormed := 0
	for _, file := range files {
		name := filepath.ToSlash(strings.TrimPrefix(file, filepath.FromSlash(corpusRoot+"/mail-parser/")))
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		encoded, err := os.ReadFile(strings.TrimSuffix(file, ".eml") + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var ref reference
		if err := json.Unmarshal(encoded, &ref); err != nil {
			t.Fatal(err)
		}
		malformed := strings.HasPrefix(name, "malformed/")
		if !malformed {
			nFormed++
		}
		// The reference was made from the mails without CR.
		m := parseBytes(t, bytes.ReplaceAll(raw, []byte("\r"), nil))
		for field, ok := range compare(m, &ref) {
			if known := differences[name]; ok == slices.Contains(strings.Fields(known.fields), field) {
				t.Errorf("%s: %s agrees with the reference: %t, and what is listed is %+v", name, field, ok, known)
			}
			if ok {
				all[field]++
			}
			if ok && !malformed {
				formed[field]++
			}
		}
	}
	total := 0
	for field, floor := range floors {
		total += all[field]
		a, f := 100*all[field]/len(files), 100*formed[field]/nFormed
		t.Logf("%-11s %3d %% of %d, %3d %% of the %d that are not malformed", field, a, len(files), f, nFormed)
		if a < floor.all || f < floor.formed {
			t.Errorf("%s: agreement %d %% and %d %%, want %d and %d", field, a, f, floor.all, floor.formed)
		}
	}
	if total = 100 * total / (len(files) * len(floors)); total < 95 {
		t.Errorf("agreement over all fields %d %%, want 95", total)
	}
	t.Logf("%-11s %3d %%", "together", total)
}

// compare says in which fields a message agrees with the reference.
func compare(m *Message, ref *reference) map[string]bool {
	var subject, text, html string
	ref.value(0, "subject", "Text", &subject)
	if m.Text != nil {
		text = m.Text.Content
	}
	if m.HTML != nil {
		html = m.HTML.Content
	}
	return map[string]bool{
		"subject":     alike(m.Subject, subject),
		"from":        alikeAddresses(m.From, ref.addresses("from")),
		"to":          alikeAddresses(m.To, ref.addresses("to")),
		"cc":          alikeAddresses(m.Cc, ref.addresses("cc")),
		"text":        alike(text, ref.body(ref.TextBody, "Text")),
		"html":        alike(html, ref.body(ref.HTMLBody, "Html")),
		"attachments": alikeAttachments(m.Attachments, ref.attachments()),
	}
}

package schema_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/mime"
	"github.com/postern-mail/postern/gateway/internal/payload"
	"github.com/postern-mail/postern/gateway/internal/payload/schema"
	"github.com/postern-mail/postern/gateway/internal/payload/schema/schematest"
)

func TestVersion(t *testing.T) {
	t.Parallel()
	root, _ := outline(t)
	if schema.Version != payload.Schema {
		t.Errorf("the schema is of version %s, the payload of %s", schema.Version, payload.Schema)
	}
	for _, s := range []string{root.ID, root.Title} {
		if !strings.Contains(s, schema.Version) {
			t.Errorf("%q does not say version %s", s, schema.Version)
		}
	}
	if root.Schema != "https://json-schema.org/draft/2020-12/schema" {
		t.Errorf("$schema = %s", root.Schema)
	}
}

// TestMembersAreDescribed holds that a reader of the schema learns of each member what
// it means, of what type it is, and how it looks.
func TestMembersAreDescribed(t *testing.T) {
	t.Parallel()
	root, defs := outline(t)
	for _, p := range root.all() {
		element := strings.HasSuffix(p.Path, "[]")
		if len(p.Type) == 0 && len(p.AnyOf) == 0 || !element && p.Description == "" {
			t.Errorf("%q has no type or no description", p.Path)
		}
		if (p.leaf() && !element) != (len(p.Examples) > 0) {
			t.Errorf("%s has %d examples", p.Path, len(p.Examples))
		}
		if object := slices.Contains(p.Type, "object"); object != (p.AdditionalProperties != nil && *p.AdditionalProperties) {
			t.Errorf("%q is open to further members: %v", p.Path, p.AdditionalProperties)
		}
		for _, name := range p.Required {
			if !slices.ContainsFunc(p.Places, func(child place) bool { return strings.HasSuffix("."+child.Path, "."+name) }) {
				t.Errorf("%s requires %s, which it does not describe", p.Path, name)
			}
		}
	}
	for _, d := range defs {
		if d.Title == "" || !strings.Contains(schema.Text(), `"#/$defs/`+d.Name+`"`) {
			t.Errorf("the definition %s has no title, or nothing refers to it", d.Name)
		}
	}
}

// TestExamplesFit holds the schema's examples to the schema.
func TestExamplesFit(t *testing.T) {
	t.Parallel()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(schema.Text()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	c.AssertContent()
	if err := c.AddResource("s.json", doc); err != nil {
		t.Fatal(err)
	}
	root, _ := outline(t)
	for _, p := range root.all() {
		for _, example := range p.Examples {
			compiled, err := c.Compile("s.json#" + p.At)
			if err != nil {
				t.Fatal(err)
			}
			v, err := jsonschema.UnmarshalJSON(bytes.NewReader(example))
			if err != nil {
				t.Fatal(err)
			}
			if err := compiled.Validate(v); err != nil {
				t.Errorf("%s: example %s: %v", p.Path, example, err)
			}
		}
	}
}

// TestWarningCodes holds that the schema lists the codes that there are.
func TestWarningCodes(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "../../mime/structure/notes.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(spec.Names[0].Name, "Warn") {
			code, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Error(err)
			}
			want = append(want, code)
		}
		return true
	})
	root, _ := outline(t)
	var got []string
	for _, p := range root.all() {
		if p.Path == "parse_warnings[].code" {
			for _, choice := range p.AnyOf {
				if choice.Description == "" {
					t.Errorf("code %v is not described", choice.Const)
				}
				if code, ok := choice.Const.(string); ok {
					got = append(got, code)
				}
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
		t.Errorf("codes (-mime +schema):\n%s", diff)
	}
}

// bareMails say as little as mails of their kind can.
func bareMails() map[string]string {
	report := func(kind, fields string) string {
		return "Sender: Alice\r\nContent-Type: multipart/report; boundary=b\r\n\r\n--b\r\nContent-Type: message/" + kind + "\r\n\r\n" + fields + "\r\n--b--\r\n"
	}
	return map[string]string{
		"bare delivery status": report("delivery-status", "Action: failed\r\n"),
		"bare feedback":        report("feedback-report", ""),
		"bare disposition":     report("disposition-notification", ""),
		"bare calendar":        "Content-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\n",
	}
}

// payloads returns the payloads of the golden mails and the bare ones by their names,
// as the gateway makes them before any plugin's work. Of each mail's attachments the
// first is infected, the second was not scanned, the others are clean; what is not small
// is given by URL.
func payloads(t *testing.T) map[string][]byte {
	t.Helper()
	out := make(map[string][]byte)
	for _, folder := range []string{"../testdata", "../../mime/testdata"} {
		files, err := filepath.Glob(filepath.Join(folder, "*.eml"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no mails in %s: %v", folder, err)
		}
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			out[file] = render(t, raw, "1.5.1", mail.Envelope{
				ReversePath: "bounces+42@example.com",
				Session:     mail.Session{Listener: "mx", HELO: "mail.example.com", RemoteIP: netip.MustParseAddr("192.0.2.7")},
			})
		}
	}
	for name, raw := range bareMails() {
		out[name] = render(t, []byte(raw), "", mail.Envelope{})
	}
	return out
}

func render(t *testing.T, raw []byte, engineVersion string, envelope mail.Envelope) []byte {
	t.Helper()
	m, err := mime.Parse(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(raw)
	virus := &payload.VirusScan{Scanned: true, Engine: "clamav", EngineVersion: engineVersion}
	for i := range m.Attachments {
		virus.Attachments = append(virus.Attachments, []payload.AttachmentScan{payload.Infected, payload.Skipped, payload.Clean}[min(i, 2)])
	}
	doc := payload.Build(m, payload.Facts{
		ID: "msg_01KAN2Y8Q6W6Z3E2B7ZV0M9D4C_1", Tenant: "acme", Alias: "*", Recipient: "support@acme.test", Envelope: envelope,
		ReceivedAt: time.Date(2026, 2, 12, 10, 30, 2, 345e6, time.UTC), SHA256: hex.EncodeToString(sum[:]), Virus: virus,
	})
	place := payload.Placement{MaxInlineSize: 50, Overflow: payload.ByURL}
	if _, err := payload.PlaceContent(doc, place, func(document.Part) string { return "https://mx1.example.com/attachments/x.y" }); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := payload.Render(&b, doc, bytes.NewReader(raw)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// plugins are the members that plugins make, with all below them.
func plugins(path string) bool {
	return path == "message.content.markdown" || strings.HasPrefix(path+".", "classification.") || strings.HasPrefix(path+".", "spam.")
}

// TestSchemaIsThePayload holds that the schema names each member that the gateway
// makes, and no other: each is in some payload, with each of its types.
func TestSchemaIsThePayload(t *testing.T) {
	t.Parallel()
	exact := schematest.Compile(t, schematest.Exact)
	made := make(map[string]bool)
	for file, text := range payloads(t) {
		if err := exact.Check(text); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		visit(parse(t, text), func(path string, v any) { made[path+" "+kind(v)] = true })
	}
	// SMTP has no mail without a recipient; that text beyond the bound is not read is for
	// the tests of mime.
	made["message.recipient.email null"], made["message.textParts[].charset null"] = true, true
	root, _ := outline(t)
	for _, p := range root.all() {
		for _, typ := range p.Type {
			if !made[p.Path+" "+typ] && !plugins(p.Path) {
				t.Errorf("%q is %s in no payload", p.Path, typ)
			}
		}
	}
}

// TestSchemaRefuses holds that the schema says something about each member: a payload
// without it does not fit, nor does one with another type in its place.
func TestSchemaRefuses(t *testing.T) {
	t.Parallel()
	text := payloads(t)[filepath.Join("../testdata", "full.eml")]
	published, shaped, exact := schematest.Compile(t, schematest.Published), schematest.Compile(t, schematest.Shaped), schematest.Compile(t, schematest.Exact)
	check := func(s *schematest.Schema, v any) error {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return s.Check(b)
	}
	root := parse(t, text)
	visit(root, func(path string, v any) {
		object, ok := v.(map[string]any)
		if !ok {
			return
		}
		for _, name := range slices.Sorted(maps.Keys(object)) {
			at, value := strings.TrimPrefix(path+"."+name, "."), object[name]
			object[name] = 1.5 // no member of this mail is a number but for sizes, which are whole
			if check(shaped, root) == nil {
				t.Errorf("%s may be a number", at)
			}
			delete(object, name)
			optional := at == "security" || at == "message.attachments[].url" || at == "message.attachments[].virusScan" && object["excluded"] == nil
			if err := check(published, root); (err == nil) != optional {
				t.Errorf("without %s: %v", at, err)
			}
			if err := check(shaped, root); err != nil {
				t.Errorf("shaped, without %s: %v", at, err)
			}
			object[name] = value
		}
		object["further"] = []any{1}
		if err := check(published, root); err != nil {
			t.Errorf("%q with a further member: %v", path, err)
		}
		if check(exact, root) == nil {
			t.Errorf("%q may have a further member", path)
		}
		delete(object, "further")
	})
	if err := check(exact, root); err != nil {
		t.Errorf("what was changed was not changed back: %v", err)
	}
}

// TestSchemaRefusesValues holds the forms of values that a type does not say.
func TestSchemaRefusesValues(t *testing.T) {
	t.Parallel()
	published, exact := schematest.Compile(t, schematest.Published), schematest.Compile(t, schematest.Exact)
	text := string(payloads(t)[filepath.Join("../testdata", "full.eml")])
	for before, after := range map[string]string{ // the first place of each in the text
		`"timestamp":"2026-02-12T10:30:02.345Z"`: `"timestamp":"2026-02-12T10:30:02Z"`,
		`"date":"2026-02-12T10:30:00.000Z"`:      `"date":"2026-02-30T10:30:00.000Z"`,
		`"id":"msg_01K`:                          `"id":"msg_01L`, // no letter of ids
		`"schema":"1.0"`:                         `"schema":"2.0"`,
		`"contentHash":"`:                        `"contentHash":"A`,
		`"content":"`:                            `"content":"*`, // no base64
		`"status":"clean"`:                       `"status":"fine"`,
		`"contentId":null`:                       `"contentId":""`,
		`"part":"1.2"`:                           `"part":"1."`,
		`"safeFilename":"`:                       `"safeFilename":"../`,
		`"url":"https://mx1`:                     `"url":"//mx1`, // no URI
		`,"excludeReason":"virus-detected"`:      ``,
	} {
		changed := strings.Replace(text, before, after, 1)
		if changed == text {
			t.Errorf("there is no %s in %s", before, text)
		} else if published.Check([]byte(changed)) == nil {
			t.Errorf("it may be %s", after)
		}
	}
	warned := strings.Replace(text, `"parse_warnings":[]`, `"parse_warnings":[{"code":"of_a_later_version","part":null,"text":"x"}]`, 1)
	if err := published.Check([]byte(warned)); err != nil || exact.Check([]byte(warned)) == nil {
		t.Errorf("a code that is not listed: %v", err)
	}
	if published.Check([]byte(strings.Replace(warned, "of_a", "of a", 1))) == nil {
		t.Error("a code may be any text")
	}
	if published.Check([]byte(text[1:])) == nil {
		t.Error("it may be no JSON")
	}
}

func parse(t *testing.T, text []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// visit calls f on a value and all below it, with their paths.
func visit(v any, f func(path string, v any)) { visitAt("", v, f) }

func visitAt(path string, v any, f func(path string, v any)) {
	f(path, v)
	switch v := v.(type) {
	case map[string]any:
		for name, child := range v {
			visitAt(strings.TrimPrefix(path+"."+name, "."), child, f)
		}
	case []any:
		for _, child := range v {
			visitAt(path+"[]", child, f)
		}
	}
}

// kind names the type of a value as a schema does.
func kind(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case float64:
		if v == float64(int64(v)) {
			return "integer"
		}
		return "number"
	case map[string]any:
		return "object"
	case []any:
		return "array"
	}
	return fmt.Sprintf("%T", v)
}

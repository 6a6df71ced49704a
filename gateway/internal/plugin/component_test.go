package plugin_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/plugin"
	"github.com/postern-mail/postern/gateway/internal/sandbox"
)

const (
	conformance = "../../../wit/conformance"
	firstParty  = "../../../plugins"
)

// outcome is what a run came to, as wit/conformance prints it.
type outcome struct {
	Payload     any      `json:"payload"`
	Permissions []string `json:"permissions"`
	Dropped     *string  `json:"dropped"`
	Quarantined *string  `json:"quarantined"`
	Log         []line   `json:"log"`
	Error       *string  `json:"error"`
	Trapped     bool     `json:"trapped"`
}

type line struct {
	Level   string      `json:"level"`
	Message string      `json:"message"`
	Fields  [][2]string `json:"fields"`
}

// TestComponents holds that plugins are WebAssembly components by the judgement of
// public tools, and that a host which shares no code with the gateway makes the
// same of the same mails.
func TestComponents(t *testing.T) {
	t.Parallel()
	node := requireNode(t)
	list := deliveries(t)
	large := deliver(t, "large.eml", []byte(rawMail()), `{"score":1,"action":"no action","symbols":{}}`)
	for name, tc := range map[string]struct {
		dir     string
		options []string
		write   []string
	}{
		"classify": {firstParty + "/classify", []string{`{}`, `{"unknown":1}`}, []string{"/classification"}},
		"spam":     {firstParty + "/spam", []string{`{}`, `{"threshold":6.5}`, `{"threshold":-1}`}, []string{"/spam"}},
		"markdown": {firstParty + "/markdown", []string{`{}`, `{"links":false,"images":false}`}, []string{"/message/content/markdown"}},
		"payload":  {firstParty + "/payload", shapes(t), []string{""}},
		"crm":      {"../../../examples/plugin-go-crm", []string{`{"account":"acme"}`, `{}`}, []string{"/crm"}},
		"probe": {"testdata/probe", []string{
			`{}`, `{"do":"drop"}`, `{"do":"quarantine"}`, `{"do":"outside"}`, `{"do":"talk"}`,
			`{"do":"fail"}`, `{"do":"panic"}`, `{"do":"exit"}`, `{"do":"refuse"}`,
		}, []string{"/probe", "/gone"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wasm := build(t, tc.dir)
			var want []outcome
			var names, fixtures []string
			edited := false
			for i, options := range tc.options {
				mails := list
				if i == 0 {
					mails = append(slices.Clone(list), large)
				}
				want = append(want, inGateway(t, granted(t, wasm, options, tc.write), mails...)...)
				for _, d := range mails {
					unedited := decode[any](t, shown(t, d.document))
					edited = edited || !cmp.Equal(want[len(names)].Payload, unedited)
					names = append(names, d.name+" with options "+options)
					fixtures = append(fixtures, fixture(t, d, options, tc.write))
				}
			}
			if !edited {
				t.Error("it edits no mail: there is nothing to compare")
			}
			component := filepath.Join(t.TempDir(), "component.wasm")
			for i, got := range inNode(t, node, wasm, fixtures, "COMPONENT_FILE="+component) {
				if diff := cmp.Diff(want[i], got); diff != "" {
					t.Errorf("%s: -gateway +Node\n%s", names[i], diff)
				}
			}
			// The component that was made of it does the same here.
			wrapped, err := os.ReadFile(component)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want[:len(list)], inGateway(t, granted(t, wrapped, tc.options[0], tc.write), list...)); diff != "" {
				t.Errorf("-module +component\n%s", diff)
			}
		})
	}
}

// TestComponentEdits holds both hosts to what the contract says about edits.
func TestComponentEdits(t *testing.T) {
	t.Parallel()
	node := requireNode(t)
	type edit struct {
		Do      string `json:"do"`
		Pointer string `json:"pointer"`
		Value   string `json:"value"`
		want    string
	}
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	edits := []edit{
		{"get", "/crm", "", "none"},
		{"set", "/crm", `{"b":1.10,"a":[1,2,3],"__proto__":{},"7":0}`, "done"},
		{"get", "/crm", "", `{"b":1.10,"a":[1,2,3],"__proto__":{},"7":0}`},
		{"get", "/crm/a/1", "", "2"},
		{"get", "/crm/a/01", "", "none"},
		{"get", "/crm/a/-", "", "none"},
		{"get", "/crm/a/length", "", "none"},
		{"get", "/crm/constructor", "", "none"},
		{"get", "/crm/b/x", "", "none"},
		{"get", "crm", "", "bad-pointer"},
		{"get", "/crm/~2", "", "bad-pointer"},
		{"get", "/crm~", "", "bad-pointer"},
		{"get", "/crmx", "", "forbidden"},
		{"get", "/other", "", "forbidden"},
		{"get", "", "", "forbidden"},
		{"set", "/other", "1", "forbidden"},
		{"set", "other", "1", "bad-pointer"},
		{"set", "", "{}", "forbidden"},
		{"set", "/crm/a/-", `"end"`, "done"},
		{"set", "/crm/a/4", "5", "bad-pointer"},
		{"set", "/crm/a/x", "5", "bad-pointer"},
		{"set", "/crm/a/0", "null", "done"},
		{"set", "/crm/none/x", "1", "bad-pointer"},
		{"set", "/crm/b/x", "1", "bad-pointer"},
		{"set", "/crm/~1~0", `"\ud83d\ude00"`, "done"},
		{"set", "/crm/", "12345678901234567890", "done"},
		{"set", "/crm/x", "", "bad-value"},
		{"set", "/crm/x", "{", "bad-value"},
		{"set", "/crm/x", "1 2", "bad-value"},
		{"set", "/crm/x", "01", "bad-value"},
		{"set", "/crm/x", ".5", "bad-value"},
		{"set", "/crm/x", "NaN", "bad-value"},
		{"set", "/crm/x", "[1,]", "bad-value"},
		{"set", "/crm/x", `{"a":1,}`, "bad-value"},
		{"set", "/crm/x", `{"a":1,"\u0061":2}`, "bad-value"},
		{"set", "/crm/x", `"\ud800"`, "bad-value"},
		{"set", "/crm/x", `"\udc00\ud800"`, "bad-value"},
		{"set", "/crm/x", `"\x"`, "bad-value"},
		{"set", "/crm/x", "\"\t\"", "bad-value"},
		{"set", "/crm/x", `"open`, "bad-value"},
		{"set", "/crm/x", " \t\r\n1e400 ", "done"},
		{"set", "/crm/deep", deep(98), "done"},
		{"set", "/crm/deep", deep(99), "bad-value"},
		{"set", "/crm/deep", deep(101), "bad-value"},
		{"remove", "/crm/deep", "", "done"}, // go-cmp takes its time over it
		{"remove", "/crm/a/1", "", "done"},
		{"remove", "/crm/a/3", "", "bad-pointer"},
		{"remove", "/crm/a/-", "", "bad-pointer"},
		{"remove", "/crm/none", "", "bad-pointer"},
		{"remove", "/crm/none/x", "", "bad-pointer"},
		{"remove", "/subject", "", "forbidden"},
		{"remove", "", "", "forbidden"},
		{"set", "/id", `"forged"`, "forbidden"},
		{"set", "/integrity/contentHash", `"forged"`, "forbidden"},
		{"remove", "/id", "", "done"},
		{"remove", "/integrity/rawEmailHash", "", "done"},
		{"get", "/message/attachments/0/filename", "", `"invoice-2026-0042.pdf"`},
		{"get", "/message/attachments/0/$part", "", "none"},
		{"set", "/message/attachments/0/$part", "0", "forbidden"},
		{"remove", "/message/attachments/0/$part", "", "forbidden"},
		{"set", "/message/attachments/0/content", `"forged"`, "bad-value"},
		{"get", "/message/attachments/0/content", "", "none"},
		{"set", "/message/attachments/-", `{"$part":0}`, "bad-value"},
		{"set", "/message/attachments/0", `{"$part":1}`, "bad-value"},
		{"set", "/message/attachments/0", `{"$part":"0"}`, "bad-value"},
		{"set", "/crm/x", `{"$part":0}`, "bad-value"},
		{"set", "/message/attachments/0", `{"name":"mine","$part":0}`, "done"},
		{"set", "/message/attachments/-", `{"content":"bWluZQ=="}`, "done"},
		{"get", "/message/attachments", "", `[{"name":"mine","$part":0},{"content":"bWluZQ=="}]`},
	}
	encoded, err := json.Marshal(edits)
	if err != nil {
		t.Fatal(err)
	}
	wasm := build(t, conformance+"/editor")
	writable := []string{"/crm", "/id", "/integrity", "/message/attachments"}
	d := deliver(t, "invoice.eml", exampleMail(t, "invoice.eml"), "")
	after := fmt.Sprintf(`{"edits":%s}`, encoded)
	failing := fmt.Sprintf(`{"edits":%s,"fail":"not so"}`, encoded)

	got := inNode(t, node, wasm, []string{fixture(t, d, after, writable), fixture(t, d, failing, writable)})
	for i, options := range []string{after, failing} {
		want := inGateway(t, granted(t, wasm, options, writable), d)
		if diff := cmp.Diff(want[0], got[i]); diff != "" {
			t.Errorf("-gateway +Node\n%s", diff)
		}
		if len(got[i].Log) != len(edits) {
			t.Fatalf("%d of %d edits were made", len(got[i].Log), len(edits))
		}
		for j, e := range edits {
			if got[i].Log[j].Message != e.want {
				t.Errorf("%s %q %q came to %s, want %s", e.Do, e.Pointer, e.Value, got[i].Log[j].Message, e.want)
			}
		}
	}
	if got[1].Error == nil || *got[1].Error != "not so" || !cmp.Equal(got[1].Payload, decode[any](t, shown(t, d.document))) {
		t.Errorf("of a run that failed something stays: %v", got[1].Payload)
	}
}

// TestComponentRefused holds that the tools do look at types: a module that is not
// what the contract says does not become a component.
func TestComponentRefused(t *testing.T) {
	t.Parallel()
	node := requireNode(t)
	wasm, err := probe()
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		old, changed string // names in the module, each with its length
		fixture      string
		want         string
	}{
		"another type":      {"\x18postern:plugin/raw@0.1.0\x04size", "\x18postern:plugin/raw@0.1.0\x04read", "{}", "type mismatch for function `read`"},
		"an unknown import": {"postern:plugin/headers@0.1.0", "postern:plugin/heaters@0.1.0", "{}", "heaters"},
		"another version":   {"postern:plugin/transformer@0.1.0#transform", "postern:plugin/transformer@0.9.0#transform", "{}", "transform"},
		"no module":         {"\x00asm", "\x00wat", "{}", "is no plugin of this contract"},
		"an unknown member": {"", "", `{"headers":[]}`, `fixture has no member "headers"; it has Envelope, Headers,`},
		"a member's type":   {"", "", `{"Scans":[{},{"Part":"1"}]}`, "fixture.Scans[1].Part is to be a number"},
		"no base64":         {"", "", `{"Raw":"?"}`, "fixture.Raw is to be octets in base64"},
		"no JSON":           {"", "", `{"Raw":`, "JSON at 7: a value is missing"},
		"no JSON Pointer":   {"", "", `{"Write":["crm"]}`, "fixture.Write[0] is to be a JSON Pointer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			module, mail := filepath.Join(dir, "plugin.wasm"), filepath.Join(dir, "mail.json")
			changed := bytes.ReplaceAll(wasm, []byte(tc.old), []byte(tc.changed))
			if tc.old == "" {
				changed = wasm
			} else if bytes.Equal(changed, wasm) {
				t.Fatalf("the probe has no %q", tc.old)
			}
			writeFile(t, module, changed)
			writeFile(t, mail, []byte(tc.fixture))
			out, err := exec.CommandContext(t.Context(), node, conformance+"/conformance.mjs", module, mail).CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(string(out), tc.want) {
				t.Errorf("%v, %q; want an exit of 1, and %q", err, out, tc.want)
			}
		})
	}
}

// requireNode finds Node and what npm installs beside the script.
func requireNode(t *testing.T) string {
	t.Helper()
	node, err := exec.LookPath("node")
	lacking := "node"
	if err == nil {
		_, err = os.Stat(conformance + "/node_modules/@bytecodealliance/jco")
		lacking = "@bytecodealliance/jco: run npm ci --prefix wit/conformance"
	}
	if err == nil {
		return node
	}
	if os.Getenv("POSTERN_TEST_REQUIRE") == "1" {
		t.Fatalf("missing: %s", lacking)
	}
	t.Skipf("missing: %s", lacking)
	return ""
}

// inGateway runs a plugin in the gateway's own host, on each delivery.
func inGateway(t *testing.T, cfg plugin.Config, list ...delivery) []outcome {
	t.Helper()
	permissions := asksFor(t, cfg)
	p, loadErr := plugin.Load(t.Context(), cfg)
	if loadErr == nil {
		defer p.Close(t.Context())
	}
	outcomes := make([]outcome, len(list))
	for i, d := range list {
		res, err := plugin.Result{Document: d.document}, loadErr
		if err == nil {
			res, err = p.Run(t.Context(), d.mail, d.document)
		}
		o := outcome{Payload: decode[any](t, shown(t, res.Document)), Permissions: permissions, Log: []line{}}
		switch res.Verdict {
		case plugin.Drop:
			o.Dropped = &res.Reason
		case plugin.Quarantine:
			o.Quarantined = &res.Reason
		case plugin.Continue:
		}
		for _, l := range res.Log {
			o.Log = append(o.Log, line{l.Level, l.Message, append([][2]string{}, l.Fields...)})
		}
		if err != nil {
			text := strings.TrimPrefix(err.Error(), fmt.Sprintf("plugin %q: ", cfg.Name))
			var trap *sandbox.Trap
			o.Error, o.Trapped = &text, errors.As(err, &trap)
		}
		outcomes[i] = comparably(o)
	}
	return outcomes
}

// comparably leaves out of a trap what is the runtime's own: its words, and the
// addresses that the guest's stack shows.
func comparably(o outcome) outcome {
	if o.Trapped {
		o.Error = nil
		o.Log = o.Log[:min(1, len(o.Log))]
	}
	return o
}

// inNode runs a plugin in Node on fixtures.
func inNode(t *testing.T, node string, wasm []byte, fixtures []string, environ ...string) []outcome {
	t.Helper()
	module := filepath.Join(t.TempDir(), "plugin.wasm")
	writeFile(t, module, wasm)
	cmd := exec.CommandContext(t.Context(), node, append([]string{conformance + "/conformance.mjs", module}, fixtures...)...)
	cmd.Env = append(os.Environ(), environ...)
	var failed bytes.Buffer
	cmd.Stderr = &failed
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, failed.String())
	}
	lines := bytes.Split(bytes.TrimSuffix(out, []byte("\n")), []byte("\n"))
	if len(lines) != len(fixtures) {
		t.Fatalf("%d results of %d fixtures", len(lines), len(fixtures))
	}
	list := make([]outcome, len(lines))
	for i, l := range lines {
		list[i] = comparably(decode[outcome](t, string(l)))
	}
	return list
}

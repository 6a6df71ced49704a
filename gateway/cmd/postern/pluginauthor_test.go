package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/plugin/project"
)

// begin makes a project by "plugin new", and returns its folder.
func begin(t *testing.T, language, name string) string {
	t.Helper()
	if _, err := project.Files(language, name); errors.Is(err, project.ErrNotBuilt) {
		missing(t, "what projects are made with; run make plugins")
	}
	dir := filepath.Join(t.TempDir(), name)
	inFolder(t, "", "postern", "plugin", "new", "--lang", language, dir)
	return dir
}

// inFolder runs a program that is to end well, and returns what it prints. Go is to find
// everything on this machine.
func inFolder(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOPROXY=off", "GOFLAGS=", "TEST_WEBHOOK_SECRET="+testSecret)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %s %s: %v\n%s%s", dir, name, strings.Join(args, " "), err, out, said.String())
	}
	return string(out)
}

// shellBlocks runs the commands that a README shows, in its folder, as they stand. Those
// that would serve for ever, or install what is there already, are left out.
func shellBlocks(t *testing.T, dir string, leftOut ...string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllSubmatch(content, -1) {
		for line := range strings.Lines(string(block[1])) {
			line = strings.TrimSpace(line)
			if slices.ContainsFunc(leftOut, func(s string) bool { return strings.HasPrefix(line, s) }) {
				continue
			}
			count++
			inFolder(t, dir, "sh", "-ec", line)
		}
	}
	if count < 3 {
		t.Errorf("%s shows %d commands", dir, count)
	}
}

// runCases runs a module on the cases of a project, and compares what comes of each.
func runCases(t *testing.T, dir, wasm string) {
	t.Helper()
	cases := filepath.Join(dir, "testdata", "cases")
	var settings struct {
		Options json.RawMessage `json:"options"`
		Write   []string        `json:"write"`
	}
	decodeFile(t, filepath.Join(cases, "case.json"), &settings)
	mails, err := filepath.Glob(filepath.Join(cases, "*", "mail.eml"))
	if err != nil || len(mails) < 2 {
		t.Fatalf("%s has %d cases, %v", dir, len(mails), err)
	}
	for _, mail := range mails {
		var want struct {
			Verdict string         `json:"verdict"`
			Payload map[string]any `json:"payload"`
		}
		decodeFile(t, filepath.Join(filepath.Dir(mail), "expected.json"), &want)
		args := []string{"plugin", "run", "--json", wasm, mail}
		if settings.Options != nil {
			args = append(args, "--options", string(settings.Options))
		}
		for _, pointer := range settings.Write {
			args = append(args, "--write", pointer)
		}
		var got struct {
			Verdict       string
			Before, After map[string]any
			Permissions   []string
		}
		if err := json.Unmarshal([]byte(inFolder(t, dir, "postern", args...)), &got); err != nil {
			t.Fatal(err)
		}
		maps.Copy(got.Before, want.Payload)
		if diff := cmp.Diff(got.Before, got.After); diff != "" || got.Verdict != want.Verdict || len(want.Payload) == 0 {
			t.Errorf("%s: verdict %s, payload -want +got\n%s", mail, got.Verdict, diff)
		}
		if permissions := []string{"headers", "payload"}; !slices.Equal(got.Permissions, permissions) {
			t.Errorf("it asks for %v, want %v", got.Permissions, permissions)
		}
	}
}

func decodeFile(t *testing.T, file string, into any) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(content, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// TestNewGoProject makes a project, and does with it what its README says, without a
// network.
func TestNewGoProject(t *testing.T) {
	t.Parallel()
	dir := begin(t, "go", "acme-tags")
	shellBlocks(t, dir, "postern serve")
	runCases(t, dir, "acme-tags.wasm")

	// By the README's own go build it is the same.
	var first, second inspected
	decode := func(text string, into *inspected) {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
	}
	decode(inFolder(t, dir, "postern", "plugin", "inspect", "--json", "acme-tags.wasm"), &first)
	decode(inFolder(t, "", "postern", "plugin", "build", "--json", dir, "-o", filepath.Join(dir, "again.wasm")), &second)
	if first.SHA256 != second.SHA256 || first.SHA256 == "" {
		t.Errorf("it was built as %s, and again as %s", first.SHA256, second.SHA256)
	}
	// The example is built by it as its README says.
	decode(inFolder(t, filepath.Join(repository, "examples", "plugin-go-crm"), "postern", "plugin", "build", "--json", "-o",
		filepath.Join(dir, "acme-crm.wasm")), &second)
	if filepath.Base(second.Plugin) != "acme-crm.wasm" || !slices.Equal(second.Permissions, []string{"headers", "payload"}) {
		t.Errorf("the example was built as %+v", second)
	}

	// The vendor folder has what it needs and no more.
	if out := inFolder(t, dir, "go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "./..."); strings.Count(out, "\n") != 3 {
		t.Errorf("the plugin is made of\n%s", out)
	}
}

// TestJavaScriptPlugins builds and runs what "plugin new" makes, and the example. One
// after the other: a build takes half a GiB.
func TestJavaScriptPlugins(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			missing(t, program)
		}
	}
	// The packages are those of the conformance test, as project's tests hold.
	modules, err := filepath.Abs(filepath.Join(repository, "wit", "conformance", "node_modules"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(modules, "@bytecodealliance", "componentize-js")); err != nil {
		missing(t, "@bytecodealliance/componentize-js: run npm ci --prefix wit/conformance")
	}
	for _, tc := range []struct{ name, wasm string }{{"new", "acme-tags.wasm"}, {"example", "ticket.wasm"}} {
		t.Run(tc.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "project")
			if tc.name == "new" {
				dir = begin(t, "js", "acme-tags")
			} else {
				copyExample(t, "plugin-js-ticket", dir)
			}
			if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
				t.Fatal(err)
			}
			shellBlocks(t, dir, "npm ci", "postern serve", "postern check")
			runCases(t, dir, tc.wasm)
			// What it throws is what is told.
			out, err := exec.CommandContext(t.Context(), "postern", "plugin", "run", filepath.Join(dir, tc.wasm),
				filepath.Join(repository, "examples", "mails", "plain.eml"), "--write", "/other").CombinedOutput()
			if err == nil || !strings.Contains(string(out), "Result   failed: payload: forbidden") {
				t.Errorf("an edit that is not granted: %v\n%s", err, out)
			}
			out, err = exec.CommandContext(t.Context(), "postern", "plugin", "run", filepath.Join(dir, tc.wasm),
				filepath.Join(repository, "examples", "mails", "plain.eml"), "--options", `{"unknown":1}`).CombinedOutput()
			if err == nil || !strings.Contains(string(out), `configure: there is no option "unknown"`) {
				t.Errorf("an unknown option: %v\n%s", err, out)
			}
			if tc.name == "new" {
				inFolder(t, dir, "postern", "check", "-c", "postern.hcl")
			} else {
				checkBlock(t, dir, "plugin-js-ticket", tc.wasm)
			}
		})
	}
}

// TestMinimalPlugin assembles and runs the example in WAT.
func TestMinimalPlugin(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("wat2wasm"); err != nil {
		missing(t, "wat2wasm (Debian: wabt)")
	}
	dir := filepath.Join(t.TempDir(), "project")
	copyExample(t, "plugin-wat-minimal", dir)
	shellBlocks(t, dir)
	runCases(t, dir, "urgent.wasm")
	checkBlock(t, dir, "plugin-wat-minimal", "urgent.wasm")
	info, err := os.Stat(filepath.Join(dir, "urgent.wasm"))
	if err != nil || info.Size() > 2048 {
		t.Errorf("it has %v octets, %v; want 2048 at the most", info, err)
	}

	run := func(fields, write string) (ended string, urgent any) {
		t.Helper()
		mail := filepath.Join(dir, "mail.eml")
		if err := os.WriteFile(mail, []byte("Subject: Hi\n"+fields+"\nHello\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), "postern", "plugin", "run", "--json", "urgent.wasm", mail, "--write", write)
		cmd.Dir = dir
		out, _ := cmd.Output() // of a run that failed too
		var got struct {
			Error string
			After map[string]any
		}
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatalf("%v in %s", err, out)
		}
		return got.Error, got.After["urgent"]
	}
	for fields, want := range map[string]bool{
		"x-priority: 2\n":                              true,
		"X-Priority: 3\n":                              false,
		"X-Priority: 0\n":                              false,
		"X-Priority:\n":                                false,
		"X-Priority: high\nX-Priority: 1\n":            false, // the first counts
		"X-Priority: " + strings.Repeat("1", 300_000):  true,  // more than its memory is at first
		strings.Repeat("X-Priority: 1\n", 5000):        true,
		"X-Priority: \xf0\x9f\x98\x80\n":               false,
		"X-Priority: =?utf-8?q?1?=\nX-Priority: low\n": true,
	} {
		if failed, got := run(fields, "/urgent"); failed != "" || got != want {
			t.Errorf("%.60q: %v, %s; want %v", fields, got, failed, want)
		}
	}
	if failed, _ := run("", "/other"); failed != `/urgent is not granted: write = ["/urgent"]` {
		t.Errorf("with another place to write: %q", failed)
	}
	out, err := exec.CommandContext(t.Context(), "postern", "plugin", "run", filepath.Join(dir, "urgent.wasm"),
		filepath.Join(dir, "mail.eml"), "--options", `{"a":1}`).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "configure: there are no options") {
		t.Errorf("with options: %v\n%s", err, out)
	}
}

// copyExample copies an example, but for what git does not keep.
func copyExample(t *testing.T, name, to string) {
	t.Helper()
	from := filepath.Join(repository, "examples", name)
	list := inFolder(t, from, "git", "ls-files", "--cached", "--others", "--exclude-standard")
	for file := range strings.Lines(list) {
		file = strings.TrimSpace(file)
		content, err := os.ReadFile(filepath.Join(from, file))
		if err == nil {
			err = os.MkdirAll(filepath.Dir(filepath.Join(to, file)), 0o700)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(to, file), content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// checkBlock holds the block of an example's README to be right for its module, and to
// let it write what its cases do.
func checkBlock(t *testing.T, dir, example, wasm string) {
	t.Helper()
	hcl := block(t, filepath.Join("examples", example, "README.md"), "hcl")
	folder := configuration(t, "https://desk.example/hooks", "", hcl)
	content, err := os.ReadFile(filepath.Join(dir, wasm))
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, wasm), content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	inFolder(t, folder, "postern", "check", "-c", "postern.hcl")
	var settings struct {
		Write []string `json:"write"`
	}
	decodeFile(t, filepath.Join(dir, "testdata", "cases", "case.json"), &settings)
	for _, pointer := range settings.Write {
		if _, err := document.ParsePointer(pointer); err != nil || !strings.Contains(hcl, fmt.Sprintf("write  = [%q]", pointer)) {
			t.Errorf("the block does not let it write %s: %v\n%s", pointer, err, hcl)
		}
	}
}

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDocumentedTests runs what the example's README shows for its module, as it stands,
// in a copy of the example with the module in it: the cases, the measurement, the attack.
func TestDocumentedTests(t *testing.T) {
	t.Parallel()
	example := filepath.Join(repository, "examples", "plugin-go-crm")
	dir := filepath.Join(t.TempDir(), "plugin-go-crm")
	if err := os.CopyFS(dir, os.DirFS(example)); err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	build := regexp.MustCompile(`(?m)^GOOS=wasip1 GOARCH=wasm (go build .*) -o acme-crm.wasm \.$`).FindSubmatch(readme)
	if build == nil {
		t.Fatal("the README does not build it")
	}
	module, err := filepath.Abs(filepath.Join(dir, "acme-crm.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", string(build[1])+" -o '"+module+"' .")
	cmd.Dir = example // where its go.mod leads to the SDK
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	count := 0
	for _, m := range regexp.MustCompile(`(?m)^postern plugin (?:test|bench|attack).*$`).FindAllString(string(readme), -1) {
		count++
		cmd := exec.CommandContext(t.Context(), "sh", "-c", m)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", m, err, out)
		}
		if m == "postern plugin test" && !strings.Contains(string(out), "4 cases: 4 passed") {
			t.Errorf("%s says\n%s", m, out)
		}
	}
	if count != 3 {
		t.Errorf("%d commands were found", count)
	}
}

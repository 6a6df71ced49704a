package sdk_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestReadmeProgram builds what the README shows, and holds that it asks for the
// permissions that it uses and for no others: the linker drops the rest.
func TestReadmeProgram(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(readme), "```go\n")
	program, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("the README has no program")
	}
	sdk, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	const module = "github.com/postern-mail/postern/sdk/go"
	mod := "module example.com/tag\n\ngo 1.24\n\nrequire " + module + " v0.0.0\n\nreplace " + module + " => " + sdk + "\n"
	for name, content := range map[string]string{"main.go": program, "go.mod": mod} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w -buildid=", "-o", "tag.wasm", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	wasm, err := os.ReadFile(filepath.Join(dir, "tag.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{
		"headers": true, "payload": true, "envelope": false, "body": false, "attachments": false,
		"raw": false, "scans": false, "disposition": false, "log": false,
	} {
		if got := bytes.Contains(wasm, []byte("postern:plugin/"+name+"@0.1.0")); got != want {
			t.Errorf("the module imports %s: %v, want %v", name, got, want)
		}
	}
	for _, export := range []string{"#configure", "#transform"} {
		if !bytes.Contains(wasm, []byte("cabi_post_postern:plugin/transformer@0.1.0"+export)) {
			t.Errorf("the module exports no cabi_post of %s", export)
		}
	}
}

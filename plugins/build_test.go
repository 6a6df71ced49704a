package plugins_test

import (
	"crypto/sha256"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestReproducible builds every plugin from two copies of the sources, and holds
// the modules to be the same to the octet: whoever has the sources can see that
// a module is made of them.
func TestReproducible(t *testing.T) {
	t.Parallel()
	programs, err := filepath.Glob("*/main.go")
	if err != nil || len(programs) == 0 {
		t.Fatalf("no programs: %v", err)
	}
	here, elsewhere := copySources(t), copySources(t)
	for _, program := range programs {
		name := filepath.Dir(program)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if build(t, here, name) != build(t, elsewhere, name) {
				t.Error("two builds of the same sources differ")
			}
		})
	}
}

// copySources copies this module, and the SDK that it has beside it, into a new
// folder.
func copySources(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for _, module := range []string{"plugins", "sdk/go"} {
		if err := os.CopyFS(filepath.Join(root, module), os.DirFS(filepath.Join("..", module))); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// build builds a plugin as the README says, and returns the SHA-256 of the module.
func build(t *testing.T, root, name string) [sha256.Size]byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), name+".wasm")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-buildmode=c-shared", "-buildvcs=false",
		"-trimpath", "-ldflags=-s -w -buildid=", "-o", out, "./"+name)
	cmd.Dir = filepath.Join(root, "plugins")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	module, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return sha256.Sum256(module)
}

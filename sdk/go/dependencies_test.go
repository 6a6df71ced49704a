package sdk_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestDependencies holds that the SDK needs nothing but the standard library: it
// comes with every plugin of every tenant.
func TestDependencies(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"linux/amd64", "wasip1/wasm"} {
		goos, goarch, _ := strings.Cut(target, "/")
		cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "./...")
		cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", target, err)
		}
		list := strings.Fields(string(out))
		if len(list) < 3 {
			t.Errorf("%s: go list found %v", target, list)
		}
		for _, p := range list {
			if !strings.HasPrefix(p, "github.com/postern-mail/postern/sdk/go") {
				t.Errorf("%s: the SDK needs %s", target, p)
			}
		}
	}
}

package builtin

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestTable holds that the table names the plugins of the folder, all of them.
func TestTable(t *testing.T) {
	t.Parallel()
	programs, err := filepath.Glob("../../../../plugins/*/main.go")
	if err != nil || len(programs) == 0 {
		t.Fatalf("no plugins: %v", err)
	}
	var folders []string
	for _, p := range programs {
		folders = append(folders, filepath.Base(filepath.Dir(p)))
	}
	if names := slices.Sorted(slices.Values(Names())); !slices.Equal(folders, names) {
		t.Errorf("the table has %v, the folder %v", names, folders)
	}
}

func TestGet(t *testing.T) {
	t.Parallel()
	for _, name := range Names() {
		m, err := Get(name)
		if errors.Is(err, ErrNotBuilt) {
			if os.Getenv("POSTERN_TEST_REQUIRE") == "1" {
				t.Fatal(err)
			}
			t.Skip("missing: the built plugins; run make plugins")
		}
		if err != nil || m.Name != name || len(m.Wasm) == 0 || len(m.Grant) == 0 || len(m.Write) == 0 {
			t.Errorf("%s: %d octets, %v, %v, %v", name, len(m.Wasm), m.Grant, m.Write, err)
		}
	}
	if _, err := Get("clasify"); err == nil || err.Error() != "there is no builtin:clasify; there are classify, spam, markdown, payload" {
		t.Errorf("error = %v", err)
	}
}

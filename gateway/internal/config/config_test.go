package config

import (
	"encoding/json"
	"errors"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "rewrite what the cases want")

// TestCases loads the configuration of each file in testdata/cases: an archive of
// *.hcl files, given in their order, perhaps with "env" and "flags" (NAME=value
// lines) and other files that those name, and either "want.json" (the Config) or
// "want.err" (the problems). $DIR stands for the directory of the files.
func TestCases(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir("testdata/cases")
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) < 45 {
		t.Errorf("only %d cases", len(entries))
	}
	for _, entry := range entries {
		name, ok := strings.CutSuffix(entry.Name(), ".txtar")
		if !ok {
			t.Errorf("stray file testdata/cases/%s", entry.Name())
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runCase(t, filepath.Join("testdata/cases", entry.Name()))
		})
	}
}

func runCase(t *testing.T, path string) {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var o Options
	var said strings.Builder
	want := map[string]string{}
	extra := []string{}
	keep := archive.Files[:0:0]
	for _, f := range archive.Files {
		data := string(f.Data)
		switch {
		case strings.HasPrefix(f.Name, "want."):
			want[f.Name] = data
			continue
		case f.Name == "env":
			o.Environ = lines(strings.ReplaceAll(data, "$DIR", dir))
		case f.Name == "flags":
			o.Flags = map[string]string{}
			for _, line := range lines(strings.ReplaceAll(data, "$DIR", dir)) {
				k, v, _ := strings.Cut(line, "=")
				o.Flags[k] = v
			}
		default:
			file := filepath.Join(dir, f.Name)
			if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, f.Data, 0o600); err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(f.Name, ".hcl") {
				o.Files = append(o.Files, file)
			} else {
				extra = append(extra, filepath.Base(f.Name))
			}
		}
		said.WriteString(data)
		keep = append(keep, f)
	}
	for _, name := range extra {
		if !strings.Contains(said.String(), name) {
			t.Errorf("nothing names the file %s", name)
		}
	}

	got := map[string]string{}
	c, err := Load(o)
	if err != nil {
		if problems := Problems(nil); !errors.As(err, &problems) || c != nil {
			t.Errorf("Load = %v, %T; want nil, Problems", c, err)
		}
		got["want.err"] = strings.ReplaceAll(err.Error(), dir+"/", "") + "\n"
		if strings.Contains(err.Error(), "hunter2") { // part of every bad secret in the cases
			t.Errorf("a problem shows a secret:\n%v", err)
		}
	} else {
		got["want.json"] = strings.ReplaceAll(asJSON(t, c), dir, "$DIR") + "\n"
	}
	if *update {
		for _, name := range slices.Sorted(maps.Keys(got)) {
			keep = append(keep, txtar.File{Name: name, Data: []byte(got[name])})
		}
		archive.Files = keep
		if err := os.WriteFile(path, txtar.Format(archive), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func lines(text string) []string {
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

func asJSON(t *testing.T, c any) string {
	t.Helper()
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestParseSource reads sources as a command line gives them.
func TestParseSource(t *testing.T) {
	t.Parallel()
	digest := "@sha256:" + strings.Repeat("0a", 32)
	for text, want := range map[string]Source{
		"builtin:spam":                            {Builtin: "spam"},
		"file:plugins/../crm.wasm":                {File: "crm.wasm"},
		"https://[2001:db8::1]:8443/crm":          {URL: "https://[2001:db8::1]:8443/crm"},
		"oci://localhost:5000/a/b-c_d.e" + digest: {OCI: "localhost:5000/a/b-c_d.e" + digest},
		"oci://[::1]:5000/a" + digest:             {OCI: "[::1]:5000/a" + digest},
	} {
		if got, err := ParseSource(text); err != nil || got != want {
			t.Errorf("ParseSource(%s) = %+v, %v", text, got, err)
		}
	}
	if got, err := ParseSource("oci://registry.example/crm:1"); err == nil || got != (Source{}) || !strings.Contains(err.Error(), "names a tag") {
		t.Errorf("a tag is %+v, %v", got, err)
	}
}

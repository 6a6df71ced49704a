package project

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/format"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// repository is the root of the repository.
const repository = "../../../.."

// files returns the files of a project by their paths.
func files(t *testing.T, language, name string) map[string]string {
	t.Helper()
	list, err := Files(language, name)
	if errors.Is(err, ErrNotBuilt) {
		if os.Getenv("POSTERN_TEST_REQUIRE") == "1" {
			t.Fatal(err)
		}
		t.Skip("missing: what projects are made with; run make plugins")
	}
	if err != nil {
		t.Fatal(err)
	}
	byPath := make(map[string]string)
	for i, f := range list {
		if i > 0 && list[i-1].Path >= f.Path {
			t.Errorf("%s comes after %s", f.Path, list[i-1].Path)
		}
		byPath[f.Path] = string(f.Content)
	}
	return byPath
}

func TestFiles(t *testing.T) {
	t.Parallel()
	for language, want := range map[string][]string{
		"go": {".gitignore", "README.md", "go.mod", "main.go", "main_test.go", "postern.hcl", "testdata/cases/case.json", "vendor/modules.txt"},
		"js": {".gitignore", "README.md", "build.mjs", "package.json", "package-lock.json", "plugin.js", "wit/world.wit", "wit/deps/postern-plugin.wit"},
	} {
		got := files(t, language, "acme-tags")
		for _, name := range want {
			if got[name] == "" {
				t.Errorf("%s: there is no %s, or nothing in it", language, name)
			}
		}
		for name, content := range got {
			if strings.Contains(content, placeholder) || strings.Contains(content, lockName) || strings.HasSuffix(name, ".template") {
				t.Errorf("%s: %s is as its template", language, name)
			}
			if formatted, err := format.Source([]byte(content)); strings.HasSuffix(name, ".go") && (err != nil || string(formatted) != content) {
				t.Errorf("%s: %s is not as gofmt has it: %v", language, name, err)
			}
		}
		if !strings.Contains(got["postern.hcl"], `source = "file:acme-tags.wasm"`) {
			t.Errorf("%s: the configuration has another module:\n%s", language, got["postern.hcl"])
		}
	}
	for _, tc := range []struct{ language, name, want string }{
		{"rust", "tags", `there is no template for "rust"; there are go, js`},
		{"go", "", `"" is no name of a plugin: use lower-case letters, digits, - and _, at most 63`},
		{"go", "../tags", `"../tags" is no name of a plugin: use lower-case letters, digits, - and _, at most 63`},
		{"js", strings.Repeat("a", 64), "is no name of a plugin"},
	} {
		if _, err := Files(tc.language, tc.name); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s %q: %v, want %s", tc.language, tc.name, err, tc.want)
		}
	}
}

// TestSources holds that what is embedded is what the repository has, all of it.
func TestSources(t *testing.T) {
	t.Parallel()
	files(t, "go", "tags") // skips where nothing was embedded
	got, err := read("_sources")
	if err != nil {
		t.Fatal(err)
	}
	var copied []string
	for _, f := range got {
		if f.Path == ".gitignore" {
			continue
		}
		copied = append(copied, f.Path)
		want, err := os.ReadFile(filepath.Join(repository, f.Path))
		if err != nil || !bytes.Equal(f.Content, want) {
			t.Errorf("the copy of %s is an old one: run make clean plugins; %v", f.Path, err)
		}
	}
	want := []string{"wit/plugin.wit", "examples/plugin-js-ticket/package-lock.json"}
	for _, pattern := range []string{"plugin/*.go", "plugintest/*.go", "internal/*/*.go"} {
		sources, err := filepath.Glob(filepath.Join(repository, "sdk/go", pattern))
		if err != nil || len(sources) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(sources), err)
		}
		for _, file := range sources {
			if rel, _ := filepath.Rel(repository, file); !strings.HasSuffix(file, "_test.go") {
				want = append(want, rel)
			}
		}
	}
	slices.Sort(want)
	if slices.Sort(copied); !slices.Equal(copied, want) {
		t.Errorf("copied are %v, want %v", copied, want)
	}
}

// TestSame holds what stands in several places to be the same: the Go release that the
// SDK needs, the packages of npm, and the contract in the example.
func TestSame(t *testing.T) {
	t.Parallel()
	text := func(name string) []byte {
		content, err := os.ReadFile(filepath.Join(repository, name))
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	if m := regexp.MustCompile(`(?m)^go (.*)$`).FindSubmatch(text("sdk/go/go.mod")); m == nil || string(m[1]) != sdkGo {
		t.Errorf("the SDK's go.mod says %q, and projects are made for Go %s", m, sdkGo)
	}
	const example = "examples/plugin-js-ticket/"
	if !bytes.Equal(text(example+"wit/deps/postern-plugin.wit"), text("wit/plugin.wit")) {
		t.Error("the example has another contract: copy wit/plugin.wit")
	}
	type manifest struct {
		Dependencies map[string]string
		Engines      map[string]string
		Scripts      map[string]string
	}
	read := func(content []byte) (m manifest) {
		if err := json.Unmarshal(content, &m); err != nil || len(m.Dependencies) == 0 {
			t.Fatalf("%v in\n%s", err, content)
		}
		return m
	}
	ours := read([]byte(files(t, "js", "tags")["package.json"]))
	theirs := read(text(example + "package.json"))
	for _, pair := range [][2]map[string]string{{ours.Dependencies, theirs.Dependencies}, {ours.Engines, theirs.Engines}, {ours.Scripts, theirs.Scripts}} {
		a, _ := json.Marshal(pair[0])
		b, _ := json.Marshal(pair[1])
		if !bytes.Equal(a, b) {
			t.Errorf("the template's package.json has %s, the example's %s, whose lock file both have", a, b)
		}
	}
	// The same packages are installed once for all tests.
	root := regexp.MustCompile(`(?s)^.*?\n    },\n`)
	if a, b := root.ReplaceAll(text(example+"package-lock.json"), nil), root.ReplaceAll(text("wit/conformance/package-lock.json"), nil); !bytes.Equal(a, b) {
		t.Error("the lock files of the example and of wit/conformance differ in more than the name")
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	project := []File{{"a.txt", []byte("a")}, {"b/c/d.txt", []byte("d")}, {"b/e.txt", nil}}
	for _, name := range []string{"new", "empty"} {
		dir := filepath.Join(parent, name)
		if name == "empty" {
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		if err := Write(dir, project); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, f := range project {
			if got, err := os.ReadFile(filepath.Join(dir, f.Path)); err != nil || !bytes.Equal(got, f.Content) {
				t.Errorf("%s: %s is %q, %v", name, f.Path, got, err)
			}
		}
		if got := names(t, dir); !slices.Equal(got, []string{"a.txt", "b"}) {
			t.Errorf("%s has %v", name, got)
		}
		if err := Write(dir, project); err == nil || !strings.Contains(err.Error(), "is not empty: choose a folder") {
			t.Errorf("%s, again: %v", name, err)
		}
	}
	if err := Write(filepath.Join(parent, "no", "where"), project); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a parent: %v", err)
	}
	if err := Write(filepath.Join(parent, "new", "a.txt"), project); err == nil {
		t.Error("a file was taken for a folder")
	}
	if got := names(t, parent); !slices.Equal(got, []string{"empty", "new"}) {
		t.Errorf("beside them stand %v", got)
	}
}

// TestWriteFails holds that nothing stays of a project that could not be written.
func TestWriteFails(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	dir := filepath.Join(parent, "empty")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	// What cannot be: a file that is a folder too.
	impossible := []File{{"a", []byte("a")}, {"b", nil}, {"b/c", nil}}
	for _, d := range []string{dir, filepath.Join(parent, "new")} {
		if err := Write(d, impossible); err == nil {
			t.Errorf("%s: it was written", d)
		}
	}
	if got := names(t, parent); !slices.Equal(got, []string{"empty"}) || len(names(t, dir)) > 0 {
		t.Errorf("there stay %v, and %v in empty", got, names(t, dir))
	}
	// Somebody has put a file there meanwhile: it stays, and nothing else does.
	from := t.TempDir()
	for _, file := range []string{filepath.Join(from, "a"), filepath.Join(from, "b"), filepath.Join(dir, "b")} {
		if err := os.WriteFile(file, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := moveInto(dir, from); !errors.Is(err, os.ErrExist) {
		t.Errorf("over a file: %v", err)
	}
	if got, _ := os.ReadFile(filepath.Join(dir, "b")); !slices.Equal(names(t, dir), []string{"b"}) || string(got) != filepath.Join(dir, "b") {
		t.Errorf("there stay %v; b is %q", names(t, dir), got)
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

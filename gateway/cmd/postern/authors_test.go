package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/config"
	"github.com/postern-mail/postern/gateway/internal/plugin"
)

const authors = "sdk/README.md"

// tableBelow returns the cells of the table in a section of the authors' page.
func tableBelow(t *testing.T, heading string) [][]string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(repository, authors))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(content), "\n## "+heading+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var rows [][]string
	for line := range strings.Lines(section) {
		if cells := strings.Split(strings.TrimSpace(line), " | "); strings.HasPrefix(line, "| ") {
			cells[0] = strings.TrimPrefix(cells[0], "| ")
			rows = append(rows, cells)
		}
	}
	if len(rows) < 2 {
		t.Fatalf("%s has no table in %q", authors, heading)
	}
	return rows[1:]
}

// code returns what stands in backticks in a cell.
func code(cell string) []string {
	var list []string
	for _, m := range regexp.MustCompile("`([^`]*)`").FindAllStringSubmatch(cell, -1) {
		list = append(list, m[1])
	}
	return list
}

// TestAuthorsBegin does what the page begins with.
func TestAuthorsBegin(t *testing.T) {
	t.Parallel()
	begin(t, "go", "tags") // skips where it cannot be
	script := block(t, authors, "sh")
	out := inFolder(t, t.TempDir(), "sh", "-ec", script)
	if !strings.Contains(out, `+ /topic = "orders"`) {
		t.Errorf("it comes to\n%s", out)
	}
}

// TestAuthorsBlock loads the block that the page publishes a plugin with.
func TestAuthorsBlock(t *testing.T) {
	t.Parallel()
	file := filepath.Join(configuration(t, "https://desk.example/hooks", "", block(t, authors, "hcl")), "postern.hcl")
	cfg, err := config.Load(config.Options{Files: []string{file}, WithoutCredentials: true})
	if err != nil || len(cfg.Plugins) != 1 || len(cfg.Plugins[0].Grant) == 0 {
		t.Errorf("%+v, %v", cfg, err)
	}
}

// TestAuthorsPermissions holds the table to have what can be granted, in its order.
func TestAuthorsPermissions(t *testing.T) {
	t.Parallel()
	var got []string
	for _, row := range tableBelow(t, "Permissions") {
		got = append(got, code(row[0])...)
	}
	if diff := cmp.Diff(plugin.Permissions(), got); diff != "" {
		t.Errorf("-granted +page\n%s", diff)
	}
}

// TestAuthorsLimits holds the table to be right about defaults and what may be set.
func TestAuthorsLimits(t *testing.T) {
	t.Parallel()
	load := func(settings string) (config.Plugin, error) {
		file := filepath.Join(t.TempDir(), "postern.hcl")
		content, err := os.ReadFile(filepath.Join(configuration(t, "https://desk.example/hooks", "",
			fmt.Sprintf("plugin \"p\" {\n  source = \"file:p.wasm\"\n  %s\n}\n", settings)), "postern.hcl"))
		if err == nil {
			err = os.WriteFile(file, content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		cfg, err := config.Load(config.Options{Files: []string{file}, WithoutCredentials: true})
		if err != nil {
			return config.Plugin{}, err
		}
		return cfg.Plugins[0], nil
	}
	unset, err := load("")
	if err != nil {
		t.Fatal(err)
	}
	rows := tableBelow(t, "Limits")
	if len(rows) != 3 {
		t.Fatalf("the table has %d rows", len(rows))
	}
	for _, row := range rows {
		name, values := code(row[0])[0], append(code(row[1]), code(row[2])...)
		if len(values) != 3 {
			t.Fatalf("%s: %v, want a default and two bounds", name, values)
		}
		for i, value := range values {
			p, err := load(fmt.Sprintf("%s = %q", name, value))
			if name == "fuel" {
				p, err = load(name + " = " + value)
			}
			if err != nil {
				t.Errorf("%s = %s: %v", name, value, err)
			}
			p.File, unset.File = "", "" // each is in a folder of its own
			p.At, unset.At = config.Plugin{}.At, config.Plugin{}.At
			if same := cmp.Equal(p, unset); same != (i == 0) {
				t.Errorf("%s = %s is the default: %v", name, value, same)
			}
		}
	}
	for _, beyond := range []string{
		`timeout = "900us"`, `timeout = "301s"`, `memory = "1023KiB"`, `memory = "2049MiB"`, `fuel = 999`, `fuel = 1000000000001`,
	} {
		if _, err := load(beyond); err == nil {
			t.Errorf("%s is allowed", beyond)
		}
	}
}

// TestAuthorsTroubles provokes each of the errors that the page explains.
func TestAuthorsTroubles(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("wat2wasm"); err != nil {
		missing(t, "wat2wasm (Debian: wabt)")
	}
	guest, err := probe()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name string, content []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("probe.wasm", guest)
	write("program.go", []byte("package main\n\nfunc main() {}\n"))
	for name, wat := range map[string]string{
		"foreign": `(module (import "wasi:io/poll@0.2.3" "[resource-drop]pollable" (func (param i32))) (memory (export "memory") 1))`,
		"silent": `(module (memory (export "memory") 1)
			(func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 256))
			(func (export "postern:plugin/transformer@0.1.0#configure") (param i32 i32) (result i32) (i32.const 0))
			(func (export "postern:plugin/transformer@0.1.0#transform") (result i32) unreachable))`,
	} {
		write(name+".wat", []byte(wat))
		inFolder(t, dir, "wat2wasm", name+".wat", "-o", name+".wasm")
	}
	build := func(goos, name string, flags ...string) {
		cmd := exec.CommandContext(t.Context(), "go", append(append([]string{"build", "-o", name}, flags...), "program.go")...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOOS="+goos, "GOARCH=wasm", "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	build("js", "js.wasm")
	build("wasip1", "program.wasm")
	build("wasip1", "empty.wasm", "-buildmode=c-shared")

	mail, err := filepath.Abs(filepath.Join(repository, "examples", "mails", "plain.eml"))
	if err != nil {
		t.Fatal(err)
	}
	granted := fmt.Sprintf("grant = [%s]\n", quoted(plugin.Permissions()))
	patient := granted + "write = [\"/probe\"]\ntimeout = \"5m\"\n" // what is tried ends by another bound
	said := make([]string, 0, 16)
	run := func(args ...string) {
		cmd := exec.CommandContext(t.Context(), "postern", append([]string{"plugin", "run"}, args...)...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err == nil {
			t.Errorf("%v ended well\n%s", args, out)
		}
		said = append(said, string(out))
	}
	for _, settings := range []string{
		"",
		granted,
		granted + "write = [\"/other\"]",
		granted + "write = [\"/probe\"]\noptions {\n d0 = 1\n}",
		granted + "write = [\"/probe\"]\ntimeout = \"200ms\"\noptions {\n do = \"spin\"\n}",
		patient + "fuel = 10000000\noptions {\n do = \"spin\"\n}",
		patient + "memory = \"16MiB\"\noptions {\n do = \"eat\"\n}",
		patient + "options {\n do = \"flood\"\n}",
		granted + "write = [\"/probe\"]\noptions {\n do = \"panic\"\n}",
		granted + "sha256 = \"" + strings.Repeat("0", 64) + "\"",
		granted + "memory = \"1MiB\"",
	} {
		file := filepath.Join(configuration(t, "https://desk.example/hooks", "",
			fmt.Sprintf("plugin \"crm\" {\n  source = %q\n  %s\n}\n", "file:"+filepath.Join(dir, "probe.wasm"), settings)), "postern.hcl")
		run("-c", file, "crm", mail)
	}
	for _, module := range []string{"program.wasm", "js.wasm", "empty.wasm", "foreign.wasm", "silent.wasm"} {
		run(module, mail)
	}
	rows := tableBelow(t, "What is wrong when it says …")
	for _, row := range rows {
		parts := strings.Split(code(row[0])[0], "…")
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		form := regexp.MustCompile(strings.Join(parts, ".*"))
		i := slices.IndexFunc(said, form.MatchString)
		if i < 0 {
			t.Errorf("nothing says %s", row[0])
			continue
		}
		said = slices.Delete(said, i, i+1)
	}
	if len(said) > 0 {
		t.Errorf("the page does not explain\n%s", strings.Join(said, "\n"))
	}
}

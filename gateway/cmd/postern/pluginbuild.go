package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
)

// maxManifest bounds a go.mod or package.json that is read, in octets.
const maxManifest = 1 << 20

// built is what "plugin build --json" prints.
type built struct {
	Language string `json:"language"`
	inspected
}

func newPluginBuild() *cobra.Command {
	var output string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "build [DIR]",
		Short: "Build a plugin from its project, and say what it asks for",
		Long: `Build makes the module of the project in DIR, by default the folder that you are in,
and says what "postern plugin inspect" says of it, with the block to write into a
configuration. It runs the project's own tools, which may do anything that you may.

  go.mod        Go, 1.24 or later: go build for WASI, as a library, reproducibly. The
                file is called after the module: DIR/NAME.wasm.
  package.json  JavaScript, with Node.js and npm: first npm ci (npm install where there
                is no lock file), if node_modules is not there; then npm run build. The
                file is the one that "postern": {"output": "FILE.wasm"} names in
                package.json, by default DIR/NAME.wasm.

Where there are both, go.mod counts. Exit code 1: it did not build, or what it made is
no plugin, and why is said.`,
		Example: `  postern plugin build
  postern plugin build examples/plugin-go-crm -o acme-crm.wasm
  postern plugin build --json | jq -r .sha256`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return fmt.Errorf("%s takes one DIR at the most", cmd.CommandPath())
			}
			return nil
		},
		RunE: work(func(cmd *cobra.Command, args []string) error {
			dir := "."
			if len(args) == 1 {
				dir = args[0]
			}
			b := builder{dir: dir, output: output, progress: cmd.ErrOrStderr()}
			language, file, err := b.build(cmd.Context())
			if err != nil {
				return err
			}
			defer announceCompiling(cmd.ErrOrStderr())()
			source, err := openPluginArgument(cmd, "file:"+file, "")
			if err != nil {
				return err
			}
			if output != "" && output != file {
				file = output
				if err := os.WriteFile(file, source.wasm, 0o666); err != nil { //nolint:gosec // as a compiler does: for whom the umask says
					return err
				}
			}
			in, err := inspect(cmd.Context(), file, source)
			if err != nil {
				return err
			}
			if asJSON {
				err = json.NewEncoder(cmd.OutOrStdout()).Encode(built{Language: language, inspected: in})
			} else {
				err = in.print(cmd.OutOrStdout())
			}
			if err == nil {
				err = in.problem()
			}
			return err
		}),
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "the `FILE` to make")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// builder runs the tools of a project.
type builder struct {
	dir      string
	output   string // empty for the project's own
	progress io.Writer
}

// build makes the module, and returns what it is written in and its file: output, or
// what npm has been told by the project.
func (b builder) build(ctx context.Context) (language, file string, err error) {
	if info, err := os.Stat(b.dir); err != nil {
		return "", "", err
	} else if !info.IsDir() {
		return "", "", fmt.Errorf("%s is no folder", b.dir)
	}
	manifest, err := b.read("go.mod")
	if err == nil {
		file, err = b.buildGo(ctx, manifest)
		return "go", file, err
	}
	if errors.Is(err, fs.ErrNotExist) {
		if manifest, err = b.read("package.json"); err == nil {
			file, err = b.buildJS(ctx, manifest)
			return "js", file, err
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf(`%s has neither go.mod nor package.json: name the folder of a project; "postern plugin new" begins one`, b.dir)
	}
	return "", "", err
}

func (b builder) read(name string) ([]byte, error) {
	file := filepath.Join(b.dir, name)
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readBounded(f, file, maxManifest)
}

// moduleLine is that of a go.mod; majorVersion the end of a path that is no name.
var (
	moduleLine   = regexp.MustCompile(`(?m)^module[ \t]+"?([^\s"(]+)"?`)
	majorVersion = regexp.MustCompile(`/v[0-9]+$`)
)

func (b builder) buildGo(ctx context.Context, manifest []byte) (string, error) {
	found := moduleLine.FindSubmatch(manifest)
	if found == nil {
		return "", fmt.Errorf("%s has no line that names the module", filepath.Join(b.dir, "go.mod"))
	}
	file := b.output
	if file == "" {
		name := path.Base(majorVersion.ReplaceAllString(string(found[1]), ""))
		file = filepath.Join(b.dir, name+".wasm")
	}
	absolute, err := filepath.Abs(file)
	if err != nil {
		return "", err
	}
	return file, b.run(ctx, "Go 1.24 or later, from https://go.dev/dl", []string{"GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0"},
		"go", "build", "-buildmode=c-shared", "-buildvcs=false", "-trimpath", "-ldflags=-s -w -buildid=", "-o", absolute, ".")
}

func (b builder) buildJS(ctx context.Context, manifest []byte) (string, error) {
	const npm = "Node.js 20 or later with npm, from https://nodejs.org"
	where := filepath.Join(b.dir, "package.json")
	var p struct {
		Name    string            `json:"name"`
		Scripts map[string]string `json:"scripts"`
		Postern struct {
			Output string `json:"output"`
		} `json:"postern"`
	}
	if err := json.Unmarshal(manifest, &p); err != nil {
		return "", fmt.Errorf("%s: %w", where, err)
	}
	if p.Scripts["build"] == "" {
		return "", fmt.Errorf(`%s has no script that builds: write "scripts": {"build": "…"}`, where)
	}
	made := p.Postern.Output
	if made == "" && p.Name != "" {
		made = path.Base(p.Name) + ".wasm" // a scope is no part of it
	}
	if made == "" || !filepath.IsLocal(made) {
		return "", fmt.Errorf(`%s does not say what is built: write "postern": {"output": "NAME.wasm"}, a file in the project`, where)
	}
	made = filepath.Join(b.dir, made)
	if _, err := os.Stat(filepath.Join(b.dir, "node_modules")); errors.Is(err, fs.ErrNotExist) {
		install := "install"
		if _, err := os.Stat(filepath.Join(b.dir, "package-lock.json")); err == nil {
			install = "ci"
		}
		if err := b.run(ctx, npm, nil, "npm", install, "--no-audit", "--no-fund"); err != nil {
			return "", err
		}
	}
	before, _ := os.Stat(made)
	if err := b.run(ctx, npm, nil, "npm", "run", "build"); err != nil {
		return "", err
	}
	after, err := os.Stat(made)
	if err != nil || before != nil && os.SameFile(before, after) && before.ModTime().Equal(after.ModTime()) {
		return "", fmt.Errorf(`npm run build has not written %s: let "postern": {"output": "…"} in %s name what it writes`, made, where)
	}
	return made, nil
}

// run runs a tool in the project. What it says is progress; hint says what to install
// where it is not there.
func (b builder) run(ctx context.Context, hint string, environ []string, name string, args ...string) error {
	if _, err := exec.LookPath(name); err != nil {
		return fmt.Errorf("%s is not here, and is needed to build this project: install %s", name, hint)
	}
	line := strings.Join(append([]string{name}, args...), " ")
	fmt.Fprintf(b.progress, "postern: %s\n", line)
	cmd := exec.CommandContext(ctx, name, args...) //nolint:gosec // the tools of a project that a person has asked to build
	cmd.Dir, cmd.Env = b.dir, append(os.Environ(), environ...)
	cmd.Stdout, cmd.Stderr = b.progress, b.progress
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w; what it says is above", line, err)
	}
	return nil
}

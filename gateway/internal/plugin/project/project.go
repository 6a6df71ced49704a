// Package project makes the folder that the author of a plugin begins with: a
// project in Go or JavaScript that builds, tests and runs as it stands.
//
// Its files are templates, in the folder _templates, with my-plugin for the name. With
// them go copies of what a project needs of this repository, in the folder _sources: the
// SDK for Go, which stands in the project's vendor folder, so that Go needs no network;
// the contract; and the lock file of the JavaScript example. "make plugins" makes the
// copies, as it does the built-in plugins, and a program that was built without them says
// so.
package project

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

//go:embed all:_templates all:_sources
var embedded embed.FS

// ErrNotBuilt means that the program was built without the copies.
var ErrNotBuilt = errors.New("this program was built without the sources that a project is made with: build it by make build")

const (
	// placeholder is the name in the templates.
	placeholder = "my-plugin"

	sdkModule  = "github.com/postern-mail/postern/sdk/go"
	sdkVersion = "v0.0.0"
	sdkGo      = "1.24" // as its go.mod says

	sdkSources = "_sources/sdk/go"
	witSource  = "_sources/wit/plugin.wit"
	lockSource = "_sources/examples/plugin-js-ticket/package-lock.json"
	lockName   = "plugin-js-ticket" // the project that it is of
)

// nameForm is what a plugin block can be called, and a Go module and an npm package too.
var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

// File is a file of a project.
type File struct {
	Path    string // with slashes, relative to the project
	Content []byte
}

// Languages lists what a project can be written in.
func Languages() []string { return []string{"go", "js"} }

// CheckName says what is wrong with a name.
func CheckName(name string) error {
	if !nameForm.MatchString(name) {
		return fmt.Errorf("%q is no name of a plugin: use lower-case letters, digits, - and _, at most 63", name)
	}
	return nil
}

// Files returns the files of a project, sorted by path.
func Files(language, name string) ([]File, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	if !slices.Contains(Languages(), language) {
		return nil, fmt.Errorf("there is no template for %q; there are %s", language, strings.Join(Languages(), ", "))
	}
	var list []File
	for _, folder := range []string{"common", language} {
		files, err := read("_templates/" + folder)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			f.Path = strings.TrimSuffix(f.Path, ".template")
			f.Content = bytes.ReplaceAll(f.Content, []byte(placeholder), []byte(name))
			list = append(list, f)
		}
	}
	add := map[string]func(name string) ([]File, error){"go": vendored, "js": bindings}[language]
	more, err := add(name)
	if errors.Is(err, fs.ErrNotExist) {
		err = ErrNotBuilt
	}
	if err != nil {
		return nil, err
	}
	list = append(list, more...)
	slices.SortFunc(list, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return list, nil
}

// read lists the files below a folder of what is embedded.
func read(root string) ([]File, error) {
	var list []File
	err := fs.WalkDir(embedded, root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := embedded.ReadFile(name)
		list = append(list, File{Path: strings.TrimPrefix(name, root+"/"), Content: content})
		return err
	})
	return list, err
}

// vendored gives the SDK as "go mod vendor" would.
func vendored(string) ([]File, error) {
	files, err := read(sdkSources)
	if err != nil {
		return nil, err
	}
	var packages []string
	for i, f := range files {
		packages = append(packages, sdkModule+"/"+path.Dir(f.Path))
		files[i].Path = "vendor/" + sdkModule + "/" + f.Path
	}
	slices.Sort(packages)
	text := "# " + sdkModule + " " + sdkVersion + "\n## explicit; go " + sdkGo + "\n" +
		strings.Join(slices.Compact(packages), "\n") + "\n"
	return append(files, File{Path: "vendor/modules.txt", Content: []byte(text)}), nil
}

// bindings gives what a project in JavaScript is built with: the contract, and the exact
// releases of the packages of npm.
func bindings(name string) ([]File, error) {
	contract, err := embedded.ReadFile(witSource)
	if err != nil {
		return nil, err
	}
	lock, err := embedded.ReadFile(lockSource)
	if err != nil {
		return nil, err
	}
	lock = bytes.ReplaceAll(lock, []byte(`"name": "`+lockName+`"`), []byte(`"name": "`+name+`"`))
	return []File{{Path: "wit/deps/postern-plugin.wit", Content: contract}, {Path: "package-lock.json", Content: lock}}, nil
}

// Write makes a project of files, in a folder that is not there or is empty. Where
// something fails, nothing of it stays.
func Write(dir string, files []File) (err error) {
	info, err := os.Stat(dir)
	there := err == nil
	if there && !info.IsDir() {
		return fmt.Errorf("%s is no folder", dir)
	}
	entries, err := os.ReadDir(dir)
	switch {
	case there && err != nil:
		return err
	case there && len(entries) > 0:
		return fmt.Errorf("%s is not empty: choose a folder that is not there yet", dir)
	case !there && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	// It is made in a folder of its own, beside or in the one that it is to be, and then
	// moved: no one sees a half of it.
	beside := filepath.Dir(filepath.Clean(dir))
	if there {
		beside = dir
	}
	stage, err := os.MkdirTemp(beside, ".postern-new-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(stage)) }()
	made := filepath.Join(stage, "project")
	for _, f := range files {
		if err := writeFile(filepath.Join(made, filepath.FromSlash(f.Path)), f.Content); err != nil {
			return err
		}
	}
	if !there {
		return os.Rename(made, dir)
	}
	return moveInto(dir, made)
}

func writeFile(file string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil { //nolint:gosec // a project is for whom the umask says
		return err
	}
	return os.WriteFile(file, content, 0o666) //nolint:gosec // as above
}

// moveInto moves all that is in a folder to another one, or nothing.
func moveInto(dir, from string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for i, e := range entries {
		to := filepath.Join(dir, e.Name())
		// To rename would replace what somebody has put there meanwhile.
		if _, err = os.Lstat(to); err == nil {
			err = fmt.Errorf("%s: %w", to, fs.ErrExist)
		} else if errors.Is(err, fs.ErrNotExist) {
			err = os.Rename(filepath.Join(from, e.Name()), to)
		}
		if err != nil {
			for _, moved := range entries[:i] {
				err = errors.Join(err, os.RemoveAll(filepath.Join(dir, moved.Name())))
			}
			return err
		}
	}
	return nil
}

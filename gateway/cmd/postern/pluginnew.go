package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/gateway/internal/plugin/project"
)

// begun is what "plugin new --json" prints.
type begun struct {
	Name     string   `json:"name"`
	Language string   `json:"language"`
	Dir      string   `json:"dir"`
	Files    []string `json:"files"`
}

func newPluginNew() *cobra.Command {
	var name, language string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "new --lang go|js DIR",
		Short: "Begin a plugin: a project that builds, tests and runs",
		Long: `New writes a project for a plugin of your own into DIR, which must not be there yet,
or be empty: a plugin that works, its tests, mails to try it on, a configuration, and
a README that says what to do next. Where something fails, nothing stays.

A project in Go needs no network: the SDK is in it. One in JavaScript has its build
from npm. The plugin is called as DIR is, unless --name says otherwise.

Exit code 1: it could not be written; 2: the name or the language is wrong.`,
		Example: `  postern plugin new --lang go my-plugin
  postern plugin new --lang js plugins/tickets --name acme-tickets`,
		Args: want("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := filepath.Abs(args[0])
			if err != nil {
				return failure{err}
			}
			if language == "" {
				return fmt.Errorf("say what to write it in: --lang %s", strings.Join(project.Languages(), " or --lang "))
			}
			if name == "" {
				name = filepath.Base(dir)
				if err := project.CheckName(name); err != nil {
					return fmt.Errorf("%w; --name gives it another one than its folder's", err)
				}
			}
			files, err := project.Files(language, name)
			if errors.Is(err, project.ErrNotBuilt) {
				return failure{err}
			}
			if err != nil {
				return err
			}
			err = project.Write(dir, files)
			if errors.Is(err, fs.ErrNotExist) {
				err = fmt.Errorf("the folder that %s is to be in is not there: make that first", args[0])
			}
			if err != nil {
				return failure{err}
			}
			out := begun{Name: name, Language: language, Dir: args[0]}
			for _, f := range files {
				out.Files = append(out.Files, f.Path)
			}
			if asJSON {
				return wrapFailure(json.NewEncoder(cmd.OutOrStdout()).Encode(out))
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "The plugin %s is in %s. Go on with\n\n  cd %s\n  postern plugin build\n\n"+
				"README.md there says the rest.\n", out.Name, out.Dir, shellWord(out.Dir))
			return wrapFailure(err)
		},
	}
	cmd.Flags().StringVar(&language, "lang", "", "what it is written in: `go|js`")
	cmd.Flags().StringVar(&name, "name", "", "the plugin's `NAME`; by default that of DIR")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// shellWord writes a path so that a shell reads it as one.
func shellWord(s string) string {
	special := func(r rune) bool {
		return !strings.ContainsRune("/._-", r) && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}
	if !strings.ContainsFunc(s, special) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

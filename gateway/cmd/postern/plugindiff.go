package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/gateway/internal/plugin"
	"github.com/postern-mail/postern/gateway/internal/terminal"
)

// pluginDiff is what "plugin diff --json" prints.
type pluginDiff struct {
	Old pluginVersion `json:"old"`
	New pluginVersion `json:"new"`
	// Same is true where both are the same octets.
	Same bool `json:"same"`
	// More are the permissions that the new one asks for and the old one did not; Fewer
	// are those that it does not ask for any more.
	More  []string `json:"more"`
	Fewer []string `json:"fewer"`
}

type pluginVersion struct {
	Plugin   string `json:"plugin"`
	SHA256   string `json:"sha256"`
	Size     int    `json:"size"`
	Contract string `json:"contract"`
}

func newPluginDiff() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Say what a new version of a plugin asks for that the old one did not",
		Long: `Diff reads two modules and runs nothing of them. It says which permissions the new
one asks for beyond those of the old one, and which it does not ask for any more.

OLD and NEW are FILE.wasm, builtin:NAME, or oci://REGISTRY/REPOSITORY@sha256:….
Exit code 0: it asks for nothing more; 1: it does, or one of the two is no plugin.`,
		Example: `  postern plugin diff acme-crm-1.wasm acme-crm-2.wasm
  postern plugin diff builtin:markdown markdown.wasm --json`,
		Args: want("OLD", "NEW"),
		RunE: work(func(cmd *cobra.Command, args []string) error {
			defer announceCompiling(cmd.ErrOrStderr())()
			var versions [2]pluginVersion
			var asked [2][]string
			for i, name := range args {
				source, err := openPluginArgument(cmd, name, "")
				if err != nil {
					return err
				}
				in, err := plugin.Inspect(cmd.Context(), source.wasm, compilationCache(""), source.compiler())
				if err == nil && in.Problem != "" {
					err = fmt.Errorf("%s", in.Problem)
				}
				if err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				versions[i], asked[i] = pluginVersion{Plugin: name, SHA256: in.SHA256, Size: in.Size, Contract: in.Contract}, in.Permissions
			}
			diff := pluginDiff{
				Old: versions[0], New: versions[1], Same: versions[0].SHA256 == versions[1].SHA256,
				More: without(asked[1], asked[0]), Fewer: without(asked[0], asked[1]),
			}
			var err error
			if asJSON {
				err = json.NewEncoder(cmd.OutOrStdout()).Encode(diff)
			} else {
				err = diff.print(cmd.OutOrStdout())
			}
			if err == nil && len(diff.More) > 0 {
				err = fmt.Errorf("%s asks for more: %s", args[1], strings.Join(diff.More, ", "))
			}
			return err
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// without gives what of a list is not in another one.
func without(list, other []string) []string {
	rest := []string{} // never null in JSON
	for _, s := range list {
		if !slices.Contains(other, s) {
			rest = append(rest, s)
		}
	}
	return rest
}

func (d pluginDiff) print(w io.Writer) error {
	var b strings.Builder
	for _, v := range []struct {
		title string
		pluginVersion
	}{{"Old", d.Old}, {"New", d.New}} {
		fmt.Fprintf(&b, "%s  %s, %d octets, sha256 %s, contract %s\n", v.title, terminal.Text(v.Plugin, maxSymbol), v.Size, v.SHA256, terminal.Text(v.Contract, maxSymbol))
	}
	switch {
	case d.Same:
		b.WriteString("\nThey are the same.\n")
	case len(d.More)+len(d.Fewer) == 0:
		b.WriteString("\nThey ask for the same permissions.\n")
	default:
		b.WriteString("\n")
	}
	for _, name := range d.More {
		fmt.Fprintf(&b, "  + %s\n", name)
	}
	for _, name := range d.Fewer {
		fmt.Fprintf(&b, "  - %s\n", name)
	}
	if len(d.More) > 0 {
		b.WriteString("\nIt does not load until its block grants what is new. Where you trust it, add that to grant, and change sha256.\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/plugin"
	"github.com/postern-mail/postern/gateway/internal/terminal"
)

func newPlugin() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plugin",
		Short: "Make plugins, look at them and try them, without a gateway",
		Long: `A plugin is a WebAssembly module that works on mails on their way through the
gateway. These verbs need no running gateway, and change nothing in one.`,
		Example: `  postern plugin new --lang go my-plugin
  postern plugin inspect acme-crm.wasm
  postern plugin run acme-crm.wasm mail.eml --write /crm
  postern plugin fixture mail.eml > testdata/mail.json
  postern plugin test testdata/cases
  postern plugin attack acme-crm.wasm --write /crm`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		newPluginNew(), newPluginBuild(), newPluginInspect(), newPluginDiff(), newPluginRun(), newPluginTest(), newPluginBench(), newPluginAttack(),
		newPluginCompile(), newPluginFixture(), newPluginShadowReport(),
	)
	return cmd
}

// want takes as many arguments as there are names.
func want(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != len(names) {
			return fmt.Errorf("%s takes %s", cmd.CommandPath(), strings.Join(names, ", and "))
		}
		return nil
	}
}

// inspected is what "plugin inspect --json" prints.
type inspected struct {
	Plugin string `json:"plugin"`
	plugin.Inspection
	// Carries are the permissions of a builtin plugin; null for others.
	Carries *carried `json:"carries"`
}

type carried struct {
	Grant []string `json:"grant"`
	Read  []string `json:"read"`
	Write []string `json:"write"`
}

func newPluginInspect() *cobra.Command {
	var asJSON bool
	var pin string
	cmd := &cobra.Command{
		Use:   "inspect PLUGIN",
		Short: "Say what a plugin is and what it asks for",
		Long: `Inspect reads a module and runs nothing of it: its size and hash, the version of
the contract that it follows, what it imports and exports. What it imports is what
it asks permission for.

PLUGIN is ` + pluginArgument + `. What is fetched is kept. Exit code 1: it could not be
loaded, and why is said.`,
		Example: `  postern plugin inspect acme-crm.wasm
  postern plugin inspect builtin:classify --json
  postern plugin inspect https://plugins.example/crm-1.2.0.wasm --sha256 9f2c…`,
		Args: want("FILE.wasm, builtin:NAME, https://… or oci://…"),
		RunE: work(func(cmd *cobra.Command, args []string) error {
			defer announceCompiling(cmd.ErrOrStderr())()
			source, err := openPluginArgument(cmd, args[0], pin)
			if err != nil {
				return err
			}
			out, err := inspect(cmd.Context(), args[0], source)
			if err != nil {
				return err
			}
			if asJSON {
				err = json.NewEncoder(cmd.OutOrStdout()).Encode(out)
			} else {
				err = out.print(cmd.OutOrStdout())
			}
			if err == nil {
				err = out.problem()
			}
			return err
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().StringVar(&pin, "sha256", "", "`HASH` that the module is to have")
	return cmd
}

// inspect reads a module that a person calls by a name.
func inspect(ctx context.Context, name string, source pluginSource) (inspected, error) {
	in, err := plugin.Inspect(ctx, source.wasm, compilationCache(""), source.compiler())
	if err != nil {
		return inspected{}, fmt.Errorf("%s: %w", name, err)
	}
	out := inspected{Plugin: name, Inspection: in}
	if source.builtin {
		read := source.read
		if read == nil {
			read = source.write
		}
		out.Carries = &carried{Grant: source.grant, Read: texts(read), Write: texts(source.write)}
	}
	return out, nil
}

// problem is what speaks against the plugin.
func (in inspected) problem() error {
	if in.Problem == "" {
		return nil
	}
	return fmt.Errorf("%s: %s", in.Plugin, in.Problem)
}

func texts(pointers []document.Pointer) []string {
	list := make([]string, len(pointers))
	for i, p := range pointers {
		list[i] = p.String()
	}
	return list
}

// maxSymbol is how much of a foreign name is shown.
const maxSymbol = 200

func (in inspected) print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Plugin    %s\n", terminal.Text(in.Plugin, maxSymbol))
	fmt.Fprintf(&b, "Contract  %s\n", terminal.Text(valueOr(in.Contract, "none: it is no plugin"), maxSymbol))
	fmt.Fprintf(&b, "Size      %d octets\n", in.Size)
	fmt.Fprintf(&b, "SHA-256   %s\n", in.SHA256)
	fmt.Fprintf(&b, "Asks for  %s\n", valueOr(strings.Join(in.Permissions, ", "), "nothing that needs a grant"))
	if c := in.Carries; c != nil {
		fmt.Fprintf(&b, "Carries   %s; reads %s; writes %s\n", strings.Join(c.Grant, ", "), places(c.Read), places(c.Write))
	}
	wasi := 0
	b.WriteString("\nImports\n")
	for _, name := range in.Imports {
		if strings.HasPrefix(name, plugin.WASI+" ") {
			wasi++
			continue
		}
		fmt.Fprintf(&b, "  %s\n", terminal.Text(name, maxSymbol))
	}
	if wasi > 0 {
		fmt.Fprintf(&b, "  %s: %s; clock, random numbers, output and exit work, files and network do not\n", plugin.WASI, counted(wasi, "function", "functions"))
	}
	b.WriteString("\nExports\n")
	for _, name := range in.Exports {
		fmt.Fprintf(&b, "  %s\n", terminal.Text(name, maxSymbol))
	}
	if in.Problem == "" {
		b.WriteString("\nTo use it, write\n\n")
		in.printBlock(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// printBlock writes the block of the configuration that is asked for.
func (in inspected) printBlock(b *strings.Builder) {
	name, source := strings.TrimPrefix(in.Plugin, "builtin:"), in.Plugin
	if in.Carries == nil {
		_, rest, remote := strings.Cut(source, "://")
		if !remote {
			rest = strings.TrimPrefix(source, "file:")
			source = "file:" + rest
		}
		rest, _, _ = strings.Cut(rest, "@sha256:")
		rest, _, _ = strings.Cut(rest, "?")
		name = strings.TrimSuffix(path.Base(rest), path.Ext(rest))
	}
	fmt.Fprintf(b, "  plugin %q {\n    source = %q\n", name, source)
	if in.Carries == nil {
		fmt.Fprintf(b, "    sha256 = %q\n", in.SHA256)
		if len(in.Permissions) > 0 {
			fmt.Fprintf(b, "    grant  = [%s]\n", quoted(in.Permissions))
		}
		if in.Edits {
			b.WriteString("    write  = [] # say which parts of the payload it may change, such as \"/crm\"\n")
		}
	}
	b.WriteString("  }\n")
}

func quoted(list []string) string {
	q := make([]string, len(list))
	for i, s := range list {
		q[i] = fmt.Sprintf("%q", s)
	}
	return strings.Join(q, ", ")
}

// places writes pointers for a person.
func places(pointers []string) string {
	if len(pointers) == 0 {
		return "nothing"
	}
	list := make([]string, len(pointers))
	for i, p := range pointers {
		list[i] = valueOr(p, "everything")
	}
	return strings.Join(list, ", ")
}

func valueOr(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/gateway/internal/config"
	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/plugin"
	"github.com/postern-mail/postern/gateway/internal/terminal"
)

// The bounds of a trial run, which are those of a block that says none.
const (
	runTimeout = 5 * time.Second
	runMemory  = 128 << 20
	runFuel    = 10_000_000_000
)

// runFlags are those of "plugin run".
type runFlags struct {
	delivery deliveryFlags
	config   configFlags
	options  string
	write    []string
	read     []string
	scans    []string
	pin      string
	timeout  time.Duration
	asJSON   bool
}

func newPluginRun() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run PLUGIN MAIL.eml",
		Short: "Run a plugin on one mail and show what it does to the payload",
		Long: `Run makes the delivery of a mail and has one plugin work on it, in the sandbox and
by the limits of the gateway. Nothing is delivered and nothing is kept.

PLUGIN is ` + pluginArgument + `. It is granted what it asks for, and may
read and write the whole payload but for the host's own members, unless --write and
--read say less. With -c it is the name of a plugin block, or TENANT/NAME of one in a
tenant block, and what that grants and sets holds.

"-" as MAIL.eml is standard input. Exit code 1: the plugin failed, and why is said.`,
		Example: `  postern plugin run builtin:markdown examples/mails/newsletter.eml
  postern plugin run acme-crm.wasm mail.eml --write /crm --options '{"account":"acme"}'
  postern plugin run builtin:spam mail.eml --scan rspamd=answer.json
  postern plugin run -c postern.hcl crm mail.eml --json
  postern plugin run -c postern.hcl acme/crm mail.eml`,
		Args: want("PLUGIN", "MAIL.eml"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := f.plugin(cmd, args[0])
			if err != nil {
				return err
			}
			scans, err := f.readScans()
			if err != nil {
				return err
			}
			return wrapFailure(runPlugin(cmd, f, args[0], args[1], cfg, scans))
		},
	}
	f.config.register(cmd)
	f.delivery.register(cmd)
	cmd.Flags().StringVar(&f.options, "options", "{}", "the options as `JSON`, or @FILE")
	cmd.Flags().StringArrayVar(&f.write, "write", nil, "JSON `POINTER` of what the plugin may change; may be repeated")
	cmd.Flags().StringArrayVar(&f.read, "read", nil, "JSON `POINTER` of what it may read; by default what it may change")
	cmd.Flags().StringArrayVar(&f.scans, "scan", nil, "a scanner's answer for the plugin to find, as `ENGINE=FILE.json`; may be repeated")
	cmd.Flags().StringVar(&f.pin, "sha256", "", "`HASH` that the module is to have")
	cmd.Flags().DurationVar(&f.timeout, "timeout", runTimeout, "bound for the run")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print JSON")
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		for _, flag := range []string{"options", "write", "read", "timeout", "sha256"} {
			if len(f.config.files) > 0 && cmd.Flags().Changed(flag) {
				return fmt.Errorf("--%s goes without -c: the plugin's block says it", flag)
			}
		}
		return nil
	}
	return cmd
}

// plugin finds the module and says what it may do.
func (f *runFlags) plugin(cmd *cobra.Command, name string) (plugin.Config, error) {
	cacheDir := compilationCache("")
	if len(f.config.files) > 0 {
		return f.configured(cmd, name, cacheDir)
	}
	source, err := openPluginArgument(cmd, name, f.pin)
	if err != nil {
		return plugin.Config{}, failure{err}
	}
	options, err := f.readOptions()
	if err != nil {
		return plugin.Config{}, fmt.Errorf("--options: %w", err)
	}
	cfg := source.configure(config.Plugin{
		Name: name, Timeout: f.timeout, Memory: runMemory, Fuel: runFuel, Options: options, Grant: plugin.Permissions(), Write: []document.Pointer{{}},
	}, pluginHost{cacheDir: cacheDir})
	if f.write != nil {
		if cfg.Write, err = pointers(f.write); err != nil {
			return plugin.Config{}, fmt.Errorf("--write: %w", err)
		}
		cfg.Read = nil
	}
	if f.read != nil {
		if cfg.Read, err = pointers(f.read); err != nil {
			return plugin.Config{}, fmt.Errorf("--read: %w", err)
		}
	}
	if f.timeout <= 0 {
		return plugin.Config{}, fmt.Errorf("--timeout %s: want a positive duration", f.timeout)
	}
	return cfg, nil
}

// configured takes the plugin of a block.
func (f *runFlags) configured(cmd *cobra.Command, name, cacheDir string) (plugin.Config, error) {
	f.config.withoutCredentials = true
	cfg, err := f.config.load(nil)
	if err != nil {
		return plugin.Config{}, err
	}
	p, err := findPlugin(cfg, name)
	if err != nil {
		return plugin.Config{}, err
	}
	signers, wrong := openSigners(cfg)
	if wrong != nil {
		return plugin.Config{}, wrong
	}
	said := announce(cmd.ErrOrStderr(), fetchingPlugins)
	source, err := openBlock(cmd.Context(), p, openModules(cacheDir), signers)
	said()
	if err != nil {
		return plugin.Config{}, failure{pluginBlock{Plugin: p}.explain(err)}
	}
	if p.Tenant != "" {
		f.delivery.tenant = p.Tenant // it never sees another's mail
	}
	return source.configure(p, pluginHost{cacheDir: cacheDir}), nil
}

func (f *runFlags) readOptions() ([]byte, error) {
	file, isFile := strings.CutPrefix(f.options, "@")
	text := []byte(f.options)
	if isFile {
		var err error
		if text, err = os.ReadFile(file); err != nil {
			return nil, err
		}
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(text, &object); err != nil || object == nil {
		return nil, errors.New(`want a JSON object, such as '{"account":"acme"}'`)
	}
	return text, nil
}

func pointers(list []string) ([]document.Pointer, error) {
	out := make([]document.Pointer, len(list))
	for i, s := range list {
		var err error
		if out[i], err = document.ParsePointer(s); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// readScans reads the answers that the plugin is to find.
func (f *runFlags) readScans() ([]mail.Report, error) {
	var list []mail.Report
	for _, s := range f.scans {
		engine, file, ok := strings.Cut(s, "=")
		if !ok || engine == "" {
			return nil, fmt.Errorf("--scan %s: want ENGINE=FILE.json", s)
		}
		answer, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if !json.Valid(answer) {
			return nil, fmt.Errorf("--scan: %s is not one JSON text", file)
		}
		list = append(list, mail.Report{Engine: engine, Part: -1, Answer: answer})
	}
	return list, nil
}

// ran is what "plugin run --json" prints.
type ran struct {
	Plugin      string          `json:"plugin"`
	SHA256      string          `json:"sha256"`
	Permissions []string        `json:"permissions"`
	Read        []string        `json:"read"`
	Write       []string        `json:"write"`
	Verdict     plugin.Verdict  `json:"verdict"`
	Reason      string          `json:"reason,omitempty"`
	Error       string          `json:"error,omitempty"`
	DurationMS  float64         `json:"duration_ms"`
	Memory      uint64          `json:"memory"`
	Fuel        int64           `json:"fuel"`
	Log         []plugin.Line   `json:"log"`
	Before      json.RawMessage `json:"before"`
	After       json.RawMessage `json:"after"`
}

func runPlugin(cmd *cobra.Command, f runFlags, name, file string, cfg plugin.Config, scans []mail.Report) (err error) {
	t, err := readTrial(cmd.InOrStdin(), file, f.delivery)
	if err != nil {
		return err
	}
	t.mail.Scans = scans
	said := announceCompiling(cmd.ErrOrStderr())
	p, err := plugin.Load(cmd.Context(), cfg)
	said()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close(context.WithoutCancel(cmd.Context()))) }()
	res, runErr := p.Run(cmd.Context(), t.mail, t.document)
	out := ran{
		Plugin: name, SHA256: p.SHA256(), Permissions: append([]string{}, p.Permissions()...), Write: texts(cfg.Write), Read: texts(cfg.Read),
		Verdict: res.Verdict, Reason: res.Reason, DurationMS: float64(res.Duration.Microseconds()) / 1000, Memory: res.Memory, Fuel: res.Fuel,
		Log: append([]plugin.Line{}, res.Log...),
	}
	if cfg.Read == nil {
		out.Read = out.Write
	}
	if runErr != nil {
		out.Error = runErr.Error()
	}
	if out.Before, err = outline(t.document); err != nil {
		return err
	}
	if out.After, err = outline(res.Document); err != nil {
		return err
	}
	if f.asJSON {
		err = json.NewEncoder(cmd.OutOrStdout()).Encode(out)
	} else {
		err = out.print(cmd.OutOrStdout())
	}
	if err == nil && runErr != nil {
		err = errReported
	}
	return err
}

// outline gives a document's payload, with null for the content of attachments.
func outline(d *document.Document) (json.RawMessage, error) {
	var b strings.Builder
	err := d.Encode(&b, nil)
	return json.RawMessage(b.String()), err
}

func (r ran) print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Plugin   %s, sha256 %s\n", terminal.Text(r.Plugin, maxSymbol), r.SHA256)
	fmt.Fprintf(&b, "Granted  %s; reads %s; writes %s\n", valueOr(strings.Join(r.Permissions, ", "), "nothing"), places(r.Read), places(r.Write))
	switch {
	case r.Error != "":
		fmt.Fprintf(&b, "Result   failed: %s\n", terminal.Text(r.Error, maxError))
	case r.Verdict != plugin.Continue:
		fmt.Fprintf(&b, "Result   %s: %s\n", r.Verdict, terminal.Text(r.Reason, maxError))
	default:
		fmt.Fprintf(&b, "Result   ended well\n")
	}
	fmt.Fprintf(&b, "Time     %.1f ms, its instance included\n", r.DurationMS)
	fmt.Fprintf(&b, "Memory   %.1f MiB\n", float64(r.Memory)/(1<<20))
	fmt.Fprintf(&b, "Fuel     %d units\n", r.Fuel)
	for i, l := range r.Log {
		head := "         "
		if i == 0 {
			head = "Log      "
		}
		fmt.Fprintf(&b, "%s%s\n", head, terminal.Text(l.String(), maxError))
	}
	changed := changes(r.Before, r.After)
	if len(changed) > 0 {
		b.WriteString("\nChanged\n")
		for _, c := range changed {
			fmt.Fprintf(&b, "  %s\n", terminal.Text(c, maxError))
		}
	}
	b.WriteString("\nPayload before\n")
	terminal.WritePayload(&b, r.Before)
	switch {
	case r.Error != "":
		b.WriteString("\nPayload after: as before, since no edit of a run that failed stays\n")
	case len(changed) == 0:
		b.WriteString("\nPayload after: as before\n")
	default:
		b.WriteString("\nPayload after\n")
		terminal.WritePayload(&b, r.After)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

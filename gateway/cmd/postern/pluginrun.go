package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/plugin"
	"github.com/postern-mail/postern/gateway/internal/terminal"
)

// runFlags are those of "plugin run".
type runFlags struct {
	plugin   pluginFlags
	delivery deliveryFlags
	scans    []string
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
			cfg, err := f.plugin.load(cmd, args[0], &f.delivery)
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
	f.plugin.register(cmd)
	f.delivery.register(cmd)
	cmd.Flags().StringArrayVar(&f.scans, "scan", nil, "a scanner's answer for the plugin to find, as `ENGINE=FILE.json`; may be repeated")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print JSON")
	return cmd
}

// readScans reads the answers that the plugin is to find.
func (f *runFlags) readScans() ([]mail.Report, error) {
	var list []mail.Report
	for _, s := range f.scans {
		engine, file, ok := strings.Cut(s, "=")
		if !ok || engine == "" {
			return nil, fmt.Errorf("--scan %s: want ENGINE=FILE.json", s)
		}
		report, err := readScan(engine, file)
		if err != nil {
			return nil, fmt.Errorf("--scan: %w", err)
		}
		list = append(list, report)
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
		Verdict: res.Verdict, Reason: res.Reason, DurationMS: milliseconds(res.Duration), Memory: res.Memory, Fuel: res.Fuel,
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
	fmt.Fprintf(&b, "Time     %.1f ms\n", r.DurationMS)
	fmt.Fprintf(&b, "Memory   %.1f MiB\n", mebibytes(r.Memory))
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

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/plugin"
	"github.com/postern-mail/postern/gateway/internal/plugin/conformance"
	"github.com/postern-mail/postern/gateway/internal/terminal"
)

// attackFlags are those of "plugin attack".
type attackFlags struct {
	plugin   pluginFlags
	delivery deliveryFlags
	time     time.Duration
	strict   bool
	asJSON   bool
	color    colorFlag
}

func newPluginAttack() *cobra.Command {
	var f attackFlags
	cmd := &cobra.Command{
		Use:   "attack PLUGIN",
		Short: "Run a plugin on hostile and odd mails and say how it stands",
		Long: `Attack is what to run before a plugin meets strangers' mails. It runs it in the
sandbox, without a gateway, and prints a card:

  mails         no mail of about a hundred hostile and odd ones ends in a trap: a mail
                without a header, junk, 10,000 fields, HTML 50,000 deep, lying names
  log           it does not flood its log
  determinism   the same mail gives the same result, in another instance too
  headroom      how much of its memory, fuel and time it takes for one mail
  growth        twice the mail takes about twice the work
  payloads      it stands a payload that lacks members, or has others than it expects
  scans         it stands whatever a scanner says, and reports that quote the mail
  grants        it tells where it may not read or write what it counts on
  options       it refuses wrong options by an error and not by a trap
  budgets       with too little fuel, memory or time it fails, and gives no wrong result
  recovery      a run after one that was stopped gives the right result

An error that the plugin returns for a mail is no failure. A check that has nothing to
try is skipped, and says why. PLUGIN, -c, --options, --write, --read and --timeout are
those of "plugin run"; a plugin that needs options needs right ones here.

Exit code 0: no check failed; 1: one did, or with --strict gave a warning.`,
		Example: `  postern plugin attack builtin:markdown
  postern plugin attack acme-crm.wasm --write /crm --options '{"account":"acme"}'
  postern plugin attack -c postern.hcl crm --strict --json`,
		Args: want("PLUGIN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.time <= 0 {
				return fmt.Errorf("--time %s: want a positive duration", f.time)
			}
			color, err := f.color.on(cmd.OutOrStdout())
			if err != nil {
				return err
			}
			cfg, err := f.plugin.load(cmd, args[0], &f.delivery)
			if err != nil {
				return err
			}
			return wrapFailure(attackPlugin(cmd, f, args[0], cfg, color))
		},
	}
	f.plugin.register(cmd)
	f.delivery.register(cmd)
	cmd.Flags().DurationVar(&f.time, "time", time.Minute, "bound for the attack")
	cmd.Flags().BoolVar(&f.strict, "strict", false, "let a warning be a failure")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print JSON")
	f.color.register(cmd)
	return cmd
}

// attacked is what "plugin attack --json" prints.
type attacked struct {
	Plugin string `json:"plugin"`
	SHA256 string `json:"sha256"`
	conformance.Card
	DurationMS float64 `json:"duration_ms"`
}

func attackPlugin(cmd *cobra.Command, f attackFlags, name string, cfg plugin.Config, color bool) error {
	out := attacked{Plugin: name}
	progress := newProgress(cmd.ErrOrStderr())
	defer progress.clear()
	said := announceCompiling(cmd.ErrOrStderr())
	began := time.Now()
	card, err := conformance.Attack(cmd.Context(), conformance.Subject{
		Config: cfg,
		Load: func(ctx context.Context, cfg plugin.Config) (conformance.Runner, error) {
			defer said() // what is compiled is kept
			p, err := plugin.Load(ctx, cfg)
			if err != nil {
				return nil, err // and no Runner that is none
			}
			out.SHA256 = p.SHA256()
			return p, nil
		},
		Deliver: func(raw []byte) (plugin.Mail, *document.Document, error) {
			t, err := newTrial(raw, f.delivery)
			if err != nil {
				return plugin.Mail{}, nil, err
			}
			return t.mail, t.document, nil
		},
		Time:     f.time,
		Progress: progress.show,
	})
	progress.clear()
	if err != nil {
		if cmd.Context().Err() != nil {
			err = errors.New("stopped before the attack had ended")
		}
		return err
	}
	out.Card, out.DurationMS = card, milliseconds(time.Since(began))
	if f.asJSON {
		err = json.NewEncoder(cmd.OutOrStdout()).Encode(out)
	} else {
		err = out.print(cmd.OutOrStdout(), color)
	}
	if err == nil && (card.Fail > 0 || f.strict && card.Warn > 0) {
		err = errReported
	}
	return err
}

// progress shows on a terminal what is being done.
type progress struct {
	w     io.Writer // nil where nobody looks
	shown time.Time
}

func newProgress(w io.Writer) *progress {
	if !isTerminal(w) {
		return &progress{}
	}
	return &progress{w: w}
}

// progressEvery is how often it is shown: to write takes time too.
const progressEvery = 100 * time.Millisecond

// clearLine takes the cursor to the beginning of a line, and what stands on it away.
const clearLine = "\r\x1b[K"

// show shows how much is done of how many; 0 where that is not known.
func (p *progress) show(what string, done, of int) {
	what = fmt.Sprint(what, " ", done)
	if of > 0 {
		what += fmt.Sprint("/", of)
	}
	p.say(what)
}

// say shows a line in place of the one before.
func (p *progress) say(line string) {
	if p.w == nil || time.Since(p.shown) < progressEvery {
		return
	}
	p.shown = time.Now()
	fmt.Fprint(p.w, clearLine, line)
}

func (p *progress) clear() {
	if p.w != nil && !p.shown.IsZero() {
		fmt.Fprint(p.w, clearLine)
		p.shown = time.Time{}
	}
}

func (r attacked) print(w io.Writer, color bool) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Plugin   %s, sha256 %s\n\n", terminal.Text(r.Plugin, maxSymbol), r.SHA256)
	words := map[conformance.Result]string{
		conformance.Pass: terminal.Paint("pass", terminal.Green, color), conformance.Warn: terminal.Paint("warn", terminal.Yellow, color),
		conformance.Fail: terminal.Paint("FAIL", terminal.Red, color), conformance.Skip: terminal.Paint("skip", terminal.Faint, color),
	}
	for _, c := range r.Checks {
		fmt.Fprintf(&b, "%s  %-12s %s\n", words[c.Result], c.Name, terminal.Text(c.Found, maxError))
		for _, line := range c.Details {
			fmt.Fprintf(&b, "%19s- %s\n", "", terminal.Text(line, maxError))
		}
		if c.Advice != "" {
			fmt.Fprintf(&b, "%19s%s\n", "", terminal.Text("What to do: "+c.Advice+".", maxError))
		}
	}
	tint := terminal.Green
	switch {
	case r.Fail > 0:
		tint = terminal.Red
	case r.Warn > 0:
		tint = terminal.Yellow
	}
	sum := fmt.Sprintf("%s: %d passed, %d warned, %d failed, %d skipped, in %.1f s", counted(len(r.Checks), "check", "checks"), r.Pass, r.Warn, r.Fail, r.Skip, r.DurationMS/1000)
	fmt.Fprintf(&b, "\n%s\n", terminal.Paint(sum, tint, color))
	_, err := io.WriteString(w, b.String())
	return err
}

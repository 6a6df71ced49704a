package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/gateway/internal/shadow/journal"
	"github.com/postern-mail/postern/gateway/internal/terminal"
)

// shadowReport is what "plugin shadow-report --json" prints.
type shadowReport struct {
	Shadows []journal.Summary `json:"shadows"`
	// Damaged is how many lines of the journal could not be read.
	Damaged int `json:"damaged"`
}

func newPluginShadowReport() *cobra.Command {
	var gateway gatewayFlags
	var name string
	var since time.Duration
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "shadow-report",
		Short: "Say how a shadow's payloads differ from those that were delivered",
		Long: `A plugin block with shadow = "file:new.wasm" runs that module beside its own, on the
same live mail, and delivers nothing of it. Shadow-report sums up what the gateway has
kept about the two: how often their payloads were the same, the places that differ
most often, failures, and what the new one costs.

It reads the folder shadow of the data folder, whether or not the gateway runs. Look
at an example with "postern message show ID"; where places and kinds do not tell
enough, shadow_values = true keeps the beginning of values too, which are of people's
mail. When you are content, make the shadow the source, with its sha256, and take the
shadow's settings out of the block.

What is skipped had no room beside the gateway's real work. Exit code 0: there is a
report, be it empty; 1: the folder cannot be read.`,
		Example: `  postern plugin shadow-report --data-dir /var/lib/postern
  postern plugin shadow-report -c postern.hcl --plugin acme/crm --since 24h --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if since < 0 {
				return fmt.Errorf("--since %s: want a positive duration", since)
			}
			dir, err := gateway.dir()
			if err != nil {
				return err
			}
			if _, err := os.Stat(dir); err != nil {
				return failure{fmt.Errorf("read data folder: %w", err)}
			}
			report, err := readShadows(shadowJournal(dir), name, since)
			if err != nil {
				return failure{err}
			}
			if asJSON {
				err = json.NewEncoder(cmd.OutOrStdout()).Encode(report)
			} else {
				err = report.print(cmd.OutOrStdout())
			}
			return wrapFailure(err)
		},
	}
	gateway.register(cmd)
	cmd.Flags().StringVar(&name, "plugin", "", "of the plugin `NAME` only, or TENANT/NAME")
	cmd.Flags().DurationVar(&since, "since", 0, "of the last `DURATION` only, such as 24h")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func readShadows(dir, name string, since time.Duration) (shadowReport, error) {
	var sums journal.Summarizer
	begin := time.Now().Add(-since)
	damaged, err := journal.Read(dir, func(e journal.Entry) {
		if (name == "" || e.Plugin == name) && (since == 0 || e.At.After(begin)) {
			sums.Add(e)
		}
	})
	return shadowReport{Shadows: sums.Summaries(), Damaged: damaged}, err
}

func (r shadowReport) print(w io.Writer) error {
	var b strings.Builder
	if len(r.Shadows) == 0 {
		b.WriteString("No shadow runs.\n")
	}
	for i, s := range r.Shadows {
		if i > 0 {
			b.WriteString("\n")
		}
		printShadow(&b, s)
	}
	if r.Damaged > 0 {
		fmt.Fprintf(&b, "\nLeft out: %s of the journal that could not be read.\n", counted(r.Damaged, "line", "lines"))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func printShadow(b *strings.Builder, s journal.Summary) {
	fmt.Fprintf(b, "Plugin    %s\n", terminal.Text(s.Plugin, maxSymbol))
	fmt.Fprintf(b, "  old     sha256 %s\n  new     sha256 %s\n", terminal.Text(s.Old, maxSymbol), terminal.Text(s.New, maxSymbol))
	fmt.Fprintf(b, "  seen    %s to %s\n", clock(s.First), clock(s.Last))
	fmt.Fprintf(b, "  runs    %d: %d same, %d different, %d in which only the new one failed, %d only the old one, %d both\n",
		s.Runs, s.Same, s.Differs, s.NewFailed, s.OldFailed, s.BothFailed)
	if s.Skipped > 0 {
		fmt.Fprintf(b, "  skipped %d, for which there was no room\n", s.Skipped)
	}
	if s.FuelRatio > 0 {
		fmt.Fprintf(b, "  cost    fuel ×%.2f, time ×%.2f (medians, new to old)\n", s.FuelRatio, s.TimeRatio)
	}
	printPlaces(b, "places that differ", s.Places)
	printPlaces(b, "verdicts that differ", s.Verdicts)
	printPlaces(b, "failures of the new one", s.Failures)
	if len(s.Examples) > 0 {
		b.WriteString("  look at\n")
		for _, id := range s.Examples {
			fmt.Fprintf(b, "    postern message show %s\n", terminal.Text(string(id), maxSymbol))
		}
	}
}

func printPlaces(b *strings.Builder, title string, list []journal.Place) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(b, "  %s\n", title)
	for _, p := range list {
		fmt.Fprintf(b, "    %5d × %s, last in %s\n", p.Count, terminal.Text(valueOr(p.At, "the whole"), maxSymbol), terminal.Text(string(p.Delivery), maxSymbol))
		if p.Last != "" {
			fmt.Fprintf(b, "            %s\n", terminal.Text(p.Last, maxSymbol))
		}
	}
}

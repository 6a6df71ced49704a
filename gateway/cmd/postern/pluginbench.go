package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/gateway/internal/plugin"
	"github.com/postern-mail/postern/gateway/internal/terminal"
)

// benchFlags are those of "plugin bench".
type benchFlags struct {
	plugin   pluginFlags
	delivery deliveryFlags
	runs     int
	time     time.Duration
	asJSON   bool
}

// maxRuns bounds the runs of one mail.
const maxRuns = 1_000_000

func newPluginBench() *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use:   "bench PLUGIN MAIL.eml…",
		Short: "Measure what a plugin takes for mails",
		Long: `Bench runs a plugin on mails over and over, one mail at a time and the mails in
turns, so that what else the machine does hits all of them alike. For each it prints
the median, the 95th percentile and the least of the times, with the spread of the
middle half around the median, and fuel and memory. A time is that of a run in the
sandbox, setting the instance back included; reading and parsing of the mail are not.

Before, it loads the plugin twice, as it is loaded for the first time, compiled, and
as after that, from the cache. PLUGIN and the flags are those of "plugin run".

The clock of a machine that does other things is no good measure: where the spread is
large, compare fuel, which is all but the same in each run.

Exit code 1: the plugin failed on a mail, and why is said.`,
		Example: `  postern plugin bench builtin:markdown examples/mails/newsletter.eml
  postern plugin bench acme-crm.wasm mails/*.eml --options '{"account":"acme"}' --runs 1000
  postern plugin bench -c postern.hcl crm mail.eml --json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 {
				return fmt.Errorf("%s takes PLUGIN, and MAIL.eml, one or more", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case f.runs < 1 || f.runs > maxRuns:
				return fmt.Errorf("--runs %d: want 1 to %d", f.runs, maxRuns)
			case f.time <= 0:
				return fmt.Errorf("--time %s: want a positive duration", f.time)
			}
			cfg, err := f.plugin.load(cmd, args[0], &f.delivery)
			if err != nil {
				return err
			}
			return wrapFailure(benchPlugin(cmd, f, args[0], args[1:], cfg))
		},
	}
	f.plugin.register(cmd)
	f.delivery.register(cmd)
	cmd.Flags().IntVar(&f.runs, "runs", 100, "how many times each mail is run")
	cmd.Flags().DurationVar(&f.time, "time", 30*time.Second, "bound for all runs together; fewer are made where it is over")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print JSON")
	return cmd
}

// benched is what "plugin bench --json" prints.
type benched struct {
	Plugin string `json:"plugin"`
	SHA256 string `json:"sha256"`
	Size   int    `json:"size"`
	// CompileMS is a load without the cache of compiled plugins, LoadMS one with it.
	CompileMS float64       `json:"compile_ms"`
	LoadMS    float64       `json:"load_ms"`
	Mails     []benchedMail `json:"mails"`
}

// benchedMail is what the runs on one mail took.
type benchedMail struct {
	Mail string `json:"mail"`
	Size int    `json:"size"`
	Runs int    `json:"runs"`
	// The times of runs; Spread is how far the middle half of them is apart, as a
	// share of the median.
	MinMS    float64 `json:"min_ms"`
	MedianMS float64 `json:"median_ms"`
	P95MS    float64 `json:"p95_ms"`
	Spread   float64 `json:"spread"`
	// Fuel is that of a run, from the least to the most; Memory is the most, in octets.
	FuelMin int64  `json:"fuel_min"`
	FuelMax int64  `json:"fuel_max"`
	Memory  uint64 `json:"memory"`
	Error   string `json:"error,omitempty"`

	trial *trial
	times []time.Duration
}

func benchPlugin(cmd *cobra.Command, f benchFlags, name string, files []string, cfg plugin.Config) (err error) {
	mails := make([]benchedMail, len(files))
	for i, file := range files {
		t, err := readTrial(cmd.InOrStdin(), file, f.delivery)
		if err != nil {
			return err
		}
		mails[i] = benchedMail{Mail: file, Size: len(t.raw), trial: t}
	}
	ctx := cmd.Context()
	defer announceCompiling(cmd.ErrOrStderr())()
	cached := cfg.CacheDir
	cfg.CacheDir = ""
	compile, p, err := timedLoad(ctx, cfg)
	if err != nil {
		return err
	}
	out := benched{Plugin: name, SHA256: p.SHA256(), Size: len(cfg.Wasm), CompileMS: milliseconds(compile), LoadMS: milliseconds(compile)}
	if cached != "" {
		// The first load with a cache may be the one that fills it.
		if cfg.CacheDir = cached; p.Close(ctx) != nil {
			return errors.New("the plugin cannot be closed")
		}
		if _, p, err = timedLoad(ctx, cfg); err != nil {
			return err
		}
		_ = p.Close(ctx) // it holds memory alone
		var load time.Duration
		if load, p, err = timedLoad(ctx, cfg); err != nil {
			return err
		}
		out.LoadMS = milliseconds(load)
	}
	defer func() { err = errors.Join(err, p.Close(context.WithoutCancel(ctx))) }()
	measureRuns(ctx, p, mails, f.runs, f.time)
	if ctx.Err() != nil {
		return errors.New("stopped before all was measured")
	}
	failed := false
	for i := range mails {
		mails[i].sum()
		failed = failed || mails[i].Error != ""
	}
	out.Mails = mails
	if f.asJSON {
		err = json.NewEncoder(cmd.OutOrStdout()).Encode(out)
	} else {
		err = out.print(cmd.OutOrStdout(), f.runs)
	}
	if err == nil && failed {
		err = errReported
	}
	return err
}

func timedLoad(ctx context.Context, cfg plugin.Config) (time.Duration, *plugin.Plugin, error) {
	began := time.Now()
	p, err := plugin.Load(ctx, cfg)
	return time.Since(began), p, err
}

// measureRuns runs all mails, one after the other, and again, until each has had its
// runs or the time is over. The first round is not measured: it makes the instance.
// A mail on which the plugin fails is not run any more.
func measureRuns(ctx context.Context, p *plugin.Plugin, mails []benchedMail, runs int, most time.Duration) {
	end := time.Now().Add(most)
	for round := range runs + 1 {
		for i := range mails {
			m := &mails[i]
			if ctx.Err() != nil || m.Error != "" || round > 1 && time.Now().After(end) {
				continue
			}
			res, err := p.Run(ctx, m.trial.mail, m.trial.document)
			if err != nil {
				m.Error = err.Error()
				continue
			}
			if round == 0 {
				continue
			}
			if m.FuelMin == 0 || res.Fuel < m.FuelMin {
				m.FuelMin = res.Fuel
			}
			m.FuelMax, m.Memory = max(m.FuelMax, res.Fuel), max(m.Memory, res.Memory)
			m.times = append(m.times, res.Duration)
		}
	}
}

// sum makes figures of the times.
func (m *benchedMail) sum() {
	m.Runs = len(m.times)
	if m.Runs == 0 {
		return
	}
	slices.Sort(m.times)
	m.MinMS, m.MedianMS, m.P95MS = exactly(m.times[0]), exactly(quantile(m.times, 0.5)), exactly(quantile(m.times, 0.95))
	if m.MedianMS > 0 {
		m.Spread = exactly(quantile(m.times, 0.75)-quantile(m.times, 0.25)) / m.MedianMS
	}
}

// exactly gives a time in milliseconds, with what is less than a microsecond.
func exactly(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// quantile gives the value of sorted times that a share q of them does not exceed, by
// the nearest rank.
func quantile(sorted []time.Duration, q float64) time.Duration {
	rank := int(math.Ceil(q * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// wideSpread is the spread from which the times say little.
const wideSpread = 0.25

func (r benched) print(w io.Writer, runs int) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Plugin   %s, %d octets, sha256 %s\n", terminal.Text(r.Plugin, maxSymbol), r.Size, r.SHA256)
	fmt.Fprintf(&b, "Load     %.0f ms compiled, %.0f ms from the cache\n\n", r.CompileMS, r.LoadMS)
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "runs\tmin\tmedian\tp95\tspread\tfuel\tMiB\tKiB of mail\t  mail\n")
	wide, short := false, false
	for _, m := range r.Mails {
		name := "  " + terminal.Text(m.Mail, maxSymbol)
		if m.Runs == 0 {
			fmt.Fprintf(table, "0\t\t\t\t\t\t\t%d\t%s\n", m.Size>>10, name)
			continue
		}
		fuel := fmt.Sprint(m.FuelMin)
		if m.FuelMax != m.FuelMin {
			fuel += fmt.Sprintf("–%d", m.FuelMax)
		}
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t±%.0f %%\t%s\t%.1f\t%d\t%s\n",
			m.Runs, tabled(m.MinMS), tabled(m.MedianMS), tabled(m.P95MS), 100*m.Spread/2, fuel, mebibytes(m.Memory), m.Size>>10, name)
		wide = wide || m.Spread > wideSpread
		short = short || m.Runs < runs && m.Error == ""
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, m := range r.Mails {
		if m.Error != "" {
			fmt.Fprintf(&b, "\nThe plugin failed on %s: %s\n", terminal.Text(m.Mail, maxSymbol), terminal.Text(m.Error, maxError))
		}
	}
	if wide {
		b.WriteString("\nThe times are far apart: the machine did other things too. Compare the least ones, or fuel.\n")
	}
	if short {
		b.WriteString("\nThe time was over before all runs were made; --time gives more.\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// tabled writes milliseconds with a unit of their size.
func tabled(ms float64) string {
	switch {
	case ms < 1:
		return fmt.Sprintf("%.0f µs", 1000*ms)
	case ms < 100:
		return fmt.Sprintf("%.1f ms", ms)
	default:
		return fmt.Sprintf("%.0f ms", ms)
	}
}

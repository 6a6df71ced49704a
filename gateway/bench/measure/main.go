// Command measure measures the gateway beside references, in one run: what it prints are
// ratios of this run, and figures of this machine at this moment. See README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/postern-mail/postern/gateway/bench/reference"
)

// bench is one call of the command.
type bench struct {
	gateway string // the program
	against string // another build of it, to be compared with; empty for none
	dir     string // where everything is kept meanwhile
	rounds  int
	time    time.Duration // of one cell of a round
	rows    int
	out     *tabwriter.Writer
}

// part is one thing to be measured.
type part struct {
	name, title string
	run         func(*bench, context.Context) error
}

// parts are all of them, in the order in which they are run.
func parts() []part {
	return []part{
		{"enqueue", "mails made durable, body and rows", (*bench).enqueue},
		{"work", "claim and result of deliveries", (*bench).work},
		{"log", "a log with many rows, and a queue with many waiting", (*bench).log},
		{"mail-4k", "SMTP to webhook, 64 connections, mails of 4 KiB of text", (*bench).mail4K},
		{"mail-50k", "SMTP to webhook, 64 connections, mails of 50 KiB: text, HTML and an attachment", (*bench).mail50K},
		{"mail-plugins", "SMTP to webhook, 64 connections, mails of 4 KiB with HTML, the four plugins", (*bench).mailPlugins},
		{"memory", "1,000 idle connections, and 64 mails of 50 MB at the same time", (*bench).memory},
	}
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "reference" {
		if err := serveReference(os.Args[2:]); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		_, _ = fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(1)
	}
}

// serveReference runs a reference, of which this program is the process too.
func serveReference(args []string) error {
	if len(args) != 4 {
		return errors.New("a reference takes its kind, a URL, a folder, and the file for its address")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	ready := args[3]
	if err := os.WriteFile(ready+".tmp", []byte(l.Addr().String()), 0o600); err != nil { //nolint:gosec // the caller's own
		return err
	}
	if err := os.Rename(ready+".tmp", ready); err != nil { //nolint:gosec // the caller's own
		return err
	}
	return reference.Serve(reference.Server(args[0]), l, args[1], args[2])
}

func run(ctx context.Context, args []string, out io.Writer) error {
	var names []string
	for _, p := range parts() {
		names = append(names, p.name)
	}
	flags := flag.NewFlagSet("measure", flag.ContinueOnError)
	b := &bench{out: tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)}
	flags.StringVar(&b.gateway, "gateway", "../../.build/postern", "the gateway's `program`")
	flags.StringVar(&b.against, "against", "", "another build of the gateway, to be measured beside it")
	parent := flags.String("dir", "", "work in a new folder in this one, on the disk that is to be measured (default the system's for temporary files)")
	flags.IntVar(&b.rounds, "rounds", 3, "how often each cell is measured; what is printed is the median")
	flags.DurationVar(&b.time, "time", 2*time.Second, "how long one cell of a round takes mail")
	flags.IntVar(&b.rows, "rows", 1_000_000, "how many rows the log has")
	flags.Usage = func() {
		_, _ = fmt.Fprintf(flags.Output(), "Usage: measure [flags] [PART…]\nParts, all of them where none is named: %s\n", strings.Join(names, " "))
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	chosen, err := choose(flags.Args())
	if err != nil {
		return err
	}
	if b.gateway, err = filepath.Abs(b.gateway); err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp(*parent, "postern-measure"); err != nil {
		return err
	}
	for _, p := range chosen {
		began := time.Now()
		_, _ = fmt.Fprintf(out, "\n== %s: %s (load of the machine before: %s)\n", p.name, p.title, machineLoad())
		if err = p.run(b, ctx); err != nil {
			err = fmt.Errorf("%s: %w", p.name, err)
			break
		}
		if err = b.out.Flush(); err != nil {
			break
		}
		_, _ = fmt.Fprintf(out, "   took %s\n", time.Since(began).Round(time.Second))
	}
	return errors.Join(err, os.RemoveAll(b.dir))
}

func choose(names []string) ([]part, error) {
	if len(names) == 0 {
		return parts(), nil
	}
	var chosen []part
	for _, name := range names {
		known := false
		for _, p := range parts() {
			if p.name == name {
				chosen, known = append(chosen, p), true
			}
		}
		if !known {
			return nil, fmt.Errorf("there is no part %q; see -help", name)
		}
	}
	return chosen, nil
}

// machineLoad is what else the machine does: the load averages of Linux.
func machineLoad() string {
	text, err := os.ReadFile("/proc/loadavg")
	fields := strings.Fields(string(text))
	if err != nil || len(fields) < 3 {
		return "unknown"
	}
	return strings.Join(fields[:3], " ")
}

// row prints one row of a table.
func (b *bench) row(cells ...any) {
	for _, c := range cells {
		_, _ = fmt.Fprintf(b.out, "%v\t", c)
	}
	_, _ = fmt.Fprintln(b.out)
}

// folder makes an empty folder, and returns what removes it.
func (b *bench) folder() (dir string, remove func() error, err error) {
	dir, err = os.MkdirTemp(b.dir, "cell")
	return dir, func() error { return os.RemoveAll(dir) }, err
}

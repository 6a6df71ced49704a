// Command postern is the mail gateway and everything that goes with it: one
// binary, a verb for each thing to do. Run "postern help".
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/gateway/internal/config"
	"github.com/postern-mail/postern/gateway/internal/terminal"
)

// Exit codes.
const (
	exitFailure = 1 // it was understood, tried, and failed
	exitUsage   = 2 // it was not understood: arguments or configuration are wrong
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is main without the process.
func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	// The first signal asks for an orderly stop, a second one ends the process.
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		stop()
		<-signals
		os.Exit(exitFailure)
	}()

	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	var failed failure
	var problems config.Problems
	switch {
	case errors.Is(err, errShown):
		return exitUsage
	case errors.As(err, &problems):
		_, _ = fmt.Fprintln(stderr, problems)
		return exitUsage
	case errors.As(err, &failed):
		if !errors.Is(err, errReported) {
			// Errors quote servers and mails.
			_, _ = fmt.Fprintln(stderr, "postern:", terminal.Text(strings.ReplaceAll(err.Error(), "\n", "; "), maxError))
		}
		return exitFailure
	default:
		_, _ = fmt.Fprintf(stderr, "postern: %v\nSee \"%s --help\".\n", err, cmd.CommandPath())
		return exitUsage
	}
}

// maxError is how much of an error is shown.
const maxError = 4000

// failure is an error of the work itself, as opposed to one of its arguments.
type failure struct{ error }

func (f failure) Unwrap() error { return f.error }

// Errors of verbs that have said themselves what is wrong.
var (
	errReported = errors.New("reported") // exit code 1
	errShown    = errors.New("shown")    // exit code 2
)

// work makes the errors of a verb failures.
func work(f func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := f(cmd, args); err != nil {
			return failure{err}
		}
		return nil
	}
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "postern",
		Short: "A mail gateway: SMTP in, signed webhooks out",
		Long: `Postern takes mail in by SMTP, keeps it safe, and delivers it as signed
webhooks (https://www.standardwebhooks.com).

Exit codes: 0 done, 1 failed, 2 wrong arguments or configuration.`,
		Example: `  postern check -c postern.hcl
  postern serve -c postern.hcl
  postern send --to support@acme.test mail.eml
  postern message list --data-dir /var/lib/postern
  postern queue stats --data-dir /var/lib/postern`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddCommand(newServe(), newCheck(), newSend(), newMessage(), newQueue(), newQuarantine(), newAccount(), newEvents(),
		newVerify(), newBackup(), newRestore(), newMigrate(), newStore(), newPlugin(), newSchema(), newVersion())
	return root
}

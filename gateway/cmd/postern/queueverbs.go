package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/gateway/internal/admin"
)

func newQueue() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "queue",
		Short: "Look at the queue of a running gateway, hold it, push it",
		Args:  cobra.NoArgs, // without a verb of its own, an unknown one would be passed over
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newQueueStats(), newQueuePause(), newQueueResume(), newQueueRetry(), newQueueDrop())
	return cmd
}

func newQueueStats() *cobra.Command {
	var gateway gatewayFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "stats",
		Short: "Show what waits for each endpoint",
		Long: `Stats prints a line for each endpoint that has deliveries in the queue, or is paused:
how many wait, how many of these are due, how many attempts are under way, when the first mail in its queue was
received, when the next attempt is due, and what holds it back: a pause, a limit of the plan or the endpoint, or that
as many attempts are under way as may be. Limits and attempts are those of this gateway; others that share its store
have their own part of them.`,
		Example: `  postern queue stats --data-dir /var/lib/postern
  postern queue stats -c postern.hcl --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return answer(cmd, &gateway, asJSON, func(ctx context.Context, client *admin.Client) (admin.QueueStats, error) {
				return client.Queue(ctx)
			}, printStats)
		},
	}
	gateway.register(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func printStats(w io.Writer, stats admin.QueueStats) error {
	if len(stats.Lanes) == 0 {
		_, err := fmt.Fprintln(w, "The queue is empty, and nothing is paused.")
		return err
	}
	at := func(t admin.Time) string {
		if t.IsZero() {
			return "-"
		}
		return t.Local().Format(time.DateTime)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ENDPOINT\tWAITING\tDUE\tUNDER WAY\tOLDEST\tNEXT\tHELD BACK BY")
	for _, l := range stats.Lanes {
		next := at(l.NextDueAt)
		if l.Due > 0 {
			next = "now"
		}
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%s\t%s\t%s\n", admin.Pausing{Tenant: l.Tenant, Endpoint: l.Endpoint}, l.Waiting, l.Due, l.InFlight, at(l.OldestAt), next, heldBackBy(l))
	}
	fmt.Fprintf(table, "in all\t%d\t%d\t%d\t\t\t\n", stats.Waiting, stats.Due, stats.InFlight)
	return table.Flush()
}

// heldBackBy says what a lane waits for, but for time, which the table has beside it.
func heldBackBy(l admin.Lane) string {
	switch {
	case !l.PausedSince.IsZero():
		return "a pause since " + l.PausedSince.Local().Format(time.DateTime)
	case l.TenantPaused:
		return "the pause of its tenant"
	case l.LimitedBy != "":
		whose, setting, _ := strings.Cut(l.LimitedBy, ".")
		return fmt.Sprintf("%s of its %s until %s", setting, whose, l.LimitedUntil.Local().Format(time.TimeOnly+".000"))
	case l.MaxInFlight > 0:
		return fmt.Sprintf("its %s, which has all its %d attempts under way", l.Full, l.MaxInFlight)
	case l.Full != "":
		return "the gateway, whose workers are all busy"
	}
	return ""
}

func newQueuePause() *cobra.Command {
	return newPausing(&cobra.Command{
		Use:   "pause TENANT[/ENDPOINT]",
		Short: "Have what is to be sent to an endpoint, or for a tenant, wait",
		Long: `Pause has the deliveries for an endpoint, or without one for all endpoints of a
tenant, wait until "postern queue resume". One that the running configuration does not have is
refused, unless deliveries still wait for it. Attempts that are under way go on. Mail is taken as ever, and
retention goes on: what waits beyond it expires.`,
		Example: `  postern queue pause --data-dir /var/lib/postern acme/desk
  postern queue pause -c postern.hcl acme --json`,
	}, (*admin.Client).Pause, func(p admin.Paused) string {
		if !p.Changed {
			return fmt.Sprintf("%s was paused already.", p.Pausing)
		}
		return fmt.Sprintf("%s is paused; \"postern queue resume %s\" ends it.", p.Pausing, p.Pausing)
	})
}

func newQueueResume() *cobra.Command {
	return newPausing(&cobra.Command{
		Use:   "resume TENANT[/ENDPOINT]",
		Short: "End a pause",
		Long: `Resume ends the pause of exactly that endpoint, or that tenant. An endpoint of a tenant
that is paused waits on.`,
		Example: `  postern queue resume --data-dir /var/lib/postern acme/desk
  postern queue resume -c postern.hcl acme`,
	}, (*admin.Client).Resume, func(p admin.Paused) string {
		text := fmt.Sprintf("%s goes on.", p.Pausing)
		if !p.Changed {
			text = fmt.Sprintf("%s was not paused.", p.Pausing)
		}
		if p.TenantPaused {
			text += fmt.Sprintf(" All of %s is paused: \"postern queue resume %s\" ends that.", p.Tenant, p.Tenant)
		}
		return text
	})
}

// newPausing makes a verb that pauses or resumes.
func newPausing(cmd *cobra.Command, do func(*admin.Client, context.Context, admin.Pausing) (admin.Paused, error), say func(admin.Paused) string) *cobra.Command {
	var gateway gatewayFlags
	var asJSON bool
	cmd.Args = cobra.ExactArgs(1)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		tenant, endpoint, named := strings.Cut(args[0], "/")
		if tenant == "" || named && endpoint == "" || strings.Contains(endpoint, "/") {
			return fmt.Errorf("%q: want TENANT or TENANT/ENDPOINT", args[0])
		}
		return answer(cmd, &gateway, asJSON, func(ctx context.Context, client *admin.Client) (admin.Paused, error) {
			paused, err := do(client, ctx, admin.Pausing{Tenant: tenant, Endpoint: endpoint})
			if err == nil && paused.Paused && !paused.Known {
				fmt.Fprintf(cmd.ErrOrStderr(), "postern: warning: the running configuration has no %s; it is for what still waits\n", paused.Pausing)
			}
			return paused, err
		}, func(w io.Writer, p admin.Paused) error {
			_, err := fmt.Fprintln(w, say(p))
			return err
		})
	}
	gateway.register(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func newQueueRetry() *cobra.Command {
	return newAct(actVerb{
		act: admin.Retry, name: "retry", done: "made due", one: "delivery", many: "deliveries",
		cmd: &cobra.Command{
			Short: "Have deliveries that wait for their next attempt tried at once",
			Long: `Retry makes deliveries due that wait for their next attempt. The attempt counts as any
other; after it the schedule goes on. What is paused stays so.`,
			Example: `  postern queue retry --data-dir /var/lib/postern msg_01KAN2Y8Q6W6Z3E2B7ZV0M9D4C_1
  postern queue retry -c postern.hcl --tenant acme --endpoint desk --yes`,
		},
	})
}

func newQueueDrop() *cobra.Command {
	return newAct(actVerb{
		act: admin.Drop, name: "drop", done: "dropped", one: "delivery", many: "deliveries",
		cmd: &cobra.Command{
			Short: "End deliveries that wait, without an attempt",
			Long: `Drop ends deliveries that wait, in state dropped. The mail is kept for its retention, and
"postern message resend" undoes it. One that is quarantined is dropped, too, where its ID or --state says so.`,
			Example: `  postern queue drop --data-dir /var/lib/postern msg_01KAN2Y8Q6W6Z3E2B7ZV0M9D4C_1
  postern queue drop -c postern.hcl --tenant acme --subject newsletter --yes --reason "sent by mistake"`,
		},
	})
}

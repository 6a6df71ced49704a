package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/gateway/internal/admin"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/terminal"
)

func newEvents() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "events",
		Short: "Look at the events that a running gateway has told of, and send them again",
		Long: `Events tell of what fails and what works again: connections to mail servers, logins, deliveries, scanners, plugins,
the disk. They go to the endpoints that want them, as deliveries of their own: signed, tried again, and kept in the log.`,
		Args: cobra.NoArgs, // without a verb of its own, an unknown one would be passed over
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newEventsList(), newEventsShow(), newEventsResend())
	return cmd
}

func newEventsList() *cobra.Command {
	f := listFlags{filter: filterFlags{events: true}}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List events, the newest first",
		Long: `List prints a line for each event and endpoint that gets it. Events: ` + strings.Join(mail.Events(), ", ") + `.

` + filterHelp,
		Example: `  postern events list --data-dir /var/lib/postern
  postern events list -c postern.hcl --account sales --since 7d
  postern events list -c postern.hcl --event connectError --state failed --all --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			filter, err := f.filter.read()
			if err != nil {
				return err
			}
			return f.list(cmd, filter, columns{"ID\tAT\tEVENT\tABOUT\tSTATE\tTRIES\tCODE\tENDPOINT\tWHAT", func(d admin.Delivery) string {
				code := ""
				if d.LastCode != 0 {
					code = strconv.Itoa(d.LastCode)
				}
				about := strings.TrimSuffix(d.About.Class+" "+d.About.Name, " ")
				return fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s/%s\t%s", d.ID, d.ReceivedAt.Local().Format(time.DateTime), d.Event, terminal.Text(about, 80), d.State, d.AttemptCount, code,
					d.Tenant, d.Endpoint, terminal.Text(strings.TrimSpace(strings.TrimPrefix(strings.TrimPrefix(d.Subject, d.Event), " "+d.About.Name+":")), 80))
			}})
		},
	}
	f.register(cmd, true)
	return cmd
}

func newEventsShow() *cobra.Command {
	return newShow(&cobra.Command{
		Short: "Show an event: its payload, and the attempts to send it",
		Long:  `Show takes the id of an event, which is its eventId and its webhook-id; without one it takes the newest.`,
		Example: `  postern events show --data-dir /var/lib/postern
  postern events show -c postern.hcl --json msg_01KAN2Y8Q6W6Z3E2B7ZV0M9D4C_1`,
	}, admin.Filter{Events: true})
}

func newEventsResend() *cobra.Command {
	return newAct(actVerb{
		act: admin.Resend, name: "resend", done: "queued", one: "event", many: "events", events: true,
		cmd: &cobra.Command{
			Short: "Send events again that have ended",
			Long: `Resend sends events again, the same payload under the same eventId, so that a receiver that has it already can
tell. The schedule begins anew.`,
			Example: `  postern events resend --data-dir /var/lib/postern msg_01KAN2Y8Q6W6Z3E2B7ZV0M9D4C_1
  postern events resend -c postern.hcl --tenant acme --state failed --since 24h --yes`,
		},
	})
}

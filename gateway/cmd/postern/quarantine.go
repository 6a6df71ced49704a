package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/gateway/internal/admin"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/terminal"
)

func newQuarantine() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "quarantine",
		Short: "Look at the deliveries that a running gateway holds, release or delete them",
		Args:  cobra.NoArgs, // without a verb of its own, an unknown one would be passed over
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newQuarantineList(), newQuarantineShow(), newQuarantineRelease(), newQuarantineDelete())
	return cmd
}

func newQuarantineList() *cobra.Command {
	var f listFlags
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List deliveries that are held, the newest first",
		Long: `List prints a line for each delivery that is quarantined: why it is held, and until when.
What nobody releases by then expires.

` + filterHelp,
		Example: `  postern quarantine list --data-dir /var/lib/postern
  postern quarantine list -c postern.hcl --tenant acme --since 7d --all --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			filter, err := f.filter.read()
			if err != nil {
				return err
			}
			filter.States = []mail.State{mail.Quarantined}
			return f.list(cmd, filter, columns{"ID\tRECEIVED\tHELD UNTIL\tENDPOINT\tRECIPIENT\tREASON\tSUBJECT", func(d admin.Delivery) string {
				return fmt.Sprintf("%s\t%s\t%s\t%s/%s\t%s\t%s\t%s", d.ID, d.ReceivedAt.Local().Format(time.DateTime), d.HeldUntil.Local().Format(time.DateTime),
					d.Tenant, d.Endpoint, terminal.Text(d.Recipient, 40), terminal.Text(d.Reason, 60), terminal.Text(d.Subject, 60))
			}})
		},
	}
	f.register(cmd, false)
	return cmd
}

func newQuarantineShow() *cobra.Command {
	return newShow(&cobra.Command{
		Short: "Show what is held of a message, and why",
		Long: `Show takes the id of a message or of a delivery that is quarantined; without one it
takes the newest. It shows what "postern message show" does, of what is held alone.`,
		Example: `  postern quarantine show --data-dir /var/lib/postern
  postern quarantine show -c postern.hcl --json msg_01KAN2Y8Q6W6Z3E2B7ZV0M9D4C_1`,
	}, admin.Filter{States: []mail.State{mail.Quarantined}})
}

func newQuarantineRelease() *cobra.Command {
	return newAct(actVerb{
		act: admin.Release, name: "release", done: "released", one: "delivery", many: "deliveries",
		cmd: &cobra.Command{
			Short: "Send deliveries that are held",
			Long: `Release sends deliveries that are quarantined. They are not held again for what they were
held for.`,
			Example: `  postern quarantine release --data-dir /var/lib/postern msg_01KAN2Y8Q6W6Z3E2B7ZV0M9D4C_1
  postern quarantine release -c postern.hcl --tenant acme --sender billing@shop.example --yes --note "a false alarm"`,
		},
	})
}

func newQuarantineDelete() *cobra.Command {
	return newAct(actVerb{
		act: admin.Discard, name: "delete", done: "deleted", one: "delivery", many: "deliveries",
		cmd: &cobra.Command{
			Short: "Delete deliveries that are held",
			Long: `Delete ends deliveries that are quarantined, in state dropped. The last one takes the
message with it: where all deliveries of a message were deleted so, it is erased as by "postern message delete",
and there is no way back. Where others are left, as those of another tenant, the mail is kept for these.`,
			Example: `  postern quarantine delete --data-dir /var/lib/postern msg_01KAN2Y8Q6W6Z3E2B7ZV0M9D4C_1
  postern quarantine delete -c postern.hcl --tenant acme --until 7d --yes`,
		},
	})
}

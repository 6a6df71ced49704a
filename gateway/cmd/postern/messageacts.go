package main

import (
	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/gateway/internal/admin"
)

func newMessageResend() *cobra.Command {
	return newAct(actVerb{
		act: admin.Resend, name: "resend", done: "resent", one: "delivery", many: "deliveries",
		cmd: &cobra.Command{
			Short: "Send deliveries again that have ended",
			Long: `Resend puts deliveries back into the queue that have ended: failed, dropped, expired, or
delivered. What goes is the same payload, under the same webhook-id, so that a receiver which has it already
drops it; where no payload is kept, the plugins make one. The schedule of attempts begins
anew. A selection takes delivered ones only where --state says so.`,
			Example: `  postern message resend --data-dir /var/lib/postern msg_01KAN2Y8Q6W6Z3E2B7ZV0M9D4C_1
  postern message resend -c postern.hcl --tenant acme --endpoint desk --state failed --since 24h
  postern message resend -c postern.hcl --endpoint desk --since 2026-02-12 --yes --note "the desk was down" --json`,
		},
	})
}

func newMessageReprocess() *cobra.Command {
	return newAct(actVerb{
		act: admin.Reprocess, name: "reprocess", done: "reprocessed", one: "delivery", many: "deliveries",
		cmd: &cobra.Command{
			Short: "Have the plugins work on deliveries anew, and send what comes",
			Long: `Reprocess forgets the payload of deliveries, whatever their state, and puts them back into
the queue: the mail goes through the plugins as the configuration has them now, and what they make is
sent under the same webhook-id. A receiver that drops ids which it has seen does not look at it. A selection
takes delivered ones only where --state says so.`,
			Example: `  postern message reprocess --data-dir /var/lib/postern msg_01KAN2Y8Q6W6Z3E2B7ZV0M9D4C
  postern message reprocess -c postern.hcl --tenant acme --state failed,quarantined --since 7d --yes`,
		},
	})
}

func newMessageDelete() *cobra.Command {
	return newAct(actVerb{
		act: admin.Delete, name: "delete", done: "deleted", one: "message", many: "messages",
		cmd: &cobra.Command{
			Short: "Erase messages: the mail, and all that is known of it",
			Long: `Delete erases messages whole: the mail, its payloads, and its rows in the log. There is
no way back. It is refused while an attempt is under way.

Of the files of an embedded store nothing is left of it then, but for up to ten seconds, or for as long as a
backup or an export goes on, in the database's write-ahead log. In PostgreSQL its rows are dead, and there until
VACUUM and something else take their place. Backups are not touched.

A message goes whole, and its deliveries may be of several tenants. So an ID is that of a message, and a
selection takes the messages all of whose deliveries it selects.`,
			Example: `  postern message delete --data-dir /var/lib/postern msg_01KAN2Y8Q6W6Z3E2B7ZV0M9D4C
  postern message delete -c postern.hcl --tenant acme --sender @spam.example --until 30d --yes`,
		},
	})
}

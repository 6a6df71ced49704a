package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/gateway/internal/mail"
)

// outputHelp explains where octets go.
const outputHelp = `The octets come as they are. At a terminal, which would obey what stands in a
mail, control characters are escaped; -o FILE or a pipe gets all.`

func newMessageRaw() *cobra.Command {
	var gateway gatewayFlags
	var out outputFlag
	var asReceived bool
	cmd := &cobra.Command{
		Use:   "raw ID",
		Short: "Write a mail as it came",
		Long: `Raw writes the mail of a message: the field "Received" that the gateway adds, as SMTP
has it, and the octets as they were received. --as-received leaves the field out; the SHA-256 of what is left
is that of "message show".

` + outputHelp,
		Example: `  postern message raw --data-dir /var/lib/postern msg_01KAN2Y8Q6W6Z3E2B7ZV0M9D4C > mail.eml
  postern message raw -c postern.hcl --as-received -o mail.eml msg_01KAN2Y8Q6W6Z3E2B7ZV0M9D4C`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			message, _, err := mail.ParseID(args[0])
			if err != nil {
				return err
			}
			client, err := gateway.client()
			if err != nil {
				return err
			}
			return wrapFailure(out.write(cmd, func(w io.Writer) error {
				return client.WriteRaw(cmd.Context(), w, message, asReceived)
			}))
		},
	}
	gateway.register(cmd)
	out.register(cmd)
	cmd.Flags().BoolVar(&asReceived, "as-received", false, "without the gateway's own field")
	return cmd
}

func newMessagePayload() *cobra.Command {
	var gateway gatewayFlags
	var out outputFlag
	cmd := &cobra.Command{
		Use:   "payload ID",
		Short: "Write the payload of a delivery, the exact bytes that are sent",
		Long: `Payload writes what the endpoint gets, attachments included. ID is that of a delivery,
or of a message that has one alone.

` + outputHelp,
		Example: `  postern message payload --data-dir /var/lib/postern msg_01KAN2Y8Q6W6Z3E2B7ZV0M9D4C_1 > payload.json
  postern message payload -c postern.hcl -o payload.json msg_01KAN2Y8Q6W6Z3E2B7ZV0M9D4C_1`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			message, delivery, err := mail.ParseID(args[0])
			if err != nil {
				return err
			}
			client, err := gateway.client()
			if err != nil {
				return err
			}
			if delivery == "" {
				m, err := client.Message(cmd.Context(), string(message))
				if err != nil {
					return failure{err}
				}
				if n := len(m.Deliveries); n != 1 {
					return fmt.Errorf("message %s has %s: give the id of one, as in %s", message, counted(n, "delivery", "deliveries"), message.Delivery(1))
				}
				delivery = m.Deliveries[0].ID
			}
			return wrapFailure(out.write(cmd, func(w io.Writer) error {
				return client.WritePayload(cmd.Context(), w, delivery, true)
			}))
		},
	}
	gateway.register(cmd)
	out.register(cmd)
	return cmd
}

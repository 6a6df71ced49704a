package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/gateway/internal/payload/schema"
)

func newSchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of webhook payloads",
		Long: `Schema prints the JSON Schema (2020-12) of the payloads that the gateway and the
plugins classify, spam and markdown make, version ` + schema.Version + `: each field with its type, its
meaning and an example. For people gateway/PAYLOAD.md lists the same.

A payload with further fields fits: later versions and plugins add some, and who
reads a payload ignores them. One from which the plugin payload has left fields out
does not.

Keep the schema with your receiver, make types from it, and check payloads in your
tests. "postern message payload" gives one to check.`,
		Example: `  postern schema > payload.schema.json
  postern message payload --data-dir data msg_01KAN2Y8Q6W6Z3E2B7ZV0M9D4C_1 > webhook.json
  npx --package=ajv-cli --package=ajv-formats ajv validate --spec=draft2020 \
    -c ajv-formats -s payload.schema.json -d webhook.json`,
		Args: cobra.NoArgs,
		RunE: work(func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprint(cmd.OutOrStdout(), schema.Text())
			return err
		}),
	}
}

package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/gateway/internal/admin"
)

// migrated is what "migrate --json" prints.
type migrated struct {
	Before int64 `json:"before"`
	Now    int64 `json:"now"`
}

func newMigrate() *cobra.Command {
	var data dataFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the tables of the store up to date with this program",
		Long: `Migrate does what a gateway does when it starts by itself: it brings the tables of the
store to the version that this program has. To do it beforehand shows how long it takes, and whether it can be done. There
is no way back but a backup. A store that a newer program has written is refused.`,
		Example: `  postern migrate --data-dir /var/lib/postern
  postern migrate -c cluster.hcl --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var done migrated
			err := data.onData(cmd, toMigrate, func(*admin.Client) error {
				return errors.New("a gateway is running on this data; it has brought the tables up to date when it started")
			}, func(s *storage) error {
				done.Before, done.Now = s.versions()
				return nil
			})
			if err != nil {
				return err
			}
			if asJSON {
				return wrapFailure(json.NewEncoder(cmd.OutOrStdout()).Encode(done))
			}
			text := fmt.Sprintf("The tables have version %d, as before.", done.Now)
			if done.Before != done.Now {
				text = fmt.Sprintf("The tables have version %d now; they had %d.", done.Now, done.Before)
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), text)
			return wrapFailure(err)
		},
	}
	data.register(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

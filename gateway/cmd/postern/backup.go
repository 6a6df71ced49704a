package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/gateway/internal/admin"
	"github.com/postern-mail/postern/gateway/internal/config"
	"github.com/postern-mail/postern/gateway/internal/maintenance"
	"github.com/postern-mail/postern/gateway/internal/store"
)

func newBackup() *cobra.Command {
	var data dataFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "backup FOLDER",
		Short: "Copy all data of a gateway to a new folder, while it runs or not",
		Long: `Backup writes a copy of the database and of all bodies to a folder that is not there
yet. The gateway may run meanwhile: the copy is of one moment. The copy is then looked at, as
"postern verify" does: what is damaged is copied as it is and listed, backup.json says so too, and the exit
code is 1. "postern restore" makes a data folder of it. Tables that an older version has made are refused as they are: "postern migrate" brings them up to
date. Where the data is in PostgreSQL or S3, back it up by their own tools, or copy it
by "postern store copy".`,
		Example: `  postern backup --data-dir /var/lib/postern /backup/postern-2026-11-24
  postern backup -c postern.hcl /backup/postern-2026-11-24 --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := filepath.Abs(args[0]) // a gateway that runs may be elsewhere
			if err != nil {
				return err
			}
			err = data.onData(cmd, toRead, func(client *admin.Client) error {
				return client.Backup(cmd.Context(), dir)
			}, func(s *storage) error {
				if s.backup == nil {
					return admin.ErrNoBackup
				}
				_, err := s.backup(cmd.Context(), dir)
				return err
			})
			if err != nil {
				return err
			}
			m, err := maintenance.ReadManifest(dir)
			if err == nil && m.Verified == nil { // by a gateway that runs and does not do so yet
				err = fmt.Errorf("the backup is in %s, and was not looked at; do so by \"postern verify --data-dir %s\"", dir, dir)
			}
			if err != nil {
				return failure{err}
			}
			return showBackup(cmd.OutOrStdout(), dir, m, asJSON)
		},
	}
	data.register(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// showBackup says what a backup is. Of one that is not whole it has said so, and fails.
func showBackup(w io.Writer, dir string, m maintenance.Manifest, asJSON bool) error {
	if asJSON {
		err := json.NewEncoder(w).Encode(struct {
			Folder string `json:"folder"`
			maintenance.Manifest
		}{dir, m})
		if err == nil && m.Verified.Wrong > 0 {
			err = errReported
		}
		return wrapFailure(err)
	}
	if _, err := fmt.Fprintf(w, "The backup is in %s. What it holds was looked at:\n", dir); err != nil {
		return failure{err}
	}
	return showReport(w, *m.Verified, false)
}

func newRestore() *cobra.Command {
	var data dataFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "restore BACKUP",
		Short: "Make a data folder of a backup",
		Long: `Restore copies a backup to the data folder, which must be missing or empty, and then
looks whether all of it is whole, as "postern verify" does. It says so where the backup was made of damaged
data. Nothing is written over. Mails that were
delivered after the backup was made are delivered again, under the same webhook-id.`,
		Example: `  postern restore /backup/postern-2026-11-24 --data-dir /var/lib/postern
  postern restore /backup/postern-2026-11-24 -c postern.hcl`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			cfg, err := data.configuration()
			if err != nil {
				return err
			}
			if cfg.Store.Driver != config.DriverSQLite || cfg.Bodies.Driver != config.DriverFiles {
				return failure{errors.New("a backup is restored to a data folder: name one by --data-dir, then copy it by \"postern store copy\"")}
			}
			m, err := maintenance.Restore(args[0], cfg.Server.DataDir)
			if err != nil {
				return failure{err}
			}
			if m.Verified != nil && m.Verified.Wrong > 0 {
				_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "This backup was made of damaged data: when it was made, %d things in it were wrong, as its %s says.\n", m.Verified.Wrong, maintenance.ManifestName)
			}
			restored, err := openData(cmd.Context(), cfg, toRead)
			if errors.Is(err, store.ErrOlder) {
				err = fmt.Errorf("%s is restored, and was not looked at: %w", cfg.Server.DataDir, err)
			}
			if err != nil {
				return failure{err}
			}
			defer closing(&err, restored)
			progress := newProgress(cmd.ErrOrStderr())
			report, err := maintenance.Verify(cmd.Context(), restored.store, restored.bodies, func(r maintenance.Report) {
				progress.show("restored; messages looked at:", r.Messages, 0)
			})
			progress.clear()
			if err != nil {
				return failure{err}
			}
			return showReport(cmd.OutOrStdout(), report, asJSON)
		},
	}
	data.register(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

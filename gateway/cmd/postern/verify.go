package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/gateway/internal/admin"
	"github.com/postern-mail/postern/gateway/internal/maintenance"
	"github.com/postern-mail/postern/gateway/internal/terminal"
)

func newVerify() *cobra.Command {
	var data dataFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Look whether the data is whole: every message, its body and checksum",
		Long: `Verify looks whether the database's file is whole, where it is SQLite's, and reads every message that is
stored, its body against its checksum, and what plugins made of it. The gateway may run meanwhile, or not. Nothing is repaired: what is
wrong is listed, and the exit code is 1 then. Where PostgreSQL or S3 does not answer, or refuses, that is no
damage: verify ends with that error, and says how far it came. Nor is anything migrated: tables of an older version are
refused, and "postern migrate" brings them up to date.`,
		Example: `  postern verify --data-dir /var/lib/postern
  postern verify -c postern.hcl --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var report maintenance.Report
			progress := newProgress(cmd.ErrOrStderr())
			tell := func(r maintenance.Report) {
				progress.show("messages looked at:", r.Messages, 0)
			}
			err := data.onData(cmd, toRead, func(client *admin.Client) (err error) {
				report, err = client.Verify(cmd.Context(), tell)
				return err
			}, func(s *storage) (err error) {
				report, err = maintenance.Verify(cmd.Context(), s.store, s.bodies, tell)
				return err
			})
			progress.clear()
			if err != nil {
				return err
			}
			return showReport(cmd.OutOrStdout(), report, asJSON)
		},
	}
	data.register(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// showReport prints what was found. Where something is wrong it has said so, and fails.
func showReport(w io.Writer, r maintenance.Report, asJSON bool) error {
	if asJSON {
		if err := json.NewEncoder(w).Encode(r); err != nil {
			return failure{err}
		}
	} else {
		for _, problem := range r.Database {
			fmt.Fprintf(w, "database  %s\n", terminal.Text(problem, 400))
		}
		for _, f := range r.Findings {
			fmt.Fprintf(w, "%s  %s\n", f.ID, terminal.Text(f.Problem, 400))
		}
		if more := r.Wrong - len(r.Database) - len(r.Findings); more > 0 {
			fmt.Fprintf(w, "… and %d more\n", more)
		}
		verdict := "all of it is whole."
		if r.Wrong > 0 {
			verdict = fmt.Sprintf("%d things are wrong. Nothing was changed; a backup may have what is lost: see \"postern restore\".", r.Wrong)
		}
		fmt.Fprintf(w, "%d messages, %d bodies, %s: %s\n", r.Messages, r.Bodies, sizeText(r.Octets), verdict)
	}
	if r.Wrong > 0 {
		return failure{errReported}
	}
	return nil
}

// sizeText is a size as people read it.
func sizeText(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d octets", n)
	}
	size, names := float64(n)/unit, []string{"KiB", "MiB", "GiB", "TiB"}
	for len(names) > 1 && size >= unit {
		size, names = size/unit, names[1:]
	}
	return fmt.Sprintf("%.1f %s", size, names[0])
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/gateway/internal/config"
	"github.com/postern-mail/postern/gateway/internal/maintenance"
	"github.com/postern-mail/postern/gateway/internal/store"
)

func newStore() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "store",
		Short: "Work on the store as a whole",
		Args:  cobra.NoArgs, // without a verb of its own, an unknown one would be passed over
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newStoreCopy())
	return cmd
}

func newStoreCopy() *cobra.Command {
	var from, to string
	var resume, asJSON bool
	cmd := &cobra.Command{
		Use:   "copy --from FILE --to FILE",
		Short: "Copy all data from the store of one configuration to that of another",
		Long: `Copy moves a gateway to another store: from SQLite to PostgreSQL, from files to S3, or back. No
gateway may run on either: one that does, on whichever machine, has it refused. Every message is copied with its deliveries, attempts, traces and body;
ids stay the same. So is all that is known of mail accounts: what was fetched is not fetched again. Buckets of rate limits begin full. The store that is copied from is left as it is, and
refused where its tables are older than this program ("postern migrate" brings them up to date). The
store that is copied to must be empty; a copy that was interrupted goes on with --resume, and only into what is a copy of the same store. Start the gateway by the new configuration afterwards, and never both.`,
		Example: `  postern store copy --from postern.hcl --to cluster.hcl
  postern store copy --from postern.hcl --to cluster.hcl --resume --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			source, err := (&configFlags{files: []string{from}}).load(nil)
			if err != nil {
				return err
			}
			target, err := (&configFlags{files: []string{to}}).load(nil)
			if err != nil {
				return err
			}
			progress := newProgress(cmd.ErrOrStderr())
			done, err := copyStore(cmd.Context(), source, target, maintenance.CopyOptions{Resume: resume, Progress: func(c maintenance.Copied) {
				progress.show("messages copied:", c.Messages+c.Present, 0)
			}})
			progress.clear()
			if errors.Is(err, maintenance.ErrNotEmpty) {
				err = fmt.Errorf("%w; --resume goes on with a copy that was interrupted", err)
			}
			if errors.Is(err, store.ErrOther) {
				err = fmt.Errorf("%w; copy to an empty one", err)
			}
			if err != nil {
				return failure{err}
			}
			if asJSON {
				return wrapFailure(json.NewEncoder(cmd.OutOrStdout()).Encode(done))
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "Copied %d messages and %d bodies, %s; %d messages were there already. Next: postern verify -c %s\n",
				done.Messages, done.Bodies, sizeText(done.Octets), done.Present, to)
			return wrapFailure(err)
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "configuration `FILE` whose data is copied")
	cmd.Flags().StringVar(&to, "to", "", "configuration `FILE` whose store gets it")
	cmd.Flags().BoolVar(&resume, "resume", false, "go on with a copy that was interrupted")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	for _, name := range []string{"from", "to"} {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // the flag is there
		}
	}
	return cmd
}

// copyStore copies the data of one configuration to where another has it.
func copyStore(ctx context.Context, source, target *config.Config, o maintenance.CopyOptions) (done maintenance.Copied, err error) {
	if source.Server.DataDir == target.Server.DataDir && usesFiles(source) && usesFiles(target) {
		return done, fmt.Errorf("both configurations keep data in %s; give the target a server.data_dir of its own", target.Server.DataDir)
	}
	from, err := openData(ctx, source, toCopyFrom)
	if err != nil {
		return done, fmt.Errorf("copy from: %w", err)
	}
	defer closing(&err, from)
	dir := &dataDir{path: target.Server.DataDir}
	if source.Server.DataDir != target.Server.DataDir { // which is locked already
		if dir, err = openDataDir(target.Server.DataDir); err != nil {
			return done, fmt.Errorf("copy to: %w", err)
		}
		defer closing(&err, dir)
	}
	to, err := openStorage(ctx, target, dir.path, toCopyTo, hclog.NewNullLogger())
	if err != nil {
		return done, fmt.Errorf("copy to: %w", err)
	}
	defer closing(&err, to)
	if done, err = maintenance.Copy(ctx, from.store, from.bodies, to.store, to.bodies, o); err != nil {
		return done, err
	}
	if err := maintenance.CopySources(ctx, from.store, to.store); err != nil {
		return done, err
	}
	return done, maintenance.CopyPauses(ctx, from.store, to.store)
}

// usesFiles reports whether there is data in the data folder.
func usesFiles(cfg *config.Config) bool {
	return cfg.Store.Driver == config.DriverSQLite || cfg.Bodies.Driver == config.DriverFiles
}

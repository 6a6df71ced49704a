package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/gateway/internal/config"
)

type checkResult struct {
	OK       bool             `json:"ok"`
	Problems []config.Problem `json:"problems"`
}

func newCheck() *cobra.Command {
	var flags configFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check -c FILE…",
		Short: "Read a configuration and say everything that is wrong with it",
		Long: `Check reads the configuration as serve would: files, environment, flags,
secrets, certificates. It fetches, compiles and configures every plugin. It starts
nothing, and touches of a data folder its cache alone. Every mistake is reported at once, with file,
line and column. Exit code 0: it is right; 2: it is not.

What was fetched and compiled is kept in ` + cacheVariable + `, or else in the folder
cache of the data folder where that is this user's, or else in the user's own cache
folder.`,
		Example: `  postern check -c postern.hcl
  postern check -c base.hcl -c tenants.hcl --json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := flags.load(args)
			var problems config.Problems
			if err != nil && !errors.As(err, &problems) {
				return err
			}
			if err == nil {
				var parts *assembly
				host := newPluginHost(checkingCache(cfg.Server.DataDir))
				host.strict = true
				parts, err = assemble(cmd.Context(), cfg, host, nil, cmd.ErrOrStderr())
				switch {
				case cmd.Context().Err() != nil:
					return err
				case err != nil:
					problems = asProblems(err)
				default:
					parts.close(cmd.Context())
				}
			}
			if asJSON {
				result := checkResult{OK: err == nil, Problems: append([]config.Problem{}, problems...)}
				if printErr := json.NewEncoder(cmd.OutOrStdout()).Encode(result); printErr != nil {
					return failure{printErr}
				}
				if err != nil {
					return errShown
				}
				return nil
			}
			if err != nil {
				return problems
			}
			aliases := 0
			for _, t := range cfg.Tenants {
				aliases += len(t.Aliases)
			}
			accounts := ""
			if n := len(cfg.Accounts); n > 0 {
				accounts = ", " + counted(n, "mail account", "mail accounts")
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "The configuration is right: %s, %s, %s, %s%s.\n",
				counted(len(cfg.Listeners), "listener", "listeners"), counted(len(cfg.AllPlugins()), "plugin", "plugins"),
				counted(len(cfg.Tenants), "tenant", "tenants"), counted(aliases, "alias", "aliases"), accounts)
			return err
		},
	}
	flags.register(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

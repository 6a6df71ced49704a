package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/gateway/internal/config"
)

// configFlags are the flags of the verbs that read a configuration.
type configFlags struct {
	files []string
	set   []string
	// withoutCredentials is for verbs that need no secret, and whose user may not
	// know any.
	withoutCredentials bool
}

func (f *configFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringArrayVarP(&f.files, "config", "c", nil, "configuration `FILE`; may be repeated, later files win")
	cmd.Flags().StringArrayVar(&f.set, "set", nil, "override a setting, as in --set server.data_dir=/tmp/x (`NAME=VALUE`)")
}

// load reads the configuration of the -c flags and of the further files among
// the arguments, so that "-c a.hcl b.hcl" and "-c conf.d/*.hcl" mean what they
// seem to.
func (f *configFlags) load(args []string) (*config.Config, error) {
	if len(f.files) == 0 {
		return nil, errors.New("no configuration: give one with -c FILE")
	}
	flags := make(map[string]string, len(f.set))
	for _, s := range f.set {
		name, value, ok := strings.Cut(s, "=")
		if !ok {
			return nil, fmt.Errorf("--set %s: want NAME=VALUE", s)
		}
		flags[name] = value
	}
	return config.Load(config.Options{Files: append(f.files, args...), Environ: os.Environ(), Flags: flags, WithoutCredentials: f.withoutCredentials})
}

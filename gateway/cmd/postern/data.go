package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"

	"github.com/postern-mail/postern/gateway/internal/admin"
	"github.com/postern-mail/postern/gateway/internal/config"
	"github.com/postern-mail/postern/gateway/internal/maintenance"
)

// dataFlags say whose data a verb is about, whether a gateway runs on it or not.
type dataFlags struct{ gatewayFlags }

// configuration is what says where the data is. For a data folder that is named by itself it is
// what holds without a word.
func (f *dataFlags) configuration() (*config.Config, error) {
	if len(f.config.files) == 0 {
		dir, err := f.dir()
		if err != nil {
			return nil, err
		}
		return dataIn(dir), nil
	}
	// Secrets are read only where one is needed to get at the data.
	f.config.withoutCredentials = true
	cfg, err := f.config.load(nil)
	if err == nil && (cfg.Store.Postgres != nil || cfg.Bodies.S3 != nil) {
		f.config.withoutCredentials = false
		cfg, err = f.config.load(nil)
	}
	if err != nil {
		return nil, err
	}
	if f.dataDir != "" {
		cfg.Server.DataDir = f.dataDir
	}
	return cfg, nil
}

// dataIn is the configuration of data that is all in a folder.
func dataIn(dir string) *config.Config {
	return &config.Config{Server: config.Server{DataDir: dir}, Store: config.Store{Driver: config.DriverSQLite}, Bodies: config.Bodies{Driver: config.DriverFiles}}
}

// openData opens the data of a gateway that does not run. Where the data is in the folder, it
// is not made: a folder that is not there was named by mistake.
func openData(ctx context.Context, cfg *config.Config, use purpose) (data *storage, err error) {
	if cfg.Store.Driver == config.DriverSQLite {
		file := filepath.Join(cfg.Server.DataDir, maintenance.DatabaseName)
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("there is no data in %s: %s is missing", cfg.Server.DataDir, maintenance.DatabaseName)
		}
	}
	dir, err := openDataDir(cfg.Server.DataDir)
	if err != nil {
		return nil, err
	}
	data, err = openStorage(ctx, cfg, dir.path, use, hclog.NewNullLogger())
	if err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	data.open = append([]io.Closer{dir}, data.open...)
	return data, nil
}

// onData does something to the data: by the gateway that runs on it, or else by itself.
func (f *dataFlags) onData(cmd *cobra.Command, use purpose, running func(*admin.Client) error, stopped func(*storage) error) (err error) {
	cfg, err := f.configuration()
	if err != nil {
		return err
	}
	data, err := openData(cmd.Context(), cfg, use)
	if errors.Is(err, errInUse) {
		return wrapFailure(running(admin.NewClient(controlSocket(cfg.Server.DataDir))))
	}
	if err != nil {
		return failure{err}
	}
	defer func() {
		if closeErr := data.Close(); closeErr != nil {
			err = failure{errors.Join(err, closeErr)}
		}
	}()
	return wrapFailure(stopped(data))
}

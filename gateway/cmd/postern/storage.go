package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/config"
	"github.com/postern-mail/postern/gateway/internal/maintenance"
	"github.com/postern-mail/postern/gateway/internal/spool"
	"github.com/postern-mail/postern/gateway/internal/spool/s3"
	"github.com/postern-mail/postern/gateway/internal/store"
	"github.com/postern-mail/postern/gateway/internal/store/postgres"
	"github.com/postern-mail/postern/gateway/internal/store/sqlite"
)

// smallRow is up to where a body is kept in PostgreSQL, where larger ones have a bucket.
const smallRow = 64 << 10

// database is everything durable but bodies.
type database interface {
	store.Store
	store.Sources
}

// purpose is what a storage is opened for.
type purpose int

const (
	// toServe is a gateway's, and toMigrate somebody's who does what a gateway does at its
	// start: the tables are brought up to date.
	toServe purpose = iota
	toMigrate
	// toRead and toCopyFrom leave everything as it is; they fail where the tables are older
	// than the program.
	toRead
	toCopyFrom
	// toCopyTo brings the tables up to date. As beside toCopyFrom, no gateway may run.
	toCopyTo
)

// presence is what a process that opens a storage is to gateways on the same PostgreSQL.
func (p purpose) presence() postgres.Presence {
	switch p {
	case toServe:
		return postgres.Serving
	case toCopyFrom, toCopyTo:
		return postgres.Alone
	case toMigrate, toRead:
	}
	return postgres.Passing
}

// reads reports whether everything is to be left as it is.
func (p purpose) reads() bool { return p == toRead || p == toCopyFrom }

// storage is everything durable.
type storage struct {
	store  database
	bodies spool.Store
	// versions are those of the tables; see sqlite.DB.
	versions func() (before, now int64)
	// backup makes a backup in a new folder; nil where the data is not all in files of this
	// machine.
	backup func(ctx context.Context, dir string) (maintenance.Report, error)
	open   []io.Closer
}

// openStorage opens what a configuration names, in a data folder that is the caller's.
func openStorage(ctx context.Context, cfg *config.Config, dataDir string, use purpose, log hclog.Logger) (*storage, error) {
	s := &storage{}
	if err := s.openAll(ctx, cfg, dataDir, use, log); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *storage) openAll(ctx context.Context, cfg *config.Config, dataDir string, use purpose, log hclog.Logger) error {
	var small, files spool.Store // by the database, and in the data folder
	var bind []func(identity string) error
	limit := spool.SmallBody
	if cfg.Store.Driver == config.DriverPostgres {
		db, err := postgres.Open(ctx, postgres.Config{
			DSN: cfg.Store.Postgres.DSN.Text(), MaxConnections: cfg.Store.Postgres.MaxConnections, KeepTables: use.reads(), Presence: use.presence(), Logger: log,
		})
		if err != nil {
			return err
		}
		s.store, s.versions, s.open = db, db.Versions, append(s.open, db)
		small, limit = postgres.NewBodies(db, postgres.DefaultSweepAge), smallRow
	} else if err := s.openSQLite(ctx, dataDir, use); err != nil {
		return err
	}
	if cfg.Store.Driver == config.DriverSQLite || cfg.Bodies.Driver == config.DriverFiles {
		local, err := spool.OpenLocal(dataDir)
		if err != nil {
			return err
		}
		s.open = append(s.open, local)
		bind = append(bind, local.Bind)
		files = local
		if small == nil {
			small = local
		}
		if db, ok := s.store.(*sqlite.DB); ok && cfg.Bodies.Driver == config.DriverFiles {
			s.backup = func(ctx context.Context, dir string) (maintenance.Report, error) {
				return maintenance.Backup(ctx, db, local, lookAt, dir, version)
			}
		}
	}
	switch cfg.Bodies.Driver {
	case config.DriverFiles:
		s.bodies = files
	case config.DriverDatabase:
		s.bodies = small
	case config.DriverS3:
		bucket, err := openS3(ctx, cfg.Bodies.S3, dataDir)
		if err != nil {
			return err
		}
		s.open = append(s.open, bucket)
		bind = append(bind, func(identity string) error { return bucket.Bind(ctx, identity) })
		s.bodies = spool.NewTiered(limit, small, bucket)
	default:
		return fmt.Errorf("there are no bodies by the driver %q", cfg.Bodies.Driver)
	}
	identity, err := s.store.Identity(ctx)
	if err != nil {
		return err
	}
	for _, to := range bind {
		if err := to(identity); err != nil {
			return err
		}
	}
	return nil
}

func (s *storage) openSQLite(ctx context.Context, dataDir string, use purpose) error {
	open := sqlite.Open
	if use.reads() {
		open = sqlite.OpenToRead
	}
	db, err := open(ctx, filepath.Join(dataDir, maintenance.DatabaseName))
	if err != nil {
		return err
	}
	s.store, s.versions, s.open = db, db.Versions, append(s.open, db)
	return nil
}

// lookAt verifies the data in a folder.
func lookAt(ctx context.Context, dir string) (r maintenance.Report, err error) {
	s, err := openStorage(ctx, dataIn(dir), dir, toRead, hclog.NewNullLogger())
	if err != nil {
		return r, err
	}
	defer closing(&err, s)
	return maintenance.Verify(ctx, s.store, s.bodies, func(maintenance.Report) {})
}

// openS3 opens a bucket. What is under way to it is kept in the data folder.
func openS3(ctx context.Context, c *config.S3, dataDir string) (*s3.Bodies, error) {
	temp := filepath.Join(dataDir, "tmp")
	if err := os.MkdirAll(temp, 0o700); err != nil {
		return nil, fmt.Errorf("make a folder for what is under way to S3: %w", err)
	}
	return s3.Open(ctx, s3.Config{
		Endpoint: c.Endpoint, Region: c.Region, Bucket: c.Bucket, Prefix: c.Prefix, VirtualHost: !c.PathStyle,
		AccessKey: c.AccessKeyID.Text(), SecretKey: c.SecretAccessKey.Text(), TempDir: temp,
	})
}

// Close closes all of it, the last first.
func (s *storage) Close() error {
	var errs []error
	for _, c := range slices.Backward(s.open) {
		errs = append(errs, c.Close())
	}
	s.open = nil
	return errors.Join(errs...)
}

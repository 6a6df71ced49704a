package main

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"time"

	"github.com/postern-mail/postern/gateway/internal/config"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/maintenance"
	"github.com/postern-mail/postern/gateway/internal/spool"
	"github.com/postern-mail/postern/gateway/internal/store"
	"github.com/postern-mail/postern/gateway/internal/store/sqlite"
)

// bodyStore is where bodies are.
type bodyStore interface {
	Put(ctx context.Context, id mail.MessageID, expires time.Time, r io.Reader) (mail.BodyRef, error)
	Open(ctx context.Context, ref mail.BodyRef) (mail.Body, error)
	Delete(ctx context.Context, ref mail.BodyRef) error
	Sweep(ctx context.Context, live spool.Live) (int, error)
}

// storage is everything durable.
type storage struct {
	store  store.Store
	bodies bodyStore
	// versions are those of the tables; see sqlite.DB.
	versions func() (before, now int64)
	// backup makes a backup in a new folder; nil where the data is not all in files of this
	// machine.
	backup func(ctx context.Context, dir string) error
	open   []io.Closer
}

// openStorage opens what a configuration names, in a data folder that is the caller's.
func openStorage(ctx context.Context, _ *config.Config, dataDir string) (*storage, error) {
	s := &storage{}
	if err := s.openLocal(ctx, dataDir); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// openLocal opens SQLite, and bodies in files.
func (s *storage) openLocal(ctx context.Context, dataDir string) error {
	db, err := sqlite.Open(ctx, filepath.Join(dataDir, maintenance.DatabaseName))
	if err != nil {
		return err
	}
	s.store, s.versions, s.open = db, db.Versions, append(s.open, db)
	bodies, err := spool.OpenLocal(dataDir)
	if err != nil {
		return err
	}
	s.bodies, s.open = bodies, append(s.open, bodies)
	s.backup = func(ctx context.Context, dir string) error { return maintenance.Backup(ctx, db, bodies, dir, version) }
	return nil
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

package sqlite

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"

	"github.com/postern-mail/postern/gateway/internal/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Versions returns the version that the tables had when the database was opened, and that
// which they have since. A database that is new had version 0.
func (db *DB) Versions() (before, now int64) { return db.before, db.now }

// migrate brings the tables up to date.
func (db *DB) migrate(ctx context.Context) error {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db.write, dir)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	have, want, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read version: %w", err)
	}
	if err := store.CheckVersion(have, want); err != nil && !errors.Is(err, store.ErrOlder) {
		return err
	}
	db.before, db.now = have, want
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// current holds that the tables are up to date. To ask goose would make its own table.
func (db *DB) current(ctx context.Context) error {
	want, err := store.Latest(migrations)
	if err != nil {
		return err
	}
	var tables int
	if err := db.write.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_master WHERE name = ?`, goose.DefaultTablename).Scan(&tables); err != nil {
		return fmt.Errorf("read version: %w", err)
	}
	if tables == 0 {
		return damaged(db.file, errors.New("there are no tables in it"))
	}
	if err := db.write.QueryRowContext(ctx, `SELECT coalesce(max(version_id), 0) FROM goose_db_version`).Scan(&db.now); err != nil {
		return fmt.Errorf("read version: %w", err)
	}
	db.before = db.now
	return store.CheckVersion(db.now, want)
}

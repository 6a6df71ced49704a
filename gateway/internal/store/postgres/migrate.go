package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/postern-mail/postern/gateway/internal/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Others that migrate are waited for so many seconds.
const migrationPatience = 300

// Versions returns the version that the tables had when the database was opened, and that
// which they have since. A database that is new had version 0.
func (db *DB) Versions() (before, now int64) { return db.before, db.now }

// migrate brings the tables up to date, on a connection of its own. Of several processes
// that start at once, one does it and the others wait.
func (db *DB) migrate(ctx context.Context, config *pgx.ConnConfig) (err error) {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, migrationPatience), lock.WithUnlockTimeout(1, 30))
	if err != nil {
		return err
	}
	conn := stdlib.OpenDB(*config)
	defer func() { err = errors.Join(err, conn.Close()) }()
	provider, err := goose.NewProvider(goose.DialectPostgres, conn, dir, goose.WithSessionLocker(locker))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	have, want, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read the version of the tables: %w", err)
	}
	if err := store.CheckVersion(have, want); err != nil && !errors.Is(err, store.ErrOlder) {
		return err
	}
	db.before, db.now = have, want
	if have == want {
		return nil // without the lock, which a pooler may not know of
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// current holds that the tables are up to date. A database without any has version 0; to ask
// goose would make its own table.
func (db *DB) current(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	want, err := store.Latest(migrations)
	if err != nil {
		return err
	}
	var tables bool
	if err := db.read.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, goose.DefaultTablename).Scan(&tables); err != nil {
		return fmt.Errorf("read the version of the tables: %w", err)
	}
	if tables {
		if err := db.read.QueryRow(ctx, `SELECT coalesce(max(version_id), 0) FROM goose_db_version`).Scan(&db.now); err != nil {
			return fmt.Errorf("read the version of the tables: %w", err)
		}
	}
	db.before = db.now
	return store.CheckVersion(db.now, want)
}

// Package sqlite is the embedded store: one SQLite database in WAL mode.
//
// # Durability
//
// The database runs with synchronous=FULL, so that a commit is on the disk when it
// returns. Not so one of leases, holds, buckets, and mails that are handled alone, which
// outlives the process and not a power cut. There is one connection that writes, for all
// who have something to write at the time together, and a pool of others that read; one
// process at a time may have the database open, which the caller ensures by a lock on the
// data folder. Leases and holds are therefore void when Open finds them: whoever held them
// is gone.
//
// # Erasure
//
// What is deleted is overwritten with zeros, in the same transaction: rows and pages by
// secure_delete, words of subjects by the option of FTS5 of that name. The log is emptied
// behind what an operator or the end of retention erases, though not while somebody reads it.
// What the disk itself keeps of octets that were overwritten is not in its hands.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"time"

	_ "modernc.org/sqlite" // the database/sql driver "sqlite"

	"github.com/postern-mail/postern/gateway/internal/store"
)

// busyTimeout is how long a statement waits for others that have the database.
const busyTimeout = 10 * time.Second

// readers is how many connections read at the same time for mail, and logReaders how many
// for people, who may ask for much.
const (
	readers    = 4
	logReaders = 2
)

// DB is a store.Store.
type DB struct {
	file    string
	write   *sql.DB
	read    *sql.DB
	log     *sql.DB    // reads, too
	waiting *sql.Stmt  // of read
	changes *committer // on the connection of write

	// before and now are the versions of the tables, when it was opened and since.
	before, now int64
}

var (
	_ store.Store   = (*DB)(nil)
	_ store.Sources = (*DB)(nil)
)

// Open opens the database in the file, which it makes where it is missing, and
// brings its tables up to date.
func Open(ctx context.Context, file string) (*DB, error) { return openSync(ctx, file, "FULL") }

// OpenToRead opens a database that is there, and leaves it as it is: changes fail, and so does
// the opening, with store.ErrOlder, where the tables are not up to date.
func OpenToRead(ctx context.Context, file string) (*DB, error) {
	const synchronous = "FULL" // nothing is committed
	return openFor(ctx, file, synchronous, (*DB).current, "deferred", "query_only(1)")
}

// openSync opens the database with another setting of synchronous, which is for the test
// that shows what FULL is needed for.
func openSync(ctx context.Context, file, synchronous string) (*DB, error) {
	return openFor(ctx, file, synchronous, (*DB).renew, "immediate", "journal_mode(WAL)", "synchronous("+synchronous+")", "secure_delete(ON)", "foreign_keys(1)", "cache_size(-16384)")
}

// openFor opens the database with what the connection that writes is to have. First sees to it
// that the tables are those that the program knows.
func openFor(ctx context.Context, file, synchronous string, first func(*DB, context.Context) error, txlock string, pragmas ...string) (*DB, error) {
	write, err := open(file, 1, txlock, pragmas...)
	if err != nil {
		return nil, err
	}
	db := &DB{file: file, write: write}
	if err = first(db, ctx); err == nil {
		err = db.prepare(ctx, file, synchronous)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open database %s: %w", file, explain(file, err)), db.Close())
	}
	return db, nil
}

// renew brings the tables up to date, and ends the leases of processes that are gone.
func (db *DB) renew(ctx context.Context) error {
	if err := db.migrate(ctx); err != nil {
		return err
	}
	if _, err := db.write.ExecContext(ctx, loseLeases); err != nil {
		return fmt.Errorf("reset leases: %w", err)
	}
	if _, err := db.write.ExecContext(ctx, `DELETE FROM holds`); err != nil {
		return fmt.Errorf("reset holds: %w", err)
	}
	return nil
}

func (db *DB) prepare(ctx context.Context, file, synchronous string) error {
	read, err := open(file, readers, "deferred", "query_only(1)")
	if err != nil {
		return err
	}
	db.read = read
	if db.log, err = open(file, logReaders, "deferred", "query_only(1)"); err != nil {
		return err
	}
	if db.waiting, err = read.PrepareContext(ctx, waitingLanes); err != nil {
		return fmt.Errorf("prepare statement: %w", err)
	}
	db.changes, err = newCommitter(ctx, db.write, file, synchronous)
	return err
}

// open makes a pool of at most n connections. One that is to begin with reading does not make
// a file that is missing.
func open(file string, n int, txlock string, pragmas ...string) (*sql.DB, error) {
	query := url.Values{"_txlock": {txlock}, "_pragma": append(pragmas, fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()))}
	if txlock == "deferred" {
		query.Set("mode", "rw")
	}
	pool, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: url.PathEscape(file), RawQuery: query.Encode()}).String())
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", file, err)
	}
	pool.SetMaxOpenConns(n)
	pool.SetMaxIdleConns(n)
	return pool, nil
}

// BackupTo writes a copy of the database, of one moment, to a new file, which is durable when it
// returns. Changes go on meanwhile.
func (db *DB) BackupTo(ctx context.Context, file string) error {
	from, err := open(db.file, 1, "deferred")
	if err != nil {
		return err
	}
	_, err = from.ExecContext(ctx, `VACUUM INTO ?`, file)
	if err = errors.Join(err, from.Close()); err != nil {
		return fmt.Errorf("copy database to %s: %w", file, explain(db.file, err))
	}
	copied, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("sync copy of database: %w", err)
	}
	if err := errors.Join(copied.Sync(), copied.Close()); err != nil {
		return fmt.Errorf("sync copy of database: %w", err)
	}
	return nil
}

// Wake implements store.Store: no other process has the database.
func (db *DB) Wake() <-chan struct{} { return nil }

// Close closes the database once running queries have ended, and what waits to be written is.
func (db *DB) Close() error {
	var err error
	if db.changes != nil {
		err = db.changes.close()
	}
	if db.waiting != nil {
		err = errors.Join(err, db.waiting.Close())
	}
	for _, pool := range []*sql.DB{db.read, db.log} {
		if pool != nil {
			err = errors.Join(err, pool.Close())
		}
	}
	return errors.Join(err, db.write.Close())
}

func millis(t time.Time) int64 { return t.UnixMilli() }

func fromMillis(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

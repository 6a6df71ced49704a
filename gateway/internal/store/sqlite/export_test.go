package sqlite

import (
	"context"
	"strings"
	"time"

	"github.com/postern-mail/postern/gateway/internal/store"
)

// Fail has statements of changes fail where fail says so. To be called before any.
func (db *DB) Fail(fail func() error) { db.changes.tx.fault = fail }

// OpenSync opens the database with a setting of synchronous that may lose what was committed.
func OpenSync(ctx context.Context, file, synchronous string) (*DB, error) {
	return openSync(ctx, file, synchronous)
}

// Pragma returns a setting of the writing connection.
func (db *DB) Pragma(ctx context.Context, name string) (value string, err error) {
	err = db.changes.conn.QueryRowContext(ctx, "PRAGMA "+name).Scan(&value)
	return value, err
}

// PlanOfList returns how SQLite goes about a list, a line for each table.
func (db *DB) PlanOfList(ctx context.Context, f store.Filter) (string, error) {
	query, args, err := db.listQuery(ctx, f)
	if err != nil {
		return "", err
	}
	rows, err := db.read.QueryContext(ctx, "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	var plan []string
	for rows.Next() {
		var id, parent, unused int
		var line string
		if err := rows.Scan(&id, &parent, &unused, &line); err != nil {
			return "", err
		}
		plan = append(plan, line)
	}
	return strings.Join(plan, "\n"), rows.Err()
}

// EmptyEach sets how long after one another the log is emptied for what was erased. To be
// called before any change.
func (db *DB) EmptyEach(pause time.Duration) { db.changes.erasePause = pause }

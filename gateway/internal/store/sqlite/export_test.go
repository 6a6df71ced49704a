package sqlite

import "context"

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

package sqlite

import "context"

// Pragma returns a setting of the writing connection.
func (db *DB) Pragma(ctx context.Context, name string) (value string, err error) {
	err = db.changes.conn.QueryRowContext(ctx, "PRAGMA "+name).Scan(&value)
	return value, err
}

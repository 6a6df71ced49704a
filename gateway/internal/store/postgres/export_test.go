package postgres

// Fail has statements of changes fail where fail says so. To be called before any.
func (db *DB) Fail(fail func() error) { db.fault = fail }

package postgres_test

import (
	"errors"
	"testing"

	"github.com/postern-mail/postern/gateway/internal/store/postgres"
)

// enter opens a database to be something to others.
func enter(t *testing.T, dsn string, p postgres.Presence) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), postgres.Config{DSN: dsn, MaxConnections: 4, Presence: p})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func refused(t *testing.T, dsn string, p postgres.Presence, want error) {
	t.Helper()
	db, err := postgres.Open(t.Context(), postgres.Config{DSN: dsn, MaxConnections: 4, Presence: p})
	if err == nil {
		_ = db.Close()
	}
	if !errors.Is(err, want) {
		t.Errorf("error = %v, want %q", err, want)
	}
}

// TestPresence has processes meet on a database that cannot share it, and others that can.
func TestPresence(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	first, second := enter(t, dsn, postgres.Serving), enter(t, dsn, postgres.Serving)
	refused(t, dsn, postgres.Alone, postgres.ErrServed)
	if err := errors.Join(enter(t, dsn, postgres.Passing).Close(), first.Close()); err != nil {
		t.Error(err)
	}
	refused(t, dsn, postgres.Alone, postgres.ErrServed)
	if err := second.Close(); err != nil {
		t.Error(err)
	}
	alone := enter(t, dsn, postgres.Alone)
	refused(t, dsn, postgres.Alone, postgres.ErrServed)
	refused(t, dsn, postgres.Serving, postgres.ErrTaken)
	enter(t, dsn, postgres.Passing)
	enter(t, server.Database(t), postgres.Serving) // of another database
	if err := alone.Close(); err != nil {
		t.Error(err)
	}
	enter(t, dsn, postgres.Serving)
}

// cut ends the connection that a process is present on.
func cut(t *testing.T, dsn string) {
	t.Helper()
	pid := number(t, dsn, `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
	exec(t, dsn, `SELECT pg_terminate_backend($1::int)`, pid)
	eventually(t, "the end of the connection", func() bool {
		return number(t, dsn, `SELECT count(*) FROM pg_stat_activity WHERE pid = $1::int`, pid) == 0
	})
}

const locks = `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`

// TestPresenceIsTakenAgain cuts the connection that a process is present on.
func TestPresenceIsTakenAgain(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	gateway := enter(t, dsn, postgres.Serving)
	cut(t, dsn)
	eventually(t, "the lock", func() bool { return number(t, dsn, locks) == 1 })
	refused(t, dsn, postgres.Alone, postgres.ErrServed)
	if err := gateway.Close(); err != nil {
		t.Error(err)
	}
	if n := number(t, dsn, locks); n != 0 {
		t.Errorf("%d locks are left", n)
	}

	alone := enter(t, dsn, postgres.Alone)
	cut(t, dsn)
	eventually(t, "the lock", func() bool { return number(t, dsn, locks) == 1 })
	if err := alone.Close(); !errors.Is(err, postgres.ErrIntruded) {
		t.Errorf("Close after the lock was lost: %v, want ErrIntruded", err)
	}
	alone = enter(t, dsn, postgres.Alone)
	cut(t, dsn)
	if err := alone.Close(); !errors.Is(err, postgres.ErrIntruded) {
		t.Errorf("Close just after the lock was lost: %v, want ErrIntruded", err)
	}
}

// TestPresenceComesFirst refuses a database before anything is changed there.
func TestPresenceComesFirst(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	gateway := enter(t, dsn, postgres.Serving)
	exec(t, dsn, `DROP TABLE goose_db_version`)
	refused(t, dsn, postgres.Alone, postgres.ErrServed)
	if n := number(t, dsn, `SELECT count(*) FROM pg_class WHERE relname = 'goose_db_version'`); n != 0 {
		t.Error("tables were made")
	}
	if err := gateway.Close(); err != nil {
		t.Error(err)
	}
}

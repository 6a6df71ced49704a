package postgres_test

import (
	"context"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/postern-mail/postern/gateway/internal/store"
	"github.com/postern-mail/postern/gateway/internal/store/postgres"
	"github.com/postern-mail/postern/gateway/internal/store/postgres/pgtest"
	"github.com/postern-mail/postern/gateway/internal/store/storetest"
)

// server is without fsync: what these tests are about does not depend on it.
var server = pgtest.Shared{Options: pgtest.Options{NoFsync: true}}

func TestMain(m *testing.M) {
	code := m.Run()
	server.Stop()
	os.Exit(code)
}

func open(t testing.TB, dsn string) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), postgres.Config{DSN: dsn})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func exec(t testing.TB, dsn, statement string, args ...any) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func TestConforms(t *testing.T) {
	t.Parallel()
	storetest.TestStore(t, func(t *testing.T) store.Store { return open(t, server.Database(t)) })
}

func TestFailures(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	storetest.TestFailures(t, func(t *testing.T, fail func() error) store.Store {
		db := open(t, dsn)
		exec(t, dsn, `
			WITH m AS (DELETE FROM messages), d AS (DELETE FROM deliveries), q AS (DELETE FROM queue), a AS (DELETE FROM attempts), p AS (DELETE FROM pauses)
			DELETE FROM buckets`) // all of the last time
		db.Through(func(do func() error) error {
			if err := fail(); err != nil {
				return err
			}
			return do()
		})
		return db
	})
}

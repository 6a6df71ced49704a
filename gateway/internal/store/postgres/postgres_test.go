package postgres_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
	"github.com/postern-mail/postern/gateway/internal/store/postgres"
	"github.com/postern-mail/postern/gateway/internal/store/postgres/pgtest"
	"github.com/postern-mail/postern/gateway/internal/store/sqlite"
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
	storetest.TestStore(t, func(t *testing.T) storetest.Store { return open(t, server.Database(t)) })
}

// TestTravel moves all that there is from the embedded store to this one, and back.
func TestTravel(t *testing.T) {
	t.Parallel()
	embedded := func() *sqlite.DB {
		db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "postern.db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return db
	}
	storetest.TestTravel(t, embedded(), open(t, server.Database(t)), embedded())
}

func TestFailures(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	storetest.TestFailures(t, func(t *testing.T, fail func() error) storetest.Store {
		db := open(t, dsn)
		exec(t, dsn, `
			TRUNCATE messages, deliveries, queue, attempts, pauses, buckets,
				accounts, switches, tokens, mailboxes, fetched, episodes, holds`) // all of the last time
		db.Through(func(do func() error) error {
			if err := fail(); err != nil {
				return err
			}
			return do()
		})
		return db
	})
}

// TestListGoesByAnIndex holds that a page costs what it shows, whatever else there is.
func TestListGoesByAnIndex(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	db := open(t, dsn)
	exec(t, dsn, `
		INSERT INTO messages (seq, id, received_at, reverse_path, smtputf8, listener, helo, remote_ip, tls, size, sha256, trace_field, steps, reports)
			SELECT n, 'msg_' || lpad(n::text, 26, '0'), n, 'a@example.com', false, '', '', '', '', 1, '', '', '[]', '[]' FROM generate_series(1, 40000) n`)
	exec(t, dsn, `
		INSERT INTO deliveries (seq, tenant, endpoint, alias, recipient, state, reason, subject, attempts, earlier, last_code, updated_at, expires_at, held_until,
				spam_action, virus_action, released, steps)
			SELECT n::bigint << 20 | 1, 'tenant-' || n % 10, 'desk', '', 'support@acme.test', CASE WHEN n % 20 = 1 THEN 'failed' WHEN n % 400 = 11 THEN 'dropped' WHEN n % 400 = 15 THEN 'expired' ELSE 'delivered' END,
				'', '', 1, 0, 200, n, n, n, 'default', 'exclude', false, '[]' FROM generate_series(1, 40000) n`)
	exec(t, dsn, `ANALYZE`)
	for name, tc := range map[string]struct {
		filter store.Filter
		index  string
		walks  int
	}{
		"one state of a tenant":     {store.Filter{Tenant: "tenant-1", States: []mail.State{mail.Failed}}, "deliveries_by_state", 1},
		"several states of one":     {store.Filter{Tenant: "tenant-1", States: []mail.State{mail.Failed, mail.Dropped, mail.Failed}, Before: 30000 << 20}, "deliveries_by_state", 2},
		"several states of anybody": {store.Filter{States: []mail.State{mail.Dropped, mail.Expired}}, "deliveries_ended", 2},
	} {
		tc.filter.Limit = 20
		plan, err := db.PlanOfList(t.Context(), tc.filter)
		if err != nil || strings.Count(plan, tc.index) != tc.walks || strings.Contains(plan, "Seq Scan on deliveries") {
			t.Errorf("%s: plan = %s, %v; want %d by %s", name, plan, err, tc.walks, tc.index)
		}
	}
}

package sqlite_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
	"github.com/postern-mail/postern/gateway/internal/store/sqlite"
	"github.com/postern-mail/postern/gateway/internal/store/storetest"
)

func open(t *testing.T, file string) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestConforms(t *testing.T) {
	t.Parallel()
	storetest.TestStore(t, func(t *testing.T) store.Store {
		// The name holds what a URL would take for its own.
		return open(t, filepath.Join(t.TempDir(), "a b?c#d%20.db"))
	})
}

func TestFailures(t *testing.T) {
	t.Parallel()
	storetest.TestFailures(t, func(t *testing.T, fail func() error) store.Store {
		db := open(t, filepath.Join(t.TempDir(), "postern.db"))
		db.Fail(fail)
		return db
	})
}

func message() store.NewMessage {
	now := time.Now()
	return store.NewMessage{
		ID: mail.NewMessageID(now), ReceivedAt: now,
		Deliveries: []store.NewDelivery{{Endpoint: store.Endpoint{Tenant: "acme", Name: "desk"}, DueAt: now, Retention: store.Retention{ExpiresAt: now.Add(time.Hour)}}},
	}
}

func TestReopenKeepsMessagesAndResetsLeases(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "postern.db")
	db := open(t, file)
	m := message()
	if err := db.Enqueue(t.Context(), []store.NewMessage{m}); err != nil {
		t.Fatal(err)
	}
	claim := store.Claim{
		Owner: "gone", Now: time.Now(), Until: time.Now().Add(time.Hour),
		Quotas: []store.Quota{{Endpoint: m.Deliveries[0].Endpoint, Max: 1}},
	}
	if jobs, err := db.Claim(t.Context(), claim); len(jobs) != 1 || err != nil {
		t.Fatalf("Claim = %v, %v", jobs, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	db = open(t, file)
	claim.Owner = "new"
	if jobs, err := db.Claim(t.Context(), claim); len(jobs) != 1 || err != nil {
		t.Errorf("Claim after reopening = %v, %v; want the lease of the process that is gone", jobs, err)
	}
}

func TestOpenRefusesNewerDatabase(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "postern.db")
	if err := open(t, file).Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := raw.ExecContext(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)`); err != nil {
		t.Fatal(err)
	}
	if err := raw.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(t.Context(), file); !errors.Is(err, store.ErrNewer) {
		t.Errorf("error = %v, want ErrNewer", err)
	}
}

func TestDurabilitySettings(t *testing.T) {
	t.Parallel()
	db := open(t, filepath.Join(t.TempDir(), "postern.db"))
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"} {
		if got, err := db.Pragma(t.Context(), pragma); got != want || err != nil {
			t.Errorf("%s = %s, %v; want %s", pragma, got, err, want)
		}
	}
}

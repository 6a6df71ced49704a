package sqlite_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
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
	storetest.TestStore(t, func(t *testing.T) storetest.Store {
		// The name holds what a URL would take for its own.
		return open(t, filepath.Join(t.TempDir(), "a b?c#d%20.db"))
	})
}

func TestFailures(t *testing.T) {
	t.Parallel()
	storetest.TestFailures(t, func(t *testing.T, fail func() error) storetest.Store {
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
	if held, err := db.Hold(t.Context(), "sales", "gone", time.Now(), time.Now().Add(time.Hour)); !held || err != nil {
		t.Fatalf("Hold = %v, %v", held, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	db = open(t, file)
	claim.Owner = "new"
	if held, err := db.Hold(t.Context(), "sales", "new", time.Now(), time.Now().Add(time.Hour)); !held || err != nil {
		t.Errorf("Hold after reopening = %v, %v; want that of the process that is gone", held, err)
	}
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

// TestListGoesByAnIndex holds that a page costs what it shows, whatever else a tenant has.
func TestListGoesByAnIndex(t *testing.T) {
	t.Parallel()
	db := open(t, filepath.Join(t.TempDir(), "postern.db"))
	day := func(n int) time.Time { return time.Now().Add(time.Duration(n) * 24 * time.Hour) }
	for n := range 3 { // before, within and after the time that is looked at
		m := message()
		m.ID, m.ReceivedAt = mail.NewMessageID(day(n)), day(n)
		if err := db.Enqueue(t.Context(), []store.NewMessage{m}); err != nil {
			t.Fatal(err)
		}
	}
	between := store.Filter{Tenant: "acme", Since: day(1).Add(-time.Hour), Until: day(1).Add(time.Hour), Limit: 50}
	failed := between
	failed.States = []mail.State{mail.Failed}
	several := store.Filter{Tenant: "acme", States: []mail.State{mail.Failed, mail.Delivered, mail.Failed, mail.Queued}, Limit: 50}
	several.Sender, several.Before = "@example.com", 1<<40
	for want, f := range map[string]store.Filter{
		"MERGE (UNION ALL)": several,
		"INDEX deliveries_by_state (tenant=? AND state=? AND seq<?)":           several,
		"INDEX deliveries_ended (state=? AND seq<?)":                           {States: []mail.State{mail.Quarantined, mail.Expired}, Before: 1 << 40, Limit: 50},
		"INDEX deliveries_by_tenant (tenant=? AND seq>? AND seq<?)":            between,
		"INDEX deliveries_by_state (tenant=? AND state=? AND seq>? AND seq<?)": failed,
		"INDEX deliveries_ended (state=?)":                                     {States: []mail.State{mail.Quarantined}, Limit: 50},
		"INDEX deliveries_by_account (account=?)":                              {Tenant: "acme", Account: "sales", Limit: 50},
		"SCAN d USING INDEX deliveries_events\n":                               {Events: true, States: []mail.State{mail.Failed}, Limit: 50},
		"INDEX deliveries_events_by_tenant (tenant=?)":                         {Events: true, Tenant: "acme", Class: "account", Limit: 50},
	} {
		plan, err := db.PlanOfList(t.Context(), f)
		if err != nil || !strings.Contains(plan, want) || strings.Contains(plan, "TEMP B-TREE") || strings.Contains(strings.Replace(plan, want, "", 1), "SCAN") {
			t.Errorf("plan = %s, %v; want %s", plan, err, want)
		}
	}
}

package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pressly/goose/v3"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
	"github.com/postern-mail/postern/gateway/internal/store/sqlite"
)

// TestMigrateKeepsEverything opens a database that the tables of version 3 are in.
func TestMigrateKeepsEverything(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "postern.db")
	makeOld(t.Context(), t, file)

	db := open(t, file)
	m, err := db.Get(t.Context(), "msg_01KAN2Y8Q6W6Z3E2B7ZV0M9D4C")
	if err != nil {
		t.Fatal(err)
	}
	if m.Body != "file:x:1:00000000" || len(m.Deliveries) != 2 {
		t.Fatalf("message = %+v", m)
	}
	ended, waits := m.Deliveries[0], m.Deliveries[1]
	if ended.ID != m.ID.Delivery(1) || ended.State != mail.Delivered || ended.Subject != "Grüße aus Köln" || len(ended.Tries) != 1 || ended.Tries[0].Code != 204 || len(ended.Steps) != 1 {
		t.Errorf("delivery = %+v", ended)
	}
	if waits.ID != m.ID.Delivery(2) || waits.State != mail.Retrying || waits.Due.UnixMilli() != 5000 || waits.InFlight || waits.Attempts != 1 {
		t.Errorf("delivery = %+v", waits)
	}
	found, err := db.List(t.Context(), store.Filter{Subject: "köln", Limit: 10})
	if err != nil || len(found) != 1 || found[0].ID != ended.ID {
		t.Errorf("List by subject = %+v, %v", found, err)
	}
	if doc, err := db.Document(t.Context(), ended.ID); string(doc) != `{"a":1}` || err != nil {
		t.Errorf("Document = %s, %v", doc, err)
	}
	next := message()
	if err := db.Enqueue(t.Context(), []store.NewMessage{next}); err != nil {
		t.Fatal(err)
	}
	if n, err := db.Get(t.Context(), next.ID); err != nil || n.Seq <= m.Seq {
		t.Errorf("the next message has seq %d after %d, %v", n.Seq, m.Seq, err)
	}
}

// TestOpenToRead changes nothing: neither tables of an older version, nor leases, nor rows.
func TestOpenToRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	old := filepath.Join(dir, "old.db")
	makeOld(t.Context(), t, old)
	before := read(t, old)
	if _, err := sqlite.OpenToRead(t.Context(), old); !errors.Is(err, store.ErrOlder) || !strings.Contains(err.Error(), "postern migrate") {
		t.Errorf("an older database: %v, want ErrOlder and what to do", err)
	}
	if !bytes.Equal(read(t, old), before) {
		t.Error("an older database was changed")
	}
	missing := filepath.Join(dir, "missing.db")
	if _, err := sqlite.OpenToRead(t.Context(), missing); err == nil {
		t.Error("a database that is missing was opened")
	}
	if _, err := os.Stat(missing); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a database was made: %v", err)
	}

	file := filepath.Join(dir, "postern.db")
	db := open(t, file)
	m := message()
	if err := errors.Join(db.Enqueue(t.Context(), []store.NewMessage{m}), db.Close()); err != nil {
		t.Fatal(err)
	}
	before = read(t, file)
	db, err := sqlite.OpenToRead(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	if records, err := db.Export(t.Context(), 0, 10); err != nil || len(records) != 1 || records[0].ID != m.ID {
		t.Errorf("Export = %+v, %v", records, err)
	}
	if err := db.Enqueue(t.Context(), []store.NewMessage{message()}); err == nil || !strings.Contains(err.Error(), "readonly") {
		t.Errorf("Enqueue: %v, want that it is refused", err)
	}
	if was, now := db.Versions(); was != now || now == 0 {
		t.Errorf("Versions = %d, %d", was, now)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(read(t, file), before) {
		t.Error("the database was changed")
	}
	raw, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	_, err = raw.ExecContext(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)`)
	if err := errors.Join(err, raw.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.OpenToRead(t.Context(), file); !errors.Is(err, store.ErrNewer) {
		t.Errorf("a newer database: %v, want ErrNewer", err)
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func makeOld(ctx context.Context, t *testing.T, file string) {
	t.Helper()
	raw, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := fs.Sub(os.DirFS("."), "migrations")
	if err != nil {
		t.Fatal(err)
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, raw, dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(ctx, 3); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		`INSERT INTO messages VALUES (7, 'msg_01KAN2Y8Q6W6Z3E2B7ZV0M9D4C', 1000, 'a@example.com', 0, 'mx', 'x', '192.0.2.1', '', 10, 'ff', 'file:x:1:00000000', '', '[]', 99000, '[]')`,
		`INSERT INTO deliveries VALUES (20, 7, 1, 'acme', 'desk', 'x', 'x@acme.test', 'delivered', '', 'Grüße aus Köln', 1, 204, 2000, 99000, CAST('{"a":1}' AS BLOB), '[{"at":"2026-01-01T00:00:00Z","name":"parsed"}]', 'default', 'exclude')`,
		`INSERT INTO deliveries VALUES (21, 7, 2, 'acme', 'archive', 'x', 'x@acme.test', 'retrying', 'status: 500', '', 1, 500, 2000, 99000, NULL, '[]', 'default', 'exclude')`,
		`INSERT INTO queue (delivery_seq, lane, due_at, expires_at, claims) VALUES (21, 'acme/archive', 5000, 99000, 1)`,
		`INSERT INTO attempts VALUES (20, 1, 1500, 20, 204, '', x'')`,
		`INSERT INTO attempts VALUES (21, 1, 1500, 20, 500, 'status: 500', x'')`,
	} {
		if _, err := raw.ExecContext(ctx, statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	if err := raw.Close(); err != nil {
		t.Fatal(err)
	}
}

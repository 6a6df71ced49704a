package main

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postern-mail/postern/gateway/internal/store/sqlite"
)

// TestOlderTables has verbs that only read a store find one of an older version. They refuse
// it as it is.
func TestOlderTables(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, target := filepath.Join(dir, "data"), filepath.Join(dir, "target")
	for _, folder := range []string{data, target} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		configure(t, folder, "https://desk.acme.test", "")
	}
	config := filepath.Join(data, "postern.hcl")
	file := filepath.Join(data, "data", "postern.db")
	emptyStore(t, file)
	runPostern(t, nil, "backup", "-c", config, filepath.Join(dir, "backup"))
	for _, database := range []string{file, filepath.Join(dir, "backup", "postern.db")} {
		age(t, database)
	}
	before := content(t, file)
	for name, args := range map[string][]string{
		"verify":  {"verify", "-c", config},
		"backup":  {"backup", "-c", config, filepath.Join(dir, "second")},
		"copy":    {"store", "copy", "--from", config, "--to", filepath.Join(target, "postern.hcl")},
		"restore": {"restore", filepath.Join(dir, "backup"), "--data-dir", filepath.Join(dir, "restored")},
	} {
		out := failPostern(t, []string{"TEST_WEBHOOK_SECRET=" + testSecret}, args...)
		if !strings.Contains(out, "older than this program") || !strings.Contains(out, "postern migrate") {
			t.Errorf("%s: %s", name, out)
		}
		if content(t, file) != before {
			t.Fatalf("%s has changed the database", name)
		}
	}
	if content(t, filepath.Join(dir, "restored", "postern.db")) != content(t, filepath.Join(dir, "backup", "postern.db")) {
		t.Error("what was restored is not the backup")
	}
}

// emptyStore makes a database, and the folder that it is in.
func emptyStore(t *testing.T, file string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	db, err := sqlite.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// age takes the last migration off the books of a database.
func age(t *testing.T, file string) {
	t.Helper()
	raw, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	_, err = raw.ExecContext(t.Context(), `DELETE FROM goose_db_version WHERE version_id = (SELECT max(version_id) FROM goose_db_version)`)
	if err := errors.Join(err, raw.Close()); err != nil {
		t.Fatal(err)
	}
}

func content(t *testing.T, file string) string {
	t.Helper()
	octets, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(octets)
}

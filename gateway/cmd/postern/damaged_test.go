package main

import (
	"bytes"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDamagedDatabase has verbs meet a database that is cut, and one with a damaged page.
func TestDamagedDatabase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	configure(t, dir, "https://desk.acme.test", "")
	configFile, data := filepath.Join(dir, "postern.hcl"), filepath.Join(dir, "data")
	file := filepath.Join(data, "postern.db")
	emptyStore(t, file)
	runPostern(t, nil, "backup", "--data-dir", data, filepath.Join(dir, "backup"))
	whole := content(t, file)
	env := []string{"TEST_WEBHOOK_SECRET=" + testSecret}
	target := filepath.Join(dir, "target")
	if err := os.Mkdir(target, 0o700); err != nil {
		t.Fatal(err)
	}
	configure(t, target, "https://desk.acme.test", "")

	cut := whole[:len(whole)/2/4096*4096]
	damage(t, file, cut)
	for _, args := range [][]string{
		{"verify", "-c", configFile},
		{"backup", "-c", configFile, filepath.Join(dir, "second")},
		{"migrate", "-c", configFile},
		{"store", "copy", "--from", configFile, "--to", filepath.Join(target, "postern.hcl")},
		{"serve", "-c", configFile},
	} {
		out := failPostern(t, env, args...)
		if !strings.Contains(out, "the database is damaged: "+file) || !strings.Contains(out, "postern restore") {
			t.Errorf("%v: %s", args, out)
		}
		if content(t, file) != cut {
			t.Fatalf("%v has changed the file", args)
		}
	}

	// A page that nothing else is to do with: verify says what it is, and reads the rest.
	root := only(t, filepath.Join(dir, "backup", "postern.db"), `SELECT rootpage FROM sqlite_master WHERE name = 'attempts'`)
	octets := []byte(content(t, filepath.Join(dir, "backup", "postern.db")))
	copy(octets[(root-1)*4096:root*4096], bytes.Repeat([]byte{0xa5}, 4096))
	damage(t, file, string(octets))
	out := failPostern(t, nil, "verify", "--data-dir", data)
	if !strings.Contains(out, "database  ") || !strings.Contains(out, "0 messages, 0 bodies") || !strings.Contains(out, "wrong. Nothing was changed") {
		t.Errorf("verify: %s", out)
	}
	if out := failPostern(t, nil, "verify", "--json", "--data-dir", data); !strings.Contains(out, `"database":["`) {
		t.Errorf("verify --json: %s", out)
	}
}

// damage puts other octets into the place of a database, whose log is gone.
func damage(t *testing.T, file, octets string) {
	t.Helper()
	for _, log := range []string{"-wal", "-shm"} {
		if err := os.RemoveAll(file + log); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(file, []byte(octets), 0o600); err != nil {
		t.Fatal(err)
	}
}

func only(t *testing.T, file, query string) (n int) {
	t.Helper()
	raw, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	err = raw.QueryRowContext(t.Context(), query).Scan(&n)
	if err := errors.Join(err, raw.Close()); err != nil {
		t.Fatal(err)
	}
	return n
}

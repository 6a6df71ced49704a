package postgres_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/postern-mail/postern/gateway/internal/store"
	"github.com/postern-mail/postern/gateway/internal/store/postgres"
	"github.com/postern-mail/postern/gateway/internal/store/postgres/pgtest"
)

// TestOpenSaysWhatIsWrong opens what cannot be opened. No error holds the password.
func TestOpenSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := server.Server(t)
	latin := "latin_" + strings.ToLower(t.Name())
	if err := s.Exec(`CREATE DATABASE ` + latin + ` ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0`); err != nil {
		t.Fatal(err)
	}
	restricted := server.Database(t)
	exec(t, restricted, `CREATE ROLE guest LOGIN PASSWORD 'S3cret/pass'`)
	exec(t, restricted, `REVOKE CREATE ON SCHEMA public FROM PUBLIC`)
	hasty := server.Database(t)
	exec(t, hasty, `CREATE ROLE hasty LOGIN SUPERUSER PASSWORD 'S3cret/pass'`)
	exec(t, hasty, `ALTER ROLE hasty SET synchronous_commit = off`)
	const password = "S3cret/pass"
	tcp := s.TCP("postgres", "x")
	address := tcp[strings.Index(tcp, "@")+1 : strings.LastIndex(tcp, "/")]
	as := func(dsn, role string) string { return strings.Replace(dsn, "user=postgres", "user="+role, 1) }
	for name, tc := range map[string]struct{ dsn, want string }{
		"nothing":              {"", "the DSN cannot be read"},
		"no DSN":               {"postgres//" + password, "the DSN cannot be read"},
		"a slash in it":        {"postgres://user:" + password + "@" + address + "/postgres", "the DSN cannot be read"},
		"no port":              {"postgres://user:x" + password + "@host:port/postgres", "the DSN cannot be read"},
		"no mode":              {"host=localhost sslmode=maybe password=" + password, "the DSN cannot be read"},
		"no end of quote":      {"host=localhost password='" + password, "the DSN cannot be read"},
		"nobody there":         {"postgres://user:S3cret%2Fpass@127.0.0.1:1/postgres?sslmode=disable", "cannot be reached"},
		"no such host":         {"postgres://user:S3cret%2Fpass@nowhere.invalid/postgres?sslmode=disable", "cannot be reached"},
		"no such socket":       {"host=/nowhere password=" + password, "cannot be reached"},
		"another password":     {s.TCP("postgres", password), "refuses the user or the password"},
		"no such user":         {strings.Replace(s.TCP("postgres", password), "//postgres:", "//nobody:", 1), "refuses the user or the password"},
		"no such database":     {s.TCP("nothing_here", pgtest.Password), "CREATE DATABASE"},
		"no right":             {as(restricted, "guest"), "lacks a right"},
		"another encoding":     {s.DSN(latin), "encoding LATIN1"},
		"no wait for the disk": {as(hasty, "hasty"), "synchronous_commit is off"},
	} {
		db, err := postgres.Open(t.Context(), postgres.Config{DSN: tc.dsn})
		if err == nil {
			_ = db.Close()
			t.Errorf("%s: it was opened", name)
			continue
		}
		text := fmt.Sprintf("%v %+v", err, err)
		if !strings.Contains(text, tc.want) || !strings.Contains(text, "open PostgreSQL store: ") {
			t.Errorf("%s: %v; want %q", name, err, tc.want)
		}
		if strings.Contains(text, "S3cret") || strings.Contains(text, "pass@") || strings.Contains(text, pgtest.Password) {
			t.Errorf("%s: the error holds the password: %v", name, err)
		}
	}
	if _, err := postgres.Open(t.Context(), postgres.Config{DSN: s.DSN("postgres"), MaxConnections: 3}); err == nil || !strings.Contains(err.Error(), "at least 4") {
		t.Errorf("with three connections: %v", err)
	}
}

func TestOpenRefusesNewerDatabase(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	if err := open(t, dsn).Close(); err != nil {
		t.Fatal(err)
	}
	exec(t, dsn, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)`)
	for _, keep := range []bool{false, true} {
		if _, err := postgres.Open(t.Context(), postgres.Config{DSN: dsn, KeepTables: keep}); !errors.Is(err, store.ErrNewer) {
			t.Errorf("error = %v, want ErrNewer", err)
		}
	}
}

// TestOpenKeepsTables neither makes tables nor brings them up to date.
func TestOpenKeepsTables(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	keep := postgres.Config{DSN: dsn, KeepTables: true}
	for range 2 { // what the first has made, the second would find
		if _, err := postgres.Open(t.Context(), keep); !errors.Is(err, store.ErrOlder) || !strings.Contains(err.Error(), "it has version 0") {
			t.Fatalf("without tables: %v, want ErrOlder", err)
		}
	}
	if err := open(t, dsn).Close(); err != nil {
		t.Fatal(err)
	}
	db, err := postgres.Open(t.Context(), keep)
	if err != nil {
		t.Fatal(err)
	}
	if was, now := db.Versions(); was != now || now == 0 {
		t.Errorf("Versions = %d, %d", was, now)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	exec(t, dsn, `UPDATE goose_db_version SET version_id = 0`)
	if _, err := postgres.Open(t.Context(), keep); !errors.Is(err, store.ErrOlder) {
		t.Errorf("with older tables: %v, want ErrOlder", err)
	}
}

// TestOpenAtOnce has several processes start on an empty database.
func TestOpenAtOnce(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			db, err := postgres.Open(t.Context(), postgres.Config{DSN: dsn, MaxConnections: 4})
			if err != nil {
				t.Error(err)
				return
			}
			if err := errors.Join(db.Enqueue(t.Context(), []store.NewMessage{message()}), db.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
	"github.com/postern-mail/postern/gateway/internal/store/sqlite"
)

const pageSize = 4096

// filled makes a database with some messages, closed, and returns its file and the octets in it.
func filled(t *testing.T) (file string, octets []byte) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "postern.db")
	db := open(t, file)
	var list []store.NewMessage
	for range 300 {
		list = append(list, message())
	}
	if err := errors.Join(db.Enqueue(t.Context(), list), db.Close()); err != nil {
		t.Fatal(err)
	}
	return file, read(t, file)
}

// rootOf is where the first page of a table is in a file.
func rootOf(t *testing.T, file, table string) (offset int) {
	t.Helper()
	raw, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	err = raw.QueryRowContext(t.Context(), `SELECT rootpage FROM sqlite_master WHERE name = ?`, table).Scan(&offset)
	if err := errors.Join(err, raw.Close()); err != nil {
		t.Fatal(err)
	}
	return (offset - 1) * pageSize
}

func isExplained(t *testing.T, what string, err error, file string) {
	t.Helper()
	if !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "postern restore") || strings.Count(err.Error(), "postern restore") > 1 {
		t.Errorf("%s: %v; want ErrDamaged, once, with the file and what to do", what, err)
	}
}

// TestOpenDamaged opens what is no database any more. It is told so, and left as it is.
func TestOpenDamaged(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func([]byte) []byte{
		"the header":        func(b []byte) []byte { return append(bytes.Repeat([]byte("x"), 100), b[100:]...) },
		"another file":      func([]byte) []byte { return bytes.Repeat([]byte("Subject: no database\r\n"), 1000) },
		"cut in the middle": func(b []byte) []byte { return b[:len(b)/2/pageSize*pageSize] },
		"cut to a page":     func(b []byte) []byte { return b[:pageSize] },
		"the schema": func(b []byte) []byte {
			return append(append(b[:100:100], bytes.Repeat([]byte{0xff}, pageSize-100)...), b[pageSize:]...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file, octets := filled(t)
			broken := damage(octets)
			if err := os.WriteFile(file, broken, 0o600); err != nil {
				t.Fatal(err)
			}
			for how, opened := range map[string]func(context.Context, string) (*sqlite.DB, error){"Open": sqlite.Open, "OpenToRead": sqlite.OpenToRead} {
				db, err := opened(t.Context(), file)
				if err == nil {
					_ = db.Close()
				}
				isExplained(t, how, err, file)
				if !bytes.Equal(read(t, file), broken) {
					t.Fatalf("%s has changed the file", how)
				}
			}
		})
	}
	t.Run("cut to nothing", func(t *testing.T) {
		t.Parallel()
		file, _ := filled(t)
		if err := os.Truncate(file, 0); err != nil {
			t.Fatal(err)
		}
		_, err := sqlite.OpenToRead(t.Context(), file)
		isExplained(t, "OpenToRead", err, file)
	})
}

// TestDamagedPages has pages of tables be damaged, which only who reads them finds out.
func TestDamagedPages(t *testing.T) {
	t.Parallel()
	file, octets := filled(t)
	whole := open(t, file)
	if problems, err := whole.Check(t.Context()); len(problems) != 0 || err != nil {
		t.Errorf("Check of what is whole = %q, %v", problems, err)
	}
	id := newest(t, whole)
	if err := whole.Close(); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"messages", "deliveries", "attempts"} {
		at := rootOf(t, file, table)
		copy(octets[at:at+pageSize], bytes.Repeat([]byte{0xa5}, pageSize))
	}
	if err := os.WriteFile(file, octets, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := sqlite.OpenToRead(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	problems, err := db.Check(t.Context())
	if len(problems) == 0 || len(problems) > 101 || err != nil {
		t.Errorf("Check = %d problems, %v", len(problems), err)
	}
	for what, read := range map[string]func() error{
		"Get":    func() error { _, err := db.Get(t.Context(), id); return err },
		"Export": func() error { _, err := db.Export(t.Context(), 0, 10); return err },
		"List":   func() error { _, err := db.List(t.Context(), store.Filter{Limit: 10}); return err },
		"Count":  func() error { _, err := db.Count(t.Context(), store.Filter{}); return err },
		"Body":   func() error { _, err := db.Body(t.Context(), id); return err },
		"LiveBodies": func() error {
			_, err := db.LiveBodies(t.Context(), []mail.MessageID{id})
			return err
		},
		"Document": func() error { _, err := db.Document(t.Context(), id.Delivery(1)); return err },
		"BackupTo": func() error { return db.BackupTo(t.Context(), filepath.Join(t.TempDir(), "copy.db")) },
	} {
		isExplained(t, what, read(), file)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(read(t, file), octets) {
		t.Error("the file was changed")
	}
	writing, err := sqlite.Open(t.Context(), file)
	if err != nil {
		isExplained(t, "Open", err, file)
		return
	}
	t.Cleanup(func() { _ = writing.Close() })
	isExplained(t, "Enqueue", writing.Enqueue(t.Context(), []store.NewMessage{message()}), file)
	_, err = writing.Delete(t.Context(), id)
	isExplained(t, "Delete", err, file)
}

// TestCheckGoesOn has a check find what no other read comes by.
func TestCheckGoesOn(t *testing.T) {
	t.Parallel()
	file, octets := filled(t)
	at := rootOf(t, file, "deliveries_by_state")
	copy(octets[at+pageSize/2:at+pageSize], bytes.Repeat([]byte{0xa5}, pageSize))
	if err := os.WriteFile(file, octets, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := sqlite.OpenToRead(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if problems, err := db.Check(t.Context()); len(problems) == 0 || len(problems) > 101 || err != nil {
		t.Errorf("Check = %q, %v", problems, err)
	}
	if records, err := db.Export(t.Context(), 0, 1000); len(records) != 300 || err != nil {
		t.Errorf("Export = %d records, %v", len(records), err)
	}
}

func newest(t *testing.T, db *sqlite.DB) mail.MessageID {
	t.Helper()
	list, err := db.List(t.Context(), store.Filter{Limit: 1})
	if err != nil || len(list) != 1 {
		t.Fatalf("List = %+v, %v", list, err)
	}
	id, _ := list[0].ID.Split()
	return id
}

package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

func opened(t testing.TB) *DB {
	t.Helper()
	db, err := Open(context.Background(), filepath.Join(t.TempDir(), "postern.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// held has the committer busy until let is called, so that what comes meanwhile is one batch.
func held(t *testing.T, db *DB) (let func()) {
	t.Helper()
	begun, end := make(chan struct{}), make(chan struct{})
	go func() {
		_ = db.changes.do(context.Background(), func(*tx) error { close(begun); <-end; return nil })
	}()
	<-begun
	return func() { close(end) }
}

// waiting waits until so many changes wait.
func waiting(t *testing.T, db *DB, n int) {
	t.Helper()
	for {
		db.changes.mu.Lock()
		have := len(db.changes.pending)
		db.changes.mu.Unlock()
		if have == n {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func note(text string) func(*tx) error {
	return func(tx *tx) error {
		_, err := tx.ExecContext(context.Background(), `INSERT INTO notes (text) VALUES (?)`, text)
		return err
	}
}

func makeNotes(t *testing.T, db *DB) {
	t.Helper()
	for _, statement := range []string{
		`CREATE TABLE notes (text TEXT PRIMARY KEY)`,
		`CREATE TABLE orphans (parent TEXT REFERENCES notes (text) DEFERRABLE INITIALLY DEFERRED)`,
	} {
		if err := db.changes.do(t.Context(), func(tx *tx) error { _, err := tx.ExecContext(t.Context(), statement); return err }); err != nil {
			t.Fatal(err)
		}
	}
}

// notes reads what a reader sees.
func notes(t *testing.T, db *DB) (n int) {
	t.Helper()
	if err := db.read.QueryRowContext(context.Background(), `SELECT count(*) FROM notes`).Scan(&n); err != nil {
		t.Error(err)
	}
	return n
}

// TestChangesAreMadeTogether holds that what comes while a transaction is under way is made in
// one, of which nobody sees a part.
func TestChangesAreMadeTogether(t *testing.T) {
	t.Parallel()
	db := opened(t)
	makeNotes(t, db)
	let := held(t, db)
	var wg sync.WaitGroup
	const changes = 20
	for i := range changes {
		wg.Go(func() {
			err := db.changes.do(t.Context(), func(tx *tx) error {
				if n := notes(t, db); n != 0 {
					t.Errorf("%d changes of the batch are there before all of it is", n)
				}
				return note(fmt.Sprint(i))(tx)
			})
			if err != nil {
				t.Error(err)
			}
			if notes(t, db) != changes {
				t.Error("a change returned before it was there")
			}
		})
	}
	waiting(t, db, changes)
	let()
	wg.Wait()
}

// TestChangeFailsAlone has changes in one batch that fail at once, and at the commit: their
// neighbours are made.
func TestChangeFailsAlone(t *testing.T) {
	t.Parallel()
	db := opened(t)
	makeNotes(t, db)
	failed := errors.New("not this one")
	for name, bad := range map[string]func(*tx) error{
		"itself": func(tx *tx) error { return errors.Join(note("bad")(tx), failed) },
		"its statement": func(tx *tx) error {
			_, err := tx.ExecContext(t.Context(), `INSERT INTO notes (text) VALUES (1), (1)`)
			return err
		},
		"its commit": func(tx *tx) error {
			_, err := tx.ExecContext(t.Context(), `INSERT INTO orphans (parent) VALUES ('nobody')`)
			return err
		},
	} {
		before := notes(t, db)
		let := held(t, db)
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				if err := db.changes.do(t.Context(), note(fmt.Sprint(name, i))); err != nil {
					t.Errorf("%s: a neighbour failed: %v", name, err)
				}
			})
		}
		wg.Go(func() {
			if err := db.changes.do(t.Context(), bad); err == nil {
				t.Errorf("%s: it did not fail", name)
			}
		})
		waiting(t, db, 11)
		let()
		wg.Wait()
		if n := notes(t, db) - before; n != 10 {
			t.Errorf("%s: %d changes were made, want 10", name, n)
		}
	}
}

// TestFailedCommit has nothing committed behind what may not be on the disk: after a commit that
// failed, all that was committed before is taken into the database first.
func TestFailedCommit(t *testing.T) {
	t.Parallel()
	db := opened(t)
	makeNotes(t, db)
	logged := func() int64 {
		t.Helper()
		info, err := os.Stat(db.file + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	for i := range 100 { // which the disk is not waited for
		if err := db.changes.lease(t.Context(), note(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	before, calls := logged(), 0
	db.changes.tx.fault = func() error {
		if calls++; calls == 3 { // begin, insert, commit
			return errors.New("disk I/O error")
		}
		return nil
	}
	if err := db.changes.do(t.Context(), note("failed")); err == nil {
		t.Fatal("it did not fail")
	}
	if err := db.changes.do(t.Context(), note("next")); err != nil {
		t.Fatal(err)
	}
	if after := logged(); after >= before/2 {
		t.Errorf("the log has %d octets, as before the failure (%d): it was not emptied", after, before)
	}
	if n := notes(t, db); n != 101 {
		t.Errorf("%d notes, want 101", n)
	}
}

// TestUnsureCommit has a message whose commit failed in doubt: while it may come back, nobody is
// told that its body is not needed, and afterwards everybody is.
func TestUnsureCommit(t *testing.T) {
	t.Parallel()
	now := time.Now()
	message := func() store.NewMessage {
		return store.NewMessage{ID: mail.NewMessageID(now), ReceivedAt: now, Body: "body"}
	}
	for name, tc := range map[string]struct {
		fails  func(*tx) error // nil for the third statement: begin, insert, commit
		unsure bool
	}{
		"the disk":   {unsure: true},
		"the change": {fails: func(*tx) error { return errors.New("not this one") }},
		"its constraint": {fails: func(tx *tx) error {
			_, err := tx.ExecContext(t.Context(), `INSERT INTO orphans (parent) VALUES ('nobody')`)
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := opened(t)
			makeNotes(t, db)
			kept, lost := message(), message()
			if err := db.Enqueue(t.Context(), []store.NewMessage{kept}); err != nil {
				t.Fatal(err)
			}
			var err error
			if tc.fails == nil {
				calls := 0
				db.changes.tx.fault = func() error {
					if calls++; calls == 3 {
						return errors.New("disk I/O error")
					}
					return nil
				}
				err = db.Enqueue(t.Context(), []store.NewMessage{lost})
			} else {
				err = db.changes.do(t.Context(), tc.fails)
			}
			if err == nil {
				t.Fatal("it did not fail")
			}
			ids := []mail.MessageID{kept.ID, lost.ID}
			if live, err := db.LiveBodies(t.Context(), ids); errors.Is(err, errUnsure) != tc.unsure || (err == nil) == tc.unsure {
				t.Errorf("LiveBodies = %v, %v; want it to be unsure: %v", live, err, tc.unsure)
			}
			if err := db.changes.do(t.Context(), note("next")); err != nil {
				t.Fatal(err)
			}
			if live, err := db.LiveBodies(t.Context(), ids); len(live) != 1 || live[kept.ID] != "body" || err != nil {
				t.Errorf("LiveBodies = %v, %v", live, err)
			}
		})
	}
}

// TestChangeThatNobodyWaitsFor holds that a change whose context ended before its turn is not
// made, and that a close makes what waits.
func TestChangeThatNobodyWaitsFor(t *testing.T) {
	t.Parallel()
	db := opened(t)
	makeNotes(t, db)
	let := held(t, db)
	ctx, cancel := context.WithCancel(t.Context())
	results := make(chan error, 2)
	go func() { results <- db.changes.do(ctx, note("late")) }()
	waiting(t, db, 1)
	go func() { results <- db.changes.do(context.Background(), note("in time")) }()
	waiting(t, db, 2)
	cancel()
	closed := make(chan error, 1)
	go func() { closed <- db.changes.close() }()
	let()
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if first, second := <-results, <-results; errors.Is(first, context.Canceled) == errors.Is(second, context.Canceled) || first != nil && second != nil {
		t.Errorf("results %v and %v, want one that was canceled", first, second)
	}
	if n := notes(t, db); n != 1 {
		t.Errorf("%d changes were made, want 1", n)
	}
	if err := db.changes.do(t.Context(), note("too late")); !errors.Is(err, errClosed) {
		t.Errorf("after close: %v", err)
	}
	db.changes = nil // it is closed
}

// BenchmarkEnqueue enqueues messages of one delivery by as many clients at the same time.
func BenchmarkEnqueue(b *testing.B) {
	for _, clients := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			db := opened(b)
			b.SetParallelism(max(1, clients/2))
			if clients == 1 {
				for b.Loop() {
					enqueueMany(b, db)
				}
				return
			}
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					enqueueMany(b, db)
				}
			})
		})
	}
}

func enqueueMany(b *testing.B, db *DB) {
	now := time.Now()
	err := db.Enqueue(context.Background(), []store.NewMessage{{
		ID: mail.NewMessageID(now), ReceivedAt: now, Body: "body", Size: 4096, SHA256: "00", Subject: "Your invoice 4711 of November",
		Deliveries: []store.NewDelivery{{Endpoint: store.Endpoint{Tenant: "acme", Name: "desk"}, DueAt: now, Retention: store.Retention{ExpiresAt: now.Add(time.Hour)}}},
	}})
	if err != nil {
		b.Error(err)
	}
}

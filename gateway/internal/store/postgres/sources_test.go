package postgres_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
	"github.com/postern-mail/postern/gateway/internal/store/postgres"
)

// newEvent is a message of an event for the endpoint of these tests.
func newEvent() store.NewMessage {
	now := time.Now()
	return store.MessageOf(mail.NewMessageID(now), now, store.Event{Name: "connectError"}, desk, "refused", []byte(`{}`), store.Retention{ExpiresAt: now.Add(time.Hour)})
}

// TestNodesFetchOnce has three gateways fetch the same mails of two folders, in any order.
func TestNodesFetchOnce(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	const mails = 100
	folders := []string{"INBOX", "Archive"}
	nodes := []*postgres.DB{open(t, dsn), open(t, dsn), open(t, dsn)}
	for _, f := range folders {
		if err := nodes[0].PutMailbox(t.Context(), store.Mailbox{Account: "sales", Folder: f, UIDValidity: 7, NextUID: 1}); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	for i, db := range nodes {
		for n := range mails {
			uid := 1 + uint32((n+i*mails/3)%mails)
			wg.Go(func() {
				var both []store.NewMessage
				for j := range folders {
					m := message()
					m.Fetched = &store.Fetched{Account: "sales", Folder: folders[(i+j)%2], UIDValidity: 7, UID: uid}
					both = append(both, m)
				}
				if err := db.Enqueue(t.Context(), both); err != nil && !errors.Is(err, store.ErrFetched) {
					t.Errorf("mail %d at node %d: %v", uid, i, err)
				}
			})
		}
	}
	wg.Wait()
	for _, count := range []string{`SELECT count(*) FROM messages`, `SELECT count(*) FROM fetched`, `SELECT sum(next_uid) - 2 FROM mailboxes`} {
		if n := number(t, dsn, count); n != 2*mails {
			t.Errorf("%s = %d, want %d", count, n, 2*mails)
		}
	}
}

// TestNodesHearOfEvents wakes a gateway by an event that another tells of, and has one of the two
// hold what one may do at a time.
func TestNodesHearOfEvents(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	db, woken := listening(t, dsn)
	other := open(t, dsn)
	e := store.Episode{About: store.About{Class: "disk"}, Kind: "disk", OpenedAt: time.Now()}
	if err := other.Tell(t.Context(), e, []store.NewMessage{newEvent()}); err != nil {
		t.Fatal(err)
	}
	woken("Tell")
	if err := db.Tell(t.Context(), e, []store.NewMessage{newEvent()}); !errors.Is(err, store.ErrMoved) {
		t.Errorf("Tell of what another has told of: %v", err)
	}
	if err := other.Disable(t.Context(), store.Switch{Account: "sales", Since: time.Now()}, []store.NewMessage{newEvent()}); err != nil {
		t.Fatal(err)
	}
	woken("Disable")
	if jobs := claimAs(t, db, "node", 10); len(jobs) != 2 {
		t.Errorf("%d jobs, want 2", len(jobs))
	}

	now := time.Now()
	if held, err := other.Hold(t.Context(), "sales", "other", now, now.Add(time.Minute)); !held || err != nil {
		t.Fatalf("Hold = %v, %v", held, err)
	}
	// A clock that has run ahead ends nothing that lasts by the server's.
	ahead := now.Add(time.Hour)
	if held, err := db.Hold(t.Context(), "sales", "node", ahead, ahead.Add(time.Minute)); held || err != nil {
		t.Errorf("Hold by a clock that is ahead = %v, %v", held, err)
	}
	if err := other.LetGo(t.Context(), "sales", "other"); err != nil {
		t.Fatal(err)
	}
	if held, err := db.Hold(t.Context(), "sales", "node", now, now.Add(time.Minute)); !held || err != nil {
		t.Errorf("Hold of what was let go = %v, %v", held, err)
	}
}

// TestHostileNames keeps what servers say that PostgreSQL's text cannot hold.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	db := open(t, server.Database(t))
	const bad = "a\x00b\xff\xfe\u2028'\"\\"
	m := store.Mailbox{Account: "sales", Folder: bad, UIDValidity: 7, NextUID: 1}
	if err := db.PutMailbox(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	in := message()
	in.Fetched = &store.Fetched{Account: "sales", Folder: bad, UIDValidity: 7, UID: 1}
	if err := db.Enqueue(t.Context(), []store.NewMessage{in}); err != nil {
		t.Fatal(err)
	}
	m.NextUID = 2
	if got, found, err := db.Mailbox(t.Context(), "sales", bad); got != m || !found || err != nil {
		t.Errorf("Mailbox = %+v, %v, %v", got, found, err)
	}
	if list, err := db.Unhandled(t.Context(), "sales", bad, 10); len(list) != 1 || err != nil {
		t.Errorf("Unhandled = %+v, %v", list, err)
	}
	e := store.Episode{About: store.About{Class: "account", Name: bad}, Kind: bad, OpenedAt: time.Now(), Reported: []string{bad, strings.Repeat(bad, 1000)}}
	event := newEvent()
	event.Event.About, event.Subject = e.About, bad
	if err := db.Tell(t.Context(), e, []store.NewMessage{event}); err != nil {
		t.Fatal(err)
	}
	if got, err := db.Episode(t.Context(), e.About, bad); got.Version == 0 || len(got.Reported) != 2 || err != nil {
		t.Errorf("Episode = %+v, %v", got, err)
	}
	if err := db.Disable(t.Context(), store.Switch{Account: bad, Since: time.Now(), Reason: bad}, nil); err != nil {
		t.Error(err)
	}
	for _, f := range []store.Filter{{Events: true, Event: bad}, {Events: true, Class: bad, About: bad}, {Account: bad}} {
		f.Limit = 10
		if _, err := db.List(t.Context(), f); err != nil {
			t.Errorf("List = %v", err)
		}
	}
}

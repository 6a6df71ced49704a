package reception_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/queue"
	"github.com/postern-mail/postern/gateway/internal/reception"
	"github.com/postern-mail/postern/gateway/internal/route"
	"github.com/postern-mail/postern/gateway/internal/spool"
	"github.com/postern-mail/postern/gateway/internal/store"
	"github.com/postern-mail/postern/gateway/internal/store/sqlite"
)

// fixture is a reception over a real spool, database and queue.
type fixture struct {
	*reception.Reception
	dir    string
	store  *faultyStore
	bodies *spool.Files
	queue  *queue.Queue
	log    *lockedBuffer
}

func open(t *testing.T) *fixture { return openScreened(t, reception.Screening{}) }

func openScreened(t *testing.T, screening reception.Screening) *fixture {
	t.Helper()
	dir := t.TempDir()
	db, err := sqlite.Open(t.Context(), filepath.Join(dir, "postern.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := db.PutMailbox(t.Context(), store.Mailbox{Account: "sales", Folder: "INBOX", UIDValidity: 7, NextUID: 1}); err != nil {
		t.Fatal(err)
	}
	bodies, err := spool.OpenFiles(filepath.Join(dir, "bodies"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = errors.Join(db.Close(), bodies.Close()) })
	f := &fixture{dir: dir, store: &faultyStore{Store: db}, bodies: bodies, log: new(lockedBuffer)}
	log := hclog.New(&hclog.LoggerOptions{Output: f.log, DisableTime: true})
	f.queue = queue.New(f.store, bodies, queue.Config{Owner: "test", Logger: log})
	f.Reception = reception.New(bodies, f.queue, retention(), screening, log)
	return f
}

func retention() map[string]reception.Retention {
	const hour = time.Hour
	return map[string]reception.Retention{"acme": {Raw: 24 * hour}, "brief": {Raw: hour}, "held": {Raw: 2 * hour, Payload: hour, Held: 48 * hour, Log: 72 * hour}}
}

// restart opens the spool anew, as the next process does.
func (f *fixture) restart(t *testing.T) {
	t.Helper()
	bodies, err := spool.OpenFiles(filepath.Join(f.dir, "bodies"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bodies.Close() })
	log := hclog.New(&hclog.LoggerOptions{Output: f.log, DisableTime: true})
	f.bodies = bodies
	f.Reception = reception.New(bodies, f.queue, retention(), reception.Screening{}, log)
}

// lockedBuffer collects a log.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

var errStore = errors.New("store is out of order")

// faultyStore is a store whose calls fail where fails says so, by their number
// from 1: before the store does anything, or, with late, after it has.
type faultyStore struct {
	store.Store
	fails func(call int) bool
	late  bool
	calls int
	// refuse is what Enqueue says, where it is not nil, to what it keeps in enqueued.
	refuse   error
	enqueued []store.NewMessage
}

func (s *faultyStore) call(do func() error) error {
	s.calls++
	failing := s.fails != nil && s.fails(s.calls)
	if failing && !s.late {
		return errStore
	}
	if err := do(); err != nil {
		return err
	}
	if failing {
		return errStore
	}
	return nil
}

func (s *faultyStore) Enqueue(ctx context.Context, messages []store.NewMessage) error {
	if s.refuse != nil {
		s.enqueued = append(s.enqueued, messages...)
		return s.refuse
	}
	return s.call(func() error { return s.Store.Enqueue(ctx, messages) })
}

func (s *faultyStore) LiveBodies(ctx context.Context, ids []mail.MessageID) (live map[mail.MessageID]mail.BodyRef, err error) {
	err = s.call(func() (err error) {
		live, err = s.Store.LiveBodies(ctx, ids)
		return err
	})
	return live, err
}

// bodyFiles lists the files of the spool.
func (f *fixture) bodyFiles(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(f.dir, "bodies", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// rows lists the deliveries of the store, the newest first.
func (f *fixture) rows(t *testing.T) []store.Delivery {
	t.Helper()
	list, err := f.store.List(t.Context(), store.Filter{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// checkLeft compares what a refused mail has left with what it may leave.
func (f *fixture) checkLeft(t *testing.T, bodies, rows int) {
	t.Helper()
	if left := f.bodyFiles(t); len(left) != bodies {
		t.Errorf("bodies in the spool: %v, want %d", left, bodies)
	}
	if left := f.rows(t); len(left) != rows {
		t.Errorf("deliveries in the store: %+v, want %d", left, rows)
	}
}

// get returns a message and the octets of its body.
func (f *fixture) get(t *testing.T, id mail.MessageID) (store.Message, string) {
	t.Helper()
	m, err := f.store.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	body, err := f.bodies.Open(t.Context(), m.Body)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	octets, err := io.ReadAll(io.NewSectionReader(body, 0, body.Size()))
	if err != nil {
		t.Fatal(err)
	}
	return m, string(octets)
}

// orphan puts a body into the spool that no row refers to, as a process does that
// crashes.
func (f *fixture) orphan(t *testing.T) {
	t.Helper()
	earlier, err := spool.OpenFiles(filepath.Join(f.dir, "bodies"))
	if err != nil {
		t.Fatal(err)
	}
	defer earlier.Close()
	f.put(t, earlier)
}

func (f *fixture) put(t *testing.T, bodies *spool.Files) {
	t.Helper()
	if _, err := bodies.Put(t.Context(), mail.NewMessageID(time.Now()), time.Now(), bytes.NewReader([]byte("orphan"))); err != nil {
		t.Fatal(err)
	}
}

const rawMail = "From: a@x.test\r\nSubject: Hello\r\n\r\nline\n.\r\n\xff\x00 octets as they are\r\n"

// oneRecipient returns a mail to a single endpoint.
func oneRecipient() reception.Mail {
	return reception.Mail{
		Envelope:   mail.Envelope{ReversePath: "a@x.test", Session: mail.Session{Listener: "mx", HELO: "x.test", RemoteIP: netip.MustParseAddr("192.0.2.1")}},
		Recipients: []reception.Recipient{{Address: "support@acme.test", Target: route.Target{Tenant: "acme", Alias: "support", Endpoints: []string{"desk"}}}},
		Began:      time.Now(),
	}
}

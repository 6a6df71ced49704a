package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
	"github.com/postern-mail/postern/gateway/internal/store/postgres"
	"github.com/postern-mail/postern/gateway/internal/store/postgres/pgtest"
)

const patience = time.Minute

// eventually waits for a condition, within bounds.
func eventually(t *testing.T, what string, met func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !met(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func enqueue(t testing.TB, db *postgres.DB, n int) []store.NewMessage {
	t.Helper()
	list := make([]store.NewMessage, n)
	for i := range list {
		list[i] = message()
	}
	if err := db.Enqueue(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	return list
}

func claimAs(t testing.TB, db *postgres.DB, owner string, most int) []store.Job {
	t.Helper()
	now := time.Now().Add(time.Second)
	jobs, err := db.Claim(t.Context(), store.Claim{Owner: owner, Now: now, Until: now.Add(time.Minute), Quotas: []store.Quota{{Endpoint: desk, Max: most}}})
	if err != nil {
		t.Fatal(err)
	}
	return jobs
}

func number(t testing.TB, dsn, query string, args ...any) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// TestNodesClaimOnce has three gateways claim and finish what a fourth enqueues.
func TestNodesClaimOnce(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	const mails = 600
	enqueue(t, open(t, dsn), mails)
	var mu sync.Mutex
	claimed := make(map[mail.DeliveryID]int)
	var wg sync.WaitGroup
	for node := range 3 {
		db, owner := open(t, dsn), fmt.Sprintf("node-%d", node)
		for range 2 {
			wg.Go(func() {
				for {
					jobs := claimAs(t, db, owner, 7)
					if len(jobs) == 0 {
						return
					}
					var results []store.Result
					mu.Lock()
					for _, j := range jobs {
						claimed[j.ID]++
						results = append(results, store.Result{Lease: j.Lease, State: mail.Delivered, Attempt: &mail.Attempt{Number: 1, At: time.Now(), Code: 200}})
					}
					mu.Unlock()
					if recorded, err := db.Finish(t.Context(), results); err != nil || len(recorded) != len(jobs) || !recorded[0] {
						t.Errorf("Finish = %v, %v", recorded, err)
					}
				}
			})
		}
	}
	wg.Wait()
	for id, n := range claimed {
		if n != 1 {
			t.Errorf("%s was claimed %d times", id, n)
		}
	}
	if left := number(t, dsn, `SELECT count(*) FROM queue`); len(claimed) != mails || left != 0 {
		t.Errorf("%d of %d were claimed, %d are left", len(claimed), mails, left)
	}
	if n := number(t, dsn, `SELECT count(*) FROM attempts`); n != mails {
		t.Errorf("%d attempts were recorded, want %d", n, mails)
	}
}

// TestDeadNode takes over what a gateway held that is gone. Opening alone does not.
func TestDeadNode(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	dead := open(t, dsn)
	enqueue(t, dead, 2)
	old := claimAs(t, dead, "dead", 2)
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	db := open(t, dsn)
	if jobs := claimAs(t, db, "next", 2); len(jobs) != 0 {
		t.Fatalf("jobs = %+v, which another holds", jobs)
	}
	if n, err := db.Reap(t.Context(), time.Now().Add(time.Hour)); n != 0 || err != nil {
		t.Errorf("Reap by a clock that is ahead = %d, %v", n, err)
	}
	exec(t, dsn, `UPDATE queue SET lease_until = 0`) // a minute passes
	if n, err := db.Reap(t.Context(), time.Now()); n != 2 || err != nil {
		t.Fatalf("Reap = %d, %v", n, err)
	}
	jobs := claimAs(t, db, "next", 2)
	if len(jobs) != 2 || jobs[0].Lost != 1 {
		t.Fatalf("jobs = %+v, want two that were lost once", jobs)
	}
	late := []store.Result{{Lease: old[0].Lease, State: mail.Failed, Reason: "late"}, {Lease: jobs[1].Lease, State: mail.Delivered}}
	if recorded, err := db.Finish(t.Context(), late); err != nil || recorded[0] || !recorded[1] {
		t.Errorf("Finish = %v, %v; want the result of the dead one dropped", recorded, err)
	}
}

// listening is a gateway that looks for nothing by itself, and what waits until it is woken.
func listening(t *testing.T, dsn string) (db *postgres.DB, woken func(by string)) {
	t.Helper()
	db, err := postgres.OpenPolling(t.Context(), postgres.Config{DSN: dsn}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	<-db.Wake() // it listens
	return db, func(by string) {
		t.Helper()
		select {
		case <-db.Wake():
		case <-time.After(patience):
			t.Fatalf("not woken by %s", by)
		}
	}
}

// TestNotification wakes one gateway by what another does, without a look of its own.
func TestNotification(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	_, woken := listening(t, dsn)
	other := open(t, dsn)
	enqueue(t, other, 3)
	woken("Enqueue")
	jobs := claimAs(t, other, "other", 1)
	if _, err := other.Release(t.Context(), "other"); err != nil {
		t.Fatal(err)
	}
	woken("Release")
	claimAs(t, other, "other", 1)
	exec(t, dsn, `UPDATE queue SET lease_until = 0 WHERE owner IS NOT NULL`)
	if n, err := other.Reap(t.Context(), time.Now()); n != 1 || err != nil {
		t.Fatalf("Reap = %d, %v", n, err)
	}
	woken("Reap")
	if done, err := other.Act(t.Context(), store.Action{Act: store.Retry, Now: time.Now(), Step: mail.Step{Name: "retry"}}, []int64{jobs[0].Lease.Seq}); err != nil || !done[0] {
		t.Fatalf("Act = %v, %v", done, err)
	}
	woken("Act")
	if err := other.Pause(t.Context(), desk, time.Now()); err != nil {
		t.Fatal(err)
	}
	if was, err := other.Resume(t.Context(), desk); !was || err != nil {
		t.Fatalf("Resume = %v, %v", was, err)
	}
	woken("Resume")

	// The connection that listens is made again.
	exec(t, dsn, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'listen%' AND pid <> pg_backend_pid()`)
	woken("a connection that is made again")
	enqueue(t, other, 1)
	woken("Enqueue")
}

// TestPolling wakes a gateway whose notifications get lost.
func TestPolling(t *testing.T) {
	t.Parallel()
	db, err := postgres.OpenPolling(t.Context(), postgres.Config{DSN: server.Database(t)}, time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for range 3 {
		select {
		case <-db.Wake():
		case <-time.After(patience):
			t.Fatal("not woken")
		}
	}
}

// producers enqueue until stop is called, which returns what was accepted and what was not.
// Of what was not LiveBodies says whether it is there all the same, and stays by it.
type producers struct {
	mu             sync.Mutex
	accepted       []mail.MessageID
	there, refused []mail.MessageID
	ended          sync.WaitGroup
	end            atomic.Bool
}

func produce(t *testing.T, db *postgres.DB, clients int) *producers {
	p := &producers{}
	for range clients {
		p.ended.Go(func() {
			for !p.end.Load() {
				p.one(t, db)
			}
		})
	}
	return p
}

func (p *producers) one(t *testing.T, db *postgres.DB) {
	m := message()
	list := &p.accepted
	if err := db.Enqueue(t.Context(), []store.NewMessage{m}); err != nil {
		var live map[mail.MessageID]mail.BodyRef
		eventually(t, "LiveBodies", func() bool {
			live, err = db.LiveBodies(t.Context(), []mail.MessageID{m.ID})
			return err == nil
		})
		if list = &p.refused; live[m.ID] != "" {
			list = &p.there
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	*list = append(*list, m.ID)
}

func (p *producers) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.accepted)
}

// check ends the load, and holds that what was accepted is there, in the queue, and what was refused is not.
func (p *producers) check(t *testing.T, dsn string) {
	t.Helper()
	p.end.Store(true)
	p.ended.Wait()
	const query = `SELECT count(*) FROM messages m JOIN queue q ON q.delivery_seq = m.seq << 20 | 1 WHERE m.id = ANY($1)`
	there := append(p.accepted, p.there...)
	if n := number(t, dsn, query, there); n != len(there) {
		t.Errorf("%d of %d mails are there that were accepted, or were said to be there", n, len(there))
	}
	if n := number(t, dsn, query, p.refused); n != 0 {
		t.Errorf("%d of %d mails are there that were said not to be", n, len(p.refused))
	}
	t.Logf("%d accepted, %d failed and there, %d failed and not", len(p.accepted), len(p.there), len(p.refused))
}

// TestConnectionsEndUnderLoad cuts all connections again and again.
func TestConnectionsEndUnderLoad(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	db := open(t, dsn)
	p := produce(t, db, 8)
	for round := range 15 {
		eventually(t, "mails", func() bool { return p.count() > 40*round })
		exec(t, dsn, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
	}
	p.check(t, dsn)
}

// TestServerDiesUnderLoad kills the server as a power cut does, but for what the disk has.
func TestServerDiesUnderLoad(t *testing.T) {
	t.Parallel()
	s := pgtest.Start(t, pgtest.Options{})
	dsn := s.Database(t)
	db := open(t, dsn)
	p := produce(t, db, 8)
	for round := range 4 {
		eventually(t, "mails", func() bool { return p.count() > 100*round })
		if err := errors.Join(s.Kill(), s.Start()); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "mails", func() bool { return p.count() > 500 })
	p.check(t, dsn)
}

// TestBadOneFailsAlone has mails in one batch, of which some cannot be added.
func TestBadOneFailsAlone(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	there := enqueue(t, open(t, dsn), 1)[0]
	db := open(t, dsn)
	begun, let := make(chan struct{}, 2), make(chan struct{})
	var calls atomic.Int32
	db.Through(func(do func() error) error {
		if calls.Add(1) <= 2 { // both writers
			begun <- struct{}{}
			<-let
		}
		return do()
	})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() { _ = db.Enqueue(context.Background(), []store.NewMessage{message()}) })
		<-begun
	}
	for i := range 50 {
		wg.Go(func() {
			m := message()
			if i%20 == 7 {
				m.ID = there.ID
			}
			if err := db.Enqueue(context.Background(), []store.NewMessage{m}); (err != nil) != (i%20 == 7) {
				t.Errorf("mail %d: %v", i, err)
			}
		})
	}
	close(let)
	wg.Wait()
	if n := number(t, dsn, `SELECT count(*) FROM queue`); n != 1+2+47 {
		t.Errorf("%d are in the queue, want 50", n)
	}
	if n := calls.Load(); n > 45 {
		t.Errorf("it took %d transactions", n)
	}
}

// TestCommitFails has a transaction fail at its end, after all of its statements.
func TestCommitFails(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	db := open(t, dsn)
	exec(t, dsn, `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not at the end'; END $$`)
	for _, table := range []string{"messages", "pauses", "attempts"} {
		exec(t, dsn, `CREATE CONSTRAINT TRIGGER late AFTER INSERT ON `+table+` DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()`)
	}
	if err := db.Enqueue(t.Context(), []store.NewMessage{message()}); err == nil {
		t.Error("Enqueue did not fail")
	}
	if err := db.Pause(t.Context(), desk, time.Now()); err == nil {
		t.Error("Pause did not fail")
	}
	exec(t, dsn, `DROP TRIGGER late ON messages`)
	enqueue(t, db, 1)
	result := store.Result{Lease: claimAs(t, db, "node", 1)[0].Lease, State: mail.Delivered, Attempt: &mail.Attempt{Number: 1}}
	if recorded, err := db.Finish(t.Context(), []store.Result{result}); err == nil {
		t.Errorf("Finish = %v", recorded)
	}
	if n := number(t, dsn, `SELECT (SELECT count(*) FROM messages) + 10 * (SELECT count(*) FROM queue WHERE owner = 'node') + 100 * (SELECT count(*) FROM attempts)`); n != 11 {
		t.Errorf("%d: want the one message, held", n)
	}
}

// TestHostileText stores and looks for what PostgreSQL's text cannot hold.
func TestHostileText(t *testing.T) {
	t.Parallel()
	db := open(t, server.Database(t))
	const bad = "a\x00b\xff\xfe\u2028'\"\\:*&|!()<->"
	m := message()
	m.Envelope = mail.Envelope{ReversePath: bad, Session: mail.Session{Listener: bad, HELO: bad, TLS: bad}}
	m.TraceField, m.SHA256 = bad, bad
	m.Steps = []mail.Step{{Name: bad, Detail: bad}}
	m.Reports = []mail.Report{{Engine: bad, Answer: []byte(`"\u0000"`)}}
	d := &m.Deliveries[0]
	d.Alias, d.Recipient, d.Reason = bad, bad, bad
	if err := db.Enqueue(t.Context(), []store.NewMessage{m}); err != nil {
		t.Fatal(err)
	}
	j := claimAs(t, db, "node", 1)[0]
	long := strings.Repeat("x", 5000) + " " + strings.Repeat("wörter ", 100000)
	if recorded, err := db.Finish(t.Context(), []store.Result{{
		Lease: j.Lease, State: mail.Failed, Reason: bad, Subject: bad + " " + long, Steps: m.Steps, Document: []byte(bad),
		Attempt: &mail.Attempt{Number: 1, At: time.Now(), Reason: bad, Response: []byte(bad)},
	}}); err != nil || !recorded[0] {
		t.Fatalf("Finish = %v, %v", recorded, err)
	}
	got, err := db.Get(t.Context(), m.ID)
	if err != nil || string(got.Deliveries[0].Tries[0].Response) != bad || got.Envelope.Session.HELO != strings.NewReplacer("\x00", "\uFFFD", "\xff\xfe", "\uFFFD").Replace(bad) {
		t.Errorf("Get = %+v, %v", got, err)
	}
	for _, f := range []store.Filter{
		{Subject: bad}, {Subject: long}, {Sender: bad}, {Sender: "@" + bad}, {Recipient: bad}, {Tenant: "acme", Subject: "'; DROP TABLE messages --"}, {Endpoint: bad}, {States: []mail.State{bad}},
	} {
		f.Limit = 10
		if _, err := db.List(t.Context(), f); err != nil {
			t.Errorf("List(%.40q) = %v", f.Subject, err)
		}
	}
	if list, err := db.List(t.Context(), store.Filter{Subject: "WORTER " + strings.Repeat("x", 5000), Limit: 10}); len(list) != 1 || err != nil {
		t.Errorf("List = %+v, %v", list, err)
	}
	if _, err := db.Get(t.Context(), bad); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Get of a bad id: %v", err)
	}
}

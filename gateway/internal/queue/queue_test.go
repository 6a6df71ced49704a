package queue_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/queue"
	"github.com/postern-mail/postern/gateway/internal/store"
	"github.com/postern-mail/postern/gateway/internal/store/sqlite"
)

// deleted records the bodies that the queue let go of.
type deleted struct {
	mu   sync.Mutex
	refs []mail.BodyRef
}

func (d *deleted) Delete(_ context.Context, ref mail.BodyRef) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refs = append(d.refs, ref)
	return nil
}

func (d *deleted) deleted() []mail.BodyRef {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.refs
}

type fixture struct {
	*queue.Queue
	store  *sqlite.DB
	bodies *deleted
	log    hclog.Logger
}

// open must be called within a synctest bubble: the database's goroutines are to
// belong to it.
func open(t *testing.T, schedule ...time.Duration) fixture {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "postern.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	bodies := &deleted{}
	log := hclog.NewNullLogger()
	q := queue.New(db, bodies, queue.Config{Owner: "this", Schedule: schedule, Logger: log})
	return fixture{q, db, bodies, log}
}

// another is the queue of another process on the same store, at the same time or later.
func another(f fixture, owner string) *queue.Queue {
	return queue.New(shared{f.store}, f.bodies, queue.Config{Owner: owner, Logger: f.log})
}

// shared is a store that other processes have too.
type shared struct{ store.Store }

func (shared) Wake() <-chan struct{} { return make(chan struct{}) }

var errBroken = errors.New("the store is broken")

// broken is a store of which the first calls fail.
type broken struct {
	store.Store
	tokens, claims int
}

func (b *broken) TakeTokens(ctx context.Context, now time.Time, wants []store.TokenWant) ([]store.Tokens, error) {
	if b.tokens--; b.tokens >= 0 {
		return nil, errBroken
	}
	return b.Store.TakeTokens(ctx, now, wants)
}

func (b *broken) Claim(ctx context.Context, c store.Claim) ([]store.Job, error) {
	if b.claims--; b.claims >= 0 {
		return nil, errBroken
	}
	return b.Store.Claim(ctx, c)
}

var desk = named("acme/desk")

// named is an endpoint by TENANT/NAME.
func named(endpoint string) store.Endpoint {
	tenant, name, _ := strings.Cut(endpoint, "/")
	return store.Endpoint{Tenant: tenant, Name: name}
}

func enqueue(t *testing.T, f fixture, retention time.Duration) mail.MessageID {
	t.Helper()
	now := time.Now()
	id := mail.NewMessageID(now)
	err := f.Enqueue(t.Context(), store.NewMessage{
		ID: id, ReceivedAt: now, Body: mail.BodyRef("ref:" + string(id)),
		Deliveries: []store.NewDelivery{{Endpoint: desk, Retention: store.Retention{ExpiresAt: now.Add(retention)}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// claimOne leases the one delivery that is due now, if any.
func claimOne(t *testing.T, f fixture) (store.Job, bool) {
	t.Helper()
	jobs, _, err := f.Claim(t.Context(), 10, &queue.Rules{Endpoints: map[store.Endpoint]queue.Room{desk: {Attempts: 10}}, TenantAttempts: 10})
	if err != nil {
		t.Fatal(err)
	}
	if len(jobs) > 1 {
		t.Fatalf("claimed %d deliveries of one", len(jobs))
	}
	if len(jobs) == 0 {
		return store.Job{}, false
	}
	return jobs[0], true
}

func failure(job store.Job) queue.Outcome {
	return queue.Outcome{Attempt: &mail.Attempt{Number: job.Attempts + 1, At: time.Now(), Code: 503, Reason: "status: 503"}}
}

func delivery(t *testing.T, f fixture, id mail.MessageID) store.DeliveryHistory {
	t.Helper()
	m, err := f.store.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return m.Deliveries[0]
}

// TestSchedule runs the whole default schedule: each attempt is due after its
// delay, give or take a tenth, and the sixth failure is the end.
func TestSchedule(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := open(t)
		id := enqueue(t, f, 30*24*time.Hour)
		want := queue.DefaultSchedule()
		for n := range want {
			job, ok := claimOne(t, f)
			if !ok {
				t.Fatalf("attempt %d is not due", n+1)
			}
			state, due, err := f.Finish(t.Context(), job, failure(job))
			if err != nil {
				t.Fatal(err)
			}
			if n == len(want)-1 {
				if state != mail.Failed {
					t.Errorf("state after the last attempt = %s", state)
				}
				break
			}
			delay := time.Until(due)
			if low, high := want[n+1]*9/10, want[n+1]*11/10; state != mail.Retrying || delay < low || delay > high {
				t.Errorf("after attempt %d: %s in %s, want retrying in %s to %s", n+1, state, delay, low, high)
			}
			time.Sleep(delay - 2*time.Millisecond)
			if _, ok := claimOne(t, f); ok {
				t.Errorf("attempt %d was due too early", n+2)
			}
			time.Sleep(2 * time.Millisecond)
		}
		d := delivery(t, f, id)
		if d.State != mail.Failed || len(d.Tries) != 6 || d.Reason != "attempt 6 of 6 failed: status: 503" {
			t.Errorf("delivery = %+v", d)
		}
		time.Sleep(100 * 24 * time.Hour)
		if _, ok := claimOne(t, f); ok {
			t.Error("a failed delivery was due again")
		}
	})
}

func TestJitterSpreads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := open(t, 0, time.Hour)
		delays := make(map[time.Duration]bool)
		for range 20 {
			enqueue(t, f, 24*time.Hour)
			job, _ := claimOne(t, f)
			_, due, err := f.Finish(t.Context(), job, failure(job))
			if err != nil {
				t.Fatal(err)
			}
			delays[time.Until(due)] = true
		}
		if len(delays) < 15 {
			t.Errorf("20 delays take only %d values", len(delays))
		}
	})
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := open(t, 0, time.Minute)
		for asked, want := range map[time.Duration]time.Duration{
			time.Second: 0, // the schedule's own delay is longer
			time.Hour:   time.Hour,
		} {
			enqueue(t, f, 100*24*time.Hour)
			job, _ := claimOne(t, f)
			o := failure(job)
			o.RetryAfter = asked
			_, due, err := f.Finish(t.Context(), job, o)
			if err != nil {
				t.Fatal(err)
			}
			if got := time.Until(due); want != 0 && got != want || want == 0 && got < 54*time.Second {
				t.Errorf("asked for %s: due in %s", asked, got)
			}
		}
	})
}

// TestPermanent has an attempt fail by what no other attempt would mend.
func TestPermanent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := open(t, 0, time.Minute)
		id := enqueue(t, f, 24*time.Hour)
		job, _ := claimOne(t, f)
		o := failure(job)
		o.Permanent = true
		state, due, err := f.Finish(t.Context(), job, o)
		if d := delivery(t, f, id); err != nil || state != mail.Failed || !due.IsZero() || d.State != mail.Failed || d.Reason != o.Attempt.Reason || len(d.Tries) != 1 {
			t.Errorf("Finish = %s, %s, %v; delivery = %+v", state, due, err, d)
		}
	})
}

func TestRetentionCapsRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := open(t)
		id := enqueue(t, f, time.Hour)
		attempts := 0
		for {
			job, ok := claimOne(t, f)
			if !ok {
				t.Fatal("the delivery is not due")
			}
			attempts++
			state, due, err := f.Finish(t.Context(), job, failure(job))
			if err != nil {
				t.Fatal(err)
			}
			if state == mail.Failed {
				break
			}
			time.Sleep(time.Until(due))
		}
		// As the seed document says: an hour of retention allows four attempts.
		if attempts != 4 {
			t.Errorf("attempts = %d, want 4", attempts)
		}
		if d := delivery(t, f, id); !strings.Contains(d.Reason, "after the retention") {
			t.Errorf("reason = %q", d.Reason)
		}
	})
}

// TestSentAnew has a delivery fail for good and be sent anew: the whole schedule is gone through
// again, as far as its retention goes.
func TestSentAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := open(t, 0, time.Minute, time.Hour)
		id := enqueue(t, f, 100*time.Minute)
		fails := func() (state mail.State) {
			for state != mail.Failed {
				job, ok := claimOne(t, f)
				if !ok {
					t.Fatal("the delivery is not due")
				}
				var due time.Time
				var err error
				if state, due, err = f.Finish(t.Context(), job, failure(job)); err != nil {
					t.Fatal(err)
				}
				time.Sleep(max(0, time.Until(due)))
			}
			return state
		}
		fails()
		d := delivery(t, f, id)
		if d.Attempts != 3 || d.Reason != "attempt 3 of 3 failed: status: 503" {
			t.Fatalf("delivery = %+v", d.Delivery)
		}
		done, err := f.store.Act(t.Context(), store.Action{Act: store.Resend, Now: time.Now(), Step: mail.Step{Name: "resent"}}, []int64{d.Seq})
		if err != nil || !done[0] {
			t.Fatal(done, err)
		}
		f.Changed()
		time.Sleep(time.Second)
		fails()
		if d = delivery(t, f, id); d.Attempts != 5 || d.Reason != "the next attempt would come after the retention: status: 503" {
			t.Errorf("delivery = %+v", d.Delivery)
		}
	})
}

// TestExpiresInBatches has more end at once than one transaction takes, at a start after so long
// that the clock is doubted first.
func TestExpiresInBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := open(t)
		want := backlog(t, f, "acme/desk", 1001)
		time.Sleep(31 * 24 * time.Hour)
		go f.Run(t.Context())
		time.Sleep(59 * time.Minute)
		if n := len(f.bodies.deleted()); n > 0 {
			t.Errorf("%d bodies were deleted while the clock is in doubt", n)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		list, err := f.store.List(t.Context(), store.Filter{States: []mail.State{mail.Expired}, Limit: 2000})
		if err != nil || len(list) != len(want) {
			t.Errorf("%d deliveries have expired, %v; want %d", len(list), err, len(want))
		}
		refs := make(map[mail.BodyRef]bool)
		for _, ref := range f.bodies.deleted() {
			refs[ref] = true
		}
		if len(refs) != len(want) {
			t.Errorf("%d bodies were deleted, want %d", len(refs), len(want))
		}
	})
}

func TestRunKeepsLeasesAndExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := open(t)
		held := enqueue(t, f, 24*time.Hour)
		if _, ok := claimOne(t, f); !ok {
			t.Fatal("nothing to claim")
		}
		forgotten := enqueue(t, f, 2*time.Hour)
		go f.Run(t.Context())
		synctest.Wait()

		time.Sleep(time.Hour)
		if d := delivery(t, f, held); !d.InFlight {
			t.Error("the lease ended although its process lives")
		}
		time.Sleep(2 * time.Hour)
		if d := delivery(t, f, forgotten); d.State != mail.Expired {
			t.Errorf("state = %s, want expired", d.State)
		}
		if refs := f.bodies.deleted(); len(refs) != 1 || refs[0] != mail.BodyRef("ref:"+string(forgotten)) {
			t.Errorf("deleted bodies = %v", refs)
		}
	})
}

// TestClaimWithoutAnswerIsGivenBack loses the answer to a claim: what nobody works
// on must not be held for ever.
func TestClaimWithoutAnswerIsGivenBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := open(t)
		enqueue(t, f, time.Hour)
		now := time.Now()
		_, err := f.store.Claim(t.Context(), store.Claim{Owner: "this", Now: now, Until: now.Add(time.Minute), Quotas: []store.Quota{{Endpoint: desk, Max: 1}}})
		if err != nil {
			t.Fatal(err)
		}
		go f.Run(t.Context())
		time.Sleep(5 * time.Minute)
		if _, ok := claimOne(t, f); !ok {
			t.Error("a claim whose answer was lost is held for ever")
		}
	})
}

// TestLateResultLeavesTheLaterLease has a result come late of a delivery that this
// same process has claimed again: the later lease must be kept alive all the same.
func TestLateResultLeavesTheLaterLease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := open(t)
		id := enqueue(t, f, 24*time.Hour)
		lost, _ := claimOne(t, f)
		if err := f.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, ok := claimOne(t, f); !ok {
			t.Fatal("nothing to claim")
		}
		if _, _, err := f.Finish(t.Context(), lost, failure(lost)); !errors.Is(err, queue.ErrLeaseLost) {
			t.Fatalf("Finish = %v, want ErrLeaseLost", err)
		}
		go f.Run(t.Context())
		time.Sleep(10 * time.Minute)
		if d := delivery(t, f, id); !d.InFlight {
			t.Error("the later lease was not kept alive")
		}
	})
}

func TestReleaseMakesDueAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := open(t)
		enqueue(t, f, time.Hour)
		job, _ := claimOne(t, f)
		if err := f.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		again, ok := claimOne(t, f)
		if !ok || again.Attempts != 0 || again.Lease.Number == job.Lease.Number {
			t.Errorf("claim after Release = %+v, %v", again, ok)
		}
		state, _, err := f.Finish(t.Context(), job, queue.Outcome{State: mail.Delivered, Attempt: &mail.Attempt{Number: 1, At: time.Now(), Code: 200}})
		if !errors.Is(err, queue.ErrLeaseLost) {
			t.Fatalf("Finish = %s, %v; want ErrLeaseLost", state, err)
		}
		if d := delivery(t, f, first(again.ID)); d.State != mail.Queued {
			t.Errorf("state = %s: a lost lease was honoured", d.State)
		}
	})
}

func first(id mail.DeliveryID) mail.MessageID {
	message, _ := id.Split()
	return message
}

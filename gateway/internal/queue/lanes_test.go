package queue_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/queue"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// arrives stores one mail by the queue.
func arrives(t *testing.T, q *queue.Queue, endpoints ...string) mail.MessageID {
	t.Helper()
	now := time.Now()
	m := store.NewMessage{ID: mail.NewMessageID(now), ReceivedAt: now, Body: "ref"}
	for _, e := range endpoints {
		m.Deliveries = append(m.Deliveries, store.NewDelivery{Endpoint: named(e), Retention: store.Retention{ExpiresAt: now.Add(30 * 24 * time.Hour)}})
	}
	if err := q.Enqueue(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	return m.ID
}

func claims(t *testing.T, q *queue.Queue, n int, r *queue.Rules) ([]store.Job, time.Time) {
	t.Helper()
	jobs, next, err := q.Claim(t.Context(), n, r)
	if err != nil {
		t.Fatal(err)
	}
	return jobs, next
}

func delivered(t *testing.T, q *queue.Queue, jobs ...store.Job) {
	t.Helper()
	for _, j := range jobs {
		if _, _, err := q.Finish(t.Context(), j, queue.Outcome{State: mail.Delivered, Attempt: &mail.Attempt{Number: j.Attempts + 1, At: time.Now(), Code: 200}}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestBacklogWaitsForItself has a tenant with a hundred thousand mails, whose attempts have all
// workers. The first that becomes free is for the one mail of another tenant, and to know
// that, the store is not asked.
func TestBacklogWaitsForItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := open(t)
		s := &counted{Store: f.store}
		q := queue.New(s, f.bodies, queue.Config{Owner: "other", Logger: f.log})
		n := 100_000
		if testing.Short() {
			n = 5000
		}
		for range n / 5000 { // one mail for many
			now := time.Now()
			m := store.NewMessage{ID: mail.NewMessageID(now), ReceivedAt: now, Body: "ref"}
			for range 5000 {
				m.Deliveries = append(m.Deliveries, store.NewDelivery{Endpoint: named("big/desk"), DueAt: now, Retention: store.Retention{ExpiresAt: now.Add(time.Hour)}})
			}
			if err := f.store.Enqueue(t.Context(), []store.NewMessage{m}); err != nil {
				t.Fatal(err)
			}
		}
		r := rules(8, "big/desk", "small/desk")
		big, _ := claims(t, q, 8, r)
		if len(big) != 8 {
			t.Fatalf("%d jobs, want 8", len(big))
		}
		for range 200 {
			id := arrives(t, q, "small/desk")
			if none, _ := claims(t, q, 0, r); len(none) > 0 {
				t.Fatalf("%d jobs for no worker", len(none))
			}
			delivered(t, q, big[0])
			small, _ := claims(t, q, 1, r)
			if len(small) != 1 || small[0].ID != id.Delivery(1) {
				t.Fatalf("jobs = %+v, want the mail of the other tenant", small)
			}
			delivered(t, q, small...)
			more, next := claims(t, q, 1, r)
			if len(more) == 0 && !next.After(time.Now()) { // the other tenant has no more
				more, _ = claims(t, q, 1, r)
			}
			if len(more) != 1 || more[0].Endpoint.Tenant != "big" {
				t.Fatalf("jobs = %+v, want one of the backlog", more)
			}
			big = append(big[1:], more...)
		}
		if asked := s.asked.Load(); asked > 2 {
			t.Errorf("the store was asked %d times what is due", asked)
		}
	})
}

// TestTenantsTakeTurns has a tenant with many endpoints and two with one each: workers are
// shared between tenants, and only then between endpoints.
func TestTenantsTakeTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := open(t)
		endpoints := []string{"b/desk", "c/desk"}
		for i := range 30 {
			endpoints = append(endpoints, fmt.Sprintf("a/e%d", i))
		}
		for _, e := range endpoints {
			backlog(t, f, e, 20)
		}
		jobs, _ := claims(t, f.Queue, 12, rules(12, endpoints...))
		count := make(map[string]int)
		for _, j := range jobs {
			count[j.Endpoint.Tenant]++
		}
		if diff := cmp.Diff(map[string]int{"a": 4, "b": 4, "c": 4}, count); diff != "" {
			t.Error(diff)
		}
	})
}

// TestWakeUps has mail come in by another process, which says so or does not.
func TestWakeUps(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		wakes  bool
		within time.Duration
	}{
		"told":     {true, 10 * time.Millisecond},
		"not told": {false, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := open(t)
				wake := make(chan struct{}, 1)
				q := queue.New(woken{f.store, wake}, f.bodies, queue.Config{Owner: "other", Logger: f.log})
				ctx, stop := context.WithCancel(t.Context())
				go q.Run(ctx)
				defer func() { stop(); synctest.Wait() }()
				r := rules(4, "acme/desk")
				for range 20 {
					time.Sleep(1700 * time.Millisecond)
					_, next := claims(t, q, 4, r)
					id := arrives(t, f.Queue, "acme/desk")
					came := time.Now()
					if tc.wakes {
						wake <- struct{}{}
					}
					var jobs []store.Job
					for len(jobs) == 0 && time.Since(came) < time.Minute {
						select {
						case <-q.Wake():
						case <-time.After(time.Until(next)):
						}
						jobs, next = claims(t, q, 4, r)
					}
					if len(jobs) != 1 || jobs[0].ID != id.Delivery(1) || time.Since(came) > tc.within {
						t.Fatalf("%d jobs after %s", len(jobs), time.Since(came))
					}
					delivered(t, q, jobs...)
				}
			})
		})
	}
}

// woken is a store that other processes have, which it hears of.
type woken struct {
	store.Store
	wake chan struct{}
}

func (w woken) Wake() <-chan struct{} { return w.wake }

// TestPaused holds back what comes in for an endpoint that is paused, without asking for it
// again and again.
func TestPaused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := open(t)
		s := &counted{Store: f.store}
		q := queue.New(s, f.bodies, queue.Config{Owner: "other", Logger: f.log})
		r := rules(4, "acme/desk", "acme/archive")
		works := func(within time.Duration) int {
			return len(works(t, q, 4, func() *queue.Rules { return r }, time.Now().Add(within)))
		}
		if err := f.store.Pause(t.Context(), desk, time.Now()); err != nil {
			t.Fatal(err)
		}
		q.Changed()
		for range 10 {
			arrives(t, q, "acme/desk", "acme/archive")
		}
		if n := works(time.Hour); n != 10 {
			t.Errorf("%d attempts while one of two endpoints is paused, want 10", n)
		}
		if n := s.claims.Load(); n > 10 {
			t.Errorf("it was claimed %d times", n)
		}
		if was, err := f.store.Resume(t.Context(), desk); !was || err != nil {
			t.Fatal(was, err)
		}
		q.Changed()
		if n := works(time.Second); n != 10 {
			t.Errorf("%d attempts after Resume, want 10", n)
		}
	})
}

// TestRetriesComeBackInTime has deliveries fail in a lane that always has something due: none of
// the retries is late for it.
func TestRetriesComeBackInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := open(t, 0, time.Minute)
		r := rules(1, "acme/desk")
		backlog(t, f, "acme/desk", 600)
		began := time.Now()
		for left := 1200; left > 0 && time.Since(began) < time.Hour; {
			jobs, next := claims(t, f.Queue, 1, r)
			if len(jobs) == 0 {
				time.Sleep(time.Until(next))
				continue
			}
			left--
			time.Sleep(100 * time.Millisecond)
			if jobs[0].Attempts > 0 {
				delivered(t, f.Queue, jobs...)
			} else if _, _, err := f.Finish(t.Context(), jobs[0], failure(jobs[0])); err != nil {
				t.Fatal(err)
			}
		}
		// The last first attempt ends after a minute at the earliest, and its retry is due after
		// one and a tenth more.
		if took := time.Since(began); took > 130*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

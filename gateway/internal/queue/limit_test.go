package queue_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/queue"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// rules gives each endpoint named as TENANT/NAME as many attempts.
func rules(attempts int, endpoints ...string) *queue.Rules {
	r := &queue.Rules{Endpoints: make(map[store.Endpoint]queue.Room), TenantAttempts: attempts, TenantLimits: make(map[string][]queue.Limit)}
	for _, e := range endpoints {
		r.Endpoints[named(e)] = queue.Room{Attempts: attempts}
	}
	return r
}

// backlog stores n mails for an endpoint behind the queue's back, each a millisecond after
// the one before.
func backlog(t *testing.T, f fixture, endpoint string, n int) []mail.DeliveryID {
	t.Helper()
	var batch []store.NewMessage
	var want []mail.DeliveryID
	for i := range n {
		at := time.Now().Add(-time.Duration(n-i) * time.Millisecond)
		id := mail.NewMessageID(at)
		batch = append(batch, store.NewMessage{ID: id, ReceivedAt: at, Body: mail.BodyRef("ref:" + string(id)), Deliveries: []store.NewDelivery{{
			Endpoint: named(endpoint), DueAt: at, Retention: store.Retention{ExpiresAt: at.Add(30 * 24 * time.Hour)},
		}}})
		want = append(want, id.Delivery(1))
	}
	if err := f.store.Enqueue(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	f.Changed()
	return want
}

// begun is an attempt that a test has seen begin.
type begun struct {
	endpoint string
	id       mail.DeliveryID
	at       time.Duration // since the bubble began
}

// works claims by n workers for a time, each of which finishes its delivery at once.
func works(t *testing.T, q *queue.Queue, n int, r func() *queue.Rules, until time.Time) []begun {
	t.Helper()
	epoch := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	var list []begun
	for {
		jobs, next, err := q.Claim(t.Context(), n, r())
		if err != nil {
			t.Fatal(err)
		}
		for _, j := range jobs {
			list = append(list, begun{j.Endpoint.Tenant + "/" + j.Endpoint.Name, j.ID, time.Since(epoch)})
			if _, _, err := q.Finish(t.Context(), j, queue.Outcome{State: mail.Delivered, Attempt: &mail.Attempt{Number: 1, At: time.Now(), Code: 200}}); err != nil {
				t.Fatal(err)
			}
		}
		switch {
		case len(jobs) > 0: // the workers are free again
		case next.After(until):
			return list
		default:
			time.Sleep(time.Until(next))
		}
	}
}

// keeps reports how many began in all, and fails where in any stretch of time more did than a
// limit has for it.
func keeps(t *testing.T, list []begun, limit queue.Limit, slack int) {
	t.Helper()
	for i := range list {
		for j := i; j < len(list); j++ {
			most := float64(limit.Burst+slack) + limit.PerSecond*(list[j].at-list[i].at).Seconds()
			if n := j - i + 1; float64(n) > most+0.001 {
				t.Fatalf("%d attempts within %s, at most %g may", n, list[j].at-list[i].at, most)
			}
		}
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	slow := queue.Limit{Name: "rate", PerSecond: 3000.0 / 3600, Burst: 10}
	fast := queue.Limit{Name: "rate", PerSecond: 50, Burst: 200}
	for name, tc := range map[string]struct {
		tenant, endpoint []queue.Limit
		holds            queue.Limit
		slack            int // what was kept of a second
		within           time.Duration
		want, give       int // begun, and how many fewer there may be
	}{
		"a slow tenant":       {[]queue.Limit{slow}, nil, slow, 0, 2 * time.Minute, 110, 0},
		"a slow endpoint":     {nil, []queue.Limit{slow}, slow, 0, 2 * time.Minute, 110, 0},
		"a fast tenant":       {[]queue.Limit{fast}, nil, fast, 50, 10 * time.Second, 700, 10},
		"the least of two":    {[]queue.Limit{fast}, []queue.Limit{slow}, slow, 0, time.Minute, 60, 0},
		"two of one tenant":   {[]queue.Limit{fast, queue.PerMinute("minute", 30)}, nil, queue.PerMinute("minute", 30), 0, 2 * time.Minute, 58, 0},
		"a burst of only one": {[]queue.Limit{{Name: "rate", PerSecond: 1, Burst: 1}}, nil, queue.Limit{PerSecond: 1, Burst: 1}, 0, time.Minute, 61, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := open(t)
				want := backlog(t, f, "acme/desk", 1000)
				r := rules(16, "acme/desk")
				r.TenantLimits["acme"] = tc.tenant
				r.Endpoints[desk] = queue.Room{Attempts: 16, Limits: tc.endpoint}
				list := works(t, f.Queue, 16, func() *queue.Rules { return r }, time.Now().Add(tc.within))
				keeps(t, list, tc.holds, tc.slack)
				if len(list) > tc.want || len(list) < tc.want-tc.give {
					t.Errorf("%d attempts in %s, want %d", len(list), tc.within, tc.want)
				}
				var got []mail.DeliveryID
				for _, b := range list {
					got = append(got, b.id)
				}
				if diff := cmp.Diff(want[:len(got)], got); diff != "" {
					t.Errorf("order: %s", diff)
				}
			})
		})
	}
}

// TestAllLimitsHold has three limits for the same attempts, each of which is the one that holds
// them back for a while.
func TestAllLimitsHold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := open(t)
		backlog(t, f, "acme/desk", 100)
		rate, perMinute := queue.Limit{Name: "rate", PerSecond: 120.0 / 3600, Burst: 20}, queue.PerMinute("max_per_minute", 30)
		own := queue.Limit{Name: "rate", PerSecond: 1, Burst: 1}
		r := rules(16, "acme/desk")
		r.TenantLimits["acme"] = []queue.Limit{rate, perMinute}
		r.Endpoints[desk] = queue.Room{Attempts: 16, Limits: []queue.Limit{own}}
		began := time.Now()
		works := func(until time.Duration, holds string) int {
			list := works(t, f.Queue, 16, func() *queue.Rules { return r }, began.Add(until))
			for _, l := range []queue.Limit{rate, perMinute, own} {
				keeps(t, list, l, 0)
			}
			if h := f.Holds()[desk]; h.LimitedBy != holds {
				t.Errorf("after %s it is held back by %+v, want %s", until, h, holds)
			}
			return len(list)
		}
		// The endpoint lets one go at a time, then the minute has its 30, then the rate its burst.
		got := []int{works(0, "endpoint.rate"), works(30*time.Second, "tenant.max_per_minute"), works(10*time.Minute, "tenant.rate")}
		if diff := cmp.Diff([]int{1, 15, 24}, got); diff != "" {
			t.Errorf("attempts: %s", diff)
		}
	})
}

// TestPerMinute holds what it promises of any minute.
func TestPerMinute(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 9, 10, 60, 100, 1000, 100_000} {
		l := queue.PerMinute("minute", n)
		b := store.Bucket{Tokens: float64(l.Burst)}
		now := time.Unix(0, 0)
		b.RefilledAt = now
		sum := b.Take(now, store.TokenWant{PerSecond: l.PerSecond, Burst: l.Burst, Want: l.Burst}).Taken + max(0, int(min(l.PerSecond, float64(l.Burst))))
		for range 600 { // a minute but for its end
			now = now.Add(time.Minute / 600)
			if now.Before(time.Unix(60, 0)) {
				sum += b.Take(now, store.TokenWant{PerSecond: l.PerSecond, Burst: l.Burst, Want: l.Burst}).Taken
			}
		}
		if sum > n || sum < n*9/10 {
			t.Errorf("PerMinute(%d) = %+v lets %d begin in a minute", n, l, sum)
		}
	}
}

// TestLimitHoldsNobodyElse has a tenant that may do next to nothing, with far more lanes than
// there are workers, beside one that is not limited.
func TestLimitHoldsNobodyElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := open(t)
		endpoints := []string{"other/desk"}
		for i := range 40 {
			endpoints = append(endpoints, fmt.Sprintf("slow/e%d", i))
			backlog(t, f, endpoints[i+1], 5)
		}
		backlog(t, f, "other/desk", 100)
		r := rules(4, endpoints...)
		r.TenantLimits["slow"] = []queue.Limit{{Name: "rate", PerSecond: 1, Burst: 2}}
		at := time.Now()
		list := works(t, f.Queue, 4, func() *queue.Rules { return r }, at)
		count := make(map[string]int)
		for _, b := range list {
			count[named(b.endpoint).Tenant]++
		}
		if diff := cmp.Diff(map[string]int{"slow": 2, "other": 100}, count); diff != "" || !time.Now().Equal(at) {
			t.Errorf("attempts at once: %s", diff)
		}
		// None of the slow lanes is left out.
		list = works(t, f.Queue, 4, func() *queue.Rules { return r }, at.Add(38*time.Second))
		var lanes []string
		for _, b := range list {
			lanes = append(lanes, b.endpoint)
		}
		if unique := slices.Compact(slices.Sorted(slices.Values(lanes))); len(list) != 38 || len(unique) != 38 {
			t.Errorf("%d attempts at %d endpoints, want 38 at as many", len(list), len(unique))
		}
	})
}

// TestNodesShareLimits has three queues on one store: together they do what one may.
func TestNodesShareLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := open(t)
		backlog(t, f, "acme/desk", 1000)
		limit := queue.Limit{Name: "rate", PerSecond: 10, Burst: 50}
		r := rules(16, "acme/desk")
		r.TenantLimits["acme"] = []queue.Limit{limit}
		parts := make(chan []begun)
		until := time.Now().Add(30 * time.Second)
		for n := range 3 {
			q := another(f, fmt.Sprint("node-", n))
			go func() { parts <- works(t, q, 16, func() *queue.Rules { return r }, until) }()
		}
		var list []begun
		for range 3 {
			list = append(list, <-parts...)
		}
		slices.SortFunc(list, func(a, b begun) int { return int(a.at - b.at) })
		keeps(t, list, limit, 3*10)
		if len(list) < 340 || len(list) > 350 {
			t.Errorf("%d attempts in 30 s, want 350, or up to a second's less", len(list))
		}
	})
}

// TestRestartKeepsBucket starts again and again: no start gives a burst.
func TestRestartKeepsBucket(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := open(t)
		backlog(t, f, "acme/desk", 500)
		limit := queue.Limit{Name: "rate", PerSecond: 1, Burst: 20}
		r := rules(16, "acme/desk")
		r.TenantLimits["acme"] = []queue.Limit{limit}
		var list []begun
		for n := range 10 {
			q := another(f, fmt.Sprint("process-", n))
			list = append(list, works(t, q, 16, func() *queue.Rules { return r }, time.Now().Add(3*time.Second))...)
		}
		keeps(t, list, limit, 0)
		if len(list) < 45 || len(list) > 50 {
			t.Errorf("%d attempts in 30 s, want 50", len(list))
		}
	})
}

// TestRulesChange has limits change while deliveries wait for them.
func TestRulesChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := open(t)
		backlog(t, f, "acme/desk", 500)
		limited := func(perSecond float64, burst int) *queue.Rules {
			r := rules(16, "acme/desk")
			r.TenantLimits["acme"] = []queue.Limit{{Name: "rate", PerSecond: perSecond, Burst: burst}}
			return r
		}
		count := func(r *queue.Rules, within time.Duration) int {
			return len(works(t, f.Queue, 16, func() *queue.Rules { return r }, time.Now().Add(within)))
		}
		for i, step := range []struct {
			rules  *queue.Rules
			within time.Duration
			want   int
		}{
			{limited(1.0/3600, 5), time.Minute, 5}, // the next in an hour
			{limited(1, 5), 10 * time.Second, 15},  // by what holds now, for the minute too
			{limited(1, 100), 10 * time.Second, 10},
			{rules(16, "acme/desk"), 0, 470},
		} {
			if n := count(step.rules, step.within); n != step.want {
				t.Errorf("step %d: %d attempts, want %d", i, n, step.want)
			}
		}
	})
}

// TestTakeTokensFails has the store refuse tokens: nothing is claimed, and nothing lost.
func TestTakeTokensFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := open(t)
		backlog(t, f, "acme/desk", 20)
		r := rules(4, "acme/desk")
		r.TenantLimits["acme"] = []queue.Limit{{Name: "rate", PerSecond: 1, Burst: 20}}
		s := &broken{Store: f.store, tokens: 3, claims: 3}
		q := queue.New(s, f.bodies, queue.Config{Owner: "other", Logger: f.log})
		for n := range 6 {
			if jobs, _, err := q.Claim(t.Context(), 4, r); !errors.Is(err, errBroken) || len(jobs) > 0 {
				t.Fatalf("claim %d = %d jobs, %v", n, len(jobs), err)
			}
		}
		// Of the claims that failed nobody knows; what they had taken is not used again.
		if list := works(t, q, 4, func() *queue.Rules { return r }, time.Now()); len(list) != 17 {
			t.Errorf("%d attempts, want 17", len(list))
		}
	})
}

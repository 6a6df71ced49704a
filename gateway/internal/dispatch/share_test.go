package dispatch_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/mail"
)

// TestConcurrency has more work than workers: neither an endpoint's own limit
// nor that of all is ever exceeded, and each is reached.
func TestConcurrency(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		concurrency int
		rooms       rooms
		all         int // attempts at the same time, at most
		each        map[string]int
	}{
		"the endpoint's limit": {16, rooms{"a": 4}, 4, map[string]int{"a": 4}},
		"one at a time":        {16, rooms{"a": 1}, 1, map[string]int{"a": 1}},
		"the limit of all":     {6, rooms{"a": 20}, 6, map[string]int{"a": 6}},
		// c has two workers until a is done, then as many as it may.
		"both limits":           {5, rooms{"a": 2, "b": 1, "c": 4}, 5, map[string]int{"a": 2, "b": 1, "c": 4}},
		"more room than needed": {64, rooms{"a": 3, "b": 5}, 8, map[string]int{"a": 3, "b": 5}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, g *gateway) {
				const n = 30
				got := make(map[string]*endpoint)
				var ids []mail.MessageID
				for _, name := range slices.Sorted(maps.Keys(tc.rooms)) {
					// Different times, so that workers do not become free in lockstep.
					got[name] = g.network.endpoint(t, name, takes(time.Duration(900+100*len(got))*time.Millisecond))
					ids = append(ids, g.backlog(name, n))
				}
				g.start(tc.concurrency, tc.rooms)
				time.Sleep(time.Minute)
				synctest.Wait()

				for _, id := range ids {
					if diff := cmp.Diff(map[mail.State]int{mail.Delivered: n}, states(g.deliveries(id))); diff != "" {
						t.Errorf("states of %s (-want +got):\n%s", id, diff)
					}
				}
				peaks := make(map[string]int)
				for name, e := range got {
					peaks[name] = e.gauge.highest()
					if unique := len(slices.Compact(slices.Sorted(slices.Values(e.ids())))); unique != n || len(e.got()) != n {
						t.Errorf("%s had %d requests for %d deliveries, want %d", name, len(e.got()), unique, n)
					}
				}
				if diff := cmp.Diff(tc.each, peaks); diff != "" {
					t.Errorf("attempts at the same time (-want +got):\n%s", diff)
				}
				if peak := g.network.gauge.highest(); peak != tc.all {
					t.Errorf("%d attempts at the same time in all, want %d", peak, tc.all)
				}
			})
		})
	}
}

// TestSlowEndpointHoldsUpNobody has an endpoint that never answers and hundreds
// of deliveries for it. Those for another arrive without the clock moving.
func TestSlowEndpointHoldsUpNobody(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, g *gateway) {
		slow := g.network.endpoint(t, "a-slow", takes(time.Hour))
		g.network.endpoint(t, "desk", status(200))
		g.backlog("a-slow", 500)
		g.start(8, rooms{"a-slow": 7, "desk": 4})
		synctest.Wait()
		if n := len(slow.got()); n != 7 {
			t.Fatalf("%d attempts at the slow endpoint, want 7", n)
		}
		for n := range 20 {
			time.Sleep(7 * time.Second) // before, while and after attempts time out
			received := time.Now()
			if d := g.delivery(g.receive("desk")); d.State != mail.Delivered || !time.Now().Equal(received) {
				t.Errorf("mail %d is %s after %s", n, d.State, time.Since(received))
			}
		}
	})
}

// TestSlowTenantHoldsUpNobody has a tenant with more endpoints than there are workers, none
// of which ever answers. Mail of another tenant arrives without the clock moving.
func TestSlowTenantHoldsUpNobody(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, g *gateway) {
		rooms := rooms{"other/spare": 2}
		g.network.endpoint(t, "other/spare", status(200))
		var slow []*endpoint
		for i := range 16 {
			name := fmt.Sprintf("slow%d", i)
			rooms[name] = 4
			slow = append(slow, g.network.endpoint(t, name, takes(time.Hour)))
			g.backlog(name, 50)
		}
		g.start(16, rooms)
		synctest.Wait()
		requests := 0
		for _, e := range slow {
			requests += len(e.got())
		}
		if requests != 14 { // of 16 workers
			t.Errorf("%d attempts at slow endpoints, want 14", requests)
		}
		for n := range 20 {
			time.Sleep(7 * time.Second)
			received := time.Now()
			if d := g.delivery(g.receive("other/spare")); d.State != mail.Delivered || !time.Now().Equal(received) {
				t.Errorf("mail %d is %s after %s", n, d.State, time.Since(received))
			}
		}
	})
}

// TestShare has endpoints whose backlog is longer than all workers can handle,
// and which could each take all workers. They get equal parts of them, in the
// first moment and ever after, whatever the order of their names and however long
// each takes to answer.
func TestShare(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		concurrency int
		takes       map[string]time.Duration
		want        map[string]int // requests in a minute
		tolerance   int
	}{
		"one worker": {
			1,
			map[string]time.Duration{"a": time.Second, "b": time.Second, "c": time.Second},
			map[string]int{"a": 20, "b": 20, "c": 20},
			1,
		},
		"one worker, different times": {
			// Of one worker each gets the same number, not the same time.
			1,
			map[string]time.Duration{"a": time.Second, "b": 3 * time.Second},
			map[string]int{"a": 15, "b": 15},
			1,
		},
		"as many as endpoints": {
			2,
			map[string]time.Duration{"a": time.Second, "b": 1100 * time.Millisecond},
			map[string]int{"a": 60, "b": 55},
			2,
		},
		"more than endpoints": {
			4,
			map[string]time.Duration{"a": 900 * time.Millisecond, "b": 2 * time.Second},
			map[string]int{"a": 133, "b": 60},
			4,
		},
		"the last by name is the slowest": {
			3,
			map[string]time.Duration{"a": time.Second, "b": 1300 * time.Millisecond, "c": 7 * time.Second},
			map[string]int{"a": 60, "b": 46, "c": 9},
			3,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, g *gateway) {
				endpoints, limits := make(map[string]*endpoint), make(rooms)
				for _, name := range slices.Sorted(maps.Keys(tc.takes)) {
					endpoints[name] = g.network.endpoint(t, name, takes(tc.takes[name]))
					limits[name] = tc.concurrency
					g.backlog(name, 200)
				}
				g.start(tc.concurrency, limits)
				time.Sleep(time.Minute)
				synctest.Wait()
				for name, want := range tc.want {
					if got := len(endpoints[name].got()); got < want-tc.tolerance || got > want+tc.tolerance {
						t.Errorf("%s had %d requests in a minute, want %d", name, got, want)
					}
				}
			})
		})
	}
}

// TestUnusedShare has an endpoint with less work than its part of the workers:
// the others get the rest of it, without the clock moving.
func TestUnusedShare(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, g *gateway) {
		little := g.network.endpoint(t, "a", takes(time.Second))
		much := g.network.endpoint(t, "b", takes(time.Second))
		g.start(6, rooms{"a": 8, "b": 8})
		synctest.Wait()
		// One mail, so that one wake-up must do.
		g.receive(append([]string{"a"}, slices.Repeat([]string{"b"}, 10)...)...)
		synctest.Wait()
		if len(little.got()) != 1 || len(much.got()) != 5 {
			t.Errorf("%d and %d requests, want 1 and 5", len(little.got()), len(much.got()))
		}
	})
}

// TestShareLeavesNoneWaiting has more endpoints than workers: none is served
// again before all others were.
func TestShareLeavesNoneWaiting(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, g *gateway) {
		const rounds = 5
		endpoints, limits := make([]*endpoint, 7), make(rooms)
		for i := range endpoints {
			name := fmt.Sprintf("e%d", i)
			endpoints[i] = g.network.endpoint(t, name, takes(time.Second))
			limits[name] = 8
			g.backlog(name, rounds+1)
		}
		g.start(2, limits)
		for range len(endpoints) * rounds / 2 {
			time.Sleep(time.Second)
			synctest.Wait()
			count := make([]int, len(endpoints))
			for i, e := range endpoints {
				count[i] = len(e.got())
			}
			if slices.Max(count)-slices.Min(count) > 1 {
				t.Errorf("requests so far: %v", count)
			}
		}
	})
}

// TestOrder has an endpoint that takes one at a time: it gets them in the order
// in which they were received, those from before the start included.
func TestOrder(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, g *gateway) {
		desk := g.network.endpoint(t, "desk", takes(3*time.Second))
		var want []mail.DeliveryID
		receive := func(n int) {
			for range n { // all within one millisecond
				want = append(want, g.receive("desk").Delivery(1))
			}
		}
		receive(10)
		time.Sleep(time.Second)
		receive(5)
		g.start(8, rooms{"desk": 1})
		for range 5 {
			time.Sleep(2 * time.Second)
			receive(3)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if diff := cmp.Diff(want, desk.ids()); diff != "" {
			t.Errorf("order (-received +delivered):\n%s", diff)
		}
	})
}

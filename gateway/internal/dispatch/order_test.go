package dispatch_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/dispatch"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/queue"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// TestOrderSideBySide has an endpoint take several at a time: they begin in the order in which
// their mails were received, those that come meanwhile and those of a tenant beside it
// notwithstanding.
func TestOrderSideBySide(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, g *gateway) {
		const room = 3
		desk := g.network.endpoint(t, "desk", takes(time.Second))
		g.network.endpoint(t, "other/spare", takes(700*time.Millisecond))
		var want []mail.DeliveryID
		receive := func(n int) {
			for range n {
				want = append(want, g.receive("desk").Delivery(1))
				g.receive("other/spare")
			}
		}
		receive(10)
		g.start(8, rooms{"desk": room, "other/spare": 8})
		for range 10 {
			time.Sleep(1100 * time.Millisecond)
			receive(3)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		// Which of those that begin at the same time arrives first is up to the network.
		got := desk.got()
		slices.SortStableFunc(got, func(a, b call) int {
			if a.At.Equal(b.At) {
				return slices.Index(want, mail.DeliveryID(a.ID)) - slices.Index(want, mail.DeliveryID(b.ID))
			}
			return a.At.Compare(b.At)
		})
		var ids []mail.DeliveryID
		for _, c := range got {
			ids = append(ids, mail.DeliveryID(c.ID))
		}
		if diff := cmp.Diff(want, ids); diff != "" {
			t.Errorf("order (-received +begun): %s", diff)
		}
	})
}

// TestOrderAfterRestart has a process end with the first in its hands: they go first again.
func TestOrderAfterRestart(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, g *gateway) {
		desk := g.network.endpoint(t, "desk", takes(time.Second))
		var want []mail.DeliveryID
		for range 10 {
			want = append(want, g.receive("desk").Delivery(1))
			time.Sleep(time.Millisecond)
		}
		g.claim("desk", 4)
		g.restart()
		g.start(8, rooms{"desk": 1})
		time.Sleep(time.Minute)
		synctest.Wait()
		if diff := cmp.Diff(want, desk.ids()); diff != "" {
			t.Errorf("order (-received +delivered): %s", diff)
		}
	})
}

// TestLimitsHold has limits hold deliveries back, of a tenant and of one endpoint of another.
// None is refused or late for another's limit, and a reload counts at once.
func TestLimitsHold(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, g *gateway) {
		names := []string{"a", "b", "other/limited", "other/free"}
		endpoints := make(map[string]*endpoint)
		all := make(rooms)
		for _, name := range names {
			endpoints[name] = g.network.endpoint(t, name, status(200))
			all[name] = 4
		}
		run := g.start(16, all)
		limits := func(perSecond float64) {
			changed := make(map[store.Endpoint]dispatch.Endpoint)
			for name, e := range run.cfg.Endpoints {
				if name == named("other/limited") {
					e.Limits = []queue.Limit{{Name: "rate", PerSecond: perSecond / 2, Burst: 2}}
				}
				changed[name] = e
			}
			run.dispatcher.Reconfigure(changed, map[string][]queue.Limit{"acme": {{Name: "rate", PerSecond: perSecond, Burst: 6}}}, nil)
		}
		count := func(want ...int) {
			t.Helper()
			synctest.Wait()
			var got []int
			for _, name := range names {
				got = append(got, len(endpoints[name].got()))
			}
			got = append([]int{got[0] + got[1]}, got[2:]...)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("requests of acme, other/limited, other/free (-want +got): %s", diff)
			}
		}
		limits(1)
		var ids []mail.MessageID
		for range 50 {
			ids = append(ids, g.receive(names...))
		}
		count(6, 2, 50)
		time.Sleep(10*time.Second + time.Millisecond)
		count(16, 7, 50)
		if a, b := len(endpoints["a"].got()), len(endpoints["b"].got()); a != 8 || b != 8 {
			t.Errorf("of one tenant's endpoints one had %d requests, the other %d", a, b)
		}
		limits(4)
		time.Sleep(10*time.Second + time.Millisecond)
		count(56, 27, 50)
		time.Sleep(time.Minute)
		count(100, 50, 50)
		for _, id := range ids {
			for i, d := range g.deliveries(id) {
				if d.State != mail.Delivered || len(d.Tries) != 1 {
					t.Fatalf("delivery %d of %s = %+v", i+1, id, d)
				}
			}
		}
	})
}

// TestExpiresWhileHeldBack has a limit hold a delivery back for longer than it may wait.
func TestExpiresWhileHeldBack(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, g *gateway) {
		desk := g.network.endpoint(t, "desk", status(200))
		g.keeps = 30 * time.Second
		run := g.start(1, rooms{"desk": 1})
		e := run.cfg.Endpoints[named("desk")]
		e.Limits = []queue.Limit{{Name: "rate", PerSecond: 1.0 / 40, Burst: 1}}
		run.dispatcher.Reconfigure(map[store.Endpoint]dispatch.Endpoint{named("desk"): e}, nil, nil)
		first, second := g.receive("desk"), g.receive("desk")
		time.Sleep(45 * time.Second) // the purge comes by after a minute
		if d := g.delivery(first); d.State != mail.Delivered {
			t.Errorf("first delivery = %+v", d)
		}
		if d := g.delivery(second); d.State != mail.Expired || d.Reason != "retention ended before it was delivered" || len(d.Tries) != 0 || len(desk.got()) != 1 {
			t.Errorf("second delivery = %+v", d)
		}
	})
}

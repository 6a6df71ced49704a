package storetest

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// records compares what stores have but for their own numbers.
func records() cmp.Option {
	return cmp.Options{
		cmpopts.IgnoreFields(store.Message{}, "Seq"), cmpopts.IgnoreFields(store.Delivery{}, "Seq"),
		cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmpopts.EquateEmpty(),
	}
}

func lanes(t *testing.T, s store.Store) []store.Lane {
	t.Helper()
	list, err := s.Lanes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// testDue counts what is due by the clock of the machine, which is not the suite's.
func testDue(t *testing.T, s store.Store) {
	now := time.Now()
	for n, due := range []time.Duration{-time.Hour, -time.Minute, time.Hour} {
		m := newMessage(n, "desk")
		m.Deliveries[0].DueAt = now.Add(due)
		enqueue(t, s, m)
	}
	counts := func(waiting, due, inFlight int) {
		t.Helper()
		if l := lanes(t, s); len(l) != 1 || l[0].Waiting != waiting || l[0].Due != due || l[0].InFlight != inFlight {
			t.Errorf("Lanes = %+v, want %d waiting, %d due, %d in flight", l, waiting, due, inFlight)
		}
	}
	counts(3, 2, 0)
	if jobs := claimAt(t, s, now, 1, "desk"); len(jobs) != 1 {
		t.Fatalf("jobs = %+v", jobs)
	}
	counts(2, 1, 1)
}

func testPause(t *testing.T, s store.Store) {
	desk, archive := store.Endpoint{Tenant: "acme", Name: "desk"}, store.Endpoint{Tenant: "acme", Name: "archive"}
	enqueue(t, s, newMessage(1, "desk", "archive"), newMessage(2, "desk"))
	claim(t, s, 1, "desk")
	want := []store.Lane{
		{Endpoint: archive, Waiting: 1, NextDue: start().Add(time.Second), Oldest: start().Add(time.Second)},
		{Endpoint: desk, Waiting: 1, InFlight: 1, NextDue: start().Add(2 * time.Second), Oldest: start().Add(time.Second)},
	}
	if diff := cmp.Diff(want, lanes(t, s), cmpopts.IgnoreFields(store.Lane{}, "Due")); diff != "" {
		t.Errorf("Lanes: %s", diff)
	}
	waiting := func(want ...store.Endpoint) {
		t.Helper()
		list, err := s.Waiting(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got []store.Endpoint
		for _, w := range list {
			got = append(got, w.Endpoint)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Waiting: %s", diff)
		}
	}
	change := func(f func() error) {
		t.Helper()
		if err := f(); err != nil {
			t.Fatal(err)
		}
	}
	resume := func(e store.Endpoint, want bool) {
		t.Helper()
		if was, err := s.Resume(t.Context(), e); was != want || err != nil {
			t.Errorf("Resume = %v, %v; want %v", was, err, want)
		}
	}
	waiting(archive, desk)
	change(func() error { return s.Pause(t.Context(), desk, start()) })
	change(func() error { return s.Pause(t.Context(), desk, start().Add(time.Hour)) }) // it is already
	waiting(archive)
	want[1].PausedSince = start()
	if diff := cmp.Diff(want, lanes(t, s), cmpopts.IgnoreFields(store.Lane{}, "Due")); diff != "" {
		t.Errorf("Lanes: %s", diff)
	}
	change(func() error { return s.Pause(t.Context(), store.Endpoint{Tenant: "acme"}, start()) })
	waiting()
	want[0].TenantPaused, want[1].TenantPaused = true, true
	all := store.Lane{Endpoint: store.Endpoint{Tenant: "acme"}, PausedSince: start(), TenantPaused: true}
	if diff := cmp.Diff(append([]store.Lane{all}, want...), lanes(t, s), cmpopts.IgnoreFields(store.Lane{}, "Due")); diff != "" {
		t.Errorf("Lanes: %s", diff)
	}
	resume(store.Endpoint{Tenant: "acme"}, true)
	waiting(archive)
	resume(desk, true)
	resume(desk, false)
	waiting(archive, desk)
}

func testTakeTokens(t *testing.T, s store.Store) {
	take := func(at time.Time, want ...store.TokenWant) []store.Tokens {
		t.Helper()
		got, err := s.TakeTokens(t.Context(), at, want)
		if err != nil || len(got) != len(want) {
			t.Fatalf("TakeTokens = %+v, %v", got, err)
		}
		return got
	}
	a := func(n int) store.TokenWant {
		return store.TokenWant{Bucket: "tenant:acme", PerSecond: 0.5, Burst: 10, Want: n}
	}
	b := store.TokenWant{Bucket: "tenant:other", PerSecond: 1000, Burst: 5, Want: 100}
	if got := take(start(), a(7), b); got[0].Taken != 7 || got[1].Taken != 5 {
		t.Errorf("taken = %+v, want 7 and 5 of full buckets", got)
	}
	if got := take(start(), a(7))[0]; got.Taken != 3 || !got.Next.Equal(start().Add(2*time.Second)) {
		t.Errorf("taken = %+v, want 3 and another in two seconds", got)
	}
	if got := take(start().Add(time.Second), a(1))[0]; got.Taken != 0 || !got.Next.Equal(start().Add(2*time.Second)) {
		t.Errorf("taken = %+v, want none and another in a second", got)
	}
	if got := take(start().Add(6*time.Second), a(9))[0]; got.Taken != 3 {
		t.Errorf("taken = %+v, want 3 after six seconds", got)
	}
	if got := take(start().Add(time.Second), a(1))[0]; got.Taken != 0 {
		t.Errorf("taken = %+v by a clock that has gone back", got)
	}
	if got := take(start().Add(time.Hour), a(100))[0]; got.Taken != 10 {
		t.Errorf("taken = %+v, want a full bucket after an hour", got)
	}
	if take(start().AddDate(1, 0, 0), a(10)); take(start().Add(2*time.Hour), a(1))[0].Taken != 0 {
		t.Error("a clock that has gone back far fills a bucket")
	}
	if got := take(start().Add(2*time.Hour+4*time.Second), a(9))[0]; got.Taken != 2 {
		t.Errorf("taken = %+v, want 2: a clock that was a year ahead once holds nothing up", got)
	}
	take(start().Add(3*time.Hour), a(0))
	smaller := a(100)
	smaller.Burst = 2
	if got := take(start().Add(4*time.Hour), smaller)[0]; got.Taken != 2 {
		t.Errorf("taken = %+v, want what the smaller bucket holds", got)
	}
}

// testRetentionEnds has payload, quarantine, body and row end one after the other.
func testRetentionEnds(t *testing.T, s store.Store) {
	hour := func(n int) time.Time { return start().Add(time.Duration(n) * time.Hour) }
	kept := store.Retention{ExpiresAt: hour(10), PayloadUntil: hour(2), HeldUntil: hour(5), LogUntil: hour(20)}
	in := newMessage(1, "desk", "archive", "held")
	for i := range in.Deliveries {
		in.Deliveries[i].Retention = kept
	}
	in.Deliveries[2].State = mail.Quarantined
	enqueue(t, s, in)
	for _, j := range claim(t, s, 1, "desk", "archive") {
		r := store.Result{Lease: j.Lease, State: mail.Delivered, Attempt: attempt(1, 200, ""), Document: []byte(`{}`), Subject: "Hello"}
		if j.Endpoint.Name == "archive" {
			r.State, r.Due = mail.Retrying, hour(9)
		}
		finish(t, s, 0, r)
	}
	documents := func(want ...bool) {
		t.Helper()
		for i, w := range want {
			doc, err := s.Document(t.Context(), in.ID.Delivery(i+1))
			if (doc != nil) != w || err != nil {
				t.Errorf("Document of delivery %d = %s, %v", i+1, doc, err)
			}
		}
	}
	documents(true, true)
	if out := expire(t, s, hour(1)); out.Deliveries+out.Payloads+out.Rows+len(out.Bodies) != 0 {
		t.Errorf("Expire before anything ends = %+v", out)
	}
	if out := expire(t, s, hour(3)); out.Payloads != 1 || out.Deliveries != 0 {
		t.Errorf("Expire = %+v, want the payload of what was delivered forgotten", out)
	}
	documents(false, true)
	if out := expire(t, s, hour(6)); out.Deliveries != 1 || out.Payloads != 0 || len(out.Bodies) != 0 {
		t.Errorf("Expire = %+v, want the end of the quarantine", out)
	}
	if d := get(t, s, in.ID).Deliveries[2]; d.State != mail.Expired || d.Reason == "" {
		t.Errorf("delivery = %+v", d)
	}
	if out := expire(t, s, hour(11)); out.Deliveries != 1 || len(out.Bodies) != 1 || out.Rows != 0 {
		t.Errorf("Expire = %+v, want the delivery that waits ended, and the body forgotten", out)
	}
	documents(false, false)
	if out := expire(t, s, hour(19)); out.Rows != 0 {
		t.Errorf("Expire = %+v before the log ends", out)
	}
	if out := expire(t, s, hour(21)); out.Rows != 1 || out.More {
		t.Errorf("Expire = %+v, want the row gone", out)
	}
	if n := len(exported(t, s)); n != 0 {
		t.Errorf("%d messages are left", n)
	}
	if list, err := s.List(t.Context(), store.Filter{Limit: 10}); len(list) != 0 || err != nil {
		t.Errorf("List = %+v, %v", list, err)
	}
	if list, err := s.List(t.Context(), store.Filter{Subject: "hello", Limit: 10}); len(list) != 0 || err != nil {
		t.Errorf("List by subject = %+v, %v", list, err)
	}
}

// testQuarantineShortens has a delivery held whose quarantine is shorter than its retention.
func testQuarantineShortens(t *testing.T, s store.Store) {
	in := newMessage(1, "desk")
	in.Deliveries[0].HeldUntil = start().Add(2 * time.Hour)
	enqueue(t, s, in)
	finish(t, s, 0, store.Result{Lease: claim(t, s, 1, "desk")[0].Lease, State: mail.Quarantined, Reason: "a virus"})
	if out := expire(t, s, start().Add(3*time.Hour)); out.Deliveries != 1 || len(out.Bodies)+len(expire(t, s, start().Add(3*time.Hour)).Bodies) > 1 {
		t.Errorf("Expire = %+v, want it ended", out)
	}
	if d := only(t, s, in.ID); d.State != mail.Expired {
		t.Errorf("delivery = %+v", d)
	}
}

// testExpireInBatches has more end than one transaction takes.
func testExpireInBatches(t *testing.T, s store.Store) {
	for n := range 7 {
		enqueue(t, s, newMessage(n, "desk"))
	}
	late, rounds, bodies := start().Add(1000*time.Hour), 0, 0
	for more := true; more; rounds++ {
		out, err := s.Expire(t.Context(), late, 2)
		if err != nil || rounds > 20 {
			t.Fatalf("Expire = %+v, %v", out, err)
		}
		bodies += len(out.Bodies)
		more = out.More
	}
	if bodies != 7 || rounds < 4 {
		t.Errorf("%d bodies in %d rounds", bodies, rounds)
	}
	if waiting, err := s.Waiting(t.Context()); len(waiting) != 0 || err != nil {
		t.Errorf("Waiting = %+v, %v", waiting, err)
	}
}

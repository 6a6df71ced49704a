package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// testClaimInOrder has messages that are stored in another order than they were received in,
// leases that are given back, and a retry: what is due goes in the order of reception, and
// what is of one millisecond in that of storing.
func testClaimInOrder(t *testing.T, s store.Store) {
	var want []mail.DeliveryID
	for n := range 20 {
		m := newMessage(n/4, "desk", "archive") // several of one second
		enqueue(t, s, m)
		want = append(want, m.ID.Delivery(1))
	}
	slow := newMessage(-1, "desk")
	enqueue(t, s, slow)
	want = append([]mail.DeliveryID{slow.ID.Delivery(1)}, want...)
	// What comes back is where it was, but for a retry, which is where it is due.
	first := claim(t, s, 5, "desk")
	if n, err := s.Release(t.Context(), owner); n != 5 || err != nil {
		t.Fatalf("Release = %d, %v", n, err)
	}
	if diff := cmp.Diff(want[:5], ids(first)); diff != "" {
		t.Error(diff)
	}
	retry := claim(t, s, 1, "desk")[0]
	finish(t, s, 0, store.Result{Lease: retry.Lease, State: mail.Retrying, Due: start().Add(2500 * time.Millisecond), Attempt: attempt(1, 500, "x")})
	want = slices.Insert(want[1:], 12, retry.ID)
	var got []mail.DeliveryID
	for len(got) < len(want) {
		jobs := claim(t, s, 3, "desk")
		if len(jobs) == 0 {
			break
		}
		got = append(got, ids(jobs)...)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func ids(jobs []store.Job) []mail.DeliveryID {
	var list []mail.DeliveryID
	for _, j := range jobs {
		list = append(list, j.ID)
	}
	return list
}

func testClaimHonoursQuotas(t *testing.T, s store.Store) {
	for n := range 5 {
		enqueue(t, s, newMessage(n, "desk", "archive", "silent"))
	}
	waiting, err := s.Waiting(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var want []store.Waiting
	for _, e := range []string{"archive", "desk", "silent"} {
		want = append(want, store.Waiting{Endpoint: store.Endpoint{Tenant: "acme", Name: e}, Due: start()})
	}
	if diff := cmp.Diff(want, waiting); diff != "" {
		t.Errorf("Waiting: %s", diff)
	}
	for _, none := range []int{0, -1} {
		if jobs := claim(t, s, none, "desk"); len(jobs) != 0 {
			t.Errorf("%d jobs by a quota of %d", len(jobs), none)
		}
	}
	count := make(map[string]int)
	for _, j := range claim(t, s, 2, "desk", "archive", "unknown") {
		count[j.Endpoint.Name]++
	}
	if diff := cmp.Diff(map[string]int{"desk": 2, "archive": 2}, count); diff != "" {
		t.Error(diff)
	}
}

func testClaimLeasesOnce(t *testing.T, s store.Store) {
	in := newMessage(1, "desk")
	enqueue(t, s, in)
	jobs := claim(t, s, 10, "desk")
	if len(jobs) != 1 {
		t.Fatalf("jobs = %d, want 1", len(jobs))
	}
	j := jobs[0]
	if j.ID != in.ID.Delivery(1) || j.Body != in.Body || j.TraceField != in.TraceField || j.Size != in.Size || j.SHA256 != in.SHA256 || j.Attempts != 0 || j.DocumentSize != 0 ||
		j.Envelope.ReversePath != in.Envelope.ReversePath || !j.ReceivedAt.Equal(in.ReceivedAt) || j.Recipient != "support@acme.test" {
		t.Errorf("job = %+v, want that of %+v", j, in)
	}
	if again := claim(t, s, 10, "desk"); len(again) > 0 {
		t.Errorf("a leased delivery was claimed again: %+v", again)
	}
	if waiting, err := s.Waiting(t.Context()); len(waiting) > 0 || err != nil {
		t.Errorf("Waiting = %v, %v while all is leased", waiting, err)
	}
	if d := get(t, s, in.ID).Deliveries[0]; !d.InFlight {
		t.Errorf("delivery = %+v, want it in flight", d)
	}
}

func testClaimWaitsUntilDue(t *testing.T, s store.Store) {
	enqueue(t, s, newMessage(1, "desk"))
	if jobs := claimAt(t, s, start(), 10, "desk"); len(jobs) > 0 {
		t.Errorf("a delivery was claimed before it is due: %+v", jobs)
	}
}

// testClaimLeavesPaused claims by what was known before an endpoint, or its tenant, was paused.
func testClaimLeavesPaused(t *testing.T, s store.Store) {
	enqueue(t, s, newMessage(1, "desk", "archive"), newMessage(2, "desk", "archive"))
	tenant, desk := store.Endpoint{Tenant: "acme"}, store.Endpoint{Tenant: "acme", Name: "desk"}
	var jobs []store.Job
	for _, paused := range []store.Endpoint{desk, tenant} {
		if err := s.Pause(t.Context(), paused, start()); err != nil {
			t.Fatal(err)
		}
		jobs = append(jobs, claim(t, s, 1, "desk", "archive")...)
	}
	if len(jobs) != 1 || jobs[0].Endpoint.Name != "archive" {
		t.Errorf("jobs = %+v, want one of the endpoint that was not paused yet", jobs)
	}
	for _, paused := range []store.Endpoint{desk, tenant} {
		if was, err := s.Resume(t.Context(), paused); !was || err != nil {
			t.Fatalf("Resume = %v, %v", was, err)
		}
	}
	if jobs := claim(t, s, 10, "desk", "archive"); len(jobs) != 3 {
		t.Errorf("%d jobs after Resume, want 3", len(jobs))
	}
}

func testExtendReleaseReap(t *testing.T, s store.Store) {
	ctx := t.Context()
	enqueue(t, s, newMessage(1, "desk"), newMessage(2, "desk"), newMessage(3, "desk"))
	var leases []store.Lease
	for _, j := range claim(t, s, 3, "desk") {
		leases = append(leases, j.Lease)
	}
	end := start().Add(2 * time.Minute) // of the leases that claim made
	forged := leases[2]
	forged.Number++
	if err := s.Extend(ctx, []store.Lease{leases[0], leases[1], forged}, end.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Reap(ctx, end.Add(time.Second)); n != 1 || err != nil {
		t.Errorf("Reap = %d, %v; want the one lease that was not extended", n, err)
	}
	finish(t, s, 1, store.Result{Lease: leases[2], State: mail.Failed})
	if n, err := s.Reap(ctx, end.Add(2*time.Minute)); n != 2 || err != nil {
		t.Errorf("Reap = %d, %v; want 2", n, err)
	}
	if jobs := claim(t, s, 10, "desk"); len(jobs) != 3 || jobs[0].Lease.Number != 2 || jobs[0].Lost != 1 {
		t.Errorf("jobs after Reap = %+v, want three of a second lease, with the first one lost", jobs)
	}
	if n, err := s.Release(ctx, "node-2"); n != 0 || err != nil {
		t.Errorf("Release of another owner = %d, %v", n, err)
	}
	if n, err := s.Release(ctx, owner); n != 3 || err != nil {
		t.Errorf("Release = %d, %v; want 3", n, err)
	}
	if jobs := claim(t, s, 10, "desk"); len(jobs) != 3 || jobs[0].Lease.Number != 3 || jobs[0].Lost != 1 {
		t.Errorf("jobs after Release = %+v, want three of a third lease, with only the first one lost", jobs)
	}
}

// testLostLeases has leases end by themselves: the first counts, and then those in which
// something was begun. A result makes up for them.
func testLostLeases(t *testing.T, s store.Store) {
	ctx := t.Context()
	enqueue(t, s, newMessage(1, "desk"))
	now := start().Add(time.Hour)
	next := func(want int) store.Lease {
		t.Helper()
		jobs := claimAt(t, s, now, 1, "desk")
		if len(jobs) != 1 || jobs[0].Lost != want {
			t.Fatalf("jobs = %+v, want one of which %d leases were lost", jobs, want)
		}
		return jobs[0].Lease
	}
	begin := func(l store.Lease) {
		t.Helper()
		if err := s.Begin(ctx, l); err != nil {
			t.Fatal(err)
		}
	}
	reap := func() {
		t.Helper()
		now = now.Add(time.Hour)
		if n, err := s.Reap(ctx, now); n != 1 || err != nil {
			t.Fatalf("Reap = %d, %v", n, err)
		}
	}
	next(0)
	reap()
	next(1)
	reap() // nothing was begun
	l := next(1)
	begin(l)
	reap()
	begin(l) // it is not held any more
	next(2)
	reap()
	begin(next(2))
	if n, err := s.Release(ctx, owner); n != 1 || err != nil {
		t.Fatalf("Release = %d, %v", n, err)
	}
	next(2)
	reap() // what was begun before the release does not count
	finish(t, s, 0, store.Result{Lease: next(2), State: mail.Retrying, Due: start(), Reason: "x", Attempt: attempt(1, 500, "x")})
	next(0)
}

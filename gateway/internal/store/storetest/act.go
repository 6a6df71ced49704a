package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// act has something done to one delivery, and reports whether it was.
func act(t *testing.T, s store.Store, a store.Act, now time.Time, d store.DeliveryHistory) bool {
	t.Helper()
	done, err := s.Act(t.Context(), store.Action{Act: a, Now: now, Reason: "by a test", Step: mail.Step{At: now, Name: string(a)}}, []int64{d.Seq})
	if err != nil || len(done) != 1 {
		t.Fatalf("%s = %v, %v", a, done, err)
	}
	return done[0]
}

// ended enqueues a message for desk and has its delivery end in a state.
func ended(t *testing.T, s store.Store, n int, state mail.State) mail.MessageID {
	t.Helper()
	in := newMessage(n, "desk")
	enqueue(t, s, in)
	j := claim(t, s, 1, "desk")[0]
	r := store.Result{Lease: j.Lease, State: state, Reason: "why", Subject: "Hello", Document: []byte(`{"root":1}`)}
	if state == mail.Delivered || state == mail.Failed || state == mail.Retrying {
		r.Attempt, r.Due = attempt(1, 500, "x"), start().Add(time.Hour)
	}
	finish(t, s, 0, r)
	return in.ID
}

func only(t *testing.T, s store.Store, id mail.MessageID) store.DeliveryHistory {
	t.Helper()
	m := get(t, s, id)
	if len(m.Deliveries) != 1 {
		t.Fatalf("%d deliveries, want 1", len(m.Deliveries))
	}
	return m.Deliveries[0]
}

func testResend(t *testing.T, s store.Store) {
	id := ended(t, s, 1, mail.Failed)
	now := start().Add(10 * time.Minute)
	if !act(t, s, store.Resend, now, only(t, s, id)) {
		t.Fatal("a delivery that has failed was not resent")
	}
	d := only(t, s, id)
	if d.State != mail.Queued || d.Reason != "" || !d.Due.Equal(now) || d.Attempts != 1 || !d.UpdatedAt.Equal(now) {
		t.Errorf("delivery = %+v", d)
	}
	if diff := cmp.Diff([]mail.Step{{At: now, Name: "resend"}}, d.Steps); diff != "" {
		t.Error(diff)
	}
	if act(t, s, store.Resend, now, d) {
		t.Error("a delivery that waits was resent")
	}
	jobs := claimAt(t, s, now, 10, "desk")
	if len(jobs) != 1 || jobs[0].Attempts != 1 || jobs[0].Earlier != 1 || jobs[0].DocumentSize == 0 || jobs[0].Lost != 0 || jobs[0].Released {
		t.Fatalf("jobs = %+v, want one with its document, and a schedule that begins anew", jobs)
	}
	for _, a := range []store.Act{store.Reprocess, store.Retry, store.Drop} {
		if act(t, s, a, now, d) {
			t.Errorf("%s of a delivery whose attempt is under way", a)
		}
	}
	finish(t, s, 0, store.Result{Lease: jobs[0].Lease, State: mail.Delivered, Attempt: attempt(2, 200, "")})
	if d := only(t, s, id); d.State != mail.Delivered || len(d.Tries) != 2 {
		t.Errorf("delivery = %+v", d)
	}
}

func testReprocess(t *testing.T, s store.Store) {
	for n, state := range []mail.State{mail.Delivered, mail.Dropped, mail.Quarantined, mail.Retrying} {
		id := ended(t, s, n, state)
		now := start().Add(10 * time.Minute)
		if !act(t, s, store.Reprocess, now, only(t, s, id)) {
			t.Fatalf("a delivery that is %s was not processed again", state)
		}
		jobs := claimAt(t, s, now, 10, "desk")
		if len(jobs) != 1 || jobs[0].DocumentSize != 0 || jobs[0].Earlier != jobs[0].Attempts {
			t.Fatalf("%s: jobs = %+v, want one without a document", state, jobs)
		}
		finish(t, s, 0, store.Result{Lease: jobs[0].Lease, State: mail.Delivered, Attempt: attempt(2, 200, "")})
	}
}

// testReprocessHeld has what is quarantined processed again after what would have been its
// retention: it may be sent as long as it could have been released, and its body is kept.
func testReprocessHeld(t *testing.T, s store.Store) {
	in := newMessage(1, "desk")
	in.Deliveries[0].HeldUntil = start().Add(72 * time.Hour)
	in.Deliveries[0].State = mail.Quarantined
	enqueue(t, s, in)
	late := start().Add(48 * time.Hour)
	if !act(t, s, store.Reprocess, late, only(t, s, in.ID)) {
		t.Fatal("it was not processed again")
	}
	if out := expire(t, s, late); out.Deliveries != 0 || len(out.Bodies) != 0 {
		t.Errorf("Expire = %+v, want it to wait with its body", out)
	}
	jobs := claimAt(t, s, late, 10, "desk")
	if len(jobs) != 1 || !jobs[0].ExpiresAt.Equal(in.Deliveries[0].HeldUntil) || jobs[0].Released || jobs[0].Body != in.Body {
		t.Fatalf("jobs = %+v, want one, until the end of the quarantine", jobs)
	}
	finish(t, s, 0, store.Result{Lease: jobs[0].Lease, State: mail.Retrying, Due: late.Add(time.Hour), Attempt: attempt(1, 500, "x")})
	if out := expire(t, s, late.Add(time.Hour)); out.Deliveries != 0 || len(out.Bodies) != 0 {
		t.Errorf("Expire = %+v, want it to wait with its body", out)
	}
}

// testActNamedTwice names a delivery twice: it is done once.
func testActNamedTwice(t *testing.T, s store.Store) {
	id := ended(t, s, 1, mail.Retrying)
	now, seq := start().Add(10*time.Minute), only(t, s, id).Seq
	done, err := s.Act(t.Context(), store.Action{Act: store.Retry, Now: now, Step: mail.Step{At: now, Name: "retry"}}, []int64{seq, seq})
	if len(done) != 2 || !done[0] || done[1] || err != nil {
		t.Errorf("Act = %v, %v", done, err)
	}
	if d := only(t, s, id); len(d.Steps) != 1 {
		t.Errorf("steps = %+v, want one", d.Steps)
	}
}

func testRelease(t *testing.T, s store.Store) {
	in := newMessage(1, "desk")
	in.Deliveries[0].HeldUntil = start().Add(72 * time.Hour)
	in.Deliveries[0].State, in.Deliveries[0].Reason = mail.Quarantined, "spam"
	enqueue(t, s, in)
	late := start().Add(48 * time.Hour) // after what would have been its retention
	if out := expire(t, s, late); out.Deliveries != 0 || len(out.Bodies) != 0 {
		t.Fatalf("Expire of what is held = %+v", out)
	}
	if act(t, s, store.Resend, late, only(t, s, in.ID)) {
		t.Error("what is quarantined was resent")
	}
	if !act(t, s, store.Release, late, only(t, s, in.ID)) {
		t.Fatal("it was not released")
	}
	jobs := claimAt(t, s, late, 10, "desk")
	if len(jobs) != 1 || !jobs[0].Released || !jobs[0].ExpiresAt.Equal(in.Deliveries[0].HeldUntil) {
		t.Fatalf("jobs = %+v, want it released, until the end of the quarantine", jobs)
	}
	if act(t, s, store.Release, late, only(t, s, in.ID)) {
		t.Error("it was released twice")
	}
	// What a chain had made until it held it is not what is to be sent.
	finish(t, s, 0, store.Result{Lease: jobs[0].Lease, State: mail.Quarantined, Reason: "plugin", Document: []byte(`{}`)})
	if doc, err := s.Document(t.Context(), jobs[0].ID); string(doc) != `{}` || err != nil {
		t.Errorf("Document = %q, %v of what is held", doc, err)
	}
	if !act(t, s, store.Release, late, only(t, s, in.ID)) {
		t.Fatal("it was not released")
	}
	if jobs := claimAt(t, s, late, 10, "desk"); len(jobs) != 1 || !jobs[0].Released || jobs[0].DocumentSize != 0 {
		t.Errorf("jobs = %+v, want it released without a document", jobs)
	}
}

func testRetryAndDrop(t *testing.T, s store.Store) {
	id := ended(t, s, 1, mail.Retrying)
	now := start().Add(10 * time.Minute)
	if jobs := claimAt(t, s, now, 10, "desk"); len(jobs) != 0 {
		t.Fatalf("jobs = %+v before it is due", jobs)
	}
	if !act(t, s, store.Retry, now, only(t, s, id)) {
		t.Fatal("a delivery that waits was not made due")
	}
	if d := only(t, s, id); d.State != mail.Retrying || d.Reason != "why" || !d.Due.Equal(now) {
		t.Errorf("delivery = %+v", d)
	}
	if !act(t, s, store.Drop, now, only(t, s, id)) {
		t.Fatal("a delivery that waits was not dropped")
	}
	if d := only(t, s, id); d.State != mail.Dropped || d.Reason != "by a test" || !d.Due.IsZero() || len(d.Steps) != 2 {
		t.Errorf("delivery = %+v", d)
	}
	if jobs := claimAt(t, s, now, 10, "desk"); len(jobs) != 0 {
		t.Errorf("what was dropped was claimed: %+v", jobs)
	}
	for _, a := range []store.Act{store.Retry, store.Drop, store.Release} {
		if act(t, s, a, now, only(t, s, id)) {
			t.Errorf("%s of what was dropped", a)
		}
	}
}

// testActNeedsBody has acts come too late.
func testActNeedsBody(t *testing.T, s store.Store) {
	id := ended(t, s, 1, mail.Failed)
	rejected := newMessage(2, "desk")
	rejected.Body, rejected.Deliveries[0].State = "", mail.Rejected
	enqueue(t, s, rejected)
	late := start().Add(100 * time.Hour)
	if act(t, s, store.Resend, late, only(t, s, id)) {
		t.Error("a delivery was resent after its retention")
	}
	expire(t, s, late)
	for _, a := range []store.Act{store.Resend, store.Reprocess} {
		if act(t, s, a, start(), only(t, s, id)) || act(t, s, a, start(), only(t, s, rejected.ID)) {
			t.Errorf("%s without a body", a)
		}
	}
	if done, err := s.Act(t.Context(), store.Action{Act: store.Resend, Now: start()}, []int64{1 << 40, only(t, s, id).Seq}); len(done) != 2 || done[0] || done[1] || err != nil {
		t.Errorf("Act on what is not there = %v, %v", done, err)
	}
	if _, err := s.Act(t.Context(), store.Action{Act: "burn", Now: start()}, []int64{only(t, s, id).Seq}); err == nil {
		t.Error("an act that there is not was done")
	}
}

func testDelete(t *testing.T, s store.Store) {
	id, other := ended(t, s, 1, mail.Failed), ended(t, s, 2, mail.Failed)
	if body, err := s.Delete(t.Context(), id); body != newMessage(1).Body || err != nil {
		t.Errorf("Delete = %q, %v", body, err)
	}
	if _, err := s.Get(t.Context(), id); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Get after Delete: %v", err)
	}
	if _, err := s.Delete(t.Context(), id); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("second Delete: %v", err)
	}
	list, err := s.List(t.Context(), store.Filter{Subject: "hello", Limit: 10})
	if err != nil || len(list) != 1 || list[0].ID != other.Delivery(1) {
		t.Errorf("List after Delete = %+v, %v", list, err)
	}
	held := newMessage(3, "desk", "archive")
	enqueue(t, s, held)
	lease := claim(t, s, 1, "desk")[0].Lease
	if _, err := s.Delete(t.Context(), held.ID); !errors.Is(err, store.ErrInFlight) {
		t.Errorf("Delete while an attempt is under way: %v", err)
	}
	finish(t, s, 0, store.Result{Lease: lease, State: mail.Delivered, Attempt: attempt(1, 200, "")})
	if body, err := s.Delete(t.Context(), held.ID); body != held.Body || err != nil {
		t.Errorf("Delete = %q, %v", body, err)
	}
	if jobs := claim(t, s, 10, "archive"); len(jobs) != 0 {
		t.Errorf("jobs of what was deleted: %+v", jobs)
	}
	// What comes after it has a seq of its own, also where the newest was deleted.
	next := newMessage(4, "desk")
	enqueue(t, s, next)
	if m := get(t, s, next.ID); m.Deliveries[0].Seq <= lease.Seq {
		t.Errorf("seq %d comes again", m.Deliveries[0].Seq)
	}
}

package storetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

func testFinishDelivered(t *testing.T, s store.Store) {
	in := newMessage(1, "desk")
	enqueue(t, s, in)
	j := claim(t, s, 1, "desk")[0]
	finish(t, s, 0, store.Result{Lease: j.Lease, State: mail.Delivered, Attempt: attempt(1, 204, "")})
	d := get(t, s, in.ID).Deliveries[0]
	if d.State != mail.Delivered || d.Attempts != 1 || d.LastCode != 204 || d.InFlight || !d.Due.IsZero() {
		t.Errorf("delivery = %+v", d)
	}
	if diff := cmp.Diff([]mail.Attempt{*attempt(1, 204, "")}, d.Tries); diff != "" {
		t.Error(diff)
	}
	if jobs := claim(t, s, 10, "desk"); len(jobs) > 0 {
		t.Errorf("a delivered delivery was claimed: %+v", jobs)
	}
}

func testFinishRetry(t *testing.T, s store.Store) {
	in := newMessage(1, "desk")
	enqueue(t, s, in)
	due := start().Add(10 * time.Minute)
	j := claim(t, s, 1, "desk")[0]
	finish(t, s, 0, store.Result{Lease: j.Lease, State: mail.Retrying, Due: due, Reason: "status: 500", Attempt: attempt(1, 500, "status: 500")})
	d := get(t, s, in.ID).Deliveries[0]
	if d.State != mail.Retrying || !d.Due.Equal(due) || d.Reason != "status: 500" || d.LastCode != 500 {
		t.Errorf("delivery = %+v", d)
	}
	if jobs := claimAt(t, s, due.Add(-time.Millisecond), 10, "desk"); len(jobs) > 0 {
		t.Errorf("claimed before it is due: %+v", jobs)
	}
	jobs := claimAt(t, s, due, 10, "desk")
	if len(jobs) != 1 || jobs[0].Attempts != 1 {
		t.Errorf("jobs = %+v, want one with 1 attempt made", jobs)
	}
}

func testFinishIsFenced(t *testing.T, s store.Store) {
	in := newMessage(1, "desk")
	enqueue(t, s, in)
	old := claim(t, s, 1, "desk")[0]
	if n, err := s.Release(t.Context(), owner); n != 1 || err != nil {
		t.Fatalf("Release = %d, %v", n, err)
	}
	current := claim(t, s, 1, "desk")[0]
	stolen := current.Lease
	stolen.Owner = "node-2"
	finish(t, s, 2,
		store.Result{Lease: old.Lease, State: mail.Failed, Attempt: attempt(1, 500, "late")},
		store.Result{Lease: stolen, State: mail.Failed, Attempt: attempt(1, 500, "of another")})
	finish(t, s, 0, store.Result{Lease: current.Lease, State: mail.Delivered, Attempt: attempt(1, 200, "")})
	finish(t, s, 1, store.Result{Lease: current.Lease, State: mail.Failed, Attempt: attempt(2, 500, "twice")})
	d := get(t, s, in.ID).Deliveries[0]
	if d.State != mail.Delivered || len(d.Tries) != 1 || d.Tries[0].Code != 200 {
		t.Errorf("delivery = %+v, want only the current lease's result", d)
	}
}

func testFinishKeepsDocument(t *testing.T, s store.Store) {
	in := newMessage(1, "desk")
	enqueue(t, s, in)
	if doc, err := s.Document(t.Context(), in.ID.Delivery(1)); doc != nil || err != nil {
		t.Errorf("Document before the first attempt = %q, %v", doc, err)
	}
	steps := []mail.Step{{At: start(), Name: "parsed", Duration: time.Millisecond}}
	j := claim(t, s, 1, "desk")[0]
	finish(t, s, 0, store.Result{Lease: j.Lease, State: mail.Retrying, Due: start(), Attempt: attempt(1, 500, "x"), Document: []byte(`{"root":1}`), Subject: "Hello", Steps: steps})
	j = claim(t, s, 1, "desk")[0]
	if j.DocumentSize != int64(len(`{"root":1}`)) {
		t.Errorf("document of the second claim has %d octets", j.DocumentSize)
	}
	finish(t, s, 0, store.Result{Lease: j.Lease, State: mail.Delivered, Attempt: attempt(2, 200, "")})
	if doc, err := s.Document(t.Context(), j.ID); string(doc) != `{"root":1}` || err != nil {
		t.Errorf("Document = %q, %v", doc, err)
	}
	d := get(t, s, in.ID).Deliveries[0]
	if d.Subject != "Hello" {
		t.Errorf("subject = %q", d.Subject)
	}
	if diff := cmp.Diff(steps, d.Steps); diff != "" {
		t.Error(diff)
	}
}

// testFinishWithoutAttempt ends deliveries as a chain does that says so.
func testFinishWithoutAttempt(t *testing.T, s store.Store) {
	in := newMessage(1, "desk", "archive")
	enqueue(t, s, in)
	steps := []mail.Step{{At: start(), Name: "stage crm", Verdict: "drop", Log: []string{"info: not wanted"}}}
	for _, j := range claim(t, s, 1, "desk", "archive") {
		r := store.Result{Lease: j.Lease, State: mail.Dropped, Reason: "plugin crm: not wanted", Subject: "Hello", Steps: steps}
		if j.Endpoint.Name == "archive" {
			r.State, r.Document = mail.Quarantined, []byte(`{"root":2}`)
		}
		finish(t, s, 0, r)
	}
	for i, want := range []struct {
		state    mail.State
		document string
	}{{mail.Dropped, ""}, {mail.Quarantined, `{"root":2}`}} {
		d := get(t, s, in.ID).Deliveries[i]
		if d.State != want.state || d.Reason != "plugin crm: not wanted" || d.Subject != "Hello" || d.Attempts != 0 || len(d.Tries) != 0 || d.InFlight || !d.Due.IsZero() {
			t.Errorf("delivery = %+v", d)
		}
		if diff := cmp.Diff(steps, d.Steps); diff != "" {
			t.Error(diff)
		}
		if doc, err := s.Document(t.Context(), d.ID); string(doc) != want.document || err != nil {
			t.Errorf("Document = %q, %v", doc, err)
		}
	}
	if jobs := claim(t, s, 10, "desk", "archive"); len(jobs) > 0 {
		t.Errorf("a delivery that has ended was claimed: %+v", jobs)
	}
}

// testFinishAddsToTrace has a chain run twice, of which the first run failed.
func testFinishAddsToTrace(t *testing.T, s store.Store) {
	in := newMessage(1, "desk")
	enqueue(t, s, in)
	first := []mail.Step{{At: start(), Name: "stage crm", Error: "its time was over", Verdict: "retry"}}
	second := []mail.Step{{At: start().Add(time.Minute), Name: "stage crm"}}
	j := claim(t, s, 1, "desk")[0]
	finish(t, s, 0, store.Result{Lease: j.Lease, State: mail.Retrying, Due: start(), Reason: "x", Attempt: attempt(1, 0, "x"), Subject: "Hello", Steps: first})
	j = claim(t, s, 1, "desk")[0]
	if j.DocumentSize != 0 || j.Attempts != 1 {
		t.Errorf("job = %+v, want one without a document", j)
	}
	finish(t, s, 0, store.Result{Lease: j.Lease, State: mail.Delivered, Attempt: attempt(2, 200, ""), Document: []byte(`{"root":1}`), Subject: "Hello", Steps: second})
	d := get(t, s, in.ID).Deliveries[0]
	if diff := cmp.Diff(append(first, second...), d.Steps); diff != "" {
		t.Error(diff)
	}
}

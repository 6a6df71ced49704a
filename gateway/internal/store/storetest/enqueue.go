package storetest

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

func testEnqueueAndGet(t *testing.T, s store.Store) {
	in := newMessage(1, "desk", "archive")
	enqueue(t, s, in)
	got := get(t, s, in.ID)
	if diff := cmp.Diff(in.Envelope, got.Envelope, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
	if !got.ReceivedAt.Equal(in.ReceivedAt) || got.Size != in.Size || got.SHA256 != in.SHA256 || got.Body != in.Body || got.TraceField != in.TraceField {
		t.Errorf("message = %+v, want %+v", got, in)
	}
	if diff := cmp.Diff(in.Steps, got.Steps); diff != "" {
		t.Error(diff)
	}
	if len(got.Deliveries) != 2 {
		t.Fatalf("deliveries = %d, want 2", len(got.Deliveries))
	}
	for i, d := range got.Deliveries {
		want := in.Deliveries[i]
		if d.ID != in.ID.Delivery(i+1) || d.Endpoint != want.Endpoint || d.Alias != want.Alias || d.Recipient != want.Recipient || !d.ExpiresAt.Equal(want.ExpiresAt) {
			t.Errorf("delivery %d = %+v, want %+v", i+1, d, want)
		}
		if d.State != mail.Queued || d.Attempts != 0 || d.InFlight || !d.Due.Equal(in.ReceivedAt) {
			t.Errorf("delivery %d = %+v, want one that waits for its first attempt", i+1, d)
		}
	}
	wantLive(t, s, in.ID, in.Body)
	if ref, err := s.Body(t.Context(), in.ID); ref != in.Body || err != nil {
		t.Errorf("Body = %q, %v", ref, err)
	}
}

func testEnqueueIsAllOrNone(t *testing.T, s store.Store) {
	first, second := newMessage(1, "desk"), newMessage(2, "desk")
	second.ID = first.ID
	if err := s.Enqueue(t.Context(), []store.NewMessage{first, second}); err == nil {
		t.Fatal("two messages of one id were enqueued")
	}
	if _, err := s.Get(t.Context(), first.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Get after a failed Enqueue: error = %v, want ErrNotFound", err)
	}
	if jobs := claim(t, s, 10, "desk"); len(jobs) > 0 {
		t.Errorf("jobs after a failed Enqueue: %v", jobs)
	}
}

// testEnqueueDecided enqueues what was decided about before: by scanners, at SMTP
// time.
func testEnqueueDecided(t *testing.T, s store.Store) {
	in := newMessage(1, "desk", "archive", "silent")
	in.Reports = []mail.Report{{Engine: "rspamd", Part: mail.WholeMail, Answer: []byte(`{"score":9}`)}, {Engine: "clamav", Part: 2, Answer: []byte(`{}`)}}
	in.Deliveries[0].SpamAction = mail.SpamTag
	in.Deliveries[1].State, in.Deliveries[1].Reason, in.Deliveries[1].SpamAction = mail.Quarantined, "spam: score 9", mail.SpamQuarantine
	in.Deliveries[2].State, in.Deliveries[2].Reason, in.Deliveries[2].SpamAction = mail.Rejected, "spam: score 9", mail.SpamReject
	enqueue(t, s, in)
	jobs := claim(t, s, 10, "desk", "archive", "silent")
	if len(jobs) != 1 || jobs[0].Endpoint.Name != "desk" || jobs[0].SpamAction != mail.SpamTag {
		t.Fatalf("jobs = %+v, want that of desk", jobs)
	}
	got := get(t, s, in.ID)
	for _, reports := range [][]mail.Report{jobs[0].Reports, got.Reports} {
		if diff := cmp.Diff(in.Reports, reports); diff != "" {
			t.Error(diff)
		}
	}
	for i, want := range []mail.State{mail.Queued, mail.Quarantined, mail.Rejected} {
		if d := got.Deliveries[i]; d.State != want || d.Reason != in.Deliveries[i].Reason || (d.Due.IsZero() != want.Final()) {
			t.Errorf("delivery = %+v, want state %s", d, want)
		}
	}
	if list, err := s.List(t.Context(), store.Filter{States: []mail.State{mail.Rejected}, Limit: 10}); len(list) != 1 || err != nil {
		t.Errorf("List of rejected = %+v, %v", list, err)
	}

	refused := newMessage(2, "desk")
	refused.Body = ""
	refused.Deliveries[0].State = mail.Rejected
	enqueue(t, s, refused)
	wantLive(t, s, refused.ID, "")
	if out, err := s.Expire(t.Context(), start().Add(1000*time.Hour), 10); err != nil || len(out.Bodies) != 0 {
		t.Errorf("Expire = %+v, %v: there is nothing to forget while desk's is under way", out, err)
	}
}

// testEnqueueSubject enqueues with a subject, which is looked for before anything was done with
// the mail, and after a result that has the same, none, or another.
func testEnqueueSubject(t *testing.T, s store.Store) {
	in := newMessage(1, "same", "none", "other", "rejected")
	in.Subject = "Grüße zum Angebot"
	in.Deliveries[3].State = mail.Rejected
	enqueue(t, s, in)
	wantSubject(t, s, "gruesse", 0)
	wantSubject(t, s, "angebot GRÜSSE", 0)
	wantSubject(t, s, "angebot GRÜßE", 4)
	for _, j := range claim(t, s, 1, "same", "none", "other") {
		r := store.Result{Lease: j.Lease, State: mail.Retrying, Due: start(), Attempt: attempt(1, 500, "x")}
		switch j.Endpoint.Name {
		case "same":
			r.Subject = in.Subject
		case "other":
			r.Subject = "Rechnung"
		}
		finish(t, s, 0, r)
	}
	wantSubject(t, s, "angebot", 3)
	wantSubject(t, s, "rechnung", 1)
	got := get(t, s, in.ID)
	for i, want := range []string{in.Subject, in.Subject, "Rechnung", in.Subject} {
		if d := got.Deliveries[i]; d.Subject != want {
			t.Errorf("subject of %s = %q, want %q", d.Endpoint.Name, d.Subject, want)
		}
	}
	if _, err := s.Delete(t.Context(), in.ID); err != nil {
		t.Fatal(err)
	}
	again := newMessage(2, "same")
	enqueue(t, s, again)
	wantSubject(t, s, "angebot", 0)
	wantSubject(t, s, "rechnung", 0)
}

// wantSubject expects as many deliveries whose subject has the words.
func wantSubject(t *testing.T, s store.Store, words string, want int) {
	t.Helper()
	if list, err := s.List(t.Context(), store.Filter{Subject: words, Limit: 10}); len(list) != want || err != nil {
		t.Errorf("List of %q = %d deliveries, %v; want %d", words, len(list), err, want)
	}
}

package storetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

func expire(t *testing.T, s store.Store, now time.Time) store.Expired {
	t.Helper()
	out, err := s.Expire(t.Context(), now, 100)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func testExpireDeliveries(t *testing.T, s store.Store) {
	in := newMessage(1, "desk", "archive")
	in.Deliveries[1].ExpiresAt = start().Add(48 * time.Hour)
	enqueue(t, s, in)
	if out := expire(t, s, start().Add(time.Hour)); out.Deliveries != 0 || len(out.Bodies) != 0 {
		t.Errorf("Expire before the end = %+v", out)
	}
	if out := expire(t, s, start().Add(25*time.Hour)); out.Deliveries != 1 || len(out.Bodies) != 0 {
		t.Errorf("Expire of the first delivery = %+v", out)
	}
	if d := get(t, s, in.ID).Deliveries[0]; d.State != mail.Expired || d.Reason == "" {
		t.Errorf("delivery = %+v, want it expired with a reason", d)
	}
	out := expire(t, s, start().Add(49*time.Hour))
	if diff := cmp.Diff([]mail.BodyRef{in.Body}, out.Bodies); diff != "" || out.Deliveries != 1 {
		t.Errorf("Expire of the second delivery = %+v: %s", out, diff)
	}
	wantLive(t, s, in.ID, "")
	if ref, err := s.Body(t.Context(), in.ID); ref != "" || err != nil {
		t.Errorf("Body = %q, %v after the end", ref, err)
	}
	if m := get(t, s, in.ID); m.Body != "" || len(m.Deliveries) != 2 {
		t.Errorf("message = %+v, want its log row without a body", m)
	}
	if out := expire(t, s, start().Add(50*time.Hour)); out.Deliveries != 0 || len(out.Bodies) != 0 {
		t.Errorf("second Expire = %+v", out)
	}
}

func testExpireKeepsBodiesInFlight(t *testing.T, s store.Store) {
	in := newMessage(1, "desk")
	in.Reports = []mail.Report{{Engine: "rspamd", Part: mail.WholeMail, Answer: []byte(`{}`)}}
	enqueue(t, s, in)
	j := claim(t, s, 1, "desk")[0]
	late := start().Add(1000 * time.Hour)
	if out := expire(t, s, late); out.Deliveries != 0 || len(out.Bodies) != 0 {
		t.Errorf("Expire while an attempt is in flight = %+v", out)
	}
	finish(t, s, 0, store.Result{Lease: j.Lease, State: mail.Delivered, Attempt: attempt(1, 200, ""), Document: []byte(`{}`), Steps: []mail.Step{
		{At: start(), Name: "stage crm", Duration: time.Second, Verdict: "skip", Error: "a quote", Log: []string{"another"}},
	}})
	if out := expire(t, s, late); len(out.Bodies) != 1 {
		t.Errorf("Expire after the attempt = %+v", out)
	}
	// What was said of the mail quotes it, and goes with it.
	m := get(t, s, in.ID)
	if diff := cmp.Diff([]mail.Step{{At: start(), Name: "stage crm", Duration: time.Second, Verdict: "skip"}}, m.Deliveries[0].Steps); diff != "" || len(m.Reports) != 0 {
		t.Errorf("reports %v, trace %s", m.Reports, diff)
	}
	if doc, err := s.Document(t.Context(), j.ID); doc != nil || err != nil {
		t.Errorf("Document = %q, %v after the end of retention", doc, err)
	}
}

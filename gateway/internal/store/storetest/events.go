package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

const payload = `{"event":"connectError"}`

// sales is what events of tests are about.
func sales() store.About { return store.About{Tenant: "acme", Class: "account", Name: "sales"} }

// newEvent is the n-th message of a test, of an event of that name, for endpoint hooks.
func newEvent(n int, name string, about store.About) store.NewMessage {
	at := start().Add(time.Duration(n) * time.Second)
	m := store.MessageOf(mail.NewMessageID(at), at, store.Event{Name: name, About: about}, store.Endpoint{Tenant: "acme", Name: "hooks"},
		"connect ECONNREFUSED 192.0.2.1:993", []byte(payload), store.Retention{ExpiresAt: at.Add(24 * time.Hour), LogUntil: at.Add(48 * time.Hour)})
	m.Deliveries[0].DueAt = at
	return m
}

func wantDocument(t *testing.T, s store.Store, id mail.DeliveryID, want string) {
	t.Helper()
	if doc, err := s.Document(t.Context(), id); string(doc) != want || err != nil {
		t.Errorf("Document = %q, %v; want %q", doc, err, want)
	}
}

func testEventIsDelivered(t *testing.T, s Store) {
	whole := store.About{Class: "scanner", Name: "rspamd"} // of the gateway as a whole
	in := newEvent(1, "scanner.down", whole)
	enqueue(t, s, in)
	wantLive(t, s, in.ID, "")
	if ref, err := s.Body(t.Context(), in.ID); ref != "" || err != nil {
		t.Errorf("Body = %q, %v", ref, err)
	}
	jobs := claim(t, s, 10, "hooks")
	if len(jobs) != 1 || jobs[0].Event != in.Event || jobs[0].DocumentSize != int64(len(payload)) || jobs[0].Body != "" || jobs[0].ID != in.ID.Delivery(1) {
		t.Fatalf("jobs = %+v", jobs)
	}
	wantDocument(t, s, jobs[0].ID, payload)
	finish(t, s, 0, store.Result{Lease: jobs[0].Lease, State: mail.Retrying, Due: start(), Reason: "x", Attempt: attempt(1, 500, "x")})
	jobs = claim(t, s, 10, "hooks")
	finish(t, s, 0, store.Result{Lease: jobs[0].Lease, State: mail.Delivered, Attempt: attempt(2, 200, "")})
	m := get(t, s, in.ID)
	if m.Event != in.Event || m.Fetched != nil || m.Body != "" || len(m.Deliveries) != 1 {
		t.Fatalf("message = %+v", m)
	}
	d := m.Deliveries[0]
	if d.Event != in.Event || d.Account != "" || d.State != mail.Delivered || d.Subject != in.Subject || len(d.Tries) != 2 {
		t.Errorf("delivery = %+v", d)
	}
	wantDocument(t, s, d.ID, payload)
}

func testEventActs(t *testing.T, s Store) {
	now := start().Add(time.Hour)
	in := newEvent(1, "connectError", sales())
	in.Deliveries[0].PayloadUntil = start().Add(10 * time.Hour)
	enqueue(t, s, in)
	for _, a := range []store.Act{store.Reprocess, store.Release, store.Resend} {
		if act(t, s, a, now, only(t, s, in.ID)) {
			t.Errorf("%s of an event that waits", a)
		}
	}
	for _, a := range []store.Act{store.Retry, store.Drop} {
		if !act(t, s, a, now, only(t, s, in.ID)) {
			t.Errorf("%s was not done to an event that waits", a)
		}
	}
	for _, a := range []store.Act{store.Reprocess, store.Release} {
		if act(t, s, a, now, only(t, s, in.ID)) {
			t.Errorf("%s of an event that was dropped", a)
		}
	}
	if !act(t, s, store.Resend, now, only(t, s, in.ID)) {
		t.Fatal("an event was not resent")
	}
	jobs := claimAt(t, s, now, 10, "hooks")
	if len(jobs) != 1 || jobs[0].Event != in.Event || jobs[0].DocumentSize != int64(len(payload)) {
		t.Fatalf("jobs = %+v", jobs)
	}
	finish(t, s, 0, store.Result{Lease: jobs[0].Lease, State: mail.Failed, Reason: "x", Attempt: attempt(1, 500, "x")})
	if out := expire(t, s, start().Add(11*time.Hour)); out.Payloads != 1 {
		t.Fatalf("Expire = %+v, want the end of the payload", out)
	}
	if act(t, s, store.Resend, start().Add(11*time.Hour), only(t, s, in.ID)) {
		t.Error("an event was resent without its payload")
	}
	if body, err := s.Delete(t.Context(), in.ID); body != "" || err != nil {
		t.Errorf("Delete = %q, %v", body, err)
	}
	if list, err := s.List(t.Context(), store.Filter{Events: true, Limit: 9}); len(list) != 0 || err != nil {
		t.Errorf("List after Delete = %+v, %v", list, err)
	}
}

// testEventEnds has the retention of events end: of one that was delivered, and of one that
// nobody wanted.
func testEventEnds(t *testing.T, s Store) {
	sent, waits := newEvent(1, "connectError", sales()), newEvent(2, "connectSuccess", sales())
	enqueue(t, s, sent)
	finish(t, s, 0, store.Result{Lease: claim(t, s, 1, "hooks")[0].Lease, State: mail.Delivered, Attempt: attempt(1, 200, "")})
	enqueue(t, s, waits)
	if out := expire(t, s, start().Add(23*time.Hour)); out.Deliveries+out.Payloads+out.Rows+len(out.Bodies) != 0 {
		t.Errorf("Expire before anything ends = %+v", out)
	}
	if out := expire(t, s, start().Add(25*time.Hour)); out.Deliveries != 1 || len(out.Bodies) != 0 || out.Rows != 0 {
		t.Errorf("Expire = %+v, want the end of what waits", out)
	}
	for _, m := range []store.NewMessage{sent, waits} {
		wantDocument(t, s, m.ID.Delivery(1), "")
		if act(t, s, store.Resend, start().Add(time.Hour), only(t, s, m.ID)) {
			t.Error("an event was resent after its end")
		}
	}
	if d := only(t, s, waits.ID); d.State != mail.Expired {
		t.Errorf("delivery = %+v", d)
	}
	if out := expire(t, s, start().Add(47*time.Hour)); out.Rows != 0 {
		t.Errorf("Expire = %+v before the log ends", out)
	}
	if out := expire(t, s, start().Add(49*time.Hour)); out.Rows != 2 || out.More {
		t.Errorf("Expire = %+v, want both rows gone", out)
	}
	if n := len(exported(t, s)); n != 0 {
		t.Errorf("%d messages are left", n)
	}
}

// testEventInFlightStays has all of an event's retention end while it is being sent.
func testEventInFlightStays(t *testing.T, s Store) {
	in := newEvent(1, "connectError", sales())
	enqueue(t, s, in)
	j := claim(t, s, 1, "hooks")[0]
	late := start().Add(1000 * time.Hour)
	if out := expire(t, s, late); out.Deliveries+out.Payloads+out.Rows != 0 {
		t.Errorf("Expire while an attempt is in flight = %+v", out)
	}
	wantDocument(t, s, j.ID, payload)
	finish(t, s, 0, store.Result{Lease: j.Lease, State: mail.Delivered, Attempt: attempt(1, 200, "")})
	if out := expire(t, s, late); out.Rows != 1 {
		t.Errorf("Expire after the attempt = %+v", out)
	}
}

// testEventIsWhole enqueues what is neither an event nor a mail.
func testEventIsWhole(t *testing.T, s Store) {
	both, empty, fetched := newEvent(1, "x", sales()), newEvent(2, "x", sales()), newEvent(3, "x", sales())
	both.Body = "file:1"
	empty.Deliveries[0].Document = nil
	fetched.Fetched = &store.Fetched{}
	for _, m := range []store.NewMessage{both, empty, fetched} {
		if err := s.Enqueue(t.Context(), []store.NewMessage{m}); err == nil {
			t.Errorf("%+v was enqueued", m)
		}
		if err := s.Tell(t.Context(), store.Episode{About: sales(), Kind: "connection"}, []store.NewMessage{m}); err == nil {
			t.Errorf("%+v was told", m)
		}
	}
	if n := len(exported(t, s)); n != 0 {
		t.Errorf("%d messages", n)
	}
}

func testEventsAreListedApart(t *testing.T, s Store) {
	scanner := store.About{Class: "scanner", Name: "rspamd"}
	mailbox := store.About{Tenant: "acme", Class: "account", Name: "support"}
	m := newMessage(0, "hooks")
	events := []store.NewMessage{newEvent(1, "connectError", sales()), newEvent(2, "scanner.down", scanner), newEvent(3, "connectError", mailbox)}
	events[1].Deliveries[0].Endpoint.Tenant = "other"
	enqueue(t, s, append(events, m)...)
	for _, j := range claim(t, s, 1, "hooks") { // the mail, and then an event
		finish(t, s, 0, store.Result{Lease: j.Lease, State: mail.Failed, Reason: "x"})
	}
	finish(t, s, 0, store.Result{Lease: claim(t, s, 1, "hooks")[0].Lease, State: mail.Failed, Reason: "x"})
	names := map[mail.MessageID]string{m.ID: "mail", events[0].ID: "first", events[1].ID: "second", events[2].ID: "third"}
	for name, tc := range map[string]struct {
		filter store.Filter
		want   []string
	}{
		"mails":              {store.Filter{}, []string{"mail"}},
		"mails of a tenant":  {store.Filter{Tenant: "acme"}, []string{"mail"}},
		"failed":             {store.Filter{States: []mail.State{mail.Failed}}, []string{"mail"}},
		"failed of a tenant": {store.Filter{Tenant: "acme", States: []mail.State{mail.Failed}}, []string{"mail"}},
		"all events":         {store.Filter{Events: true}, []string{"third", "second", "first"}},
		"of a tenant":        {store.Filter{Events: true, Tenant: "acme"}, []string{"third", "first"}},
		"failed events":      {store.Filter{Events: true, States: []mail.State{mail.Failed}}, []string{"first"}},
		"both":               {store.Filter{Events: true, Tenant: "acme", States: []mail.State{mail.Failed, mail.Queued}}, []string{"third", "first"}},
		"by name":            {store.Filter{Events: true, Event: "connectError"}, []string{"third", "first"}},
		"by class":           {store.Filter{Events: true, Class: "scanner"}, []string{"second"}},
		"by what":            {store.Filter{Events: true, Class: "account", About: "sales"}, []string{"first"}},
		"by words":           {store.Filter{Events: true, Subject: "econnrefused", Tenant: "other"}, []string{"second"}},
		"by time":            {store.Filter{Events: true, Since: start().Add(2 * time.Second), Until: start().Add(3 * time.Second)}, []string{"second"}},
		"a second page":      {store.Filter{Events: true, Before: only(t, s, events[2].ID).Seq}, []string{"second", "first"}},
	} {
		tc.filter.Limit = 10
		list, err := s.List(t.Context(), tc.filter)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var got []string
		for _, d := range list {
			got = append(got, names[messageOf(d.ID)])
			if tc.filter.Events != d.Event.IsEvent() || d.Event.About.Class == "scanner" && d.Event.About != scanner {
				t.Errorf("%s: delivery = %+v", name, d)
			}
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		counts, err := s.Count(t.Context(), tc.filter)
		n := 0
		for _, c := range counts {
			n += c.Deliveries
		}
		if tc.filter.Before == 0 && n != len(tc.want) || err != nil {
			t.Errorf("%s: Count = %+v, %v", name, counts, err)
		}
	}
}

// testSubjectFromBeginning looks for mails by a subject that was known when they came.
func testSubjectFromBeginning(t *testing.T, s Store) {
	in := newMessage(1, "desk")
	in.Subject = "Grüße aus Köln"
	enqueue(t, s, in)
	found := func(words string, want int) {
		t.Helper()
		if list, err := s.List(t.Context(), store.Filter{Subject: words, Limit: 9}); len(list) != want || err != nil {
			t.Errorf("List by %q = %+v, %v; want %d", words, list, err, want)
		}
	}
	found("köln", 1)
	finish(t, s, 0, store.Result{Lease: claim(t, s, 1, "desk")[0].Lease, State: mail.Delivered, Attempt: attempt(1, 200, ""), Subject: "Hello"})
	found("köln", 0)
	found("hello", 1)
	if _, err := s.Delete(t.Context(), in.ID); err != nil {
		t.Fatal(err)
	}
	found("hello", 0)
}

func episode(t *testing.T, s store.Sources, about store.About, kind string) store.Episode {
	t.Helper()
	e, err := s.Episode(t.Context(), about, kind)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func tell(t *testing.T, s store.Sources, e store.Episode, events ...store.NewMessage) {
	t.Helper()
	if err := s.Tell(t.Context(), e, events); err != nil {
		t.Fatal(err)
	}
}

func wantEpisodes(t *testing.T, s store.Sources, want ...store.Episode) {
	t.Helper()
	open, err := s.Episodes(t.Context())
	if diff := cmp.Diff(want, open, cmpopts.EquateEmpty()); diff != "" || err != nil {
		t.Errorf("Episodes: %v %s", err, diff)
	}
}

// testTell goes through an episode, and another kind of it beside.
func testTell(t *testing.T, s Store) {
	e := episode(t, s, sales(), "connection")
	if diff := cmp.Diff(store.Episode{About: sales(), Kind: "connection"}, e); diff != "" {
		t.Errorf("what never was = %s", diff)
	}
	wantEpisodes(t, s)
	e.OpenedAt, e.Reported = start(), []string{"ECONNREFUSED"}
	opening := newEvent(1, "connectError", sales())
	tell(t, s, e, opening)
	if err := s.Tell(t.Context(), e, []store.NewMessage{newEvent(2, "connectError", sales())}); !errors.Is(err, store.ErrMoved) {
		t.Errorf("Tell of an episode that another has opened: %v", err)
	}
	read := episode(t, s, sales(), "connection")
	if read.Version == 0 || !read.OpenedAt.Equal(e.OpenedAt) || len(read.Reported) != 1 {
		t.Errorf("episode = %+v", read)
	}
	other := store.Episode{About: store.About{Class: "scanner", Name: "rspamd"}, Kind: "scanner", OpenedAt: start().Add(time.Second)}
	tell(t, s, other)
	other = episode(t, s, other.About, other.Kind)
	wantEpisodes(t, s, read, other)

	more := read
	more.Reported = append(more.Reported, "ETIMEDOUT")
	tell(t, s, more, newEvent(3, "connectError", sales()))
	for _, stale := range []int64{0, read.Version, read.Version + 2} {
		late := more
		late.Version, late.OpenedAt = stale, time.Time{}
		if err := s.Tell(t.Context(), late, []store.NewMessage{newEvent(4, "connectSuccess", sales())}); !errors.Is(err, store.ErrMoved) {
			t.Errorf("Tell by version %d: %v", stale, err)
		}
	}
	closed := episode(t, s, sales(), "connection")
	if len(closed.Reported) != 2 {
		t.Errorf("episode = %+v", closed)
	}
	closed.OpenedAt, closed.Reported = time.Time{}, nil
	tell(t, s, closed, newEvent(5, "connectSuccess", sales()))
	wantEpisodes(t, s, other)
	again := episode(t, s, sales(), "connection")
	if again.Version <= closed.Version || !again.OpenedAt.IsZero() || len(again.Reported) != 0 {
		t.Errorf("episode = %+v after %+v", again, closed)
	}
	jobs := claim(t, s, 10, "hooks")
	var names []string
	for _, j := range jobs {
		names = append(names, j.Event.Name)
	}
	if diff := cmp.Diff([]string{"connectError", "connectError", "connectSuccess"}, names); diff != "" {
		t.Errorf("events: %s", diff)
	}
}

// testTellIsOneChange has an event fail that tells of an episode: the episode is as it was.
func testTellIsOneChange(t *testing.T, s Store) {
	first := newEvent(1, "connectError", sales())
	enqueue(t, s, first)
	e := store.Episode{About: sales(), Kind: "connection", OpenedAt: start()}
	if err := s.Tell(t.Context(), e, []store.NewMessage{newEvent(2, "connectError", sales()), first}); err == nil {
		t.Fatal("an event was told twice")
	}
	if got := episode(t, s, sales(), "connection"); got.Version != 0 || len(exported(t, s)) != 1 {
		t.Errorf("episode = %+v, %d messages", got, len(exported(t, s)))
	}
	off := store.Switch{Account: "sales", Since: start(), Reason: "x"}
	if err := s.Disable(t.Context(), off, []store.NewMessage{first}); err == nil {
		t.Error("an event was told twice")
	}
	if all, err := s.Switches(t.Context()); len(all) != 0 || err != nil {
		t.Errorf("Switches = %+v, %v", all, err)
	}
}

// testTellAtOnce has many tell of the same: one of them does, each time.
func testTellAtOnce(t *testing.T, s Store) {
	const rounds, tellers = 5, 8
	for n := range rounds {
		e := episode(t, s, sales(), "connection")
		errs := make(chan error)
		for m := range tellers {
			go func() {
				errs <- s.Tell(t.Context(), e, []store.NewMessage{newEvent(n*tellers+m, "connectError", sales())})
			}()
		}
		told := 0
		for range tellers {
			switch err := <-errs; {
			case err == nil:
				told++
			case !errors.Is(err, store.ErrMoved):
				t.Error(err)
			}
		}
		if told != 1 {
			t.Fatalf("round %d: %d have told", n, told)
		}
	}
	if n := len(exported(t, s)); n != rounds {
		t.Errorf("%d events, want %d", n, rounds)
	}
}

package storetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// contents are all that is in a store.
type contents struct {
	Messages []store.Record
	Sources  store.SourcesRecord
}

func contentsOf(t *testing.T, s Store) contents {
	t.Helper()
	sources, err := s.ExportSources(t.Context(), store.Fetched{}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return contents{exported(t, s), sources}
}

func putAccount(t *testing.T, s store.Sources, name, settings string) {
	t.Helper()
	if err := s.PutAccount(t.Context(), store.Account{Name: name, Settings: []byte(settings), UpdatedAt: start()}); err != nil {
		t.Fatal(err)
	}
}

func testAccounts(t *testing.T, s Store) {
	putAccount(t, s, "sales", `{"host":"a"}`)
	putAccount(t, s, "billing", `{"name":"\u0000"}`)
	putAccount(t, s, "sales", `{"host":"b"}`)
	got, err := s.Accounts(t.Context())
	want := []store.Account{
		{Name: "billing", Settings: []byte(`{"name":"\u0000"}`), UpdatedAt: start()},
		{Name: "sales", Settings: []byte(`{"host":"b"}`), UpdatedAt: start()},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("Accounts: %v %s", err, diff)
	}
}

// testDeleteAccount removes one account of two that have everything.
func testDeleteAccount(t *testing.T, s Store) {
	for n, name := range []string{"sales", "support"} {
		about := store.About{Tenant: "acme", Class: "account", Name: name}
		putAccount(t, s, name, `{}`)
		if err := s.PutToken(t.Context(), name, "secret"); err != nil {
			t.Fatal(err)
		}
		if err := s.Disable(t.Context(), store.Switch{Account: name, Since: start(), Reason: "x"}, nil); err != nil {
			t.Fatal(err)
		}
		put(t, s, store.Mailbox{Account: name, Folder: "INBOX", UIDValidity: 7, NextUID: 1})
		enqueue(t, s, fetchedMessage(n, store.Fetched{Account: name, Folder: "INBOX", UIDValidity: 7, UID: 1}))
		tell(t, s, store.Episode{About: about, Kind: "connection", OpenedAt: start()})
		about.Class = "endpoint"
		tell(t, s, store.Episode{About: about, Kind: "connection", OpenedAt: start()})
	}
	remove := func(want bool) {
		t.Helper()
		if found, err := s.DeleteAccount(t.Context(), "sales"); found != want || err != nil {
			t.Errorf("DeleteAccount = %v, %v; want %v", found, err, want)
		}
	}
	remove(true)
	remove(false)
	left := contentsOf(t, s)
	if len(left.Messages) != 2 {
		t.Errorf("%d messages, want both", len(left.Messages))
	}
	r := left.Sources
	if len(r.Accounts) != 1 || len(r.Tokens) != 1 || len(r.Switches) != 1 || len(r.Mailboxes) != 1 || len(r.Fetched) != 1 || len(r.Episodes) != 3 {
		t.Errorf("left = %+v", r)
	}
	for _, e := range r.Episodes {
		if e.About.Class == "account" && e.About.Name == "sales" {
			t.Errorf("left = %+v", e)
		}
	}
	if err := s.PutToken(t.Context(), "sales", "x"); err != nil { // as one of the configuration has
		t.Fatal(err)
	}
	remove(true)
}

func testDisable(t *testing.T, s Store) {
	off := store.Switch{Account: "sales", Since: start(), Reason: "the password is refused"}
	told := newEvent(1, "accountDisabled", sales())
	if err := s.Disable(t.Context(), off, []store.NewMessage{told}); err != nil {
		t.Fatal(err)
	}
	later := off
	later.Since, later.Reason = start().Add(time.Hour), "again"
	if err := s.Disable(t.Context(), later, []store.NewMessage{newEvent(2, "accountDisabled", sales())}); err != nil {
		t.Fatal(err)
	}
	all, err := s.Switches(t.Context())
	if diff := cmp.Diff(map[string]store.Switch{"sales": off}, all); diff != "" || err != nil {
		t.Errorf("Switches: %v %s", err, diff)
	}
	if jobs := claim(t, s, 10, "hooks"); len(jobs) != 1 || jobs[0].ID != told.ID.Delivery(1) {
		t.Errorf("jobs = %+v, want one event", jobs)
	}
	for _, want := range []bool{true, false} {
		if was, err := s.Enable(t.Context(), "sales"); was != want || err != nil {
			t.Errorf("Enable = %v, %v; want %v", was, err, want)
		}
	}
	if all, err := s.Switches(t.Context()); len(all) != 0 || err != nil {
		t.Errorf("Switches = %+v, %v", all, err)
	}
}

func testTokens(t *testing.T, s Store) {
	for _, want := range []string{"", "first", "second"} {
		if want != "" {
			if err := s.PutToken(t.Context(), "sales", want); err != nil {
				t.Fatal(err)
			}
		}
		if token, err := s.Token(t.Context(), "sales"); token != want || err != nil {
			t.Errorf("Token = %q, %v; want %q", token, err, want)
		}
	}
	if token, err := s.Token(t.Context(), "other"); token != "" || err != nil {
		t.Errorf("Token = %q, %v", token, err)
	}
}

func testHold(t *testing.T, s Store) {
	minute := func(n int) time.Time { return start().Add(time.Duration(n) * time.Minute) }
	hold := func(owner string, now, until int, want bool) {
		t.Helper()
		if got, err := s.Hold(t.Context(), "account/sales", owner, minute(now), minute(until)); got != want || err != nil {
			t.Errorf("Hold by %s at %d = %v, %v; want %v", owner, now, got, err, want)
		}
	}
	letGo := func(owner string) {
		t.Helper()
		if err := s.LetGo(t.Context(), "account/sales", owner); err != nil {
			t.Error(err)
		}
	}
	hold("a", 0, 2, true)
	hold("b", 1, 3, false)
	hold("a", 1, 4, true)
	hold("b", 3, 5, false)
	hold("b", 4, 6, true) // it has ended
	hold("a", 5, 7, false)
	letGo("a") // which does not hold it
	hold("a", 5, 7, false)
	letGo("b")
	hold("a", 5, 7, true)
	if got, err := s.Hold(t.Context(), "account/support", "b", minute(5), minute(7)); !got || err != nil {
		t.Errorf("Hold of another = %v, %v", got, err)
	}
}

// TestTravel copies all that one store has into the next, and so on: the last has what the
// first had. All but the first are empty.
func TestTravel(t *testing.T, stores ...Store) {
	t.Helper()
	first := stores[0]
	put(t, first, inbox(7, 10))
	enqueue(t, first, fetchedMessage(1, mailOf(7, 10, 1)), newEvent(2, "connectError", sales()), newMessage(3, "desk"))
	over := newEvent(4, "connectSuccess", sales())
	over.Deliveries[0].ExpiresAt, over.Deliveries[0].State = start().Add(time.Minute), mail.Delivered
	enqueue(t, first, over)
	expire(t, first, start().Add(time.Hour))
	wantDocument(t, first, over.ID.Delivery(1), "")
	if err := first.Handled(t.Context(), mailOf(7, 10, 1)); err != nil {
		t.Fatal(err)
	}
	if err := first.Pass(t.Context(), mailOf(7, 11, 2)); err != nil {
		t.Fatal(err)
	}
	putAccount(t, first, "sales", `{}`)
	if err := first.PutToken(t.Context(), "sales", "secret"); err != nil {
		t.Fatal(err)
	}
	if err := first.Disable(t.Context(), store.Switch{Account: "sales", Since: start(), Reason: "x"}, []store.NewMessage{newEvent(5, "accountDisabled", sales())}); err != nil {
		t.Fatal(err)
	}
	tell(t, first, store.Episode{About: sales(), Kind: "connection", OpenedAt: start(), Reported: []string{"ECONNREFUSED", "ETIMEDOUT"}}, newEvent(6, "connectError", sales()))
	tell(t, first, store.Episode{About: sales(), Kind: "authentication"})

	want := contentsOf(t, first)
	for _, next := range stores[1:] {
		for range 2 { // what was interrupted is done again
			if err := next.ImportSources(t.Context(), want.Sources); err != nil {
				t.Fatal(err)
			}
		}
		if err := next.Import(t.Context(), want.Messages); err != nil {
			t.Fatal(err)
		}
		got := contentsOf(t, next)
		if diff := cmp.Diff(want, got, records()); diff != "" {
			t.Fatal(diff)
		}
		want = got
	}
	last := stores[len(stores)-1]
	wantMailbox(t, last, inbox(7, 12))
	jobs := claim(t, last, 10, "hooks", "desk")
	if len(jobs) != 5 {
		t.Errorf("%d jobs, want 5", len(jobs))
	}
	if out := expire(t, last, start().Add(time.Hour)); out.Deliveries+out.Payloads+out.Rows+len(out.Bodies) != 0 {
		t.Errorf("Expire = %+v after the copy", out)
	}
	for _, j := range jobs {
		finish(t, last, 0, store.Result{Lease: j.Lease, State: mail.Delivered, Attempt: attempt(1, 200, "")})
	}
	if out := expire(t, last, start().Add(100*time.Hour)); out.Rows != 4 || len(out.Bodies) != 2 {
		t.Errorf("Expire = %+v, want all events gone, and the bodies of the mails", out)
	}
	e := episode(t, last, sales(), "connection")
	e.OpenedAt = time.Time{}
	tell(t, last, e, newEvent(7, "connectSuccess", sales()))
}

// doSourcesWork is doWork with accounts, episodes and events.
func doSourcesWork(t *testing.T, s Store, step func(string, func() error)) {
	t.Helper()
	ctx := t.Context()
	event := func(n int, name string) []store.NewMessage {
		m := newEvent(n, name, sales())
		m.ID = mail.FirstID(m.ReceivedAt)
		return []store.NewMessage{m}
	}
	fetched := fixedMessage(11, "desk")
	first, second := mailOf(7, 1, 1), mailOf(7, 2, 2)
	fetched.Fetched = &first
	step("PutAccount", func() error {
		return s.PutAccount(ctx, store.Account{Name: "sales", Settings: []byte(`{}`), UpdatedAt: start()})
	})
	step("PutToken", func() error { return s.PutToken(ctx, "sales", "secret") })
	step("PutMailbox", func() error { return s.PutMailbox(ctx, inbox(7, 1)) })
	step("Enqueue fetched", func() error { return s.Enqueue(ctx, []store.NewMessage{fetched}) })
	step("Pass", func() error { return s.Pass(ctx, second) })
	step("Handled", func() error { return s.Handled(ctx, first) })
	e := store.Episode{About: sales(), Kind: "connection", OpenedAt: start(), Reported: []string{"x"}}
	step("Tell", func() error { return s.Tell(ctx, e, event(12, "connectError")) })
	e = episode(t, s, e.About, e.Kind)
	e.OpenedAt = time.Time{}
	step("Tell of its end", func() error { return s.Tell(ctx, e, event(13, "connectSuccess")) })
	step("Disable", func() error {
		return s.Disable(ctx, store.Switch{Account: "sales", Since: start(), Reason: "x"}, event(14, "accountDisabled"))
	})
	step("Hold", func() error { _, err := s.Hold(ctx, "sales", owner, start(), start().Add(time.Minute)); return err })
	step("LetGo", func() error { return s.LetGo(ctx, "sales", owner) })
	kept := contentsOf(t, s).Sources
	step("Enable", func() error { _, err := s.Enable(ctx, "sales"); return err })
	step("PutMailbox anew", func() error { return s.PutMailbox(ctx, inbox(8, 1)) })
	step("PutMailbox once more", func() error { return s.PutMailbox(ctx, inbox(9, 1)) })
	step("ImportSources", func() error { return s.ImportSources(ctx, kept) })
	step("DeleteAccount", func() error { _, err := s.DeleteAccount(ctx, "sales"); return err })
	step("Tell anew", func() error {
		return s.Tell(ctx, store.Episode{About: sales(), Kind: "connection"}, event(15, "connectReset"))
	})
}

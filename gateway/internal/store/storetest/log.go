package storetest

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// testSearch looks for deliveries by all that they can be looked for by.
func testSearch(t *testing.T, s store.Store) {
	ids := make(map[string]mail.DeliveryID)
	names := make(map[mail.DeliveryID]string)
	for n, m := range []struct {
		name, endpoint, recipient, subject string
		state                              mail.State
	}{
		{"invoice", "desk", "Support@Acme.test", "Your invoice 4711: 12 % off", mail.Delivered},
		{"greeting", "archive", "sales@acme.test", "Grüße aus Köln", mail.Failed},
		{"quote", "desk", "sales@other.test", `"invoice" AND -foo* (bar:`, mail.Delivered},
		{"empty", "desk", "x@acme.test", "", mail.Dropped},
	} {
		in := newMessage(n*3600, m.endpoint) // one each hour
		in.Deliveries[0].Recipient = m.recipient
		enqueue(t, s, in)
		ids[m.name], names[in.ID.Delivery(1)] = in.ID.Delivery(1), m.name
		j := claimAt(t, s, in.ReceivedAt, 1, m.endpoint)[0]
		finish(t, s, 0, store.Result{Lease: j.Lease, State: m.state, Reason: "why", Attempt: attempt(1, 200, ""), Subject: m.subject})
	}
	hour := func(n int) time.Time { return start().Add(time.Duration(n) * time.Hour) }
	for name, tc := range map[string]struct {
		filter store.Filter
		want   []string
	}{
		"endpoint":                {store.Filter{Endpoint: "archive"}, []string{"greeting"}},
		"states":                  {store.Filter{States: []mail.State{mail.Failed, mail.Dropped}}, []string{"empty", "greeting"}},
		"since":                   {store.Filter{Since: hour(2)}, []string{"empty", "quote"}},
		"until":                   {store.Filter{Until: hour(1)}, []string{"invoice"}},
		"between":                 {store.Filter{Since: hour(1), Until: hour(3)}, []string{"quote", "greeting"}},
		"never":                   {store.Filter{Since: hour(100)}, nil},
		"sender":                  {store.Filter{Sender: "SENDER0@example.com"}, []string{"invoice"}},
		"sender's domain":         {store.Filter{Sender: "@Example.com"}, []string{"empty", "quote", "greeting", "invoice"}},
		"no domain":               {store.Filter{Sender: "@ample.com"}, nil},
		"recipient":               {store.Filter{Recipient: "support@acme.test"}, []string{"invoice"}},
		"recipient's domain":      {store.Filter{Recipient: "@other.test"}, []string{"quote"}},
		"word":                    {store.Filter{Subject: "INVOICE"}, []string{"quote", "invoice"}},
		"words":                   {store.Filter{Subject: "4711 your"}, []string{"invoice"}},
		"not all words":           {store.Filter{Subject: "invoice nothing"}, nil},
		"umlauts":                 {store.Filter{Subject: "grüße KÖLN"}, []string{"greeting"}},
		"what looks like a query": {store.Filter{Subject: `"invoice" AND -foo* (bar:`}, []string{"quote"}},
		"a zero":                  {store.Filter{Subject: "4711\x00your"}, []string{"invoice"}},
		"marks alone":             {store.Filter{Subject: `" ' : * ( %`}, nil},
		"all of it":               {store.Filter{Tenant: "acme", Endpoint: "desk", States: []mail.State{mail.Delivered}, Since: hour(0), Until: hour(1), Sender: "@example.com", Subject: "off"}, []string{"invoice"}},
		"cursor":                  {store.Filter{Before: get(t, s, messageOf(ids["quote"])).Deliveries[0].Seq, Subject: "invoice"}, []string{"invoice"}},
	} {
		tc.filter.Limit = 10
		list, err := s.List(t.Context(), tc.filter)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var got []string
		for _, d := range list {
			got = append(got, names[d.ID])
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	want := []store.Count{
		{Hour: hour(3).Truncate(time.Hour), State: mail.Dropped, Deliveries: 1},
		{Hour: hour(2).Truncate(time.Hour), State: mail.Delivered, Deliveries: 1},
		{Hour: hour(0).Truncate(time.Hour), State: mail.Delivered, Deliveries: 1},
	}
	got, err := s.Count(t.Context(), store.Filter{Endpoint: "desk", Limit: 1, Before: 1})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Count: %s", diff)
	}
}

func messageOf(id mail.DeliveryID) mail.MessageID {
	message, _ := id.Split()
	return message
}

// testRecord copies what one store has into another.
func testRecord(t *testing.T, from, to store.Store) {
	failed := ended(t, from, 1, mail.Failed)
	ended(t, from, 2, mail.Retrying)
	act(t, from, store.Resend, start().Add(time.Minute), only(t, from, failed))
	in := newMessage(3, "desk", "archive")
	in.Reports = []mail.Report{{Engine: mail.Rspamd, Part: mail.WholeMail, Answer: []byte(`{"score":9}`)}}
	in.Deliveries[0].VirusAction, in.Deliveries[1].SpamAction = mail.RejectInfected, mail.SpamTag
	in.Deliveries[0].Retention = store.Retention{
		ExpiresAt: start().Add(24 * time.Hour), PayloadUntil: start().Add(time.Hour), HeldUntil: start().Add(48 * time.Hour), LogUntil: start().Add(99 * time.Hour),
	}
	in.Deliveries[1].LogUntil = start().Add(99 * time.Hour)
	enqueue(t, from, in)
	if _, err := from.Reap(t.Context(), start().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	rejected := newMessage(4, "desk")
	rejected.Body, rejected.Deliveries[0].State = "", mail.Rejected
	enqueue(t, from, rejected)

	if problems, err := from.Check(t.Context()); len(problems) != 0 || err != nil {
		t.Errorf("Check of what is whole = %q, %v", problems, err)
	}
	want := exported(t, from)
	if len(want) != 4 || len(want[2].Rest) != 2 {
		t.Fatalf("exported %d records", len(want))
	}
	if err := to.Import(t.Context(), want[:3]); err != nil {
		t.Fatal(err)
	}
	if err := to.Import(t.Context(), want[2:]); err == nil {
		t.Error("a message was imported twice")
	}
	if err := to.Import(t.Context(), want[3:]); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, exported(t, to), records()); diff != "" {
		t.Error(diff)
	}
	for _, s := range []store.Store{from, to} {
		jobs := claimAt(t, s, start().Add(2*time.Hour), 10, "desk", "archive")
		if len(jobs) != 4 {
			t.Errorf("%d jobs, want 4", len(jobs))
		}
		if list, err := s.List(t.Context(), store.Filter{Subject: "hello", Limit: 9}); len(list) != 2 || err != nil {
			t.Errorf("List by subject = %+v, %v", list, err)
		}
		if out := expire(t, s, start().Add(30*time.Hour)); out.Payloads != 0 || len(out.Bodies) != 0 {
			t.Errorf("Expire while all is claimed = %+v", out)
		}
	}
}

// testBeginCopy has copies of several stores begin in one.
func testBeginCopy(t *testing.T, s store.Store) {
	begin := func(identity string, want error) {
		t.Helper()
		if err := s.BeginCopy(t.Context(), identity); !errors.Is(err, want) {
			t.Errorf("BeginCopy of %s: %v, want %v", identity, err, want)
		}
	}
	begin("first", nil)
	begin("second", nil) // of the first nothing came
	begin("second", nil)
	enqueue(t, s, newMessage(1, "desk"))
	begin("second", nil)
	begin("first", store.ErrOther)
	begin("second", nil)
	if _, err := s.Delete(t.Context(), exported(t, s)[0].ID); err != nil {
		t.Fatal(err)
	}
	begin("third", nil)
	enqueue(t, s, newMessage(2, "desk"))
	begin("second", store.ErrOther)
}

// testIdentity tells two stores apart.
func testIdentity(t *testing.T, a, b store.Store) {
	var ids []string
	for _, s := range []store.Store{a, b, a} {
		id, err := s.Identity(t.Context())
		if err != nil || len(id) != 32 {
			t.Fatalf("Identity = %q, %v", id, err)
		}
		ids = append(ids, id)
	}
	if ids[0] == ids[1] || ids[0] != ids[2] {
		t.Errorf("identities = %v", ids)
	}
}

// testExportInPages exports documents that are too large for one page.
func testExportInPages(t *testing.T, s store.Store) {
	large := bytes.Repeat([]byte("x"), store.ExportOctets*2/5)
	for n := range 5 {
		enqueue(t, s, newMessage(n, "desk"))
		finish(t, s, 0, store.Result{Lease: claim(t, s, 1, "desk")[0].Lease, State: mail.Delivered, Attempt: attempt(1, 200, ""), Document: large})
	}
	var sizes []int
	for after := int64(0); ; {
		page, err := s.Export(t.Context(), after, 100)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		sizes = append(sizes, len(page))
		after = page[len(page)-1].Seq
	}
	if diff := cmp.Diff([]int{2, 2, 1}, sizes); diff != "" {
		t.Errorf("pages: %s", diff)
	}
}

// exported is all of a store, read in pages.
func exported(t *testing.T, s store.Store) []store.Record {
	t.Helper()
	var list []store.Record
	for after := int64(0); ; {
		page, err := s.Export(t.Context(), after, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			return list
		}
		list = append(list, page...)
		after = page[len(page)-1].Seq
	}
}

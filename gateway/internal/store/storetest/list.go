package storetest

import (
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

func testListFilters(t *testing.T, s store.Store) {
	var ids []mail.DeliveryID
	for n := range 5 {
		m := newMessage(n, "desk")
		if n == 2 {
			m.Deliveries[0].Endpoint.Tenant = "other"
		}
		enqueue(t, s, m)
		ids = append(ids, m.ID.Delivery(1))
	}
	for _, j := range claim(t, s, 2, "desk") {
		finish(t, s, 0, store.Result{Lease: j.Lease, State: mail.Failed, Reason: "no attempt is left"})
	}
	list := func(f store.Filter) []store.Delivery {
		got, err := s.List(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	for name, tc := range map[string]struct {
		filter store.Filter
		want   []mail.DeliveryID
	}{
		"all":    {store.Filter{Limit: 10}, []mail.DeliveryID{ids[4], ids[3], ids[2], ids[1], ids[0]}},
		"limit":  {store.Filter{Limit: 2}, []mail.DeliveryID{ids[4], ids[3]}},
		"tenant": {store.Filter{Limit: 10, Tenant: "acme"}, []mail.DeliveryID{ids[4], ids[3], ids[1], ids[0]}},
		"state":  {store.Filter{Limit: 10, States: []mail.State{mail.Failed}}, []mail.DeliveryID{ids[1], ids[0]}},
		"states": {store.Filter{Limit: 10, Tenant: "acme", States: []mail.State{mail.Queued, mail.Failed, mail.Queued}}, []mail.DeliveryID{ids[4], ids[3], ids[1], ids[0]}},
		"ended":  {store.Filter{Limit: 1, States: []mail.State{mail.Quarantined, mail.Failed}}, []mail.DeliveryID{ids[1]}},
		"any":    {store.Filter{Limit: 2, States: []mail.State{mail.Delivered, mail.Queued}}, []mail.DeliveryID{ids[4], ids[3]}},
		"both":   {store.Filter{Limit: 10, Tenant: "other", States: []mail.State{mail.Failed}}, nil},
	} {
		var got []mail.DeliveryID
		for _, d := range list(tc.filter) {
			got = append(got, d.ID)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	several := store.Filter{Limit: 3, Tenant: "acme", States: []mail.State{mail.Failed, mail.Queued}, Sender: "@example.com"}
	first := list(several)
	several.Before = first[2].Seq
	if rest := list(several); len(first) != 3 || first[2].ID != ids[1] || len(rest) != 1 || rest[0].ID != ids[0] {
		t.Errorf("pages of several states = %+v, %+v", first, rest)
	}
	page := list(store.Filter{Limit: 2})
	next := list(store.Filter{Limit: 2, Before: page[1].Seq})
	if len(next) != 2 || next[0].ID != ids[2] || next[1].ID != ids[1] {
		t.Errorf("second page = %+v", next)
	}
}

// testReach goes back through the log, in which there are holes, some messages at a time.
func testReach(t *testing.T, s store.Store) {
	if after, at, err := s.Reach(t.Context(), 0, 10); after != 0 || !at.IsZero() || err != nil {
		t.Errorf("Reach of an empty log = %d, %s, %v", after, at, err)
	}
	var want []mail.DeliveryID // the newest first
	for n := range 7 {
		m := newMessage(n, "desk", "archive")
		enqueue(t, s, m)
		if n == 3 || n == 4 {
			if _, err := s.Delete(t.Context(), m.ID); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want = append([]mail.DeliveryID{m.ID.Delivery(2), m.ID.Delivery(1)}, want...)
	}
	for _, step := range []int{1, 2, 3, 100} {
		var got []mail.DeliveryID
		f := store.Filter{Limit: 10}
		for steps := 0; ; steps++ {
			after, at, err := s.Reach(t.Context(), f.Before, step)
			if err != nil || steps > len(want) {
				t.Fatalf("Reach of %d: %v after %d", step, err, steps)
			}
			f.After = after
			list, err := s.List(t.Context(), f)
			if err != nil || len(list) == 0 || len(list) > 2*step || !at.Equal(list[len(list)-1].ReceivedAt) {
				t.Fatalf("%d messages at a time, back to %s: %+v, %v", step, at, list, err)
			}
			for _, d := range list {
				got = append(got, d.ID)
			}
			if f.Before = after; after == 0 {
				break
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d messages at a time: %s", step, diff)
		}
	}
	// From between the deliveries of a message on.
	all, err := s.List(t.Context(), store.Filter{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, at, err := s.Reach(t.Context(), all[0].Seq, 1); err != nil || !at.Equal(all[0].ReceivedAt) {
		t.Errorf("Reach = %s, %v; want the message whose first delivery is left", at, err)
	}
}

func testNotFound(t *testing.T, s store.Store) {
	id := mail.NewMessageID(start())
	if _, err := s.Get(t.Context(), id); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Get: error = %v, want ErrNotFound", err)
	}
	if _, err := s.Document(t.Context(), id.Delivery(1)); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Document: error = %v, want ErrNotFound", err)
	}
	wantLive(t, s, id, "")
	if _, err := s.Body(t.Context(), id); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Body: error = %v, want ErrNotFound", err)
	}
}

// testDocumentOfNumber asks for the document of a delivery by a number that no delivery has:
// counted on, it would be another message's.
func testDocumentOfNumber(t *testing.T, s store.Store) {
	enqueue(t, s, newMessage(1, "desk"), newMessage(2, "desk"), newMessage(3, "desk"))
	var seen []mail.MessageID
	for _, job := range claim(t, s, 10, "desk") {
		finish(t, s, 0, store.Result{Lease: job.Lease, State: mail.Delivered, Attempt: attempt(1, 200, ""), Document: []byte(`{}`)})
		seen = append(seen, messageOf(job.ID))
	}
	for _, id := range seen {
		for _, n := range []int{store.MaxDeliveries + 1, store.MaxDeliveries + 2, 1 << 32, math.MaxInt} {
			if doc, err := s.Document(t.Context(), id.Delivery(n)); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("Document of %s = %q, %v, want ErrNotFound", id.Delivery(n), doc, err)
			}
		}
	}
}

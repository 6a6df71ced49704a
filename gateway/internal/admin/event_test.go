package admin_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/admin"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// TestEvent shows an event, its payload, and says what is not done to it.
func TestEvent(t *testing.T) {
	t.Parallel()
	f, client, _ := start(t)
	now := time.Now()
	about := store.About{Tenant: "acme", Class: "account", Name: "sales"}
	kept := store.Retention{ExpiresAt: now.Add(time.Hour), PayloadUntil: now}
	m := store.MessageOf(mail.NewMessageID(now), now, store.Event{Name: "connectError", About: about}, store.Endpoint{Tenant: "acme", Name: "desk"},
		"refused", []byte(`{"root":{"event":"connectError"}}`), kept)
	m.Deliveries[0].State = mail.Failed
	if err := f.store.Enqueue(t.Context(), []store.NewMessage{m}); err != nil {
		t.Fatal(err)
	}
	got, err := client.Message(t.Context(), string(m.ID))
	if err != nil || len(got.Deliveries) != 1 || got.Kept {
		t.Fatalf("Message = %+v, %v", got, err)
	}
	if d := got.Deliveries[0]; d.Event != "connectError" || d.About != about || d.Account != "" || d.Subject != "refused" {
		t.Errorf("delivery = %+v", d)
	}
	for _, content := range []bool{true, false} {
		var b strings.Builder
		if err := client.WritePayload(t.Context(), &b, m.ID.Delivery(1), content); b.String() != `{"event":"connectError"}` || err != nil {
			t.Errorf("payload = %s, %v", b.String(), err)
		}
	}
	why := func(act admin.Act, want admin.ActResult) {
		t.Helper()
		want.ID = string(m.ID.Delivery(1))
		answer, err := client.Act(t.Context(), act, admin.ActRequest{IDs: []string{want.ID}})
		if diff := cmp.Diff([]admin.ActResult{want}, answer.Results); diff != "" || err != nil {
			t.Errorf("%s: %v %s", act, err, diff)
		}
	}
	why(admin.Reprocess, admin.ActResult{Reason: `it is an event, which no chain makes; "resend" sends it again`})
	if _, err := f.store.Expire(t.Context(), now.Add(time.Minute), 10); err != nil {
		t.Fatal(err)
	}
	why(admin.Resend, admin.ActResult{Reason: "its payload is not kept any more"})
}

// TestFetched shows which account a mail came from, and where it was there.
func TestFetched(t *testing.T) {
	t.Parallel()
	f, client, _ := start(t)
	if err := f.store.PutMailbox(t.Context(), store.Mailbox{Account: "sales", Folder: "INBOX", UIDValidity: 7, NextUID: 1}); err != nil {
		t.Fatal(err)
	}
	at := store.Fetched{Account: "sales", Folder: "INBOX", UIDValidity: 7, UID: 1, Digest: store.Digest{1, 2}}
	m := store.NewMessage{
		ID: mail.NewMessageID(receivedAt), ReceivedAt: receivedAt, Body: "file:x", Fetched: &at,
		Deliveries: []store.NewDelivery{{Endpoint: store.Endpoint{Tenant: "acme", Name: "desk"}, DueAt: receivedAt}},
	}
	if err := f.store.Enqueue(t.Context(), []store.NewMessage{m}); err != nil {
		t.Fatal(err)
	}
	got, err := client.Message(t.Context(), string(m.ID))
	if err != nil || got.Fetched != (admin.Fetched{Account: at.Account, Folder: at.Folder, UIDValidity: at.UIDValidity, UID: at.UID}) || got.Deliveries[0].Account != "sales" || got.Deliveries[0].About != (store.About{}) {
		t.Errorf("Message = %+v, %v", got, err)
	}
}

package admin_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/admin"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// of are options of a filter alone.
func of(f admin.Filter) admin.ListOptions { return admin.ListOptions{Filter: f} }

// all lists by pages of the given limit until there are no more.
func all(t *testing.T, client *admin.Client, o admin.ListOptions) (ids []mail.DeliveryID, pages int) {
	t.Helper()
	for {
		page, err := client.List(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		pages++
		if o.Limit != 0 && len(page.Deliveries) > o.Limit {
			t.Fatalf("a page of %d for a limit of %d", len(page.Deliveries), o.Limit)
		}
		for _, d := range page.Deliveries {
			ids = append(ids, d.ID)
		}
		if page.Next == "" {
			return ids, pages
		}
		o.Cursor = page.Next
	}
}

// TestSearch looks for what no index has, a few messages at a time.
func TestSearch(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.step = 2
	client, _ := f.serve(t, nil)
	var want []mail.DeliveryID // the newest first
	for n := range 9 {
		name := "other"
		if n%4 == 0 {
			name = "desk"
		}
		f.at = receivedAt.Add(time.Duration(n) * time.Hour)
		if id := f.add(t, "", "acme/"+name, "acme/archive"); name == "desk" {
			want = append([]mail.DeliveryID{id.Delivery(1)}, want...)
		}
	}
	desk := admin.ListOptions{Filter: admin.Filter{Endpoint: "desk"}, Limit: 2}
	page, err := client.List(t.Context(), desk)
	if err != nil || len(page.Deliveries) != 1 || page.Next == "" || !page.SearchedTo.Equal(receivedAt.Add(7*time.Hour)) {
		t.Errorf("page = %+v, %v; want what the last two messages have", page, err)
	}
	got, pages := all(t, client, desk)
	if diff := cmp.Diff(want, got); diff != "" || pages != 5 {
		t.Errorf("%d pages: %s", pages, diff)
	}
	desk.Since = receivedAt.Add(4 * time.Hour)
	if got, pages = all(t, client, desk); len(got) != 2 || pages != 3 {
		t.Errorf("since the fifth: %d pages, %v", pages, got)
	}
	// What an index has is there at once.
	if got, pages = all(t, client, admin.ListOptions{Filter: admin.Filter{Tenant: "acme", States: []mail.State{mail.Queued}}}); len(got) != 18 || pages != 1 {
		t.Errorf("by an index: %d pages, %v", pages, got)
	}
	// What is done to a selection is done to all of it.
	done := 0
	for req := (admin.ActRequest{Select: &desk.Filter}); ; {
		answer, err := client.Act(t.Context(), admin.Drop, req)
		if err != nil {
			t.Fatal(err)
		}
		done += len(answer.Results)
		if req.Cursor = answer.Next; answer.Next == "" {
			break
		}
	}
	desk.Since = time.Time{}
	erased := map[string]int{}
	for req := (admin.ActRequest{Select: &desk.Filter}); ; {
		answer, err := client.Act(t.Context(), admin.Delete, req)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range answer.Results {
			erased[r.Reason]++
		}
		if req.Cursor = answer.Next; answer.Next == "" {
			break
		}
	}
	const partly = "it has deliveries that are not selected, and a message goes as a whole; name it by its id"
	if diff := cmp.Diff(map[string]int{partly: 3}, erased); done != 2 || diff != "" {
		t.Errorf("%d dropped, want 2; deleted: %s", done, diff)
	}
}

func TestListPages(t *testing.T) {
	t.Parallel()
	f, client, _ := start(t)
	var want []mail.DeliveryID // the newest first
	for range 3 {
		id := f.add(t, "", "acme/desk", "acme/archive")
		want = append([]mail.DeliveryID{id.Delivery(2), id.Delivery(1)}, want...)
	}
	for limit, wantPages := range map[int]int{1: 6, 2: 3, 3: 2, 4: 2, 5: 2, 6: 1, 7: 1, 1000: 1, 0: 1} {
		got, pages := all(t, client, admin.ListOptions{Limit: limit})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("limit %d: deliveries differ (-want +got):\n%s", limit, diff)
		}
		if pages != wantPages {
			t.Errorf("limit %d: %d pages, want %d", limit, pages, wantPages)
		}
	}
}

func TestListDefaultLimit(t *testing.T) {
	t.Parallel()
	f, client, _ := start(t)
	endpoints := make([]string, 51)
	for i := range endpoints {
		endpoints[i] = fmt.Sprintf("acme/e%d", i)
	}
	f.add(t, "", endpoints...)
	page, err := client.List(t.Context(), admin.ListOptions{})
	if err != nil || len(page.Deliveries) != 50 || page.Next == "" {
		t.Errorf("List = %d deliveries, next %q, %v; want 50 and a cursor", len(page.Deliveries), page.Next, err)
	}
}

func TestListFilters(t *testing.T) {
	t.Parallel()
	f, client, socket := start(t)
	// Of each tenant two deliveries, the first of which has failed.
	ids := make(map[string]mail.MessageID)
	for _, tenant := range []string{"acme", "other"} {
		ids[tenant+" failed"] = f.add(t, "", tenant+"/desk")
		f.finish(t, tenant+"/desk", store.Result{State: mail.Failed, Reason: "status: 500"})
		ids[tenant+" queued"] = f.add(t, "", tenant+"/desk")
	}
	for _, tc := range []struct {
		o    admin.ListOptions
		want string
	}{
		{admin.ListOptions{}, "other queued, other failed, acme queued, acme failed"},
		{of(admin.Filter{Tenant: "acme"}), "acme queued, acme failed"},
		{of(admin.Filter{States: []mail.State{mail.Failed}}), "other failed, acme failed"},
		{of(admin.Filter{Tenant: "other", States: []mail.State{mail.Queued}}), "other queued"},
		{of(admin.Filter{States: []mail.State{mail.Delivered}}), ""},
		{of(admin.Filter{Tenant: "nobody"}), ""},
		{of(admin.Filter{Tenant: "acme' OR '1'='1"}), ""},
		{of(admin.Filter{Tenant: "acme&state=failed"}), ""},
	} {
		for limit := range 3 { // 0 is one page, 1 is a page for each
			tc.o.Limit = limit
			var got []string
			list, _ := all(t, client, tc.o)
			for _, id := range list {
				for name, message := range ids {
					if message.Delivery(1) == id {
						got = append(got, name)
					}
				}
			}
			if diff := cmp.Diff(tc.want, strings.Join(got, ", ")); diff != "" {
				t.Errorf("%+v: %s", tc.o, diff)
			}
		}
	}
	// An empty list is a list for those who read JSON.
	body, err := io.ReadAll(ask(t, socket, http.MethodGet, "/v1/deliveries?tenant=nobody").Body)
	if string(body) != "{\"deliveries\":[]}\n" {
		t.Errorf("empty list = %s, %v", body, err)
	}
}

func TestListFields(t *testing.T) {
	t.Parallel()
	f, client, _ := start(t)
	id := f.add(t, "12345", "acme/desk", "acme/archive", "acme/slow")
	due := receivedAt.Add(time.Minute)
	f.finish(t, "acme/desk", store.Result{
		State: mail.Retrying, Due: due, Reason: "status: 503", Document: []byte("{}"), Subject: "Hello",
		Attempt: &mail.Attempt{Number: 1, At: receivedAt.Add(time.Second), Duration: time.Second, Code: 503, Reason: "status: 503"},
	})
	f.finish(t, "acme/archive", store.Result{
		State: mail.Delivered, Attempt: &mail.Attempt{Number: 1, At: receivedAt.Add(time.Second), Code: 200},
	})
	f.claim(t, "acme/slow")

	base := admin.Delivery{
		Tenant: "acme", Alias: "support", ReversePath: "alice@example.com", Recipient: "support@acme.test", Size: 5,
		ReceivedAt: at(receivedAt), UpdatedAt: at(receivedAt), ExpiresAt: at(receivedAt.Add(24 * time.Hour)), PayloadUntil: at(receivedAt.Add(24 * time.Hour)), State: mail.Queued, DueAt: at(receivedAt),
	}
	retrying, delivered, inFlight := base, base, base
	retrying.ID, retrying.Endpoint, retrying.Subject = id.Delivery(1), "desk", "Hello"
	retrying.State, retrying.Reason, retrying.AttemptCount, retrying.LastCode = mail.Retrying, "status: 503", 1, 503
	retrying.UpdatedAt, retrying.DueAt = at(receivedAt.Add(2*time.Second)), at(due)
	delivered.ID, delivered.Endpoint = id.Delivery(2), "archive"
	delivered.State, delivered.AttemptCount, delivered.LastCode = mail.Delivered, 1, 200
	delivered.UpdatedAt, delivered.DueAt = at(receivedAt.Add(time.Second)), admin.Time{}
	inFlight.ID, inFlight.Endpoint, inFlight.InFlight = id.Delivery(3), "slow", true

	got, err := client.List(t.Context(), admin.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(admin.DeliveryList{Deliveries: []admin.Delivery{inFlight, delivered, retrying}}, got); diff != "" {
		t.Errorf("list differs (-want +got):\n%s", diff)
	}
}

func TestListRefuses(t *testing.T) {
	t.Parallel()
	_, client, socket := start(t)
	for _, tc := range []struct {
		o    admin.ListOptions
		want string
	}{
		{admin.ListOptions{Limit: -1}, `limit "-1" is no number from 1 to 1000`},
		{admin.ListOptions{Limit: 1001}, `limit "1001" is no number from 1 to 1000`},
		{admin.ListOptions{Cursor: "2"}, `cursor "2" is none that a page gave as its next`},
		{of(admin.Filter{States: []mail.State{"lost"}}), `state "lost" is none of [queued retrying delivered failed dropped quarantined expired rejected]`},
		{of(admin.Filter{States: []mail.State{"\x1b[31m"}}), `state "\x1b[31m" is none of [queued retrying delivered failed dropped quarantined expired rejected]`},
	} {
		page, err := client.List(t.Context(), tc.o)
		wantError(t, fmt.Sprintf("%+v", tc.o), err, tc.want)
		if diff := cmp.Diff(admin.DeliveryList{}, page); diff != "" {
			t.Errorf("%+v: %s", tc.o, diff)
		}
	}
	// What only other clients can say.
	for query, want := range map[string]string{
		"limit=0":                             `limit "0" is no number from 1 to 1000`,
		"limit=ten":                           `limit "ten" is no number from 1 to 1000`,
		"limit=1.5":                           `limit "1.5" is no number from 1 to 1000`,
		"limit=99999999999999999999":          `limit "99999999999999999999" is no number from 1 to 1000`,
		"cursor=x":                            `cursor "x" is none that a page gave as its next`,
		"cursor=ZGVsaXZlcnk6MA":               `cursor "ZGVsaXZlcnk6MA" is none that a page gave as its next`, // delivery:0
		"cursor=MjM0":                         `cursor "MjM0" is none that a page gave as its next`,           // 234
		"before=1":                            `there is no parameter "before"`,
		"tenant=a&tenant=b":                   `tenant is given 2 times; give it once`,
		"since=yesterday":                     `since "yesterday" is no time; write it as in 2006-01-02T15:04:05Z`,
		"sender=acme.test":                    `sender "acme.test" is no address; write one, or a domain as in @example.com`,
		"recipient=x":                         `recipient "x" is no address; write one, or a domain as in @example.com`,
		"subject=" + strings.Repeat("x", 513): `subject has 513 octets; at most 512 are looked for`,
		"since=2026-02-12T10:00:00Z&until=2026-02-12T10:00:00Z": `since 2026-02-12T10:00:00Z is not before until 2026-02-12T10:00:00Z; nothing lies between`,
		"state=Queued": `state "Queued" is none of [queued retrying delivered failed dropped quarantined expired rejected]`,
	} {
		resp := ask(t, socket, http.MethodGet, "/v1/deliveries?"+query)
		var p struct{ Error string }
		if err := json.NewDecoder(resp.Body).Decode(&p); err != nil {
			t.Errorf("%s: %v", query, err)
		}
		if resp.StatusCode != http.StatusBadRequest || p.Error != want || resp.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %s %s, want 400 %s", query, resp.Status, p.Error, want)
		}
	}
}

// TestHostileText holds that what clients and endpoints have sent reaches the
// reader as valid UTF-8 and nothing but text.
func TestHostileText(t *testing.T) {
	t.Parallel()
	f, client, socket := start(t)
	const hostile = "\xff\xfe<b>\x00\x1b[31m\u2028\u202e\"\\\n"
	const want = "\ufffd\ufffd<b>\x00\x1b[31m\u2028\u202e\"\\\n"
	id := f.add(t, "", "acme/desk")
	f.finish(t, "acme/desk", store.Result{
		State: mail.Failed, Reason: hostile, Document: []byte("{}"), Subject: hostile,
		Attempt: &mail.Attempt{Number: 1, At: receivedAt, Code: 500, Reason: hostile, Response: []byte(hostile)},
		Steps:   []mail.Step{{At: receivedAt, Name: "parsed", Detail: hostile}},
	})
	for _, target := range []string{"/v1/deliveries", "/v1/messages/" + string(id)} {
		body, err := io.ReadAll(ask(t, socket, http.MethodGet, target).Body)
		if err != nil || !utf8.Valid(body) || !json.Valid(body) {
			t.Errorf("%s: %q, %v", target, body, err)
		}
		for _, c := range body[:len(body)-1] {
			if c < ' ' || c == 0x7f {
				t.Errorf("%s holds the bare control character %#x", target, c)
			}
		}
	}
	page, err := client.List(t.Context(), admin.ListOptions{})
	if err != nil || len(page.Deliveries) != 1 || page.Deliveries[0].Subject != want || page.Deliveries[0].Reason != want {
		t.Errorf("List = %+v, %v", page, err)
	}
	m, err := client.Message(t.Context(), string(id))
	if err != nil || len(m.Deliveries) != 1 {
		t.Fatalf("Message = %+v, %v", m, err)
	}
	d := m.Deliveries[0]
	if d.Attempts[0].Response != want || d.Attempts[0].Reason != want || d.Trace[0].Detail != want {
		t.Errorf("Message = %+v", d)
	}
}

package admin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/admin"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// recent has mails be as old as an hour, so that their retention goes on.
func recent(t *testing.T) (*fixture, *admin.Client) {
	t.Helper()
	f, client, _ := start(t)
	f.at = time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	return f, client
}

// act does an act and fails the test where that fails.
func act(t *testing.T, client *admin.Client, a admin.Act, req admin.ActRequest) admin.ActAnswer {
	t.Helper()
	answer, err := client.Act(t.Context(), a, req)
	if err != nil {
		t.Fatalf("%s: %v", a, err)
	}
	return answer
}

// named is a request for ids.
func named[T ~string](ids ...T) admin.ActRequest {
	var req admin.ActRequest
	for _, id := range ids {
		req.IDs = append(req.IDs, string(id))
	}
	return req
}

// stateOf returns a delivery as the log has it.
func (f *fixture) stateOf(t *testing.T, id mail.DeliveryID) store.DeliveryHistory {
	t.Helper()
	message, n := id.Split()
	m, err := f.store.Get(t.Context(), message)
	if err != nil {
		t.Fatal(err)
	}
	return m.Deliveries[n-1]
}

func TestActs(t *testing.T) {
	t.Parallel()
	for a, tc := range map[admin.Act]struct {
		from, to mail.State
		step     string
	}{
		admin.Resend:    {mail.Failed, mail.Queued, "resent"},
		admin.Reprocess: {mail.Failed, mail.Queued, "reprocessed"},
		admin.Release:   {mail.Quarantined, mail.Queued, "released"},
		admin.Retry:     {mail.Retrying, mail.Retrying, "made due"},
		admin.Drop:      {mail.Retrying, mail.Dropped, "dropped"},
	} {
		f, client := recent(t)
		id := f.add(t, "mail", "acme/desk").Delivery(1)
		f.finish(t, "acme/desk", store.Result{State: tc.from, Due: time.Now().Add(time.Hour), Document: []byte("{}"), Subject: "Hello"})
		began := time.Now().Truncate(time.Millisecond)
		req := named(id)
		req.Note = "as asked"
		want := admin.ActAnswer{Results: []admin.ActResult{{ID: string(id), Done: true}}}
		if diff := cmp.Diff(want, act(t, client, a, req)); diff != "" {
			t.Errorf("%s: %s", a, diff)
		}
		d := f.stateOf(t, id)
		if d.State != tc.to {
			t.Errorf("%s: the state is %s, want %s", a, d.State, tc.to)
		}
		if last := d.Steps[len(d.Steps)-1]; last.Name != tc.step || last.Detail != "by an operator: as asked" || last.At.Before(began) {
			t.Errorf("%s: the trace has %+v", a, last)
		}
		if d.State != mail.Dropped && d.Due.After(time.Now()) {
			t.Errorf("%s: it is due at %s", a, d.Due)
		}
		if f.woken.Load() == 0 {
			t.Errorf("%s: nobody was woken", a)
		}
		if document, err := f.store.Document(t.Context(), id); err != nil || (document == nil) != (a == admin.Reprocess || a == admin.Release) {
			t.Errorf("%s: document %q, %v", a, document, err)
		}
	}
}

func TestDropReason(t *testing.T) {
	t.Parallel()
	f, client := recent(t)
	for _, reason := range []string{"", "sent by mistake"} {
		id := f.add(t, "", "acme/desk").Delivery(1)
		req := named(id)
		req.Reason = reason
		act(t, client, admin.Drop, req)
		if reason == "" {
			reason = "dropped by an operator"
		}
		if d := f.stateOf(t, id); d.Reason != reason {
			t.Errorf("reason = %q, want %q", d.Reason, reason)
		}
	}
}

// TestActOfMessage holds that a message stands for those of its deliveries that an act is for.
func TestActOfMessage(t *testing.T) {
	t.Parallel()
	f, client := recent(t)
	id := f.add(t, "", "acme/desk", "acme/archive", "other/desk")
	f.finish(t, "acme/desk", store.Result{State: mail.Failed, Reason: "x"})
	f.finish(t, "other/desk", store.Result{State: mail.Delivered})
	request := admin.ActRequest{IDs: []string{string(id), string(id.Delivery(1)), string(id), string(id.Delivery(2)), unknown, string(id.Delivery(9))}}
	want := []admin.ActResult{
		{ID: string(id.Delivery(2)), Reason: `it is queued: it waits to be sent; "postern queue retry" has it sent at once`},
		{ID: unknown, Reason: "there is no such message or delivery"},
		{ID: string(id.Delivery(9)), Reason: "there is no such message or delivery"},
		{ID: string(id.Delivery(1)), Done: true},
		{ID: string(id.Delivery(3)), Done: true},
	}
	if diff := cmp.Diff(want, act(t, client, admin.Resend, request).Results); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
}

// TestActIsNotDone holds that the answer says why.
func TestActIsNotDone(t *testing.T) {
	t.Parallel()
	f, client := recent(t)
	end := func(state mail.State) mail.DeliveryID {
		id := f.add(t, "", "acme/desk").Delivery(1)
		f.finish(t, "acme/desk", store.Result{State: state, Due: time.Now().Add(time.Hour)})
		return id
	}
	f.at = time.Now().Add(-49 * time.Hour)
	gone := end(mail.Failed)
	if _, err := f.store.Expire(t.Context(), time.Now().Add(-24*time.Hour), 10); err != nil {
		t.Fatal(err)
	}
	f.at = time.Now().Add(-25 * time.Hour)
	over := end(mail.Failed)
	f.at = time.Now().Add(-time.Hour)
	claimed := f.add(t, "", "acme/desk").Delivery(1)
	f.claim(t, "acme/desk")
	for _, tc := range []struct {
		act  admin.Act
		id   mail.DeliveryID
		want string
	}{
		{admin.Retry, claimed, "an attempt is under way; try again when it has ended"},
		{admin.Drop, claimed, "an attempt is under way; try again when it has ended"},
		{admin.Resend, over, "its retention is over"},
		{admin.Resend, gone, "its mail is not kept any more"},
		{admin.Resend, end(mail.Quarantined), `it is quarantined: "postern quarantine release" lets it go`},
		{admin.Release, end(mail.Failed), `it is failed: "postern message resend" has it sent again`},
		{admin.Release, end(mail.Retrying), `it is retrying: it is not held`},
		{admin.Retry, end(mail.Delivered), `it is delivered: "postern message resend" has it sent again`},
		{admin.Drop, end(mail.Delivered), `it is delivered: "postern message delete" erases its message`},
		{admin.Discard, end(mail.Retrying), `it is retrying: "postern queue drop" ends it`},
		{admin.Discard, end(mail.Delivered), `it is delivered: "postern message delete" erases its message`},
		{admin.Reprocess, end(mail.Rejected), `it is rejected: it was refused when it came, and nothing of it is kept but the log`},
	} {
		want := []admin.ActResult{{ID: string(tc.id), Reason: tc.want}}
		if diff := cmp.Diff(want, act(t, client, tc.act, named(tc.id)).Results); diff != "" {
			t.Errorf("%s: %s", tc.act, diff)
		}
	}
	// The retention is over of one that is selected, too.
	answer := act(t, client, admin.Resend, admin.ActRequest{Select: &admin.Filter{States: []mail.State{mail.Failed}, Until: time.Now().Add(-20 * time.Hour)}})
	want := []admin.ActResult{{ID: string(over), Reason: "its retention is over"}, {ID: string(gone), Reason: "its mail is not kept any more"}}
	if diff := cmp.Diff(want, answer.Results); diff != "" {
		t.Error(diff)
	}
}

// TestSelection holds that an act goes through all that a filter selects, batch after batch.
func TestSelection(t *testing.T) {
	t.Parallel()
	f, client := recent(t)
	const each = 10
	const size = admin.MaxBatch + each
	other := f.add(t, "", "other/desk")
	endpoints := make([]string, each)
	for i := range endpoints {
		endpoints[i] = fmt.Sprintf("acme/e%d", i)
	}
	id := f.add(t, "", endpoints...)
	for range size/each - 1 {
		f.add(t, "", endpoints...)
	}
	req := admin.ActRequest{Select: &admin.Filter{Tenant: "acme"}, Reason: "all of them"}
	batches, done := 0, 0
	for {
		answer := act(t, client, admin.Drop, req)
		batches++
		done += len(answer.Results)
		if answer.Next == "" {
			break
		}
		req.Cursor = answer.Next
	}
	if batches != 2 || done != size {
		t.Errorf("%d batches of %d in all, want 2 of %d", batches, done, size)
	}
	if d := f.stateOf(t, id.Delivery(1)); d.State != mail.Dropped || d.Reason != "all of them" {
		t.Errorf("the last delivery is %s: %s", d.State, d.Reason)
	}
	if d := f.stateOf(t, other.Delivery(1)); d.State != mail.Queued {
		t.Errorf("the other tenant's is %s", d.State)
	}
}

// TestSelect holds what an act takes of a selection.
func TestSelect(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		act        admin.Act
		states     []mail.State
		want, fail string
	}{
		{admin.Resend, nil, "[failed dropped expired]", ""},
		{admin.Resend, []mail.State{mail.Delivered}, "[delivered]", ""},
		{admin.Resend, []mail.State{mail.Failed, mail.Queued}, "", `state "queued": to resend is for deliveries that are delivered, failed, dropped or expired`},
		{admin.Reprocess, nil, "[queued retrying failed dropped quarantined expired]", ""},
		{admin.Release, nil, "[quarantined]", ""},
		{admin.Discard, nil, "[quarantined]", ""},
		{admin.Retry, nil, "[queued retrying]", ""},
		{admin.Drop, nil, "[queued retrying]", ""},
		{admin.Drop, []mail.State{mail.Quarantined}, "[quarantined]", ""},
		{admin.Delete, nil, fmt.Sprint(mail.States()), ""},
		{admin.Release, []mail.State{mail.Failed}, "", `state "failed": to release is for deliveries that are quarantined`},
	} {
		f, err := tc.act.Select(admin.Filter{States: tc.states})
		switch {
		case tc.fail != "":
			wantError(t, string(tc.act), err, tc.fail)
		case err != nil || fmt.Sprint(f.States) != tc.want:
			t.Errorf("%s: %v, %v; want %s", tc.act, f.States, err, tc.want)
		}
	}
}

func TestActRefuses(t *testing.T) {
	t.Parallel()
	f, client, socket := start(t)
	id := string(f.add(t, "", "acme/desk"))
	many := make([]string, admin.MaxIDs+1)
	for i := range many {
		many[i] = id
	}
	for _, tc := range []struct {
		act  admin.Act
		req  admin.ActRequest
		want string
	}{
		{"lose", admin.ActRequest{IDs: []string{id}}, `there is no act "lose"; there are [resend reprocess release retry drop delete discard]`},
		{admin.Drop, admin.ActRequest{}, `give either "ids" or "select"`},
		{admin.Drop, admin.ActRequest{IDs: []string{id}, Select: &admin.Filter{}}, `give either "ids" or "select"`},
		{admin.Drop, admin.ActRequest{IDs: []string{id}, Cursor: "x"}, `"cursor" goes with "select"`},
		{admin.Drop, admin.ActRequest{Select: &admin.Filter{}, Cursor: "x"}, `cursor "x" is none that a page gave as its next`},
		{admin.Drop, admin.ActRequest{Select: &admin.Filter{Sender: "x"}}, `sender "x" is no address; write one, or a domain as in @example.com`},
		{admin.Drop, admin.ActRequest{Select: &admin.Filter{States: []mail.State{mail.Failed}}}, `state "failed": to drop is for deliveries that are queued, retrying or quarantined`},
		{admin.Drop, admin.ActRequest{IDs: many}, `101 ids are too many; at most 100 go into a request`},
		{admin.Drop, admin.ActRequest{IDs: []string{"x"}}, `"x" is no id: want msg_ and 26 characters, then _N for one delivery`},
		{admin.Retry, admin.ActRequest{IDs: []string{id}, Reason: "x"}, `"reason" goes with the act "drop"`},
		{admin.Retry, admin.ActRequest{IDs: []string{id}, Note: strings.Repeat("ä", 201)}, `the note has 201 characters; at most 200 are kept`},
		{admin.Retry, admin.ActRequest{IDs: []string{id}, Note: "\x1b[2J"}, `the note is to be one line of text, without control characters`},
		{admin.Drop, admin.ActRequest{IDs: []string{id}, Reason: "a\nb"}, `the reason is to be one line of text, without control characters`},
		{admin.Delete, admin.ActRequest{IDs: []string{id + "_1"}}, id + "_1 is one delivery, and a message is deleted whole; give " + id},
	} {
		_, err := client.Act(t.Context(), tc.act, tc.req)
		wantError(t, fmt.Sprintf("%s %+v", tc.act, tc.req), err, tc.want)
	}
	// What only other clients can say.
	for body, want := range map[string]string{
		"":                                 "read the request: EOF",
		`{"ids":["` + id + `"],"state":1}`: `read the request: json: unknown field "state"`,
		`{"select":{"tennant":"acme"}}`:    `read the request: json: unknown field "tennant"`,
		`{"ids":["` + id + `"]} {}`:        "read the request: there is more behind the JSON text",
		`{"note":"` + strings.Repeat("x", 70_000) + `"}`: "read the request: http: request body too large",
	} {
		resp := askWith(t, socket, http.MethodPost, "/v1/acts/drop", body)
		var p struct{ Error string }
		if err := json.NewDecoder(resp.Body).Decode(&p); err != nil {
			t.Error(err)
		}
		if resp.StatusCode != http.StatusBadRequest || p.Error != want {
			t.Errorf("%.50s: %s %s, want 400 %s", body, resp.Status, p.Error, want)
		}
	}
	if d := f.stateOf(t, mail.MessageID(id).Delivery(1)); d.State != mail.Queued || len(d.Steps) != 0 {
		t.Errorf("something was done: %+v", d)
	}
}

func TestRaw(t *testing.T) {
	t.Parallel()
	f, client := recent(t)
	const raw = "Subject: Hello\r\n\r\n\x00\xff binary\r\n"
	id := f.add(t, raw, "acme/desk")
	for asReceived, want := range map[bool]string{false: "Received: from mail.example.com\r\n" + raw, true: raw} {
		var b bytes.Buffer
		if err := client.WriteRaw(t.Context(), &b, id, asReceived); err != nil || b.String() != want {
			t.Errorf("as received %v: %q, %v", asReceived, b.String(), err)
		}
	}
	var b bytes.Buffer
	err := client.WriteRaw(t.Context(), &b, unknown, true)
	wantError(t, "unknown", err, "get message "+unknown+": not found")
	if _, err := f.store.Expire(t.Context(), time.Now().Add(48*time.Hour), 10); err != nil {
		t.Fatal(err)
	}
	if _, err := f.store.Expire(t.Context(), time.Now().Add(48*time.Hour), 10); err != nil {
		t.Fatal(err)
	}
	err = client.WriteRaw(t.Context(), &b, id, true)
	wantError(t, "after its retention", err, "the mail of message "+string(id)+" is not kept: its retention is over, or it was refused when it came")
	if b.Len() > 0 {
		t.Errorf("%q was written", b.String())
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	f, client := recent(t)
	id := f.add(t, "secret", "acme/desk", "other/desk")
	file := f.bodyFile(t)
	f.claim(t, "acme/desk")
	want := []admin.ActResult{{ID: string(id), Reason: "an attempt is under way; try again when it has ended"}}
	if diff := cmp.Diff(want, act(t, client, admin.Delete, named(id)).Results); diff != "" {
		t.Error(diff)
	}
	if _, err := os.Stat(file); err != nil {
		t.Errorf("the body of a message that is not deleted: %v", err)
	}
	if _, err := f.store.Release(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	want = []admin.ActResult{{ID: unknown, Reason: "there is no such message or delivery"}, {ID: string(id), Done: true, Erased: true}}
	if diff := cmp.Diff(want, act(t, client, admin.Delete, named(string(id), unknown, string(id))).Results); diff != "" {
		t.Error(diff)
	}
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the body is still there: %v", err)
	}
	if _, err := f.store.Get(t.Context(), id); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Get = %v", err)
	}
}

// TestDeleteSelection holds that a message goes only where all of it is selected.
func TestDeleteSelection(t *testing.T) {
	t.Parallel()
	f, client := recent(t)
	const partly = "it has deliveries that are not selected, and a message goes as a whole; name it by its id"
	kept := f.add(t, "", "other/desk")
	var want []admin.ActResult // the newest first
	for range 60 {             // of a batch of 100, one message is at its edge
		shared := f.add(t, "", "acme/desk", "other/desk")
		own := f.add(t, "", "acme/desk", "acme/archive", "acme/slow")
		want = append([]admin.ActResult{{ID: string(own), Done: true, Erased: true}, {ID: string(shared), Reason: partly}}, want...)
	}
	req := admin.ActRequest{Select: &admin.Filter{Tenant: "acme"}}
	var got []admin.ActResult
	for {
		answer := act(t, client, admin.Delete, req)
		got = append(got, answer.Results...)
		if answer.Next == "" {
			break
		}
		req.Cursor = answer.Next
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	rows, err := f.store.List(t.Context(), store.Filter{Limit: 1000})
	if err != nil || len(rows) != 121 {
		t.Errorf("%d deliveries are left, want 121: %v", len(rows), err)
	}
	f.stateOf(t, kept.Delivery(1))
}

// stuck cannot delete bodies.
type stuck struct{ admin.Bodies }

func (stuck) Delete(context.Context, mail.BodyRef) error { return errors.New("disk fails") }

func TestBodyCannotBeDeleted(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.wrap = func(b admin.Bodies) admin.Bodies { return stuck{b} }
	client, _ := f.serve(t, nil)
	id := f.add(t, "mail", "acme/desk")
	_, err := client.Act(t.Context(), admin.Delete, named(id))
	wantError(t, "delete", err, "message "+string(id)+" is erased, but its body could not be deleted, which a sweep does later: disk fails")
	if _, err := f.store.Get(t.Context(), id); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Get = %v", err)
	}
}

// TestDiscard holds that the last delivery of a message that is deleted from quarantine takes
// the message with it, and no other does.
func TestDiscard(t *testing.T) {
	t.Parallel()
	f, client := recent(t)
	id := f.add(t, "virus", "acme/desk", "other/desk")
	file := f.bodyFile(t)
	f.finish(t, "acme/desk", store.Result{State: mail.Quarantined, Reason: "virus"})
	f.finish(t, "other/desk", store.Result{State: mail.Quarantined, Reason: "virus"})
	want := []admin.ActResult{{ID: string(id.Delivery(1)), Done: true}}
	if diff := cmp.Diff(want, act(t, client, admin.Discard, admin.ActRequest{Select: &admin.Filter{Tenant: "acme"}}).Results); diff != "" {
		t.Error(diff)
	}
	if d := f.stateOf(t, id.Delivery(1)); d.State != mail.Dropped || d.Reason != "deleted from quarantine" || d.Steps[0].Name != "deleted from quarantine" {
		t.Errorf("the delivery is %+v", d)
	}
	if d := f.stateOf(t, id.Delivery(2)); d.State != mail.Quarantined {
		t.Errorf("the other tenant's is %s", d.State)
	}
	want = []admin.ActResult{{ID: string(id.Delivery(2)), Done: true, Erased: true}}
	if diff := cmp.Diff(want, act(t, client, admin.Discard, named(id.Delivery(2))).Results); diff != "" {
		t.Error(diff)
	}
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the body is still there: %v", err)
	}

	// Beside one that was delivered, the message stays.
	id = f.add(t, "mail", "acme/desk", "acme/archive")
	f.finish(t, "acme/desk", store.Result{State: mail.Quarantined})
	f.finish(t, "acme/archive", store.Result{State: mail.Delivered})
	want = []admin.ActResult{{ID: string(id.Delivery(1)), Done: true}}
	if diff := cmp.Diff(want, act(t, client, admin.Discard, named(id)).Results); diff != "" {
		t.Error(diff)
	}
	f.bodyFile(t)
}

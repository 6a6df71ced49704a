package admin_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/postern-mail/postern/gateway/internal/admin"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/queue"
	"github.com/postern-mail/postern/gateway/internal/store"
)

func TestQueue(t *testing.T) {
	t.Parallel()
	f, client := recent(t)
	empty, err := client.Queue(t.Context())
	if diff := cmp.Diff(admin.QueueStats{Lanes: []admin.Lane{}}, empty); err != nil || diff != "" {
		t.Errorf("an empty queue: %v\n%s", err, diff)
	}
	f.add(t, "", "acme/desk")
	f.add(t, "", "acme/desk", "other/desk")
	f.claim(t, "acme/desk")
	later := time.Now().Add(time.Hour).Truncate(time.Millisecond)
	f.finish(t, "other/desk", store.Result{State: mail.Retrying, Due: later})
	for _, p := range []admin.Pausing{{Tenant: "acme", Endpoint: "desk"}, {Tenant: "other"}} {
		if _, err := client.Pause(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	want := admin.QueueStats{Waiting: 2, Due: 1, InFlight: 1, Lanes: []admin.Lane{
		{Tenant: "acme", Endpoint: "desk", Waiting: 1, Due: 1, InFlight: 1, NextDueAt: at(f.at), OldestAt: at(f.at), WaitsFor: admin.WaitsForResume},
		{Tenant: "other", TenantPaused: true},
		{Tenant: "other", Endpoint: "desk", Waiting: 1, NextDueAt: at(later), OldestAt: at(f.at), TenantPaused: true, WaitsFor: admin.WaitsForResume},
	}}
	got, err := client.Queue(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(admin.Lane{}, "PausedSince")); diff != "" {
		t.Errorf("queue (-want +got):\n%s", diff)
	}
	for i, paused := range []bool{true, true, false} {
		if got.Lanes[i].PausedSince.IsZero() == paused {
			t.Errorf("lane %d is paused since %s", i, got.Lanes[i].PausedSince)
		}
	}
}

// TestQueueSaysWhatHoldsItBack has the queue hold back lanes, some of which have nothing due.
func TestQueueSaysWhatHoldsItBack(t *testing.T) {
	t.Parallel()
	f, client := recent(t)
	until := f.at.Add(time.Hour)
	limited := queue.Hold{LimitedBy: "tenant.rate", LimitedUntil: until}
	f.holds = map[store.Endpoint]queue.Hold{{Tenant: "acme", Name: "later"}: limited, {Tenant: "acme", Name: "claimed"}: limited, {Tenant: "acme", Name: "gone"}: limited}
	for name, h := range map[string]queue.Hold{"limited": limited, "full": {Full: queue.OfEndpoint, Most: 8}, "busy": {Full: queue.Workers}, "free": {}} {
		f.holds[store.Endpoint{Tenant: "acme", Name: name}] = h
		f.add(t, "", "acme/"+name)
	}
	f.add(t, "", "acme/later")
	later := time.Now().Add(time.Hour).Truncate(time.Millisecond)
	f.finish(t, "acme/later", store.Result{State: mail.Retrying, Due: later})
	f.add(t, "", "acme/claimed")
	f.claim(t, "acme/claimed")
	lane := func(name string, l admin.Lane) admin.Lane {
		l.Tenant, l.Endpoint, l.OldestAt = "acme", name, at(f.at)
		if l.InFlight == 0 {
			l.Waiting = 1
		}
		if l.Due > 0 {
			l.NextDueAt = at(f.at)
		}
		return l
	}
	want := admin.QueueStats{Waiting: 5, Due: 4, InFlight: 1, Lanes: []admin.Lane{
		lane("busy", admin.Lane{Due: 1, WaitsFor: admin.WaitsForRoom, Full: "gateway"}),
		lane("claimed", admin.Lane{InFlight: 1}),
		lane("free", admin.Lane{Due: 1}),
		lane("full", admin.Lane{Due: 1, WaitsFor: admin.WaitsForRoom, Full: "endpoint", MaxInFlight: 8}),
		lane("later", admin.Lane{NextDueAt: at(later), WaitsFor: admin.WaitsForSchedule}),
		lane("limited", admin.Lane{Due: 1, WaitsFor: admin.WaitsForLimit, LimitedBy: "tenant.rate", LimitedUntil: at(until)}),
	}}
	got, err := client.Queue(t.Context())
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestPauseAndResume(t *testing.T) {
	t.Parallel()
	f, client := recent(t)
	f.add(t, "", "acme/desk", "acme/gone", "former/desk")
	desk, acme, gone := admin.Pausing{Tenant: "acme", Endpoint: "desk"}, admin.Pausing{Tenant: "acme"}, admin.Pausing{Tenant: "acme", Endpoint: "gone"}
	former, odd := admin.Pausing{Tenant: "former"}, admin.Pausing{Tenant: "acme", Endpoint: "dsk"}
	for i, tc := range []struct {
		pause   bool
		what    admin.Pausing
		want    admin.Paused
		waiting int
	}{
		{true, desk, admin.Paused{Pausing: desk, Paused: true, Known: true, Changed: true}, 2},
		{true, desk, admin.Paused{Pausing: desk, Paused: true, Known: true}, 2},
		{true, acme, admin.Paused{Pausing: acme, Paused: true, Known: true, Changed: true}, 1},
		{false, desk, admin.Paused{Pausing: desk, Known: true, Changed: true, TenantPaused: true}, 1},
		{false, desk, admin.Paused{Pausing: desk, Known: true, TenantPaused: true}, 1},
		{false, acme, admin.Paused{Pausing: acme, Known: true, Changed: true}, 3},
		// What is not in the configuration any more, and has deliveries that wait.
		{true, gone, admin.Paused{Pausing: gone, Paused: true, Changed: true}, 2},
		{true, former, admin.Paused{Pausing: former, Paused: true, Changed: true}, 1},
		{false, former, admin.Paused{Pausing: former, Changed: true}, 2},
		{false, odd, admin.Paused{Pausing: odd}, 2},
	} {
		do := client.Resume
		if tc.pause {
			do = client.Pause
		}
		got, err := do(t.Context(), tc.what)
		if diff := cmp.Diff(tc.want, got); err != nil || diff != "" {
			t.Errorf("step %d: %v\n%s", i, err, diff)
		}
		waiting, err := f.store.Waiting(t.Context())
		if err != nil || len(waiting) != tc.waiting {
			t.Errorf("step %d: %v waits, %v", i, waiting, err)
		}
	}
	for p, want := range map[admin.Pausing]string{
		odd:                  `the running configuration has no acme/dsk, and nothing waits for it; did you mean "acme/desk"?`,
		{Tenant: "acne"}:     `the running configuration has no acne, and nothing waits for it; did you mean "acme"?`,
		{Tenant: "umbrella"}: `the running configuration has no umbrella, and nothing waits for it`,
	} {
		_, err := client.Pause(t.Context(), p)
		wantError(t, p.String(), err, want)
	}
	if lanes, err := f.store.Lanes(t.Context()); err != nil || len(lanes) != 3 {
		t.Errorf("lanes = %+v, %v; what was refused is not paused", lanes, err)
	}
	if f.woken.Load() == 0 {
		t.Error("nobody was woken")
	}
	for _, p := range []admin.Pausing{{}, {Endpoint: "desk"}, {Tenant: "a/b"}, {Tenant: "a", Endpoint: "b/c"}, {Tenant: "\x1b[2J"}} {
		if _, err := client.Pause(t.Context(), p); err == nil {
			t.Errorf("%+v was paused", p)
		}
	}
}

func TestCount(t *testing.T) {
	t.Parallel()
	f, client, _ := start(t)
	f.add(t, "", "acme/desk", "acme/archive")
	f.finish(t, "acme/desk", store.Result{State: mail.Failed})
	f.at = f.at.Add(time.Hour)
	f.add(t, "", "acme/desk", "other/desk")
	hour := receivedAt.Truncate(time.Hour)
	want := admin.CountList{Total: 3, Counts: []admin.Count{
		{Hour: at(hour.Add(time.Hour)), State: mail.Queued, Deliveries: 1}, {Hour: at(hour), State: mail.Failed, Deliveries: 1}, {Hour: at(hour), State: mail.Queued, Deliveries: 1},
	}}
	got, err := client.Count(t.Context(), admin.Filter{Tenant: "acme"})
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	got, err = client.Count(t.Context(), admin.Filter{Tenant: "nobody"})
	if diff := cmp.Diff(admin.CountList{Counts: []admin.Count{}}, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

// TestJSON holds the names that programs read, which do not change.
func TestJSON(t *testing.T) {
	t.Parallel()
	f, _, socket := start(t)
	id := f.add(t, "12345", "acme/desk")
	f.finish(t, "acme/desk", store.Result{
		State: mail.Quarantined, Reason: "virus: Eicar", Subject: "Hello",
		Attempt: &mail.Attempt{Number: 1, At: f.at.Add(time.Second), Duration: 120 * time.Millisecond, Code: 503, Reason: "status: 503", Response: []byte("busy")},
		Steps:   []mail.Step{{At: f.at, Name: "stage x", Duration: 250 * time.Microsecond, Fuel: 7, Detail: "d", Verdict: "skip", Error: "e", Log: []string{"info: l"}}},
	})
	f.add(t, "", "acme/desk")
	if err := f.store.Pause(t.Context(), store.Endpoint{Tenant: "acme", Name: "desk"}, f.at); err != nil {
		t.Fatal(err)
	}
	const delivery = `"id":"MSG_1","tenant":"acme","endpoint":"desk","alias":"support","reverse_path":"alice@example.com","recipient":"support@acme.test","subject":"Hello",` +
		`"state":"quarantined","reason":"virus: Eicar","attempt_count":1,"last_code":503,"size":5,"in_flight":false,"received_at":"2026-02-12T10:30:02.345Z","updated_at":"2026-02-12T10:30:03.465Z",` +
		`"expires_at":"2026-02-13T10:30:02.345Z","payload_until":"2026-02-13T10:30:02.345Z","held_until":"2026-02-13T10:30:02.345Z"`
	for target, want := range map[string]string{
		"/v1/deliveries?state=quarantined": `{"deliveries":[{` + delivery + `}]}`,
		"/v1/counts?state=quarantined":     `{"counts":[{"hour":"2026-02-12T10:00:00.000Z","state":"quarantined","count":1}],"total":1}`,
		"/v1/messages/" + string(id): `{"id":"MSG","received_at":"2026-02-12T10:30:02.345Z","reverse_path":"alice@example.com","listener":"mx","remote_ip":"192.0.2.7","helo":"mail.example.com",` +
			`"tls":"TLS 1.3 X","size":5,"sha256":"` + strings.Repeat("0a", 32) + `","trace_field":"Received: from mail.example.com\r\n","kept":true,` +
			`"trace":[{"at":"2026-02-12T10:30:01.345Z","name":"transaction began","duration_ms":0},{"at":"2026-02-12T10:30:02.345Z","name":"received and spooled","duration_ms":1.5}],` +
			`"deliveries":[{` + delivery + `,"trace":[{"at":"2026-02-12T10:30:02.345Z","name":"stage x","duration_ms":0.25,"fuel":7,"detail":"d","verdict":"skip","error":"e","log":["info: l"]}],` +
			`"attempts":[{"number":1,"at":"2026-02-12T10:30:03.345Z","duration_ms":120,"code":503,"reason":"status: 503","response":"busy"}]}]}`,
		"/v1/queue": `{"lanes":[{"tenant":"acme","endpoint":"desk","waiting":1,"due":1,"in_flight":0,"next_due_at":"2026-02-12T10:30:02.345Z","oldest_at":"2026-02-12T10:30:02.345Z",` +
			`"paused_since":"2026-02-12T10:30:02.345Z","tenant_paused":false,"waits_for":"resume"}],"waiting":1,"due":1,"in_flight":0}`,
	} {
		body, err := io.ReadAll(ask(t, socket, http.MethodGet, target).Body)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want+"\n", strings.ReplaceAll(string(body), string(id), "MSG")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", target, diff)
		}
	}
}

// slow takes for a list and for counts as long as it may.
type slow struct{ store.Store }

func (slow) List(ctx context.Context, _ store.Filter) ([]store.Delivery, error) {
	<-ctx.Done()
	return nil, fmt.Errorf("list: %w", ctx.Err())
}

func (slow) Count(ctx context.Context, _ store.Filter) ([]store.Count, error) {
	<-ctx.Done()
	return nil, fmt.Errorf("count: %w", ctx.Err())
}

func (slow) Document(ctx context.Context, _ mail.DeliveryID) ([]byte, error) {
	<-ctx.Done()
	return nil, fmt.Errorf("document: %w", ctx.Err())
}

func (slow) Get(ctx context.Context, _ mail.MessageID) (store.Message, error) {
	<-ctx.Done()
	return store.Message{}, fmt.Errorf("get: %w", ctx.Err())
}

// TestPatience holds that a question to the store ends, and that the client learns what to do.
func TestPatience(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.patience = time.Millisecond
	client, _ := f.serve(t, slow{f.store})
	const want = "the store was given up on after 1ms; try again, a list or a count with a narrower time range, by since and until"
	_, err := client.List(t.Context(), admin.ListOptions{})
	wantError(t, "list", err, want)
	_, err = client.Count(t.Context(), admin.Filter{})
	wantError(t, "count", err, want)
	_, err = client.Act(t.Context(), admin.Drop, admin.ActRequest{Select: &admin.Filter{}})
	wantError(t, "act", err, want)
	id := mail.NewMessageID(receivedAt)
	_, err = client.Message(t.Context(), string(id))
	wantError(t, "message", err, want)
	wantError(t, "payload", client.WritePayload(t.Context(), io.Discard, id.Delivery(1), true), want)
	wantError(t, "raw", client.WriteRaw(t.Context(), io.Discard, id, true), want)
}

// halted are bodies that never come.
type halted struct{ admin.Bodies }

func (b halted) Open(ctx context.Context, ref mail.BodyRef) (mail.Body, error) {
	body, err := b.Bodies.Open(ctx, ref)
	return haltedBody{body, ctx}, err
}

type haltedBody struct {
	mail.Body
	ctx context.Context
}

func (b haltedBody) ReadAt([]byte, int64) (int, error) {
	<-b.ctx.Done()
	return 0, b.ctx.Err()
}

// TestPatienceWithBodies has a body that is opened, and then nothing of it comes.
func TestPatienceWithBodies(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.patience = 50 * time.Millisecond
	f.wrap = func(b admin.Bodies) admin.Bodies { return halted{b} }
	client, _ := f.serve(t, nil)
	id := f.add(t, rawMail(5), "acme/desk")
	if err := client.WriteRaw(t.Context(), io.Discard, id, true); err == nil {
		t.Error("a mail came of which nothing could be read")
	}
}

// Package storetest holds what every store and every body store must pass. The
// tests of an implementation call it with a function that opens a new, empty
// one.
package storetest

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// Open opens a new, empty store and closes it when the test ends.
type Open func(t *testing.T) store.Store

// TestStore runs the suite.
func TestStore(t *testing.T, open Open) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, store.Store){
		"EnqueueAndGet":             testEnqueueAndGet,
		"EnqueueIsAllOrNone":        testEnqueueIsAllOrNone,
		"EnqueueDecided":            testEnqueueDecided,
		"ClaimInOrder":              testClaimInOrder,
		"ClaimHonoursQuotas":        testClaimHonoursQuotas,
		"ClaimLeasesOnce":           testClaimLeasesOnce,
		"ClaimWaitsUntilDue":        testClaimWaitsUntilDue,
		"FinishDelivered":           testFinishDelivered,
		"FinishRetry":               testFinishRetry,
		"FinishIsFenced":            testFinishIsFenced,
		"FinishKeepsDocument":       testFinishKeepsDocument,
		"FinishWithoutAttempt":      testFinishWithoutAttempt,
		"FinishAddsToTrace":         testFinishAddsToTrace,
		"ExtendReleaseReap":         testExtendReleaseReap,
		"ExpireDeliveries":          testExpireDeliveries,
		"ExpireKeepsBodiesInFlight": testExpireKeepsBodiesInFlight,
		"ListFilters":               testListFilters,
		"NotFound":                  testNotFound,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// start is when the suite's first message is received.
func start() time.Time { return time.Date(2026, 2, 12, 10, 30, 0, 0, time.UTC) }

const owner = "node-1"

// newMessage makes the n-th message of a test, received n seconds after start,
// for the named endpoints of tenant acme.
func newMessage(n int, endpoints ...string) store.NewMessage {
	at := start().Add(time.Duration(n) * time.Second)
	m := store.NewMessage{
		ID: mail.NewMessageID(at),
		Envelope: mail.Envelope{
			ReversePath: fmt.Sprintf("sender%d@example.com", n),
			SMTPUTF8:    n%2 == 1,
			Session:     mail.Session{Listener: "mx", HELO: "client.example", RemoteIP: netip.MustParseAddr("2001:db8::1"), TLS: "TLS 1.3"},
		},
		ReceivedAt: at,
		Size:       int64(1000 + n),
		SHA256:     fmt.Sprintf("%064d", n),
		Body:       mail.BodyRef(fmt.Sprintf("file:%d", n)),
		TraceField: "Received: from client.example\r\n",
		Steps:      []mail.Step{{At: at, Name: "received", Duration: time.Second, Detail: "over SMTP"}},
	}
	for _, e := range endpoints {
		m.Deliveries = append(m.Deliveries, store.NewDelivery{
			Endpoint: store.Endpoint{Tenant: "acme", Name: e}, Alias: "support", Recipient: "support@acme.test", DueAt: at, ExpiresAt: at.Add(24 * time.Hour),
		})
	}
	return m
}

func enqueue(t *testing.T, s store.Store, messages ...store.NewMessage) {
	t.Helper()
	if err := s.Enqueue(t.Context(), messages); err != nil {
		t.Fatal(err)
	}
}

// claim leases all that is due a minute after start, up to limit for each of
// the named endpoints.
func claim(t *testing.T, s store.Store, limit int, endpoints ...string) []store.Job {
	t.Helper()
	return claimAt(t, s, start().Add(time.Minute), limit, endpoints...)
}

func claimAt(t *testing.T, s store.Store, now time.Time, limit int, endpoints ...string) []store.Job {
	t.Helper()
	c := store.Claim{Owner: owner, Now: now, Until: now.Add(time.Minute)}
	for _, e := range endpoints {
		c.Quotas = append(c.Quotas, store.Quota{Endpoint: store.Endpoint{Tenant: "acme", Name: e}, Max: limit})
	}
	jobs, err := s.Claim(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return jobs
}

func finish(t *testing.T, s store.Store, wantLate int, results ...store.Result) {
	t.Helper()
	recorded, err := s.Finish(t.Context(), results)
	if err != nil {
		t.Fatal(err)
	}
	if len(recorded) != len(results) {
		t.Fatalf("Finish says of %d results whether they were recorded, not of %d", len(recorded), len(results))
	}
	late := 0
	for _, ok := range recorded {
		if !ok {
			late++
		}
	}
	if late != wantLate {
		t.Errorf("late results = %d, want %d", late, wantLate)
	}
}

func get(t *testing.T, s store.Store, id mail.MessageID) store.Message {
	t.Helper()
	m, err := s.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func attempt(n, code int, reason string) *mail.Attempt {
	return &mail.Attempt{Number: n, At: start().Add(time.Minute), Duration: 20 * time.Millisecond, Code: code, Reason: reason, Response: []byte("body")}
}

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
	if has, err := s.HasBody(t.Context(), in.ID); !has || err != nil {
		t.Errorf("HasBody = %v, %v", has, err)
	}
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
	if list, err := s.List(t.Context(), store.Filter{State: mail.Rejected, Limit: 10}); len(list) != 1 || err != nil {
		t.Errorf("List of rejected = %+v, %v", list, err)
	}

	refused := newMessage(2, "desk")
	refused.Body = ""
	refused.Deliveries[0].State = mail.Rejected
	enqueue(t, s, refused)
	if has, err := s.HasBody(t.Context(), refused.ID); has || err != nil {
		t.Errorf("HasBody of what was rejected = %v, %v", has, err)
	}
	if out, err := s.Expire(t.Context(), start().Add(1000*time.Hour), 10); err != nil || len(out.Bodies) != 0 {
		t.Errorf("Expire = %+v, %v: there is nothing to forget while desk's is under way", out, err)
	}
}

func testClaimInOrder(t *testing.T, s store.Store) {
	var want []mail.DeliveryID
	for n := range 20 {
		m := newMessage(n/4, "desk") // several of one second
		enqueue(t, s, m)
		want = append(want, m.ID.Delivery(1))
	}
	var got []mail.DeliveryID
	for len(got) < len(want) {
		jobs := claim(t, s, 3, "desk")
		if len(jobs) == 0 {
			break
		}
		for _, j := range jobs {
			got = append(got, j.ID)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func testClaimHonoursQuotas(t *testing.T, s store.Store) {
	for n := range 5 {
		enqueue(t, s, newMessage(n, "desk", "archive", "silent"))
	}
	waiting, err := s.Waiting(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var want []store.Waiting
	for _, e := range []string{"archive", "desk", "silent"} {
		want = append(want, store.Waiting{Endpoint: store.Endpoint{Tenant: "acme", Name: e}, Due: start()})
	}
	if diff := cmp.Diff(want, waiting); diff != "" {
		t.Errorf("Waiting: %s", diff)
	}
	count := make(map[string]int)
	for _, j := range claim(t, s, 2, "desk", "archive", "unknown") {
		count[j.Endpoint.Name]++
	}
	if diff := cmp.Diff(map[string]int{"desk": 2, "archive": 2}, count); diff != "" {
		t.Error(diff)
	}
}

func testClaimLeasesOnce(t *testing.T, s store.Store) {
	in := newMessage(1, "desk")
	enqueue(t, s, in)
	jobs := claim(t, s, 10, "desk")
	if len(jobs) != 1 {
		t.Fatalf("jobs = %d, want 1", len(jobs))
	}
	j := jobs[0]
	if j.ID != in.ID.Delivery(1) || j.Body != in.Body || j.Size != in.Size || j.SHA256 != in.SHA256 || j.Attempts != 0 || j.DocumentSize != 0 ||
		j.Envelope.ReversePath != in.Envelope.ReversePath || !j.ReceivedAt.Equal(in.ReceivedAt) || j.Recipient != "support@acme.test" {
		t.Errorf("job = %+v, want that of %+v", j, in)
	}
	if again := claim(t, s, 10, "desk"); len(again) > 0 {
		t.Errorf("a leased delivery was claimed again: %+v", again)
	}
	if waiting, err := s.Waiting(t.Context()); len(waiting) > 0 || err != nil {
		t.Errorf("Waiting = %v, %v while all is leased", waiting, err)
	}
	if d := get(t, s, in.ID).Deliveries[0]; !d.InFlight {
		t.Errorf("delivery = %+v, want it in flight", d)
	}
}

func testClaimWaitsUntilDue(t *testing.T, s store.Store) {
	enqueue(t, s, newMessage(1, "desk"))
	if jobs := claimAt(t, s, start(), 10, "desk"); len(jobs) > 0 {
		t.Errorf("a delivery was claimed before it is due: %+v", jobs)
	}
}

func testFinishDelivered(t *testing.T, s store.Store) {
	in := newMessage(1, "desk")
	enqueue(t, s, in)
	j := claim(t, s, 1, "desk")[0]
	finish(t, s, 0, store.Result{Lease: j.Lease, State: mail.Delivered, Attempt: attempt(1, 204, "")})
	d := get(t, s, in.ID).Deliveries[0]
	if d.State != mail.Delivered || d.Attempts != 1 || d.LastCode != 204 || d.InFlight || !d.Due.IsZero() {
		t.Errorf("delivery = %+v", d)
	}
	if diff := cmp.Diff([]mail.Attempt{*attempt(1, 204, "")}, d.Tries); diff != "" {
		t.Error(diff)
	}
	if jobs := claim(t, s, 10, "desk"); len(jobs) > 0 {
		t.Errorf("a delivered delivery was claimed: %+v", jobs)
	}
}

func testFinishRetry(t *testing.T, s store.Store) {
	in := newMessage(1, "desk")
	enqueue(t, s, in)
	due := start().Add(10 * time.Minute)
	j := claim(t, s, 1, "desk")[0]
	finish(t, s, 0, store.Result{Lease: j.Lease, State: mail.Retrying, Due: due, Reason: "status: 500", Attempt: attempt(1, 500, "status: 500")})
	d := get(t, s, in.ID).Deliveries[0]
	if d.State != mail.Retrying || !d.Due.Equal(due) || d.Reason != "status: 500" || d.LastCode != 500 {
		t.Errorf("delivery = %+v", d)
	}
	if jobs := claimAt(t, s, due.Add(-time.Millisecond), 10, "desk"); len(jobs) > 0 {
		t.Errorf("claimed before it is due: %+v", jobs)
	}
	jobs := claimAt(t, s, due, 10, "desk")
	if len(jobs) != 1 || jobs[0].Attempts != 1 {
		t.Errorf("jobs = %+v, want one with 1 attempt made", jobs)
	}
}

func testFinishIsFenced(t *testing.T, s store.Store) {
	in := newMessage(1, "desk")
	enqueue(t, s, in)
	old := claim(t, s, 1, "desk")[0]
	if n, err := s.Release(t.Context(), owner); n != 1 || err != nil {
		t.Fatalf("Release = %d, %v", n, err)
	}
	current := claim(t, s, 1, "desk")[0]
	stolen := current.Lease
	stolen.Owner = "node-2"
	finish(t, s, 2,
		store.Result{Lease: old.Lease, State: mail.Failed, Attempt: attempt(1, 500, "late")},
		store.Result{Lease: stolen, State: mail.Failed, Attempt: attempt(1, 500, "of another")})
	finish(t, s, 0, store.Result{Lease: current.Lease, State: mail.Delivered, Attempt: attempt(1, 200, "")})
	finish(t, s, 1, store.Result{Lease: current.Lease, State: mail.Failed, Attempt: attempt(2, 500, "twice")})
	d := get(t, s, in.ID).Deliveries[0]
	if d.State != mail.Delivered || len(d.Tries) != 1 || d.Tries[0].Code != 200 {
		t.Errorf("delivery = %+v, want only the current lease's result", d)
	}
}

func testFinishKeepsDocument(t *testing.T, s store.Store) {
	in := newMessage(1, "desk")
	enqueue(t, s, in)
	if doc, err := s.Document(t.Context(), in.ID.Delivery(1)); doc != nil || err != nil {
		t.Errorf("Document before the first attempt = %q, %v", doc, err)
	}
	steps := []mail.Step{{At: start(), Name: "parsed", Duration: time.Millisecond}}
	j := claim(t, s, 1, "desk")[0]
	finish(t, s, 0, store.Result{Lease: j.Lease, State: mail.Retrying, Due: start(), Attempt: attempt(1, 500, "x"), Document: []byte(`{"root":1}`), Subject: "Hello", Steps: steps})
	j = claim(t, s, 1, "desk")[0]
	if j.DocumentSize != int64(len(`{"root":1}`)) {
		t.Errorf("document of the second claim has %d octets", j.DocumentSize)
	}
	finish(t, s, 0, store.Result{Lease: j.Lease, State: mail.Delivered, Attempt: attempt(2, 200, "")})
	if doc, err := s.Document(t.Context(), j.ID); string(doc) != `{"root":1}` || err != nil {
		t.Errorf("Document = %q, %v", doc, err)
	}
	d := get(t, s, in.ID).Deliveries[0]
	if d.Subject != "Hello" {
		t.Errorf("subject = %q", d.Subject)
	}
	if diff := cmp.Diff(steps, d.Steps); diff != "" {
		t.Error(diff)
	}
}

// testFinishWithoutAttempt ends deliveries as a chain does that says so.
func testFinishWithoutAttempt(t *testing.T, s store.Store) {
	in := newMessage(1, "desk", "archive")
	enqueue(t, s, in)
	steps := []mail.Step{{At: start(), Name: "stage crm", Verdict: "drop", Log: []string{"info: not wanted"}}}
	for _, j := range claim(t, s, 1, "desk", "archive") {
		r := store.Result{Lease: j.Lease, State: mail.Dropped, Reason: "plugin crm: not wanted", Subject: "Hello", Steps: steps}
		if j.Endpoint.Name == "archive" {
			r.State, r.Document = mail.Quarantined, []byte(`{"root":2}`)
		}
		finish(t, s, 0, r)
	}
	for i, want := range []struct {
		state    mail.State
		document string
	}{{mail.Dropped, ""}, {mail.Quarantined, `{"root":2}`}} {
		d := get(t, s, in.ID).Deliveries[i]
		if d.State != want.state || d.Reason != "plugin crm: not wanted" || d.Subject != "Hello" || d.Attempts != 0 || len(d.Tries) != 0 || d.InFlight || !d.Due.IsZero() {
			t.Errorf("delivery = %+v", d)
		}
		if diff := cmp.Diff(steps, d.Steps); diff != "" {
			t.Error(diff)
		}
		if doc, err := s.Document(t.Context(), d.ID); string(doc) != want.document || err != nil {
			t.Errorf("Document = %q, %v", doc, err)
		}
	}
	if jobs := claim(t, s, 10, "desk", "archive"); len(jobs) > 0 {
		t.Errorf("a delivery that has ended was claimed: %+v", jobs)
	}
}

// testFinishAddsToTrace has a chain run twice, of which the first run failed.
func testFinishAddsToTrace(t *testing.T, s store.Store) {
	in := newMessage(1, "desk")
	enqueue(t, s, in)
	first := []mail.Step{{At: start(), Name: "stage crm", Error: "its time was over", Verdict: "retry"}}
	second := []mail.Step{{At: start().Add(time.Minute), Name: "stage crm"}}
	j := claim(t, s, 1, "desk")[0]
	finish(t, s, 0, store.Result{Lease: j.Lease, State: mail.Retrying, Due: start(), Reason: "x", Attempt: attempt(1, 0, "x"), Subject: "Hello", Steps: first})
	j = claim(t, s, 1, "desk")[0]
	if j.DocumentSize != 0 || j.Attempts != 1 {
		t.Errorf("job = %+v, want one without a document", j)
	}
	finish(t, s, 0, store.Result{Lease: j.Lease, State: mail.Delivered, Attempt: attempt(2, 200, ""), Document: []byte(`{"root":1}`), Subject: "Hello", Steps: second})
	d := get(t, s, in.ID).Deliveries[0]
	if diff := cmp.Diff(append(first, second...), d.Steps); diff != "" {
		t.Error(diff)
	}
}

func testExtendReleaseReap(t *testing.T, s store.Store) {
	ctx := t.Context()
	enqueue(t, s, newMessage(1, "desk"), newMessage(2, "desk"), newMessage(3, "desk"))
	var leases []store.Lease
	for _, j := range claim(t, s, 3, "desk") {
		leases = append(leases, j.Lease)
	}
	end := start().Add(2 * time.Minute) // of the leases that claim made
	forged := leases[2]
	forged.Number++
	if err := s.Extend(ctx, []store.Lease{leases[0], leases[1], forged}, end.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Reap(ctx, end.Add(time.Second)); n != 1 || err != nil {
		t.Errorf("Reap = %d, %v; want the one lease that was not extended", n, err)
	}
	finish(t, s, 1, store.Result{Lease: leases[2], State: mail.Failed})
	if n, err := s.Reap(ctx, end.Add(2*time.Minute)); n != 2 || err != nil {
		t.Errorf("Reap = %d, %v; want 2", n, err)
	}
	if jobs := claim(t, s, 10, "desk"); len(jobs) != 3 || jobs[0].Lease.Number != 2 || jobs[0].Lost != 1 {
		t.Errorf("jobs after Reap = %+v, want three of a second lease, with the first one lost", jobs)
	}
	if n, err := s.Release(ctx, "node-2"); n != 0 || err != nil {
		t.Errorf("Release of another owner = %d, %v", n, err)
	}
	if n, err := s.Release(ctx, owner); n != 3 || err != nil {
		t.Errorf("Release = %d, %v; want 3", n, err)
	}
	if jobs := claim(t, s, 10, "desk"); len(jobs) != 3 || jobs[0].Lease.Number != 3 || jobs[0].Lost != 1 {
		t.Errorf("jobs after Release = %+v, want three of a third lease, with only the first one lost", jobs)
	}
}

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
	if has, err := s.HasBody(t.Context(), in.ID); has || err != nil {
		t.Errorf("HasBody = %v, %v after the end", has, err)
	}
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
		"state":  {store.Filter{Limit: 10, State: mail.Failed}, []mail.DeliveryID{ids[1], ids[0]}},
		"both":   {store.Filter{Limit: 10, Tenant: "other", State: mail.Failed}, nil},
	} {
		var got []mail.DeliveryID
		for _, d := range list(tc.filter) {
			got = append(got, d.ID)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	page := list(store.Filter{Limit: 2})
	next := list(store.Filter{Limit: 2, Before: page[1].Seq})
	if len(next) != 2 || next[0].ID != ids[2] || next[1].ID != ids[1] {
		t.Errorf("second page = %+v", next)
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
	if has, err := s.HasBody(t.Context(), id); has || err != nil {
		t.Errorf("HasBody = %v, %v", has, err)
	}
	if _, err := s.Body(t.Context(), id); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Body: error = %v, want ErrNotFound", err)
	}
}

package admin_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/admin"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/mime"
	"github.com/postern-mail/postern/gateway/internal/payload"
	"github.com/postern-mail/postern/gateway/internal/queue"
	"github.com/postern-mail/postern/gateway/internal/spool"
	"github.com/postern-mail/postern/gateway/internal/store"
	"github.com/postern-mail/postern/gateway/internal/store/sqlite"
)

// fixture is a store and a spool without a server.
type fixture struct {
	dir    string
	store  *sqlite.DB
	bodies *spool.Files
	woken  atomic.Int32
	// patience is the server's.
	patience time.Duration
	// wrap changes the server's bodies; nil for none.
	wrap func(admin.Bodies) admin.Bodies
	// step is how many messages a request looks at in a search; 0 for as many as it likes.
	step int
	// holds is what the queue says.
	holds map[store.Endpoint]queue.Hold
	// at is when mails are received.
	at time.Time
}

func open(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{dir: t.TempDir(), at: receivedAt, patience: 5 * time.Minute} // machines are loaded
	var err error
	if f.store, err = sqlite.Open(t.Context(), filepath.Join(f.dir, "postern.db")); err != nil {
		t.Fatal(err)
	}
	if f.bodies, err = spool.OpenFiles(filepath.Join(f.dir, "bodies")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = errors.Join(f.store.Close(), f.bodies.Close()) })
	return f
}

// serve answers on a socket until the test ends, from data or, where that is
// nil, from the store. It returns a client and the socket's path.
func (f *fixture) serve(t *testing.T, data store.Store) (*admin.Client, string) {
	t.Helper()
	if data == nil {
		data = f.store
	}
	socket := filepath.Join(f.dir, "s")
	l, err := admin.Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	var bodies admin.Bodies = f.bodies
	if f.wrap != nil {
		bodies = f.wrap(bodies)
	}
	server := admin.NewServer(admin.Config{
		Store: data, Bodies: bodies, Wake: func() { f.woken.Add(1) }, Patience: f.patience, SearchStep: f.step, SearchFor: time.Duration(min(f.step, 1)), Holds: func() map[store.Endpoint]queue.Hold { return f.holds }, Logger: hclog.NewNullLogger(),
		Endpoints: func() []store.Endpoint {
			return []store.Endpoint{{Tenant: "acme"}, {Tenant: "acme", Name: "desk"}, {Tenant: "other"}}
		},
	})
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	t.Cleanup(func() {
		// A bound for the case that something hangs; usually nothing is under way.
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := errors.Join(server.Shutdown(ctx), <-ended); err != nil {
			t.Error(err)
		}
	})
	return admin.NewClient(socket), socket
}

// start serves an empty store.
func start(t *testing.T) (*fixture, *admin.Client, string) {
	t.Helper()
	f := open(t)
	client, socket := f.serve(t, nil)
	return f, client, socket
}

// ask sends a request as no client of ours would.
func ask(t *testing.T, socket, method, target string) *http.Response {
	t.Helper()
	return askWith(t, socket, method, target, "")
}

func askWith(t *testing.T, socket, method, target, body string) *http.Response {
	t.Helper()
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
	}}
	req, err := http.NewRequestWithContext(t.Context(), method, "http://postern"+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

// receivedAt is whole milliseconds, as the store keeps them.
var receivedAt = time.Date(2026, 2, 12, 10, 30, 2, 345e6, time.UTC)

// at is a moment in an answer.
func at(t time.Time) admin.Time { return admin.Time{Time: t} }

// add stores a mail with one delivery to each of the endpoints "tenant/name".
func (f *fixture) add(t *testing.T, raw string, endpoints ...string) mail.MessageID {
	t.Helper()
	id := mail.NewMessageID(f.at)
	ref, err := f.bodies.Put(t.Context(), id, time.Now(), strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	m := store.NewMessage{
		ID: id, ReceivedAt: f.at, Size: int64(len(raw)), SHA256: strings.Repeat("0a", 32), Body: ref,
		Envelope: mail.Envelope{ReversePath: "alice@example.com", Session: mail.Session{
			Listener: "mx", HELO: "mail.example.com", RemoteIP: netip.MustParseAddr("192.0.2.7"), TLS: "TLS 1.3 X",
		}},
		TraceField: "Received: from mail.example.com\r\n",
		Steps: []mail.Step{
			{At: f.at.Add(-time.Second), Name: "transaction began"},
			{At: f.at, Name: "received and spooled", Duration: 1500 * time.Microsecond},
		},
	}
	for _, e := range endpoints {
		tenant, name, _ := strings.Cut(e, "/")
		m.Deliveries = append(m.Deliveries, store.NewDelivery{
			Endpoint: store.Endpoint{Tenant: tenant, Name: name}, Alias: "support", Recipient: "support@" + tenant + ".test",
			DueAt: f.at, Retention: store.Retention{ExpiresAt: f.at.Add(24 * time.Hour)},
		})
	}
	if err := f.store.Enqueue(t.Context(), []store.NewMessage{m}); err != nil {
		t.Fatal(err)
	}
	return id
}

// claim leases the oldest waiting delivery of an endpoint.
func (f *fixture) claim(t *testing.T, endpoint string) store.Job {
	t.Helper()
	tenant, name, _ := strings.Cut(endpoint, "/")
	now := f.at.Add(time.Hour)
	jobs, err := f.store.Claim(t.Context(), store.Claim{Owner: "test", Now: now, Until: now.Add(time.Minute), Quotas: []store.Quota{
		{Endpoint: store.Endpoint{Tenant: tenant, Name: name}, Max: 1},
	}})
	if err != nil || len(jobs) != 1 {
		t.Fatalf("Claim = %+v, %v", jobs, err)
	}
	return jobs[0]
}

// finish records an outcome of the oldest waiting delivery of an endpoint.
func (f *fixture) finish(t *testing.T, endpoint string, r store.Result) store.Job {
	t.Helper()
	job := f.claim(t, endpoint)
	r.Lease = job.Lease
	if recorded, err := f.store.Finish(t.Context(), []store.Result{r}); err != nil || !recorded[0] {
		t.Fatalf("Finish = %v, %v", recorded, err)
	}
	return job
}

// deliver records the success of the oldest waiting delivery of an endpoint, of
// which raw is the mail, and returns its id and the payload that was sent.
func (f *fixture) deliver(t *testing.T, endpoint, raw string) (mail.DeliveryID, []byte) {
	t.Helper()
	m, err := mime.Parse(strings.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	doc := payload.Build(m, payload.Facts{ReceivedAt: receivedAt, Recipient: "support@acme.test", Tenant: "acme"})
	stored, err := doc.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	var sent bytes.Buffer
	if err := payload.Render(&sent, doc, strings.NewReader(raw)); err != nil {
		t.Fatal(err)
	}
	job := f.finish(t, endpoint, store.Result{
		State: mail.Delivered, Document: stored, Subject: m.Subject,
		Attempt: &mail.Attempt{Number: 1, At: receivedAt.Add(time.Second), Duration: 120 * time.Millisecond, Code: 204},
		Steps:   []mail.Step{{At: receivedAt.Add(time.Second), Name: "parsed", Detail: "1 attachments"}},
	})
	return job.ID, sent.Bytes()
}

// rawMail has an attachment of the given size.
func rawMail(size int) string {
	return "Subject: Hello\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n" +
		"--b\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\n" + strings.Repeat("x", size) + "\r\n--b--\r\n"
}

// bodyFile returns the path of the one body in the spool.
func (f *fixture) bodyFile(t *testing.T) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(f.dir, "bodies", "*", "*"))
	if err != nil || len(names) != 1 {
		t.Fatalf("bodies = %v, %v", names, err)
	}
	return names[0]
}

// wantError compares the whole text of an error.
func wantError(t *testing.T, what string, err error, want string) {
	t.Helper()
	if got := fmt.Sprint(err); got != want {
		t.Errorf("%s: error = %s\nwant %s", what, got, want)
	}
}

package dispatch_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"

	"github.com/postern-mail/postern/gateway/internal/dispatch"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/payload"
	"github.com/postern-mail/postern/gateway/internal/pipeline"
	"github.com/postern-mail/postern/gateway/internal/queue"
	"github.com/postern-mail/postern/gateway/internal/secret"
	"github.com/postern-mail/postern/gateway/internal/spool"
	"github.com/postern-mail/postern/gateway/internal/store"
	"github.com/postern-mail/postern/gateway/internal/store/sqlite"
	"github.com/postern-mail/postern/gateway/internal/webhook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// retention is longer than any schedule.
const retention = 30 * 24 * time.Hour

// raw is a mail with all that a payload streams or decodes.
const raw = "From: =?utf-8?q?J=C3=BCrgen?= <juergen@example.org>\r\n" +
	"To: desk@acme.example\r\n" +
	"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n" +
	"MIME-Version: 1.0\r\n" +
	"Content-Type: multipart/mixed; boundary=b\r\n" +
	"\r\n" +
	"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nSee https://example.org/ \xe2\x9c\x93\r\n" +
	"--b\r\nContent-Type: application/octet-stream; name=a.bin\r\nContent-Disposition: attachment\r\n" +
	"Content-Transfer-Encoding: base64\r\n\r\nAAECAwQFBgcICQ==\r\n" +
	"--b--\r\n"

// shortSchedule is the beginning of the default one: hours of leases being kept
// take their time, even on a bubble's clock.
func shortSchedule() []time.Duration { return queue.DefaultSchedule()[:4] }

// span is the longest that all attempts of a delivery can take.
func (g *gateway) span() time.Duration {
	var sum time.Duration
	for _, delay := range g.schedule {
		sum += delay*11/10 + time.Minute
	}
	return sum
}

// gateway is the delivering half of a gateway on one data folder, and the
// network that its endpoints live in.
type gateway struct {
	t        *testing.T
	dir      string
	starts   int
	schedule []time.Duration // what open gives the queue
	keeps    time.Duration   // retention of what is received
	chains   map[dispatch.Alias][]pipeline.Stage
	mail     string            // what receive takes
	placed   payload.Placement // of all endpoints
	reports  []mail.Report     // what the scanners said of the mail
	onVirus  mail.VirusAction  // of its deliveries
	virus    dispatch.VirusScanner
	shadows  dispatch.Shadows
	events   dispatch.Events
	db       *sqlite.DB
	store    *faultyStore
	bodies   *spool.Files
	queue    *queue.Queue
	network  *network
	logger   hclog.Logger
	log      *bytes.Buffer // what logger wrote, to be read when nothing runs
}

// bubble runs a test on a clock of its own, which stands still while anything is
// at work. All that has goroutines is opened within it; that none is left behind
// is checked at its end.
func bubble(t *testing.T, test func(t *testing.T, g *gateway)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		g := &gateway{t: t, dir: t.TempDir(), schedule: shortSchedule(), keeps: retention, mail: raw, log: &bytes.Buffer{}, network: newNetwork(t)}
		g.logger = hclog.New(&hclog.LoggerOptions{Name: "postern", Output: g.log})
		g.open()
		t.Cleanup(func() {
			g.close()
			if t.Failed() {
				lines := strings.SplitAfter(g.log.String(), "\n")
				t.Logf("the log ended:\n%s", strings.Join(lines[max(0, len(lines)-30):], ""))
			}
		})
		test(t, g)
	})
}

// open opens the data folder as a new process does.
func (g *gateway) open() {
	g.t.Helper()
	db, err := sqlite.Open(g.t.Context(), filepath.Join(g.dir, "postern.db"))
	must(g.t, err)
	bodies, err := spool.OpenFiles(g.spoolDir())
	if err != nil {
		g.t.Fatal(errors.Join(err, db.Close()))
	}
	g.starts++
	g.db, g.bodies, g.store = db, bodies, &faultyStore{Store: db}
	g.queue = queue.New(g.store, bodies, queue.Config{Owner: fmt.Sprintf("process-%d", g.starts), Schedule: g.schedule, Logger: g.logger})
}

// restart opens the data folder again, as the next process does.
func (g *gateway) restart() {
	g.t.Helper()
	g.close()
	g.open()
}

func (g *gateway) close() {
	g.t.Helper()
	if err := errors.Join(g.bodies.Close(), g.db.Close()); err != nil {
		g.t.Error(err)
	}
}

func (g *gateway) spoolDir() string { return filepath.Join(g.dir, "spool") }

// receive stores a mail for the endpoints and queues its deliveries.
func (g *gateway) receive(endpoints ...string) mail.MessageID {
	g.t.Helper()
	received := time.Now()
	id := mail.NewMessageID(received)
	ref, err := g.bodies.Put(g.t.Context(), id, time.Now(), strings.NewReader(g.mail))
	must(g.t, err)
	sum := sha256.Sum256([]byte(g.mail))
	m := store.NewMessage{ID: id, ReceivedAt: received, Size: int64(len(g.mail)), SHA256: hex.EncodeToString(sum[:]), Body: ref, Reports: g.reports, TraceField: "Received: by a test\r\n"}
	for _, name := range endpoints {
		m.Deliveries = append(m.Deliveries, store.NewDelivery{
			Endpoint: named(name), Alias: name, Recipient: name + "@acme.example", Retention: store.Retention{ExpiresAt: received.Add(g.keeps)}, VirusAction: g.onVirus,
		})
	}
	must(g.t, g.queue.Enqueue(g.t.Context(), m))
	return id
}

// backlog queues n deliveries for one endpoint.
func (g *gateway) backlog(endpoint string, n int) mail.MessageID {
	g.t.Helper()
	return g.receive(slices.Repeat([]string{endpoint}, n)...)
}

// claim leases n deliveries for an endpoint, the only one that has any, as a dispatcher does.
func (g *gateway) claim(endpoint string, n int) []store.Job {
	g.t.Helper()
	jobs, _, err := g.queue.Claim(g.t.Context(), n, &queue.Rules{Endpoints: map[store.Endpoint]queue.Room{named(endpoint): {Attempts: n}}, TenantAttempts: n})
	must(g.t, err)
	if len(jobs) != n {
		g.t.Fatalf("%d jobs, want %d", len(jobs), n)
	}
	return jobs
}

// named is an endpoint of the tenant acme, or by "TENANT/NAME" of another.
func named(endpoint string) store.Endpoint {
	if tenant, name, ok := strings.Cut(endpoint, "/"); ok {
		return store.Endpoint{Tenant: tenant, Name: name}
	}
	return store.Endpoint{Tenant: "acme", Name: endpoint}
}

// rooms gives each endpoint its MaxConcurrency. Its name is its host in the
// network.
type rooms map[string]int

// dispatching is a dispatcher at work.
type dispatching struct {
	g            *gateway
	stopDispatch context.CancelFunc
	stopKeeping  context.CancelFunc
	dispatched   chan struct{} // closed when Run has returned
	kept         chan struct{}
	client       *webhook.Client
	dispatcher   *dispatch.Dispatcher
	cfg          dispatch.Config // that it began with
	once         sync.Once
}

// start runs a dispatcher until stop, or the end of the test.
func (g *gateway) start(concurrency int, endpoints rooms) *dispatching {
	g.t.Helper()
	return g.startWith(webhook.New(webhook.Config{AllowHTTP: true, Dial: g.network.dial}), concurrency, endpoints)
}

func (g *gateway) startWith(client *webhook.Client, concurrency int, endpoints rooms) *dispatching {
	g.t.Helper()
	key, err := secret.Parse(vectorSecret)
	must(g.t, err)
	cfg := dispatch.Config{Concurrency: concurrency, Endpoints: make(map[store.Endpoint]dispatch.Endpoint), Chains: g.chains, Links: links{}, Virus: g.virus, Shadows: g.shadows, Events: g.events, Logger: g.logger}
	for name, room := range endpoints {
		cfg.Endpoints[named(name)] = dispatch.Endpoint{URL: "http://" + name + "/hook", Key: key, MaxConcurrency: room, Placement: g.placed}
	}
	run := &dispatching{g: g, client: client, dispatched: make(chan struct{}), kept: make(chan struct{})}
	dispatchCtx, stopDispatch := context.WithCancel(g.t.Context())
	keepCtx, stopKeeping := context.WithCancel(context.WithoutCancel(g.t.Context()))
	run.stopDispatch, run.stopKeeping = stopDispatch, stopKeeping
	d := dispatch.New(g.queue, g.bodies, client, cfg)
	run.dispatcher, run.cfg = d, cfg
	q := g.queue
	go func() { defer close(run.kept); q.Run(keepCtx) }()
	go func() { defer close(run.dispatched); d.Run(dispatchCtx) }()
	g.t.Cleanup(run.stop)
	return run
}

// stop ends the dispatcher in the order in which the gateway stops, and gives
// back what is still leased.
func (d *dispatching) stop() {
	d.once.Do(func() {
		d.stopDispatch()
		<-d.dispatched
		d.stopKeeping()
		<-d.kept
		if d.client != nil {
			d.client.Close()
		}
		if err := d.g.queue.Release(context.WithoutCancel(d.g.t.Context())); err != nil {
			d.g.t.Error(err)
		}
	})
}

// deliveries reads the history of all deliveries of a message.
func (g *gateway) deliveries(id mail.MessageID) []store.DeliveryHistory {
	g.t.Helper()
	m, err := g.db.Get(g.t.Context(), id)
	must(g.t, err)
	return m.Deliveries
}

// delivery reads the history of a message's one delivery, once everything has
// come to rest.
func (g *gateway) delivery(id mail.MessageID) store.DeliveryHistory {
	g.t.Helper()
	synctest.Wait()
	list := g.deliveries(id)
	if len(list) != 1 {
		g.t.Fatalf("%s has %d deliveries", id, len(list))
	}
	return list[0]
}

// document reads what the store keeps for a message's one delivery.
func (g *gateway) document(id mail.MessageID) string {
	g.t.Helper()
	doc, err := g.db.Document(g.t.Context(), id.Delivery(1))
	must(g.t, err)
	return string(doc)
}

// states counts deliveries by state.
func states(list []store.DeliveryHistory) map[mail.State]int {
	count := make(map[mail.State]int)
	for _, d := range list {
		count[d.State]++
	}
	return count
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var errDisk = errors.New("disk is on strike")

// faultyStore is the real store, of which methods can be made to fail for a
// while.
type faultyStore struct {
	store.Store

	mu     sync.Mutex
	until  map[string]time.Time
	failed map[string]int // calls
}

// fail makes the methods named fail for a time from now on.
func (s *faultyStore) fail(d time.Duration, methods ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.until, s.failed = make(map[string]time.Time), make(map[string]int)
	for _, m := range methods {
		s.until[m] = time.Now().Add(d)
	}
}

// failures returns how many calls of a method failed since fail was called.
func (s *faultyStore) failures(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed[method]
}

func (s *faultyStore) check(method string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Now().Before(s.until[method]) {
		s.failed[method]++
		return errDisk
	}
	return nil
}

func (s *faultyStore) Waiting(ctx context.Context) ([]store.Waiting, error) {
	if err := s.check("Waiting"); err != nil {
		return nil, err
	}
	return s.Store.Waiting(ctx)
}

func (s *faultyStore) Claim(ctx context.Context, c store.Claim) ([]store.Job, error) {
	if err := s.check("Claim"); err != nil {
		return nil, err
	}
	return s.Store.Claim(ctx, c)
}

func (s *faultyStore) Finish(ctx context.Context, results []store.Result) ([]bool, error) {
	if err := s.check("Finish"); err != nil {
		return nil, err
	}
	return s.Store.Finish(ctx, results)
}

func (s *faultyStore) Extend(ctx context.Context, leases []store.Lease, until time.Time) error {
	if err := s.check("Extend"); err != nil {
		return err
	}
	return s.Store.Extend(ctx, leases, until)
}

func (s *faultyStore) Reap(ctx context.Context, now time.Time) (int, error) {
	if err := s.check("Reap"); err != nil {
		return 0, err
	}
	return s.Store.Reap(ctx, now)
}

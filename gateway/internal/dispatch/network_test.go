package dispatch_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/payload/schema/schematest"
)

// vectorSecret is the key of the test vector of Standard Webhooks.
const vectorSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// network is a web server in memory: the clock of a bubble stands still while a
// goroutine waits for a real socket, but not while it waits for a pipe.
type network struct {
	conns chan net.Conn
	down  chan struct{}
	mux   *http.ServeMux
	gauge gauge
}

func newNetwork(t *testing.T) *network {
	t.Helper()
	n := &network{conns: make(chan net.Conn), down: make(chan struct{}), mux: http.NewServeMux()}
	srv := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer n.gauge.enter()()
			n.mux.ServeHTTP(w, r)
		}),
		ErrorLog: log.New(io.Discard, "", 0),
	}
	served := make(chan struct{})
	go func() { defer close(served); _ = srv.Serve(n) }()
	t.Cleanup(func() {
		_ = srv.Close()
		<-served
	})
	return n
}

// dial connects to the server, whatever the address.
func (n *network) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case n.conns <- there:
		return here, nil
	case <-n.down:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener.
func (n *network) Accept() (net.Conn, error) {
	select {
	case conn := <-n.conns:
		return conn, nil
	case <-n.down:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener. The server calls it once.
func (n *network) Close() error {
	close(n.down)
	return nil
}

// Addr implements net.Listener.
func (*network) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "unix"} }

// gauge counts what is under way at the same time.
type gauge struct {
	mu        sync.Mutex
	now, peak int
}

// enter counts one more, until the function that it returns is called.
func (g *gauge) enter() (leave func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now++
	g.peak = max(g.peak, g.now)
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.now--
	}
}

func (g *gauge) highest() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.peak
}

// call is one request as its receiver saw it.
type call struct {
	ID        string
	Timestamp string
	Body      string
	At        time.Time
	Err       error // of the official library's verification, or of the payload's schema
}

// endpoint is a receiver.
type endpoint struct {
	t      *testing.T
	answer http.HandlerFunc
	form   *schematest.Schema // nil where no mails come
	gauge  gauge

	mu    sync.Mutex
	calls []call
}

// endpoint puts a receiver into the network, under its name as host.
func (n *network) endpoint(t *testing.T, name string, answer http.HandlerFunc) *endpoint {
	t.Helper()
	e := &endpoint{t: t, answer: answer, form: schematest.Compile(t, schematest.Published)}
	n.mux.Handle(name+"/", e)
	return e
}

// ServeHTTP verifies a request as a receiver does, its payload too, notes it, and
// answers.
func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer e.gauge.enter()()
	c := call{ID: r.Header.Get("Webhook-Id"), Timestamp: r.Header.Get("Webhook-Timestamp"), At: time.Now()}
	body, err := io.ReadAll(r.Body)
	if err == nil {
		if err = verify(body, r.Header); e.form != nil {
			err = errors.Join(err, e.form.Check(body))
		}
	}
	c.Body, c.Err = string(body), err
	if err != nil {
		e.t.Errorf("a request that no receiver would take: %v", err)
	}
	e.mu.Lock()
	e.calls = append(e.calls, c)
	e.mu.Unlock()
	e.answer(w, r)
}

func verify(payload []byte, header http.Header) error {
	library, err := standardwebhooks.NewWebhook(vectorSecret)
	if err != nil {
		return err
	}
	return library.Verify(payload, header)
}

// got returns the requests so far, in the order in which they came.
func (e *endpoint) got() []call {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.calls)
}

// ids returns the webhook-ids of the requests so far.
func (e *endpoint) ids() []mail.DeliveryID {
	var ids []mail.DeliveryID
	for _, c := range e.got() {
		ids = append(ids, mail.DeliveryID(c.ID))
	}
	return ids
}

// takes answers 200 after a time, unless the client hangs up before.
func takes(d time.Duration) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(d):
		case <-r.Context().Done():
		}
	}
}

// says answers the n-th request by the n-th handler, and all further ones by the
// last.
func says(handlers ...http.HandlerFunc) http.HandlerFunc {
	var mu sync.Mutex
	n := 0
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		answer := handlers[min(n, len(handlers)-1)]
		n++
		mu.Unlock()
		answer(w, r)
	}
}

// status answers by a status alone.
func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

package events_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/events"
	"github.com/postern-mail/postern/gateway/internal/store"
)

type about struct {
	store.About
	kind string
}

// memory is a backend with the transactions of a store.
type memory struct {
	mu       sync.Mutex
	episodes map[about]store.Episode
	messages []store.NewMessage
}

func newMemory() *memory { return &memory{episodes: make(map[about]store.Episode)} }

func (m *memory) Episode(ctx context.Context, a store.About, kind string) (store.Episode, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e, ok := m.episodes[about{a, kind}]; ok {
		e.Reported = slices.Clone(e.Reported)
		return e, ctx.Err()
	}
	return store.Episode{About: a, Kind: kind}, ctx.Err()
}

func (m *memory) Episodes(ctx context.Context) ([]store.Episode, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []store.Episode
	for _, e := range m.episodes {
		if !e.OpenedAt.IsZero() {
			e.Reported = slices.Clone(e.Reported)
			list = append(list, e)
		}
	}
	return list, ctx.Err()
}

func (m *memory) Tell(ctx context.Context, e store.Episode, list []store.NewMessage) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := about{e.About, e.Kind}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case m.episodes[k].Version != e.Version:
		return store.ErrMoved
	}
	e.Version++
	e.Reported = slices.Clone(e.Reported)
	m.episodes[k] = e
	m.messages = append(m.messages, list...)
	return nil
}

func (m *memory) Enqueue(ctx context.Context, msg store.NewMessage) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.messages = append(m.messages, msg)
	return ctx.Err()
}

func (m *memory) stored(*testing.T) []stored {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []stored
	for _, msg := range m.messages {
		d := msg.Deliveries[0]
		list = append(list, stored{msg.Event, d.Endpoint, string(msg.ID.Delivery(1)), msg.Subject, d.Document})
	}
	return list
}

// What becomes of a Tell.
type fate int

const (
	kept    fate = iota // it is as it should be
	lost                // it fails, and nothing is stored
	unheard             // it is stored, and fails all the same
	beaten              // somebody else is faster
)

var errStore = errors.New("the store fails")

// faulty is a sink that fails as a test says.
type faulty struct {
	backend
	mu    sync.Mutex
	calls int // of all methods
	tells int
	fate  func(tell int) fate
	dead  bool   // all fails
	read  func() // called when the open episodes were read; nil for nothing
}

func (f *faulty) next(tell bool) (fate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	if f.dead {
		return kept, errStore
	}
	if !tell || f.fate == nil {
		return kept, nil
	}
	f.tells++
	return f.fate(f.tells), nil
}

func (f *faulty) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

func (f *faulty) die(dead bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dead = dead
}

func (f *faulty) Episode(ctx context.Context, a store.About, kind string) (store.Episode, error) {
	if _, err := f.next(false); err != nil {
		return store.Episode{}, err
	}
	return f.backend.Episode(ctx, a, kind)
}

func (f *faulty) Episodes(ctx context.Context) ([]store.Episode, error) {
	if _, err := f.next(false); err != nil {
		return nil, err
	}
	list, err := f.backend.Episodes(ctx)
	if f.read != nil {
		f.read()
	}
	return list, err
}

func (f *faulty) Tell(ctx context.Context, e store.Episode, list []store.NewMessage) error {
	what, err := f.next(true)
	switch {
	case err != nil:
		return err
	case what == lost:
		return errStore
	case what == beaten:
		return store.ErrMoved
	}
	err = f.backend.Tell(ctx, e, list)
	if what == unheard && err == nil {
		return errStore
	}
	return err
}

// clock is one that a test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2025, 10, 17, 14, 30, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// alerts is who gets everything of acme and of the gateway.
var alerts = store.Endpoint{Tenant: "acme", Name: "alerts"}

func toAlerts(string, string) []store.Endpoint { return []store.Endpoint{alerts} }

// process is an Events as a gateway has one.
type process struct {
	*events.Events
	clock *clock
	log   *buffer
}

type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// start makes an Events over a sink, as the start of a process does. Where who is nil, alerts
// gets everything.
func start(sink events.Sink, q events.Queue, c *clock, who func(tenant, event string) []store.Endpoint) process {
	if who == nil {
		who = toAlerts
	}
	log := &buffer{}
	return process{events.New(sink, q, events.Config{
		ServiceURL: "https://emailengine.example.com", Subscribers: who, Now: c.now,
		Retention: func(_ string, at time.Time) store.Retention { return store.Retention{ExpiresAt: at.Add(time.Hour)} },
		Logger:    hclog.New(&hclog.LoggerOptions{Output: log}),
	}), c, log}
}

// payload is what a receiver reads.
type payload struct {
	ServiceURL string `json:"serviceUrl"`
	Account    string `json:"account"`
	Event      string `json:"event"`
	EventID    string `json:"eventId"`
	Data       struct {
		Response string `json:"response"`
		Code     string `json:"serverResponseCode"`
	} `json:"data"`
}

// read reads the payload of a stored event.
func read(t *testing.T, s stored) payload {
	t.Helper()
	var p payload
	if err := json.Unmarshal([]byte(body(t, s.Document)), &p); err != nil {
		t.Fatal(err)
	}
	if p.EventID != s.ID || p.Event != s.Event.Name {
		t.Errorf("the payload says %q and %q of the event %s %s", p.EventID, p.Event, s.ID, s.Event.Name)
	}
	return p
}

// body is what is sent of a document.
func body(t *testing.T, marshalled []byte) string {
	t.Helper()
	doc, err := document.Unmarshal(marshalled)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := doc.Encode(&b, nil); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// lines says each event in a line: its name, and what is its cause.
func lines(t *testing.T, b backend) []string {
	t.Helper()
	var list []string
	for _, s := range b.stored(t) {
		p := read(t, s)
		line := s.Event.Name
		if p.Data.Code != "" {
			line += " " + p.Data.Code
		}
		list = append(list, line)
	}
	return list
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

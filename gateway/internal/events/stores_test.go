package events_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/events"
	"github.com/postern-mail/postern/gateway/internal/queue"
	"github.com/postern-mail/postern/gateway/internal/store"
	"github.com/postern-mail/postern/gateway/internal/store/postgres"
	"github.com/postern-mail/postern/gateway/internal/store/postgres/pgtest"
	"github.com/postern-mail/postern/gateway/internal/store/sqlite"
	"github.com/postern-mail/postern/gateway/internal/store/storetest"
)

// server is without fsync: what these tests are about does not depend on it.
var server = pgtest.Shared{Options: pgtest.Options{NoFsync: true}}

func TestMain(m *testing.M) {
	code := m.Run()
	server.Stop()
	os.Exit(code)
}

// backend is a store with a queue on it, and what a test asks it beside.
type backend interface {
	events.Sink
	events.Queue
	// stored are the events that were committed, in the order of that.
	stored(t *testing.T) []stored
}

// stored is an event as it was stored.
type stored struct {
	Event    store.Event
	Endpoint store.Endpoint
	ID       string // of the delivery
	Text     string
	Document []byte
}

// onEach runs a scenario on each backend, which is empty.
func onEach(t *testing.T, scenario func(t *testing.T, b backend)) {
	t.Helper()
	for name, open := range map[string]func(t *testing.T) backend{
		"memory": func(*testing.T) backend { return newMemory() },
		"SQLite": func(t *testing.T) backend {
			db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "postern.db"))
			return newDriver(t, db, err)
		},
		"PostgreSQL": func(t *testing.T) backend {
			db, err := postgres.Open(t.Context(), postgres.Config{DSN: server.Database(t)})
			return newDriver(t, db, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scenario(t, open(t))
		})
	}
}

// driver is a real store, with a queue on it.
type driver struct {
	*queue.Sources
	*queue.Queue
	db storetest.Store
}

func newDriver(t *testing.T, db storetest.Store, err error) driver {
	t.Helper()
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	q := queue.New(db, nil, queue.Config{Owner: t.Name(), Logger: hclog.NewNullLogger()})
	return driver{q.Sources(db), q, db}
}

func (d driver) stored(t *testing.T) []stored {
	t.Helper()
	deliveries, err := d.db.List(t.Context(), store.Filter{Events: true, Limit: 1000})
	must(t, err)
	slices.Reverse(deliveries)
	var list []stored
	for _, is := range deliveries {
		doc, err := d.db.Document(t.Context(), is.ID)
		must(t, err)
		list = append(list, stored{is.Event, is.Endpoint, string(is.ID), is.Subject, doc})
	}
	return list
}

package postgres

import (
	"context"
	"crypto/rand"
	mathrand "math/rand/v2"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/jackc/pgx/v5"
)

const (
	channel = "postern"
	// pollInterval is how late a process learns of deliveries whose notification got lost.
	pollInterval = time.Second
	// announceInterval is how often others are told at most. Notifications are not sent by
	// the transactions that they are about: the server makes those wait for each other.
	announceInterval = 10 * time.Millisecond
	// A connection that has ended is made again after a pause that doubles up to this.
	longestPause = 10 * time.Second
)

// waker tells other processes that deliveries are due, and hears it from them.
type waker struct {
	db     *DB
	log    hclog.Logger
	self   string // in the notifications of this process
	config *pgx.ConnConfig
	wake   chan struct{}
	due    chan struct{} // something is to be announced
	stop   context.CancelFunc
	ended  sync.WaitGroup
}

func newWaker(db *DB, config *pgx.ConnConfig, poll time.Duration) *waker {
	ctx, cancel := context.WithCancel(context.Background())
	w := &waker{db: db, log: db.log, self: rand.Text(), config: config, wake: make(chan struct{}, 1), due: make(chan struct{}, 1), stop: cancel}
	w.ended.Go(func() { w.poll(ctx, poll) })
	w.ended.Go(func() { w.listen(ctx) })
	w.ended.Go(func() { w.tell(ctx) })
	return w
}

// Wake implements store.Store.
func (db *DB) Wake() <-chan struct{} { return db.waker.wake }

// signal puts something into a channel, unless there is something already.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// announce has others told that deliveries are due. It does not wait for that.
func (w *waker) announce() { signal(w.due) }

func (w *waker) poll(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			signal(w.wake)
		}
	}
}

// tell announces what is due, the last of it when the store is closed.
func (w *waker) tell(ctx context.Context) {
	for {
		select {
		case <-w.due:
			w.notify()
		case <-ctx.Done():
			select {
			case <-w.due:
				w.notify()
			default:
			}
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(announceInterval):
		}
	}
}

func (w *waker) notify() {
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
	defer cancel()
	b := &pgx.Batch{}
	b.Queue("begin")
	b.Queue(forgetful)
	b.Queue(`SELECT pg_notify($1, $2)`, channel, w.self)
	b.Queue("commit")
	if err := w.db.write.SendBatch(ctx, b).Close(); err != nil {
		w.log.Debug("other gateways were not told of deliveries that are due; they look by themselves", "error", err)
	}
}

// listen wakes this process when another announces something, on a connection of its own
// that it makes again when it ends.
func (w *waker) listen(ctx context.Context) {
	pause := 100 * time.Millisecond
	for ctx.Err() == nil {
		began := time.Now()
		err := w.hear(ctx)
		if ctx.Err() != nil {
			return
		}
		w.log.Warn("lost the connection that other gateways' announcements come by; it is made again, and until then due deliveries are looked for once a second", "error", err)
		if time.Since(began) > longestPause {
			pause = 100 * time.Millisecond
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause/2 + mathrand.N(pause)): //nolint:gosec // spreads the load
		}
		pause = min(2*pause, longestPause)
	}
}

// hear listens until the connection ends.
func (w *waker) hear(ctx context.Context) error {
	conn, err := pgx.ConnectConfig(ctx, w.config)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
		defer cancel()
		_ = conn.Close(ctx)
	}()
	if _, err := conn.Exec(ctx, "listen "+channel); err != nil {
		return err
	}
	signal(w.wake) // for what came before
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		if n.Payload != w.self {
			signal(w.wake)
		}
	}
}

func (w *waker) close() {
	w.stop()
	w.ended.Wait()
}

package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	mathrand "math/rand/v2"
	"sync"
	"sync/atomic"
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
	// presence is held on the connection that listens, and intruded says that it was lost.
	presence Presence
	intruded atomic.Bool

	wake  chan struct{}
	due   chan struct{} // something is to be announced
	stop  context.CancelFunc
	ended sync.WaitGroup
}

// newWaker returns a waker that does not run yet.
func newWaker(db *DB, config *pgx.ConnConfig, presence Presence) *waker {
	return &waker{db: db, log: db.log, self: rand.Text(), config: config, presence: presence, wake: make(chan struct{}, 1), due: make(chan struct{}, 1)}
}

// run has it begin, on a connection that listens already, or nil to make one.
func (w *waker) run(conn *pgx.Conn, poll time.Duration) {
	ctx, cancel := context.WithCancel(context.Background())
	w.stop = cancel
	w.ended.Go(func() { w.poll(ctx, poll) })
	w.ended.Go(func() { w.listen(ctx, conn) })
	w.ended.Go(func() { w.tell(ctx) })
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
func (w *waker) listen(ctx context.Context, conn *pgx.Conn) {
	pause := 100 * time.Millisecond
	for ctx.Err() == nil {
		began := time.Now()
		err := w.hear(ctx, conn)
		if ctx.Err() != nil {
			return
		}
		conn = nil
		w.intruded.Store(true)
		if errors.Is(err, ErrTaken) {
			w.log.Error("the database is being copied while this gateway runs on it: stop one of them", "error", err)
		} else {
			w.log.Warn("lost the connection that other gateways' announcements come by; it is made again, and until then due deliveries are looked for once a second", "error", err)
		}
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

// connect makes the connection that listens.
func (w *waker) connect(ctx context.Context) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, w.config)
	if err != nil {
		return nil, err
	}
	if err = w.presence.enter(ctx, conn); err == nil {
		_, err = conn.Exec(ctx, "listen "+channel)
	}
	if err != nil {
		w.disconnect(conn)
		return nil, err
	}
	return conn, nil
}

func (w *waker) disconnect(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
	defer cancel()
	if !w.presence.leave(ctx, conn) {
		w.intruded.Store(true)
	}
	_ = conn.Close(ctx)
}

// hear listens until the connection ends.
func (w *waker) hear(ctx context.Context, conn *pgx.Conn) (err error) {
	if conn == nil {
		if conn, err = w.connect(ctx); err != nil {
			return err
		}
	}
	defer w.disconnect(conn)
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

// close ends it. It fails where somebody was to be alone and may not have been.
func (w *waker) close() error {
	w.stop()
	w.ended.Wait()
	if w.presence == Alone && w.intruded.Load() {
		return ErrIntruded
	}
	return nil
}

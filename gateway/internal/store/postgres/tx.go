package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// A durability says what a change waits for.
type durability bool

const (
	// durable changes are on the disk when they return.
	durable durability = true
	// lazy ones may get lost when the server crashes, which costs a repeat.
	lazy durability = false
)

// forgetful makes a transaction lazy.
const forgetful = "set local synchronous_commit = off"

// tries is how often a change is made that fails because of others at the same time.
const tries = 3

// tx is a transaction under way. Its statements go to the server by the batch, each in
// one round trip.
type tx struct {
	conn  *pgxpool.Conn
	how   durability
	begun bool
	call  func(func() error) error
}

// change makes a change: f, which may be called more than once, each time as if for the
// first, and which ends with commit. A context that ends meanwhile leaves open whether
// the change was made.
func (db *DB) change(ctx context.Context, how durability, f func(context.Context, *tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for try := 1; ; try++ {
		err := db.tryChange(ctx, how, f)
		if err == nil || try == tries || !mayPass(err) {
			return explain(err)
		}
	}
}

func (db *DB) tryChange(ctx context.Context, how durability, f func(context.Context, *tx) error) error {
	conn, err := db.write.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	pid := conn.Conn().PgConn().PID()
	if err := f(ctx, &tx{conn: conn, how: how, call: db.call}); err != nil {
		if conn.Conn().IsClosed() && how == durable && uncertain(err) {
			db.unsettle(pid)
		}
		return errors.Join(err, rollback(conn))
	}
	return nil
}

// rollback ends a transaction without a change. A connection that cannot do that is
// closed, with which the server does it.
func rollback(conn *pgxpool.Conn) error {
	if conn.Conn().IsClosed() || conn.Conn().PgConn().TxStatus() == 'I' {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
	defer cancel()
	if _, err := conn.Exec(ctx, "rollback"); err != nil {
		return conn.Conn().Close(ctx)
	}
	return nil
}

// send has the server do what is in a batch, and begins the transaction before it.
func (t *tx) send(ctx context.Context, b *pgx.Batch) error {
	whole := &pgx.Batch{}
	if !t.begun {
		whole.Queue("begin")
		if t.how == lazy {
			whole.Queue(forgetful)
		}
		t.begun = true
	}
	whole.QueuedQueries = append(whole.QueuedQueries, b.QueuedQueries...)
	return t.call(func() error { return t.conn.SendBatch(ctx, whole).Close() })
}

// commit sends a last batch and ends the transaction.
func (t *tx) commit(ctx context.Context, b *pgx.Batch) error {
	if !t.begun && t.how == durable && b.Len() == 1 { // it is a transaction by itself
		return t.call(func() error { return t.conn.SendBatch(ctx, b).Close() })
	}
	b.Queue("commit")
	return t.send(ctx, b)
}

// one makes a change of one statement, and returns how many rows it has changed.
func (db *DB) one(ctx context.Context, how durability, what, statement string, args ...any) (int, error) {
	var n int64
	err := db.change(ctx, how, func(ctx context.Context, tx *tx) error {
		b := &pgx.Batch{}
		b.Queue(statement, args...).Exec(counted(&n))
		return tx.commit(ctx, b)
	})
	if err != nil {
		return 0, fmt.Errorf("%s: %w", what, err)
	}
	return int(n), nil
}

// unsettle remembers a process of the server that was cut off while it made a change.
func (db *DB) unsettle(pid uint32) {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.unsettled[int64(pid)] = struct{}{}
}

// settle makes an end of the changes that were cut off, and waits for it: what the server
// then says is there is there, and what is not will not come any more.
func (db *DB) settle(ctx context.Context) error {
	db.mu.Lock()
	pids := slices.Collect(maps.Keys(db.unsettled))
	db.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for len(pids) > 0 {
		// A pooler's numbers are its own: another connection of a gateway at most ends.
		left, err := query(ctx, db, pgx.RowTo[int64], `
			SELECT pid::bigint FROM (
				SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity
				WHERE pid = ANY($1::bigint[]) AND pid <> pg_backend_pid() AND datname = current_database() AND usename = current_user
					AND application_name = current_setting('application_name') OFFSET 0) ended`, pids)
		if err != nil {
			return err
		}
		db.mu.Lock()
		for _, pid := range pids {
			if !slices.Contains(left, pid) {
				delete(db.unsettled, pid)
			}
		}
		db.mu.Unlock()
		if pids = left; len(pids) == 0 {
			break
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the server is still making changes that were cut off: %w", ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

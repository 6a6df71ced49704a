package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Presence is what a process is to others that have the same database, for as long as it has
// it open.
type Presence int

const (
	// Passing is a process that minds nobody, and that nobody minds.
	Passing Presence = iota
	// Serving is a gateway. There may be any number of them.
	Serving
	// Alone is a process beside which no gateway may run, and no other that is Alone.
	Alone
)

var (
	// ErrServed means that a database is not to be had alone.
	ErrServed = errors.New("a gateway is running on this database, or it is being copied; stop all gateways that use it")
	// ErrTaken means that somebody has the database alone.
	ErrTaken = errors.New("this database is being copied; start the gateway when that has ended")
	// ErrIntruded means that a process may not have been alone all the time.
	ErrIntruded = errors.New("the lock on the database was lost meanwhile, and a gateway may have run on it; look that none does, and do it again")
)

const (
	// presenceKey is the key of the lock that says who is there, which is of the session: the
	// server gives it back when the connection has ended. It is of the schema that the tables
	// are in, of which a database may have several. Goose's own is in the lower half.
	presenceKey = `(SELECT (1886352244::bigint << 32) | oid::bigint FROM pg_namespace WHERE nspname = current_schema())`
	// leaving is how long the server may take to find out that a process is gone, and
	// leavingPause how often it is asked meanwhile.
	leaving      = 3 * time.Second
	leavingPause = 50 * time.Millisecond
)

// enter takes the lock on a connection. It waits a little for who is about to go.
func (p Presence) enter(ctx context.Context, conn *pgx.Conn) error {
	try, refused := `SELECT pg_try_advisory_lock(`+presenceKey+`)`, ErrServed
	switch p {
	case Passing:
		return nil
	case Serving:
		try, refused = `SELECT pg_try_advisory_lock_shared(`+presenceKey+`)`, ErrTaken
	case Alone:
	}
	for end := time.Now().Add(leaving); ; {
		var entered bool
		if err := conn.QueryRow(ctx, try).Scan(&entered); err != nil {
			return fmt.Errorf("say that this process is there: %w", err)
		}
		switch {
		case entered:
			return nil
		case time.Now().After(end):
			return refused
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(leavingPause):
		}
	}
}

// leave gives the lock back, and reports whether it was there until now. The server would do so
// by itself, but later.
func (p Presence) leave(ctx context.Context, conn *pgx.Conn) (held bool) {
	give := `SELECT pg_advisory_unlock(` + presenceKey + `)`
	switch p {
	case Passing:
		return true
	case Serving:
		give = `SELECT pg_advisory_unlock_shared(` + presenceKey + `)`
	case Alone:
	}
	return conn.QueryRow(ctx, give).Scan(&held) == nil && held
}

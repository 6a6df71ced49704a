package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// maxBatch is how many changes one transaction takes.
const maxBatch = 1024

// erasePause is how long after one another the log is emptied for what was erased: each time
// takes some syncs.
const erasePause = 10 * time.Second

// errClosed means that a change came after the database was closed.
var errClosed = errors.New("the database is closed")

// committer makes all changes, on the one connection that writes. Those that come while a
// transaction is under way are made together in the next one: the disk is asked once for
// all of them. One that comes alone waits for nobody. Where a change fails, each of its
// batch is made again by itself, so that it fails alone.
type committer struct {
	conn  *sql.Conn
	file  string // of the database
	tx    *tx
	ended chan struct{}
	// open says that a transaction could not be ended, which is to be done first.
	open bool
	// synchronous is the setting by which commits wait for the disk, and waits says that
	// it is in force.
	synchronous string
	waits       bool
	// doubtful says that a commit failed. The kernel tells once of what it could not write, and
	// forgets it: commits that did not wait for the disk may be among that, and none behind
	// them outlives a power cut then.
	doubtful bool
	// unsure says that a commit failed which may have been made all the same, as where its log
	// was written and not synced: who opens the database next would find it. It ends with the
	// next commit, before which the log is emptied.
	unsure atomic.Bool
	// erased says that the log still has what was erased in the database. It was last emptied
	// for that at emptied.
	erased     bool
	emptied    time.Time
	erasePause time.Duration

	mu      sync.Mutex
	arrived sync.Cond
	pending []*change
	overdue bool // what was erased is to leave the log
	closed  bool
}

// change is what is to be made in a transaction.
type change struct {
	ctx context.Context //nolint:containedctx // of who waits for it
	// lasting says that it is to outlive a power cut when it is said to be made.
	lasting bool
	// erases says that what it has deleted is to be gone from the disk.
	erases bool
	// make may be called more than once, each time as if for the first.
	make func(*tx) error
	done chan error
}

// newCommitter returns a committer on a connection of its own.
func newCommitter(ctx context.Context, db *sql.DB, file, synchronous string) (*committer, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	c := &committer{conn: conn, file: file, synchronous: synchronous, waits: true, tx: &tx{conn: conn, statements: make(map[string]*sql.Stmt)}, ended: make(chan struct{}), erasePause: erasePause}
	c.arrived.L = &c.mu
	go c.run()
	return c, nil
}

// do has a change made. It returns when the change is on the disk, or was not made. A
// context that ends counts until the change's transaction has begun.
func (c *committer) do(ctx context.Context, f func(*tx) error) error { return c.have(ctx, f, true) }

// lease has a change made of who holds what. It outlives the process, and not a power cut,
// after which nobody holds anything: so where all of a transaction is of leases, the disk is
// not waited for.
func (c *committer) lease(ctx context.Context, f func(*tx) error) error { return c.have(ctx, f, false) }

func (c *committer) have(ctx context.Context, f func(*tx) error, lasting bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	one := &change{ctx: ctx, make: f, lasting: lasting, done: make(chan error, 1)}
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return errClosed
	}
	c.pending = append(c.pending, one)
	c.arrived.Signal()
	c.mu.Unlock()
	// Its transaction may have begun, and writes to what is the caller's: so it is waited
	// for. What waits longer than one transaction takes is passed over when it is its turn.
	return explain(c.file, <-one.done)
}

// run makes changes until close.
func (c *committer) run() {
	defer close(c.ended)
	for {
		c.mu.Lock()
		for len(c.pending) == 0 && !c.closed && !c.overdue {
			c.arrived.Wait()
		}
		overdue, closed := c.overdue, c.closed
		c.overdue = false
		batch := c.pending[:min(len(c.pending), maxBatch)]
		c.pending = c.pending[len(batch):]
		c.mu.Unlock()
		if len(batch) > 0 {
			c.commit(batch)
		} else if closed {
			return // who closes the database last empties the log
		}
		if overdue {
			c.empty()
		}
	}
}

// commit makes a batch of changes, all in one transaction or each in its own.
func (c *committer) commit(batch []*change) {
	var wanted []*change
	for _, one := range batch {
		if err := one.ctx.Err(); err != nil {
			one.done <- err
			continue
		}
		wanted = append(wanted, one)
	}
	if len(wanted) == 0 {
		return
	}
	err := c.together(wanted)
	if err != nil && len(wanted) > 1 {
		for _, one := range wanted {
			c.answer([]*change{one}, c.together([]*change{one}))
		}
		return
	}
	c.answer(wanted, err)
}

// answer tells of changes that were made, or failed, in one transaction. One that erases is told
// last, once what it has erased has left the log, where that can be had now.
func (c *committer) answer(batch []*change, err error) {
	var erasing []*change
	for _, one := range batch {
		if one.erases && err == nil {
			erasing = append(erasing, one)
			continue
		}
		one.done <- err
	}
	if len(erasing) == 0 {
		return
	}
	due := !c.erased // else it is for later already
	c.erased = true
	if wait := c.erasePause - time.Since(c.emptied); wait > 0 && due {
		c.emptyAfter(wait)
	} else if due {
		c.empty()
	}
	for _, one := range erasing {
		one.done <- nil
	}
}

// empty takes what was erased out of the log, or has that tried again: the change is made, so
// nobody is told that it failed.
func (c *committer) empty() {
	if !c.erased {
		return
	}
	c.emptied = time.Now()
	// Nobody waits for who reads: the one connection that writes would wait.
	err := c.patience(0)
	if err == nil {
		err = c.checkpoint(context.Background())
	}
	err = errors.Join(err, c.patience(busyTimeout))
	if err == nil {
		return
	}
	c.erased = true
	// A sync that failed does so once.
	c.doubtful = c.doubtful || !errors.Is(err, errRead)
	c.emptyAfter(c.erasePause)
}

// emptyAfter has the log emptied when it is time.
func (c *committer) emptyAfter(wait time.Duration) {
	time.AfterFunc(wait, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.overdue = true
		c.arrived.Signal()
	})
}

// patience sets how long a statement waits for others that have the database.
func (c *committer) patience(d time.Duration) error {
	_, err := c.conn.ExecContext(context.Background(), fmt.Sprintf("PRAGMA busy_timeout = %d", d.Milliseconds()))
	return err
}

// together makes changes in one transaction. With an error none of them is made.
func (c *committer) together(batch []*change) error {
	ctx := context.Background()
	if c.open {
		if err := c.rollback(); err != nil {
			return fmt.Errorf("end the transaction before: %w", err)
		}
	}
	if err := c.wait(ctx, slices.ContainsFunc(batch, func(one *change) bool { return one.lasting })); err != nil {
		return err
	}
	if err := c.secure(ctx); err != nil {
		return err
	}
	if _, err := c.tx.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	for _, one := range batch {
		c.tx.erases = false
		if err := one.make(c.tx); err != nil {
			return errors.Join(err, c.rollback())
		}
		one.erases = c.tx.erases
	}
	if _, err := c.tx.ExecContext(ctx, "COMMIT"); err != nil {
		c.doubtful = !isOf(err, sqlite3.SQLITE_CONSTRAINT)
		// What did not fit into the log has no end in it.
		c.unsure.Store(c.doubtful && !isOf(err, codeFull))
		return errors.Join(fmt.Errorf("commit: %w", err), c.rollback())
	}
	c.unsure.Store(false)
	return nil
}

// wait has the next commit wait for the disk, or not. A database that is opened for tests
// never waits stays so.
func (c *committer) wait(ctx context.Context, lasting bool) error {
	if lasting == c.waits {
		return nil
	}
	setting := "NORMAL"
	if lasting {
		setting = c.synchronous
	}
	c.waits = false // until it is known to
	// Not prepared: it takes effect when it is read.
	if _, err := c.conn.ExecContext(ctx, "PRAGMA synchronous = "+setting); err != nil {
		return fmt.Errorf("set synchronous: %w", err)
	}
	c.waits = lasting
	return nil
}

// secure has all that was committed in the database itself, and its log empty, where a commit
// has failed. Until that is done nothing more is committed.
func (c *committer) secure(ctx context.Context) error {
	if !c.doubtful {
		return nil
	}
	if err := c.checkpoint(ctx); err != nil {
		return fmt.Errorf("make durable what was committed before an error: %w", err)
	}
	c.doubtful = false
	return nil
}

// errRead means that the log could not be emptied since somebody reads what is in it.
var errRead = errors.New("the database is being read")

// checkpoint takes the log into the database, and empties it.
func (c *committer) checkpoint(ctx context.Context) error {
	var busy, frames, copied int
	if err := c.conn.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &copied); err != nil {
		return err
	}
	if busy != 0 {
		return errRead
	}
	c.erased = false
	return nil
}

// isOf reports whether an error is SQLite's, and of a kind.
func isOf(err error, code int) bool {
	e, ok := errors.AsType[*driver.Error](err)
	return ok && e.Code()&0xff == code
}

// rollback ends a transaction without a change. SQLite has done so itself where the disk is
// full or fails.
func (c *committer) rollback() error {
	_, err := c.tx.ExecContext(context.Background(), "ROLLBACK")
	if err != nil && strings.Contains(err.Error(), "no transaction is active") {
		err = nil
	}
	c.open = err != nil
	return err
}

// close makes what waits and ends.
func (c *committer) close() error {
	c.mu.Lock()
	c.closed = true
	c.arrived.Signal()
	c.mu.Unlock()
	<-c.ended
	return errors.Join(c.tx.close(), c.conn.Close())
}

// tx is a transaction under way. It prepares each statement once. A context that ends
// does not interrupt it: others are in it too.
type tx struct {
	conn       *sql.Conn
	statements map[string]*sql.Stmt
	lastSeq    int64 // of messages
	erases     bool  // the change under way
	// fault stands for a database that fails; nil but in tests.
	fault func() error
}

// nextSeq is the seq of a message to be inserted. None comes twice while the database is
// open, also where its message was deleted: a lease may still name it.
func (t *tx) nextSeq(ctx context.Context) (int64, error) {
	if t.lastSeq == 0 {
		if err := t.row(ctx, `SELECT coalesce(max(seq), ?) FROM messages`, 0, &t.lastSeq); err != nil {
			return 0, err
		}
	}
	t.lastSeq++
	return t.lastSeq, nil
}

func (t *tx) prepared(ctx context.Context, query string) (*sql.Stmt, error) {
	if t.fault != nil {
		if err := t.fault(); err != nil {
			return nil, err
		}
	}
	if s, ok := t.statements[query]; ok {
		return s, nil
	}
	s, err := t.conn.PrepareContext(ctx, query)
	if err == nil {
		t.statements[query] = s
	}
	return s, err
}

// ExecContext runs a statement, which is one of a fixed number.
func (t *tx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	s, err := t.prepared(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(context.WithoutCancel(ctx), args...)
}

// QueryContext reads rows.
func (t *tx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := t.prepared(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(context.WithoutCancel(ctx), args...)
}

// row reads the one row that there is into variables.
func (t *tx) row(ctx context.Context, query string, arg any, into ...any) error {
	s, err := t.prepared(ctx, query)
	if err != nil {
		return err
	}
	return s.QueryRowContext(context.WithoutCancel(ctx), arg).Scan(into...)
}

func (t *tx) close() error {
	var errs []error
	for _, s := range t.statements {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

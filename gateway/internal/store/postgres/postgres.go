// Package postgres is the store of several gateways: tables in one PostgreSQL database,
// which all of them read and write.
//
// # Durability
//
// What is accepted is committed with the server's synchronous_commit, which Open refuses
// where it is off. Claims and what else only costs a repeat when it is lost are committed
// without waiting for the disk. Where a connection breaks while a change is under way,
// nobody knows whether it was made: the caller gets an error, and LiveBodies answers once
// the server has made an end of it.
//
// # Invariants
//
//   - Leases are of their owner, wherever that runs: Open leaves them alone, Reap takes
//     those back whose time is over, and Release gives an owner's back.
//   - Rows are locked in the order episodes, switches, mailboxes, fetched, messages, queue, deliveries, and by seq within a table,
//     or those that are locked already are passed over: so changes do not wait for each
//     other in a circle.
//   - A gateway that runs holds a lock, which who needs the database alone does not get
//     meanwhile. It is of the connection that listens, and is taken again with that; a pooler
//     has to keep the session of a connection, or nobody can be told from another.
//   - Another process is told that deliveries are due by NOTIFY, which may get lost: so
//     Wake receives every second anyway.
//
// Text of foreign origin may hold what PostgreSQL's text cannot, zeros and octets that are
// not UTF-8: they are replaced by U+FFFD.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// Bounds of the connections.
const (
	defaultConnections = 16
	// leastConnections are one to listen, one to read, and two to write.
	leastConnections = 4

	connectTimeout = 10 * time.Second
	// patience bounds a change or a read as a whole, and statementTimeout each statement
	// of it at the server; so it is the server, if it answers, that says what was too slow.
	patience         = 40 * time.Second
	statementTimeout = 30 * time.Second
	lockTimeout      = 10 * time.Second
	idleInTxTimeout  = time.Minute

	// oldest is the oldest version of the server, as it numbers them, that is tested for.
	oldest = 130000
	// mostAhead is by how much clocks may differ: a lease lasts a minute.
	mostAhead = 20 * time.Second
)

// Config says where the database is.
type Config struct {
	// DSN is a URL, postgres://user:password@host:5432/database, or a list of keywords
	// and values, host=... dbname=...
	DSN string
	// MaxConnections is how many connections a process opens at most, at least 4. 0 means
	// 16.
	MaxConnections int
	// KeepTables leaves the tables as they are: where they are not up to date, Open fails with
	// store.ErrOlder.
	KeepTables bool
	// Presence is what the process is to others. Open fails with ErrTaken or ErrServed where
	// it cannot be that, and has changed nothing.
	Presence Presence
	Logger   hclog.Logger
}

// DB is a store.Store.
type DB struct {
	log hclog.Logger
	// Reads have connections of their own, so that slow ones do not hold up mail.
	write, read *pgxpool.Pool

	enqueues *committer[*enqueuing]
	puts     *committer[*putting]
	finishes *committer[*finishing]
	begins   *committer[store.Lease]
	waker    *waker

	// before and now are the versions of the tables, when it was opened and since.
	before, now int64

	// scans bounds how many reads of the log are under way, so that mail can read too.
	scans chan struct{}

	// call makes a call of the server; in tests it may fail.
	call func(do func() error) error

	mu sync.Mutex
	// unsettled are server processes that may still make a change whose caller has given
	// up.
	unsettled map[int64]struct{}
}

var (
	_ store.Store   = (*DB)(nil)
	_ store.Sources = (*DB)(nil)
)

// Open connects to the database and brings its tables up to date, unless they are to be kept.
func Open(ctx context.Context, c Config) (*DB, error) { return openPolling(ctx, c, pollInterval) }

// openPolling opens a store that looks for due deliveries as often by itself.
func openPolling(ctx context.Context, c Config, poll time.Duration) (*DB, error) {
	base, err := parse(c.DSN)
	if err != nil {
		return nil, err
	}
	n := c.MaxConnections
	if n == 0 {
		n = defaultConnections
	}
	if n < leastConnections {
		return nil, fmt.Errorf("open PostgreSQL store: %d connections are too few; allow at least %d", n, leastConnections)
	}
	db := &DB{log: c.Logger, call: func(do func() error) error { return do() }, unsettled: make(map[int64]struct{})}
	if db.log == nil {
		db.log = hclog.NewNullLogger()
	}
	db.waker = newWaker(db, base.ConnConfig, c.Presence)
	listening, err := db.open(ctx, base, n, c.KeepTables)
	if err != nil {
		db.closePools()
		return nil, fmt.Errorf("open PostgreSQL store: %w", explain(err))
	}
	db.enqueues = newCommitter(writers, db.enqueue)
	db.puts = newCommitter(writers, db.put)
	db.finishes = newCommitter(writers, db.finish)
	db.begins = newCommitter(1, db.begin)
	db.waker.run(listening, poll)
	return db, nil
}

// parse reads a DSN. What is wrong with one is not quoted: it may hold a password, and
// be wrong just there.
func parse(dsn string) (*pgxpool.Config, error) {
	c, err := pgxpool.ParseConfig(dsn)
	if dsn == "" || err != nil {
		return nil, errors.New("open PostgreSQL store: the DSN cannot be read; it is a URL as in postgres://user:password@host:5432/database?sslmode=verify-full, " +
			"in which the password is percent-encoded, or a list as in host=HOST user=USER dbname=DATABASE")
	}
	if c.ConnConfig.ConnectTimeout == 0 {
		c.ConnConfig.ConnectTimeout = connectTimeout
	}
	if c.ConnConfig.ValidateConnect == nil {
		// Of several hosts, the one that takes changes.
		c.ConnConfig.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsPrimary
	}
	if _, ok := c.ConnConfig.RuntimeParams["application_name"]; !ok {
		c.ConnConfig.RuntimeParams["application_name"] = "postern"
	}
	return c, nil
}

// open makes the pools and checks what they lead to. It returns the connection on which the
// process is present, or nil.
func (db *DB) open(ctx context.Context, base *pgxpool.Config, n int, keepTables bool) (listening *pgx.Conn, err error) {
	reads := max(1, n/3)
	db.scans = make(chan struct{}, max(1, reads-2))
	if db.write, err = pool(ctx, base, n-1-reads, map[string]string{
		"lock_timeout":                        milliseconds(lockTimeout),
		"idle_in_transaction_session_timeout": milliseconds(idleInTxTimeout),
		// All changes are of few rows by their keys. A plan that was made while the tables
		// were empty reads them whole, and would go on to do so until they are analyzed.
		"plan_cache_mode": "force_generic_plan",
		"enable_seqscan":  "off",
	}); err != nil {
		return nil, err
	}
	if db.read, err = pool(ctx, base, reads, map[string]string{
		"default_transaction_read_only": "on",
		"plan_cache_mode":               "force_custom_plan", // filters differ
		"jit":                           "off",
	}); err != nil {
		return nil, err
	}
	if err := db.check(ctx); err != nil {
		return nil, err
	}
	if db.waker.presence != Passing {
		if listening, err = db.waker.connect(ctx); err != nil {
			return nil, err
		}
	}
	if keepTables {
		err = db.current(ctx)
	} else {
		err = db.migrate(ctx, base.ConnConfig)
	}
	if err != nil && listening != nil {
		db.waker.disconnect(listening)
	}
	return listening, err
}

// pool makes a pool of at most n connections with settings of their own.
func pool(ctx context.Context, base *pgxpool.Config, n int, settings map[string]string) (*pgxpool.Pool, error) {
	c := base.Copy()
	c.MaxConns = int32(n)
	c.MinConns = 0
	c.ConnConfig.RuntimeParams["statement_timeout"] = milliseconds(statementTimeout)
	maps.Copy(c.ConnConfig.RuntimeParams, settings)
	return pgxpool.NewWithConfig(ctx, c)
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// check looks whether the server can keep the promise of a store.
func (db *DB) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var version int
	var encoding, sync, fsync string
	var clock time.Time
	asked := time.Now()
	err := db.write.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, current_setting('server_encoding'), current_setting('synchronous_commit'), current_setting('fsync'), clock_timestamp()`).
		Scan(&version, &encoding, &sync, &fsync, &clock)
	if err != nil {
		return err
	}
	// The answer was on its way for as long as it took at most.
	ahead := max(asked.Sub(clock), time.Until(clock))
	switch {
	case ahead > mostAhead:
		return fmt.Errorf("the clocks of this machine and of the server differ by %s; leases and retention go by them: have both synchronized", ahead.Round(time.Second))
	case version < oldest:
		return fmt.Errorf("the server is PostgreSQL %d; version %d or newer is needed", version/10000, oldest/10000)
	case !strings.EqualFold(encoding, "UTF8"):
		return fmt.Errorf("the database has encoding %s; make one with ENCODING 'UTF8' TEMPLATE template0", encoding)
	case sync == "off":
		return errors.New("synchronous_commit is off, with which accepted mails may get lost; have it on for this role, as by ALTER ROLE ... SET synchronous_commit = on")
	case fsync == "off":
		db.log.Warn("the PostgreSQL server runs with fsync off: a power cut can destroy the database")
	}
	return nil
}

// Close ends the connections once what waits to be written is, and running reads have
// ended. It fails with ErrIntruded where the process was to be Alone and may not have been.
func (db *DB) Close() error {
	db.enqueues.close()
	db.puts.close()
	db.finishes.close()
	db.begins.close()
	err := db.waker.close()
	db.closePools()
	return err
}

func (db *DB) closePools() {
	for _, p := range []*pgxpool.Pool{db.write, db.read} {
		if p != nil {
			p.Close()
		}
	}
}

// reading runs a read with a bound on its time, on one connection and seeing one moment.
func (db *DB) reading(ctx context.Context, f func(context.Context, pgx.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := pgx.BeginTxFunc(ctx, db.read, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error { return f(ctx, tx) })
	return explain(err)
}

// scan reads rows of the log, of which it may have to look at many.
func scan[T any](ctx context.Context, db *DB, row pgx.RowToFunc[T], statement string, args ...any) ([]T, error) {
	select {
	case db.scans <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-db.scans }()
	return query(ctx, db, row, statement, args...)
}

// query reads rows in a statement of its own.
func query[T any](ctx context.Context, db *DB, scan pgx.RowToFunc[T], statement string, args ...any) ([]T, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	rows, err := db.read.Query(ctx, statement, args...)
	if err != nil {
		return nil, explain(err)
	}
	list, err := pgx.CollectRows(rows, scan)
	return list, explain(err)
}

func millis(t time.Time) int64 { return t.UnixMilli() }

func fromMillis(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// orNull is NULL for the zero time.
func orNull(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	ms := millis(t)
	return &ms
}

// orZero is the zero time for NULL.
func orZero(ms *int64) time.Time {
	if ms == nil {
		return time.Time{}
	}
	return fromMillis(*ms)
}

// clean is what of a string can be stored as text.
func clean[S ~string](s S) string {
	return strings.ReplaceAll(strings.ToValidUTF8(string(s), "\uFFFD"), "\x00", "\uFFFD")
}

// bodyOrNull is NULL for a message without a body.
func bodyOrNull(ref mail.BodyRef) *string {
	if ref == "" {
		return nil
	}
	s := string(ref)
	return &s
}

// Package imap fetches mail from mail accounts, by IMAP, and hands it to reception as any other source does.
//
// # Invariants
//
//   - Each mail is taken once by its account, folder, UIDVALIDITY and UID. How far a folder was fetched is moved in the
//     transaction that stores the mail; mails of a folder are taken in the order of their UIDs.
//   - Nothing is done to a mail on its server before it is safe here, and nothing at all to one that was not taken.
//     What a crash leaves undone is done at the next connection.
//   - No mail is in memory as a whole, and nothing that a server sends takes more than its bounds in time and
//     memory: see guard.
//   - An account is tried for ever, by a backoff that only a connection of five minutes resets. Only logins that
//     fail for three days disable it.
//   - What happens to one account does nothing to the others.
//
// # Durability
//
// What is durable is in the store; a process that starts goes on where the one before was.
package imap

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/outbound"
	"github.com/postern-mail/postern/gateway/internal/reception"
	"github.com/postern-mail/postern/gateway/internal/store"
)

const (
	// connecting is how many accounts connect at the same time, up to a TLS handshake.
	connecting = 16
	// startEvery spreads the first connections: so much time for each account, a minute at the most.
	startEvery   = 20 * time.Millisecond
	longestStart = time.Minute
	// startAtOnce is how many accounts are not spread.
	startAtOnce = 10
)

// Receiver takes mail in; *reception.Reception is one.
type Receiver interface {
	Receive(ctx context.Context, m reception.Mail, body io.Reader) (mail.MessageID, error)
}

// Events is told what fails and what works; *events.Events is one.
type Events interface {
	Failed(ctx context.Context, about store.About, f *outbound.Failure) error
	Succeeded(ctx context.Context, about store.About) error
	Reset(ctx context.Context, about store.About, why string) error
}

// Switch switches accounts off. Disable does that durably, and has it told of in the same transaction.
type Switch interface {
	Episode(ctx context.Context, about store.About, kind string) (store.Episode, error)
	Disable(ctx context.Context, about store.About, reason string) error
}

// Mailboxes says how far folders were fetched; a store.Sources is one.
type Mailboxes interface {
	Mailbox(ctx context.Context, account, folder string) (store.Mailbox, bool, error)
	PutMailbox(ctx context.Context, m store.Mailbox) error
}

// Marks says what of the mails that were taken is done with on their servers; a store.Sources is one.
type Marks interface {
	Handled(ctx context.Context, f store.Fetched) error
	Unhandled(ctx context.Context, account, folder string, limit int) ([]store.Fetched, error)
}

// Known says which mails were taken or passed over; a store.Sources is one.
type Known interface {
	Known(ctx context.Context, account, folder string, digest store.Digest) (bool, error)
	Pass(ctx context.Context, f store.Fetched) error
}

// Deps is what a Manager works with.
type Deps struct {
	Receiver  Receiver
	Events    Events
	Switch    Switch
	Mailboxes Mailboxes
	Marks     Marks
	Known     Known
	Tokens    outbound.Tokens
	// Holds is nil where one process has the store to itself.
	Holds Holds
	// Owner is unique to a running process.
	Owner string
	// Hostname is the gateway's own.
	Hostname string
	Dialer   outbound.Dialer
	// HTTP reaches token endpoints; nil is one of its own.
	HTTP *http.Client
	Log  hclog.Logger

	keeper  *keeper
	refresh *outbound.RefreshTokens                                              // of Tokens; accounts that run, that end and that are tried have it in common
	dial    func(ctx context.Context, s outbound.Server) (*outbound.Conn, error) // nil is Dialer's
}

// Manager runs accounts. Its methods may be called by any number of goroutines.
type Manager struct {
	deps  *Deps
	slots chan struct{}
	log   hclog.Logger
	wg    sync.WaitGroup

	changing sync.Mutex // held by Reconfigure

	mu      sync.Mutex
	run     context.Context //nolint:containedctx // of Run, for accounts that come later; nil before
	running map[string]*running
}

// running is an account with its goroutine.
type running struct {
	*account
	stop context.CancelFunc
	done chan struct{}
}

// New returns a manager without accounts. Reconfigure gives it some, and Run runs them.
func New(deps Deps) *Manager {
	m := &Manager{slots: make(chan struct{}, connecting), running: make(map[string]*running), log: deps.Log.Named("imap")}
	deps.keeper = &keeper{holds: deps.Holds, owner: deps.Owner, log: m.log, held: make(map[string]*held)}
	deps.refresh = outbound.NewRefreshTokens(deps.Tokens)
	m.deps = &deps
	return m
}

// Run runs the accounts until the context ends, and returns when all of them have stopped.
func (m *Manager) Run(ctx context.Context) {
	m.mu.Lock()
	m.run = ctx
	if m.deps.Holds != nil {
		m.wg.Go(func() { m.deps.keeper.run(ctx) })
	}
	over := spreadOver(len(m.running))
	for _, r := range m.running {
		m.start(r, over)
	}
	m.mu.Unlock()
	<-ctx.Done()
	m.mu.Lock()   // whoever starts one has seen that the context has ended, or has started it
	m.mu.Unlock() //nolint:staticcheck // it is a barrier
	m.wg.Wait()
}

// spreadOver is within what time so many accounts begin.
func spreadOver(accounts int) time.Duration {
	if accounts <= startAtOnce {
		return 0
	}
	return min(longestStart, time.Duration(accounts)*startEvery)
}

// start starts the goroutine of an account, where the manager runs. The caller holds mu.
func (m *Manager) start(r *running, over time.Duration) {
	if m.run == nil || m.run.Err() != nil {
		return
	}
	ctx, stop := context.WithCancel(m.run)
	r.stop = stop
	m.wg.Go(func() {
		defer close(r.done)
		defer stop()
		r.run(ctx, over)
	})
}

// Reconfigure makes these the accounts that are to run. One whose settings have changed, or that was disabled,
// begins anew, at once; the others go on. It returns when those that have gone or changed have stopped; ctx bounds the
// events about that.
func (m *Manager) Reconfigure(ctx context.Context, accounts []Config) {
	m.changing.Lock()
	defer m.changing.Unlock()
	wanted := make(map[string]Config, len(accounts))
	for _, c := range accounts {
		wanted[c.Name] = c.withDefaults()
	}
	var stopped, changed []*running
	m.mu.Lock()
	for name, r := range m.running {
		c, ok := wanted[name]
		if ok && c.same(r.cfg) && r.state() != Disabled {
			delete(wanted, name)
			continue
		}
		delete(m.running, name)
		if r.stop != nil {
			r.stop()
			stopped = append(stopped, r)
		}
		if ok && (!c.sameServer(r.cfg) || c.Tenant != r.cfg.Tenant) {
			changed = append(changed, r)
		}
	}
	m.mu.Unlock() // whoever asks how they fare need not wait for those that stop
	for _, r := range stopped {
		<-r.done
	}
	for _, r := range changed {
		m.reset(ctx, r.cfg.about())
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	over := spreadOver(len(wanted))
	for name, c := range wanted {
		r := &running{account: newAccount(c, m.deps, m.slots, m.log), done: make(chan struct{})}
		m.running[name] = r
		m.start(r, over)
	}
}

func (m *Manager) reset(ctx context.Context, about store.About) {
	if err := m.deps.Events.Reset(ctx, about, ""); err != nil {
		m.log.Error("a change of an account could not be told of", "account", about.Name, "error", err)
	}
}

// StatusOf says what is known of one account; false where there is none of that name.
func (m *Manager) StatusOf(name string) (Status, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.running[name]
	if !ok {
		return Status{}, false
	}
	return r.snapshot(), true
}

// State is what an account does.
type State string

// The states.
const (
	Waiting    State = "waiting"    // for the next attempt
	Connecting State = "connecting" // or for its turn to
	Connected  State = "connected"  // and logged in
	Standby    State = "standby"    // another process runs it
	Disabled   State = "disabled"   // its logins have failed for too long
)

// Status is what is known of an account.
type Status struct {
	Name, Tenant string
	State        State
	// Since is when it came into the state; of one that connects or waits, since it was connected.
	Since time.Time
	// Err is what went wrong last since it was connected, at FailedAt, and Failure says it as an event does,
	// where it was of the connection or the login; nil where nothing did.
	Err      error
	Failure  *outbound.Failure
	FailedAt time.Time
	// NextAttempt is when it connects next; zero while it does not wait for that.
	NextAttempt time.Time
	// Folders say how far they were fetched.
	Folders []store.Mailbox
	// Fetched is how many mails were taken since the process has started, or the account was changed.
	Fetched int64
}

func (a *account) state() State { return a.snapshot().State }

func (a *account) snapshot() Status {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.status
}

// Status says what is known of the accounts, by their names.
func (m *Manager) Status() []Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := make([]Status, 0, len(m.running))
	for _, r := range m.running {
		list = append(list, r.snapshot())
	}
	slices.SortFunc(list, func(a, b Status) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// Report is what a test of an account has found.
type Report struct {
	// Connected, LoggedIn and Listed say how far it came.
	Connected, LoggedIn, Listed bool
	// TLS is the version and cipher; empty in clear.
	TLS string
	// Folders are those that there are, and Missing those of the account that are not.
	Folders, Missing []string
	// Idles, Moves and Expunges say what the server can: tell of new mail, move, and delete single mails.
	Idles, Moves, Expunges bool
	// Failure is what ended it, with the kind and code that an event would have; nil where all went well.
	Failure *outbound.Failure
}

// Test connects with an account's settings, logs in and lists the folders. It takes nothing, and tells
// nobody but its caller. The error is that of ctx, or of the store.
func (m *Manager) Test(ctx context.Context, cfg Config) (Report, error) {
	a := newAccount(cfg, m.deps, make(chan struct{}, 1), m.log)
	report, err := a.test(ctx)
	if f := kindOf(err); f != nil {
		report.Failure, err = f, nil
	}
	return report, err
}

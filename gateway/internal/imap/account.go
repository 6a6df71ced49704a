package imap

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/outbound"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// Logins fail for disableAfter until an account is disabled, and of those one after the other that this process has made
// disableFrom: a single one that was refused long after another says little.
const (
	disableAfter = 72 * time.Hour
	disableFrom  = 10
)

// A server may tell of new mail falseNews times, one after the other, where there is none. After that it is listened to after
// a while, a second longer each time.
const (
	falseNews   = 3
	longestCalm = time.Minute
)

// account runs one account, in one goroutine.
type account struct {
	cfg   Config
	deps  *Deps
	auth  *outbound.Authenticator
	slots chan struct{} // who connects holds one, until the connection stands
	log   hclog.Logger

	folders []*progress
	backoff backoff
	// lived is how long the connection before has lived, negative before the first.
	lived time.Duration
	// refused counts the logins that were refused since one was not.
	refused int

	mu     sync.Mutex
	status Status
}

func newAccount(cfg Config, deps *Deps, slots chan struct{}, log hclog.Logger) *account {
	cfg = cfg.withDefaults()
	a := &account{
		cfg: cfg, deps: deps, slots: slots, lived: -1, log: log.With("account", cfg.Name),
		auth:   outbound.NewAuthenticator(cfg.Name, cfg.Login, deps.refresh, deps.HTTP),
		status: Status{Name: cfg.Name, Tenant: cfg.Tenant, State: Waiting, Since: time.Now()},
	}
	for _, name := range cfg.Folders {
		a.folders = append(a.folders, &progress{name: name})
	}
	return a
}

// run connects and fetches until the context ends or the account is disabled. It begins after a time by
// chance, of up to spread.
func (a *account) run(ctx context.Context, spread time.Duration) {
	if spread > 0 && sleep(ctx, time.Duration(rand.Int64N(int64(spread)))) != nil { //nolint:gosec // chance, not a secret
		return
	}
	for ctx.Err() == nil {
		began := time.Now()
		err := a.hidden(a.attempt(ctx))
		if ctx.Err() != nil {
			return
		}
		if a.failed(ctx, err) {
			return
		}
		wait := a.backoff.next()
		a.set(func(s *Status) {
			s.State, s.NextAttempt = Waiting, time.Now().Add(wait)
		})
		a.log.Debug("waits for the next attempt", "wait", wait.Round(time.Second).String(), "after", time.Since(began).Round(time.Second).String())
		if sleep(ctx, wait) != nil {
			return
		}
	}
}

// failed tells of the end of an attempt. It reports whether the account is disabled now.
func (a *account) failed(ctx context.Context, err error) (disabled bool) {
	a.set(func(s *Status) { s.Err, s.Failure, s.FailedAt = err, kindOf(err), time.Now() })
	f := kindOf(err)
	if f == nil {
		a.log.Error("an attempt has ended", "error", err)
		return false
	}
	a.log.Warn("the connection or the login has failed", "kind", f.Kind, "code", f.Code, "response", hclog.Quote(f.Response))
	about := a.cfg.about()
	if err := a.deps.Events.Failed(ctx, about, f); err != nil {
		a.log.Error("a failure could not be told of", "error", err)
		return false
	}
	if f.Kind != outbound.Authentication {
		return false
	}
	if a.refused++; a.refused < disableFrom {
		return false
	}
	episode, err := a.deps.Switch.Episode(ctx, about, string(outbound.Authentication))
	if err != nil {
		a.log.Error("nobody can say since when logins fail", "error", err)
		return false
	}
	if episode.OpenedAt.IsZero() || time.Since(episode.OpenedAt) < disableAfter {
		return false
	}
	reason := fmt.Sprintf("logins have failed since %s: %s", episode.OpenedAt.UTC().Format(time.RFC3339), f.Response)
	if err := a.deps.Switch.Disable(ctx, about, reason); err != nil {
		a.log.Error("the account could not be disabled", "error", err)
		return false
	}
	a.log.Error("the account is disabled", "reason", hclog.Quote(reason))
	a.set(func(s *Status) { s.State, s.Since, s.NextAttempt = Disabled, time.Now(), time.Time{} })
	return true
}

// hidden takes the credentials out of a failure, which a server may have repeated: whatever leaves an attempt or a test
// goes through here.
func (a *account) hidden(err error) error {
	if f := kindOf(err); f != nil {
		return a.auth.HideIn(f)
	}
	return err
}

// attempt connects, logs in, and works until something fails. Whatever panics in it ends this
// attempt and nothing else.
func (a *account) attempt(ctx context.Context) (err error) {
	defer func() {
		if v := recover(); v != nil {
			a.log.Error("panic", "value", fmt.Sprint(v), "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	ctx, letGo, err := a.hold(ctx)
	if err != nil {
		return err
	}
	defer letGo()
	c, err := a.connect(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	proven := a.lived < 0 || a.lived >= steady // the others prove themselves first
	defer func() {
		c.close()
		a.lived = time.Since(began)
		a.backoff.lived(a.lived)
	}()
	a.set(func(s *Status) {
		*s = Status{Name: s.Name, Tenant: s.Tenant, State: Connected, Since: began, Folders: s.Folders, Fetched: s.Fetched}
	})
	return a.work(ctx, c, began, proven)
}

// connect connects and logs in. A token that is refused is replaced once.
func (a *account) connect(ctx context.Context) (*client, error) {
	for {
		conn, err := a.dial(ctx)
		if err != nil {
			return nil, err
		}
		c, err := a.login(ctx, conn)
		if err == nil {
			return c, nil
		}
		if f := kindOf(err); f == nil || f.Kind != outbound.Authentication || errors.Is(err, outbound.ErrNoMechanism) || a.auth.Refused() {
			return nil, err
		}
		a.log.Info("a token was refused before its time: another one is asked for")
	}
}

// dial connects, when there is a slot for that. A server that has accepted has none any more: it could keep it
// from the others.
func (a *account) dial(ctx context.Context) (*outbound.Conn, error) {
	select {
	case a.slots <- struct{}{}:
		defer func() { <-a.slots }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	a.set(func(s *Status) { s.State, s.NextAttempt = Connecting, time.Time{} })
	if a.deps.dial != nil {
		return a.deps.dial(ctx, a.cfg.Server)
	}
	return a.deps.Dialer.Dial(ctx, a.cfg.Server)
}

// login logs in on a connection, within its time however the server spends it. The connection is closed where that fails.
func (a *account) login(ctx context.Context, conn *outbound.Conn) (*client, error) {
	within, cancel := context.WithTimeout(ctx, loginFactor*patienceOf(a.deps.Dialer))
	defer cancel()
	c, err := newClient(within, conn, a.deps.Dialer, a.cfg.Server, a.cfg.MaxMessageSize)
	if err == nil {
		if err = c.login(within, a.cfg.Login, a.auth); err == nil {
			return c, nil
		}
		c.close()
	}
	if within.Err() != nil && ctx.Err() == nil && kindOf(err) == nil {
		err = &outbound.Failure{Kind: outbound.Connection, Code: outbound.TimedOut, Response: "the server has not come to the end of a login in time", Err: err}
	}
	return nil, err
}

// work fetches what there is, and then what comes. Where the connection is proven, it is a success at
// once, and otherwise when it has lived for long enough.
func (a *account) work(ctx context.Context, c *client, began time.Time, proven bool) error {
	a.refused = 0
	told, news, idle := false, false, 0
	for _, p := range a.folders {
		p.actAfter = time.Time{}
	}
	var polled time.Time
	for {
		if !told && (proven || time.Since(began) >= steady) {
			if err := a.deps.Events.Succeeded(ctx, a.cfg.about()); err != nil {
				a.log.Error("a success could not be told of", "error", err)
			} else {
				told = true
			}
		}
		folders := a.folders
		if news && time.Since(polled) < a.cfg.Poll {
			folders = folders[:1] // which is watched
		} else {
			polled = time.Now()
		}
		before := a.folders[0].next
		if err := a.round(ctx, c, folders); err != nil {
			return err
		}
		if news && c.idles() && a.folders[0].next == before {
			idle++
		} else {
			idle = 0
		}
		if calm := min(longestCalm, time.Duration(idle-falseNews)*time.Second); calm > 0 {
			if err := sleep(ctx, calm); err != nil {
				return err
			}
		}
		var err error
		if news, err = c.wait(ctx, a.pause(c, polled, began, told)); err != nil {
			return err
		}
	}
}

// pause is how long to wait for news.
func (a *account) pause(c *client, polled, began time.Time, told bool) time.Duration {
	pause := idleFor
	if len(a.folders) > 1 || !c.idles() {
		pause = a.cfg.Poll - time.Since(polled)
	}
	if !told {
		pause = min(pause, max(time.Second, steady-time.Since(began)))
	}
	for _, p := range a.folders {
		if rest := time.Until(p.notBefore); rest > 0 {
			pause = min(pause, rest)
		}
	}
	return max(0, min(pause, idleFor))
}

// round fetches what is new in folders, in the first of them last: it is watched then. A folder that cannot
// be opened is not to keep the others from working; a mailbox of which none can be is a failure.
func (a *account) round(ctx context.Context, c *client, folders []*progress) error {
	shut := make(map[*progress]*outbound.Failure)
	for _, p := range slices.Backward(folders) {
		err := a.syncOne(ctx, c, p)
		if refused, no := errors.AsType[*imap.Error](err); no {
			shut[p] = a.auth.HideIn(failure("SELECT " + p.name + ": " + words(refused)))
			continue
		}
		if err != nil {
			return err
		}
		p.shut = ""
	}
	if len(shut) == len(a.folders) {
		return shut[a.folders[0]]
	}
	for p, err := range shut {
		a.set(func(s *Status) { s.Err, s.FailedAt = err, time.Now() })
		if p.shut != err.Error() {
			p.shut = err.Error()
			a.log.Error("a folder cannot be opened", "folder", p.name, "error", err)
		}
	}
	return nil
}

// syncOne fetches what is new in a folder, unless it rests. Its error may be a *imap.Error: the server's NO to
// the folder.
func (a *account) syncOne(ctx context.Context, c *client, p *progress) error {
	if time.Now().Before(p.notBefore) {
		return nil
	}
	err := a.sync(ctx, c, p)
	if errors.Is(err, errPutOff) {
		a.set(func(s *Status) { s.Err, s.FailedAt = err, time.Now() })
		return nil
	}
	return err
}

// hold waits until no other process runs the account. The context that it returns ends when one
// may.
func (a *account) hold(ctx context.Context) (context.Context, func(), error) {
	if a.deps.Holds == nil {
		return ctx, func() {}, nil
	}
	for {
		held, letGo, err := a.deps.keeper.take(ctx, "imap/"+a.cfg.Name)
		if err != nil || held != nil {
			return held, letGo, err
		}
		a.set(func(s *Status) { s.State, s.NextAttempt = Standby, time.Time{} })
		if err := sleep(ctx, standby+time.Duration(rand.Int64N(int64(standby/spread)))); err != nil { //nolint:gosec // chance, not a secret
			return nil, nil, err
		}
	}
}

func (a *account) set(change func(*Status)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change(&a.status)
}

// received counts a mail.
func (a *account) received() { a.set(func(s *Status) { s.Fetched++ }) }

// setFolder notes how far a folder was fetched.
func (a *account) setFolder(m store.Mailbox) {
	a.set(func(s *Status) {
		folders := slices.Clone(s.Folders)
		i := slices.IndexFunc(folders, func(f store.Mailbox) bool { return f.Folder == m.Folder })
		if i < 0 {
			folders = append(folders, m)
		} else {
			folders[i] = m
		}
		s.Folders = folders
	})
}

// Package account knows which mail accounts there are: those of the configuration, and those that were added
// while the gateway runs, which the store keeps. It says which are to be connected to, and why others are not.
//
// # Invariants
//
//   - A name means one account. One of the configuration goes before one of the store, and is not changed here.
//   - What is kept was checked against the configuration that runs. Where that has changed since, an account which does
//     not fit any more is left out, and says so.
//   - Credentials are kept with their account, and are shown to nobody.
//
// What is durable is the store's. Whoever shares the store sees a change within [Refresh].
package account

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/config"
	"github.com/postern-mail/postern/gateway/internal/secret"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// Refresh is the time between looks at what other processes have changed.
const Refresh = 15 * time.Second

// MaxAccounts bounds those that are kept in the store.
const MaxAccounts = 100_000

// Errors of changes.
var (
	ErrUnknown    = errors.New("there is no such account")
	ErrExists     = errors.New("there is an account of that name already")
	ErrConfigured = errors.New("it stands in the configuration, and is changed there")
)

// Store keeps accounts.
type Store interface {
	Accounts(ctx context.Context) ([]store.Account, error)
	PutAccount(ctx context.Context, a store.Account) error
	DeleteAccount(ctx context.Context, name string) (bool, error)
}

// Switches keeps which of them are off.
type Switches interface {
	Switches(ctx context.Context) (map[string]store.Switch, error)
	Disable(ctx context.Context, s store.Switch, events []store.NewMessage) error
	Enable(ctx context.Context, account string) (bool, error)
}

// Events is told that what failed is another now; *events.Events is one.
type Events interface {
	Reset(ctx context.Context, about store.About, why string) error
}

// Settings are what was said of an account, by the names of config.AccountSettings.
type Settings map[string]string

// Redacted returns the settings without credentials, for people.
func (s Settings) Redacted() Settings {
	out := maps.Clone(s)
	for name := range out {
		if isCredential(name) {
			out[name] = secret.Redacted
		}
	}
	return out
}

// isCredential tells whether a setting is a credential itself, and not where one is.
func isCredential(name string) bool {
	last := name[strings.LastIndexByte(name, '.')+1:]
	return last == "password" || last == "client_secret" || last == "refresh_token"
}

// Entry is one account.
type Entry struct {
	config.Account
	// Settings are nil for an account of the configuration.
	Settings  Settings
	UpdatedAt time.Time
	// Off is nil unless it is disabled.
	Off *store.Switch
	// Problem says why it cannot be connected to as it is.
	Problem error
}

// Configured reports whether it stands in the configuration.
func (e *Entry) Configured() bool { return e.Settings == nil }

// Roster is the list of accounts.
type Roster struct {
	store    Store
	switches Switches
	events   Events
	environ  []string
	apply    func([]config.Account)
	log      hclog.Logger
	now      func() time.Time

	changing sync.Mutex     // held by whoever changes or reads the store
	readBy   *config.Config // by which entries were read; held by changing
	mu       sync.Mutex
	cfg      *config.Config
	entries  map[string]Entry
	told     map[string]string // problems, by the names of accounts
}

// New returns a roster, which knows nothing before Load. apply gets those to connect to, whenever they may have
// changed; environ is what settings that end in _env name.
func New(s Store, switches Switches, ev Events, cfg *config.Config, environ []string, apply func([]config.Account), log hclog.Logger) *Roster {
	return &Roster{store: s, switches: switches, events: ev, cfg: cfg, environ: environ, apply: apply, log: log.Named("account"), now: time.Now, told: make(map[string]string)}
}

// Run looks every Refresh for what others have changed, until ctx ends.
func (r *Roster) Run(ctx context.Context) {
	ticker := time.NewTicker(Refresh)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := r.Load(ctx); err != nil && ctx.Err() == nil {
			r.log.Error("mail accounts could not be read", "error", err)
		}
	}
}

// Reconfigure goes on by another configuration.
func (r *Roster) Reconfigure(ctx context.Context, cfg *config.Config) error {
	r.mu.Lock()
	r.cfg = cfg
	r.mu.Unlock()
	return r.Load(ctx)
}

// Load reads the store, and applies what it says.
func (r *Roster) Load(ctx context.Context) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	return r.load(ctx)
}

func (r *Roster) load(ctx context.Context) error {
	kept, err := r.store.Accounts(ctx)
	if err != nil {
		return fmt.Errorf("read accounts: %w", err)
	}
	off, err := r.switches.Switches(ctx)
	if err != nil {
		return fmt.Errorf("read accounts: %w", err)
	}
	r.mu.Lock()
	cfg := r.cfg
	r.mu.Unlock()
	entries := make(map[string]Entry, len(cfg.Accounts)+len(kept))
	for _, a := range kept {
		entries[a.Name] = r.entry(cfg, a)
	}
	for _, a := range cfg.Accounts {
		if _, twice := entries[a.Name]; twice {
			r.tell(a.Name, "the account of the configuration stands before the one of that name in the store")
		}
		entries[a.Name] = Entry{Account: a}
	}
	for name, e := range entries {
		if s, ok := off[name]; ok {
			e.Off = &s
			entries[name] = e
		}
		if e.Problem != nil {
			r.tell(name, e.Problem.Error())
		}
	}
	r.readBy = cfg
	r.mu.Lock()
	r.entries = entries
	r.mu.Unlock()
	r.apply(r.active(""))
	return nil
}

// active are the accounts that are to be connected to, but for one.
func (r *Roster) active(but string) []config.Account {
	var list []config.Account
	for _, e := range r.List() {
		if e.Off == nil && e.Problem == nil && e.Name != but {
			list = append(list, e.Account)
		}
	}
	return list
}

// about is what events of an account are about.
func (e *Entry) about() store.About {
	return store.About{Tenant: e.Tenant, Class: "account", Name: e.Name}
}

// tell logs what is wrong with an account, once.
func (r *Roster) tell(name, problem string) {
	if r.told[name] != problem {
		r.told[name] = problem
		r.log.Warn("a mail account is not as it should be", "account", name, "problem", problem)
	}
}

func (r *Roster) entry(cfg *config.Config, a store.Account) Entry {
	e := Entry{UpdatedAt: a.UpdatedAt, Settings: Settings{}}
	if err := json.Unmarshal(a.Settings, &e.Settings); err != nil {
		e.Problem = errors.New("its settings in the store cannot be read; set them anew with: postern account update")
		e.Name = a.Name
		return e
	}
	// What has not changed is not read again: it is looked at every few seconds, and may name files.
	if was, ok := r.Get(a.Name); ok && r.readBy == cfg && was.Problem == nil && !was.Configured() && maps.Equal(was.Settings, e.Settings) {
		e.Account = was.Account
		return e
	}
	e.Account, e.Problem = cfg.ReadAccount(a.Name, e.Settings, r.environ)
	if e.Problem != nil {
		e.Name, e.Tenant, e.Alias = a.Name, e.Settings["tenant"], e.Settings["alias"]
	}
	return e
}

// List returns all accounts, by their names.
func (r *Roster) List() []Entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]Entry, 0, len(r.entries))
	for _, name := range slices.Sorted(maps.Keys(r.entries)) {
		list = append(list, r.entries[name])
	}
	return list
}

// Get returns one; false where there is none.
func (r *Roster) Get(name string) (Entry, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.entries[name]
	return e, ok
}

// Read checks settings without keeping them.
func (r *Roster) Read(name string, s Settings) (config.Account, error) {
	r.mu.Lock()
	cfg := r.cfg
	r.mu.Unlock()
	return cfg.ReadAccount(name, s, r.environ)
}

// Add keeps a new account.
func (r *Roster) Add(ctx context.Context, name string, s Settings) error {
	return r.change(ctx, name, func(e Entry, exists bool) (Settings, error) {
		switch {
		case exists && e.Configured():
			return nil, ErrConfigured
		case exists:
			return nil, ErrExists
		case len(r.List()) >= MaxAccounts:
			return nil, fmt.Errorf("there are %d accounts already, which is the most that there may be", MaxAccounts)
		}
		return s, nil
	})
}

// Update changes settings of an account; one that is empty is taken away.
func (r *Roster) Update(ctx context.Context, name string, s Settings) error {
	return r.change(ctx, name, func(e Entry, exists bool) (Settings, error) {
		switch {
		case !exists:
			return nil, ErrUnknown
		case e.Configured():
			return nil, ErrConfigured
		}
		return e.Settings.With(s), nil
	})
}

// With is the settings with others over them. One way to give a credential takes the place of the others.
func (s Settings) With(over Settings) Settings {
	out := maps.Clone(s)
	// First what goes, then what comes: they may be about one credential, as an empty password with a new file.
	for name := range over {
		delete(out, name)
		base := strings.TrimSuffix(strings.TrimSuffix(name, "_file"), "_env")
		if isCredential(base) {
			for _, suffix := range []string{"", "_env", "_file"} {
				delete(out, base+suffix)
			}
		}
	}
	for name, value := range over {
		if value != "" {
			out[name] = value
		}
	}
	return out
}

func (r *Roster) change(ctx context.Context, name string, decide func(Entry, bool) (Settings, error)) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	if err := r.load(ctx); err != nil { // another process may have changed it
		return err
	}
	e, exists := r.Get(name)
	s, err := decide(e, exists)
	if err != nil {
		return fmt.Errorf("account %s: %w", name, err)
	}
	if _, err := r.Read(name, s); err != nil {
		return err
	}
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("account %s: %w", name, err)
	}
	if err := r.store.PutAccount(ctx, store.Account{Name: name, Settings: text, UpdatedAt: r.now()}); err != nil {
		return fmt.Errorf("account %s: %w", name, err)
	}
	return r.load(ctx)
}

// Remove forgets an account, with how far it was fetched.
func (r *Roster) Remove(ctx context.Context, name string) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	e, ok := r.Get(name)
	if ok && e.Configured() {
		return fmt.Errorf("account %s: %w", name, ErrConfigured)
	}
	if ok { // nothing is to connect to it any more when its episodes end, and to open another
		r.apply(r.active(name))
		if err := r.events.Reset(ctx, e.about(), "the account was removed"); err != nil {
			return errors.Join(fmt.Errorf("account %s: %w", name, err), r.load(ctx))
		}
	}
	there, err := r.store.DeleteAccount(ctx, name)
	switch {
	case err != nil:
		return fmt.Errorf("account %s: %w", name, err)
	case !there:
		return fmt.Errorf("account %s: %w", name, ErrUnknown)
	}
	return r.load(ctx)
}

// Disable has an account left alone until Enable. It reports false where it was so already.
func (r *Roster) Disable(ctx context.Context, name, reason string) (bool, error) {
	r.changing.Lock()
	defer r.changing.Unlock()
	if err := r.load(ctx); err != nil { // another process may have done it
		return false, err
	}
	e, ok := r.Get(name)
	switch {
	case !ok:
		return false, fmt.Errorf("account %s: %w", name, ErrUnknown)
	case e.Off != nil:
		return false, nil
	}
	if err := r.switches.Disable(ctx, store.Switch{Account: name, Since: r.now(), Reason: reason}, nil); err != nil {
		return false, fmt.Errorf("account %s: %w", name, err)
	}
	return true, r.load(ctx)
}

// Enable connects to an account again that was disabled. It reports whether it was.
func (r *Roster) Enable(ctx context.Context, name string) (bool, error) {
	r.changing.Lock()
	defer r.changing.Unlock()
	e, ok := r.Get(name)
	if !ok {
		return false, fmt.Errorf("account %s: %w", name, ErrUnknown)
	}
	if e.Off != nil { // or logins would have failed for days already
		if err := r.events.Reset(ctx, e.about(), "the account was enabled"); err != nil {
			return false, fmt.Errorf("account %s: %w", name, err)
		}
	}
	was, err := r.switches.Enable(ctx, name)
	if err != nil {
		return false, fmt.Errorf("account %s: %w", name, err)
	}
	return was, r.load(ctx)
}

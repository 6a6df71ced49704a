package account

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/config"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// memory is a store of accounts, whose next call fails where that is said.
type memory struct {
	mu       sync.Mutex
	accounts map[string]store.Account
	off      map[string]store.Switch
	fail     error
	resets   []string
}

func newMemory() *memory {
	return &memory{accounts: map[string]store.Account{}, off: map[string]store.Switch{}}
}

func (m *memory) do(f func()) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	f()
	return nil
}

func (m *memory) Accounts(context.Context) (list []store.Account, err error) {
	err = m.do(func() {
		for _, name := range slices.Sorted(maps.Keys(m.accounts)) {
			list = append(list, m.accounts[name])
		}
	})
	return list, err
}

func (m *memory) PutAccount(_ context.Context, a store.Account) error {
	return m.do(func() { m.accounts[a.Name] = a })
}

func (m *memory) DeleteAccount(_ context.Context, name string) (there bool, err error) {
	err = m.do(func() {
		_, there = m.accounts[name]
		delete(m.accounts, name)
	})
	return there, err
}

func (m *memory) Switches(context.Context) (off map[string]store.Switch, err error) {
	err = m.do(func() { off = maps.Clone(m.off) })
	return off, err
}

func (m *memory) Disable(_ context.Context, s store.Switch, _ []store.NewMessage) error {
	return m.do(func() { m.off[s.Account] = s })
}

func (m *memory) Enable(_ context.Context, name string) (was bool, err error) {
	err = m.do(func() {
		_, was = m.off[name]
		delete(m.off, name)
	})
	return was, err
}

func (m *memory) Reset(_ context.Context, about store.About, why string) error {
	return m.do(func() { m.resets = append(m.resets, about.Tenant+"/"+about.Name+": "+why) })
}

const (
	head = `server {
  hostname = "mx.example.com"
  data_dir = "/data"
}
listener "mx" { address = ":25" }
tenant "acme" {
  domains = ["acme.example"]
  endpoint "desk" {
    url    = "https://desk.acme.example/in"
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
  }
  alias "sales" { endpoints = ["desk"] }
}
`
	configured = `account "support" {
  tenant = "acme"
  alias  = "sales"
  imap {
    host     = "imap.example.com"
    user     = "support"
    password = "hunter2"
  }
}
`
)

func load(t *testing.T, text string) *config.Config {
	t.Helper()
	file := filepath.Join(t.TempDir(), "a.hcl")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(config.Options{Files: []string{file}})
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// fixture is a roster and what it has applied last.
type fixture struct {
	*Roster
	memory *memory
	active []string
	log    strings.Builder
}

func newFixture(t *testing.T, m *memory, text string) *fixture {
	t.Helper()
	f := &fixture{memory: m}
	f.Roster = New(m, m, m, load(t, text), []string{"TOKEN=hunter3"}, func(list []config.Account) {
		f.active = nil
		for _, a := range list {
			f.active = append(f.active, a.Name)
		}
	}, hclog.New(&hclog.LoggerOptions{Output: &f.log}))
	if err := f.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fixture) want(t *testing.T, active ...string) {
	t.Helper()
	if !slices.Equal(f.active, active) {
		t.Errorf("active are %q, want %q", f.active, active)
	}
}

func settings(over Settings) Settings {
	return Settings{"tenant": "acme", "alias": "sales", "imap.host": "imap.example.com", "imap.user": "sales", "imap.password": "hunter2"}.With(over)
}

// TestRoster goes through the life of an account that was added.
func TestRoster(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := newFixture(t, newMemory(), head+configured)
	f.want(t, "support")
	if err := f.Add(ctx, "sales", settings(nil)); err != nil {
		t.Fatal(err)
	}
	f.want(t, "sales", "support")
	for name, tc := range map[string]struct {
		do   func() error
		want error
	}{
		"added twice":         {func() error { return f.Add(ctx, "sales", settings(nil)) }, ErrExists},
		"configured, added":   {func() error { return f.Add(ctx, "support", settings(nil)) }, ErrConfigured},
		"configured, changed": {func() error { return f.Update(ctx, "support", Settings{"imap.port": "1"}) }, ErrConfigured},
		"configured, removed": {func() error { return f.Remove(ctx, "support") }, ErrConfigured},
		"unknown, changed":    {func() error { return f.Update(ctx, "nobody", Settings{"imap.port": "1"}) }, ErrUnknown},
		"unknown, removed":    {func() error { return f.Remove(ctx, "nobody") }, ErrUnknown},
		"unknown, disabled":   {func() error { _, err := f.Disable(ctx, "nobody", ""); return err }, ErrUnknown},
		"unknown, enabled":    {func() error { _, err := f.Enable(ctx, "nobody"); return err }, ErrUnknown},
		"known, while it fails": {func() error {
			f.memory.fail = errDown
			defer func() { f.memory.fail = nil }()
			return f.Remove(ctx, "sales")
		}, errDown},
	} {
		if err := tc.do(); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
	if err := f.Update(ctx, "sales", Settings{"imap.port": "1143", "imap.password_env": "TOKEN"}); err != nil {
		t.Fatal(err)
	}
	e, _ := f.Get("sales")
	if e.IMAP.Server.Port != 1143 || e.IMAP.Login.Password.Text() != "hunter3" || e.Settings["imap.password"] != "" {
		t.Errorf("changed to %+v, settings %v", e.IMAP, e.Settings)
	}
	if err := f.Update(ctx, "sales", Settings{"imap.port": "imaps"}); err == nil || !strings.Contains(err.Error(), "imap.port") {
		t.Errorf("a wrong port: %v", err)
	}
	if err := f.Update(ctx, "sales", Settings{"imap.port": ""}); err != nil {
		t.Fatal(err)
	}
	if e, _ := f.Get("sales"); e.IMAP.Server.Port != 993 {
		t.Errorf("port %d, want the default", e.IMAP.Server.Port)
	}

	// Those of the configuration can be disabled too.
	for _, name := range []string{"sales", "support"} {
		if now, err := f.Disable(ctx, name, "a test"); !now || err != nil {
			t.Fatal(now, err)
		}
		if now, err := f.Disable(ctx, name, "another"); now || err != nil {
			t.Error("disabled twice", err)
		}
	}
	f.want(t)
	if e, _ := f.Get("support"); e.Off == nil || e.Off.Reason != "a test" || !e.Configured() {
		t.Errorf("disabled: %+v", e)
	}
	if was, err := f.Enable(ctx, "support"); !was || err != nil {
		t.Errorf("enabled: %v, %v", was, err)
	}
	if was, err := f.Enable(ctx, "support"); was || err != nil {
		t.Errorf("enabled twice: %v, %v", was, err)
	}
	f.want(t, "support")
	if err := f.Remove(ctx, "sales"); err != nil {
		t.Fatal(err)
	}
	if _, ok := f.Get("sales"); ok {
		t.Error("it is there after it was removed")
	}
	// What was open of them has ended, or they would begin with the failures of before.
	if diff := cmp.Diff([]string{"acme/support: the account was enabled", "acme/sales: the account was removed"}, f.memory.resets); diff != "" {
		t.Error(diff)
	}
}

var errDown = errors.New("the disk is gone")

// TestReconfigure holds what becomes of added accounts when the configuration changes under them.
func TestReconfigure(t *testing.T) {
	t.Parallel()
	f := newFixture(t, newMemory(), head)
	if err := f.Add(t.Context(), "support", settings(Settings{"imap.host": "added.example.com"})); err != nil {
		t.Fatal(err)
	}
	// One of the same name in the configuration goes before it, and lets it come back.
	if err := f.Reconfigure(t.Context(), load(t, head+configured)); err != nil {
		t.Fatal(err)
	}
	if e, _ := f.Get("support"); !e.Configured() || e.IMAP.Server.Host != "imap.example.com" {
		t.Errorf("with one in the configuration: %+v", e)
	}
	if !strings.Contains(f.log.String(), "stands before the one of that name in the store") {
		t.Errorf("log: %s", f.log.String())
	}
	// Its alias is gone: it stays, and says what is wrong.
	if err := f.Reconfigure(t.Context(), load(t, strings.ReplaceAll(head, `"sales"`, `"info"`))); err != nil {
		t.Fatal(err)
	}
	f.want(t)
	e, _ := f.Get("support")
	if e.Problem == nil || !strings.Contains(e.Problem.Error(), `no alias "sales"`) || e.Tenant != "acme" {
		t.Errorf("without its alias: %+v", e)
	}
	if err := f.Reconfigure(t.Context(), load(t, head)); err != nil {
		t.Fatal(err)
	}
	f.want(t, "support")
	// Another process has added one, and one is not to be read.
	other := newFixture(t, f.memory, head)
	if err := other.Add(t.Context(), "sales", settings(nil)); err != nil {
		t.Fatal(err)
	}
	f.memory.accounts["support"] = store.Account{Name: "support", Settings: []byte(`{"a":1}`)}
	if err := f.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.want(t, "sales")
	if e, _ := f.Get("support"); e.Name != "support" || e.Problem == nil {
		t.Errorf("unreadable: %+v", e)
	}
}

func TestRedacted(t *testing.T) {
	t.Parallel()
	s := Settings{
		"imap.password": "hunter2", "imap.oauth2.client_secret": "hunter2", "imap.oauth2.refresh_token": "hunter2", "imap.password_file": "/run/x", "imap.host": "h",
	}
	want := Settings{
		"imap.password": "(redacted)", "imap.oauth2.client_secret": "(redacted)", "imap.oauth2.refresh_token": "(redacted)", "imap.password_file": "/run/x", "imap.host": "h",
	}
	if diff := cmp.Diff(want, s.Redacted()); diff != "" {
		t.Error(diff)
	}
	for _, name := range config.AccountSettings() {
		base := strings.TrimSuffix(strings.TrimSuffix(name, "_env"), "_file")
		if slices.Contains(config.AccountSettings(), base+"_env") != isCredential(base) {
			t.Errorf("%s is a credential: %v", name, isCredential(base))
		}
	}
}

// TestWithCredential gives a credential in another way and takes the old one away, in one change. What comes of it does not
// depend on the order of a map.
func TestWithCredential(t *testing.T) {
	t.Parallel()
	for range 100 {
		got := Settings{"imap.password": "old", "tenant": "acme", "alias": "sales"}.With(Settings{"imap.password": "", "imap.password_file": "/x", "alias": ""})
		if diff := cmp.Diff(Settings{"imap.password_file": "/x", "tenant": "acme"}, got); diff != "" {
			t.Fatalf("settings (-want +got):\n%s", diff)
		}
	}
}

package imap

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/imap/imaptest"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/outbound"
	"github.com/postern-mail/postern/gateway/internal/reception"
	"github.com/postern-mail/postern/gateway/internal/route"
	"github.com/postern-mail/postern/gateway/internal/secret"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// place is where a mail was.
type place struct {
	account, folder string
	validity, uid   uint32
}

func placeOf(f store.Fetched) place { return place{f.Account, f.Folder, f.UIDValidity, f.UID} }

// mailbox names a folder of an account.
type mailbox struct{ account, folder string }

// taken is a mail that was received.
type taken struct {
	reception.Mail
	raw   string
	field string
}

// memory is a store, a reception and what is told of accounts, in memory. It outlives managers, as a store
// does.
type memory struct {
	mu        sync.Mutex
	mailboxes map[mailbox]store.Mailbox
	fetched   map[place]store.Digest
	handled   map[place]bool
	mails     []taken
	told      []string
	tokens    map[string]string
	episode   store.Episode
	disabled  []string
	holders   map[string]string
	ends      map[string]time.Time

	// refuse is asked about each mail, by its raw form, before it is taken; nil takes all.
	refuse func(raw string) error
	// discard has raw forms not kept.
	discard bool
}

func newMemory() *memory {
	return &memory{
		mailboxes: make(map[mailbox]store.Mailbox), fetched: make(map[place]store.Digest), handled: make(map[place]bool),
		tokens: make(map[string]string), holders: make(map[string]string), ends: make(map[string]time.Time),
	}
}

func (m *memory) Receive(ctx context.Context, r reception.Mail, body io.Reader) (mail.MessageID, error) {
	var raw bytes.Buffer
	h := sha256.New()
	to := io.Writer(h)
	if !m.discard {
		to = io.MultiWriter(h, &raw)
	}
	if _, err := io.Copy(to, body); err != nil {
		return "", fmt.Errorf("receive: %w", err)
	}
	h.Sum(r.Fetched.Digest[:0])
	if r.Known != nil {
		known, err := r.Known(ctx, r.Fetched.Digest)
		if err != nil {
			return "", err
		}
		if known {
			return "", fmt.Errorf("receive: %w", reception.ErrKnown)
		}
	}
	if m.refuse != nil {
		if err := m.refuse(raw.String()); err != nil {
			return "", fmt.Errorf("receive: %w", err)
		}
	}
	if err := r.Turn(ctx); err != nil {
		return "", fmt.Errorf("receive: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.note(*r.Fetched) {
		return "", fmt.Errorf("receive: %w", store.ErrFetched)
	}
	id := mail.NewMessageID(time.Now())
	m.mails = append(m.mails, taken{Mail: r, raw: raw.String(), field: r.TraceField(id, time.Now())})
	return id, nil
}

// note notes a mail as fetched. The caller holds mu.
func (m *memory) note(f store.Fetched) bool {
	if _, dup := m.fetched[placeOf(f)]; dup {
		return false
	}
	m.fetched[placeOf(f)] = f.Digest
	key := mailbox{f.Account, f.Folder}
	box := m.mailboxes[key]
	box.NextUID = max(box.NextUID, f.UID+1)
	m.mailboxes[key] = box
	return true
}

func (m *memory) Mailbox(_ context.Context, account, folder string) (store.Mailbox, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	box, ok := m.mailboxes[mailbox{account, folder}]
	return box, ok, nil
}

func (m *memory) PutMailbox(_ context.Context, box store.Mailbox) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := mailbox{box.Account, box.Folder}
	if old, ok := m.mailboxes[key]; ok && (box.Anew || box.Server != old.Server) {
		for p, digest := range m.fetched {
			if p.account == box.Account && p.folder == box.Folder {
				delete(m.fetched, p)
				p.validity = 0
				m.fetched[p], m.handled[p] = digest, true
			}
		}
	}
	box.Anew = false
	m.mailboxes[key] = box
	return nil
}

func (m *memory) Handled(_ context.Context, f store.Fetched) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.handled[placeOf(f)] = true
	return nil
}

func (m *memory) Unhandled(_ context.Context, account, folder string, limit int) (list []store.Fetched, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for p, digest := range m.fetched {
		if p.account == account && p.folder == folder && !m.handled[p] && p.validity == m.mailboxes[mailbox{account, folder}].UIDValidity {
			list = append(list, store.Fetched{Account: account, Folder: folder, UIDValidity: p.validity, UID: p.uid, Digest: digest})
		}
	}
	slices.SortFunc(list, func(a, b store.Fetched) int { return int(a.UID) - int(b.UID) })
	return list[:min(len(list), limit)], nil
}

func (m *memory) Known(_ context.Context, account, folder string, digest store.Digest) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for p, d := range m.fetched {
		if p.account == account && p.folder == folder && d == digest {
			return true, nil
		}
	}
	return false, nil
}

func (m *memory) Pass(_ context.Context, f store.Fetched) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.note(f)
	return nil
}

func (m *memory) Failed(_ context.Context, about store.About, f *outbound.Failure) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.told = append(m.told, fmt.Sprintf("%s: %s %s: %s", about.Name, f.Kind, f.Code, f.Response))
	if f.Kind == outbound.Authentication && m.episode.OpenedAt.IsZero() {
		m.episode.OpenedAt = time.Now()
	}
	return nil
}

func (m *memory) Succeeded(_ context.Context, about store.About) error {
	return m.tell(about.Name + ": success")
}

func (m *memory) Reset(_ context.Context, about store.About, why string) error {
	return m.tell(about.Name + ": reset: " + why)
}

func (m *memory) tell(what string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.told = append(m.told, what)
	return nil
}

func (m *memory) Episode(context.Context, store.About, string) (store.Episode, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.episode, nil
}

func (m *memory) Disable(_ context.Context, about store.About, reason string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.disabled = append(m.disabled, about.Name+": "+reason)
	return nil
}

func (m *memory) Token(_ context.Context, account string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.tokens[account], nil
}

func (m *memory) PutToken(_ context.Context, account, token string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tokens[account] = token
	return nil
}

func (m *memory) Hold(_ context.Context, name, owner string, now, until time.Time) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.holders[name] != owner && m.ends[name].After(now) {
		return false, nil
	}
	m.holders[name], m.ends[name] = owner, until
	return true, nil
}

func (m *memory) LetGo(_ context.Context, name, owner string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.holders[name] == owner {
		delete(m.ends, name)
	}
	return nil
}

// raws are the mails that were taken.
func (m *memory) raws() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []string
	for _, t := range m.mails {
		list = append(list, t.raw)
	}
	return list
}

func (m *memory) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.mails)
}

func (m *memory) events() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.told)
}

// lockedBuffer collects a log.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// gateway is a manager that runs over a memory.
type gateway struct {
	*Manager
	*memory
	log  *lockedBuffer
	stop func()
}

// start runs a manager with some accounts, until the test ends or stop is called.
func start(t testing.TB, m *memory, change func(*Deps), accounts ...Config) *gateway {
	t.Helper()
	log := new(lockedBuffer)
	deps := Deps{
		Receiver: m, Events: m, Switch: m, Mailboxes: m, Marks: m, Known: m, Tokens: m, Owner: "test", Hostname: "mx.test",
		Log: hclog.New(&hclog.LoggerOptions{Output: log, DisableTime: true, Level: hclog.Debug}),
	}
	if change != nil {
		change(&deps)
	}
	g := &gateway{Manager: New(deps), memory: m, log: log}
	g.Reconfigure(t.Context(), accounts)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		g.Run(ctx)
	}()
	g.stop = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	t.Cleanup(func() {
		g.stop()
		if t.Failed() {
			t.Logf("log:\n%s", log.String())
		}
	})
	return g
}

// waitFor waits until so many mails were taken.
func (g *gateway) waitFor(t testing.TB, mails int) {
	t.Helper()
	imaptest.Eventually(t, fmt.Sprintf("%d mails", mails), func() bool { return g.count() >= mails })
}

func (g *gateway) waitForEvent(t testing.TB, event string) {
	t.Helper()
	imaptest.Eventually(t, event, func() bool { return slices.Contains(g.events(), event) })
}

func password(t testing.TB, text string) secret.Password {
	t.Helper()
	p, err := secret.ParsePassword(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// sales is an account.
func sales(t testing.TB, s outbound.Server) Config {
	t.Helper()
	return Config{
		Name: "sales", Tenant: "acme", Server: s, Login: outbound.Login{User: "u1", Password: password(t, "pw")},
		Recipient: "sales@acme.test", Target: route.Target{Tenant: "acme", Alias: "sales", Endpoints: []string{"desk"}},
		First: First{Mode: FirstAll},
	}
}

var errStore = errors.New("store is out of order")

func newTestLog() hclog.Logger { return hclog.NewNullLogger() }

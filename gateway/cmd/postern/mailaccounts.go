package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/account"
	"github.com/postern-mail/postern/gateway/internal/admin"
	"github.com/postern-mail/postern/gateway/internal/config"
	"github.com/postern-mail/postern/gateway/internal/events"
	"github.com/postern-mail/postern/gateway/internal/imap"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/outbound"
	"github.com/postern-mail/postern/gateway/internal/queue"
	"github.com/postern-mail/postern/gateway/internal/reception"
	"github.com/postern-mail/postern/gateway/internal/route"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// mailAccounts are the accounts of a gateway, and who connects to them.
type mailAccounts struct {
	roster  *account.Roster
	manager *imap.Manager
	targets func(a config.Account) route.Target
}

// newMailAccounts wires accounts. configuration is what the gateway runs by at the time.
func newMailAccounts(ctx context.Context, cfg *config.Config, configuration func() *config.Config, db *queue.Sources, shared bool, owner string,
	receiver *reception.Reception, ev *events.Events, log hclog.Logger,
) *mailAccounts {
	m := &mailAccounts{targets: func(a config.Account) route.Target { return target(configuration(), a) }}
	deps := imap.Deps{
		Receiver: receiver, Events: ev, Switch: switcher{db, ev, func() { m.lookAgain(ctx, log) }}, Mailboxes: db, Marks: db, Known: db, Tokens: db,
		Owner: owner, Hostname: cfg.Server.Hostname, Log: log,
	}
	if shared {
		deps.Holds = db
	}
	m.manager = imap.New(deps)
	m.roster = account.New(db, db, ev, cfg, os.Environ(), func(accounts []config.Account) {
		configs := make([]imap.Config, len(accounts))
		for i, a := range accounts {
			configs[i] = imapConfig(a, m.targets(a))
		}
		m.manager.Reconfigure(ctx, configs)
	}, log)
	return m
}

// lookAgain has the roster read what the manager has changed, and is not to wait for the manager.
func (m *mailAccounts) lookAgain(ctx context.Context, log hclog.Logger) {
	go func() {
		if err := m.roster.Load(ctx); err != nil && ctx.Err() == nil {
			log.Error("mail accounts could not be read", "error", err)
		}
	}()
}

// target is what the alias of an account means.
func target(cfg *config.Config, a config.Account) route.Target {
	for _, t := range cfg.Tenants {
		for _, alias := range t.Aliases {
			if t.Name == a.Tenant && alias.Name == a.Alias {
				return route.Target{Tenant: t.Name, Alias: alias.Name, Endpoints: alias.Endpoints}
			}
		}
	}
	return route.Target{Tenant: a.Tenant, Alias: a.Alias}
}

func imapConfig(a config.Account, to route.Target) imap.Config {
	return imap.Config{
		Name: a.Name, Tenant: a.Tenant, Server: mailServer(a.IMAP.Server), Login: mailLogin(a.IMAP.Login),
		Folders: a.IMAP.Folders, Recipient: a.Address, Target: to,
		First: imap.First{Mode: imap.FirstMode(a.IMAP.First), Since: a.IMAP.Since},
		After: imap.After{Act: imap.AfterAct(a.IMAP.After), Folder: a.IMAP.MoveTo},
		Poll:  a.IMAP.Poll, MaxMessageSize: a.IMAP.MaxMessageSize,
	}
}

func mailServer(s config.MailServer) outbound.Server {
	return outbound.Server{Host: s.Host, Port: s.Port, Security: outbound.Security(s.Security), Roots: s.CAs}
}

func mailLogin(l config.MailLogin) outbound.Login {
	login := outbound.Login{User: l.User, Method: outbound.Method(l.Auth), Password: l.Password}
	if o := l.OAuth2; o != nil {
		login.OAuth2 = &outbound.OAuth2{TokenURL: o.TokenURL, ClientID: o.ClientID, ClientSecret: o.ClientSecret, RefreshToken: o.RefreshToken, Scopes: o.Scopes}
	}
	return login
}

// switcher switches accounts off whose login has failed for too long, and has it told of in the same transaction.
type switcher struct {
	store.Sources
	events   *events.Events
	switched func()
}

// Disable implements imap.Switch.
func (s switcher) Disable(ctx context.Context, about store.About, reason string) error {
	told, err := s.events.Messages(events.Occurrence{About: about, Name: mail.EventAccountDisabled, Response: reason})
	if err != nil {
		return err
	}
	if err := s.Sources.Disable(ctx, store.Switch{Account: about.Name, Since: time.Now(), Reason: reason}, told); err != nil {
		return err
	}
	s.switched()
	return nil
}

// Status implements admin.Watch.
func (m *mailAccounts) Status(name string) (account.Status, bool) {
	s, ok := m.manager.StatusOf(name)
	return accountStatus(s), ok
}

func accountStatus(s imap.Status) account.Status {
	out := account.Status{
		State: account.State(s.State), Since: s.Since, NextAttempt: s.NextAttempt, Fetched: s.Fetched,
	}
	if s.State == imap.Standby {
		out.State = account.Elsewhere
	}
	switch {
	case s.Failure != nil:
		out.Failure = accountFailure(s.Failure, s.FailedAt)
	case s.Err != nil:
		out.Failure = &account.Failure{At: s.FailedAt, Response: s.Err.Error()}
	}
	for _, f := range s.Folders {
		out.Folders = append(out.Folders, account.Folder{Name: f.Folder, UIDValidity: f.UIDValidity, NextUID: f.NextUID})
	}
	return out
}

func accountFailure(f *outbound.Failure, at time.Time) *account.Failure {
	return &account.Failure{At: at, Kind: string(f.Kind), Code: f.Code, Response: f.Response}
}

// Test implements admin.Watch.
func (m *mailAccounts) Test(ctx context.Context, a config.Account) (account.Report, error) {
	return testAccount(ctx, m.manager, imapConfig(a, m.targets(a)))
}

func testAccount(ctx context.Context, m *imap.Manager, cfg imap.Config) (account.Report, error) {
	began := time.Now()
	found, err := m.Test(ctx, cfg)
	if err != nil {
		return account.Report{}, err
	}
	out := account.Report{Folders: found.Folders, Took: time.Since(began)}
	step := func(name string, reached bool, detail string) bool {
		out.Steps = append(out.Steps, account.Step{Name: name, OK: reached, Detail: detail})
		return reached
	}
	secured := ""
	switch {
	case found.TLS != "":
		secured = ", " + found.TLS
	case cfg.Server.Security == outbound.Plaintext:
		secured = ", in clear"
	default:
		secured = ", " + string(cfg.Server.Security)
	}
	can := func(does bool, yes, no string) string {
		if does {
			return yes
		}
		return no
	}
	if step("connect", found.Connected, cfg.Server.Address()+secured) &&
		step("log in", found.LoggedIn, "as "+cfg.Login.User) &&
		step("list folders", found.Listed, fmt.Sprintf("%d", len(found.Folders))) {
		step("find folders", len(found.Missing) == 0, strings.Join(append([]string{}, found.Missing...), ", ")+can(len(found.Missing) > 0, " not there", "all there"))
		step("new mail", true, can(found.Idles, "told by the server", "asked for at each poll"))
		if cfg.After.Act == imap.AfterDelete || cfg.After.Act == imap.AfterMove {
			step("after", found.Moves || found.Expunges, can(found.Moves || found.Expunges, string(cfg.After.Act)+" is possible", "the server cannot remove single mails; they are marked as deleted"))
		}
	}
	switch {
	case found.Failure != nil:
		out.Failure, out.Event = accountFailure(found.Failure, time.Time{}), mail.EventConnectError
		if found.Failure.Kind == outbound.Authentication {
			out.Event = mail.EventAuthenticationError
		}
	case len(found.Missing) > 0:
		out.Failure = &account.Failure{Response: "folders that are not there: " + strings.Join(found.Missing, ", ")}
	}
	return out, nil
}

// testHere tries an account without a gateway: by what the configuration says, or by settings.
func testHere(ctx context.Context, gateway *gatewayFlags, name string, settings account.Settings) (admin.AccountTest, error) {
	gateway.config.withoutCredentials = false
	cfg, err := gateway.config.load(nil)
	if err != nil {
		return admin.AccountTest{}, err
	}
	a, err := configuredAccount(cfg, name, settings, os.Environ())
	if err != nil {
		return admin.AccountTest{}, err
	}
	log := hclog.New(&hclog.LoggerOptions{Output: io.Discard})
	m := imap.New(imap.Deps{Hostname: cfg.Server.Hostname, Tokens: forgetful{}, Log: log})
	report, err := testAccount(ctx, m, imapConfig(a, target(cfg, a)))
	if err != nil {
		return admin.AccountTest{}, failure{err}
	}
	return admin.NewAccountTest(report), nil
}

// forgetful keeps no tokens: what a provider replaces while an account is tried is lost with it, so that no account is
// tried by a refresh token that is good once.
type forgetful struct{}

// Token implements outbound.Tokens.
func (forgetful) Token(context.Context, string) (string, error) { return "", nil }

// PutToken implements outbound.Tokens.
func (forgetful) PutToken(context.Context, string, string) error {
	return fmt.Errorf("the provider has replaced the refresh token, which nobody can keep here; try the account by the gateway that runs")
}

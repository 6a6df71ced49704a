package main

import (
	"context"
	"slices"
	"time"

	"github.com/postern-mail/postern/gateway/internal/config"
	"github.com/postern-mail/postern/gateway/internal/events"
	"github.com/postern-mail/postern/gateway/internal/outbound"
	"github.com/postern-mail/postern/gateway/internal/smarthost"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// subscriber is an endpoint that gets events.
type subscriber struct {
	endpoint store.Endpoint
	events   []string
}

func (s subscriber) wants(event string) bool {
	return slices.Contains(s.events, config.AllEvents) || slices.Contains(s.events, event)
}

// subscribers are the endpoints that get events of each tenant, and without a tenant of the gateway as a whole.
func subscribers(cfg *config.Config) map[string][]subscriber {
	list := make(map[string][]subscriber)
	for _, t := range cfg.Tenants {
		for _, e := range t.Endpoints {
			if len(e.Events) == 0 {
				continue
			}
			s := subscriber{store.Endpoint{Tenant: t.Name, Name: e.Name}, e.Events}
			list[t.Name] = append(list[t.Name], s)
			if slices.Contains(cfg.Events.Operator, config.TenantEndpoint{Tenant: t.Name, Endpoint: e.Name}) {
				list[""] = append(list[""], s)
			}
		}
	}
	return list
}

// subscribers are the endpoints that want an event, by the configuration that runs.
func (l *live) subscribers(tenant, event string) []store.Endpoint {
	var list []store.Endpoint
	for _, s := range l.running.Load().subscribers[tenant] {
		if s.wants(event) {
			list = append(list, s.endpoint)
		}
	}
	return list
}

// retention is how long an event to a tenant is kept.
func (l *live) retention(tenant string, at time.Time) store.Retention {
	return l.running.Load().retention[tenant].Ends(at)
}

// forward gives endpoints of mail servers who passes their mail on.
func (a *assembly) forward(cfg *config.Config, tokens *outbound.RefreshTokens) {
	for name, s := range a.smarthosts {
		sending := smarthost.Config{
			Server: mailServer(s.Server), Account: "endpoint " + name.Tenant + "/" + name.Name, Tokens: tokens, Hostname: cfg.Server.Hostname,
			Sender: s.From, Recipient: s.To,
		}
		if s.From == config.NullAddress {
			sending.Sender = ""
		}
		if s.Login.User != "" {
			login := mailLogin(s.Login)
			sending.Login = &login
		}
		if d := s.DKIM; d != nil {
			sending.DKIM = &smarthost.DKIM{Domain: d.Domain, Selector: d.Selector, Key: d.Key}
		}
		e := a.endpoints[name]
		e.Forward = smarthost.New(sending)
		a.endpoints[name] = e
	}
}

// resetSmarthosts ends what is told of mail servers whose settings are others now.
func (l *live) resetSmarthosts(ctx context.Context, before, after *assembly) {
	for name, s := range after.smarthosts {
		was, there := before.smarthosts[name]
		if !there || mailServer(was.Server).Equal(mailServer(s.Server)) && mailLogin(was.Login).Equal(mailLogin(s.Login)) {
			continue
		}
		about := store.About{Tenant: name.Tenant, Class: events.Endpoint, Name: name.Name}
		if err := l.events.Reset(ctx, about, ""); err != nil && ctx.Err() == nil {
			l.log.Error("it could not be told that the settings of a mail server have changed", "tenant", name.Tenant, "endpoint", name.Name, "error", err)
		}
	}
}

// pruneEpisodes ends the episodes of what is not there any more.
func (l *live) pruneEpisodes(ctx context.Context) {
	err := l.events.Prune(ctx, l.has)
	if err != nil && ctx.Err() == nil {
		l.log.Error("what is told of things that are not configured any more could not be ended", "error", err)
	}
}

// has says whether something that fails is there still.
func (l *live) has(about store.About) bool {
	parts := l.running.Load()
	switch about.Class {
	case events.Account:
		e, ok := l.accounts.roster.Get(about.Name)
		return ok && (e.Tenant == about.Tenant || e.Problem != nil)
	case events.Endpoint:
		_, ok := parts.smarthosts[store.Endpoint{Tenant: about.Tenant, Name: about.Name}]
		return ok
	case events.Plugin:
		_, ok := parts.plugins[about.Name]
		return ok
	case events.Scanner:
		s := l.started.Scanners
		return about.Name == "rspamd" && s.Rspamd != nil || about.Name == "clamav" && s.ClamAV != nil
	}
	return true
}

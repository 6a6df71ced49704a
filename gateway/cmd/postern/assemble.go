package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"

	"github.com/postern-mail/postern/gateway/internal/config"
	"github.com/postern-mail/postern/gateway/internal/dispatch"
	"github.com/postern-mail/postern/gateway/internal/payload"
	"github.com/postern-mail/postern/gateway/internal/pipeline"
	"github.com/postern-mail/postern/gateway/internal/queue"
	"github.com/postern-mail/postern/gateway/internal/reception"
	"github.com/postern-mail/postern/gateway/internal/route"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// assembly is what a configuration comes to, before anything of it runs. Making
// one does all that could go wrong with it, so that "check" finds what "serve" would
// stumble over.
type assembly struct {
	routes    *route.Table
	retention map[string]reception.Retention
	endpoints map[store.Endpoint]dispatch.Endpoint
	limits    map[string][]queue.Limit // by tenant
	plugins   map[string]loadedPlugin
	chains    map[dispatch.Alias][]pipeline.Stage
	// inspected are the secrets of the endpoints that the inspector stands for, by
	// the path of their URL.
	inspected map[string]string
	// subscribers are the endpoints that get events, by the tenant whose events they get, and by those of the
	// gateway as a whole without a tenant.
	subscribers map[string][]subscriber
	smarthosts  map[store.Endpoint]config.Smarthost
}

// assemble builds an assembly. Its error is config.Problems, which holds everything
// that is wrong. What is loaded already of plugins is taken from before, nil for nothing;
// progress is for a person who waits for them.
func assemble(ctx context.Context, cfg *config.Config, host pluginHost, before map[string]loadedPlugin, progress io.Writer) (*assembly, error) {
	a := &assembly{
		retention: make(map[string]reception.Retention),
		endpoints: make(map[store.Endpoint]dispatch.Endpoint),
		limits:    make(map[string][]queue.Limit),
		chains:    make(map[dispatch.Alias][]pipeline.Stage),
		inspected: make(map[string]string),

		subscribers: subscribers(cfg),
		smarthosts:  make(map[store.Endpoint]config.Smarthost),
	}
	var problems []error
	var tenants []route.Tenant
	for _, t := range cfg.Tenants {
		p := t.Plan
		a.retention[t.Name] = reception.Retention{Raw: p.Retention, Payload: p.PayloadRetention, Held: p.QuarantineRetention, Log: p.LogRetention}
		a.limits[t.Name] = limits(p.Rate, p.MaxPerMinute)
		problems = append(problems, a.addEndpoints(cfg, t))
		rt := route.Tenant{Name: t.Name, Domains: t.Domains}
		for _, alias := range t.Aliases {
			rt.Aliases = append(rt.Aliases, route.Alias{Name: alias.Name, Endpoints: alias.Endpoints})
		}
		tenants = append(tenants, rt)
	}
	routes, err := route.New(tenants)
	a.routes = routes
	if err := errors.Join(append(problems, err)...); err != nil {
		return nil, asProblems(err)
	}
	if a.plugins, err = loadPlugins(ctx, cfg, host, before, progress); err != nil {
		return nil, err
	}
	a.addChains(cfg)
	return a, nil
}

// close gives back what the plugins hold.
func (a *assembly) close(ctx context.Context) { closePlugins(ctx, a.plugins, nil) }

// addChains gives each alias its stages, in the order of its pipeline.
func (a *assembly) addChains(cfg *config.Config) {
	stages := make(map[string]pipeline.Stage)
	for _, p := range cfg.AllPlugins() {
		stages[p.Key()] = a.stage(p)
	}
	chain := func(keys []string) []pipeline.Stage {
		list := make([]pipeline.Stage, len(keys))
		for i, key := range keys {
			list[i] = stages[key]
		}
		return list
	}
	for _, t := range cfg.Tenants {
		a.chains[dispatch.Alias{Tenant: t.Name}] = chain(t.Pipeline)
		for _, alias := range t.Aliases {
			a.chains[dispatch.Alias{Tenant: t.Name, Name: alias.Name}] = chain(alias.Pipeline)
		}
	}
}

// stage is what a plugin is in the chains.
func (a *assembly) stage(p config.Plugin) pipeline.Stage {
	own := a.plugins[p.Key()]
	s := pipeline.Stage{Name: p.Key(), Plugin: own.runner(), OnError: pipeline.Policy(p.OnError)}
	if other := a.plugins[shadowKey(p.Key())]; p.Shadow != nil && own.broken == nil && other.broken == nil {
		s.Shadow = &pipeline.Shadow{Plugin: other.Plugin, Old: own.SHA256(), New: other.SHA256(), Values: p.ShadowValues}
	}
	return s
}

func (a *assembly) addEndpoints(cfg *config.Config, t config.Tenant) error {
	var problems []error
	for _, e := range t.Endpoints {
		a.endpoints[store.Endpoint{Tenant: t.Name, Name: e.Name}] = dispatch.Endpoint{
			URL: e.URL, Key: e.Secret, MaxConcurrency: e.MaxConcurrency, Limits: limits(e.Rate, 0),
			Placement: payload.Placement{
				Attachments: payload.Place(e.Attachments), MaxInlineSize: e.MaxInlineSize, MaxPayloadSize: e.MaxPayloadSize, Overflow: payload.Place(e.Overflow),
			},
		}
		if e.SMTP != nil {
			a.smarthosts[store.Endpoint{Tenant: t.Name, Name: e.Name}] = *e.SMTP
			continue // who passes its mail on is made by forward
		}
		u, err := url.Parse(e.URL)
		if err != nil {
			problems = append(problems, fmt.Errorf("tenant %q: endpoint %q: %w", t.Name, e.Name, err))
			continue
		}
		if cfg.Inspector != nil && u.Host == cfg.Inspector.Address {
			a.inspected[u.Path] = e.Secret.Text()
		}
	}
	return errors.Join(problems...)
}

// limits is what a rate, and a number per minute, come to; zero for none.
func limits(rate config.Rate, perMinute int) []queue.Limit {
	var list []queue.Limit
	if rate.Limit > 0 {
		list = append(list, queue.Limit{Name: "rate", PerSecond: float64(rate.Limit) / rate.Per.Seconds(), Burst: rate.Burst})
	}
	if perMinute > 0 {
		list = append(list, queue.PerMinute("max_per_minute", perMinute))
	}
	return list
}

// reachable gives an address that a client on this machine can connect to: the
// unspecified address of a listener becomes the loopback's.
func reachable(addr net.Addr) string {
	ap, err := netip.ParseAddrPort(addr.String())
	if err != nil || !ap.Addr().IsUnspecified() {
		return addr.String()
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), ap.Port()).String()
}

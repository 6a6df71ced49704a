package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"time"

	"github.com/postern-mail/postern/gateway/internal/config"
	"github.com/postern-mail/postern/gateway/internal/dispatch"
	"github.com/postern-mail/postern/gateway/internal/route"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// assembly is what a configuration comes to, before anything of it runs. Making
// one does all that could go wrong with it, so that "check" finds what "serve" would
// stumble over.
type assembly struct {
	routes    *route.Table
	retention map[string]time.Duration
	endpoints map[store.Endpoint]dispatch.Endpoint
	// inspected are the secrets of the endpoints that the inspector stands for, by
	// the path of their URL.
	inspected map[string]string
}

// assemble builds an assembly. Its error holds everything that is wrong.
func assemble(cfg *config.Config) (*assembly, error) {
	a := &assembly{
		retention: make(map[string]time.Duration),
		endpoints: make(map[store.Endpoint]dispatch.Endpoint),
		inspected: make(map[string]string),
	}
	var problems []error
	var tenants []route.Tenant
	for _, t := range cfg.Tenants {
		a.retention[t.Name] = t.Plan.Retention
		problems = append(problems, a.addEndpoints(cfg, t))
		rt := route.Tenant{Name: t.Name, Domains: t.Domains}
		for _, alias := range t.Aliases {
			rt.Aliases = append(rt.Aliases, route.Alias{Name: alias.Name, Endpoints: alias.Endpoints})
		}
		tenants = append(tenants, rt)
	}
	routes, err := route.New(tenants)
	a.routes = routes
	return a, errors.Join(append(problems, err)...)
}

func (a *assembly) addEndpoints(cfg *config.Config, t config.Tenant) error {
	var problems []error
	for _, e := range t.Endpoints {
		a.endpoints[store.Endpoint{Tenant: t.Name, Name: e.Name}] = dispatch.Endpoint{URL: e.URL, Key: e.Secret, MaxConcurrency: e.MaxConcurrency}
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

// reachable gives an address that a client on this machine can connect to: the
// unspecified address of a listener becomes the loopback's.
func reachable(addr net.Addr) string {
	ap, err := netip.ParseAddrPort(addr.String())
	if err != nil || !ap.Addr().IsUnspecified() {
		return addr.String()
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), ap.Port()).String()
}

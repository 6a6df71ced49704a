package dispatch

import (
	"sync"

	"github.com/postern-mail/postern/gateway/internal/pipeline"
	"github.com/postern-mail/postern/gateway/internal/queue"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// setup is what of the configuration can change while the dispatcher runs.
type setup struct {
	endpoints map[store.Endpoint]Endpoint
	chains    map[Alias][]pipeline.Stage
	rules     *queue.Rules
	// attempts are those that began with it.
	attempts sync.WaitGroup
}

// newSetup leaves an eighth of the workers to others than any one tenant, where there are
// others: plugins and receivers may take as long as they like.
func newSetup(endpoints map[store.Endpoint]Endpoint, limits map[string][]queue.Limit, chains map[Alias][]pipeline.Stage, workers int) *setup {
	rules := &queue.Rules{Endpoints: make(map[store.Endpoint]queue.Room), TenantAttempts: workers, TenantLimits: limits}
	tenants := make(map[string]bool)
	for name, e := range endpoints {
		tenants[name.Tenant] = true
		rules.Endpoints[name] = queue.Room{Attempts: e.MaxConcurrency, Limits: e.Limits}
	}
	if len(tenants) > 1 {
		rules.TenantAttempts = max(1, workers-max(1, workers/8))
	}
	return &setup{endpoints: endpoints, chains: chains, rules: rules}
}

// chain returns the stages for the mail of an alias.
func (s *setup) chain(tenant, alias string) []pipeline.Stage {
	if stages, ok := s.chains[Alias{tenant, alias}]; ok {
		return stages
	}
	return s.chains[Alias{Tenant: tenant}]
}

// Reconfigure gives the attempts that begin from now on other endpoints, limits and chains.
// What it returns waits for those that began before: nothing uses their plugins any more then.
func (d *Dispatcher) Reconfigure(endpoints map[store.Endpoint]Endpoint, limits map[string][]queue.Limit, chains map[Alias][]pipeline.Stage) (wait func()) {
	after := newSetup(endpoints, limits, chains, d.cfg.Concurrency)
	d.mu.Lock()
	before := d.setup
	d.setup = after
	d.mu.Unlock()
	d.queue.Changed() // there may be more room
	return before.attempts.Wait
}

// begin returns the setup for an attempt that begins; its attempts.Done is to be called
// when the attempt has ended.
func (d *Dispatcher) begin() *setup {
	d.mu.RLock()
	defer d.mu.RUnlock()
	d.setup.attempts.Add(1)
	return d.setup
}

// rules are what the queue goes by.
func (d *Dispatcher) rules() *queue.Rules {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.setup.rules
}

package dispatch

import (
	"sync"

	"github.com/postern-mail/postern/gateway/internal/pipeline"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// setup is what of the configuration can change while the dispatcher runs.
type setup struct {
	endpoints map[store.Endpoint]Endpoint
	chains    map[Alias][]pipeline.Stage
	// tenantWorkers is how many workers one tenant may have.
	tenantWorkers int
	// attempts are those that began with it.
	attempts sync.WaitGroup
}

// newSetup leaves an eighth of the workers to others than any one tenant, where there are
// others: plugins and receivers may take as long as they like.
func newSetup(endpoints map[store.Endpoint]Endpoint, chains map[Alias][]pipeline.Stage, workers int) *setup {
	tenants := make(map[string]bool)
	for e := range endpoints {
		tenants[e.Tenant] = true
	}
	s := &setup{endpoints: endpoints, chains: chains, tenantWorkers: workers}
	if len(tenants) > 1 {
		s.tenantWorkers = max(1, workers-max(1, workers/8))
	}
	return s
}

// chain returns the stages for the mail of an alias.
func (s *setup) chain(tenant, alias string) []pipeline.Stage {
	if stages, ok := s.chains[Alias{tenant, alias}]; ok {
		return stages
	}
	return s.chains[Alias{Tenant: tenant}]
}

// Reconfigure gives the attempts that begin from now on other endpoints and chains. What it
// returns waits for those that began before: nothing uses their plugins any more then.
func (d *Dispatcher) Reconfigure(endpoints map[store.Endpoint]Endpoint, chains map[Alias][]pipeline.Stage) (wait func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	before := d.setup
	d.setup = newSetup(endpoints, chains, d.cfg.Concurrency)
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

// tenantWorkers is how many workers one tenant may have.
func (d *Dispatcher) tenantWorkers() int {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.setup.tenantWorkers
}

// room is how many attempts an endpoint may have under way. One that is not in
// the configuration any more gets one, to have its deliveries end.
func (d *Dispatcher) room(e store.Endpoint) int {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if known, ok := d.setup.endpoints[e]; ok {
		return known.MaxConcurrency
	}
	return 1
}

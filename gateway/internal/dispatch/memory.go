package dispatch

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

// documentMemory bounds the octets of documents in memory at the same time, and
// tenantMemory those of one tenant.
const (
	documentMemory = 128 << 20
	tenantMemory   = documentMemory / 4 * 3
)

// memory is what documents are made and kept within. No tenant gets all of it: one whose
// plugins or receivers take their time would have all others wait for them.
type memory struct {
	all *semaphore.Weighted

	mu      sync.Mutex
	tenants map[string]*share // of those that have or want any
}

// share is a tenant's part.
type share struct {
	*semaphore.Weighted
	users int
}

func newMemory() *memory {
	return &memory{all: semaphore.NewWeighted(documentMemory), tenants: make(map[string]*share)}
}

// reservation is the memory that one attempt has taken.
type reservation struct {
	memory *memory
	tenant string
	share  *share
	octets int64
}

// reserve waits until there is memory for an attempt. What it returns is to be freed, also
// where there is an error.
func (m *memory) reserve(ctx context.Context, tenant string, octets int64) (*reservation, error) {
	m.mu.Lock()
	own := m.tenants[tenant]
	if own == nil {
		own = &share{Weighted: semaphore.NewWeighted(tenantMemory)}
		m.tenants[tenant] = own
	}
	own.users++
	m.mu.Unlock()
	r := &reservation{memory: m, tenant: tenant, share: own}
	return r, r.resize(ctx, octets)
}

// resize takes more or less. What was held is given back before more is waited
// for: two that wait for each other would wait for ever.
func (r *reservation) resize(ctx context.Context, octets int64) error {
	octets = min(octets, documentMemory)
	if octets > r.octets {
		r.release(0)
		if err := r.share.Acquire(ctx, min(octets, tenantMemory)); err != nil {
			return err
		}
		if err := r.memory.all.Acquire(ctx, octets); err != nil {
			r.share.Release(min(octets, tenantMemory))
			return err
		}
		r.octets = octets
	}
	r.release(octets)
	return nil
}

// release gives back what is above so many octets.
func (r *reservation) release(octets int64) {
	r.share.Release(min(r.octets, tenantMemory) - min(octets, tenantMemory))
	r.memory.all.Release(r.octets - octets)
	r.octets = octets
}

// free gives all back, for good. There is nothing to free of a nil one.
func (r *reservation) free() {
	if r == nil {
		return
	}
	r.release(0)
	r.memory.mu.Lock()
	defer r.memory.mu.Unlock()
	if r.share.users--; r.share.users == 0 {
		delete(r.memory.tenants, r.tenant)
	}
}

package queue

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

const (
	// lease is how long a claim lasts without a heartbeat.
	lease = 60 * time.Second
	// heartbeat leaves two tries before a lease ends.
	heartbeat = lease / 3
	// expiry is how often the end of retention is looked for, and expiryBatch how
	// many rows of each kind one transaction takes.
	expiry      = time.Minute
	expiryBatch = 100
	// deleters is how many bodies are deleted at the same time.
	deleters = 4
)

// Run keeps the leases alive, hears of what other processes do, and ends what has expired,
// until ctx ends.
func (q *Queue) Run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { every(ctx, expiry, func() { q.expire(ctx) }) }) // which may take longer than a lease lasts
	wg.Go(func() { every(ctx, heartbeat, func() { q.beat(ctx, time.Now()) }) })
	for {
		select {
		case <-ctx.Done():
			return
		case <-q.store.Wake():
			q.Changed()
		}
	}
}

// every calls f at once and then each time that a period has passed, until ctx ends.
func every(ctx context.Context, period time.Duration, f func()) {
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	for {
		f()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (q *Queue) beat(ctx context.Context, now time.Time) {
	q.mu.Lock()
	held := slices.Collect(maps.Keys(q.held))
	q.mu.Unlock()
	if err := q.store.Extend(ctx, held, now.Add(lease)); err != nil && ctx.Err() == nil {
		q.log.Error("leases could not be extended; deliveries may be made twice", "error", err)
	}
	n, err := q.store.Reap(ctx, now)
	if err != nil && ctx.Err() == nil {
		q.log.Error("leases that ended could not be given back", "error", err)
	}
	if n > 0 {
		q.log.Warn("took over leases that ended", "deliveries", n)
		q.Changed()
	}
}

// expire ends what has expired, in small transactions. Between two of them the store is left
// to others for as long as the last one took.
func (q *Queue) expire(ctx context.Context) {
	now, sure := q.trusted(ctx)
	if !sure {
		return
	}
	var sum store.Expired
	bodies := 0
	defer func() {
		if sum.Deliveries+bodies+sum.Payloads+sum.Rows > 0 {
			q.log.Info("retention ended", "deliveries_expired", sum.Deliveries, "bodies_deleted", bodies, "payloads_deleted", sum.Payloads, "rows_deleted", sum.Rows)
		}
	}()
	for ctx.Err() == nil {
		began := time.Now()
		out, err := q.store.Expire(ctx, now, expiryBatch)
		if err != nil {
			if ctx.Err() == nil {
				q.log.Error("the end of retention could not be applied", "error", err)
			}
			return
		}
		took := time.Since(began)
		q.delete(ctx, out.Bodies)
		sum.Deliveries += out.Deliveries
		sum.Payloads += out.Payloads
		sum.Rows += out.Rows
		bodies += len(out.Bodies)
		if !out.More {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(took):
		}
	}
}

// delete deletes bodies that no row refers to any more.
func (q *Queue) delete(ctx context.Context, refs []mail.BodyRef) {
	var wg sync.WaitGroup
	for part := range slices.Chunk(refs, max(1, (len(refs)+deleters-1)/deleters)) {
		wg.Go(func() {
			for _, ref := range part {
				if err := q.bodies.Delete(ctx, ref); err != nil {
					q.log.Error("a body could not be deleted; it is swept later", "body", ref, "error", err)
				}
			}
		})
	}
	wg.Wait()
}

// Release gives back what this process holds, for a stop.
func (q *Queue) Release(ctx context.Context) error {
	n, err := q.store.Release(ctx, q.owner)
	if err != nil {
		return err
	}
	q.mu.Lock()
	now := time.Now()
	for l, ln := range q.held {
		if ln != nil {
			q.lanes.note(ln.endpoint, now, now)
		}
		q.endAttempt(l)
	}
	clear(q.held)
	q.mu.Unlock()
	q.Changed()
	if n > 0 {
		q.log.Info("gave leases back", "deliveries", n)
	}
	return nil
}

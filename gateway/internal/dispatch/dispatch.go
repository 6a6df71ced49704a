// Package dispatch is the loop behind the queue: it claims deliveries, makes
// their documents, sends them, and records what came of it.
//
// # Invariants
//
//   - Every delivery that is claimed is finished, or its lease is given back. An
//     outcome that cannot be recorded is tried again until it can; meanwhile its
//     worker takes nothing new, so that a failing disk slows the gateway down
//     instead of repeating deliveries.
//   - The document is made once, by the run of the chain that ended well, and stored
//     with the attempt that followed it. Later attempts send the same bytes, until an
//     endpoint calls them too many; the revision is stored with the attempt that was.
//     Where the chain says drop or quarantine, there is no attempt.
//   - An endpoint has at most its own number of attempts under way, so that a slow
//     one never holds up the others. Where the workers are too few for all, each
//     one that becomes free goes to the endpoint that has the fewest. Some are for
//     other tenants than the one that has the most.
package dispatch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/payload"
	"github.com/postern-mail/postern/gateway/internal/pipeline"
	"github.com/postern-mail/postern/gateway/internal/plugin"
	"github.com/postern-mail/postern/gateway/internal/queue"
	"github.com/postern-mail/postern/gateway/internal/secret"
	"github.com/postern-mail/postern/gateway/internal/store"
	"github.com/postern-mail/postern/gateway/internal/webhook"
)

const (
	// errorPause is the time between tries when the store fails.
	errorPause = time.Second
	// idleCheck bounds how long a missed wake-up can go unnoticed.
	idleCheck = 30 * time.Second
)

// Endpoint is where deliveries go.
type Endpoint struct {
	URL string
	Key secret.Key
	// MaxConcurrency is how many attempts may be under way at the same time.
	MaxConcurrency int
	// Placement is where the content of attachments goes.
	Placement payload.Placement
}

// Alias names an alias of a tenant; without a name, the tenant as a whole.
type Alias struct {
	Tenant, Name string
}

// Config holds the dispatcher's settings.
type Config struct {
	// Endpoints and Chains are what it begins with; see Reconfigure.
	Endpoints map[store.Endpoint]Endpoint
	// Chains are the stages that the mail of an alias goes through. An alias that
	// is not there, since it is not in the configuration any more, has the chain of
	// its tenant.
	Chains map[Alias][]pipeline.Stage
	// Links makes the URLs of attachments; nil where no endpoint has any.
	Links Links
	// Shadows tries other versions of plugins, where stages have them; nil for nobody.
	Shadows Shadows
	// Virus scans parts of mails by themselves; nil for none.
	Virus VirusScanner
	// Concurrency is how many attempts may be under way in all.
	Concurrency int
	Logger      hclog.Logger
}

// Links makes the URLs that attachments are to be had at; *download.Links is one.
type Links interface {
	URL(id mail.DeliveryID, p document.Part, expires time.Time) string
}

// Shadows takes what a chain has left for the shadows of its stages; *shadow.Runner is
// one. Offer returns at once, and nothing of the delivery depends on it.
type Shadows interface {
	Offer(m plugin.Mail, body mail.BodyRef, runs []pipeline.Shadowed)
}

// Bodies opens the bodies of messages.
type Bodies interface {
	Open(ctx context.Context, ref mail.BodyRef) (mail.Body, error)
}

// Dispatcher works the queue.
type Dispatcher struct {
	queue  *queue.Queue
	bodies Bodies
	client *webhook.Client
	cfg    Config
	log    hclog.Logger

	// done receives the endpoint of each worker that has become free.
	done chan store.Endpoint
	// memory is what documents are made and kept within.
	memory *memory

	mu    sync.RWMutex
	setup *setup
	// last is the endpoint that was given a worker last. It is Run's.
	last store.Endpoint
}

// New returns a dispatcher.
func New(q *queue.Queue, bodies Bodies, client *webhook.Client, cfg Config) *Dispatcher {
	began := newSetup(cfg.Endpoints, cfg.Chains, cfg.Concurrency)
	cfg.Endpoints, cfg.Chains = nil, nil // they are not to be kept longer than they hold
	return &Dispatcher{
		queue: q, bodies: bodies, client: client, cfg: cfg,
		log: cfg.Logger.Named("dispatch"), done: make(chan store.Endpoint, cfg.Concurrency),
		memory: newMemory(), setup: began,
	}
}

// Run works until ctx ends. Attempts under way are finished before it returns.
func (d *Dispatcher) Run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	busy := make(map[store.Endpoint]int)
	free := d.cfg.Concurrency
	for ctx.Err() == nil {
		jobs, next, err := d.claim(ctx, busy, free)
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			d.log.Error("deliveries could not be claimed", "error", err)
			next = time.Now().Add(errorPause)
		}
		for _, job := range jobs {
			busy[job.Endpoint]++
			free--
			wg.Go(func() {
				d.work(ctx, job)
				d.done <- job.Endpoint
			})
		}
		if len(jobs) > 0 && free > 0 {
			continue // there may be more
		}
		released := d.wait(ctx, next, free > 0 && err == nil)
		for _, e := range released {
			if busy[e]--; busy[e] == 0 {
				delete(busy, e)
			}
			free++
		}
	}
}

// claim leases what is due for endpoints that have room, and says when something
// will be due next.
func (d *Dispatcher) claim(ctx context.Context, busy map[store.Endpoint]int, free int) ([]store.Job, time.Time, error) {
	next := time.Now().Add(idleCheck)
	if free == 0 {
		return nil, next, nil
	}
	waiting, err := d.queue.Waiting(ctx)
	if err != nil {
		return nil, next, err
	}
	now := time.Now()
	var quotas []store.Quota
	for _, w := range waiting {
		if w.Due.After(now) {
			if w.Due.Before(next) {
				next = w.Due
			}
			continue
		}
		if room := d.room(w.Endpoint) - busy[w.Endpoint]; room > 0 {
			quotas = append(quotas, store.Quota{Endpoint: w.Endpoint, Max: room})
		}
	}
	if quotas = d.share(quotas, busy, free); len(quotas) == 0 {
		return nil, next, nil
	}
	jobs, err := d.queue.Claim(ctx, quotas)
	return jobs, next, err
}

// share gives free workers to endpoints one by one, each to the endpoint with the
// fewest attempts under way. Of several, it is the turn of the next by name, so
// that none is left out while others have more work than all workers can do.
func (d *Dispatcher) share(quotas []store.Quota, busy map[store.Endpoint]int, free int) []store.Quota {
	slices.SortFunc(quotas, func(a, b store.Quota) int { return compare(a.Endpoint, b.Endpoint) })
	start := slices.IndexFunc(quotas, func(q store.Quota) bool { return compare(q.Endpoint, d.last) > 0 })
	start = max(start, 0)
	given := make([]int, len(quotas))
	tenants := make(map[string]int)
	for e, n := range busy {
		tenants[e.Tenant] += n
	}
	most := d.tenantWorkers()
	for ; free > 0; free-- {
		best := -1
		for n := range quotas {
			i := (start + n) % len(quotas)
			if given[i] == quotas[i].Max || tenants[quotas[i].Endpoint.Tenant] >= most {
				continue
			}
			if best < 0 || busy[quotas[i].Endpoint]+given[i] < busy[quotas[best].Endpoint]+given[best] {
				best = i
			}
		}
		if best < 0 {
			break // no endpoint has room, or its tenant has no more
		}
		given[best]++
		d.last = quotas[best].Endpoint
		tenants[d.last.Tenant]++
	}
	var out []store.Quota
	for i, q := range quotas {
		if given[i] > 0 {
			out = append(out, store.Quota{Endpoint: q.Endpoint, Max: given[i]})
		}
	}
	return out
}

func compare(a, b store.Endpoint) int {
	return cmp.Or(strings.Compare(a.Tenant, b.Tenant), strings.Compare(a.Name, b.Name))
}

// wait returns when there may be work: at the given time, when a worker became
// free, or, where there are free workers, when something was enqueued. It returns
// the endpoints of the workers that became free.
func (d *Dispatcher) wait(ctx context.Context, until time.Time, listen bool) []store.Endpoint {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	var wake <-chan struct{}
	if listen {
		wake = d.queue.Wake()
	}
	var released []store.Endpoint
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-wake:
	case e := <-d.done:
		released = append(released, e)
	}
	for {
		select {
		case e := <-d.done:
			released = append(released, e)
		default:
			return released
		}
	}
}

// work makes one attempt and records it.
func (d *Dispatcher) work(ctx context.Context, job store.Job) {
	outcome, interrupted := d.attempt(ctx, job)
	if interrupted {
		return // its lease is given back with the others
	}
	log := d.log.With("delivery_id", job.ID, "tenant", job.Endpoint.Tenant, "endpoint", job.Endpoint.Name)
	for {
		state, due, err := d.queue.Finish(context.WithoutCancel(ctx), job, outcome)
		switch {
		case err == nil:
			report(log, state, due, outcome)
			return
		case errors.Is(err, queue.ErrLeaseLost):
			log.Warn("the lease was lost before the outcome could be recorded; the delivery is made again")
			return
		}
		log.Error("an outcome could not be recorded; trying again", "error", err)
		select {
		case <-ctx.Done():
			log.Error("stopped before the outcome could be recorded; the attempt is made again under the same webhook-id")
			return
		case <-time.After(errorPause):
		}
	}
}

func report(log hclog.Logger, state mail.State, due time.Time, o queue.Outcome) {
	if o.Attempt == nil {
		ended := log.Warn // somebody is to look at what is held
		if state == mail.Dropped {
			ended = log.Info
		}
		ended("the chain ended the delivery", "state", state, "reason", hclog.Quote(o.Reason))
		return
	}
	log = log.With("attempt", o.Attempt.Number, "code", o.Attempt.Code, "duration_ms", o.Attempt.Duration.Milliseconds())
	switch state {
	case mail.Delivered:
		log.Info("delivered")
	case mail.Retrying:
		log.Warn("attempt failed", "reason", hclog.Quote(o.Attempt.Reason), "next_attempt_at", due.UTC().Format(time.RFC3339))
	default:
		log.Error("delivery failed", "state", state, "reason", hclog.Quote(o.Attempt.Reason))
	}
}

// attempt makes one attempt, unless the chain ends the delivery before it. A panic
// is a failed attempt like any other: one mail must not stop the others. A stop
// interrupts a chain, which is run again by the next start; it lets a request under
// way end, whose time the client bounds.
func (d *Dispatcher) attempt(stop context.Context, job store.Job) (o queue.Outcome, interrupted bool) {
	ctx := context.WithoutCancel(stop)
	made := mail.Attempt{Number: job.Attempts + 1, At: time.Now()}
	o.Attempt = &made
	defer func() {
		if p := recover(); p != nil {
			d.log.Error("panic in an attempt", "delivery_id", job.ID, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			made.Reason = "internal: see the gateway's log"
			o, interrupted = queue.Outcome{Attempt: &made}, false
		}
	}()

	s := d.begin()
	defer s.attempts.Done()
	endpoint, ok := s.endpoints[job.Endpoint]
	if !ok {
		made.Reason = "config: the endpoint is not in the configuration"
		return o, false
	}
	body, err := d.bodies.Open(ctx, job.Body)
	if err != nil {
		made.Reason = "body: " + err.Error()
		return o, false
	}
	defer body.Close()
	held, err := d.memory.reserve(stop, job.Endpoint.Tenant, max(min(body.Size(), documentSize), documentCost*job.DocumentSize))
	defer held.free()
	if err != nil {
		return o, true // by the stop: nothing else ends the wait
	}
	p, err := d.prepare(stop, job, endpoint, s.chain(job.Endpoint.Tenant, job.Alias), body, held)
	o.Made = p.made
	failed, chain := errors.AsType[*failedChainError](err)
	switch {
	case errors.Is(err, errInterrupted), err != nil && stop.Err() != nil:
		return queue.Outcome{}, true
	case chain:
		made.Reason, made.Duration = failed.reason, failed.took
		return o, false
	case err != nil:
		made.Reason = "document: " + err.Error()
		return o, false
	case p.ended != "":
		o.State, o.Reason, o.Attempt = p.ended, p.reason, nil
		return o, false
	}
	made.At = time.Now()
	res := d.client.Send(ctx, webhook.Request{
		URL: endpoint.URL, ID: job.ID, Key: endpoint.Key, At: made.At,
		Render: func(w io.Writer) error { return payload.Render(w, p.document, body) },
	})
	if res.Delivered {
		o.State = mail.Delivered
	}
	o.RetryAfter = res.RetryAfter
	made.Duration, made.Code, made.Reason, made.Response = res.Duration, res.Code, res.Reason, res.Response
	if res.Code == http.StatusRequestEntityTooLarge {
		d.revise(job, endpoint, p.document, &o)
	}
	return o, false
}

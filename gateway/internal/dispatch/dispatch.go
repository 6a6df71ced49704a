// Package dispatch is the loop behind the queue: it claims deliveries, makes
// their documents, sends them, and records what came of it.
//
// # Invariants
//
//   - Every delivery that is claimed is finished, or its lease is given back. An
//     outcome that cannot be recorded is tried again until it can; meanwhile
//     nothing new is begun, so that a failing disk slows the gateway down instead of
//     repeating deliveries.
//   - The document is made once, by the run of the chain that ended well, and stored
//     with the attempt that followed it. Later attempts send the same bytes, until an
//     endpoint calls them too many; the revision is stored with the attempt that was.
//     Where the chain says drop or quarantine, there is no attempt.
//   - An endpoint has at most its own number of attempts under way, so that a slow
//     one never holds up the others. Some workers are for other tenants than the one
//     that has the most. Whose turn it is otherwise is the queue's to say.
//   - Attempts begin in the order in which the queue gives their deliveries.
package dispatch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
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

// errorPause is the time between tries when the store fails.
const errorPause = time.Second

// Endpoint is where deliveries go.
type Endpoint struct {
	URL string
	Key secret.Key
	// Forward passes the mail itself on; nil for a webhook, which gets a payload.
	Forward Forwarder
	// MaxConcurrency is how many attempts may be under way at the same time, and Limits
	// how many may begin.
	MaxConcurrency int
	Limits         []queue.Limit
	// Placement is where the content of attachments goes.
	Placement payload.Placement
}

// Alias names an alias of a tenant; without a name, the tenant as a whole.
type Alias struct {
	Tenant, Name string
}

// Config holds the dispatcher's settings.
type Config struct {
	// Endpoints, Limits and Chains are what it begins with; see Reconfigure.
	Endpoints map[store.Endpoint]Endpoint
	// Limits say how many attempts of a tenant may begin.
	Limits map[string][]queue.Limit
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
	// Events is told of plugins that fail, and of deliveries that have failed for good; nil
	// for nobody.
	Events Events
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

	// done receives when a worker has become free.
	done chan struct{}
	// recording holds those whose outcome is being recorded.
	recording chan struct{}
	// unrecorded counts the outcomes that could not be recorded yet.
	unrecorded atomic.Int32
	// memory is what documents are made and kept within.
	memory *memory

	mu    sync.RWMutex
	setup *setup
}

// New returns a dispatcher.
func New(q *queue.Queue, bodies Bodies, client *webhook.Client, cfg Config) *Dispatcher {
	began := newSetup(cfg.Endpoints, cfg.Limits, cfg.Chains, cfg.Concurrency)
	cfg.Endpoints, cfg.Limits, cfg.Chains = nil, nil, nil // they are not to be kept longer than they hold
	return &Dispatcher{
		queue: q, bodies: bodies, client: client, cfg: cfg,
		log: cfg.Logger.Named("dispatch"), done: make(chan struct{}, cfg.Concurrency), recording: make(chan struct{}, cfg.Concurrency),
		memory: newMemory(), setup: began,
	}
}

// Run works until ctx ends. Attempts under way are finished before it returns.
func (d *Dispatcher) Run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	free := d.cfg.Concurrency
	for ctx.Err() == nil {
		if d.unrecorded.Load() > 0 {
			free += d.wait(ctx, time.Now().Add(errorPause), false)
			continue
		}
		jobs, next, err := d.queue.Claim(ctx, free, d.rules())
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			d.log.Error("deliveries could not be claimed", "error", err)
			next = time.Now().Add(errorPause)
		}
		for _, job := range jobs {
			free--
			wg.Go(func() { d.work(ctx, job) })
		}
		if err != nil || free == 0 || next.After(time.Now()) {
			free += d.wait(ctx, next, free > 0 && err == nil)
		}
	}
}

// wait returns when there may be work: at the given time, when a worker became
// free, or, where there are free workers, when something became due. It returns
// how many workers became free.
func (d *Dispatcher) wait(ctx context.Context, until time.Time, listen bool) (freed int) {
	var wake <-chan struct{}
	var timeout <-chan time.Time
	if listen {
		wake = d.queue.Wake()
	}
	if !until.IsZero() {
		timer := time.NewTimer(time.Until(until))
		defer timer.Stop()
		timeout = timer.C
	}
	select {
	case <-ctx.Done():
	case <-timeout:
	case <-wake:
	case <-d.done:
		freed++
	}
	for {
		select {
		case <-d.done:
			freed++
		default:
			return freed
		}
	}
}

// work makes one attempt and records it. While it is recorded, the worker is free for
// another, as long as not too many wait for their record.
func (d *Dispatcher) work(ctx context.Context, job store.Job) {
	outcome, held, interrupted := d.attempt(ctx, job)
	defer held.free() // the outcome has the document until it is recorded
	if interrupted {
		d.done <- struct{}{}
		return // its lease is given back with the others
	}
	d.recording <- struct{}{}
	defer func() { <-d.recording }()
	d.queue.Attempted(job)
	d.done <- struct{}{}
	log := d.log.With("delivery_id", job.ID, "tenant", job.Endpoint.Tenant, "endpoint", job.Endpoint.Name)
	for failed := false; ; failed = true {
		state, due, err := d.queue.Finish(context.WithoutCancel(ctx), job, outcome)
		switch {
		case err == nil:
			report(log, state, due, outcome)
			if state == mail.Failed {
				d.tellFailed(job, outcome.Attempt)
			}
			return
		case errors.Is(err, queue.ErrLeaseLost):
			log.Warn("the lease was lost before the outcome could be recorded; the delivery is made again")
			return
		}
		if !failed {
			d.unrecorded.Add(1)
			defer d.unrecorded.Add(-1)
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
		ended("the delivery ended before an attempt", "state", state, "reason", hclog.Quote(o.Reason))
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

// reportBody says of a mail that was accepted that it cannot be sent: lost, or not to be had now.
func (d *Dispatcher) reportBody(job store.Job, err error) {
	id, _ := job.ID.Split()
	log := d.log.With("message_id", id, "delivery_id", job.ID, "tenant", job.Endpoint.Tenant, "endpoint", job.Endpoint.Name, "error", err)
	if errors.Is(err, mail.ErrDamaged) || errors.Is(err, mail.ErrForeign) {
		log.Error(`the body of an accepted mail is lost or damaged; "postern verify" lists all that are. It is tried again by the schedule: have the body back by then, as from a backup`)
		return
	}
	log.Error("the body of a mail cannot be read at the moment; it is tried again by the schedule. Look after the disk, or the store of the bodies")
}

// attempt makes one attempt, unless the delivery ends before it: by the chain, or since its
// retention is over. A panic
// is a failed attempt like any other: one mail must not stop the others. A stop
// interrupts a chain, which is run again by the next start; it lets a request under
// way end, whose time the client bounds, and a mail to a mail server within forwardStop. What it holds of the memory is to be freed, nil included.
func (d *Dispatcher) attempt(stop context.Context, job store.Job) (o queue.Outcome, held *reservation, interrupted bool) {
	ctx := context.WithoutCancel(stop)
	made := mail.Attempt{Number: job.Attempts + 1, At: time.Now()}
	o.Attempt = &made
	defer func() {
		if p := recover(); p != nil {
			d.log.Error("panic in an attempt", "delivery_id", job.ID, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			made.Reason = "internal: see the gateway's log"
			o, interrupted = queue.Outcome{Attempt: &made}, false // held as it is
		}
	}()

	s := d.begin()
	defer s.attempts.Done()
	if !made.At.Before(job.ExpiresAt) { // as may be while it waits for a limit, or is paused
		o.State, o.Reason, o.Attempt = mail.Expired, "retention ended before it was delivered", nil
		return o, held, false
	}
	endpoint, ok := s.endpoints[job.Endpoint]
	if !ok {
		made.Reason = "config: the endpoint is not in the configuration"
		return o, held, false
	}
	body, err := d.open(ctx, job)
	if err != nil {
		made.Reason = "body: " + err.Error()
		d.reportBody(job, err)
		return o, held, false
	}
	defer body.Close()
	held, err = d.memory.reserve(stop, job.Endpoint.Tenant, max(min(body.Size(), documentSize), documentCost*job.DocumentSize))
	if err != nil {
		return o, held, true // by the stop: nothing else ends the wait
	}
	p, err := d.prepare(stop, job, endpoint, s.chain(job.Endpoint.Tenant, job.Alias), body, held)
	o.Made = p.made
	failed, chain := errors.AsType[*failedChainError](err)
	switch {
	case errors.Is(err, errInterrupted), err != nil && stop.Err() != nil:
		return queue.Outcome{}, held, true
	case chain:
		made.Reason, made.Duration = failed.reason, failed.took
		return o, held, false
	case err != nil:
		made.Reason = "document: " + err.Error()
		return o, held, false
	case p.ended != "":
		o.State, o.Reason, o.Attempt = p.ended, p.reason, nil
		return o, held, false
	}
	if endpoint.Forward != nil {
		if d.forward(stop, job, endpoint.Forward, body, &o) {
			return queue.Outcome{}, held, true
		}
		return o, held, false
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
	return o, held, false
}

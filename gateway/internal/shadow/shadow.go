// Package shadow tries other versions of plugins on live mail, beside those that the chains
// run, and keeps how what they make is different.
//
// # Invariants
//
//   - Nothing of a delivery depends on a shadow: it runs after the chain, on what its stage
//     was given, in an instance of its own, and what it makes is compared and forgotten.
//   - It takes no time of who delivers. What waits to run is bounded in number and memory;
//     beyond that it is skipped, and counted. One runs at a time, in a lane that nobody
//     else wants.
package shadow

import (
	"context"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/pipeline"
	"github.com/postern-mail/postern/gateway/internal/plugin"
	"github.com/postern-mail/postern/gateway/internal/shadow/journal"
)

// What may wait, the run under way included.
const (
	maxWaiting = 16
	maxTenant  = maxWaiting / 4 // of one tenant
	maxOctets  = 64 << 20
	// maxView is how much of a mail its parsed view can hold, in octets.
	maxView = 16 << 20
)

// Bodies opens the bodies of messages.
type Bodies interface {
	Open(ctx context.Context, ref mail.BodyRef) (mail.Body, error)
}

// Journal keeps entries; *journal.Journal is one.
type Journal interface {
	Append(e journal.Entry) error
}

// Runner runs shadows. Its methods may be called by any number of goroutines.
type Runner struct {
	bodies  Bodies
	journal Journal
	log     hclog.Logger
	wake    chan struct{}

	mu      sync.Mutex
	waiting []*trial
	octets  int64              // of those that wait, and of the one that runs
	count   int                // of the same
	skipped map[string]skipped // by plugin, until they are written
	// served is how many trials were made of each tenant since it last had none waiting.
	served map[string]int
	// interrupt ends the run under way, and ended is closed when it has; nil where there
	// is none.
	interrupt context.CancelFunc
	ended     chan struct{}
}

// skipped are runs of a plugin that there was no room for.
type skipped struct {
	shadow pipeline.Shadow
	count  int
}

// trial is a run that is to be made.
type trial struct {
	mail   plugin.Mail
	body   mail.BodyRef
	run    pipeline.Shadowed
	octets int64
}

// New returns a runner.
func New(bodies Bodies, j Journal, log hclog.Logger) *Runner {
	return &Runner{bodies: bodies, journal: j, log: log.Named("shadow"), wake: make(chan struct{}, 1), skipped: make(map[string]skipped), served: make(map[string]int)}
}

// Offer takes what a chain has left to try, as far as there is room for it.
func (r *Runner) Offer(m plugin.Mail, body mail.BodyRef, runs []pipeline.Shadowed) {
	view := min(m.Raw.Size(), maxView)
	m.Raw = nil // it is closed when the delivery is made
	for _, run := range runs {
		t := &trial{mail: m, body: body, run: run, octets: view + int64(run.Before.Size()) + int64(run.Result.Document.Size())}
		r.mu.Lock()
		if r.count < maxWaiting && r.octets+t.octets <= maxOctets && r.waitingOf(m.Tenant) < maxTenant {
			r.count++
			r.octets += t.octets
			r.waiting = append(r.waiting, t)
		} else {
			r.skip(t)
		}
		r.mu.Unlock()
	}
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// skip counts a run that is not made. The caller holds the lock.
func (r *Runner) skip(t *trial) {
	s := t.run.Stage
	r.skipped[s.Name] = skipped{shadow: *s.Shadow, count: r.skipped[s.Name].count + 1}
}

// Run runs what is offered until ctx ends. What waits then is skipped.
func (r *Runner) Run(ctx context.Context) {
	defer r.writeSkipped()
	defer r.Settle()
	for ctx.Err() == nil {
		t, running, done := r.next(ctx)
		if t == nil {
			r.writeSkipped()
			select {
			case <-r.wake:
			case <-ctx.Done():
			}
			continue
		}
		r.try(running, t)
		done()
		r.writeSkipped()
	}
}

// Settle gives up what waits and what runs, so that no plugin is used any more that was
// offered before. It returns when that is so.
func (r *Runner) Settle() {
	r.mu.Lock()
	for _, t := range r.waiting {
		r.skip(t)
		r.octets -= t.octets
	}
	r.count -= len(r.waiting)
	r.waiting = nil
	ended := r.ended
	if r.interrupt != nil {
		r.interrupt()
	}
	r.mu.Unlock()
	if ended != nil {
		<-ended
	}
}

// waitingOf counts the trials of a tenant. The caller holds the lock.
func (r *Runner) waitingOf(tenant string) int {
	n := 0
	for _, t := range r.waiting {
		if t.mail.Tenant == tenant {
			n++
		}
	}
	return n
}

// next takes the trial that waits longest of the tenant that had the fewest; nil where none
// waits. done is to be called when it is over.
func (r *Runner) next(ctx context.Context) (t *trial, running context.Context, done func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.waiting) == 0 {
		return nil, nil, nil
	}
	first := 0
	for i, other := range r.waiting {
		if r.served[other.mail.Tenant] < r.served[r.waiting[first].mail.Tenant] {
			first = i
		}
	}
	t = r.waiting[first]
	r.waiting = slices.Delete(r.waiting, first, first+1)
	r.served[t.mail.Tenant]++
	for tenant := range r.served {
		if tenant != t.mail.Tenant && r.waitingOf(tenant) == 0 {
			delete(r.served, tenant)
		}
	}
	running, interrupt := context.WithCancel(ctx)
	ended := make(chan struct{})
	r.interrupt, r.ended = interrupt, ended
	return t, running, func() {
		interrupt()
		r.mu.Lock()
		defer r.mu.Unlock()
		r.count--
		r.octets -= t.octets
		r.interrupt, r.ended = nil, nil
		close(ended)
	}
}

// try runs a shadow once, and keeps what it came to. A panic is the shadow's failure.
func (r *Runner) try(ctx context.Context, t *trial) {
	stage := t.run.Stage
	log := r.log.With("delivery_id", t.mail.ID, "tenant", t.mail.Tenant, "plugin", stage.Name)
	e := journal.Entry{Plugin: stage.Name, Old: stage.Shadow.Old, New: stage.Shadow.New, Delivery: t.mail.ID, Tenant: t.mail.Tenant}
	body, err := r.bodies.Open(ctx, t.body)
	if err != nil { // its retention may be over
		log.Debug("a shadow did not run", "error", err)
		r.mu.Lock()
		r.skip(t)
		r.mu.Unlock()
		return
	}
	defer body.Close()
	t.mail.Raw = body
	res, err := r.run(ctx, t, log)
	if ctx.Err() != nil {
		r.mu.Lock()
		r.skip(t)
		r.mu.Unlock()
		return
	}
	compare(&e, t.run, res, err)
	r.write(e)
}

func (r *Runner) run(ctx context.Context, t *trial, log hclog.Logger) (res plugin.Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			log.Error("panic in a shadow run", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			res, err = plugin.Result{}, errPanic
		}
	}()
	return t.run.Stage.Shadow.Plugin.Run(ctx, t.mail, t.run.Before)
}

// writeSkipped writes how many runs were skipped, by plugin.
func (r *Runner) writeSkipped() {
	r.mu.Lock()
	were := r.skipped
	if len(were) > 0 {
		r.skipped = make(map[string]skipped)
	}
	r.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(were)) {
		s := were[name]
		r.write(journal.Entry{Plugin: name, Old: s.shadow.Old, New: s.shadow.New, Outcome: journal.Skipped, Count: s.count})
	}
}

func (r *Runner) write(e journal.Entry) {
	e.At = time.Now().UTC()
	if err := r.journal.Append(e); err != nil {
		r.log.Warn("what a shadow run came to could not be kept", "plugin", e.Plugin, "error", err)
	}
}

// Package queue decides when a delivery is tried: it leases deliveries that are
// due, keeps the leases alive, and turns the outcome of an attempt into the next
// state by the retry schedule and the retention.
//
// # Durability
//
// The queue keeps nothing itself: every decision is durable in the store when
// the method that makes it returns. Delivery is at least once. A process that
// dies between an attempt and its record leaves a lease behind; it is given back
// at the next start or when it ends, and the attempt is made again under the
// same webhook-id.
package queue

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

const (
	// lease is how long a claim lasts without a heartbeat.
	lease = 60 * time.Second
	// heartbeat leaves two tries before a lease ends.
	heartbeat = lease / 3
	// expiry is how often the end of retention is looked for, and expiryBatch how
	// many rows one transaction takes.
	expiry      = time.Minute
	expiryBatch = 500
	// jitter is the part by which a delay varies either way, so that deliveries
	// that failed together do not come back together.
	jitter = 0.1
)

// DefaultSchedule is the delay before each attempt.
func DefaultSchedule() []time.Duration {
	return []time.Duration{0, time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 12 * time.Hour}
}

// Config holds the queue's settings.
type Config struct {
	// Owner names the leases of this process; no other process, past or present,
	// may have had the same.
	Owner string
	// Schedule is the delay before each attempt, the first included: its length is
	// the number of attempts. Empty means DefaultSchedule.
	Schedule []time.Duration
	Logger   hclog.Logger
}

// Bodies deletes the bodies of messages whose retention is over.
type Bodies interface {
	Delete(ctx context.Context, ref mail.BodyRef) error
}

// Queue is the order and schedule of deliveries.
type Queue struct {
	store    store.Store
	bodies   Bodies
	owner    string
	schedule []time.Duration
	log      hclog.Logger
	wake     chan struct{}

	mu   sync.Mutex
	held map[int64]store.Lease // what this process works on
}

// New returns a queue over the store. Run must be called for leases to be kept.
func New(s store.Store, bodies Bodies, cfg Config) *Queue {
	if len(cfg.Schedule) == 0 {
		cfg.Schedule = DefaultSchedule()
	}
	return &Queue{
		store: s, bodies: bodies, owner: cfg.Owner, schedule: cfg.Schedule,
		log: cfg.Logger.Named("queue"), wake: make(chan struct{}, 1), held: make(map[int64]store.Lease),
	}
}

// Enqueue makes a message durable and its deliveries due. The body that it
// refers to must be durable already.
func (q *Queue) Enqueue(ctx context.Context, m store.NewMessage) error {
	for i := range m.Deliveries {
		m.Deliveries[i].DueAt = m.ReceivedAt.Add(q.schedule[0])
	}
	if err := q.store.Enqueue(ctx, []store.NewMessage{m}); err != nil {
		return err
	}
	q.Changed()
	return nil
}

// LiveBodies returns the bodies that messages which were enqueued refer to.
func (q *Queue) LiveBodies(ctx context.Context, ids []mail.MessageID) (map[mail.MessageID]mail.BodyRef, error) {
	return q.store.LiveBodies(ctx, ids)
}

// Document returns what the run of the chain made of a delivery.
func (q *Queue) Document(ctx context.Context, id mail.DeliveryID) ([]byte, error) {
	return q.store.Document(ctx, id)
}

// Begin marks a job, until its outcome: what begins now may end the process.
func (q *Queue) Begin(ctx context.Context, job store.Job) error {
	return q.store.Begin(ctx, job.Lease)
}

// Wake receives when there may be something new to claim.
func (q *Queue) Wake() <-chan struct{} { return q.wake }

// Changed says that the store was changed behind the queue: something may have become due.
func (q *Queue) Changed() {
	select {
	case q.wake <- struct{}{}:
	default: // one signal is waiting already, and says the same
	}
}

// Waiting says for each endpoint with deliveries that nobody holds when the
// first of them is due.
func (q *Queue) Waiting(ctx context.Context) ([]store.Waiting, error) {
	return q.store.Waiting(ctx)
}

// Claim leases deliveries that are due.
func (q *Queue) Claim(ctx context.Context, quotas []store.Quota) ([]store.Job, error) {
	now := time.Now()
	jobs, err := q.store.Claim(ctx, store.Claim{Owner: q.owner, Now: now, Until: now.Add(lease), Quotas: quotas})
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, j := range jobs {
		q.held[j.Lease.Seq] = j.Lease
	}
	return jobs, err
}

// ErrLeaseLost means that a result came after its lease was lost. It was not
// recorded, and the delivery is made again.
var ErrLeaseLost = errors.New("the lease was lost before its result came")

// Outcome is what a claimed delivery came to.
type Outcome struct {
	// State is Delivered, or what the chain chose before there was an attempt:
	// Dropped or Quarantined. It is empty where the attempt failed; the schedule
	// decides then.
	State mail.State
	// Reason says why the chain chose; the reason of a failure is its attempt's.
	Reason string
	// Attempt is nil where the chain ended before one.
	Attempt *mail.Attempt
	// RetryAfter is what the endpoint asked for; 0 where it did not.
	RetryAfter time.Duration
	// Revised says that the attempt failed for what was sent, and that Document is
	// another: the next attempt is made at once, also where this was the last.
	Revised bool
	Made
}

// Made is what the run of the chain made.
type Made struct {
	// Document is nil where the chain is to run again.
	Document []byte
	Subject  string
	Steps    []mail.Step
}

// Finish records an outcome and gives the lease back. It returns the delivery's
// new state, and when it is due again where that is mail.Retrying. An error other
// than ErrLeaseLost leaves everything as it was, and Finish may be called again.
func (q *Queue) Finish(ctx context.Context, job store.Job, o Outcome) (mail.State, time.Time, error) {
	if o.State == "" && o.Attempt == nil {
		o.Attempt = &mail.Attempt{Number: job.Attempts + 1, At: time.Now(), Reason: "internal: neither a state nor an attempt"}
	}
	r := store.Result{
		Lease: job.Lease, State: o.State, Reason: o.Reason, Attempt: o.Attempt,
		Document: o.Document, Subject: o.Subject, Steps: o.Steps,
	}
	if o.State == "" {
		r.State, r.Due, r.Reason = q.afterFailure(job, o)
	}
	recorded, err := q.store.Finish(ctx, []store.Result{r})
	if err != nil {
		return "", time.Time{}, err
	}
	q.mu.Lock()
	// Where this lease was lost, the delivery may be held by a later one.
	if q.held[job.Lease.Seq] == job.Lease {
		delete(q.held, job.Lease.Seq)
	}
	q.mu.Unlock()
	if !recorded[0] {
		return "", time.Time{}, ErrLeaseLost
	}
	return r.State, r.Due, nil
}

// afterFailure decides what a failed attempt leads to.
func (q *Queue) afterFailure(job store.Job, o Outcome) (state mail.State, due time.Time, reason string) {
	made := job.Attempts - job.Earlier + 1
	delay := time.Duration(0)
	switch {
	case o.Revised:
	case made >= len(q.schedule):
		return mail.Failed, time.Time{}, fmt.Sprintf("attempt %d of %d failed: %s", made, max(made, len(q.schedule)), o.Attempt.Reason)
	default:
		delay = time.Duration(float64(q.schedule[made]) * (1 - jitter + 2*jitter*rand.Float64())) //nolint:gosec // no secret
	}
	delay = max(delay, o.RetryAfter)
	due = o.Attempt.At.Add(o.Attempt.Duration).Add(delay)
	if !due.Before(job.ExpiresAt) {
		return mail.Failed, time.Time{}, "the next attempt would come after the retention: " + o.Attempt.Reason
	}
	return mail.Retrying, due, o.Attempt.Reason
}

// Run keeps the leases alive and ends what has expired, until ctx ends.
func (q *Queue) Run(ctx context.Context) {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	expire := time.NewTicker(expiry)
	defer expire.Stop()
	q.expire(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-beat.C:
			q.beat(ctx, now)
		case <-expire.C:
			q.expire(ctx)
		}
	}
}

func (q *Queue) beat(ctx context.Context, now time.Time) {
	q.mu.Lock()
	held := slices.Collect(maps.Values(q.held))
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

func (q *Queue) expire(ctx context.Context) {
	for more := true; more && ctx.Err() == nil; {
		out, err := q.store.Expire(ctx, time.Now(), expiryBatch)
		if err != nil {
			if ctx.Err() == nil {
				q.log.Error("the end of retention could not be applied", "error", err)
			}
			return
		}
		for _, ref := range out.Bodies {
			if err := q.bodies.Delete(ctx, ref); err != nil {
				q.log.Error("a body could not be deleted; it is swept at the next start", "body", ref, "error", err)
			}
		}
		if out.Deliveries+len(out.Bodies)+out.Payloads+out.Rows > 0 {
			q.log.Info("retention ended", "deliveries_expired", out.Deliveries, "bodies_deleted", len(out.Bodies), "payloads_deleted", out.Payloads, "rows_deleted", out.Rows)
		}
		more = out.More
	}
}

// Release gives back what this process holds, for a stop.
func (q *Queue) Release(ctx context.Context) error {
	n, err := q.store.Release(ctx, q.owner)
	if err != nil {
		return err
	}
	if n > 0 {
		q.log.Info("gave leases back", "deliveries", n)
	}
	return nil
}

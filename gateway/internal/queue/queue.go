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
//
// # Order
//
// Deliveries of an endpoint are claimed in the order in which their mails were
// received, which is when the gateway began to take their content; those of one
// millisecond in the order in which they were stored. A claim knows of what is stored
// then: a mail that takes longer to be scanned or stored than a later one comes after
// it, unless both wait. So an endpoint with one attempt at a time gets its mails in
// order, and one with more has them begin in order, side by side. Out of order are
// retries, which have their place by when they are due, what is sent anew, and what a
// dead process had begun. Where several processes work on one store, each has its own
// attempts under way, and the times of reception are by their clocks.
//
// # Fairness
//
// A worker that is free goes to the tenant that has the fewest attempts under way, and
// of its endpoints to the one with the fewest; of several to the one that has waited
// longest. Cost does not depend on how much waits: what is known of the endpoints is
// kept in memory, and the store is asked where something may have escaped.
//
// # Limits
//
// An attempt takes a token from each bucket of its tenant and endpoint when it is
// claimed. What finds one empty waits, and nothing behind it is looked at. Buckets are
// in the store. A process takes a second's worth at a time, and forgets what it has left of
// it when it ends.
//
// # The clock
//
// Where the clock leaps ahead by more than a day, or at the start is that far ahead of the
// newest delivery, nothing expires for an hour: what is deleted does not come back.
//
// # Backpressure
//
// Where MaxBacklog deliveries wait that this process has accepted and could begin to
// deliver, Enqueue takes its time, up to ten seconds for a mail: so mail comes in as
// fast as it goes out, and none is refused. What does not count is what waits for
// something else: a retry, a limit, a pause. Only mail of tenants that have more than
// their part of it waits, so that one whose endpoint is slow slows itself, and of each
// tenant no more than 256 mails do, and 400 in all, since they keep connections from others. At the
// start nothing counts. Events count, and never wait: they are few, and who tells of a failure
// may be the worker that the others wait for, or hold a connection that nobody else watches.
package queue

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// jitter is the part by which a delay varies either way, so that deliveries that failed
// together do not come back together.
const jitter = 0.1

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
	// MaxBacklog is how many deliveries wait before mail is taken in more slowly; 0 means
	// DefaultMaxBacklog.
	MaxBacklog int
	Logger     hclog.Logger
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
	shared   bool // other processes have the store too
	clock    clock

	claiming sync.Mutex // held by Claim

	mu    sync.Mutex
	held  map[store.Lease]*lane // what this process works on; nil where only the outcome is to be recorded
	lanes *lanes
	// stale says that the store knows of more than lanes, which are as it said at asked. It is
	// asked again pause later at the earliest.
	stale bool
	asked time.Time
	pause time.Duration
	// The rules of the last claim, and by the names of their buckets what was taken.
	rules      *Rules
	allowances map[string]*allowance

	recounted, told time.Time // the backlog
}

// New returns a queue over the store. Run must be called for leases to be kept.
func New(s store.Store, bodies Bodies, cfg Config) *Queue {
	if len(cfg.Schedule) == 0 {
		cfg.Schedule = DefaultSchedule()
	}
	if cfg.MaxBacklog == 0 {
		cfg.MaxBacklog = DefaultMaxBacklog
	}
	return &Queue{
		store: s, bodies: bodies, owner: cfg.Owner, schedule: cfg.Schedule, shared: s.Wake() != nil,
		log: cfg.Logger.Named("queue"), wake: make(chan struct{}, 1), clock: clock{now: time.Now, began: time.Now()},
		held: make(map[store.Lease]*lane), lanes: newLanes(cfg.MaxBacklog), stale: true, allowances: make(map[string]*allowance),
	}
}

// Enqueue makes a message durable and its deliveries due. The body that it
// refers to must be durable already.
//
// Where too much waits already, a mail takes a while first; see the package's doc.
func (q *Queue) Enqueue(ctx context.Context, m store.NewMessage) error {
	list := []store.NewMessage{m}
	if m.Event.IsEvent() {
		return q.tell(list, func() error { return q.store.Enqueue(ctx, list) })
	}
	q.plan(list)
	if err := q.admit(ctx, m.Deliveries); err != nil {
		return err
	}
	return q.enqueued(list, q.store.Enqueue(ctx, list))
}

// plan makes deliveries due by the schedule.
func (q *Queue) plan(messages []store.NewMessage) {
	for _, m := range messages {
		for i := range m.Deliveries {
			m.Deliveries[i].DueAt = m.ReceivedAt.Add(q.schedule[0])
		}
	}
}

// enqueued takes down that messages, which were counted, were stored, or with an error that
// they were not, which it returns.
func (q *Queue) enqueued(messages []store.NewMessage, err error) error {
	q.mu.Lock()
	now := time.Now()
	for _, m := range messages {
		for _, d := range m.Deliveries {
			switch {
			case !waits(d):
			case err != nil:
				ln := q.lanes.lane(d.Endpoint)
				q.lanes.count(ln, -1)
				q.lanes.tidy(ln)
			default:
				q.lanes.note(d.Endpoint, d.DueAt, now)
			}
		}
	}
	q.stale = q.stale || err != nil // they may have been stored all the same
	q.mu.Unlock()
	q.signal()
	return err
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

// ErrLeaseLost means that a result came after its lease was lost. It was not
// recorded, and the delivery is made again.
var ErrLeaseLost = errors.New("the lease was lost before its result came")

// Outcome is what a claimed delivery came to.
type Outcome struct {
	// State is Delivered, or how the delivery ended before there was an attempt:
	// Dropped or Quarantined by the chain, or Expired. It is empty where the attempt
	// failed; the schedule decides then.
	State mail.State
	// Reason says why it ended; the reason of a failure is its attempt's.
	Reason string
	// Attempt is nil where the chain ended before one.
	Attempt *mail.Attempt
	// RetryAfter is what the endpoint asked for; 0 where it did not.
	RetryAfter time.Duration
	// Revised says that the attempt failed for what was sent, and that Document is
	// another: the next attempt is made at once, also where this was the last.
	Revised bool
	// Permanent says that the attempt failed by what another one would fail by too: there is
	// none, and the delivery has failed.
	Permanent bool
	Made
}

// Made is what the run of the chain made.
type Made struct {
	// Document is nil where the chain is to run again.
	Document []byte
	Subject  string
	Steps    []mail.Step
}

// Finish records an outcome and gives the lease back; the attempt counts as under way until
// then. It returns the delivery's
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
	q.ended(job, recorded[0], r.Due)
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
	case o.Permanent:
		return mail.Failed, time.Time{}, o.Attempt.Reason
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

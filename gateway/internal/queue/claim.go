package queue

import (
	"context"
	"time"

	"github.com/postern-mail/postern/gateway/internal/store"
)

const (
	// The store is asked what is due where something could have escaped this process: no
	// more often than askPause, nor so that it took more than a part of askShare of the
	// time, but for askWithin, within which it is asked in any case.
	askPause  = 10 * time.Millisecond
	askShare  = 20
	askWithin = time.Second
	// idleCheck is how often it is asked where no other process has the store and all that
	// happened came by here.
	idleCheck = 30 * time.Second
)

// Wake receives when there may be something new to claim.
func (q *Queue) Wake() <-chan struct{} { return q.wake }

// Changed says that something may have become due, or free to be claimed, that did not come
// by the queue: somebody has released it, resumed an endpoint, or taken it back from a
// process that died.
func (q *Queue) Changed() {
	q.mu.Lock()
	q.stale = true
	q.mu.Unlock()
	q.signal()
}

func (q *Queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default: // one signal is waiting already, and says the same
	}
}

// Claim leases up to n deliveries that are due, in the order in which they are to begin, and
// says when there may be more unless Wake receives before: not after now where there is.
func (q *Queue) Claim(ctx context.Context, n int, r *Rules) (jobs []store.Job, next time.Time, err error) {
	q.claiming.Lock()
	defer q.claiming.Unlock()
	if err := q.ask(ctx); err != nil {
		return nil, time.Time{}, err
	}
	given, err := q.give(ctx, n, r)
	if err != nil {
		return nil, time.Time{}, err
	}
	if len(given) > 0 {
		claim := store.Claim{Owner: q.owner, Now: time.Now()}
		claim.Until = claim.Now.Add(lease)
		for _, ln := range given {
			claim.Quotas = append(claim.Quotas, store.Quota{Endpoint: ln.endpoint, Max: ln.given})
		}
		jobs, err = q.store.Claim(ctx, claim)
		q.settle(given, jobs, r, err)
		if err != nil {
			return nil, time.Time{}, err
		}
	}
	return jobs, q.next(n-len(jobs), r), nil
}

// ask brings what is known of the lanes up to date, where it is time to.
func (q *Queue) ask(ctx context.Context) error {
	q.mu.Lock()
	began := time.Now()
	wanted := !began.Before(q.askAt())
	if wanted {
		q.stale = false // what changes from now on may not be in the answer
	}
	q.mu.Unlock()
	if !wanted {
		return nil
	}
	list, err := q.store.Waiting(ctx)
	q.mu.Lock()
	defer q.mu.Unlock()
	if err != nil {
		q.stale = true
		return err
	}
	now := time.Now()
	q.asked, q.pause = now, min(max(askPause, now.Sub(began)*askShare), askWithin)
	for _, w := range list {
		q.lanes.note(w.Endpoint, w.Due, now)
	}
	return nil
}

// askAt is when the store is to be asked again.
func (q *Queue) askAt() time.Time {
	switch {
	case q.asked.IsZero():
		return q.asked
	case q.stale:
		return q.asked.Add(q.pause)
	case q.shared:
		return q.asked.Add(askWithin)
	}
	return q.asked.Add(idleCheck)
}

// give gives up to n workers to lanes.
func (q *Queue) give(ctx context.Context, n int, r *Rules) ([]*lane, error) {
	for {
		q.mu.Lock()
		now := time.Now()
		q.rule(r, now)
		q.lanes.advance(now)
		given := q.lanes.share(n, r, now)
		q.mu.Unlock()
		if len(given) == 0 {
			return nil, nil
		}
		allowed, err := q.allow(ctx, given, r)
		if err != nil {
			q.settle(given, nil, r, err)
			return nil, err
		}
		if len(allowed) > 0 {
			return allowed, nil
		}
		// All of them are held back now, and others have a turn.
	}
}

// settle takes down what a claim came to.
func (q *Queue) settle(given []*lane, jobs []store.Job, r *Rules, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, job := range jobs {
		ln := q.lanes.lane(job.Endpoint)
		q.held[job.Lease] = ln
		ln.given--
		if job.Lease.Number == 1 {
			q.lanes.count(ln, -1)
		}
	}
	for _, ln := range given {
		missing := ln.given
		ln.given = 0
		if missing > 0 && err == nil {
			q.giveBack(ln, missing, r) // of a claim that failed nobody knows
			q.lanes.exhausted(ln)
			q.stale = true // it may have something later
		}
		q.lanes.end(ln, missing)
	}
	q.lanes.letIn()
}

// next says when there may be something to claim for n workers.
func (q *Queue) next(n int, r *Rules) time.Time {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.lanes.round++
	if n > 0 && q.lanes.pick(r) != nil {
		return time.Time{}
	}
	at := q.askAt()
	if len(q.lanes.later) > 0 && q.lanes.later[0].at.Before(at) {
		at = q.lanes.later[0].at
	}
	return at
}

// Attempted says that the attempt of a job has ended, and what is left is to record its
// outcome by Finish: the endpoint has room for another.
func (q *Queue) Attempted(job store.Job) {
	q.mu.Lock()
	q.endAttempt(job.Lease)
	q.mu.Unlock()
	q.signal()
}

// endAttempt takes down that the attempt under a lease has ended, once.
func (q *Queue) endAttempt(l store.Lease) {
	if ln := q.held[l]; ln != nil {
		q.held[l] = nil
		q.lanes.end(ln, 1)
	}
}

// ended takes down that a job has ended, and when its delivery is due again, if it is.
func (q *Queue) ended(job store.Job, recorded bool, due time.Time) {
	q.mu.Lock()
	q.endAttempt(job.Lease)
	delete(q.held, job.Lease)
	if !recorded {
		q.stale = true
	} else if !due.IsZero() {
		q.lanes.note(job.Endpoint, due, time.Now())
	}
	q.mu.Unlock()
	q.signal()
}

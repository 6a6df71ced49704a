package queue

import (
	"context"
	"time"

	"github.com/postern-mail/postern/gateway/internal/store"
)

const (
	// DefaultMaxBacklog is how many deliveries wait before mail is taken in more slowly.
	DefaultMaxBacklog = 100_000
	// admitWithin bounds how long one mail waits for the backlog.
	admitWithin = 10 * time.Second
	// maxSenders is how many mails of a tenant wait for it at the same time. What comes
	// beyond goes on at once: senders that wait have connections which others need.
	maxSenders = 256
	// maxHeld is how many do so of all tenants together, for the same reason.
	maxHeld = 400
	// recountPause is the time between counts of what other processes have claimed.
	recountPause = 5 * time.Second
	// tellPause is the time between lines in the log.
	tellPause = time.Minute
)

// backlog counts what this process has accepted and nobody has begun to deliver although it
// could be: it is due, and neither its lane is paused nor a bucket empty.
type backlog struct {
	most    int
	total   int
	sharers int              // tenants that have any
	held    map[*tenant]bool // those whose mail waits
	senders int              // mails that wait, of all of them
}

// part is that of a tenant.
type part struct {
	waiting int
	senders int           // mails that wait for it to become less
	room    chan struct{} // closed when it has; nil where nobody waits
}

// count adds deliveries to what waits in a lane, or with a negative number takes them away.
func (l *lanes) count(ln *lane, n int) {
	n = max(n, -ln.waiting)
	t := ln.tenant
	before := t.waiting
	ln.waiting += n
	t.waiting += n
	l.total += n
	switch {
	case before == 0 && t.waiting > 0:
		l.sharers++
	case before > 0 && t.waiting == 0:
		l.sharers--
	}
}

// excuse forgets what waits in a lane: nothing is due there, or what is waits for something
// else than this gateway.
func (l *lanes) excuse(ln *lane) { l.count(ln, -ln.waiting) }

// over reports whether mail of a tenant is to wait: there is as much as most in all, and
// the tenant has more than its part of that. Where all have, somebody has more than a part.
func (l *lanes) over(t *tenant, most int) bool {
	return t != nil && l.total >= most && t.waiting*l.sharers >= most
}

// letIn wakes the mails that need not wait any more. A hundredth of the limit is what
// comes in at once then.
func (l *lanes) letIn() {
	for t := range l.held {
		if l.over(t, l.most-l.most/100) {
			continue
		}
		close(t.room)
		t.room = nil
		delete(l.held, t)
	}
}

// admit waits while too much waits that could be delivered, and counts the deliveries of a
// mail. One for several tenants waits where it would for each of them.
func (q *Queue) admit(ctx context.Context, deliveries []store.NewDelivery) error {
	patient := true
	var patience <-chan time.Time
	for {
		t, room := q.enter(deliveries, patient)
		if t == nil {
			return nil
		}
		if patience == nil {
			patience = time.After(admitWithin)
		}
		q.recount(ctx)
		var err error
		select {
		case <-room:
		case <-patience:
			patient = false
		case <-ctx.Done():
			err = ctx.Err()
		}
		q.leave(t)
		if err != nil {
			return err
		}
	}
}

// enter counts the deliveries of a mail, or says whose backlog it is to wait for, and what
// is closed when it is less.
func (q *Queue) enter(deliveries []store.NewDelivery, patient bool) (*tenant, <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.lanes
	var behind *tenant
	for _, d := range deliveries {
		if !waits(d) {
			continue
		}
		t := l.tenants[d.Endpoint.Tenant]
		if !patient || !l.over(t, l.most) || t.senders >= maxSenders || l.senders >= maxHeld {
			behind = nil
			break
		}
		behind = t
	}
	if behind == nil {
		for _, d := range deliveries {
			if waits(d) {
				if ln := l.lane(d.Endpoint); ln.limited == "" {
					l.count(ln, 1)
				}
			}
		}
		return nil, nil
	}
	if behind.room == nil {
		behind.room = make(chan struct{})
		l.held[behind] = true
	}
	behind.senders++
	l.senders++
	if now := time.Now(); now.Sub(q.told) >= tellPause {
		q.told = now
		q.log.Warn("deliveries wait for workers or receivers; mail is taken in more slowly", "deliveries", l.total, "max_backlog", l.most, "tenant", behind.name, "deliveries_of_tenant", behind.waiting)
	}
	return behind, behind.room
}

func (q *Queue) leave(t *tenant) {
	q.mu.Lock()
	defer q.mu.Unlock()
	t.senders--
	q.lanes.senders--
	q.lanes.tidyTenant(t)
}

// waits reports whether a delivery goes into the queue.
func waits(d store.NewDelivery) bool { return d.State == "" || !d.State.Final() }

// recount finds out what other processes have claimed, where there are any, from time to
// time. What cannot be found out now is then.
func (q *Queue) recount(ctx context.Context) {
	q.mu.Lock()
	now := time.Now()
	due := q.shared && now.Sub(q.recounted) >= recountPause
	if due {
		q.recounted = now
	}
	q.mu.Unlock()
	if !due {
		return
	}
	list, err := q.store.Lanes(ctx)
	if err != nil {
		q.log.Debug("the backlog could not be counted", "error", err)
		return
	}
	inQueue := make(map[store.Endpoint]int)
	for _, ln := range list {
		inQueue[ln.Endpoint] = ln.Waiting
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for e, ln := range q.lanes.all {
		q.lanes.count(ln, min(0, inQueue[e]-ln.waiting))
		q.lanes.tidy(ln)
	}
	q.lanes.letIn()
}

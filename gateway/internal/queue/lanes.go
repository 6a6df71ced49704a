package queue

import (
	"container/heap"
	"container/list"
	"time"

	"github.com/postern-mail/postern/gateway/internal/store"
)

// lanes is what this process knows of the endpoints that have work: which have something
// due, and when the others will. It may be behind the store, which is asked where it could
// be: a lane that is thought to be ready and is not costs one claim that finds nothing.
type lanes struct {
	all     map[store.Endpoint]*lane
	tenants map[string]*tenant
	// ready are the tenants that have lanes which are ready, that whose turn it is first.
	ready list.List
	later timers
	round int // counts calls of share
	turns int // counts calls of served
	backlog
}

// tenant is a tenant with work.
type tenant struct {
	name  string
	lanes int
	busy  int       // attempts under way
	ready list.List // its lanes that are ready, that whose turn it is first
	place *list.Element
	full  int // the round in which all its lanes were found to have no room
	part
}

// lane is an endpoint with work. It is ready, in lanes.later, or neither, where nothing is
// known to be in it.
type lane struct {
	endpoint store.Endpoint
	tenant   *tenant
	busy     int           // attempts under way
	given    int           // of these, what the claim under way is for
	place    *list.Element // in the tenant's ready
	turn     int           // its last one

	at    time.Time // when it is looked at again, while it is in later
	index int       // in later; -1 where it is not
	// limited names the bucket that was empty, where it is in later since one was.
	limited string

	// Of what is noted while it is ready: something is due, or will be at next.
	fresh bool
	next  time.Time

	waiting int // of its tenant's backlog
}

func newLanes(maxBacklog int) *lanes {
	return &lanes{all: make(map[store.Endpoint]*lane), tenants: make(map[string]*tenant), backlog: backlog{most: maxBacklog, held: make(map[*tenant]bool)}}
}

func (l *lanes) lane(e store.Endpoint) *lane {
	ln := l.all[e]
	if ln == nil {
		t := l.tenants[e.Tenant]
		if t == nil {
			t = &tenant{name: e.Tenant}
			l.tenants[e.Tenant] = t
		}
		t.lanes++
		ln = &lane{endpoint: e, tenant: t, index: -1}
		l.all[e] = ln
	}
	return ln
}

// tidy forgets a lane of which there is nothing to be known.
func (l *lanes) tidy(ln *lane) {
	if ln.place != nil || ln.index >= 0 || ln.busy > 0 || ln.waiting > 0 || l.all[ln.endpoint] != ln {
		return
	}
	delete(l.all, ln.endpoint)
	ln.tenant.lanes--
	l.tidyTenant(ln.tenant)
}

func (l *lanes) tidyTenant(t *tenant) {
	if t.lanes == 0 && t.senders == 0 {
		delete(l.tenants, t.name)
	}
}

// note says that something of an endpoint is due at a time.
func (l *lanes) note(e store.Endpoint, due, now time.Time) {
	ln := l.lane(e)
	switch {
	case ln.place != nil && due.After(now):
		if ln.next.IsZero() || due.Before(ln.next) {
			ln.next = due
		}
	case ln.place != nil:
		ln.fresh = true
	case ln.index < 0:
		l.wait(ln, due)
	case ln.limited == "" && due.Before(ln.at):
		ln.at = due
		heap.Fix(&l.later, ln.index)
	}
}

// wait has a lane looked at again at a time.
func (l *lanes) wait(ln *lane, at time.Time) {
	l.unready(ln)
	ln.at = at
	heap.Push(&l.later, ln)
}

// limit holds a lane back for an empty bucket.
func (l *lanes) limit(ln *lane, bucket string, until time.Time) {
	l.wait(ln, until)
	ln.limited = bucket
	l.excuse(ln)
}

// unlimit has all lanes looked at that are held back for an empty bucket.
func (l *lanes) unlimit(now time.Time) {
	for _, ln := range l.later {
		if ln.limited != "" {
			ln.at = now
		}
	}
	heap.Init(&l.later)
}

// advance makes those ready whose time has come.
func (l *lanes) advance(now time.Time) {
	for len(l.later) > 0 && !l.later[0].at.After(now) {
		ln, _ := heap.Pop(&l.later).(*lane)
		ln.limited, ln.fresh, ln.next = "", false, time.Time{}
		ln.place = ln.tenant.ready.PushBack(ln)
		if ln.tenant.place == nil {
			ln.tenant.place = l.ready.PushBack(ln.tenant)
		}
	}
}

func (l *lanes) unready(ln *lane) {
	if ln.place == nil {
		return
	}
	ln.tenant.ready.Remove(ln.place)
	ln.place = nil
	if ln.tenant.ready.Len() == 0 {
		l.ready.Remove(ln.tenant.place)
		ln.tenant.place = nil
	}
}

// exhausted says that a claim found less in a lane than it was for.
func (l *lanes) exhausted(ln *lane) {
	l.excuse(ln)
	if ln.fresh || ln.place == nil {
		return
	}
	next := ln.next
	l.unready(ln)
	if !next.IsZero() {
		l.wait(ln, next)
	}
}

// begin and end count attempts.
func (l *lanes) begin(ln *lane, n int) {
	ln.busy += n
	ln.tenant.busy += n
}

func (l *lanes) end(ln *lane, n int) {
	l.begin(ln, -n)
	l.tidy(ln)
}

// share gives up to n workers to lanes that are ready, one by one: each to the tenant with
// the fewest attempts under way, and of its lanes to that with the fewest. Of several it
// is the turn of the one that has waited longest for it. It returns those that were given
// any.
func (l *lanes) share(n int, r *Rules, now time.Time) []*lane {
	l.round++
	var list []*lane
	for range n {
		ln := l.pick(r)
		if ln == nil {
			break
		}
		if ln.given == 0 {
			list = append(list, ln)
			ln.fresh = false
			if !ln.next.After(now) {
				ln.next = time.Time{}
			}
		}
		ln.given++
		l.begin(ln, 1)
		ln.tenant.ready.MoveToBack(ln.place)
		l.ready.MoveToBack(ln.tenant.place)
	}
	return list
}

// served says that a lane had its turn; those that were given workers in vain have it still.
func (l *lanes) served(ln *lane) {
	l.turns++
	ln.turn = l.turns
	if ln.place != nil {
		ln.tenant.ready.MoveToBack(ln.place)
	}
}

// pick finds the lane whose turn it is; nil where none has room.
func (l *lanes) pick(r *Rules) *lane {
	for {
		t, ok := fewest(&l.ready, func(t *tenant) (int, bool) { return t.busy, t.busy < r.TenantAttempts && t.full != l.round })
		if !ok {
			return nil
		}
		if ln, ok := fewest(&t.ready, func(ln *lane) (int, bool) { return ln.busy, ln.busy < r.room(ln.endpoint) }); ok {
			return ln
		}
		t.full = l.round
	}
}

// fewest finds the first of a list of those with the fewest attempts under way. It looks no
// further than at one that has none, so that its cost grows with the attempts, not with the
// list: who has no room has attempts.
func fewest[T any](ring *list.List, busy func(T) (n int, room bool)) (best T, found bool) {
	least := 0
	for e := ring.Front(); e != nil; e = e.Next() {
		v, _ := e.Value.(T)
		n, room := busy(v)
		if !room || found && n >= least {
			continue
		}
		best, least, found = v, n, true
		if n == 0 {
			break
		}
	}
	return best, found
}

// timers is a heap of lanes by when they are looked at again, and by whose turn it is.
type timers []*lane

func (h timers) Len() int { return len(h) }

func (h timers) Less(i, j int) bool {
	if !h[i].at.Equal(h[j].at) {
		return h[i].at.Before(h[j].at)
	}
	return h[i].turn < h[j].turn
}

func (h timers) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *timers) Push(v any) {
	ln, _ := v.(*lane)
	ln.index = len(*h)
	*h = append(*h, ln)
}

func (h *timers) Pop() any {
	old := *h
	ln := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	ln.index = -1
	return ln
}

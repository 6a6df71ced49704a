package queue

import (
	"context"
	"time"

	"github.com/postern-mail/postern/gateway/internal/store"
)

// takePause is the least time between two times that tokens are taken from a bucket that was
// empty: what comes into it meanwhile is taken at once.
const takePause = 100 * time.Millisecond

// Limit bounds how many attempts begin: PerSecond on an average, of which Burst may come at
// once; the one is above 0, the other at least 1. Each limit has a bucket in the store, which
// all processes share and no start fills.
type Limit struct {
	// Name tells the limits of one tenant or endpoint apart. Its bucket is found by it, also
	// where the rest has changed.
	Name      string
	PerSecond float64
	Burst     int
}

// PerMinute is the limit that lets no more than n attempts begin in any minute, what may be
// kept of a second included. A tenth of them may come at once.
func PerMinute(name string, n int) Limit {
	burst := max(1, n/10)
	return Limit{Name: name, PerSecond: float64(n-burst+1) / 61, Burst: burst}
}

// slice is how many tokens are taken at once, and kept at most: what comes into the bucket
// in a second.
func (l Limit) slice() int {
	return max(1, int(min(l.PerSecond, float64(l.Burst))))
}

// Rules say how much of what is due may be claimed. They do not change.
type Rules struct {
	// Endpoints are those of the configuration. Any other may have one attempt under way,
	// to have its deliveries end.
	Endpoints map[store.Endpoint]Room
	// TenantAttempts is how many attempts of one tenant may be under way.
	TenantAttempts int
	// TenantLimits are by the names of tenants.
	TenantLimits map[string][]Limit
}

// Room is what an endpoint takes.
type Room struct {
	Attempts int // under way
	Limits   []Limit
}

func (r *Rules) room(e store.Endpoint) int {
	if room, ok := r.Endpoints[e]; ok {
		return room.Attempts
	}
	return 1
}

// buckets calls f with each bucket that an attempt takes a token from.
func (r *Rules) buckets(e store.Endpoint, f func(name string, l Limit)) {
	for _, l := range r.TenantLimits[e.Tenant] {
		f("tenant:"+e.Tenant+":"+l.Name, l)
	}
	for _, l := range r.Endpoints[e].Limits {
		f("endpoint:"+e.Tenant+"/"+e.Name+":"+l.Name, l)
	}
}

// allowance is what this process has taken from a bucket and not used, a slice at most.
type allowance struct {
	limit  Limit
	tokens int
	wanted int       // by the claim under way
	next   time.Time // when more is taken at the earliest
}

// allow holds what was given to lanes against their limits, and takes back what is above
// them. It returns the lanes that keep any. Those that found a bucket empty are looked at
// again when it is not.
func (q *Queue) allow(ctx context.Context, given []*lane, r *Rules) ([]*lane, error) {
	q.mu.Lock()
	wants := q.wants(given, r)
	q.mu.Unlock()
	var taken []store.Tokens
	if len(wants) > 0 {
		var err error
		if taken, err = q.store.TakeTokens(ctx, time.Now(), wants); err != nil {
			return nil, err
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, t := range taken {
		a := q.allowances[wants[i].Bucket]
		a.tokens += t.Taken
		if t.Taken < wants[i].Want {
			a.next = time.Now().Add(takePause)
			if t.Next.After(a.next) {
				a.next = t.Next
			}
		}
	}
	var allowed []*lane
	for _, ln := range given {
		n, until, empty := ln.given, time.Time{}, ""
		r.buckets(ln.endpoint, func(name string, _ Limit) {
			a := q.allowances[name]
			if a.tokens < ln.given && (empty == "" || a.next.After(until)) {
				until, empty = a.next, name
			}
			n = min(n, a.tokens)
		})
		r.buckets(ln.endpoint, func(name string, _ Limit) { q.allowances[name].tokens -= n })
		if n < ln.given {
			q.lanes.limit(ln, empty, until)
			q.takeBack(ln, ln.given-n)
		}
		if n > 0 {
			q.lanes.served(ln)
			allowed = append(allowed, ln)
		}
	}
	q.lanes.letIn()
	return allowed, nil
}

// wants says what is to be taken from buckets for what was given to lanes. None is given
// more than a slice at a time: what a claim does not need is kept, and that is not to be
// much.
func (q *Queue) wants(given []*lane, r *Rules) []store.TokenWant {
	var list []store.TokenWant
	now := time.Now()
	for _, ln := range given {
		n := ln.given
		r.buckets(ln.endpoint, func(name string, l Limit) {
			if q.allowances[name] == nil {
				q.allowances[name] = &allowance{limit: l}
			}
			n = min(n, l.slice()-q.allowances[name].wanted)
		})
		q.takeBack(ln, ln.given-n)
		r.buckets(ln.endpoint, func(name string, l Limit) {
			a := q.allowances[name]
			if a.wanted += n; a.wanted > a.tokens && a.wanted-n <= a.tokens && !now.Before(a.next) {
				list = append(list, store.TokenWant{Bucket: name, PerSecond: l.PerSecond, Burst: l.Burst, Want: l.slice() - a.tokens})
			}
		})
	}
	for _, ln := range given {
		r.buckets(ln.endpoint, func(name string, _ Limit) { q.allowances[name].wanted = 0 })
	}
	return list
}

// takeBack takes workers from a lane.
func (q *Queue) takeBack(ln *lane, n int) {
	ln.given -= n
	q.lanes.end(ln, n)
}

// giveBack keeps tokens that were not used.
func (q *Queue) giveBack(ln *lane, n int, r *Rules) {
	r.buckets(ln.endpoint, func(name string, _ Limit) { q.allowances[name].tokens += n })
}

// rule has other rules hold from now on: what was taken by a limit that has changed is not kept
// beyond what the new one takes at once, and who waited for it is looked at again.
func (q *Queue) rule(r *Rules, now time.Time) {
	if q.rules == r {
		return
	}
	q.rules = r
	before := q.allowances
	q.allowances = make(map[string]*allowance)
	keep := func(name string, l Limit) {
		if a := before[name]; a != nil {
			q.allowances[name] = &allowance{limit: l, tokens: min(a.tokens, l.slice())}
		}
	}
	for e := range r.Endpoints {
		r.buckets(e, keep)
	}
	q.lanes.unlimit(now)
}

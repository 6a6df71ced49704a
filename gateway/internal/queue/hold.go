package queue

import (
	"strings"
	"time"

	"github.com/postern-mail/postern/gateway/internal/store"
)

// Hold says why this process does not begin what is due for an endpoint. It is zero where it
// would.
type Hold struct {
	// LimitedBy names the limit that has no token left, as in "tenant.rate" or
	// "endpoint.rate": whose it is, and its name. LimitedUntil is when there is one again.
	LimitedBy    string
	LimitedUntil time.Time
	// Full says what has as many attempts under way as it may have. Most is how many these
	// are; it is 0 for Workers, which the queue does not count.
	Full Bound
	Most int
}

// Bound is what bounds the attempts that are under way.
type Bound string

// The bounds.
const (
	OfEndpoint Bound = "endpoint"
	OfTenant   Bound = "tenant"
	Workers    Bound = "gateway"
)

// Holds says it of the endpoints that have work as far as this process knows. Whether anything
// of an endpoint is due, or it is paused, the store knows better.
func (q *Queue) Holds() map[store.Endpoint]Hold {
	q.mu.Lock()
	defer q.mu.Unlock()
	holds := make(map[store.Endpoint]Hold)
	if q.rules == nil { // nothing was claimed yet
		return holds
	}
	now := time.Now()
	for e, ln := range q.lanes.all {
		var h Hold
		switch {
		case ln.limited != "" && ln.at.After(now):
			h.LimitedBy, h.LimitedUntil = q.rules.limitOf(e, ln.limited), ln.at
		case ln.place == nil:
		case ln.busy >= q.rules.room(e):
			h.Full, h.Most = OfEndpoint, q.rules.room(e)
		case ln.tenant.busy >= q.rules.TenantAttempts:
			h.Full, h.Most = OfTenant, q.rules.TenantAttempts
		default:
			h.Full = Workers
		}
		if h != (Hold{}) {
			holds[e] = h
		}
	}
	return holds
}

// limitOf says for people whose limit a bucket is of, and which.
func (r *Rules) limitOf(e store.Endpoint, bucket string) (limit string) {
	r.buckets(e, func(name string, l Limit) {
		if name == bucket {
			whose, _, _ := strings.Cut(name, ":")
			limit = whose + "." + l.Name
		}
	})
	return limit
}

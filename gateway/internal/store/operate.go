package store

import (
	"math"
	"slices"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
)

// Filter selects deliveries. Empty fields select all.
type Filter struct {
	Tenant   string
	Endpoint string
	States   []mail.State
	// Since and Until bound when the message was received: Since <= t < Until.
	Since, Until time.Time
	// Sender and Recipient are addresses, or domains as in "@example.com". ASCII case does
	// not count.
	Sender, Recipient string
	// Subject holds words that stand in the subject, all of them, in any order. Case does
	// not count.
	Subject string
	// Events selects deliveries of events, and without it only those of mails are.
	Events bool
	// Event is the name of an event, and Class and About what it is about; see About.
	Event        string
	Class, About string
	// Account is the mail account that mails came from.
	Account string
	// Before selects deliveries older than the one with this Seq; 0 for all. After selects
	// those that are newer than this.
	Before, After int64
	// Limit is how many are returned, at least 1.
	Limit int
}

// Walks are the filters, each of one state, that together select what f does where an index
// has the deliveries of one state in their order, and of several has not. Otherwise it is f alone.
func (f Filter) Walks() []Filter {
	if len(f.States) < 2 || f.Tenant == "" && !f.ended() {
		return []Filter{f}
	}
	var list []Filter
	for _, s := range slices.Compact(slices.Sorted(slices.Values(f.States))) {
		one := f
		one.States = []mail.State{s}
		list = append(list, one)
	}
	return list
}

// Searches reports whether a list has to look at deliveries that it does not select, however
// many: nothing is ordered by what the filter asks for. Words of subjects have an index.
func (f Filter) Searches() bool {
	switch {
	case f.Subject != "":
		return false
	case f.Endpoint != "" || f.Sender != "" || f.Recipient != "":
		return true
	}
	return f.Tenant == "" && len(f.States) > 0 && !f.ended()
}

// ended reports whether all states are such that have an index over all tenants.
func (f Filter) ended() bool {
	for _, s := range f.States {
		switch s {
		case mail.Failed, mail.Quarantined, mail.Expired, mail.Dropped:
		default:
			return false
		}
	}
	return len(f.States) > 0
}

// Count is how many deliveries of an hour are in a state.
type Count struct {
	Hour       time.Time
	State      mail.State
	Deliveries int
}

// Act is something that an operator does to deliveries.
type Act string

// The acts.
const (
	// Resend sends a delivery that has ended again: the same payload where it is still
	// there, under the same id. The schedule begins anew.
	Resend Act = "resend"
	// Reprocess forgets the document, so that the chain runs again, and sends what it
	// makes. The delivery has ended or waits.
	Reprocess Act = "reprocess"
	// Release sends a delivery that is quarantined. The document is forgotten: it may be
	// what the chain had made until it held the delivery.
	Release Act = "release"
	// Retry makes a delivery that waits due.
	Retry Act = "retry"
	// Drop ends a delivery that waits or is quarantined; its state is Dropped then.
	Drop Act = "drop"
)

// From lists the states that an act is for.
func (a Act) From() []mail.State {
	switch a {
	case Resend:
		return []mail.State{mail.Delivered, mail.Failed, mail.Dropped, mail.Expired}
	case Reprocess:
		return []mail.State{mail.Queued, mail.Retrying, mail.Delivered, mail.Failed, mail.Dropped, mail.Quarantined, mail.Expired}
	case Release:
		return []mail.State{mail.Quarantined}
	case Retry:
		return []mail.State{mail.Queued, mail.Retrying}
	case Drop:
		return []mail.State{mail.Queued, mail.Retrying, mail.Quarantined}
	}
	return nil
}

// Action is an act, when it is done, and what the trace says of it.
type Action struct {
	Act  Act
	Now  time.Time
	Step mail.Step
	// Reason is that of a delivery's new state; empty but for Drop.
	Reason string
}

// Lane is what of an endpoint is in the queue.
type Lane struct {
	Endpoint Endpoint
	// Waiting counts deliveries that nobody holds, and InFlight those that are claimed.
	Waiting, InFlight int
	// Due counts those of the waiting that are due by the clock of this process.
	Due int
	// NextDue is when the first of those that wait is due, and Oldest when the message of
	// the first in the queue was received; zero where there is none.
	NextDue, Oldest time.Time
	// PausedSince is zero where it is not paused. TenantPaused says that all of its tenant
	// is. A tenant that is paused has a lane without a name.
	PausedSince  time.Time
	TenantPaused bool
}

// TokenWant asks for tokens of a bucket.
type TokenWant struct {
	// Bucket is its name, which says whose it is.
	Bucket string
	// PerSecond is how many come into it, up to Burst, and Want how many are asked for.
	PerSecond float64
	Burst     int
	Want      int
}

// Tokens is what was taken from a bucket.
type Tokens struct {
	Taken int
	// Next is when there will be another; of interest where Taken is less than wanted.
	Next time.Time
}

// Bucket is a bucket of tokens, as stores keep it.
type Bucket struct {
	Tokens     float64
	RefilledAt time.Time
}

const (
	// nearly is what a token may lack by how sums are rounded.
	nearly = 1e-9
	// maxAhead is how far a bucket's clock may be ahead of ours, as by that of another process.
	maxAhead = time.Minute
)

// Take refills a bucket for the time that has passed, and takes tokens out of it. A clock that
// has gone back adds nothing; the time of one that was far ahead does not count, or nothing
// would come in until then.
func (b *Bucket) Take(now time.Time, w TokenWant) Tokens {
	now = now.Truncate(time.Millisecond) // as it is kept: what is cut off would be added again
	if b.RefilledAt.Sub(now) > maxAhead {
		b.RefilledAt = now
	}
	if passed := now.Sub(b.RefilledAt); passed > 0 {
		b.Tokens += passed.Seconds() * w.PerSecond
		b.RefilledAt = now
	}
	b.Tokens = min(b.Tokens, float64(w.Burst)) // which may be another than it was
	t := Tokens{Taken: max(0, min(w.Want, int(b.Tokens+nearly)))}
	b.Tokens = max(0, b.Tokens-float64(t.Taken))
	t.Next = now
	if missing := 1 - nearly - b.Tokens; missing > 0 && w.PerSecond > 0 {
		t.Next = now.Add(time.Duration(math.Ceil(missing/w.PerSecond*1000)) * time.Millisecond)
	}
	return t
}

// Record is all that is known of a message.
type Record struct {
	Message
	// Rest is of each of the message's deliveries, in their order.
	Rest []Rest
}

// Rest is what a DeliveryHistory does not say of a delivery; see [Job].
type Rest struct {
	Document    []byte
	SpamAction  mail.SpamAction
	VirusAction mail.VirusAction
	Earlier     int
	Released    bool
	// Lost and Claims are of one in the queue.
	Lost, Claims int
}

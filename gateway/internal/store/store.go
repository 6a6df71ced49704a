// Package store says what the gateway remembers: messages, their deliveries,
// the queue of those that are due, and the attempts that were made.
//
// # Invariants
//
//   - What Enqueue and Finish have accepted is durable when they return, and is
//     accepted whole or not at all.
//   - A delivery that is not in a final state is in the queue, exactly once; one
//     in a final state is not in it.
//   - A claim is a lease: who holds it may finish the delivery. A result is fenced
//     by the lease's owner and its number, so that one that comes after the lease
//     was lost changes nothing.
//   - Deliveries of an endpoint are claimed in the order in which their messages
//     were received, retries aside.
//   - A message keeps its body until nothing needs it: no delivery that can still be
//     sent, and none whose retention, or the quarantine's, goes on.
//
// Subpackage sqlite is the embedded store, and postgres that of several gateways;
// storetest holds what every store must pass. Times are kept in milliseconds.
package store

import (
	"context"
	"errors"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
)

// ErrNotFound means that the store has no such message or delivery.
var ErrNotFound = errors.New("not found")

// ErrInFlight means that an attempt is under way, whose end is to be waited for.
var ErrInFlight = errors.New("an attempt is under way")

// ErrDamaged means that a database is not what was written to it.
var ErrDamaged = errors.New("the database is damaged")

// ErrOther means that a store is not empty, and not a copy of the one that is to be copied.
var ErrOther = errors.New("there are messages in the store that are not of the store that is copied")

// ExportOctets is how many octets of documents Export returns at a time, unless one message
// has more.
const ExportOctets = 16 << 20

// MaxSubject is how many octets of a subject the log keeps. Each delivery has its own.
const MaxSubject = 2000

// MaxDeliveries is how many deliveries a message may have.
const MaxDeliveries = 1<<20 - 1

// Store is what every store can do. All methods may be called by any number of
// goroutines.
type Store interface {
	// Enqueue adds messages and puts their deliveries into the queue. On an error
	// none of them is added; who batches the messages of several clients tries them
	// one by one then, so that a bad one does not fail its neighbours.
	Enqueue(ctx context.Context, messages []NewMessage) error
	// Waiting says for each endpoint that is not paused when its first delivery is due
	// that nobody holds.
	Waiting(ctx context.Context) ([]Waiting, error)
	// Claim leases due deliveries, of each endpoint at most as many as its quota
	// says, and none while it is paused. It returns them in the order in which they were
	// due, and of those of one millisecond in that in which they were stored.
	Claim(ctx context.Context, claim Claim) ([]Job, error)
	// Finish records results and gives their leases back. It says of each result
	// whether it was recorded: one whose lease was lost is not.
	Finish(ctx context.Context, results []Result) (recorded []bool, err error)
	// Begin marks a lease, until its result or release: what begins now may end the
	// process.
	Begin(ctx context.Context, lease Lease) error
	// Extend lets leases last until the given time; those that were lost stay so.
	Extend(ctx context.Context, leases []Lease, until time.Time) error
	// Release gives back all leases of an owner that were not finished.
	Release(ctx context.Context, owner string) (int, error)
	// Reap gives back the leases that ended before now.
	Reap(ctx context.Context, now time.Time) (int, error)
	// Expire applies the ends of retention to up to limit rows of each kind: it ends
	// deliveries that wait or are quarantined, forgets payloads, bodies with all that was
	// said of them, and the log's rows. It returns the bodies, for the caller to delete.
	Expire(ctx context.Context, now time.Time, limit int) (Expired, error)

	// Identity names the database for ever: who keeps bodies for it can tell it from another.
	Identity(ctx context.Context) (string, error)
	// LiveBodies returns the bodies that messages refer to, of those that refer to one. It fails
	// where nobody can say, as after a commit whose outcome is not known: a body that it does not
	// return may be deleted.
	LiveBodies(ctx context.Context, ids []mail.MessageID) (map[mail.MessageID]mail.BodyRef, error)
	// Body returns the body of a message; empty where it refers to none, as when its
	// retention is over.
	Body(ctx context.Context, id mail.MessageID) (mail.BodyRef, error)
	// List returns deliveries, the newest first.
	List(ctx context.Context, filter Filter) ([]Delivery, error)
	// Reach says how far back so many messages go, of those with deliveries before a Seq, which
	// is 0 for the newest: when the oldest of them was received, and the Seq that all their
	// deliveries are after. That is 0 where there are no older ones.
	Reach(ctx context.Context, before int64, messages int) (after int64, at time.Time, err error)
	// Count counts the deliveries that a filter selects by the hour in which they were
	// received and their state, the latest hour first. The filter's Before and Limit do
	// not count.
	Count(ctx context.Context, filter Filter) ([]Count, error)
	// Get returns a message with all its deliveries.
	Get(ctx context.Context, id mail.MessageID) (Message, error)
	// Document returns what the run of the chain made of a delivery; it is nil
	// before, and where the chain made none.
	Document(ctx context.Context, id mail.DeliveryID) ([]byte, error)

	// Act does to deliveries what an operator asks for. It says of each whether it was
	// done: it is not where the delivery is in another state than the action is for, its
	// body is gone, its retention is over, or a lease on it is held.
	Act(ctx context.Context, action Action, deliveries []int64) (done []bool, err error)
	// Delete removes a message with all that is known of it, and returns its body for the
	// caller to delete. It fails with ErrInFlight while a delivery is claimed.
	Delete(ctx context.Context, id mail.MessageID) (mail.BodyRef, error)
	// Lanes says what of each endpoint is in the queue, or that it is paused.
	Lanes(ctx context.Context) ([]Lane, error)
	// Pause has deliveries of an endpoint, or without a name of all endpoints of its
	// tenant, wait until Resume. Those that are claimed go on.
	Pause(ctx context.Context, endpoint Endpoint, since time.Time) error
	// Resume ends a Pause of exactly that endpoint or tenant; it reports whether there was one.
	Resume(ctx context.Context, endpoint Endpoint) (bool, error)
	// TakeTokens takes up to as many as are wanted from each of the buckets, which all
	// processes share. A bucket that is new is full.
	TakeTokens(ctx context.Context, now time.Time, wants []TokenWant) ([]Tokens, error)

	// Check says what is wrong with the database itself, as far as it can tell without
	// knowing what is in it, and in no more lines than a person reads.
	Check(ctx context.Context) (problems []string, err error)
	// Export reads messages with all that is known of them in order of their Seq, from
	// after the given one on: up to limit, and fewer where their documents together have
	// more than ExportOctets. It returns none only where there are no more.
	Export(ctx context.Context, after int64, limit int) ([]Record, error)
	// BeginCopy remembers that what is imported is of the store with that identity. It fails
	// with ErrOther where there are messages and it was not that store before.
	BeginCopy(ctx context.Context, identity string) error
	// Import adds what Export has read to a store that has no such messages, all or
	// none. Leases are void.
	Import(ctx context.Context, records []Record) error

	// Wake receives when another process has made deliveries due; it is nil for a store
	// that one process has to itself.
	Wake() <-chan struct{}
	Close() error
}

// Endpoint names an endpoint of a tenant.
type Endpoint struct {
	Tenant string `json:"tenant"`
	Name   string `json:"endpoint"`
}

// NewMessage is a message to be enqueued. Its body is durable already; it has none
// where all its deliveries were rejected.
type NewMessage struct {
	ID         mail.MessageID
	Envelope   mail.Envelope
	ReceivedAt time.Time
	// Size and SHA256 (hex) are of the octets exactly as received.
	Size   int64
	SHA256 string
	Body   mail.BodyRef
	// TraceField is the gateway's own Received field (RFC 5321 section 4.4), which
	// is not part of the body.
	TraceField string
	// Subject is for the log's rows of the deliveries, until a Result has another: that of the mail, or what an
	// event says in short. It has at most MaxSubject octets; empty where none is known.
	Subject string
	Steps   []mail.Step
	// Reports are what the scanners said of the mail.
	Reports []mail.Report
	// Fetched says where in a mail account it was, where it came from one: it is stored
	// once, and a second time is ErrFetched.
	Fetched *Fetched
	// Event is zero where it is a mail.
	Event Event
	// Deliveries are numbered from 1 in this order.
	Deliveries []NewDelivery
}

// NewDelivery is one delivery of a new message.
type NewDelivery struct {
	Endpoint  Endpoint
	Alias     string
	Recipient string
	// DueAt is when the first attempt is to be made.
	DueAt time.Time
	Retention
	// State is Queued, which an empty one means too, or a final state that the
	// delivery has from the beginning; it is not put into the queue then. Reason says
	// why it is in that state.
	State  mail.State
	Reason string
	// SpamAction is what the gateway does for the spam scanner's word; empty means
	// mail.SpamDefault.
	SpamAction mail.SpamAction
	// VirusAction is what is done where the mail is infected.
	VirusAction mail.VirusAction
	// Document is that of an event; of a mail, the chain makes it.
	Document []byte
}

// Retention says until when what of a delivery is kept.
type Retention struct {
	// ExpiresAt is the end of the raw message as far as this delivery needs it, and of the
	// delivery where it has not ended by then.
	ExpiresAt time.Time
	// PayloadUntil is the end of the document once the delivery has ended; with the body
	// it goes at the latest. Zero means ExpiresAt.
	PayloadUntil time.Time
	// HeldUntil stands for ExpiresAt while the delivery is quarantined. Zero means ExpiresAt.
	HeldUntil time.Time
	// LogUntil is the end of the log's row, which is not before anything else ends. Zero
	// means never.
	LogUntil time.Time
}

// BodyUntil is when a delivery in a state does not need its message's body any more.
func (r Retention) BodyUntil(s mail.State) time.Time {
	if s == mail.Quarantined && !r.HeldUntil.IsZero() {
		return r.HeldUntil
	}
	return r.ExpiresAt
}

// Waiting says when an endpoint wants attention.
type Waiting struct {
	Endpoint Endpoint
	Due      time.Time
}

// Claim asks for leases.
type Claim struct {
	// Owner is unique to a running process.
	Owner  string
	Now    time.Time
	Until  time.Time
	Quotas []Quota
}

// Quota is how many deliveries of an endpoint may be claimed.
type Quota struct {
	Endpoint Endpoint
	Max      int
}

// Job is a claimed delivery.
type Job struct {
	Lease     Lease
	ID        mail.DeliveryID
	Endpoint  Endpoint
	Alias     string
	Recipient string
	ExpiresAt time.Time
	// Attempts is how many were made before this claim, and Earlier how many of these
	// before somebody had it sent anew: the schedule does not count them.
	Attempts, Earlier int
	// Released says that it was quarantined and somebody let it go.
	Released bool
	// Lost is how many leases on it have ended, since its last result, with neither a
	// result nor a release, as when a process dies that holds one. Of all but the first,
	// those are counted that were marked by Begin.
	Lost int
	// DocumentSize is the length of what the run of the chain made, in octets; 0
	// before. [Store.Document] has it: claims are made by the dozen, and documents are
	// large.
	DocumentSize int64
	// SpamAction is what the gateway does for the spam scanner's word, and VirusAction
	// what it does where the mail is infected.
	SpamAction  mail.SpamAction
	VirusAction mail.VirusAction

	// Event is zero where a mail is delivered.
	Event Event
	// The message that is delivered.
	Envelope   mail.Envelope
	ReceivedAt time.Time
	Size       int64
	SHA256     string
	Body       mail.BodyRef
	Reports    []mail.Report
	// TraceField is the gateway's own Received field.
	TraceField string
}

// Lease is the right to finish a delivery.
type Lease struct {
	// Seq is the store's own name for the delivery.
	Seq   int64
	Owner string
	// Number grows with every claim of the delivery, from 1 or, where it was put into the
	// queue again, from the time of that: none comes twice.
	Number int
}

// Result is what became of a job.
type Result struct {
	Lease Lease
	State mail.State
	// Due is when a delivery in state Retrying is to be tried again.
	Due time.Time
	// Reason says why the delivery is in its state; empty for Delivered.
	Reason string
	// Attempt is nil where none was made.
	Attempt *mail.Attempt
	// Document and Subject, of at most MaxSubject octets, are recorded where they are not
	// empty, and Steps are added to the delivery's trace.
	Document []byte
	Subject  string
	Steps    []mail.Step
}

// Expired is what Expire did.
type Expired struct {
	// Deliveries that had not been sent or released, Payloads and Rows (messages in the
	// log) are counts of what has ended.
	Deliveries, Payloads, Rows int
	Bodies                     []mail.BodyRef
	// More is true where a limit was reached.
	More bool
}

// Delivery is the log's row of a delivery.
type Delivery struct {
	Seq        int64
	ID         mail.DeliveryID
	Endpoint   Endpoint
	Alias      string
	Recipient  string
	State      mail.State
	Reason     string
	Subject    string
	Attempts   int
	LastCode   int
	ReceivedAt time.Time
	UpdatedAt  time.Time
	Retention
	// Due is when the next attempt is to be made; zero in a final state.
	Due time.Time
	// InFlight is true while a lease on it is held.
	InFlight    bool
	ReversePath string
	Size        int64
	// Event is zero where it is of a mail. Account is the mail account that its mail came from.
	Event   Event
	Account string
}

// Message is a message with its history.
type Message struct {
	// Seq orders messages by when they were stored.
	Seq        int64
	ID         mail.MessageID
	Envelope   mail.Envelope
	ReceivedAt time.Time
	Size       int64
	SHA256     string
	// Body is empty when the retention of the message is over.
	Body       mail.BodyRef
	TraceField string
	Steps      []mail.Step
	Reports    []mail.Report
	Fetched    *Fetched
	Event      Event
	Deliveries []DeliveryHistory
}

// DeliveryHistory is a delivery with all that happened to it.
type DeliveryHistory struct {
	Delivery
	Steps []mail.Step
	Tries []mail.Attempt
}

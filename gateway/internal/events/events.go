// Package events tells tenants and the operator what fails and what works again: the mail
// accounts, the endpoints, the scanners, the plugins, the disk. An event is a signed webhook
// like that of a mail, in the same queue.
//
// # Invariants
//
//   - An episode is a time in which something fails, of one [store.About] and kind. Its first
//     failure is told by one event, a cause that was not told of in it by one, and its end by
//     one, however causes alternate, and however many goroutines and processes tell of it.
//   - What is known of an episode and the events that tell of its change are stored in one
//     transaction. A crash neither loses nor doubles an event.
//   - An episode is kept whether anybody subscribes or not. Who subscribes while it is
//     open is told what is new from then on, and of its end; not that it has begun.
//   - An event never tells of the delivery of an event.
//
// # Ends
//
// A mail account that connects and logs in has recovered. What else is told of fails and works
// at the rate of mails; its episode ends with a success a minute or more after the last
// failure. A success within that minute counts when it is over, unless there was another
// failure; Run sees to that.
//
// # Cost
//
// The open episodes are in memory as well, so that a success of what does not fail asks nobody. Other
// processes open and close episodes too: Run reads them anew every half minute. What is thought to be open
// may be closed already, which the store finds out; what another process has opened is closed
// by this one half a minute later at the latest.
package events

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/outbound"
	"github.com/postern-mail/postern/gateway/internal/store"
)

const (
	// settleTime is how long what flaps has to go without a failure.
	settleTime = time.Minute
	// refreshTime is the time between looks at the store's episodes. A failure that is no
	// news is written down so often, for the other processes to see.
	refreshTime = 30 * time.Second
	// maxCauses is how many causes of an episode are told of.
	maxCauses = 32
	// maxTries is how often a change is worked out anew where others were faster.
	maxTries = 10
	// tellTime bounds what is told by those who have no context of their own.
	tellTime = 10 * time.Second
)

// Sink keeps episodes, and makes the events due that are stored with them; a *queue.Sources is one.
type Sink interface {
	Episode(ctx context.Context, about store.About, kind string) (store.Episode, error)
	Episodes(ctx context.Context) ([]store.Episode, error)
	Tell(ctx context.Context, e store.Episode, events []store.NewMessage) error
}

// Queue makes events durable and due; *queue.Queue is one.
type Queue interface {
	Enqueue(ctx context.Context, m store.NewMessage) error
}

// Config says who is told what.
type Config struct {
	// ServiceURL is the address of the gateway, for receivers of several; empty for none.
	ServiceURL string
	// Subscribers are the endpoints that want an event of a tenant, or without a tenant of the
	// gateway as a whole. They may be another tenant's.
	Subscribers func(tenant, event string) []store.Endpoint
	// Retention is until when an event to a tenant is kept.
	Retention func(tenant string, at time.Time) store.Retention
	// Now is nil for the system's clock.
	Now    func() time.Time
	Logger hclog.Logger
}

// Events tells of what happens. Its methods may be called by any number of goroutines.
type Events struct {
	sink  Sink
	queue Queue
	cfg   Config
	log   hclog.Logger
	known known
	// changing has one goroutine of this process at a time change an episode; what stands here are
	// those whose hash is the index.
	changing [64]sync.Mutex
	seed     maphash.Seed
}

// New returns an Events. Run must be called for episodes to end that a process before this
// one has opened, or that have to settle.
func New(sink Sink, q Queue, cfg Config) *Events {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Events{sink: sink, queue: q, cfg: cfg, log: cfg.Logger.Named("events"), known: newKnown(), seed: maphash.MakeSeed()}
}

// now is the time as the store keeps it.
func (e *Events) now() time.Time { return e.cfg.Now().Truncate(time.Millisecond) }

// Run keeps what is known of the episodes as the store has it, until ctx ends.
func (e *Events) Run(ctx context.Context) {
	ticker := time.NewTicker(refreshTime)
	defer ticker.Stop()
	for {
		if err := e.Refresh(ctx); err != nil && ctx.Err() == nil {
			e.log.Error("the open episodes could not be gone through; trying again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Refresh reads the open episodes anew, and ends those that have recovered.
func (e *Events) Refresh(ctx context.Context) error {
	mark := e.known.mark()
	list, err := e.sink.Episodes(ctx)
	if err != nil {
		return fmt.Errorf("read the open episodes: %w", err)
	}
	e.known.replace(list, mark, e.now())
	var errs []error
	for _, k := range e.known.recovered(e.now()) {
		errs = append(errs, e.close(ctx, k, ""))
	}
	return errors.Join(errs...)
}

// Occurrence is something that is told of once, without an episode.
type Occurrence struct {
	About store.About
	// Name is that of the event.
	Name string
	// Response says what has happened, and Code is the code of that; empty where there is none.
	Response, Code string
	// Extra are the members of the payload's data beside these.
	Extra []document.Member
}

// Tell queues the events that tell of an occurrence.
func (e *Events) Tell(ctx context.Context, o Occurrence) error {
	events, err := e.Messages(o)
	if err != nil {
		return err
	}
	for _, m := range events {
		if err := e.queue.Enqueue(ctx, m); err != nil {
			return fmt.Errorf("tell of %s: %w", o.Name, err)
		}
	}
	return nil
}

// Messages makes the events that tell of an occurrence, for who stores them together with what
// they tell of. There are none where nobody subscribes.
func (e *Events) Messages(o Occurrence) ([]store.NewMessage, error) {
	return e.messages(o, e.now())
}

// Health returns what is to be told how something does: an error each time that it fails, nil
// each time that it works. A success costs next to nothing where nothing fails.
func (e *Events) Health(about store.About) func(err error) {
	return func(err error) {
		ctx, cancel := context.WithTimeout(context.Background(), tellTime)
		defer cancel()
		failure, ok := errors.AsType[*outbound.Failure](err)
		if err != nil && !ok {
			failure = &outbound.Failure{Response: err.Error(), Err: err}
		}
		if failure != nil {
			err = e.Failed(ctx, about, failure)
		} else {
			err = e.Succeeded(ctx, about)
		}
		if err != nil {
			e.log.Error("an event could not be stored", "about", describe(about), "error", err)
		}
	}
}

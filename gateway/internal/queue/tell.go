package queue

import (
	"context"

	"github.com/postern-mail/postern/gateway/internal/store"
)

// Sources is a store.Sources whose events are delivered at once: what enqueues some comes by
// the queue. All else goes to the store as it is.
type Sources struct {
	store.Sources
	queue *Queue
}

// Sources puts the queue before what its store keeps for mail accounts and events.
func (q *Queue) Sources(s store.Sources) *Sources { return &Sources{s, q} }

// Tell implements store.Sources.
func (s *Sources) Tell(ctx context.Context, e store.Episode, events []store.NewMessage) error {
	return s.queue.tell(events, func() error { return s.Sources.Tell(ctx, e, events) })
}

// Disable implements store.Sources.
func (s *Sources) Disable(ctx context.Context, off store.Switch, events []store.NewMessage) error {
	return s.queue.tell(events, func() error { return s.Sources.Disable(ctx, off, events) })
}

// tell has events stored, and makes their deliveries due. They wait for no backlog.
func (q *Queue) tell(events []store.NewMessage, put func() error) error {
	q.plan(events)
	for _, m := range events {
		q.enter(m.Deliveries, false)
	}
	return q.enqueued(events, put())
}

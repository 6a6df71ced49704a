package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// perRow is about what a row takes beside its lists, in octets.
const perRow = 1 << 10

// enqueuing is a call of Enqueue.
type enqueuing struct {
	messages []store.NewMessage
	lists    []lists
}

// Enqueue implements store.Store.
func (db *DB) Enqueue(ctx context.Context, messages []store.NewMessage) error {
	if len(messages) == 0 {
		return nil
	}
	e := &enqueuing{messages: messages, lists: make([]lists, len(messages))}
	octets := 0
	for i := range messages {
		m, l := &messages[i], &e.lists[i]
		if len(m.Deliveries) > store.MaxDeliveries {
			return fmt.Errorf("enqueue: %s: it has %d deliveries, and a message may have %d", m.ID, len(m.Deliveries), store.MaxDeliveries)
		}
		var err error
		if *l, err = encodeLists(m.Steps, m.Reports); err != nil {
			return fmt.Errorf("enqueue: %s: %w", m.ID, err)
		}
		octets += perRow*(1+len(m.Deliveries)) + 2*len(m.Subject)*len(m.Deliveries) + len(l.steps) + len(l.reports) + len(m.TraceField)
	}
	return db.enqueues.doing(ctx, "enqueue", e, octets)
}

func encodeLists(steps []mail.Step, reports []mail.Report) (l lists, err error) {
	s, stepsErr := encode(steps)
	r, reportsErr := encode(reports)
	return lists{steps: s, reports: r}, errors.Join(stepsErr, reportsErr)
}

// enqueue adds the messages of several calls.
func (db *DB) enqueue(ctx context.Context, batch []*enqueuing) error {
	var r rows
	for _, e := range batch {
		for i := range e.messages {
			r.addNew(&e.messages[i], e.lists[i])
		}
	}
	if err := db.insertNew(ctx, &r); err != nil {
		return err
	}
	if len(r.queue.lane) > 0 {
		db.waker.announce()
	}
	return nil
}

func (r *rows) addNew(m *store.NewMessage, l lists) {
	forget, log := m.Ends()
	r.addMessage(&store.Message{
		ID: m.ID, Envelope: m.Envelope, ReceivedAt: m.ReceivedAt, Size: m.Size, SHA256: m.SHA256, Body: m.Body, TraceField: m.TraceField,
	}, l, orNull(forget), orNull(log))
	for i, d := range m.Deliveries {
		in := store.Delivery{
			Endpoint: d.Endpoint, Alias: d.Alias, Recipient: d.Recipient,
			State: cmp.Or(d.State, mail.Queued), Reason: d.Reason, Subject: m.Subject, UpdatedAt: m.ReceivedAt, Retention: d.Retention,
		}
		r.addDelivery(&in, i+1, &store.Rest{SpamAction: d.SpamAction, VirusAction: d.VirusAction}, "[]")
		if !in.State.Final() {
			r.addQueued(d.Endpoint, i+1, millis(d.DueAt), millis(d.ExpiresAt), 0, 0)
		}
	}
}

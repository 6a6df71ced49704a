package postgres

import (
	"cmp"
	"context"
	"encoding/json"
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
		m := &messages[i]
		var err error
		if e.lists[i], err = newLists(m); err != nil {
			return fmt.Errorf("enqueue: %w", err)
		}
		octets += perRow*(1+len(m.Deliveries)) + len(e.lists[i].steps) + len(e.lists[i].reports) + len(m.TraceField)
		for _, d := range m.Deliveries {
			octets += len(d.Document)
		}
		octets += 2 * len(m.Subject) * len(m.Deliveries)
	}
	return db.enqueues.doing(ctx, "enqueue", e, octets)
}

// newLists checks a message, and encodes what of it is stored as JSON.
func newLists(m *store.NewMessage) (lists, error) {
	err := m.Check()
	var l lists
	if err == nil {
		l, err = encodeLists(m.Steps, m.Reports, m.Fetched)
	}
	if err != nil {
		return l, fmt.Errorf("%s: %w", m.ID, err)
	}
	return l, nil
}

func encodeLists(steps []mail.Step, reports []mail.Report, fetched *store.Fetched) (l lists, err error) {
	s, stepsErr := encode(steps)
	r, reportsErr := encode(reports)
	l = lists{steps: s, reports: r}
	if fetched == nil {
		return l, errors.Join(stepsErr, reportsErr)
	}
	f, err := json.Marshal(fetched)
	text := clean(string(f))
	l.fetched = &text
	return l, errors.Join(stepsErr, reportsErr, err)
}

// enqueue adds the messages of several calls.
func (db *DB) enqueue(ctx context.Context, batch []*enqueuing) error {
	var r rows
	var fetched []store.Fetched
	for _, e := range batch {
		for i := range e.messages {
			r.addNew(&e.messages[i], e.lists[i])
			if f := e.messages[i].Fetched; f != nil {
				fetched = append(fetched, *f)
			}
		}
	}
	if err := db.insertNew(ctx, &r, fetched); err != nil {
		return err
	}
	if len(r.queue.lane) > 0 {
		db.waker.announce()
	}
	return nil
}

func (r *rows) addNew(m *store.NewMessage, l lists) {
	ends, log := m.Ends()
	var forget *int64
	if m.HasContent() {
		forget = orNull(ends)
	}
	r.addMessage(&store.Message{
		ID: m.ID, Envelope: m.Envelope, ReceivedAt: m.ReceivedAt, Size: m.Size, SHA256: m.SHA256, Body: m.Body, TraceField: m.TraceField, Event: m.Event,
	}, l, forget, orNull(log))
	account := ""
	if m.Fetched != nil {
		account = m.Fetched.Account
	}
	for i, d := range m.Deliveries {
		in := store.Delivery{
			Endpoint: d.Endpoint, Alias: d.Alias, Recipient: d.Recipient,
			State: cmp.Or(d.State, mail.Queued), Reason: d.Reason, Subject: m.Subject, UpdatedAt: m.ReceivedAt, Retention: d.Retention,
			Event: m.Event, Account: account,
		}
		r.addDelivery(&in, i+1, &store.Rest{SpamAction: d.SpamAction, VirusAction: d.VirusAction, Document: d.Document}, "[]")
		if !in.State.Final() {
			r.addQueued(d.Endpoint, i+1, millis(d.DueAt), millis(d.ExpiresAt), 0, 0)
		}
	}
}

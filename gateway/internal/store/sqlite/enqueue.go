package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// Enqueue implements store.Store.
func (db *DB) Enqueue(ctx context.Context, messages []store.NewMessage) error {
	return db.telling(ctx, "enqueue", messages, func(*tx) (bool, error) { return true, nil })
}

// newMessageRows works out the rows of messages before it is the turn of the one goroutine
// that writes.
func newMessageRows(messages []store.NewMessage) ([]messageRow, error) {
	rows := make([]messageRow, len(messages))
	for i := range messages {
		var err error
		if rows[i], err = newMessageRow(&messages[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", messages[i].ID, err)
		}
	}
	return rows, nil
}

func enqueueAll(ctx context.Context, tx *tx, messages []store.NewMessage, rows []messageRow) error {
	for i := range messages {
		if err := enqueue(ctx, tx, &messages[i], rows[i]); err != nil {
			return fmt.Errorf("%s: %w", messages[i].ID, err)
		}
	}
	return nil
}

// messageRow holds what of a row has to be worked out.
type messageRow struct {
	steps, reports    string
	fetched           sql.NullString
	forgetAt, logEnds sql.NullInt64
}

func newMessageRow(m *store.NewMessage) (messageRow, error) {
	var row messageRow
	err := m.Check()
	if err != nil {
		return row, err
	}
	if row.steps, err = encode(m.Steps); err != nil {
		return row, err
	}
	if row.reports, err = encode(m.Reports); err != nil {
		return row, err
	}
	if row.fetched, err = encodeFetched(m.Fetched); err != nil {
		return row, err
	}
	forget, logEnds := m.Ends()
	row.forgetAt = sql.NullInt64{Int64: millis(forget), Valid: m.HasContent()}
	row.logEnds = orNull(logEnds)
	return row, nil
}

// encode writes a list as JSON, one that is nil as an empty one.
func encode[T any](list []T) (string, error) {
	if list == nil {
		return "[]", nil
	}
	b, err := json.Marshal(list)
	return string(b), err
}

func enqueue(ctx context.Context, tx *tx, m *store.NewMessage, row messageRow) error {
	account := ""
	if m.Fetched != nil {
		account = m.Fetched.Account
		if err := fetch(ctx, tx, *m.Fetched); err != nil {
			return err
		}
	}
	seq, err := insertMessage(ctx, tx, &store.Message{
		ID: m.ID, Envelope: m.Envelope, ReceivedAt: m.ReceivedAt, Size: m.Size, SHA256: m.SHA256, Body: m.Body, TraceField: m.TraceField, Event: m.Event,
	}, row)
	if err != nil {
		return err
	}
	for i, d := range m.Deliveries {
		in := store.Delivery{
			Seq: store.DeliverySeq(seq, i+1), Endpoint: d.Endpoint, Alias: d.Alias, Recipient: d.Recipient,
			State: cmp.Or(d.State, mail.Queued), Reason: d.Reason, Subject: m.Subject, UpdatedAt: m.ReceivedAt, Retention: d.Retention,
			Event: m.Event, Account: account,
		}
		if err := insertDelivery(ctx, tx, &in, &store.Rest{SpamAction: d.SpamAction, VirusAction: d.VirusAction, Document: d.Document}, "[]"); err != nil {
			return err
		}
		if err := indexSubject(ctx, tx, in.Seq, in.Subject); err != nil {
			return err
		}
		if in.State.Final() {
			continue
		}
		if err := queueDelivery(ctx, tx, in.Seq, in.Endpoint, d.DueAt, d.ExpiresAt, 0, 0); err != nil {
			return err
		}
	}
	return nil
}

// insertMessage adds the row of a message and returns its seq. The message's own lists are
// not looked at: row has them.
func insertMessage(ctx context.Context, tx *tx, m *store.Message, row messageRow) (int64, error) {
	seq, err := tx.nextSeq(ctx)
	if err != nil {
		return 0, err
	}
	s := m.Envelope.Session
	_, err = tx.ExecContext(ctx, `
		INSERT INTO messages (seq, id, received_at, reverse_path, smtputf8, listener, helo, remote_ip, tls, size, sha256, body, trace_field, steps, reports, forget_at, log_until,
			about_tenant, about_class, about_name, fetched)
		VALUES (?,?,?,?,?,?,?,?,?,?,?,nullif(?, ''),?,?,?,?,?,?,?,?,?)`,
		seq, string(m.ID), millis(m.ReceivedAt), m.Envelope.ReversePath, m.Envelope.SMTPUTF8, s.Listener, s.HELO, s.RemoteIP.String(), s.TLS,
		m.Size, m.SHA256, string(m.Body), m.TraceField, row.steps, row.reports, row.forgetAt, row.logEnds,
		m.Event.About.Tenant, m.Event.About.Class, m.Event.About.Name, row.fetched)
	return seq, err
}

// insertDelivery adds the row of a delivery.
func insertDelivery(ctx context.Context, tx *tx, d *store.Delivery, rest *store.Rest, steps string) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO deliveries (seq, tenant, endpoint, alias, recipient, state, reason, subject, attempts, earlier, last_code, updated_at, expires_at, payload_until, held_until,
			spam_action, virus_action, released, document, steps, event, account)
		VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
		d.Seq, d.Endpoint.Tenant, d.Endpoint.Name, d.Alias, d.Recipient, string(d.State), d.Reason, d.Subject, d.Attempts, rest.Earlier, d.LastCode, millis(d.UpdatedAt),
		millis(d.ExpiresAt), payloadUntil(d.Retention), millis(d.BodyUntil(mail.Quarantined)),
		string(cmp.Or(rest.SpamAction, mail.SpamDefault)), string(rest.VirusAction), rest.Released, rest.Document, steps, d.Event.Name, d.Account)
	return err
}

// payloadUntil is NULL where the payload goes with the body, as it does anyway.
func payloadUntil(r store.Retention) sql.NullInt64 {
	if !r.PayloadUntil.Before(r.ExpiresAt) {
		return sql.NullInt64{}
	}
	return orNull(r.PayloadUntil)
}

// orNull is NULL for the zero time.
func orNull(t time.Time) sql.NullInt64 { return sql.NullInt64{Int64: millis(t), Valid: !t.IsZero()} }

// queueDelivery puts a delivery into the queue.
func queueDelivery(ctx context.Context, tx *tx, seq int64, e store.Endpoint, due, expires time.Time, claims, lost int) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO queue (delivery_seq, lane, due_at, expires_at, claims, lost) VALUES (?,?,?,?,?,?)`,
		seq, e.Lane(), millis(due), millis(expires), claims, lost)
	return err
}

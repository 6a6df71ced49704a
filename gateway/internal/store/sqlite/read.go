package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// envelopeRow holds the columns of an envelope.
type envelopeRow struct {
	reversePath, listener, helo, remoteIP, tls string
	smtputf8                                   bool
	receivedAt                                 int64
}

func (r envelopeRow) envelope() mail.Envelope {
	// The zero address is written as "invalid IP" and read back as itself.
	ip, _ := netip.ParseAddr(r.remoteIP)
	return mail.Envelope{
		ReversePath: r.reversePath,
		SMTPUTF8:    r.smtputf8,
		Session:     mail.Session{Listener: r.listener, HELO: r.helo, RemoteIP: ip, TLS: r.tls},
	}
}

// Waiting implements store.Store. It hops over the index from lane to lane, so
// that its cost grows with the endpoints that have work, not with their backlog.
func (db *DB) Waiting(ctx context.Context) ([]store.Waiting, error) {
	rows, err := db.read.QueryContext(ctx, `
		WITH RECURSIVE lanes (lane) AS (
			SELECT min(lane) FROM queue WHERE owner IS NULL
			UNION ALL
			SELECT (SELECT min(q.lane) FROM queue q WHERE q.owner IS NULL AND q.lane > lanes.lane) FROM lanes WHERE lanes.lane IS NOT NULL)
		SELECT lane, (SELECT min(due_at) FROM queue q WHERE q.owner IS NULL AND q.lane = lanes.lane) FROM lanes WHERE lane IS NOT NULL`)
	if err != nil {
		return nil, fmt.Errorf("read waiting endpoints: %w", err)
	}
	defer rows.Close()
	var list []store.Waiting
	for rows.Next() {
		var name string
		var due int64
		if err := rows.Scan(&name, &due); err != nil {
			return nil, fmt.Errorf("read waiting endpoints: %w", err)
		}
		tenant, endpoint, _ := strings.Cut(name, "/")
		list = append(list, store.Waiting{Endpoint: store.Endpoint{Tenant: tenant, Name: endpoint}, Due: fromMillis(due)})
	}
	return list, rows.Err()
}

// HasBody implements store.Store.
func (db *DB) HasBody(ctx context.Context, id mail.MessageID) (bool, error) {
	var has bool
	err := db.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM messages WHERE id = ? AND body IS NOT NULL)`, id).Scan(&has)
	if err != nil {
		return false, fmt.Errorf("look for message %s: %w", id, err)
	}
	return has, nil
}

// Body implements store.Store.
func (db *DB) Body(ctx context.Context, id mail.MessageID) (mail.BodyRef, error) {
	var ref mail.BodyRef
	err := db.read.QueryRowContext(ctx, `SELECT coalesce(body, '') FROM messages WHERE id = ?`, id).Scan(&ref)
	if errors.Is(err, sql.ErrNoRows) {
		err = store.ErrNotFound
	}
	if err != nil {
		return "", fmt.Errorf("read body of message %s: %w", id, err)
	}
	return ref, nil
}

const deliveryColumns = `
	SELECT d.seq, m.id, d.number, d.tenant, d.endpoint, d.alias, d.recipient, d.state, d.reason, d.subject, d.attempts, d.last_code,
		m.received_at, d.updated_at, d.expires_at, q.due_at, q.owner IS NOT NULL, m.reverse_path, m.size, d.steps
	FROM deliveries d JOIN messages m ON m.seq = d.message_seq LEFT JOIN queue q ON q.delivery_seq = d.seq`

// List implements store.Store.
func (db *DB) List(ctx context.Context, f store.Filter) ([]store.Delivery, error) {
	// Traces are long, and not in the list.
	query := strings.Replace(deliveryColumns, "d.steps", "'[]'", 1) + ` WHERE true`
	var args []any
	if f.Tenant != "" {
		query, args = query+` AND d.tenant = ?`, append(args, f.Tenant)
	}
	if f.State != "" {
		query, args = query+` AND d.state = ?`, append(args, f.State)
	}
	if f.Before != 0 {
		query, args = query+` AND d.seq < ?`, append(args, f.Before)
	}
	histories, err := deliveries(ctx, db.read, query+` ORDER BY d.seq DESC LIMIT ?`, append(args, f.Limit)...)
	if err != nil {
		return nil, fmt.Errorf("list deliveries: %w", err)
	}
	list := make([]store.Delivery, len(histories))
	for i, h := range histories {
		list[i] = h.Delivery
	}
	return list, nil
}

// querier is a pool or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func deliveries(ctx context.Context, q querier, query string, args ...any) ([]store.DeliveryHistory, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []store.DeliveryHistory
	for rows.Next() {
		var d store.DeliveryHistory
		var id mail.MessageID
		var number int
		var received, updated, expires int64
		var due sql.NullInt64
		var steps string
		if err := rows.Scan(&d.Seq, &id, &number, &d.Endpoint.Tenant, &d.Endpoint.Name, &d.Alias, &d.Recipient, &d.State, &d.Reason, &d.Subject, &d.Attempts, &d.LastCode,
			&received, &updated, &expires, &due, &d.InFlight, &d.ReversePath, &d.Size, &steps); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(steps), &d.Steps); err != nil {
			return nil, fmt.Errorf("read steps of %s: %w", id.Delivery(number), err)
		}
		d.ID = id.Delivery(number)
		d.ReceivedAt, d.UpdatedAt, d.ExpiresAt = fromMillis(received), fromMillis(updated), fromMillis(expires)
		if due.Valid {
			d.Due = fromMillis(due.Int64)
		}
		list = append(list, d)
	}
	return list, rows.Err()
}

// Get implements store.Store.
func (db *DB) Get(ctx context.Context, id mail.MessageID) (store.Message, error) {
	m, err := db.get(ctx, id)
	if err != nil {
		return store.Message{}, fmt.Errorf("get message %s: %w", id, err)
	}
	return m, nil
}

func (db *DB) get(ctx context.Context, id mail.MessageID) (store.Message, error) {
	// One transaction, so that message, deliveries and attempts are of one moment.
	tx, err := db.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return store.Message{}, err
	}
	defer func() { _ = tx.Rollback() }()

	m := store.Message{ID: id}
	var seq int64
	var env envelopeRow
	var steps, reports string
	err = tx.QueryRowContext(ctx, `
		SELECT seq, reverse_path, smtputf8, listener, helo, remote_ip, tls, received_at, size, sha256, coalesce(body, ''), trace_field, steps, reports
		FROM messages WHERE id = ?`, id).Scan(&seq, &env.reversePath, &env.smtputf8, &env.listener, &env.helo, &env.remoteIP, &env.tls,
		&env.receivedAt, &m.Size, &m.SHA256, &m.Body, &m.TraceField, &steps, &reports)
	if errors.Is(err, sql.ErrNoRows) {
		return store.Message{}, store.ErrNotFound
	}
	if err != nil {
		return store.Message{}, err
	}
	m.Envelope, m.ReceivedAt = env.envelope(), fromMillis(env.receivedAt)
	if err := errors.Join(json.Unmarshal([]byte(steps), &m.Steps), json.Unmarshal([]byte(reports), &m.Reports)); err != nil {
		return store.Message{}, err
	}
	if m.Deliveries, err = deliveries(ctx, tx, deliveryColumns+` WHERE d.message_seq = ? ORDER BY d.number`, seq); err != nil {
		return store.Message{}, err
	}
	for i := range m.Deliveries {
		if m.Deliveries[i].Tries, err = attempts(ctx, tx, m.Deliveries[i].Seq); err != nil {
			return store.Message{}, err
		}
	}
	return m, nil
}

func attempts(ctx context.Context, q querier, delivery int64) ([]mail.Attempt, error) {
	rows, err := q.QueryContext(ctx, `SELECT number, at, duration, code, reason, response FROM attempts WHERE delivery_seq = ? ORDER BY number`, delivery)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []mail.Attempt
	for rows.Next() {
		var a mail.Attempt
		var at, duration int64
		if err := rows.Scan(&a.Number, &at, &duration, &a.Code, &a.Reason, &a.Response); err != nil {
			return nil, err
		}
		a.At, a.Duration = fromMillis(at), time.Duration(duration)*time.Millisecond
		list = append(list, a)
	}
	return list, rows.Err()
}

// Document implements store.Store.
func (db *DB) Document(ctx context.Context, id mail.DeliveryID) ([]byte, error) {
	var document []byte
	message, number := id.Split()
	err := db.read.QueryRowContext(ctx, `
		SELECT d.document FROM deliveries d JOIN messages m ON m.seq = d.message_seq WHERE m.id = ? AND d.number = ?`,
		message, number).Scan(&document)
	if errors.Is(err, sql.ErrNoRows) {
		err = store.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("get document of %s: %w", id, err)
	}
	return document, nil
}

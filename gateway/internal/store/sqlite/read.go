package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// waitingLanes is prepared once: it is read hundreds of times a second.
const waitingLanes = `
		WITH RECURSIVE lanes (lane) AS (
			SELECT min(lane) FROM queue WHERE owner IS NULL
			UNION ALL
			SELECT (SELECT min(q.lane) FROM queue q WHERE q.owner IS NULL AND q.lane > lanes.lane) FROM lanes WHERE lanes.lane IS NOT NULL)
		SELECT lane, (SELECT min(due_at) FROM queue q WHERE q.owner IS NULL AND q.lane = lanes.lane) FROM lanes
		WHERE lane IS NOT NULL AND lane NOT IN (SELECT tenant || '/' || endpoint FROM pauses WHERE endpoint <> '')
			AND substr(lane, 1, instr(lane, '/') - 1) NOT IN (SELECT tenant FROM pauses WHERE endpoint = '')`

// Waiting implements store.Store. It hops over the index from lane to lane, so
// that its cost grows with the endpoints that have work, not with their backlog.
func (db *DB) Waiting(ctx context.Context) (list []store.Waiting, err error) {
	defer db.explained(&err)
	rows, err := db.waiting.QueryContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("read waiting endpoints: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var due int64
		if err := rows.Scan(&name, &due); err != nil {
			return nil, fmt.Errorf("read waiting endpoints: %w", err)
		}
		list = append(list, store.Waiting{Endpoint: store.LaneEndpoint(name), Due: fromMillis(due)})
	}
	return list, rows.Err()
}

// Identity implements store.Store.
func (db *DB) Identity(ctx context.Context) (id string, err error) {
	defer db.explained(&err)
	if err := db.read.QueryRowContext(ctx, `SELECT id FROM identity`).Scan(&id); err != nil {
		return "", fmt.Errorf("read the database's identity: %w", err)
	}
	return id, nil
}

// errUnsure means that a commit failed and may have been made all the same.
var errUnsure = errors.New("a commit failed, and nobody can say what it has left until another succeeds")

// LiveBodies implements store.Store. It fails while a message that it does not find may be there.
func (db *DB) LiveBodies(ctx context.Context, ids []mail.MessageID) (live map[mail.MessageID]mail.BodyRef, err error) {
	defer db.explained(&err)
	live = make(map[mail.MessageID]mail.BodyRef)
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	rows, err := db.read.QueryContext(ctx, `SELECT id, body FROM messages WHERE id IN (SELECT value FROM json_each(?)) AND body IS NOT NULL`, string(list))
	if err != nil {
		return nil, fmt.Errorf("look for bodies of messages: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id mail.MessageID
		var ref mail.BodyRef
		if err := rows.Scan(&id, &ref); err != nil {
			return nil, fmt.Errorf("look for bodies of messages: %w", err)
		}
		live[id] = ref
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("look for bodies of messages: %w", err)
	}
	if db.changes.unsure.Load() { // asked last: what was unsure before and is no more has left nothing
		return nil, fmt.Errorf("look for bodies of messages: %w", errUnsure)
	}
	return live, nil
}

// Body implements store.Store.
func (db *DB) Body(ctx context.Context, id mail.MessageID) (ref mail.BodyRef, err error) {
	defer db.explained(&err)
	err = db.read.QueryRowContext(ctx, `SELECT coalesce(body, '') FROM messages WHERE id = ?`, id).Scan(&ref)
	if errors.Is(err, sql.ErrNoRows) {
		err = store.ErrNotFound
	}
	if err != nil {
		return "", fmt.Errorf("read body of message %s: %w", id, err)
	}
	return ref, nil
}

// Get implements store.Store.
func (db *DB) Get(ctx context.Context, id mail.MessageID) (m store.Message, err error) {
	defer db.explained(&err)
	// One transaction, so that message, deliveries and attempts are of one moment.
	tx, err := db.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return store.Message{}, fmt.Errorf("get message %s: %w", id, err)
	}
	defer func() { _ = tx.Rollback() }()
	m, err = get(ctx, tx, id)
	if err != nil {
		return store.Message{}, fmt.Errorf("get message %s: %w", id, err)
	}
	return m, nil
}

func get(ctx context.Context, tx *sql.Tx, id mail.MessageID) (store.Message, error) {
	m := store.Message{ID: id}
	var env store.EnvelopeRow
	var steps, reports string
	var fetched sql.NullString
	err := tx.QueryRowContext(ctx, `
		SELECT seq, reverse_path, smtputf8, listener, helo, remote_ip, tls, received_at, size, sha256, coalesce(body, ''), trace_field, steps, reports, fetched
		FROM messages WHERE id = ?`, id).Scan(&m.Seq, &env.ReversePath, &env.SMTPUTF8, &env.Listener, &env.HELO, &env.RemoteIP, &env.TLS,
		&env.ReceivedAt, &m.Size, &m.SHA256, &m.Body, &m.TraceField, &steps, &reports, &fetched)
	if errors.Is(err, sql.ErrNoRows) {
		return store.Message{}, store.ErrNotFound
	}
	if err != nil {
		return store.Message{}, err
	}
	m.Envelope, m.ReceivedAt = env.Envelope(), fromMillis(env.ReceivedAt)
	if fetched.Valid {
		m.Fetched = new(store.Fetched)
		err = json.Unmarshal([]byte(fetched.String), m.Fetched)
	}
	if err := errors.Join(err, json.Unmarshal([]byte(steps), &m.Steps), json.Unmarshal([]byte(reports), &m.Reports)); err != nil {
		return store.Message{}, err
	}
	first, last := store.DeliverySeqs(m.Seq)
	if m.Deliveries, err = deliveries(ctx, tx, store.DeliveryColumns+` WHERE d.seq BETWEEN ? AND ? ORDER BY d.seq`, first, last); err != nil {
		return store.Message{}, err
	}
	for i := range m.Deliveries {
		m.Event = m.Deliveries[i].Event
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
func (db *DB) Document(ctx context.Context, id mail.DeliveryID) (document []byte, err error) {
	defer db.explained(&err)
	message, number := id.Split()
	if number > store.MaxDeliveries { // its seq would be that of another message's
		return nil, fmt.Errorf("get document of %s: %w", id, store.ErrNotFound)
	}
	err = db.read.QueryRowContext(ctx, `SELECT d.document FROM messages m JOIN deliveries d ON d.seq = (m.seq << 20 | ?) WHERE m.id = ?`,
		number, message).Scan(&document)
	if errors.Is(err, sql.ErrNoRows) {
		err = store.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("get document of %s: %w", id, err)
	}
	return document, nil
}

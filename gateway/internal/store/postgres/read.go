package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// LiveBodies implements store.Store. It answers when changes that were cut off have
// ended: a body that it does not name will not be referred to later.
func (db *DB) LiveBodies(ctx context.Context, ids []mail.MessageID) (map[mail.MessageID]mail.BodyRef, error) {
	if err := db.settle(ctx); err != nil {
		return nil, fmt.Errorf("look for bodies of messages: %w", err)
	}
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = clean(id)
	}
	type body struct {
		id  mail.MessageID
		ref mail.BodyRef
	}
	list, err := query(ctx, db, func(row pgx.CollectableRow) (b body, err error) {
		err = row.Scan(&b.id, &b.ref)
		return b, err
	}, `SELECT id, body FROM messages WHERE id = ANY($1) AND body IS NOT NULL`, names)
	if err != nil {
		return nil, fmt.Errorf("look for bodies of messages: %w", err)
	}
	live := make(map[mail.MessageID]mail.BodyRef, len(list))
	for _, b := range list {
		live[b.id] = b.ref
	}
	return live, nil
}

// only is the one row of a query, or ErrNotFound.
func only[T any](list []T, err error) (one T, _ error) {
	if err != nil {
		return one, err
	}
	if len(list) == 0 {
		return one, store.ErrNotFound
	}
	return list[0], nil
}

// Body implements store.Store.
func (db *DB) Body(ctx context.Context, id mail.MessageID) (mail.BodyRef, error) {
	ref, err := only(query(ctx, db, pgx.RowTo[string], `SELECT coalesce(body, '') FROM messages WHERE id = $1`, clean(id)))
	if err != nil {
		return "", fmt.Errorf("read body of message %s: %w", id, err)
	}
	return mail.BodyRef(ref), nil
}

// Document implements store.Store.
func (db *DB) Document(ctx context.Context, id mail.DeliveryID) ([]byte, error) {
	message, number := id.Split()
	if number > store.MaxDeliveries { // its seq would be that of another message's
		return nil, fmt.Errorf("get document of %s: %w", id, store.ErrNotFound)
	}
	document, err := only(query(ctx, db, pgx.RowTo[[]byte], `SELECT d.document FROM messages m JOIN deliveries d ON d.seq = (m.seq << 20 | $1::int) WHERE m.id = $2`,
		number, clean(message)))
	if err != nil {
		return nil, fmt.Errorf("get document of %s: %w", id, err)
	}
	return document, nil
}

// Identity implements store.Store.
func (db *DB) Identity(ctx context.Context) (string, error) {
	id, err := only(query(ctx, db, pgx.RowTo[string], `SELECT id FROM identity`))
	if err != nil {
		return "", fmt.Errorf("read the database's identity: %w", err)
	}
	return id, nil
}

// Get implements store.Store.
func (db *DB) Get(ctx context.Context, id mail.MessageID) (store.Message, error) {
	var list []store.Message
	err := db.reading(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
		list, err = messages(ctx, tx, ` WHERE id = $1`, clean(id))
		return err
	})
	m, err := only(list, err)
	if err != nil {
		return m, fmt.Errorf("get message %s: %w", id, err)
	}
	return m, nil
}

// messages reads messages with their history, in the order of their seqs.
func messages(ctx context.Context, tx pgx.Tx, where string, args ...any) ([]store.Message, error) {
	rows, err := tx.Query(ctx, `
		SELECT seq, id, reverse_path, smtputf8, listener, helo, remote_ip, tls, received_at, size, sha256, coalesce(body, ''), trace_field, steps, reports, fetched
		FROM messages`+where, args...)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, scanMessage)
	if err != nil {
		return nil, err
	}
	seqs, places := make([]int64, len(list)), make(map[int64]int, len(list))
	for i := range list {
		seqs[i], places[list[i].Seq] = list[i].Seq, i
	}
	rows, err = tx.Query(ctx, `SELECT d.* FROM unnest($1::bigint[]) AS old (seq), LATERAL (`+store.DeliveryColumns+` WHERE d.seq BETWEEN old.seq << 20 AND old.seq << 20 | 1048575) d
		ORDER BY 1`, seqs)
	if err != nil {
		return nil, err
	}
	histories, err := pgx.CollectRows(rows, scanDelivery)
	if err != nil {
		return nil, err
	}
	tries, err := attemptsOf(ctx, tx, seqs)
	if err != nil {
		return nil, err
	}
	for _, d := range histories {
		d.Tries = tries[d.Seq]
		m := &list[places[store.MessageSeq(d.Seq)]]
		m.Event = d.Event
		m.Deliveries = append(m.Deliveries, d)
	}
	return list, nil
}

func scanMessage(row pgx.CollectableRow) (m store.Message, err error) {
	var env store.EnvelopeRow
	var steps, reports, fetched []byte
	err = row.Scan(&m.Seq, &m.ID, &env.ReversePath, &env.SMTPUTF8, &env.Listener, &env.HELO, &env.RemoteIP, &env.TLS,
		&env.ReceivedAt, &m.Size, &m.SHA256, &m.Body, &m.TraceField, &steps, &reports, &fetched)
	if err != nil {
		return m, err
	}
	m.Envelope, m.ReceivedAt = env.Envelope(), fromMillis(env.ReceivedAt)
	if fetched != nil {
		m.Fetched = new(store.Fetched)
		if err := json.Unmarshal(fetched, m.Fetched); err != nil {
			return m, err
		}
	}
	return m, errors.Join(json.Unmarshal(steps, &m.Steps), json.Unmarshal(reports, &m.Reports))
}

// attemptsOf reads the attempts of messages' deliveries.
func attemptsOf(ctx context.Context, tx pgx.Tx, messages []int64) (map[int64][]mail.Attempt, error) {
	rows, err := tx.Query(ctx, `
		SELECT a.delivery_seq, a.number, a.at, a.duration, a.code, a.reason, a.response FROM unnest($1::bigint[]) AS old (seq)
		JOIN attempts a ON a.delivery_seq BETWEEN old.seq << 20 AND old.seq << 20 | 1048575 ORDER BY a.delivery_seq, a.number`, messages)
	if err != nil {
		return nil, err
	}
	tries := make(map[int64][]mail.Attempt)
	var a mail.Attempt
	var seq, at, duration int64
	_, err = pgx.ForEachRow(rows, []any{&seq, &a.Number, &at, &duration, &a.Code, &a.Reason, &a.Response}, func() error {
		a.At, a.Duration = fromMillis(at), time.Duration(duration)*time.Millisecond
		tries[seq] = append(tries[seq], a)
		a.Response = nil // the next has its own
		return nil
	})
	return tries, err
}

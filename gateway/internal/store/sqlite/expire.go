package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// Expire implements store.Store.
func (db *DB) Expire(ctx context.Context, now time.Time, limit int) (store.Expired, error) {
	var out store.Expired
	ends := []func(context.Context, *tx, time.Time, int, *store.Expired) error{endWaiting, endHeld, forgetPayloads, forgetMessages, deleteRows}
	err := db.changes.do(ctx, func(tx *tx) error {
		out = store.Expired{}
		for _, end := range ends {
			if err := end(ctx, tx, now, limit, &out); err != nil {
				return err
			}
		}
		tx.erases = out.Payloads+out.Rows+len(out.Bodies) > 0
		return nil
	})
	if err != nil {
		return store.Expired{}, fmt.Errorf("expire: %w", err)
	}
	return out, nil
}

// endWaiting ends deliveries that wait and whose retention is over.
func endWaiting(ctx context.Context, tx *tx, now time.Time, limit int, out *store.Expired) error {
	seqs, err := column[int64](ctx, tx, `SELECT delivery_seq FROM queue WHERE expires_at <= ? AND owner IS NULL ORDER BY expires_at LIMIT ?`, millis(now), limit)
	if err != nil {
		return err
	}
	for _, seq := range seqs {
		if _, err := tx.ExecContext(ctx, `DELETE FROM queue WHERE delivery_seq = ?`, seq); err != nil {
			return err
		}
		if err := expireDelivery(ctx, tx, seq, now, "retention ended before it was delivered"); err != nil {
			return err
		}
	}
	out.Deliveries += len(seqs)
	out.More = out.More || len(seqs) == limit
	return nil
}

// endHeld ends deliveries that are quarantined and that nobody has released in time.
func endHeld(ctx context.Context, tx *tx, now time.Time, limit int, out *store.Expired) error {
	seqs, err := column[int64](ctx, tx, `SELECT seq FROM deliveries WHERE state = 'quarantined' AND held_until <= ? ORDER BY held_until LIMIT ?`, millis(now), limit)
	if err != nil {
		return err
	}
	for _, seq := range seqs {
		if err := expireDelivery(ctx, tx, seq, now, "nobody released it while it was held"); err != nil {
			return err
		}
	}
	out.Deliveries += len(seqs)
	out.More = out.More || len(seqs) == limit
	return nil
}

func expireDelivery(ctx context.Context, tx *tx, seq int64, now time.Time, reason string) error {
	_, err := tx.ExecContext(ctx, `UPDATE deliveries SET state = 'expired', reason = ?, updated_at = ? WHERE seq = ?`, reason, millis(now), seq)
	return err
}

// forgetPayloads forgets documents of deliveries that have ended, where they are not kept as
// long as the body.
func forgetPayloads(ctx context.Context, tx *tx, now time.Time, limit int, out *store.Expired) error {
	seqs, err := column[int64](ctx, tx, `
		SELECT seq FROM deliveries d WHERE document IS NOT NULL AND payload_until <= ? AND state <> 'quarantined' AND NOT EXISTS (SELECT 1 FROM queue q WHERE q.delivery_seq = d.seq)
		ORDER BY payload_until LIMIT ?`, millis(now), limit)
	if err != nil {
		return err
	}
	for _, seq := range seqs {
		if _, err := tx.ExecContext(ctx, `UPDATE deliveries SET document = NULL WHERE seq = ?`, seq); err != nil {
			return err
		}
	}
	out.Payloads += len(seqs)
	out.More = out.More || len(seqs) == limit
	return nil
}

// forgetMessages takes the bodies and documents of messages whose retention is over. A
// message that still has a delivery in the queue keeps its body: the raw message
// outlives every delivery that can still be sent.
func forgetMessages(ctx context.Context, tx *tx, now time.Time, limit int, out *store.Expired) error {
	seqs, err := column[int64](ctx, tx, `
		SELECT seq FROM messages m WHERE forget_at <= ? AND NOT EXISTS (
			SELECT 1 FROM queue q WHERE q.delivery_seq BETWEEN m.seq << 20 AND m.seq << 20 | 1048575)
		ORDER BY forget_at LIMIT ?`, millis(now), limit)
	if err != nil {
		return err
	}
	for _, seq := range seqs {
		bodies, err := column[mail.BodyRef](ctx, tx, `SELECT body FROM messages WHERE seq = ? AND body IS NOT NULL`, seq)
		if err != nil {
			return err
		}
		out.Bodies = append(out.Bodies, bodies...)
		if _, err := tx.ExecContext(ctx, `UPDATE messages SET body = NULL, forget_at = NULL, reports = '[]' WHERE seq = ?`, seq); err != nil {
			return err
		}
		first, last := store.DeliverySeqs(seq)
		if _, err := tx.ExecContext(ctx, `UPDATE deliveries SET document = NULL,
			steps = (SELECT json_group_array(json_remove(value, '$.log', '$.error')) FROM json_each(steps)) WHERE seq BETWEEN ? AND ?`, first, last); err != nil {
			return err
		}
	}
	out.More = out.More || len(seqs) == limit
	return nil
}

// deleteRows deletes messages from the log.
func deleteRows(ctx context.Context, tx *tx, now time.Time, limit int, out *store.Expired) error {
	seqs, err := column[int64](ctx, tx, `SELECT seq FROM messages WHERE log_until <= ? AND forget_at IS NULL ORDER BY log_until LIMIT ?`, millis(now), limit)
	if err != nil {
		return err
	}
	for _, seq := range seqs {
		if err := deleteMessage(ctx, tx, seq); err != nil {
			return err
		}
	}
	out.Rows += len(seqs)
	out.More = out.More || len(seqs) == limit
	return nil
}

// deleteMessage deletes all rows of a message.
func deleteMessage(ctx context.Context, tx *tx, seq int64) error {
	first, last := store.DeliverySeqs(seq)
	for _, query := range []string{
		`DELETE FROM queue WHERE delivery_seq BETWEEN ? AND ?`,
		`DELETE FROM attempts WHERE delivery_seq BETWEEN ? AND ?`,
		`INSERT INTO subjects (subjects, rowid, subject) SELECT 'delete', seq, subject FROM deliveries WHERE seq BETWEEN ? AND ? AND subject <> ''`,
		`DELETE FROM deliveries WHERE seq BETWEEN ? AND ?`,
	} {
		if _, err := tx.ExecContext(ctx, query, first, last); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, `DELETE FROM messages WHERE seq = ?`, seq)
	return err
}

// reckon works out anew when a message's body is not needed any more.
func reckon(ctx context.Context, tx *tx, message int64) error {
	first, last := store.DeliverySeqs(message)
	_, err := tx.ExecContext(ctx, `
		UPDATE messages SET forget_at = (SELECT max(CASE state WHEN 'quarantined' THEN held_until ELSE expires_at END) FROM deliveries WHERE seq BETWEEN ? AND ?)
		WHERE seq = ? AND forget_at IS NOT NULL`, first, last, message)
	return err
}

// column reads a query of one column.
func column[T any](ctx context.Context, tx *tx, query string, args ...any) ([]T, error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []T
	for rows.Next() {
		var v T
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, errors.Join(rows.Err(), rows.Close())
}

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

// Act implements store.Store.
func (db *DB) Act(ctx context.Context, a store.Action, deliveries []int64) ([]bool, error) {
	states, err := json.Marshal(a.Act.From())
	if err != nil {
		return nil, err
	}
	done := make([]bool, len(deliveries))
	err = db.changes.do(ctx, func(tx *tx) error {
		messages, seen := make(map[int64]bool), make(map[int64]bool)
		for i, seq := range deliveries {
			if seen[seq] { // one that is named twice is done once
				continue
			}
			seen[seq] = true
			var err error
			if done[i], err = act(ctx, tx, a, string(states), seq); err != nil {
				return err
			}
			if done[i] {
				messages[store.MessageSeq(seq)] = true
			}
		}
		for message := range messages {
			if err := reckon(ctx, tx, message); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.Act, err)
	}
	return done, nil
}

// needed is until when a delivery may still be sent.
const needed = `max(expires_at, CASE state WHEN 'quarantined' THEN held_until ELSE 0 END)`

// forEvents is the condition that an act can be done to the delivery of an event: as long as
// its document is there, of which no chain can make another.
func forEvents(a store.Act) string {
	if a == store.Reprocess || a == store.Release {
		return `false`
	}
	return `document IS NOT NULL`
}

func act(ctx context.Context, tx *tx, a store.Action, states string, seq int64) (bool, error) {
	change, args := `state = 'queued', reason = '', earlier = attempts`, []any(nil)
	switch a.Act {
	case store.Resend:
	case store.Reprocess:
		change += `, document = NULL, expires_at = ` + needed
	case store.Release:
		change += `, document = NULL, released = 1, expires_at = ` + needed
	case store.Retry:
		change = `reason = reason`
	case store.Drop:
		change, args = `state = 'dropped', reason = ?`, append(args, a.Reason)
	default:
		return false, fmt.Errorf("there is no act %q", a.Act)
	}
	// To be dropped, a delivery needs nothing.
	can := ` AND CASE event WHEN '' THEN (SELECT body FROM messages WHERE seq = deliveries.seq >> 20) IS NOT NULL ELSE ` + forEvents(a.Act) + ` END
		AND ` + needed + ` > ?`
	args = append(args, millis(a.Now), seq, states, seq)
	if a.Act == store.Drop {
		can = ``
	} else {
		args = append(args, millis(a.Now))
	}
	res, err := tx.ExecContext(ctx, `UPDATE deliveries SET `+change+`, updated_at = ? WHERE seq = ? AND state IN (SELECT value FROM json_each(?))
		AND NOT EXISTS (SELECT 1 FROM queue WHERE delivery_seq = ? AND owner IS NOT NULL)`+can, args...)
	if err != nil {
		return false, err
	}
	if n, err := res.RowsAffected(); n == 0 || err != nil {
		return false, err
	}
	if err := addSteps(ctx, tx, seq, []mail.Step{a.Step}); err != nil {
		return false, err
	}
	if a.Act == store.Drop {
		_, err = tx.ExecContext(ctx, `DELETE FROM queue WHERE delivery_seq = ?`, seq)
	} else {
		_, err = tx.ExecContext(ctx, `
			INSERT INTO queue (delivery_seq, lane, due_at, expires_at, claims, lost) SELECT seq, tenant || '/' || endpoint, ?1, expires_at, ?1, 0 FROM deliveries WHERE seq = ?2
			ON CONFLICT (delivery_seq) DO UPDATE SET due_at = min(due_at, excluded.due_at), lost = 0`, millis(a.Now), seq)
	}
	return true, err
}

// Delete implements store.Store.
func (db *DB) Delete(ctx context.Context, id mail.MessageID) (mail.BodyRef, error) {
	var body sql.NullString
	err := db.changes.do(ctx, func(tx *tx) error {
		var seq int64
		err := tx.row(ctx, `SELECT seq, body FROM messages WHERE id = ?`, string(id), &seq, &body)
		if errors.Is(err, sql.ErrNoRows) {
			return store.ErrNotFound
		}
		if err != nil {
			return err
		}
		first, last := store.DeliverySeqs(seq)
		held, err := column[int64](ctx, tx, `SELECT delivery_seq FROM queue WHERE delivery_seq BETWEEN ? AND ? AND owner IS NOT NULL LIMIT 1`, first, last)
		if err != nil {
			return err
		}
		if len(held) > 0 {
			return store.ErrInFlight
		}
		tx.erases = true
		return deleteMessage(ctx, tx, seq)
	})
	if err != nil {
		return "", fmt.Errorf("delete message %s: %w", id, err)
	}
	return mail.BodyRef(body.String), nil
}

// Pause implements store.Store.
func (db *DB) Pause(ctx context.Context, e store.Endpoint, since time.Time) error {
	_, err := db.change(ctx, db.changes.do, "pause", `INSERT INTO pauses (tenant, endpoint, since) VALUES (?,?,?) ON CONFLICT DO NOTHING`, e.Tenant, e.Name, millis(since))
	return err
}

// Resume implements store.Store.
func (db *DB) Resume(ctx context.Context, e store.Endpoint) (bool, error) {
	n, err := db.change(ctx, db.changes.do, "resume", `DELETE FROM pauses WHERE tenant = ? AND endpoint = ?`, e.Tenant, e.Name)
	return n > 0, err
}

// TakeTokens implements store.Store.
func (db *DB) TakeTokens(ctx context.Context, now time.Time, wants []store.TokenWant) ([]store.Tokens, error) {
	list := make([]store.Tokens, len(wants))
	err := db.changes.lease(ctx, func(tx *tx) error {
		for i, w := range wants {
			var err error
			if list[i], err = takeTokens(ctx, tx, now, w); err != nil {
				return fmt.Errorf("bucket %s: %w", w.Bucket, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("take tokens: %w", err)
	}
	return list, nil
}

func takeTokens(ctx context.Context, tx *tx, now time.Time, w store.TokenWant) (store.Tokens, error) {
	b := store.Bucket{Tokens: float64(w.Burst), RefilledAt: now}
	var refilled int64
	err := tx.row(ctx, `SELECT tokens, refilled_at FROM buckets WHERE name = ?`, w.Bucket, &b.Tokens, &refilled)
	switch {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return store.Tokens{}, err
	default:
		b.RefilledAt = fromMillis(refilled)
	}
	taken := b.Take(now, w)
	_, err = tx.ExecContext(ctx, `INSERT INTO buckets (name, tokens, refilled_at) VALUES (?,?,?)
		ON CONFLICT (name) DO UPDATE SET tokens = excluded.tokens, refilled_at = excluded.refilled_at`, w.Bucket, b.Tokens, millis(b.RefilledAt))
	return taken, err
}

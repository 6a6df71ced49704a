package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// Act implements store.Store.
func (db *DB) Act(ctx context.Context, a store.Action, deliveries []int64) ([]bool, error) {
	set, ok := changes(a)
	if !ok {
		return nil, fmt.Errorf("there is no act %q", a.Act)
	}
	var done []bool
	err := db.change(ctx, durable, func(ctx context.Context, tx *tx) error {
		done = make([]bool, len(deliveries))
		steps, err := actOn(ctx, tx, a, set, deliveries)
		if err != nil {
			return err
		}
		b := &pgx.Batch{}
		seqs, messages, traces := make([]int64, 0, len(steps)), make([]int64, 0, len(steps)), make([]string, 0, len(steps))
		for seq, text := range steps {
			trace, err := appendSteps(text, []mail.Step{a.Step})
			if err != nil {
				return err
			}
			seqs, messages, traces = append(seqs, seq), append(messages, store.MessageSeq(seq)), append(traces, trace)
		}
		b.Queue(`UPDATE deliveries d SET steps = new.steps FROM unnest($1::bigint[], $2::text[]) AS new (seq, steps) WHERE d.seq = new.seq`, seqs, traces)
		if a.Act == store.Drop {
			b.Queue(`DELETE FROM queue WHERE delivery_seq = ANY($1)`, seqs)
		} else {
			b.Queue(`
				INSERT INTO queue (delivery_seq, lane, due_at, expires_at, claims, lost) SELECT seq, tenant || '/' || endpoint, $2, expires_at, $2, 0 FROM deliveries WHERE seq = ANY($1)
				ON CONFLICT (delivery_seq) DO UPDATE SET due_at = least(queue.due_at, excluded.due_at), lost = 0`, seqs, millis(a.Now))
		}
		b.Queue(reckon, messages)
		for i, seq := range deliveries {
			_, done[i] = steps[seq]
			delete(steps, seq) // one that is named twice was done once
		}
		return tx.commit(ctx, b)
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.Act, err)
	}
	if a.Act != store.Drop && slices.Contains(done, true) {
		db.waker.announce()
	}
	return done, nil
}

// needed is until when a delivery may still be sent.
const needed = `greatest(expires_at, CASE state WHEN 'quarantined' THEN held_until ELSE 0 END)`

// changes says what an act sets of a delivery.
func changes(a store.Action) (set string, ok bool) {
	const anew = `state = 'queued', reason = '', earlier = attempts`
	const again = anew + `, document = NULL, expires_at = ` + needed
	switch a.Act {
	case store.Resend:
		return anew, true
	case store.Reprocess:
		return again, true
	case store.Release:
		return again + `, released = true`, true
	case store.Retry:
		return `reason = reason`, true
	case store.Drop:
		return `state = 'dropped', reason = $4`, true
	}
	return "", false
}

// actOn changes the deliveries that an act can be done to, and returns their traces. Their
// messages are locked, so that nobody else puts them into the queue, and the rows of the
// queue, so that nobody claims them.
func actOn(ctx context.Context, tx *tx, a store.Action, set string, deliveries []int64) (map[int64]string, error) {
	messages := make([]int64, len(deliveries))
	for i, seq := range deliveries {
		messages[i] = store.MessageSeq(seq)
	}
	b := &pgx.Batch{}
	b.Queue(lockMessages, messages)
	b.Queue(`SELECT FROM queue WHERE delivery_seq = ANY($1) ORDER BY delivery_seq FOR UPDATE`, deliveries)
	// To be dropped, a delivery needs nothing.
	can, args := ` AND $4 = ''`, []any{deliveries, states(a.Act.From()), millis(a.Now), ""}
	if a.Act == store.Drop {
		can, args[3] = ``, clean(a.Reason)
	} else {
		can += ` AND CASE event WHEN '' THEN (SELECT body FROM messages WHERE messages.seq = deliveries.seq >> 20) IS NOT NULL ELSE ` + forEvents(a.Act) + ` END
			AND ` + needed + ` > $3`
	}
	steps := make(map[int64]string)
	b.Queue(`UPDATE deliveries SET `+set+`, updated_at = $3 WHERE seq = ANY($1) AND state = ANY($2)
		AND NOT EXISTS (SELECT 1 FROM queue WHERE delivery_seq = deliveries.seq AND owner IS NOT NULL)`+can+`
		RETURNING seq, steps`, args...).Query(func(rows pgx.Rows) error {
		var seq int64
		var text string
		_, err := pgx.ForEachRow(rows, []any{&seq, &text}, func() error {
			steps[seq] = text
			return nil
		})
		return err
	})
	return steps, tx.send(ctx, b)
}

// forEvents is the condition that an act can be done to the delivery of an event: as long as
// its document is there, of which no chain can make another.
func forEvents(a store.Act) string {
	if a == store.Reprocess || a == store.Release {
		return `false`
	}
	return `document IS NOT NULL`
}

func states(list []mail.State) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}

// Delete implements store.Store.
func (db *DB) Delete(ctx context.Context, id mail.MessageID) (mail.BodyRef, error) {
	var body *string
	err := db.change(ctx, durable, func(ctx context.Context, tx *tx) error {
		var seq int64
		b := &pgx.Batch{}
		b.Queue(`SELECT seq, body FROM messages WHERE id = $1 FOR UPDATE`, clean(id)).QueryRow(func(row pgx.Row) error { return row.Scan(&seq, &body) })
		if err := tx.send(ctx, b); errors.Is(err, pgx.ErrNoRows) {
			return store.ErrNotFound
		} else if err != nil {
			return err
		}
		held := false
		first, last := store.DeliverySeqs(seq)
		b = &pgx.Batch{}
		b.Queue(`SELECT owner IS NOT NULL FROM queue WHERE delivery_seq BETWEEN $1 AND $2 ORDER BY delivery_seq FOR UPDATE`, first, last).Query(func(rows pgx.Rows) error {
			var owned bool
			_, err := pgx.ForEachRow(rows, []any{&owned}, func() error { held = held || owned; return nil })
			return err
		})
		if err := tx.send(ctx, b); err != nil {
			return err
		}
		if held {
			return store.ErrInFlight
		}
		b = &pgx.Batch{}
		deleteMessages(b, []int64{seq})
		return tx.commit(ctx, b)
	})
	if err != nil {
		return "", fmt.Errorf("delete message %s: %w", id, err)
	}
	if body == nil {
		return "", nil
	}
	return mail.BodyRef(*body), nil
}

// Pause implements store.Store.
func (db *DB) Pause(ctx context.Context, e store.Endpoint, since time.Time) error {
	_, err := db.one(ctx, durable, "pause", `INSERT INTO pauses (tenant, endpoint, since) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, e.Tenant, e.Name, millis(since))
	return err
}

// Resume implements store.Store.
func (db *DB) Resume(ctx context.Context, e store.Endpoint) (bool, error) {
	n, err := db.one(ctx, durable, "resume", `DELETE FROM pauses WHERE tenant = $1 AND endpoint = $2`, e.Tenant, e.Name)
	if n > 0 {
		db.waker.announce()
	}
	return n > 0, err
}

// TakeTokens implements store.Store. The rows of the buckets are locked in the order of
// their names.
func (db *DB) TakeTokens(ctx context.Context, now time.Time, wants []store.TokenWant) ([]store.Tokens, error) {
	names, full := make([]string, len(wants)), make([]float64, len(wants))
	for i, w := range wants {
		names[i], full[i] = clean(w.Bucket), float64(w.Burst)
	}
	var list []store.Tokens
	err := db.change(ctx, lazy, func(ctx context.Context, tx *tx) error {
		buckets := make(map[string]*store.Bucket)
		b := &pgx.Batch{}
		b.Queue(`INSERT INTO buckets (name, tokens, refilled_at) SELECT name, tokens, $3 FROM unnest($1::text[], $2::float8[]) AS new (name, tokens) ORDER BY name
			ON CONFLICT DO NOTHING`, names, full, millis(now))
		b.Queue(`SELECT name, tokens, refilled_at FROM buckets WHERE name = ANY($1) ORDER BY name FOR UPDATE`, names).Query(func(rows pgx.Rows) error {
			var name string
			var tokens float64
			var refilled int64
			_, err := pgx.ForEachRow(rows, []any{&name, &tokens, &refilled}, func() error {
				buckets[name] = &store.Bucket{Tokens: tokens, RefilledAt: fromMillis(refilled)}
				return nil
			})
			return err
		})
		if err := tx.send(ctx, b); err != nil {
			return err
		}
		list = make([]store.Tokens, len(wants))
		tokens, refilled := make([]float64, len(wants)), make([]int64, len(wants))
		for i, w := range wants {
			list[i] = buckets[names[i]].Take(now, w)
		}
		for i := range wants {
			bucket := buckets[names[i]] // the same for those that name it twice
			tokens[i], refilled[i] = bucket.Tokens, millis(bucket.RefilledAt)
		}
		b = &pgx.Batch{}
		b.Queue(`UPDATE buckets SET tokens = new.tokens, refilled_at = new.refilled_at FROM unnest($1::text[], $2::float8[], $3::bigint[]) AS new (name, tokens, refilled_at)
			WHERE buckets.name = new.name`, names, tokens, refilled)
		return tx.commit(ctx, b)
	})
	if err != nil {
		return nil, fmt.Errorf("take tokens: %w", err)
	}
	return list, nil
}

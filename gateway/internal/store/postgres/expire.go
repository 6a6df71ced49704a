package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// expiring is the advisory lock of who applies ends of retention: one gateway at a time.
const expiring = 0x706f737465726e

// expiry is a call of Expire.
type expiry struct {
	tx    *tx
	now   int64
	limit int
	out   store.Expired
}

// Expire implements store.Store. Where another gateway is at it, there is nothing to do.
func (db *DB) Expire(ctx context.Context, now time.Time, limit int) (store.Expired, error) {
	var out store.Expired
	err := db.change(ctx, durable, func(ctx context.Context, tx *tx) error {
		e := &expiry{tx: tx, now: millis(now), limit: limit}
		ours, err := e.start(ctx)
		if err != nil || !ours {
			return err
		}
		for _, end := range []func(context.Context) error{e.endWaiting, e.endHeld, e.forgetPayloads, e.forgetMessages} {
			if err := end(ctx); err != nil {
				return err
			}
		}
		if err := e.deleteRows(ctx); err != nil { // which commits
			return err
		}
		out = e.out
		return nil
	})
	if err != nil {
		return store.Expired{}, fmt.Errorf("expire: %w", err)
	}
	return out, nil
}

// start reports whether nobody else is at it.
func (e *expiry) start(ctx context.Context) (ours bool, err error) {
	b := &pgx.Batch{}
	b.Queue(`SELECT pg_try_advisory_xact_lock($1)`, expiring).QueryRow(func(row pgx.Row) error { return row.Scan(&ours) })
	err = e.tx.send(ctx, b)
	return ours, err
}

// seqs runs a statement that returns them, of at most as many rows as the limit says.
func (e *expiry) seqs(ctx context.Context, statement string) ([]int64, error) {
	var list []int64
	b := &pgx.Batch{}
	b.Queue(statement, e.now, e.limit).Query(func(rows pgx.Rows) (err error) {
		list, err = pgx.CollectRows(rows, pgx.RowTo[int64])
		return err
	})
	err := e.tx.send(ctx, b)
	e.out.More = e.out.More || len(list) == e.limit
	return list, err
}

// endWaiting ends deliveries that wait and whose retention is over.
func (e *expiry) endWaiting(ctx context.Context) error {
	seqs, err := e.seqs(ctx, `
		WITH over AS MATERIALIZED (SELECT delivery_seq FROM queue WHERE expires_at <= $1 AND owner IS NULL ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)
		DELETE FROM queue USING over WHERE queue.delivery_seq = over.delivery_seq RETURNING queue.delivery_seq`)
	if err != nil || len(seqs) == 0 {
		return err
	}
	e.out.Deliveries += len(seqs)
	b := &pgx.Batch{}
	b.Queue(`UPDATE deliveries SET state = 'expired', reason = 'retention ended before it was delivered', updated_at = $2 WHERE seq = ANY($1)`, seqs, e.now)
	return e.tx.send(ctx, b)
}

// endHeld ends deliveries that are quarantined and that nobody has released in time.
func (e *expiry) endHeld(ctx context.Context) error {
	seqs, err := e.seqs(ctx, `
		WITH over AS MATERIALIZED (SELECT seq FROM deliveries WHERE state = 'quarantined' AND held_until <= $1 ORDER BY held_until LIMIT $2 FOR UPDATE SKIP LOCKED)
		UPDATE deliveries SET state = 'expired', reason = 'nobody released it while it was held', updated_at = $1 FROM over WHERE deliveries.seq = over.seq RETURNING deliveries.seq`)
	e.out.Deliveries += len(seqs)
	return err
}

// forgetPayloads forgets documents of deliveries that have ended, where they are not kept as
// long as the body.
func (e *expiry) forgetPayloads(ctx context.Context) error {
	seqs, err := e.seqs(ctx, `
		WITH over AS MATERIALIZED (
			SELECT seq FROM deliveries WHERE document IS NOT NULL AND payload_until IS NOT NULL AND payload_until <= $1 AND state NOT IN ('queued', 'retrying', 'quarantined')
			ORDER BY payload_until LIMIT $2 FOR UPDATE SKIP LOCKED)
		UPDATE deliveries SET document = NULL FROM over WHERE deliveries.seq = over.seq RETURNING deliveries.seq`)
	e.out.Payloads += len(seqs)
	return err
}

// forgetMessages takes the bodies and documents of messages whose retention is over. A
// message that still has a delivery in the queue keeps its body: the raw message
// outlives every delivery that can still be sent.
func (e *expiry) forgetMessages(ctx context.Context) error {
	const inQueue = `EXISTS (SELECT 1 FROM queue q WHERE q.delivery_seq BETWEEN m.seq << 20 AND m.seq << 20 | 1048575)`
	locked, err := e.seqs(ctx, `SELECT seq FROM messages m WHERE forget_at <= $1 AND NOT `+inQueue+` ORDER BY forget_at LIMIT $2 FOR UPDATE SKIP LOCKED`)
	if err != nil || len(locked) == 0 {
		return err
	}
	// Somebody may have put a delivery into the queue before the lock: so it is asked again.
	var seqs []int64
	traces := make(map[int64]string)
	b := &pgx.Batch{}
	b.Queue(`SELECT seq, body FROM messages m WHERE seq = ANY($1) AND NOT `+inQueue, locked).Query(func(rows pgx.Rows) error {
		var seq int64
		var body *string
		_, err := pgx.ForEachRow(rows, []any{&seq, &body}, func() error {
			seqs = append(seqs, seq)
			if body != nil {
				e.out.Bodies = append(e.out.Bodies, mail.BodyRef(*body))
			}
			return nil
		})
		return err
	})
	b.Queue(`SELECT d.seq, d.steps FROM unnest($1::bigint[]) AS old (seq) JOIN deliveries d ON d.seq BETWEEN old.seq << 20 AND old.seq << 20 | 1048575 WHERE d.steps <> '[]'`, locked).Query(func(rows pgx.Rows) error {
		var seq int64
		var text string
		_, err := pgx.ForEachRow(rows, []any{&seq, &text}, func() error {
			traces[seq] = text
			return nil
		})
		return err
	})
	if err := e.tx.send(ctx, b); err != nil {
		return err
	}
	return e.forget(ctx, seqs, traces)
}

// forget takes from messages what is said of their content.
func (e *expiry) forget(ctx context.Context, messages []int64, traces map[int64]string) error {
	var seqs []int64
	var steps []string
	for seq, text := range traces {
		if !strings.Contains(text, `"log"`) && !strings.Contains(text, `"error"`) {
			continue
		}
		var trace []mail.Step
		if err := json.Unmarshal([]byte(text), &trace); err != nil {
			return fmt.Errorf("read steps: %w", err)
		}
		for i := range trace {
			trace[i].Log, trace[i].Error = nil, ""
		}
		text, err := encode(trace)
		if err != nil {
			return err
		}
		seqs, steps = append(seqs, seq), append(steps, text)
	}
	b := &pgx.Batch{}
	b.Queue(`UPDATE messages SET body = NULL, forget_at = NULL, reports = '[]' WHERE seq = ANY($1)`, messages)
	b.Queue(`UPDATE deliveries d SET document = NULL FROM unnest($1::bigint[]) AS old (seq) WHERE d.seq BETWEEN old.seq << 20 AND old.seq << 20 | 1048575 AND d.document IS NOT NULL`, messages)
	b.Queue(`UPDATE deliveries d SET steps = new.steps FROM unnest($1::bigint[], $2::text[]) AS new (seq, steps) WHERE d.seq = new.seq AND d.seq >> 20 = ANY($3)`, seqs, steps, messages)
	return e.tx.send(ctx, b)
}

// deleteRows deletes messages from the log, and commits.
func (e *expiry) deleteRows(ctx context.Context) error {
	seqs, err := e.seqs(ctx, `SELECT seq FROM messages WHERE log_until <= $1 AND forget_at IS NULL ORDER BY log_until LIMIT $2 FOR UPDATE SKIP LOCKED`)
	if err != nil {
		return err
	}
	e.out.Rows += len(seqs)
	b := &pgx.Batch{}
	deleteMessages(b, seqs)
	return e.tx.commit(ctx, b)
}

// deleteMessages deletes all rows of messages.
func deleteMessages(b *pgx.Batch, seqs []int64) {
	if len(seqs) == 0 {
		return
	}
	b.Queue(`DELETE FROM queue USING unnest($1::bigint[]) AS old (seq) WHERE delivery_seq BETWEEN old.seq << 20 AND old.seq << 20 | 1048575`, seqs)
	b.Queue(`DELETE FROM attempts USING unnest($1::bigint[]) AS old (seq) WHERE delivery_seq BETWEEN old.seq << 20 AND old.seq << 20 | 1048575`, seqs)
	b.Queue(`DELETE FROM deliveries USING unnest($1::bigint[]) AS old (seq) WHERE deliveries.seq BETWEEN old.seq << 20 AND old.seq << 20 | 1048575`, seqs)
	b.Queue(`DELETE FROM messages WHERE seq = ANY($1)`, seqs)
}

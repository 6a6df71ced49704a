package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// finishing is a call of Finish.
type finishing struct {
	results  []store.Result
	recorded []bool
}

// Finish implements store.Store.
func (db *DB) Finish(ctx context.Context, results []store.Result) ([]bool, error) {
	if len(results) == 0 {
		return nil, nil
	}
	octets := 0
	for i := range results {
		octets += perRow + len(results[i].Document)
	}
	f := &finishing{results: results, recorded: make([]bool, len(results))}
	if err := db.finishes.doing(ctx, "finish", f, octets); err != nil {
		return nil, err
	}
	return f.recorded, nil
}

// finish records the results of several calls.
func (db *DB) finish(ctx context.Context, batch []*finishing) error {
	var all leases
	var holding []int64 // messages of which a delivery gets quarantined
	var traced []int64
	for _, f := range batch {
		for i := range f.results {
			all.add(f.results[i].Lease)
			if len(f.results[i].Steps) > 0 {
				traced = append(traced, f.results[i].Lease.Seq)
			}
			if f.results[i].State == mail.Quarantined {
				holding = append(holding, store.MessageSeq(f.results[i].Lease.Seq))
			}
		}
	}
	return db.change(ctx, durable, func(ctx context.Context, tx *tx) error {
		held := make(map[store.Lease]string)
		b := &pgx.Batch{}
		if len(holding) > 0 {
			b.Queue(lockMessages, holding)
		}
		b.Queue(lockHeld, all.seqs, all.owners, all.numbers, traced).Query(func(rows pgx.Rows) error {
			var l store.Lease
			var steps string
			_, err := pgx.ForEachRow(rows, []any{&l.Seq, &l.Owner, &l.Number, &steps}, func() error {
				held[l] = steps
				return nil
			})
			return err
		})
		if err := tx.send(ctx, b); err != nil {
			return err
		}
		var c resultColumns
		for _, f := range batch {
			for i := range f.results {
				r := &f.results[i]
				trace, ok := held[r.Lease]
				f.recorded[i] = ok
				if !ok {
					continue
				}
				delete(held, r.Lease) // which counts once
				if err := c.add(r, trace); err != nil {
					return err
				}
			}
		}
		b = &pgx.Batch{}
		c.write(b)
		return tx.commit(ctx, b)
	})
}

// lockMessages keeps others from reckoning with messages, or taking them away.
const lockMessages = `SELECT FROM messages WHERE seq = ANY($1) ORDER BY seq FOR UPDATE`

// lockHeld keeps the leases that are held until the transaction's end, and reads the
// traces of deliveries $4.
const lockHeld = `WITH ` + heldRows + `
	SELECT held.delivery_seq, held.owner, held.claims, coalesce(d.steps, '[]') FROM held LEFT JOIN deliveries d ON d.seq = held.delivery_seq AND d.seq = ANY($4)`

// resultColumns are results that are to be recorded.
type resultColumns struct {
	ended []int64 // deliveries that leave the queue
	due   struct{ seqs, at []int64 }

	seqs, updatedAt []int64
	tried           []bool
	code            []int
	state, reason   []string
	document        [][]byte
	subject, words  []*string
	steps           []*string

	attempted []int64
	attempts  attemptColumns
	reckon    []int64 // messages
}

func (c *resultColumns) add(r *store.Result, trace string) error {
	seq := r.Lease.Seq
	if r.State.Final() {
		c.ended = append(c.ended, seq)
	} else {
		c.due.seqs, c.due.at = append(c.due.seqs, seq), append(c.due.at, millis(r.Due))
	}
	updated, code := time.Now(), 0
	if a := r.Attempt; a != nil {
		code, updated = a.Code, a.At.Add(a.Duration)
		c.attempted = append(c.attempted, seq)
		c.attempts.add(a)
	}
	c.seqs, c.updatedAt = append(c.seqs, seq), append(c.updatedAt, millis(updated))
	c.tried, c.code = append(c.tried, r.Attempt != nil), append(c.code, code)
	c.state, c.reason = append(c.state, string(r.State)), append(c.reason, clean(r.Reason))
	c.document = append(c.document, r.Document)
	var subject, words *string
	if r.Subject != "" {
		s := clean(r.Subject)
		subject, words = &s, vector(r.Subject)
	}
	c.subject, c.words = append(c.subject, subject), append(c.words, words)
	var steps *string
	if len(r.Steps) > 0 {
		s, err := appendSteps(trace, r.Steps)
		if err != nil {
			return err
		}
		steps = &s
	}
	c.steps = append(c.steps, steps)
	if m := store.MessageSeq(seq); r.State == mail.Quarantined && !slices.Contains(c.reckon, m) {
		c.reckon = append(c.reckon, m) // it is held by another retention from now on
	}
	return nil
}

// appendSteps adds to a trace as it is stored.
func appendSteps(text string, more []mail.Step) (string, error) {
	var trace []mail.Step
	if err := json.Unmarshal([]byte(text), &trace); err != nil {
		return "", fmt.Errorf("read steps: %w", err)
	}
	return encode(mail.AppendSteps(trace, more))
}

func (c *resultColumns) write(b *pgx.Batch) {
	if len(c.ended) > 0 {
		b.Queue(`DELETE FROM queue WHERE delivery_seq = ANY($1)`, c.ended)
	}
	if len(c.due.seqs) > 0 {
		b.Queue(`UPDATE queue SET owner = NULL, lease_until = NULL, lost = 0, began = false, due_at = new.due FROM unnest($1::bigint[], $2::bigint[]) AS new (seq, due)
			WHERE delivery_seq = new.seq`, c.due.seqs, c.due.at)
	}
	if len(c.seqs) > 0 {
		b.Queue(`
			UPDATE deliveries d SET state = new.state, reason = new.reason, updated_at = new.updated_at, attempts = attempts + new.tried::int,
				last_code = CASE WHEN new.tried THEN new.code ELSE last_code END, document = coalesce(new.document, d.document),
				subject = coalesce(new.subject, d.subject), words = CASE WHEN new.subject IS NULL THEN d.words ELSE new.words::tsvector END,
				steps = coalesce(new.steps, d.steps)
			FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::bool[], $6::int[], $7::bytea[], $8::text[], $9::text[], $10::text[])
				AS new (seq, state, reason, updated_at, tried, code, document, subject, words, steps)
			WHERE d.seq = new.seq`, c.seqs, c.state, c.reason, c.updatedAt, c.tried, c.code, c.document, c.subject, c.words, c.steps)
	}
	if len(c.attempted) > 0 {
		a := &c.attempts
		b.Queue(`INSERT INTO attempts (delivery_seq, number, at, duration, code, reason, response)
			SELECT * FROM unnest($1::bigint[], $2::int[], $3::bigint[], $4::bigint[], $5::int[], $6::text[], $7::bytea[])`,
			c.attempted, a.number, a.at, a.duration, a.code, a.reason, a.response)
	}
	if len(c.reckon) > 0 {
		b.Queue(reckon, c.reckon)
	}
}

// reckon works out anew when messages' bodies are not needed any more.
const reckon = `
	UPDATE messages m SET forget_at = (
		SELECT max(CASE state WHEN 'quarantined' THEN held_until ELSE expires_at END) FROM deliveries WHERE deliveries.seq BETWEEN m.seq << 20 AND m.seq << 20 | 1048575)
	WHERE seq = ANY($1) AND forget_at IS NOT NULL`

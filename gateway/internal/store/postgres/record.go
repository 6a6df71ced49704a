package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/postern-mail/postern/gateway/internal/store"
)

// Check implements store.Store. A server looks after its files itself, and tells of what it
// finds when it comes by it.
func (db *DB) Check(context.Context) ([]string, error) { return nil, nil }

// Export implements store.Store.
func (db *DB) Export(ctx context.Context, after int64, limit int) ([]store.Record, error) {
	var records []store.Record
	err := db.reading(ctx, func(ctx context.Context, tx pgx.Tx) error {
		last, err := lastOfPage(ctx, tx, after, limit)
		if err != nil {
			return err
		}
		list, err := messages(ctx, tx, ` WHERE seq > $1 AND seq <= $2 ORDER BY seq`, after, last)
		if err != nil {
			return err
		}
		var seqs []int64
		for _, m := range list {
			for _, d := range m.Deliveries {
				seqs = append(seqs, d.Seq)
			}
		}
		rest, err := restOf(ctx, tx, seqs)
		if err != nil {
			return err
		}
		records = make([]store.Record, len(list))
		for i, m := range list {
			records[i].Message = m
			for _, d := range m.Deliveries {
				records[i].Rest = append(records[i].Rest, rest[d.Seq])
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("export messages: %w", err)
	}
	return records, nil
}

// lastOfPage finds up to where the documents of messages fit into a page.
func lastOfPage(ctx context.Context, tx pgx.Tx, after int64, limit int) (last int64, err error) {
	rows, err := tx.Query(ctx, `
		SELECT m.seq, (SELECT coalesce(sum(length(d.document)), 0)::bigint FROM deliveries d WHERE d.seq BETWEEN m.seq << 20 AND m.seq << 20 | 1048575)
		FROM messages m WHERE m.seq > $1 ORDER BY m.seq LIMIT $2`, after, limit)
	if err != nil {
		return 0, err
	}
	var seq, size, octets int64
	full := false
	_, err = pgx.ForEachRow(rows, []any{&seq, &size}, func() error {
		octets += size
		if full = full || last != 0 && octets > store.ExportOctets; !full {
			last = seq
		}
		return nil
	})
	return last, err
}

// restOf reads what a history does not say of deliveries.
func restOf(ctx context.Context, tx pgx.Tx, seqs []int64) (map[int64]store.Rest, error) {
	rows, err := tx.Query(ctx, `
		SELECT d.seq, d.document, d.spam_action, d.virus_action, d.earlier, d.released, coalesce(q.lost, 0), coalesce(q.claims, 0)
		FROM deliveries d LEFT JOIN queue q ON q.delivery_seq = d.seq WHERE d.seq = ANY($1)`, seqs)
	if err != nil {
		return nil, err
	}
	rest := make(map[int64]store.Rest, len(seqs))
	var r store.Rest
	var seq int64
	_, err = pgx.ForEachRow(rows, []any{&seq, &r.Document, &r.SpamAction, &r.VirusAction, &r.Earlier, &r.Released, &r.Lost, &r.Claims}, func() error {
		rest[seq] = r
		r.Document = nil // the next has its own
		return nil
	})
	return rest, err
}

// BeginCopy implements store.Store.
func (db *DB) BeginCopy(ctx context.Context, identity string) error {
	if _, err := db.one(ctx, durable, "begin a copy", `
		WITH gone AS (DELETE FROM copied_from WHERE id <> $1 AND NOT EXISTS (SELECT FROM messages))
		INSERT INTO copied_from SELECT $1 WHERE NOT EXISTS (SELECT FROM messages) AND NOT EXISTS (SELECT FROM copied_from WHERE id = $1)`, identity); err != nil {
		return err
	}
	known, err := only(query(ctx, db, pgx.RowTo[bool], `SELECT EXISTS (SELECT FROM copied_from WHERE id = $1)`, identity))
	if err == nil && !known {
		err = store.ErrOther
	}
	if err != nil {
		return fmt.Errorf("begin a copy: %w", err)
	}
	return nil
}

// Import implements store.Store.
func (db *DB) Import(ctx context.Context, records []store.Record) error {
	var r rows
	for i := range records {
		if err := r.addRecord(&records[i]); err != nil {
			return fmt.Errorf("import: %s: %w", records[i].ID, err)
		}
	}
	if err := db.insertNew(ctx, &r, nil); err != nil {
		return fmt.Errorf("import: %w", err)
	}
	db.waker.announce()
	return nil
}

func (r *rows) addRecord(in *store.Record) error {
	l, err := encodeLists(in.Steps, in.Reports, in.Fetched)
	if err != nil {
		return err
	}
	var forget, log *int64
	if in.HasContent() {
		forget = orNull(in.BodyUntil())
	}
	if len(in.Deliveries) > 0 {
		log = orNull(in.Deliveries[0].LogUntil)
	}
	r.addMessage(&in.Message, l, forget, log)
	for i := range in.Deliveries {
		d, rest := &in.Deliveries[i], &in.Rest[i]
		steps, err := encode(d.Steps)
		if err != nil {
			return err
		}
		_, number := d.ID.Split()
		r.addDelivery(&d.Delivery, number, rest, steps)
		for j := range d.Tries {
			r.addAttempt(number, &d.Tries[j])
		}
		if !d.State.Final() {
			r.addQueued(d.Endpoint, number, millis(d.Due), millis(d.ExpiresAt), rest.Claims, rest.Lost)
		}
	}
	return nil
}

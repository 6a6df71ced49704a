package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// maxProblems is how many problems of a damaged file are told.
const maxProblems = 100

// Check implements store.Store. It reads the whole file.
func (db *DB) Check(ctx context.Context) ([]string, error) {
	problems, err := db.quickCheck(ctx)
	if err = explain(db.file, err); errors.Is(err, store.ErrDamaged) { // it got no further
		return append(problems, err.Error()), nil
	}
	if err != nil {
		return nil, fmt.Errorf("check the database: %w", err)
	}
	return problems, nil
}

func (db *DB) quickCheck(ctx context.Context) (problems []string, err error) {
	rows, err := db.log.QueryContext(ctx, fmt.Sprintf(`PRAGMA quick_check(%d)`, maxProblems))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return problems, err
		}
		if line != "ok" {
			problems = append(problems, line)
		}
	}
	return problems, rows.Err()
}

// Export implements store.Store.
func (db *DB) Export(ctx context.Context, after int64, limit int) (records []store.Record, err error) {
	defer db.explained(&err)
	octets := 0
	for len(records) < limit && octets < store.ExportOctets {
		var seq int64
		var id mail.MessageID
		err := db.log.QueryRowContext(ctx, `SELECT seq, id FROM messages WHERE seq > ? ORDER BY seq LIMIT 1`, after).Scan(&seq, &id)
		if errors.Is(err, sql.ErrNoRows) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("export messages: %w", err)
		}
		after = seq
		r, size, err := db.export(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			continue // its retention has just ended
		}
		if err != nil {
			return nil, fmt.Errorf("export message %s: %w", id, err)
		}
		if len(records) > 0 && octets+size > store.ExportOctets {
			break
		}
		octets += size
		records = append(records, r)
	}
	return records, nil
}

// export reads all that is known of a message at one moment, and says how many octets its
// documents have.
func (db *DB) export(ctx context.Context, id mail.MessageID) (r store.Record, size int, err error) {
	tx, err := db.log.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return r, 0, err
	}
	defer func() { _ = tx.Rollback() }()
	if r.Message, err = get(ctx, tx, id); err != nil {
		return r, 0, err
	}
	for _, d := range r.Deliveries {
		var rest store.Rest
		err := tx.QueryRowContext(ctx, `
			SELECT d.document, d.spam_action, d.virus_action, d.earlier, d.released, coalesce(q.lost, 0), coalesce(q.claims, 0)
			FROM deliveries d LEFT JOIN queue q ON q.delivery_seq = d.seq WHERE d.seq = ?`, d.Seq).Scan(
			&rest.Document, &rest.SpamAction, &rest.VirusAction, &rest.Earlier, &rest.Released, &rest.Lost, &rest.Claims)
		if err != nil {
			return r, 0, err
		}
		size += len(rest.Document)
		r.Rest = append(r.Rest, rest)
	}
	return r, size, nil
}

// BeginCopy implements store.Store.
func (db *DB) BeginCopy(ctx context.Context, identity string) error {
	err := db.changes.do(ctx, func(tx *tx) error {
		var known, filled bool
		if err := tx.row(ctx, `SELECT EXISTS (SELECT 1 FROM copied_from WHERE id = ?), EXISTS (SELECT 1 FROM messages)`, identity, &known, &filled); err != nil {
			return err
		}
		switch {
		case known:
			return nil
		case filled:
			return store.ErrOther
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM copied_from`); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO copied_from VALUES (?)`, identity)
		return err
	})
	if err != nil {
		return fmt.Errorf("begin a copy: %w", err)
	}
	return nil
}

// Import implements store.Store.
func (db *DB) Import(ctx context.Context, records []store.Record) error {
	err := db.changes.do(ctx, func(tx *tx) error {
		for i := range records {
			if err := importRecord(ctx, tx, &records[i]); err != nil {
				return fmt.Errorf("%s: %w", records[i].ID, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	return nil
}

func importRecord(ctx context.Context, tx *tx, r *store.Record) error {
	steps, err := encode(r.Steps)
	if err != nil {
		return err
	}
	reports, err := encode(r.Reports)
	if err != nil {
		return err
	}
	fetched, err := encodeFetched(r.Fetched)
	if err != nil {
		return err
	}
	row := messageRow{steps: steps, reports: reports, fetched: fetched, forgetAt: sql.NullInt64{Int64: millis(r.ReceivedAt), Valid: r.HasContent()}}
	if len(r.Deliveries) > 0 {
		row.logEnds = orNull(r.Deliveries[0].LogUntil)
	}
	seq, err := insertMessage(ctx, tx, &r.Message, row)
	if err != nil {
		return err
	}
	for i := range r.Deliveries {
		if err := importDelivery(ctx, tx, seq, &r.Deliveries[i], &r.Rest[i]); err != nil {
			return err
		}
	}
	return reckon(ctx, tx, seq)
}

func importDelivery(ctx context.Context, tx *tx, message int64, d *store.DeliveryHistory, rest *store.Rest) error {
	steps, err := encode(d.Steps)
	if err != nil {
		return err
	}
	_, n := d.ID.Split()
	in := d.Delivery
	in.Seq = store.DeliverySeq(message, n)
	if err := insertDelivery(ctx, tx, &in, rest, steps); err != nil {
		return err
	}
	if err := indexSubject(ctx, tx, in.Seq, d.Subject); err != nil {
		return err
	}
	for i := range d.Tries {
		if err := insertAttempt(ctx, tx, in.Seq, &d.Tries[i]); err != nil {
			return err
		}
	}
	if d.State.Final() {
		return nil
	}
	return queueDelivery(ctx, tx, in.Seq, d.Endpoint, d.Due, d.ExpiresAt, rest.Claims, rest.Lost)
}

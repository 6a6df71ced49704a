package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// Finish implements store.Store.
func (db *DB) Finish(ctx context.Context, results []store.Result) ([]bool, error) {
	recorded := make([]bool, len(results))
	steps := make([]string, len(results))
	for i := range results {
		var err error
		if steps[i], err = encode(mail.AppendSteps(nil, results[i].Steps)); err != nil { // here, not in the one goroutine that writes
			return nil, fmt.Errorf("finish: %w", err)
		}
	}
	err := db.changes.do(ctx, func(tx *tx) error {
		for i := range results {
			held, err := finish(ctx, tx, &results[i], steps[i])
			if err != nil {
				return err
			}
			recorded[i] = held
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("finish: %w", err)
	}
	return recorded, nil
}

// finish records a result, whose steps are written as JSON already.
func finish(ctx context.Context, tx *tx, r *store.Result, steps string) (held bool, err error) {
	var res sql.Result
	if r.State.Final() {
		res, err = tx.ExecContext(ctx, `DELETE FROM queue WHERE delivery_seq = ? AND owner = ? AND claims = ?`,
			r.Lease.Seq, r.Lease.Owner, r.Lease.Number)
	} else {
		res, err = tx.ExecContext(ctx, `UPDATE queue SET owner = NULL, lease_until = NULL, lost = 0, began = 0, due_at = ? WHERE delivery_seq = ? AND owner = ? AND claims = ?`,
			millis(r.Due), r.Lease.Seq, r.Lease.Owner, r.Lease.Number)
	}
	if err != nil {
		return false, err
	}
	if n, err := res.RowsAffected(); n == 0 || err != nil {
		return false, err
	}
	updated := time.Now()
	code := 0
	if a := r.Attempt; a != nil {
		code = a.Code
		updated = a.At.Add(a.Duration)
		if err := insertAttempt(ctx, tx, r.Lease.Seq, a); err != nil {
			return false, err
		}
	}
	if err := updateDelivery(ctx, tx, r, millis(updated), code, steps); err != nil {
		return false, err
	}
	if r.State == mail.Quarantined {
		// It is held by another retention from now on.
		return true, reckon(ctx, tx, store.MessageSeq(r.Lease.Seq))
	}
	return true, nil
}

// updateDelivery writes the row of a delivery once, since it is large.
func updateDelivery(ctx context.Context, tx *tx, r *store.Result, updated int64, code int, steps string) error {
	const outcome = `UPDATE deliveries SET state = ?, reason = ?, updated_at = ?, attempts = attempts + ?, last_code = CASE WHEN ? THEN ? ELSE last_code END`
	args := []any{string(r.State), r.Reason, updated, r.Attempt != nil, r.Attempt != nil, code}
	if r.Document == nil && r.Subject == "" && len(r.Steps) == 0 {
		_, err := tx.ExecContext(ctx, outcome+` WHERE seq = ?`, append(args, r.Lease.Seq)...)
		return err
	}
	var subject, trace string
	if err := tx.row(ctx, `SELECT subject, steps FROM deliveries WHERE seq = ?`, r.Lease.Seq, &subject, &trace); err != nil {
		return err
	}
	if trace != "[]" {
		var err error
		if steps, err = withSteps(trace, r.Steps); err != nil {
			return err
		}
	}
	if r.Subject != "" && r.Subject != subject {
		if err := forgetSubject(ctx, tx, r.Lease.Seq, subject); err != nil {
			return err
		}
		subject = r.Subject
		if err := indexSubject(ctx, tx, r.Lease.Seq, subject); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, outcome+`, document = coalesce(?, document), subject = ?, steps = ? WHERE seq = ?`, append(args, r.Document, subject, steps, r.Lease.Seq)...)
	return err
}

// indexSubject notes the words of a subject, of a delivery that has none noted.
func indexSubject(ctx context.Context, tx *tx, seq int64, subject string) error {
	if subject == "" {
		return nil
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO subjects (rowid, subject) VALUES (?, ?)`, seq, subject)
	return err
}

// forgetSubject takes the words of a delivery's subject out of the index, which must be those
// that are in it.
func forgetSubject(ctx context.Context, tx *tx, seq int64, subject string) error {
	if subject == "" {
		return nil
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO subjects (subjects, rowid, subject) VALUES ('delete', ?, ?)`, seq, subject)
	return err
}

// withSteps adds to a trace that is written as JSON.
func withSteps(trace string, more []mail.Step) (string, error) {
	var steps []mail.Step
	if err := json.Unmarshal([]byte(trace), &steps); err != nil {
		return "", fmt.Errorf("read steps: %w", err)
	}
	return encode(mail.AppendSteps(steps, more))
}

// addSteps adds to a delivery's trace.
func addSteps(ctx context.Context, tx *tx, seq int64, more []mail.Step) error {
	var text string
	if err := tx.row(ctx, `SELECT steps FROM deliveries WHERE seq = ?`, seq, &text); err != nil {
		return err
	}
	steps, err := withSteps(text, more)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE deliveries SET steps = ? WHERE seq = ?`, steps, seq)
	return err
}

func insertAttempt(ctx context.Context, tx *tx, delivery int64, a *mail.Attempt) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO attempts (delivery_seq, number, at, duration, code, reason, response) VALUES (?,?,?,?,?,?,?)`,
		delivery, a.Number, millis(a.At), a.Duration.Milliseconds(), a.Code, a.Reason, nonNil(a.Response))
	return err
}

// nonNil keeps a nil slice from becoming NULL.
func nonNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

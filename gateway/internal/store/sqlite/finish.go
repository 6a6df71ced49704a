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
	err := db.changes.do(ctx, func(tx *tx) error {
		for i := range results {
			held, err := finish(ctx, tx, &results[i])
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

func finish(ctx context.Context, tx *tx, r *store.Result) (held bool, err error) {
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
	if _, err := tx.ExecContext(ctx, `
		UPDATE deliveries SET state = ?, reason = ?, updated_at = ?, attempts = attempts + ?,
			last_code = CASE WHEN ? THEN ? ELSE last_code END WHERE seq = ?`,
		r.State, r.Reason, millis(updated), r.Attempt != nil, r.Attempt != nil, code, r.Lease.Seq); err != nil {
		return false, err
	}
	if r.State == mail.Quarantined {
		// It is held by another retention from now on.
		if err := reckon(ctx, tx, store.MessageSeq(r.Lease.Seq)); err != nil {
			return false, err
		}
	}
	return true, keepMade(ctx, tx, r)
}

// keepMade records what the run of the chain made.
func keepMade(ctx context.Context, tx *tx, r *store.Result) error {
	if r.Document != nil {
		if _, err := tx.ExecContext(ctx, `UPDATE deliveries SET document = ? WHERE seq = ?`, r.Document, r.Lease.Seq); err != nil {
			return err
		}
	}
	if r.Subject != "" {
		if err := setSubject(ctx, tx, r.Lease.Seq, r.Subject); err != nil {
			return err
		}
	}
	if len(r.Steps) == 0 {
		return nil
	}
	return addSteps(ctx, tx, r.Lease.Seq, r.Steps)
}

// setSubject records a subject and its words, unless it is what is there.
func setSubject(ctx context.Context, tx *tx, seq int64, subject string) error {
	res, err := tx.ExecContext(ctx, `UPDATE deliveries SET subject = ? WHERE seq = ? AND subject <> ?`, subject, seq, subject)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); n == 0 || err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT OR REPLACE INTO subjects (rowid, subject) VALUES (?, ?)`, seq, subject)
	return err
}

// addSteps adds to a delivery's trace.
func addSteps(ctx context.Context, tx *tx, seq int64, more []mail.Step) error {
	var text string
	if err := tx.row(ctx, `SELECT steps FROM deliveries WHERE seq = ?`, seq, &text); err != nil {
		return err
	}
	var trace []mail.Step
	if err := json.Unmarshal([]byte(text), &trace); err != nil {
		return fmt.Errorf("read steps: %w", err)
	}
	steps, err := json.Marshal(mail.AppendSteps(trace, more))
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE deliveries SET steps = ? WHERE seq = ?`, string(steps), seq)
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

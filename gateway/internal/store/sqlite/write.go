package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// Enqueue implements store.Store.
func (db *DB) Enqueue(ctx context.Context, messages []store.NewMessage) error {
	err := db.changes.do(ctx, func(tx *tx) error {
		for i := range messages {
			if err := insertMessage(ctx, tx, &messages[i]); err != nil {
				return fmt.Errorf("%s: %w", messages[i].ID, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("enqueue: %w", err)
	}
	return nil
}

func insertMessage(ctx context.Context, tx *tx, m *store.NewMessage) error {
	steps, err := json.Marshal(m.Steps)
	if err != nil {
		return err
	}
	reports, err := json.Marshal(nonNilReports(m.Reports))
	if err != nil {
		return err
	}
	expires := m.ReceivedAt
	for _, d := range m.Deliveries {
		if d.ExpiresAt.After(expires) {
			expires = d.ExpiresAt
		}
	}
	s := m.Envelope.Session
	res, err := tx.ExecContext(ctx, `
		INSERT INTO messages (id, received_at, reverse_path, smtputf8, listener, helo, remote_ip, tls, size, sha256, body, trace_field, steps, reports, expires_at)
		VALUES (?,?,?,?,?,?,?,?,?,?,nullif(?, ''),?,?,?,?)`,
		m.ID, millis(m.ReceivedAt), m.Envelope.ReversePath, m.Envelope.SMTPUTF8, s.Listener, s.HELO, s.RemoteIP.String(), s.TLS,
		m.Size, m.SHA256, m.Body, m.TraceField, string(steps), string(reports), millis(expires))
	if err != nil {
		return err
	}
	seq, err := res.LastInsertId()
	if err != nil {
		return err
	}
	for i, d := range m.Deliveries {
		state := cmp.Or(d.State, mail.Queued)
		res, err := tx.ExecContext(ctx, `
			INSERT INTO deliveries (message_seq, number, tenant, endpoint, alias, recipient, state, reason, subject, attempts, last_code, updated_at, expires_at, spam_action, virus_action, steps)
			VALUES (?,?,?,?,?,?,?,?,'',0,0,?,?,?,?,'[]')`,
			seq, i+1, d.Endpoint.Tenant, d.Endpoint.Name, d.Alias, d.Recipient, state, d.Reason, millis(m.ReceivedAt), millis(d.ExpiresAt), cmp.Or(d.SpamAction, mail.SpamDefault), d.VirusAction)
		if err != nil {
			return err
		}
		if state.Final() {
			continue
		}
		deliverySeq, err := res.LastInsertId()
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO queue (delivery_seq, lane, due_at, expires_at, claims) VALUES (?,?,?,?,0)`,
			deliverySeq, lane(d.Endpoint), millis(d.DueAt), millis(d.ExpiresAt)); err != nil {
			return err
		}
	}
	return nil
}

// nonNilReports keeps no reports from becoming null.
func nonNilReports(list []mail.Report) []mail.Report {
	if list == nil {
		return []mail.Report{}
	}
	return list
}

// lane is the queue's name for an endpoint. Neither part can hold a slash.
func lane(e store.Endpoint) string { return e.Tenant + "/" + e.Name }

// Claim implements store.Store.
func (db *DB) Claim(ctx context.Context, c store.Claim) ([]store.Job, error) {
	var jobs []store.Job
	err := db.changes.do(ctx, func(tx *tx) error {
		var seqs []int64
		for _, quota := range c.Quotas {
			leased, err := column[int64](ctx, tx, `
				UPDATE queue SET owner = ?, lease_until = ?, claims = claims + 1 WHERE delivery_seq IN (
					SELECT delivery_seq FROM queue WHERE owner IS NULL AND lane = ? AND due_at <= ? ORDER BY due_at, delivery_seq LIMIT ?)
				RETURNING delivery_seq`, c.Owner, millis(c.Until), lane(quota.Endpoint), millis(c.Now), quota.Max)
			if err != nil {
				return err
			}
			seqs = append(seqs, leased...)
		}
		var err error
		jobs, err = readJobs(ctx, tx, c.Owner, seqs)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("claim: %w", err)
	}
	return jobs, nil
}

// readJobs reads the deliveries that an owner has just leased, in the order in
// which they are to start.
func readJobs(ctx context.Context, tx *tx, owner string, seqs []int64) ([]store.Job, error) {
	if len(seqs) == 0 {
		return nil, nil
	}
	list, err := json.Marshal(seqs)
	if err != nil {
		return nil, err
	}
	rows, err := tx.QueryContext(ctx, `
		SELECT q.delivery_seq, q.claims, m.id, d.number, d.tenant, d.endpoint, d.alias, d.recipient, d.expires_at, d.attempts, q.lost, coalesce(length(d.document), 0), d.spam_action, d.virus_action,
			m.reverse_path, m.smtputf8, m.listener, m.helo, m.remote_ip, m.tls, m.received_at, m.size, m.sha256, coalesce(m.body, ''), m.reports
		FROM queue q JOIN deliveries d ON d.seq = q.delivery_seq JOIN messages m ON m.seq = d.message_seq
		WHERE q.delivery_seq IN (SELECT value FROM json_each(?)) ORDER BY q.due_at, q.delivery_seq`, string(list))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var jobs []store.Job
	for rows.Next() {
		j := store.Job{Lease: store.Lease{Owner: owner}}
		var id mail.MessageID
		var number int
		var expires int64
		var env envelopeRow
		var reports string
		err := rows.Scan(&j.Lease.Seq, &j.Lease.Number, &id, &number, &j.Endpoint.Tenant, &j.Endpoint.Name, &j.Alias, &j.Recipient, &expires, &j.Attempts, &j.Lost, &j.DocumentSize, &j.SpamAction, &j.VirusAction,
			&env.reversePath, &env.smtputf8, &env.listener, &env.helo, &env.remoteIP, &env.tls, &env.receivedAt, &j.Size, &j.SHA256, &j.Body, &reports)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(reports), &j.Reports); err != nil {
			return nil, fmt.Errorf("read reports of %s: %w", id, err)
		}
		j.ID = id.Delivery(number)
		j.ExpiresAt = fromMillis(expires)
		j.Envelope, j.ReceivedAt = env.envelope(), fromMillis(env.receivedAt)
		jobs = append(jobs, j)
	}
	return jobs, rows.Err()
}

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
		if _, err := tx.ExecContext(ctx, `INSERT INTO attempts (delivery_seq, number, at, duration, code, reason, response) VALUES (?,?,?,?,?,?,?)`,
			r.Lease.Seq, a.Number, millis(a.At), a.Duration.Milliseconds(), a.Code, a.Reason, nonNil(a.Response)); err != nil {
			return false, err
		}
	}
	if _, err := tx.ExecContext(ctx, `
		UPDATE deliveries SET state = ?, reason = ?, updated_at = ?, attempts = attempts + ?,
			last_code = CASE WHEN ? THEN ? ELSE last_code END WHERE seq = ?`,
		r.State, r.Reason, millis(updated), r.Attempt != nil, r.Attempt != nil, code, r.Lease.Seq); err != nil {
		return false, err
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
		if _, err := tx.ExecContext(ctx, `UPDATE deliveries SET subject = ? WHERE seq = ?`, r.Subject, r.Lease.Seq); err != nil {
			return err
		}
	}
	if len(r.Steps) == 0 {
		return nil
	}
	var text string
	if err := tx.row(ctx, `SELECT steps FROM deliveries WHERE seq = ?`, r.Lease.Seq, &text); err != nil {
		return err
	}
	var trace []mail.Step
	if err := json.Unmarshal([]byte(text), &trace); err != nil {
		return fmt.Errorf("read steps: %w", err)
	}
	steps, err := json.Marshal(mail.AppendSteps(trace, r.Steps))
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE deliveries SET steps = ? WHERE seq = ?`, string(steps), r.Lease.Seq)
	return err
}

// nonNil keeps a nil slice from becoming NULL.
func nonNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// Extend implements store.Store.
func (db *DB) Extend(ctx context.Context, leases []store.Lease, until time.Time) error {
	err := db.changes.do(ctx, func(tx *tx) error {
		for _, l := range leases {
			if _, err := tx.ExecContext(ctx, `UPDATE queue SET lease_until = ? WHERE delivery_seq = ? AND owner = ? AND claims = ?`,
				millis(until), l.Seq, l.Owner, l.Number); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("extend leases: %w", err)
	}
	return nil
}

// Begin implements store.Store.
func (db *DB) Begin(ctx context.Context, l store.Lease) error {
	_, err := db.change(ctx, "begin", `UPDATE queue SET began = 1 WHERE delivery_seq = ? AND owner = ? AND claims = ?`, l.Seq, l.Owner, l.Number)
	return err
}

// loseLeases takes leases from who holds them. That the first is lost makes a delivery
// suspicious; after that, those count in which something was begun.
const loseLeases = `UPDATE queue SET owner = NULL, lease_until = NULL, lost = lost + (lost = 0 OR began), began = 0 WHERE owner IS NOT NULL`

// Release implements store.Store.
func (db *DB) Release(ctx context.Context, owner string) (int, error) {
	return db.change(ctx, "release leases", `UPDATE queue SET owner = NULL, lease_until = NULL, began = 0 WHERE owner = ?`, owner)
}

// Reap implements store.Store.
func (db *DB) Reap(ctx context.Context, now time.Time) (int, error) {
	return db.change(ctx, "reap leases", loseLeases+` AND lease_until < ?`, millis(now))
}

func (db *DB) change(ctx context.Context, what, query string, args ...any) (int, error) {
	var n int64
	err := db.changes.do(ctx, func(tx *tx) error {
		res, err := tx.ExecContext(ctx, query, args...)
		if err == nil {
			n, err = res.RowsAffected()
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("%s: %w", what, err)
	}
	return int(n), nil
}

// Expire implements store.Store.
func (db *DB) Expire(ctx context.Context, now time.Time, limit int) (store.Expired, error) {
	var out store.Expired
	err := db.changes.do(ctx, func(tx *tx) error {
		out = store.Expired{}
		seqs, err := column[int64](ctx, tx, `SELECT delivery_seq FROM queue WHERE owner IS NULL AND expires_at <= ? ORDER BY expires_at LIMIT ?`, millis(now), limit)
		if err != nil {
			return err
		}
		for _, seq := range seqs {
			if _, err := tx.ExecContext(ctx, `DELETE FROM queue WHERE delivery_seq = ?`, seq); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `UPDATE deliveries SET state = ?, reason = 'retention ended before it was delivered', updated_at = ? WHERE seq = ?`,
				mail.Expired, millis(now), seq); err != nil {
				return err
			}
		}
		out.Deliveries = len(seqs)
		return forget(ctx, tx, now, limit, &out)
	})
	if err != nil {
		return store.Expired{}, fmt.Errorf("expire: %w", err)
	}
	out.More = out.Deliveries == limit || len(out.Bodies) == limit
	return out, nil
}

// forget takes the bodies and documents of messages whose retention is over. A
// message that still has a delivery in the queue keeps its body: the raw message
// outlives every delivery that can still be sent.
func forget(ctx context.Context, tx *tx, now time.Time, limit int, out *store.Expired) error {
	seqs, err := column[int64](ctx, tx, `
		SELECT seq FROM messages m WHERE body IS NOT NULL AND expires_at <= ? AND NOT EXISTS (
			SELECT 1 FROM deliveries d JOIN queue q ON q.delivery_seq = d.seq WHERE d.message_seq = m.seq)
		ORDER BY expires_at LIMIT ?`, millis(now), limit)
	if err != nil {
		return err
	}
	for _, seq := range seqs {
		bodies, err := column[mail.BodyRef](ctx, tx, `SELECT body FROM messages WHERE seq = ?`, seq)
		if err != nil {
			return err
		}
		out.Bodies = append(out.Bodies, bodies...)
		if _, err := tx.ExecContext(ctx, `UPDATE messages SET body = NULL, reports = '[]' WHERE seq = ?`, seq); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE deliveries SET document = NULL,
			steps = (SELECT json_group_array(json_remove(value, '$.log', '$.error')) FROM json_each(steps)) WHERE message_seq = ?`, seq); err != nil {
			return err
		}
	}
	return nil
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

package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// Claim implements store.Store.
func (db *DB) Claim(ctx context.Context, c store.Claim) ([]store.Job, error) {
	var jobs []store.Job
	err := db.changes.lease(ctx, func(tx *tx) error {
		var seqs []int64
		for _, quota := range c.Quotas {
			leased, err := column[int64](ctx, tx, `
				UPDATE queue SET owner = ?, lease_until = ?, claims = claims + 1 WHERE delivery_seq IN (
					SELECT delivery_seq FROM queue WHERE owner IS NULL AND lane = ? AND due_at <= ?
						AND NOT EXISTS (SELECT 1 FROM pauses WHERE tenant = ? AND endpoint IN ('', ?)) ORDER BY due_at, delivery_seq LIMIT ?)
				RETURNING delivery_seq`, c.Owner, millis(c.Until), quota.Endpoint.Lane(), millis(c.Now), quota.Endpoint.Tenant, quota.Endpoint.Name, max(0, quota.Max)) // to SQLite, a negative limit is none
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
		SELECT q.delivery_seq, q.claims, m.id, d.tenant, d.endpoint, d.alias, d.recipient, d.expires_at, d.attempts, d.earlier, d.released, q.lost, coalesce(length(d.document), 0), d.spam_action, d.virus_action,
			d.event, m.about_tenant, m.about_class, m.about_name,
			m.reverse_path, m.smtputf8, m.listener, m.helo, m.remote_ip, m.tls, m.received_at, m.size, m.sha256, coalesce(m.body, ''), m.trace_field, m.reports
		FROM queue q JOIN deliveries d ON d.seq = q.delivery_seq JOIN messages m ON m.seq = d.seq >> 20
		WHERE q.delivery_seq IN (SELECT value FROM json_each(?)) ORDER BY q.due_at, q.delivery_seq`, string(list))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var jobs []store.Job
	for rows.Next() {
		j := store.Job{Lease: store.Lease{Owner: owner}}
		var id mail.MessageID
		var expires int64
		var env store.EnvelopeRow
		var reports string
		err := rows.Scan(&j.Lease.Seq, &j.Lease.Number, &id, &j.Endpoint.Tenant, &j.Endpoint.Name, &j.Alias, &j.Recipient, &expires, &j.Attempts, &j.Earlier, &j.Released, &j.Lost, &j.DocumentSize, &j.SpamAction, &j.VirusAction,
			&j.Event.Name, &j.Event.About.Tenant, &j.Event.About.Class, &j.Event.About.Name,
			&env.ReversePath, &env.SMTPUTF8, &env.Listener, &env.HELO, &env.RemoteIP, &env.TLS, &env.ReceivedAt, &j.Size, &j.SHA256, &j.Body, &j.TraceField, &reports)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(reports), &j.Reports); err != nil {
			return nil, fmt.Errorf("read reports of %s: %w", id, err)
		}
		j.ID = id.Delivery(store.DeliveryNumber(j.Lease.Seq))
		j.ExpiresAt = fromMillis(expires)
		j.Envelope, j.ReceivedAt = env.Envelope(), fromMillis(env.ReceivedAt)
		jobs = append(jobs, j)
	}
	return jobs, rows.Err()
}

// Extend implements store.Store.
func (db *DB) Extend(ctx context.Context, leases []store.Lease, until time.Time) error {
	err := db.changes.lease(ctx, func(tx *tx) error {
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
	_, err := db.change(ctx, db.changes.lease, "begin", `UPDATE queue SET began = 1 WHERE delivery_seq = ? AND owner = ? AND claims = ?`, l.Seq, l.Owner, l.Number)
	return err
}

// loseLeases takes leases from who holds them. That the first is lost makes a delivery
// suspicious; after that, those count in which something was begun.
const loseLeases = `UPDATE queue SET owner = NULL, lease_until = NULL, lost = lost + (lost = 0 OR began), began = 0 WHERE owner IS NOT NULL`

// Release implements store.Store.
func (db *DB) Release(ctx context.Context, owner string) (int, error) {
	return db.change(ctx, db.changes.lease, "release leases", `UPDATE queue SET owner = NULL, lease_until = NULL, began = 0 WHERE owner = ?`, owner)
}

// Reap implements store.Store.
func (db *DB) Reap(ctx context.Context, now time.Time) (int, error) {
	return db.change(ctx, db.changes.lease, "reap leases", loseLeases+` AND lease_until < ?`, millis(now))
}

// change has one statement executed, and returns how many rows it has changed.
func (db *DB) change(ctx context.Context, by func(context.Context, func(*tx) error) error, what, query string, args ...any) (int, error) {
	var n int64
	err := by(ctx, func(tx *tx) error {
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

package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// Waiting implements store.Store. It hops over the index from lane to lane, so that its
// cost grows with the endpoints that have work, not with their backlog.
func (db *DB) Waiting(ctx context.Context) ([]store.Waiting, error) {
	list, err := query(ctx, db, scanWaiting, `
		WITH RECURSIVE lanes (lane) AS (
			(SELECT lane FROM queue WHERE owner IS NULL ORDER BY lane LIMIT 1)
			UNION ALL
			SELECT (SELECT q.lane FROM queue q WHERE q.owner IS NULL AND q.lane > lanes.lane ORDER BY q.lane LIMIT 1) FROM lanes WHERE lanes.lane IS NOT NULL)
		SELECT lane, (SELECT due_at FROM queue q WHERE q.owner IS NULL AND q.lane = lanes.lane ORDER BY due_at LIMIT 1) FROM lanes
		WHERE lane IS NOT NULL AND NOT `+isPaused+`
		ORDER BY lane`)
	if err != nil {
		return nil, fmt.Errorf("read waiting endpoints: %w", err)
	}
	return list, nil
}

func scanWaiting(row pgx.CollectableRow) (w store.Waiting, err error) {
	var lane string
	var due int64
	err = row.Scan(&lane, &due)
	w.Endpoint, w.Due = store.LaneEndpoint(lane), fromMillis(due)
	return w, err
}

// isPaused is the condition that a lane is held back.
const isPaused = `EXISTS (SELECT 1 FROM pauses WHERE tenant = split_part(lane, '/', 1) AND endpoint IN ('', split_part(lane, '/', 2)))`

// leaseRows leases deliveries that nobody else is about to.
const leaseRows = `
	WITH picked AS MATERIALIZED (
		SELECT q.delivery_seq FROM unnest($1::text[], $2::bigint[]) AS quota (lane, most), LATERAL (
			SELECT delivery_seq FROM queue WHERE owner IS NULL AND lane = quota.lane AND due_at <= $3 ORDER BY due_at, delivery_seq LIMIT quota.most
			FOR UPDATE SKIP LOCKED) q
		WHERE NOT ` + isPaused + `)
	UPDATE queue SET owner = $4, lease_until = $5, claims = claims + 1 FROM picked WHERE queue.delivery_seq = picked.delivery_seq`

// leasedRows reads what was leased in this transaction. It is a statement of its own, since what it reads of
// deliveries is as old as its beginning: a row of the queue that somebody else has given back while leaseRows was
// under way is leased as he left it, and the delivery beside it would be as it was before his attempt.
const leasedRows = `
	SELECT q.delivery_seq, q.claims, m.id, d.tenant, d.endpoint, d.alias, d.recipient, d.expires_at, d.attempts, d.earlier, d.released, q.lost,
		coalesce(octet_length(d.document), 0), d.spam_action, d.virus_action, d.event, m.about_tenant, m.about_class, m.about_name,
		m.reverse_path, m.smtputf8, m.listener, m.helo, m.remote_ip, m.tls, m.received_at, m.size, m.sha256, coalesce(m.body, ''), m.trace_field, m.reports
	FROM queue q JOIN deliveries d ON d.seq = q.delivery_seq JOIN messages m ON m.seq = d.seq >> 20
	WHERE q.owner = $1 AND q.lease_until = $2 AND q.xmin = pg_current_xact_id()::xid
	ORDER BY q.due_at, q.delivery_seq`

// Claim implements store.Store.
func (db *DB) Claim(ctx context.Context, c store.Claim) ([]store.Job, error) {
	lanes, most := make([]string, len(c.Quotas)), make([]int64, len(c.Quotas))
	for i, quota := range c.Quotas {
		lanes[i], most[i] = clean(quota.Endpoint.Lane()), int64(max(0, quota.Max))
	}
	var jobs []store.Job
	err := db.change(ctx, lazy, func(ctx context.Context, tx *tx) error {
		b := &pgx.Batch{}
		b.Queue(leaseRows, lanes, most, millis(c.Now), c.Owner, millis(c.Until))
		b.Queue(leasedRows, c.Owner, millis(c.Until)).Query(func(rows pgx.Rows) (err error) {
			jobs, err = pgx.CollectRows(rows, scanJob)
			return err
		})
		return tx.commit(ctx, b)
	})
	if err != nil {
		return nil, fmt.Errorf("claim: %w", err)
	}
	for i := range jobs {
		jobs[i].Lease.Owner = c.Owner
	}
	return jobs, nil
}

func scanJob(row pgx.CollectableRow) (j store.Job, err error) {
	var id mail.MessageID
	var expires int64
	var env store.EnvelopeRow
	var reports []byte
	err = row.Scan(&j.Lease.Seq, &j.Lease.Number, &id, &j.Endpoint.Tenant, &j.Endpoint.Name, &j.Alias, &j.Recipient, &expires, &j.Attempts, &j.Earlier, &j.Released, &j.Lost,
		&j.DocumentSize, &j.SpamAction, &j.VirusAction, &j.Event.Name, &j.Event.About.Tenant, &j.Event.About.Class, &j.Event.About.Name,
		&env.ReversePath, &env.SMTPUTF8, &env.Listener, &env.HELO, &env.RemoteIP, &env.TLS, &env.ReceivedAt, &j.Size, &j.SHA256, &j.Body, &j.TraceField, &reports)
	if err != nil {
		return j, err
	}
	if err := json.Unmarshal(reports, &j.Reports); err != nil {
		return j, fmt.Errorf("read reports of %s: %w", id, err)
	}
	j.ID = id.Delivery(store.DeliveryNumber(j.Lease.Seq))
	j.ExpiresAt = fromMillis(expires)
	j.Envelope, j.ReceivedAt = env.Envelope(), fromMillis(env.ReceivedAt)
	return j, nil
}

// leases are those that a statement is about, by the column. It locks their rows in the
// order of their seqs.
type leases struct {
	seqs, numbers []int64
	owners        []string
}

// heldRows are the queue's rows whose leases are still held, of leases $1 to $3.
const heldRows = `
	held AS MATERIALIZED (
		SELECT q.delivery_seq, q.owner, q.claims FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS lease (seq, owner, number)
		JOIN queue q ON q.delivery_seq = lease.seq AND q.owner = lease.owner AND q.claims = lease.number
		ORDER BY q.delivery_seq FOR UPDATE OF q)`

func (l *leases) add(lease store.Lease) {
	l.seqs, l.numbers, l.owners = append(l.seqs, lease.Seq), append(l.numbers, int64(lease.Number)), append(l.owners, clean(lease.Owner))
}

// Extend implements store.Store.
func (db *DB) Extend(ctx context.Context, list []store.Lease, until time.Time) error {
	var l leases
	for _, lease := range list {
		l.add(lease)
	}
	_, err := db.one(ctx, lazy, "extend leases", `WITH `+heldRows+`
		UPDATE queue SET lease_until = $4 FROM held WHERE queue.delivery_seq = held.delivery_seq`, l.seqs, l.owners, l.numbers, millis(until))
	return err
}

// Begin implements store.Store.
func (db *DB) Begin(ctx context.Context, l store.Lease) error {
	return db.begins.doing(ctx, "begin", l, perRow)
}

func (db *DB) begin(ctx context.Context, batch []store.Lease) error {
	var l leases
	for _, lease := range batch {
		l.add(lease)
	}
	_, err := db.one(ctx, lazy, "mark leases", `WITH `+heldRows+`
		UPDATE queue SET began = true FROM held WHERE queue.delivery_seq = held.delivery_seq`, l.seqs, l.owners, l.numbers)
	return err
}

// Release implements store.Store.
func (db *DB) Release(ctx context.Context, owner string) (int, error) {
	return db.free(ctx, "release leases", `
		WITH held AS MATERIALIZED (SELECT delivery_seq FROM queue WHERE owner = $1 ORDER BY delivery_seq FOR UPDATE)
		UPDATE queue SET owner = NULL, lease_until = NULL, began = false FROM held WHERE queue.delivery_seq = held.delivery_seq`, clean(owner))
}

// notAhead is a time by our clock, or that of the server where ours has run ahead since it was
// opened: what has not ended there is not ended by us.
const notAhead = `least($1, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)`

// Reap implements store.Store. That the first lease is lost makes a delivery suspicious;
// after that, those count in which something was begun. What another process takes back,
// or finishes, at the same time is left to it.
func (db *DB) Reap(ctx context.Context, now time.Time) (int, error) {
	return db.free(ctx, "reap leases", `
		WITH ended AS MATERIALIZED (SELECT delivery_seq FROM queue WHERE owner IS NOT NULL AND lease_until < `+notAhead+` FOR UPDATE SKIP LOCKED)
		UPDATE queue SET owner = NULL, lease_until = NULL, lost = lost + (lost = 0 OR began)::int, began = false FROM ended WHERE queue.delivery_seq = ended.delivery_seq`, millis(now))
}

// free gives leases back, and tells others.
func (db *DB) free(ctx context.Context, what, statement string, arg any) (int, error) {
	n, err := db.one(ctx, lazy, what, statement, arg)
	if n > 0 {
		db.waker.announce()
	}
	return n, err
}

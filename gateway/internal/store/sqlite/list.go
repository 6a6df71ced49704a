package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// List implements store.Store.
func (db *DB) List(ctx context.Context, f store.Filter) (list []store.Delivery, err error) {
	defer db.explained(&err)
	query, args, err := db.listQuery(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("list deliveries: %w", err)
	}
	histories, err := deliveries(ctx, db.log, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list deliveries: %w", err)
	}
	list = make([]store.Delivery, len(histories))
	for i, h := range histories {
		list[i] = h.Delivery
	}
	return list, nil
}

// ended are the states that have an index over all tenants.
const ended = `('failed', 'quarantined', 'expired', 'dropped')`

// listQuery reads the deliveries that a filter selects. Of several states SQLite merges the
// walks, and ends them with the page.
func (db *DB) listQuery(ctx context.Context, f store.Filter) (query string, all []any, err error) {
	var walks []string
	for _, one := range f.Walks() {
		where, args, err := db.where(ctx, one)
		if err != nil {
			return "", nil, err
		}
		if f.Before != 0 {
			where, args = where+` AND d.seq < ?`, append(args, f.Before)
		}
		if f.After != 0 {
			where, args = where+` AND d.seq > ?`, append(args, f.After)
		}
		walks, all = append(walks, walkQuery(one, where)), append(all, args...)
	}
	return strings.Join(walks, ` UNION ALL `) + ` ORDER BY d.seq DESC LIMIT ?`, append(all, f.Limit), nil
}

// walkQuery reads the deliveries that a condition, which is the filter's, selects.
func walkQuery(f store.Filter, where string) string {
	columns := store.ListColumns()
	by := func(index string) string {
		return strings.Replace(columns, "FROM deliveries d", "FROM deliveries d INDEXED BY "+index, 1)
	}
	switch {
	case f.Account != "":
		columns = by("deliveries_by_account")
	case f.Events && f.Tenant != "":
		columns = by("deliveries_events_by_tenant")
	case f.Events:
		columns = by("deliveries_events")
	case len(f.States) != 1:
	case f.Tenant == "" && strings.Contains(ended, "'"+string(f.States[0])+"'"):
		columns = by("deliveries_ended")
		where += ` AND d.state IN ` + ended // or else the index is not known to have them
	case f.Tenant != "":
		// Where the time is bounded on both sides, SQLite would go through all of the tenant's.
		columns = by("deliveries_by_state")
	}
	return columns + where
}

// where is the condition of a filter on deliveries d and messages m.
func (db *DB) where(ctx context.Context, f store.Filter) (string, []any, error) {
	var b strings.Builder
	b.WriteString(store.KindCondition(f))
	var args []any
	and := func(condition string, values ...any) {
		b.WriteString(" AND " + condition)
		args = append(args, values...)
	}
	if f.Tenant != "" {
		and(`d.tenant = ?`, f.Tenant)
	}
	for _, c := range []struct{ column, want string }{{`d.event`, f.Event}, {`m.about_class`, f.Class}, {`m.about_name`, f.About}} {
		if c.want != "" {
			and(c.column+` = ?`, c.want)
		}
	}
	if f.Account != "" {
		and(`d.account = ? AND d.account <> ''`, f.Account) // or else the index is not known to have it
	}
	if f.Endpoint != "" {
		and(`d.endpoint = ?`, f.Endpoint)
	}
	switch len(f.States) {
	case 0:
	case 1:
		and(`d.state = ?`, string(f.States[0])) // of which an index gives the order, too
	default:
		states, err := json.Marshal(f.States)
		if err != nil {
			return "", nil, err
		}
		and(`d.state IN (SELECT value FROM json_each(?))`, string(states))
	}
	if err := db.between(ctx, f, and); err != nil {
		return "", nil, err
	}
	addressed(`m.reverse_path`, f.Sender, and)
	addressed(`d.recipient`, f.Recipient, and)
	if words := match(f.Subject); words != "" {
		and(`d.seq IN (SELECT rowid FROM subjects WHERE subjects MATCH ?)`, words)
	}
	return b.String(), args, nil
}

// between adds when messages were received, and where in the table these are: ids begin
// with the time, and have an index.
func (db *DB) between(ctx context.Context, f store.Filter, and func(string, ...any)) error {
	bound := func(query string, t time.Time) (seq sql.NullInt64, err error) {
		err = db.log.QueryRowContext(ctx, query, string(mail.FirstID(t))).Scan(&seq)
		return seq, err
	}
	if !f.Since.IsZero() {
		and(`m.received_at >= ?`, millis(f.Since))
		seq, err := bound(`SELECT (SELECT seq FROM messages WHERE id < ? ORDER BY id DESC LIMIT 1)`, f.Since.Add(-store.LongestReception))
		if err != nil {
			return err
		}
		if seq.Valid {
			and(`d.seq > ?`, store.DeliverySeq(seq.Int64, 0))
		}
	}
	if !f.Until.IsZero() {
		and(`m.received_at < ?`, millis(f.Until))
		seq, err := bound(`SELECT (SELECT seq FROM messages WHERE id >= ? ORDER BY id LIMIT 1)`, f.Until.Add(store.LongestReception))
		if err != nil {
			return err
		}
		if seq.Valid {
			and(`d.seq < ?`, store.DeliverySeq(seq.Int64, 0))
		}
	}
	return nil
}

// addressed wants an address, or with an @ first one of a domain.
func addressed(column, want string, and func(string, ...any)) {
	switch {
	case want == "":
	case strings.HasPrefix(want, "@"):
		and(`lower(substr(`+column+`, -length(?))) = lower(?)`, want, want)
	default:
		and(`lower(`+column+`) = lower(?)`, want)
	}
}

// match writes words as a query of FTS5 that finds rows with all of them: each is a string,
// in which nothing has a meaning of its own.
func match(words string) string {
	// FTS5 ends its query at a zero, and takes it for what parts words in a subject.
	list := strings.Fields(strings.ReplaceAll(words, "\x00", " "))
	for i, w := range list {
		list[i] = `"` + strings.ReplaceAll(w, `"`, `""`) + `"`
	}
	return strings.Join(list, " ")
}

// querier is a pool or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func deliveries(ctx context.Context, q querier, query string, args ...any) ([]store.DeliveryHistory, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []store.DeliveryHistory
	for rows.Next() {
		var d store.DeliveryHistory
		var id mail.MessageID
		var received, updated, expires, held int64
		var due, payload, log sql.NullInt64
		var steps string
		if err := rows.Scan(&d.Seq, &id, &d.Endpoint.Tenant, &d.Endpoint.Name, &d.Alias, &d.Recipient, &d.State, &d.Reason, &d.Subject, &d.Attempts, &d.LastCode,
			&received, &updated, &expires, &payload, &held, &log, &due, &d.InFlight, &d.ReversePath, &d.Size,
			&d.Event.Name, &d.Event.About.Tenant, &d.Event.About.Class, &d.Event.About.Name, &d.Account, &steps); err != nil {
			return nil, err
		}
		d.ID = id.Delivery(store.DeliveryNumber(d.Seq))
		if err := json.Unmarshal([]byte(steps), &d.Steps); err != nil {
			return nil, fmt.Errorf("read steps of %s: %w", d.ID, err)
		}
		d.ReceivedAt, d.UpdatedAt = fromMillis(received), fromMillis(updated)
		d.ExpiresAt, d.HeldUntil, d.PayloadUntil = fromMillis(expires), fromMillis(held), fromMillis(expires)
		if payload.Valid {
			d.PayloadUntil = fromMillis(payload.Int64)
		}
		d.LogUntil, d.Due = orZero(log), orZero(due)
		list = append(list, d)
	}
	return list, rows.Err()
}

// orZero is the zero time for NULL.
func orZero(ms sql.NullInt64) time.Time {
	if !ms.Valid {
		return time.Time{}
	}
	return fromMillis(ms.Int64)
}

// Reach implements store.Store.
func (db *DB) Reach(ctx context.Context, before int64, messages int) (after int64, at time.Time, err error) {
	var oldest, received int64
	var older bool
	err = db.log.QueryRowContext(ctx, `
		SELECT seq, received_at, EXISTS (SELECT 1 FROM messages WHERE seq < m.seq) FROM messages m
		WHERE seq > (SELECT max(seq) FROM messages WHERE seq <= ?) - ? ORDER BY seq LIMIT 1`, store.LastMessage(before), messages).Scan(&oldest, &received, &older)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, time.Time{}, nil
	}
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("look how far the log reaches: %w", err)
	}
	if older {
		after = store.DeliverySeq(oldest, 0)
	}
	return after, fromMillis(received), nil
}

// Count implements store.Store.
func (db *DB) Count(ctx context.Context, f store.Filter) (list []store.Count, err error) {
	defer db.explained(&err)
	where, args, err := db.where(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("count deliveries: %w", err)
	}
	rows, err := db.log.QueryContext(ctx, store.CountColumns+where+` GROUP BY hour, d.state ORDER BY hour DESC, d.state`, args...)
	if err != nil {
		return nil, fmt.Errorf("count deliveries: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var c store.Count
		var hour int64
		if err := rows.Scan(&hour, &c.State, &c.Deliveries); err != nil {
			return nil, fmt.Errorf("count deliveries: %w", err)
		}
		c.Hour = fromMillis(hour * time.Hour.Milliseconds())
		list = append(list, c)
	}
	return list, rows.Err()
}

// Lanes implements store.Store.
func (db *DB) Lanes(ctx context.Context) (list []store.Lane, err error) {
	defer db.explained(&err)
	rows, err := db.log.QueryContext(ctx, `
		WITH counts AS (
			SELECT lane, sum(owner IS NULL) AS waiting, sum(owner IS NULL AND due_at <= ?) AS due, sum(owner IS NOT NULL) AS held, min(CASE WHEN owner IS NULL THEN due_at END) AS next, min(delivery_seq) AS first
			FROM queue GROUP BY lane)
		SELECT lane, waiting, due, held, next, (SELECT received_at FROM messages WHERE seq = first >> 20) FROM counts
		UNION ALL
		SELECT tenant || '/' || endpoint, 0, 0, 0, NULL, NULL FROM pauses WHERE tenant || '/' || endpoint NOT IN (SELECT lane FROM counts)
		ORDER BY 1`, millis(time.Now()))
	if err != nil {
		return nil, fmt.Errorf("read the queue: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var l store.Lane
		var name string
		var next, oldest sql.NullInt64
		if err := rows.Scan(&name, &l.Waiting, &l.Due, &l.InFlight, &next, &oldest); err != nil {
			return nil, fmt.Errorf("read the queue: %w", err)
		}
		l.Endpoint = store.LaneEndpoint(name)
		l.NextDue, l.Oldest = orZero(next), orZero(oldest)
		list = append(list, l)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read the queue: %w", err)
	}
	paused, err := db.pauses(ctx)
	if err != nil {
		return nil, fmt.Errorf("read pauses: %w", err)
	}
	for i := range list {
		e := list[i].Endpoint
		list[i].PausedSince = paused[e]
		_, list[i].TenantPaused = paused[store.Endpoint{Tenant: e.Tenant}]
	}
	return list, nil
}

func (db *DB) pauses(ctx context.Context) (map[store.Endpoint]time.Time, error) {
	rows, err := db.log.QueryContext(ctx, `SELECT tenant, endpoint, since FROM pauses`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	paused := make(map[store.Endpoint]time.Time)
	for rows.Next() {
		var e store.Endpoint
		var since int64
		if err := rows.Scan(&e.Tenant, &e.Name, &since); err != nil {
			return nil, err
		}
		paused[e] = fromMillis(since)
	}
	return paused, rows.Err()
}

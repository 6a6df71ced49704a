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

// List implements store.Store.
func (db *DB) List(ctx context.Context, f store.Filter) ([]store.Delivery, error) {
	statement, args, err := db.listStatement(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("list deliveries: %w", err)
	}
	histories, err := scan(ctx, db, scanDelivery, statement, args...)
	if err != nil {
		return nil, fmt.Errorf("list deliveries: %w", err)
	}
	list := make([]store.Delivery, len(histories))
	for i, h := range histories {
		list[i] = h.Delivery
	}
	return list, nil
}

// listStatement reads the deliveries that a filter selects. Of several states each walk ends
// with a page, and the newest of all are taken.
func (db *DB) listStatement(ctx context.Context, f store.Filter) (statement string, args []any, err error) {
	var walks []string
	for _, one := range f.Walks() {
		c := &conditions{args: args}
		if err := db.conditions(ctx, one, c); err != nil {
			return "", nil, err
		}
		if f.Before != 0 {
			c.and(`d.seq < ?`, f.Before)
		}
		if f.After != 0 {
			c.and(`d.seq > ?`, f.After)
		}
		walks = append(walks, store.ListColumns()+c.where.String()+` ORDER BY d.seq DESC LIMIT `+c.arg(f.Limit))
		args = c.args
	}
	if len(walks) == 1 {
		return walks[0], args, nil
	}
	return `(` + strings.Join(walks, `) UNION ALL (`) + `) ORDER BY seq DESC LIMIT ` + fmt.Sprint(f.Limit), args, nil
}

// Reach implements store.Store.
func (db *DB) Reach(ctx context.Context, before int64, messages int) (after int64, at time.Time, err error) {
	_, err = scan(ctx, db, func(row pgx.CollectableRow) (none struct{}, err error) {
		var oldest, received int64
		var older bool
		err = row.Scan(&oldest, &received, &older)
		at = fromMillis(received)
		if older {
			after = store.DeliverySeq(oldest, 0)
		}
		return none, err
	}, `
		SELECT seq, received_at, EXISTS (SELECT 1 FROM messages WHERE seq < m.seq) FROM messages m
		WHERE seq > (SELECT max(seq) FROM messages WHERE seq <= $1) - $2 ORDER BY seq LIMIT 1`, store.LastMessage(before), messages)
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("look how far the log reaches: %w", err)
	}
	return after, at, nil
}

// Count implements store.Store.
func (db *DB) Count(ctx context.Context, f store.Filter) ([]store.Count, error) {
	c := &conditions{}
	if err := db.conditions(ctx, f, c); err != nil {
		return nil, fmt.Errorf("count deliveries: %w", err)
	}
	list, err := scan(ctx, db, func(row pgx.CollectableRow) (c store.Count, err error) {
		var hour int64
		err = row.Scan(&hour, &c.State, &c.Deliveries)
		c.Hour = fromMillis(hour * time.Hour.Milliseconds())
		return c, err
	}, store.CountColumns+c.where.String()+` GROUP BY hour, d.state ORDER BY hour DESC, d.state`, c.args...)
	if err != nil {
		return nil, fmt.Errorf("count deliveries: %w", err)
	}
	return list, nil
}

// conditions are those of a filter on deliveries d and messages m.
type conditions struct {
	where strings.Builder
	args  []any
}

// arg adds an argument and returns what stands for it.
func (c *conditions) arg(value any) string {
	c.args = append(c.args, value)
	return fmt.Sprintf("$%d", len(c.args))
}

// and adds a condition, in which each ? stands for the value.
func (c *conditions) and(condition string, value any) {
	c.where.WriteString(" AND " + strings.ReplaceAll(condition, "?", c.arg(value)))
}

// conditions adds those of a filter.
func (db *DB) conditions(ctx context.Context, f store.Filter, c *conditions) error {
	c.where.WriteString(store.KindCondition(f))
	if f.Tenant != "" {
		c.and(`d.tenant = ?`, clean(f.Tenant))
	}
	for _, w := range []struct{ column, want string }{{`d.event`, f.Event}, {`m.about_class`, f.Class}, {`m.about_name`, f.About}} {
		if w.want != "" {
			c.and(w.column+` = ?`, clean(w.want))
		}
	}
	if f.Account != "" {
		c.and(`d.account = ? AND d.account <> ''`, clean(f.Account)) // or else the index is not known to have it
	}
	if f.Endpoint != "" {
		c.and(`d.endpoint = ?`, clean(f.Endpoint))
	}
	switch len(f.States) {
	case 0:
	case 1:
		c.and(`d.state = ?`, clean(f.States[0])) // of which an index gives the order, too
	default:
		c.and(`d.state = ANY(?)`, states(f.States))
	}
	if err := db.between(ctx, f, c); err != nil {
		return err
	}
	c.addressed(`m.reverse_path`, f.Sender)
	c.addressed(`d.recipient`, f.Recipient)
	if strings.TrimSpace(f.Subject) != "" {
		if words := match(f.Subject); words != "" {
			c.and(`d.words @@ ?::tsquery`, words)
		} else {
			c.where.WriteString(` AND false`) // no subject has what is no word
		}
	}
	return nil
}

// between adds when messages were received, and where in the table these are: ids begin
// with the time, and have an index.
func (db *DB) between(ctx context.Context, f store.Filter, c *conditions) error {
	bound := func(condition, statement string, t time.Time) error {
		seqs, err := query(ctx, db, pgx.RowTo[int64], statement, string(mail.FirstID(t)))
		if err == nil && len(seqs) > 0 {
			c.and(condition, store.DeliverySeq(seqs[0], 0))
		}
		return err
	}
	if !f.Since.IsZero() {
		c.and(`m.received_at >= ?`, millis(f.Since))
		if err := bound(`d.seq > ?`, `SELECT seq FROM messages WHERE id < $1 ORDER BY id DESC LIMIT 1`, f.Since.Add(-store.LongestReception)); err != nil {
			return err
		}
	}
	if !f.Until.IsZero() {
		c.and(`m.received_at < ?`, millis(f.Until))
		if err := bound(`d.seq < ?`, `SELECT seq FROM messages WHERE id >= $1 ORDER BY id LIMIT 1`, f.Until.Add(store.LongestReception)); err != nil {
			return err
		}
	}
	return nil
}

// addressed wants an address, or with an @ first one of a domain.
func (c *conditions) addressed(column, want string) {
	switch {
	case want == "":
	case strings.HasPrefix(want, "@"):
		c.and(`right(lower(`+column+`), length(?)) = lower(? COLLATE "C")`, clean(want))
	default:
		c.and(`lower(`+column+`) = lower(? COLLATE "C")`, clean(want))
	}
}

func scanDelivery(row pgx.CollectableRow) (d store.DeliveryHistory, err error) {
	var id mail.MessageID
	var received, updated, expires, held int64
	var due, payload, log *int64
	var steps []byte
	if err := row.Scan(&d.Seq, &id, &d.Endpoint.Tenant, &d.Endpoint.Name, &d.Alias, &d.Recipient, &d.State, &d.Reason, &d.Subject, &d.Attempts, &d.LastCode,
		&received, &updated, &expires, &payload, &held, &log, &due, &d.InFlight, &d.ReversePath, &d.Size,
		&d.Event.Name, &d.Event.About.Tenant, &d.Event.About.Class, &d.Event.About.Name, &d.Account, &steps); err != nil {
		return d, err
	}
	d.ID = id.Delivery(store.DeliveryNumber(d.Seq))
	if err := json.Unmarshal(steps, &d.Steps); err != nil {
		return d, fmt.Errorf("read steps of %s: %w", d.ID, err)
	}
	d.ReceivedAt, d.UpdatedAt = fromMillis(received), fromMillis(updated)
	d.ExpiresAt, d.HeldUntil, d.PayloadUntil = fromMillis(expires), fromMillis(held), fromMillis(expires)
	if payload != nil {
		d.PayloadUntil = fromMillis(*payload)
	}
	d.LogUntil, d.Due = orZero(log), orZero(due)
	return d, nil
}

// Lanes implements store.Store.
func (db *DB) Lanes(ctx context.Context) ([]store.Lane, error) {
	list, err := scan(ctx, db, func(row pgx.CollectableRow) (l store.Lane, err error) {
		var name string
		var next, oldest, paused *int64
		err = row.Scan(&name, &l.Waiting, &l.Due, &l.InFlight, &next, &oldest, &paused, &l.TenantPaused)
		l.Endpoint = store.LaneEndpoint(name)
		l.NextDue, l.Oldest, l.PausedSince = orZero(next), orZero(oldest), orZero(paused)
		return l, err
	}, `
		WITH counts AS (
			SELECT lane, count(*) FILTER (WHERE owner IS NULL) AS waiting, count(*) FILTER (WHERE owner IS NULL AND due_at <= $1) AS due, count(owner) AS held, min(due_at) FILTER (WHERE owner IS NULL) AS next, min(delivery_seq) AS first
			FROM queue GROUP BY lane),
		paused AS (SELECT tenant || '/' || endpoint AS lane, since FROM pauses),
		lanes AS (
			SELECT lane, waiting, due, held, next, (SELECT received_at FROM messages WHERE seq = first >> 20) AS oldest FROM counts
			UNION ALL
			SELECT lane, 0, 0, 0, NULL, NULL FROM paused WHERE lane NOT IN (SELECT lane FROM counts))
		SELECT lane, waiting, due, held, next, oldest, (SELECT since FROM paused WHERE paused.lane = lanes.lane),
			EXISTS (SELECT 1 FROM pauses WHERE tenant = split_part(lanes.lane, '/', 1) AND endpoint = '')
		FROM lanes ORDER BY lane`, millis(time.Now()))
	if err != nil {
		return nil, fmt.Errorf("read the queue: %w", err)
	}
	return list, nil
}

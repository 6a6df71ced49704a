package postgres

import (
	"cmp"
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// rows are new rows of all tables, by the column, as one statement adds them. A delivery
// names its message by its place among the new messages, from 1; the statement gives out
// the seqs.
type rows struct {
	messages struct {
		id, reversePath, listener, helo, remoteIP, tls, sha256, trace, steps, reports []string
		receivedAt, size                                                              []int64
		smtputf8                                                                      []bool
		body                                                                          []*string
		forgetAt, logUntil                                                            []*int64
		aboutTenant, aboutClass, aboutName                                            []string
		fetched                                                                       []*string
	}
	deliveries struct {
		message                                                                        []int64
		number, attempts, earlier, lastCode                                            []int
		tenant, endpoint, alias, recipient, state, reason, subject, spam, virus, steps []string
		words                                                                          []*string
		updatedAt, expiresAt, heldUntil                                                []int64
		payloadUntil                                                                   []*int64
		released                                                                       []bool
		document                                                                       [][]byte
		event, account                                                                 []string
	}
	queue struct {
		message              []int64
		number, claims, lost []int
		lane                 []string
		dueAt, expiresAt     []int64
	}
	attempts struct {
		message []int64
		number  []int // of the delivery
		attempt attemptColumns
	}
}

// attemptColumns are of attempts, whichever their delivery is.
type attemptColumns struct {
	number, code []int
	at, duration []int64
	reason       []string
	response     [][]byte
}

func (c *attemptColumns) add(a *mail.Attempt) {
	c.number, c.code = append(c.number, a.Number), append(c.code, a.Code)
	c.at, c.duration = append(c.at, millis(a.At)), append(c.duration, a.Duration.Milliseconds())
	c.reason = append(c.reason, clean(a.Reason))
	c.response = append(c.response, append([]byte{}, a.Response...)) // nil would be NULL
}

// lists are the lists of a message, as they are stored.
type lists struct {
	steps, reports string
	fetched        *string
}

// addMessage adds a message, whose own lists are not looked at.
func (r *rows) addMessage(m *store.Message, l lists, forgetAt, logUntil *int64) {
	c, s := &r.messages, m.Envelope.Session
	c.id, c.sha256 = append(c.id, string(m.ID)), append(c.sha256, clean(m.SHA256))
	c.receivedAt, c.size = append(c.receivedAt, millis(m.ReceivedAt)), append(c.size, m.Size)
	c.reversePath, c.smtputf8 = append(c.reversePath, clean(m.Envelope.ReversePath)), append(c.smtputf8, m.Envelope.SMTPUTF8)
	c.listener, c.helo = append(c.listener, clean(s.Listener)), append(c.helo, clean(s.HELO))
	c.remoteIP, c.tls = append(c.remoteIP, s.RemoteIP.String()), append(c.tls, clean(s.TLS))
	c.body, c.trace = append(c.body, bodyOrNull(m.Body)), append(c.trace, clean(m.TraceField))
	c.steps, c.reports = append(c.steps, l.steps), append(c.reports, l.reports)
	c.forgetAt, c.logUntil = append(c.forgetAt, forgetAt), append(c.logUntil, logUntil)
	about := m.Event.About
	c.aboutTenant, c.aboutClass, c.aboutName = append(c.aboutTenant, clean(about.Tenant)), append(c.aboutClass, clean(about.Class)), append(c.aboutName, clean(about.Name))
	c.fetched = append(c.fetched, l.fetched)
}

// addDelivery adds a delivery of the message that was added last. Its own lists are not
// looked at.
func (r *rows) addDelivery(d *store.Delivery, number int, rest *store.Rest, steps string) {
	c := &r.deliveries
	c.message, c.number = append(c.message, int64(len(r.messages.id))), append(c.number, number)
	c.tenant, c.endpoint = append(c.tenant, clean(d.Endpoint.Tenant)), append(c.endpoint, clean(d.Endpoint.Name))
	c.alias, c.recipient = append(c.alias, clean(d.Alias)), append(c.recipient, clean(d.Recipient))
	c.state, c.reason = append(c.state, string(d.State)), append(c.reason, clean(d.Reason))
	c.subject, c.words = append(c.subject, clean(d.Subject)), append(c.words, vector(d.Subject))
	c.attempts, c.earlier, c.lastCode = append(c.attempts, d.Attempts), append(c.earlier, rest.Earlier), append(c.lastCode, d.LastCode)
	c.updatedAt, c.expiresAt = append(c.updatedAt, millis(d.UpdatedAt)), append(c.expiresAt, millis(d.ExpiresAt))
	c.heldUntil, c.payloadUntil = append(c.heldUntil, millis(d.BodyUntil(mail.Quarantined))), append(c.payloadUntil, payloadUntil(d.Retention))
	c.spam, c.virus = append(c.spam, string(cmp.Or(rest.SpamAction, mail.SpamDefault))), append(c.virus, string(rest.VirusAction))
	c.released, c.document, c.steps = append(c.released, rest.Released), append(c.document, rest.Document), append(c.steps, steps)
	c.event, c.account = append(c.event, clean(d.Event.Name)), append(c.account, clean(d.Account))
}

// payloadUntil is NULL where the payload goes with the body, as it does anyway.
func payloadUntil(r store.Retention) *int64 {
	if !r.PayloadUntil.Before(r.ExpiresAt) {
		return nil
	}
	return orNull(r.PayloadUntil)
}

// addQueued puts a delivery of the message that was added last into the queue.
func (r *rows) addQueued(e store.Endpoint, number int, due, expires int64, claims, lost int) {
	c := &r.queue
	c.message, c.number = append(c.message, int64(len(r.messages.id))), append(c.number, number)
	c.lane, c.dueAt, c.expiresAt = append(c.lane, clean(e.Lane())), append(c.dueAt, due), append(c.expiresAt, expires)
	c.claims, c.lost = append(c.claims, claims), append(c.lost, lost)
}

// addAttempt adds an attempt of a delivery of the message that was added last.
func (r *rows) addAttempt(number int, a *mail.Attempt) {
	r.attempts.message, r.attempts.number = append(r.attempts.message, int64(len(r.messages.id))), append(r.attempts.number, number)
	r.attempts.attempt.add(a)
}

// insertRows is one statement, so that what comes alone costs one round trip. A
// sequence's values grow with the place.
const insertRows = `
	WITH given AS MATERIALIZED (SELECT array(SELECT nextval('message_seq') FROM generate_series(1, $1::int)) AS seqs),
	messages AS (
		INSERT INTO messages (seq, id, received_at, reverse_path, smtputf8, listener, helo, remote_ip, tls, size, sha256, body, trace_field, steps, reports, forget_at, log_until,
			about_tenant, about_class, about_name, fetched)
		SELECT seqs[place], id, received_at, reverse_path, smtputf8, listener, helo, remote_ip, tls, size, sha256, body, trace_field, steps, reports, forget_at, log_until,
			about_tenant, about_class, about_name, fetched
		FROM given, unnest($2::text[], $3::bigint[], $4::text[], $5::bool[], $6::text[], $7::text[], $8::text[], $9::text[], $10::bigint[], $11::text[], $12::text[],
			$13::text[], $14::text[], $15::text[], $16::bigint[], $17::bigint[],
			$47::text[], $48::text[], $49::text[], $50::text[]) WITH ORDINALITY
			AS new (id, received_at, reverse_path, smtputf8, listener, helo, remote_ip, tls, size, sha256, body, trace_field, steps, reports, forget_at, log_until,
				about_tenant, about_class, about_name, fetched, place)),
	deliveries AS (
		INSERT INTO deliveries (seq, tenant, endpoint, alias, recipient, state, reason, subject, words, attempts, earlier, last_code, updated_at, expires_at, payload_until, held_until,
			spam_action, virus_action, released, document, steps, event, account)
		SELECT seqs[message] << 20 | number, tenant, endpoint, alias, recipient, state, reason, subject, words::tsvector, attempts, earlier, last_code, updated_at, expires_at, payload_until,
			held_until, spam_action, virus_action, released, document, steps, event, account
		FROM given, unnest($18::bigint[], $19::bigint[], $20::text[], $21::text[], $22::text[], $23::text[], $24::text[], $25::text[], $26::text[], $27::text[], $28::int[], $29::int[],
			$30::int[], $31::bigint[], $32::bigint[], $33::bigint[], $34::bigint[], $35::text[], $36::text[], $37::bool[], $38::bytea[], $39::text[],
			$51::text[], $52::text[])
			AS new (message, number, tenant, endpoint, alias, recipient, state, reason, subject, words, attempts, earlier, last_code, updated_at, expires_at, payload_until, held_until,
				spam_action, virus_action, released, document, steps, event, account))
	INSERT INTO queue (delivery_seq, lane, due_at, expires_at, claims, lost)
	SELECT seqs[message] << 20 | number, lane, due_at, expires_at, claims, lost
	FROM given, unnest($40::bigint[], $41::bigint[], $42::text[], $43::bigint[], $44::bigint[], $45::bigint[], $46::int[]) AS new (message, number, lane, due_at, expires_at, claims, lost)`

// insertAttempts adds attempts of messages that are there, by their ids.
const insertAttempts = `
	INSERT INTO attempts (delivery_seq, number, at, duration, code, reason, response)
	SELECT (SELECT seq FROM messages WHERE id = ($1::text[])[message]) << 20 | delivery, number, at, duration, code, reason, response
	FROM unnest($2::bigint[], $3::bigint[], $4::int[], $5::bigint[], $6::bigint[], $7::int[], $8::text[], $9::bytea[])
		AS new (message, delivery, number, at, duration, code, reason, response)`

// insert adds the rows with a batch.
func (r *rows) insert(b *pgx.Batch) {
	m, d, q, a := &r.messages, &r.deliveries, &r.queue, &r.attempts
	b.Queue(insertRows, len(m.id), m.id, m.receivedAt, m.reversePath, m.smtputf8, m.listener, m.helo, m.remoteIP, m.tls, m.size, m.sha256, m.body, m.trace, m.steps, m.reports,
		m.forgetAt, m.logUntil,
		d.message, d.number, d.tenant, d.endpoint, d.alias, d.recipient, d.state, d.reason, d.subject, d.words, d.attempts, d.earlier, d.lastCode, d.updatedAt, d.expiresAt,
		d.payloadUntil, d.heldUntil, d.spam, d.virus, d.released, d.document, d.steps,
		q.message, q.number, q.lane, q.dueAt, q.expiresAt, q.claims, q.lost,
		m.aboutTenant, m.aboutClass, m.aboutName, m.fetched, d.event, d.account)
	if t := &a.attempt; len(a.message) > 0 {
		b.Queue(insertAttempts, m.id, a.message, a.number, t.number, t.at, t.duration, t.code, t.reason, t.response)
	}
}

// insertNew adds rows in a transaction of their own, and notes mails as fetched.
func (db *DB) insertNew(ctx context.Context, r *rows, fetched []store.Fetched) error {
	return db.change(ctx, durable, func(ctx context.Context, tx *tx) error {
		if err := fetch(ctx, tx, fetched); err != nil {
			return err
		}
		b := &pgx.Batch{}
		r.insert(b)
		return tx.commit(ctx, b)
	})
}

// counted adds up how many rows statements change.
func counted(n *int64) func(pgconn.CommandTag) error {
	*n = 0
	return func(tag pgconn.CommandTag) error {
		*n += tag.RowsAffected()
		return nil
	}
}

// encode writes a list as JSON, one that is nil as an empty one.
func encode[T any](list []T) (string, error) {
	if list == nil {
		return "[]", nil
	}
	b, err := json.Marshal(list)
	return clean(string(b)), err
}

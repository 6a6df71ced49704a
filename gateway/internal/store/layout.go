package store

import (
	"math"
	"net/netip"
	"strings"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
)

// What both databases read in the same words.
const (
	// DeliveryColumns reads deliveries d, with their messages m and places in the queue q.
	DeliveryColumns = `
	SELECT d.seq, m.id, d.tenant, d.endpoint, d.alias, d.recipient, d.state, d.reason, d.subject, d.attempts, d.last_code,
		m.received_at, d.updated_at, d.expires_at, d.payload_until, d.held_until, m.log_until, q.due_at, q.owner IS NOT NULL, m.reverse_path, m.size,
		d.event, m.about_tenant, m.about_class, m.about_name, d.account, d.steps
	FROM deliveries d JOIN messages m ON m.seq = d.seq >> 20 LEFT JOIN queue q ON q.delivery_seq = d.seq`

	// CountColumns counts them by hour and state.
	CountColumns = `SELECT m.received_at / 3600000 AS hour, d.state, count(*) FROM deliveries d JOIN messages m ON m.seq = d.seq >> 20`

	// LongestReception is more than what can lie between the moment that a message has as its
	// time of reception, and its commit: so messages are in order of that time, give or take
	// as much.
	LongestReception = 15 * time.Minute
)

// ListColumns is DeliveryColumns without traces, which are long, and not in a list.
func ListColumns() string { return strings.Replace(DeliveryColumns, "d.steps", "'[]'", 1) }

// EnvelopeRow holds the columns of an envelope.
type EnvelopeRow struct {
	ReversePath, Listener, HELO, RemoteIP, TLS string
	SMTPUTF8                                   bool
	ReceivedAt                                 int64
}

// Envelope is what the columns say.
func (r EnvelopeRow) Envelope() mail.Envelope {
	// The zero address is written as "invalid IP" and read back as itself.
	ip, _ := netip.ParseAddr(r.RemoteIP)
	return mail.Envelope{
		ReversePath: r.ReversePath,
		SMTPUTF8:    r.SMTPUTF8,
		Session:     mail.Session{Listener: r.Listener, HELO: r.HELO, RemoteIP: ip, TLS: r.TLS},
	}
}

// A delivery's seq is that of its message, and its number.
const numberBits = 20

// DeliverySeq is the seq of a message's delivery of that number.
func DeliverySeq(message int64, number int) int64 { return message<<numberBits | int64(number) }

// DeliverySeqs are the first and the last that a message's deliveries can have.
func DeliverySeqs(message int64) (first, last int64) {
	return DeliverySeq(message, 0), DeliverySeq(message, MaxDeliveries)
}

// MessageSeq is the seq of a delivery's message.
func MessageSeq(delivery int64) int64 { return delivery >> numberBits }

// LastMessage is the highest seq that a message with a delivery before another, which is 0 for
// none, can have.
func LastMessage(before int64) int64 {
	if before == 0 {
		return math.MaxInt64
	}
	return MessageSeq(before - 1)
}

// DeliveryNumber is the number of a delivery within its message.
func DeliveryNumber(delivery int64) int { return int(delivery & MaxDeliveries) }

// Lane is the queue's name for an endpoint. Neither part can hold a slash.
func (e Endpoint) Lane() string { return e.Tenant + "/" + e.Name }

// LaneEndpoint is the endpoint of a lane.
func LaneEndpoint(lane string) Endpoint {
	tenant, name, _ := strings.Cut(lane, "/")
	return Endpoint{Tenant: tenant, Name: name}
}

// Ends says when a new message's body is not needed any more, and when its row in the log
// ends, which is zero for never.
func (m *NewMessage) Ends() (forget, log time.Time) {
	forget, log = m.ReceivedAt, m.ReceivedAt
	for _, d := range m.Deliveries {
		forget = later(forget, d.BodyUntil(d.State))
		if d.LogUntil.IsZero() || log.IsZero() {
			log = time.Time{}
		} else {
			log = later(log, d.LogUntil)
		}
	}
	return forget, log
}

// BodyUntil is when a message does not need its body any more.
func (m *Message) BodyUntil() time.Time {
	until := m.ReceivedAt
	for _, d := range m.Deliveries {
		until = later(until, d.BodyUntil(d.State))
	}
	return until
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// KindCondition is the condition of a filter that deliveries d are of events, or of mails.
// The indexes for lists are of the one or the other.
func KindCondition(f Filter) string {
	if f.Events {
		return ` WHERE d.event <> ''`
	}
	return ` WHERE d.event = ''`
}

// Package reception is what every source of mail does with a mail: store its
// octets, show it to the scanners, then store its row, and only then call it
// received.
//
// # Durability
//
// Receive returns an id after the body is fsynced and the row is committed. On
// an error nothing of the mail is left that could be delivered: at most a body
// that no row refers to, which the spool's sweep removes. The exception is a
// store that fails after it has committed: that mail is whole and is delivered,
// and comes a second time when its sender tries again, rather than never.
//
// A mail that the scanners' word keeps out is a *[Refusal]. One that was rejected for
// good has a row in the log, without a body.
//
// A mail that was fetched and that the store has already is [store.ErrFetched]; nothing of it
// is left, and nothing was to be done.
package reception

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/queue"
	"github.com/postern-mail/postern/gateway/internal/route"
	"github.com/postern-mail/postern/gateway/internal/scan"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// discardTimeout bounds the clean-up after a failure.
const discardTimeout = 10 * time.Second

// Bodies is what reception needs of a body store.
type Bodies interface {
	Put(ctx context.Context, id mail.MessageID, expires time.Time, r io.Reader) (mail.BodyRef, error)
	Open(ctx context.Context, ref mail.BodyRef) (mail.Body, error)
	Delete(ctx context.Context, ref mail.BodyRef) error
	Sweep(ctx context.Context, live func(context.Context, []mail.MessageID) (map[mail.MessageID]mail.BodyRef, error)) (int, error)
}

// Reception takes mail in.
type Reception struct {
	bodies    Bodies
	queue     *queue.Queue
	setup     atomic.Pointer[setup]
	screening Screening // but for its policies
	log       hclog.Logger
}

// setup is what of the configuration can change, by the names of tenants.
type setup struct {
	retention map[string]Retention
	policies  map[string]Policy
}

// Retention is how long what of a tenant's mail is kept, from when it was received.
type Retention struct {
	// Raw is of the mail's octets, and of deliveries that have not ended.
	Raw time.Duration
	// Payload is of the payload once its delivery has ended, and Held of a delivery that is
	// quarantined, with its mail; 0 for as long as Raw.
	Payload, Held time.Duration
	// Log is of the log's row; 0 for ever.
	Log time.Duration
}

// Ends are the ends of a delivery that was received at a time.
func (r Retention) Ends(received time.Time) store.Retention {
	after := func(d time.Duration) time.Time {
		if d == 0 {
			return time.Time{}
		}
		return received.Add(d)
	}
	return store.Retention{ExpiresAt: received.Add(r.Raw), PayloadUntil: after(r.Payload), HeldUntil: after(r.Held), LogUntil: after(r.Log)}
}

// New returns a reception. The map gives each tenant's retention.
func New(bodies Bodies, q *queue.Queue, retention map[string]Retention, s Screening, log hclog.Logger) *Reception {
	r := &Reception{bodies: bodies, queue: q, screening: s, log: log.Named("reception")}
	r.setup.Store(&setup{retention, s.Policies})
	return r
}

// Reconfigure gives the mails that come from now on other retentions and policies. One that
// is under way may be for a tenant that is not there any more, so what held for those
// still does.
func (r *Reception) Reconfigure(retention map[string]Retention, policies map[string]Policy) {
	before := r.setup.Load()
	now := &setup{make(map[string]Retention), make(map[string]Policy)}
	for _, s := range []*setup{before, {retention, policies}} {
		maps.Copy(now.retention, s.retention)
		maps.Copy(now.policies, s.policies)
	}
	r.setup.Store(now)
}

// Mail is a mail on its way in.
type Mail struct {
	Envelope   mail.Envelope
	Recipients []Recipient
	// Began is when the source began to hand over the mail.
	Began time.Time
	// Fetched says where in a mail account it was; nil for a mail that came by itself.
	// Its Digest is worked out here, whatever Receive returns, once the whole mail has come.
	Fetched *store.Fetched
	// Known is asked whether a mail that was fetched is in the store under another UID, and is
	// not to be taken again; nil where it is to be taken in any case.
	Known func(ctx context.Context, digest store.Digest) (bool, error)
	// Turn is waited for when the mail is spooled and scanned, and before anything of it is stored; nil is at
	// once. A source hands over several mails at the same time by that, which are stored in their order.
	Turn func(ctx context.Context) error
	// TraceField makes the gateway's own Received field; nil for none.
	TraceField func(id mail.MessageID, received time.Time) string
}

// Recipient is one recipient and what it means.
type Recipient struct {
	Address string
	Target  route.Target
}

// ErrKnown means that Mail.Known knew a mail, which was not taken again.
var ErrKnown = errors.New("known by its digest")

// Receive stores a mail and queues its deliveries. When it returns without an
// error, the mail is safe. An error of body is in the error's chain.
func (r *Reception) Receive(ctx context.Context, m Mail, body io.Reader) (mail.MessageID, error) {
	received := time.Now()
	id := mail.NewMessageID(received)
	digest := sha256.New()
	counter, head := &countingWriter{}, &headReader{}
	setup := r.setup.Load()
	deliveries := deliveries(m.Recipients, received, setup.retention)
	writers := []io.Writer{digest, counter, head}
	var content *digester
	if m.Fetched != nil {
		content = newDigester()
		writers = append(writers, content)
	}
	ref, err := r.bodies.Put(ctx, id, latest(deliveries), io.TeeReader(body, io.MultiWriter(writers...)))
	if err != nil {
		return "", fmt.Errorf("receive: %w", err)
	}
	spooled := time.Now()
	if m.Fetched != nil {
		m.Fetched.Digest = content.Sum()
		if err := m.isKnown(ctx); err != nil {
			r.discard(id, ref)
			return "", fmt.Errorf("receive: %w", err)
		}
	}
	message := store.NewMessage{
		ID:         id,
		Envelope:   m.Envelope,
		ReceivedAt: received,
		Size:       counter.n,
		SHA256:     hex.EncodeToString(digest.Sum(nil)),
		Body:       ref,
		Subject:    head.end(),
		Fetched:    m.Fetched,
		Deliveries: deliveries,
		Steps: []mail.Step{
			{At: m.Began, Name: "transaction began"},
			{At: received, Name: "received and spooled", Duration: spooled.Sub(received)},
		},
	}
	if m.TraceField != nil {
		message.TraceField = m.TraceField(id, received)
	}
	if err := r.screen(ctx, m, &message, setup.policies); err != nil {
		r.discard(id, ref)
		return "", fmt.Errorf("receive: %w", err)
	}
	if err := r.queue.Enqueue(ctx, message); err != nil {
		r.discard(id, ref)
		return "", fmt.Errorf("receive: %w", err)
	}
	from := []any{"listener", m.Envelope.Session.Listener, "remote_ip", m.Envelope.Session.RemoteIP}
	if f := m.Fetched; f != nil {
		from = []any{"account", f.Account, "folder", hclog.Quote(f.Folder), "uid", f.UID}
	}
	r.log.Info("received", append([]any{
		"message_id", id, "tenants", tenants(m.Recipients), "deliveries", len(message.Deliveries),
		"size", counter.n, "reverse_path", hclog.Quote(m.Envelope.ReversePath),
	}, from...)...)
	for i, d := range message.Deliveries {
		if d.State == mail.Quarantined || d.State == mail.Rejected {
			r.log.Warn("a delivery was decided when its mail was received", "delivery_id", id.Delivery(i+1), "tenant", d.Endpoint.Tenant, "endpoint", d.Endpoint.Name,
				"state", d.State, "reason", hclog.Quote(d.Reason))
		}
	}
	return id, nil
}

// isKnown is ErrKnown where the mail is.
func (m *Mail) isKnown(ctx context.Context) error {
	if m.Known == nil {
		return nil
	}
	known, err := m.Known(ctx, m.Fetched.Digest)
	if err == nil && known {
		err = ErrKnown
	}
	return err
}

func (m *Mail) turn(ctx context.Context) error {
	if m.Turn == nil {
		return nil
	}
	return m.Turn(ctx)
}

// screen shows a mail to the scanners and decides about its deliveries. What is
// rejected as a whole is logged as such; its body is the caller's to discard.
func (r *Reception) screen(ctx context.Context, m Mail, message *store.NewMessage, policies map[string]Policy) error {
	s := r.screening
	s.Policies = policies
	if s.Spam == nil && s.Virus == nil {
		return m.turn(ctx)
	}
	body, err := r.bodies.Open(ctx, message.Body)
	if err != nil {
		return err
	}
	defer body.Close()
	recipients := make([]string, len(m.Recipients))
	for i, rcpt := range m.Recipients {
		recipients[i] = rcpt.Address
	}
	found, err := s.screen(ctx, r.log, scan.Mail{
		Body: body, ID: message.ID, Envelope: m.Envelope, Recipients: recipients, Hostname: s.Hostname,
	}, message.Deliveries)
	if err != nil {
		return err
	}
	if err := m.turn(ctx); err != nil {
		return err
	}
	message.Reports, message.Steps = found.reports(), append(message.Steps, found.steps...)
	refused := s.decide(found, message.Deliveries)
	var refusal *Refusal
	if errors.As(refused, &refusal) && refusal.Temporary && m.Fetched != nil {
		return nil // nobody would send it again, nor is its score another then: it is held
	}
	if errors.As(refused, &refusal) && !refusal.Temporary {
		rejected := *message
		rejected.Body, rejected.Reports = "", nil
		if m.Fetched != nil { // without a digest: what nobody got is never to be deleted on its server
			place := *m.Fetched
			place.Digest = store.Digest{}
			rejected.Fetched = &place
		}
		if err := r.queue.Enqueue(ctx, rejected); err != nil {
			return err // which is temporary: what is not logged is not refused for good
		}
	}
	return refused
}

// discard deletes the body of a message that could not be enqueued. Where nobody can say
// whether the row was committed all the same, or whether it will be found so by who opens
// the database next, the body stays: the sweep finds out later.
func (r *Reception) discard(id mail.MessageID, ref mail.BodyRef) {
	ctx, cancel := context.WithTimeout(context.Background(), discardTimeout)
	defer cancel()
	live, err := r.queue.LiveBodies(ctx, []mail.MessageID{id})
	if err == nil && live[id] != ref {
		err = r.bodies.Delete(ctx, ref)
	}
	if err != nil {
		r.log.Warn("the body of a mail that was refused stays until it is swept", "message_id", id, "error", err)
	}
}

// deliveries lists message × recipient × endpoint. A recipient that was named
// twice in one transaction counts once.
func deliveries(recipients []Recipient, received time.Time, retention map[string]Retention) []store.NewDelivery {
	seen := make(map[string]bool)
	var list []store.NewDelivery
	for _, rcpt := range recipients {
		key := mail.FoldLocal(rcpt.Address)
		if seen[key] {
			continue
		}
		seen[key] = true
		for _, endpoint := range rcpt.Target.Endpoints {
			list = append(list, store.NewDelivery{
				Endpoint:  store.Endpoint{Tenant: rcpt.Target.Tenant, Name: endpoint},
				Alias:     rcpt.Target.Alias,
				Recipient: rcpt.Address,
				Retention: retention[rcpt.Target.Tenant].Ends(received),
			})
		}
	}
	return list
}

// latest is when the body is not needed any more, whatever becomes of the deliveries.
func latest(deliveries []store.NewDelivery) time.Time {
	var t time.Time
	for _, d := range deliveries {
		for _, end := range []time.Time{d.ExpiresAt, d.HeldUntil} {
			if end.After(t) {
				t = end
			}
		}
	}
	return t
}

func tenants(recipients []Recipient) []string {
	var names []string
	seen := make(map[string]bool)
	for _, rcpt := range recipients {
		if !seen[rcpt.Target.Tenant] {
			seen[rcpt.Target.Tenant] = true
			names = append(names, rcpt.Target.Tenant)
		}
	}
	return names
}

type countingWriter struct{ n int64 }

func (c *countingWriter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}

// SweepBodies removes the bodies that a crash has left without a row. Bodies
// that are being received meanwhile are not touched.
func (r *Reception) SweepBodies(ctx context.Context) {
	n, err := r.bodies.Sweep(ctx, r.queue.LiveBodies)
	if n > 0 {
		r.log.Info("swept bodies that a crash or a refused mail left", "bodies", n)
	}
	switch {
	case err == nil, errors.Is(err, context.Canceled):
	case errors.Is(err, mail.ErrDamaged):
		r.log.Error("some of the bodies that a crash left could not be swept, since what is around them is damaged", "error", err)
	default:
		r.log.Warn("bodies that a crash left could not be swept; it is tried again later", "error", err)
	}
}

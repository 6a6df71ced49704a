package dispatch

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sync/semaphore"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/mime"
	"github.com/postern-mail/postern/gateway/internal/payload"
	"github.com/postern-mail/postern/gateway/internal/pipeline"
	"github.com/postern-mail/postern/gateway/internal/plugin"
	"github.com/postern-mail/postern/gateway/internal/queue"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// documentMemory bounds the octets of documents in memory at the same time, and
// documentSize how much of one mail can get into its document: what is more is
// attachments, which are streamed.
const (
	documentMemory = 128 << 20
	documentSize   = 16 << 20
	// documentCost is how many times its length a document takes while it is made, or
	// read: as a tree, and encoded.
	documentCost = 3
	// maxLost is how many leases on a delivery are lost before its chain is taken for
	// what ends the process. Those that a stop gives back are not.
	maxLost = 5
)

var (
	// errInterrupted means that the stop came before the chain had ended.
	errInterrupted = errors.New("the chain was interrupted by the stop")
	// errDecided means that there is no request to be made, and that the outcome says
	// what becomes of the delivery.
	errDecided = errors.New("decided without a request")
)

// document returns the delivery's document: the stored one, or what its chain
// makes of it, which the outcome then carries to the store. It fails with errDecided
// where the chain wants no request.
func (d *Dispatcher) document(ctx, stop context.Context, job store.Job, endpoint Endpoint, body mail.Body, held *reservation, o *queue.Outcome) (*document.Document, error) {
	if job.DocumentSize > 0 {
		stored, err := d.queue.Document(ctx, job.ID)
		if err != nil {
			return nil, err
		}
		return document.Unmarshal(stored)
	}
	chain := d.chain(job.Endpoint.Tenant, job.Alias)
	if job.Lost >= maxLost && len(chain) > 0 {
		o.State, o.Attempt = mail.Quarantined, nil
		o.Reason = fmt.Sprintf("plugins: the gateway ended %d times while they worked on this delivery", job.Lost)
		return nil, errDecided
	}
	began := time.Now()
	view, err := mime.Parse(body, body.Size())
	if err != nil {
		return nil, err
	}
	o.Subject = view.Subject
	o.Steps = []mail.Step{{
		At: began, Name: "parsed", Duration: time.Since(began),
		Detail: fmt.Sprintf("attachments: %d, links: %d, warnings: %d", len(view.Attachments), len(view.Links), len(view.Warnings)),
	}}
	reports, virus, err := d.scanned(ctx, job, view, body, o)
	if held, ok := errors.AsType[*errVirusHeld](err); ok {
		o.State, o.Reason, o.Attempt = mail.Quarantined, held.Error(), nil
		return nil, errDecided
	}
	if err != nil {
		return nil, err
	}
	doc := payload.Build(view, payload.Facts{
		ID: job.ID, Tenant: job.Endpoint.Tenant, Alias: job.Alias, Recipient: job.Recipient,
		Envelope: job.Envelope, ReceivedAt: job.ReceivedAt, SHA256: job.SHA256, Virus: virus,
	})
	out := pipeline.Run(stop, chain, plugin.Mail{
		ID: job.ID, Tenant: job.Endpoint.Tenant, Alias: job.Alias, Recipient: job.Recipient,
		Envelope: job.Envelope, ReceivedAt: job.ReceivedAt, View: view, Raw: body, Scans: reports,
	}, doc)
	o.Steps = append(o.Steps, out.Steps...)
	for _, s := range out.Steps {
		if s.Error != "" {
			d.log.Warn("a plugin failed", "delivery_id", job.ID, "tenant", job.Endpoint.Tenant, "plugin", strings.TrimPrefix(s.Name, "stage "), "on_error", s.Verdict, "reason", hclog.Quote(s.Error))
		}
	}
	switch out.Verdict {
	case pipeline.Interrupted:
		return nil, errInterrupted
	case pipeline.Deliver:
	case pipeline.TryAgain:
		o.Attempt.Reason, o.Attempt.Duration = out.Reason, time.Since(o.Attempt.At)
		return nil, errDecided
	case pipeline.Dropped:
		o.State, o.Reason, o.Attempt = mail.Dropped, out.Reason, nil
		return nil, errDecided
	case pipeline.Quarantined:
		// What was made until then is for the operator to look at.
		o.State, o.Reason, o.Attempt = mail.Quarantined, out.Reason, nil
	}
	began = time.Now()
	placed, err := payload.PlaceContent(out.Document, endpoint.Placement, d.link(job))
	if err != nil {
		return nil, err
	}
	if placed.ByURL+placed.Omitted > 0 {
		o.Steps = append(o.Steps, mail.Step{At: began, Name: "attachments placed", Duration: time.Since(began), Detail: placed.String()})
	}
	// A plugin can make much out of little.
	if err := held.resize(ctx, documentCost*int64(out.Document.Size())); err != nil {
		return nil, err
	}
	if o.Document, err = out.Document.Marshal(); err != nil {
		return nil, err
	}
	if o.State != "" {
		return nil, errDecided
	}
	return out.Document, nil
}

// link makes the URLs of a delivery's attachments. They last as long as its mail.
func (d *Dispatcher) link(job store.Job) payload.Link {
	return func(p document.Part) string { return d.links.URL(job.ID, p, job.ExpiresAt) }
}

// revise makes another document for an endpoint that calls the payload too large,
// where there is content to be moved out of it. The next attempt sends that, under the
// same webhook-id: of what was refused, the receiver has nothing.
func (d *Dispatcher) revise(job store.Job, endpoint Endpoint, doc *document.Document, o *queue.Outcome) {
	began := time.Now()
	revised := *doc
	moved, placed, err := payload.MoveContent(&revised, endpoint.Placement, d.link(job))
	if moved == 0 && err == nil {
		return // the attempt has failed like any other
	}
	var stored []byte
	if err == nil {
		stored, err = revised.Marshal()
	}
	if err != nil {
		d.log.Error("the payload could not be revised", "delivery_id", job.ID, "error", err)
		return
	}
	o.Document, o.Revised = stored, true
	o.Steps = append(o.Steps, mail.Step{
		At: began, Name: "payload revised", Duration: time.Since(began),
		Detail: fmt.Sprintf("the endpoint called it too large (413), so %d attachments were moved out of it; %s", moved, placed),
	})
}

// reservation is the memory that one attempt has taken.
type reservation struct {
	memory *semaphore.Weighted
	octets int64
}

// reserve waits until there is memory for an attempt.
func reserve(ctx context.Context, memory *semaphore.Weighted, octets int64) (*reservation, error) {
	r := &reservation{memory: memory}
	return r, r.resize(ctx, octets)
}

// resize takes more or less. What was held is given back before more is waited
// for: two that wait for each other would wait for ever.
func (r *reservation) resize(ctx context.Context, octets int64) error {
	octets = min(octets, documentMemory)
	if octets <= r.octets {
		r.memory.Release(r.octets - octets)
		r.octets = octets
		return nil
	}
	r.free()
	if err := r.memory.Acquire(ctx, octets); err != nil {
		return err
	}
	r.octets = octets
	return nil
}

func (r *reservation) free() {
	r.memory.Release(r.octets)
	r.octets = 0
}

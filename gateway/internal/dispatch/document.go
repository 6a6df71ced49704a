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

// errInterrupted means that the stop came before the chain had ended.
var errInterrupted = errors.New("the chain was interrupted by the stop")

// document returns the delivery's document: the stored one, or what its chain
// makes of it, which the outcome then carries to the store. It is nil where the
// chain wants no attempt, which the outcome then says.
func (d *Dispatcher) document(ctx, stop context.Context, job store.Job, body mail.Body, held *reservation, o *queue.Outcome) (*document.Document, error) {
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
		return nil, nil //nolint:nilnil // as the outcome says
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
		return nil, nil //nolint:nilnil // as the outcome says
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
		return nil, nil //nolint:nilnil // as the outcome says
	case pipeline.Dropped:
		o.State, o.Reason, o.Attempt = mail.Dropped, out.Reason, nil
		return nil, nil //nolint:nilnil // as the outcome says
	case pipeline.Quarantined:
		// What was made until then is for the operator to look at.
		o.State, o.Reason, o.Attempt = mail.Quarantined, out.Reason, nil
	}
	// A plugin can make much out of little.
	if err := held.resize(ctx, documentCost*int64(out.Document.Size())); err != nil {
		return nil, err
	}
	if o.Document, err = out.Document.Marshal(); err != nil || o.State != "" {
		return nil, err
	}
	return out.Document, nil
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

package dispatch

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/mime"
	"github.com/postern-mail/postern/gateway/internal/mime/header"
	"github.com/postern-mail/postern/gateway/internal/payload"
	"github.com/postern-mail/postern/gateway/internal/pipeline"
	"github.com/postern-mail/postern/gateway/internal/plugin"
	"github.com/postern-mail/postern/gateway/internal/queue"
	"github.com/postern-mail/postern/gateway/internal/store"
)

const (
	// documentSize is how much of one mail can get into its document, in octets: what is
	// more is attachments, which are streamed.
	documentSize = 16 << 20
	// documentCost is how many times its length a document takes while it is made, or
	// read: as a tree, and encoded.
	documentCost = 3
	// maxLost is how many leases on a delivery are lost before its chain is taken for
	// what ends the process. Those that a stop gives back are not.
	maxLost = 5
)

// errInterrupted means that the stop came before the chain had ended.
var errInterrupted = errors.New("the chain was interrupted by the stop")

// failedChainError is a chain that is to be tried again.
type failedChainError struct {
	reason string
	took   time.Duration
}

func (e *failedChainError) Error() string { return e.reason }

// prepared is what there is to send, or how the delivery ends without that.
type prepared struct {
	document *document.Document // nil where ended says how
	ended    mail.State
	reason   string     // of ended
	made     queue.Made // for the store
}

// end says that there is nothing to send.
func (p *prepared) end(state mail.State, reason string) {
	p.document, p.ended, p.reason = nil, state, reason
}

// prepare returns the delivery's document: the stored one, or what its chain makes of
// it. With an error, what was made until then is of use to people.
func (d *Dispatcher) prepare(stop context.Context, job store.Job, endpoint Endpoint, chain []pipeline.Stage, body mail.Body, held *reservation) (prepared, error) {
	if job.DocumentSize > 0 {
		stored, err := d.queue.Document(stop, job.ID)
		if err != nil {
			return prepared{}, err
		}
		doc, err := document.Unmarshal(stored)
		return prepared{document: doc}, err
	}
	if job.Event.IsEvent() {
		return prepared{}, errEventLost
	}
	p, err := d.run(stop, job, chain, body)
	if err != nil || p.document == nil {
		return p, err
	}
	if err := d.place(stop, job, endpoint, held, &p); err != nil {
		p.ended = ""
		return p, err
	}
	return p, nil
}

// run has the chain make the document.
func (d *Dispatcher) run(stop context.Context, job store.Job, chain []pipeline.Stage, body mail.Body) (p prepared, err error) {
	switch {
	case len(chain) == 0:
	case job.Lost >= maxLost:
		p.end(mail.Quarantined, fmt.Sprintf("plugins: the gateway ended %d times while this delivery was worked on", job.Lost))
		return p, nil
	case job.Lost > 0:
		if err := d.queue.Begin(stop, job); err != nil {
			return p, err
		}
	}
	began := time.Now()
	view, err := mime.Parse(body, body.Size())
	if err != nil {
		return p, err
	}
	p.made.Subject = header.Cut(view.Subject, store.MaxSubject)
	p.made.Steps = []mail.Step{{
		At: began, Name: "parsed", Duration: time.Since(began),
		Detail: fmt.Sprintf("attachments: %d, links: %d, warnings: %d", len(view.Attachments), len(view.Links), len(view.Warnings)),
	}}
	scans, err := d.scans(stop, job, view, body)
	p.made.Steps = append(p.made.Steps, scans.steps...)
	if held, ok := errors.AsType[*virusHeldError](err); ok {
		p.end(mail.Quarantined, held.Error())
		return p, nil
	}
	if err != nil {
		return p, err
	}
	doc := payload.Build(view, payload.Facts{
		ID: job.ID, Tenant: job.Endpoint.Tenant, Alias: job.Alias, Recipient: job.Recipient,
		Envelope: job.Envelope, ReceivedAt: job.ReceivedAt, SHA256: job.SHA256, Virus: scans.virus,
	})
	if job.Released {
		chain = pipeline.Released(chain)
	}
	began = time.Now()
	m := plugin.Mail{
		ID: job.ID, Tenant: job.Endpoint.Tenant, Alias: job.Alias, Recipient: job.Recipient,
		Envelope: job.Envelope, ReceivedAt: job.ReceivedAt, View: view, Raw: body, Scans: scans.reports,
	}
	out := pipeline.Run(stop, chain, m, doc)
	if len(out.Shadowed) > 0 && d.cfg.Shadows != nil {
		d.cfg.Shadows.Offer(m, job.Body, out.Shadowed)
	}
	p.made.Steps = append(p.made.Steps, out.Steps...)
	for _, s := range out.Steps {
		if s.Error != "" {
			d.log.Warn("a plugin failed", "delivery_id", job.ID, "tenant", job.Endpoint.Tenant, "plugin", strings.TrimPrefix(s.Name, pipeline.StepPrefix), "on_error", s.Verdict, "reason", hclog.Quote(s.Error))
		}
	}
	d.tellPlugins(job, out.Steps)
	switch out.Verdict {
	case pipeline.Deliver:
		p.document = out.Document
	case pipeline.Interrupted:
		return p, errInterrupted
	case pipeline.TryAgain:
		return p, &failedChainError{reason: out.Reason, took: time.Since(began)}
	case pipeline.Dropped:
		p.end(mail.Dropped, out.Reason)
	case pipeline.Quarantined:
		// What was made until then is for the operator to look at.
		p.document, p.ended, p.reason = out.Document, mail.Quarantined, out.Reason
	}
	return p, nil
}

// place decides where content goes, and makes of the document what is stored.
func (d *Dispatcher) place(stop context.Context, job store.Job, endpoint Endpoint, held *reservation, p *prepared) error {
	began := time.Now()
	var placed payload.Placed
	var err error
	if !endpoint.Placement.LeavesAll() { // to measure a payload is to write it once more
		if placed, err = payload.PlaceContent(p.document, endpoint.Placement, d.link(job)); err != nil {
			return err
		}
	}
	if placed.Excess > 0 || placed.ByURL+placed.Omitted > 0 {
		p.made.Steps = append(p.made.Steps, mail.Step{At: began, Name: "attachments placed", Duration: time.Since(began), Detail: placed.String()})
	}
	if placed.Excess > 0 {
		d.log.Warn("a payload is above max_payload_size without any attachment that could be moved", "delivery_id", job.ID, "tenant", job.Endpoint.Tenant,
			"endpoint", job.Endpoint.Name, "octets", placed.Size, "excess", placed.Excess)
	}
	// A plugin can make much out of little.
	if err := held.resize(stop, documentCost*int64(p.document.Size())); err != nil {
		return err
	}
	p.made.Document, err = p.document.Marshal()
	return err
}

// link makes the URLs of a delivery's attachments. They last as long as its mail.
func (d *Dispatcher) link(job store.Job) payload.Link {
	return func(p document.Part) string { return d.cfg.Links.URL(job.ID, p, job.ExpiresAt) }
}

// revise makes another document for an endpoint that calls the payload too large,
// where there is content to be moved out of it. The next attempt sends that, under the
// same webhook-id: of what was refused, the receiver has nothing.
func (d *Dispatcher) revise(job store.Job, endpoint Endpoint, doc *document.Document, o *queue.Outcome) {
	began := time.Now()
	revised := *doc
	moved, placed, err := payload.MoveContent(&revised, endpoint.Placement, d.link(job))
	if moved == 0 && err == nil {
		o.Attempt.Reason += "; there is no content that could go elsewhere"
		return
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

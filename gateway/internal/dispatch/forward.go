package dispatch

import (
	"context"
	"time"

	"github.com/postern-mail/postern/gateway/internal/events"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/queue"
	"github.com/postern-mail/postern/gateway/internal/smarthost"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// Forwarder passes mails on to a mail server; *smarthost.Host is one.
type Forwarder interface {
	Send(ctx context.Context, m smarthost.Mail) smarthost.Result
}

// forward makes an attempt by SMTP: what is sent is the mail as it was received, whatever the
// chain has made of its document. It tells whether the server was to be reached.
func (d *Dispatcher) forward(ctx context.Context, job store.Job, to Forwarder, body mail.Body, o *queue.Outcome) {
	made := o.Attempt
	made.At = time.Now()
	res := to.Send(ctx, smarthost.Mail{
		Envelope: job.Envelope, Recipient: job.Recipient, TraceField: job.TraceField, Body: body, Size: body.Size(),
	})
	made.Duration, made.Code, made.Reason, made.Response = time.Since(made.At), res.Code, res.Reason, []byte(res.Response)
	if res.Delivered {
		o.State = mail.Delivered
	}
	o.Permanent = res.Permanent
	if d.cfg.Events == nil {
		return
	}
	about := store.About{Tenant: job.Endpoint.Tenant, Class: events.Endpoint, Name: job.Endpoint.Name}
	switch {
	case res.Failure != nil:
		d.tell(func(ctx context.Context) error { return d.cfg.Events.Failed(ctx, about, res.Failure) })
	case res.LoggedIn:
		d.tell(func(ctx context.Context) error { return d.cfg.Events.Succeeded(ctx, about) })
	}
}

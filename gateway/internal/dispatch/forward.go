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

// forwardStop is how long a mail that is under way to a mail server may go on after a stop. By the
// server's own pace it could be many minutes.
const forwardStop = 30 * time.Second

// Forwarder passes mails on to a mail server; *smarthost.Host is one. The end of ctx ends a Send at once.
type Forwarder interface {
	Send(ctx context.Context, m smarthost.Mail) smarthost.Result
}

// forward makes an attempt by SMTP: what is sent is the mail as it was received, whatever the
// chain has made of its document. It tells whether the server was to be reached. Where a stop has cut it, before
// the server has answered, nothing is known and nothing is told: the mail is sent again.
func (d *Dispatcher) forward(stop context.Context, job store.Job, to Forwarder, body mail.Body, o *queue.Outcome) (interrupted bool) {
	ctx, cut := outlive(stop, forwardStop)
	defer cut()
	made := o.Attempt
	made.At = time.Now()
	res := to.Send(ctx, smarthost.Mail{
		Envelope: job.Envelope, Recipient: job.Recipient, TraceField: job.TraceField, Body: body, Size: body.Size(),
	})
	if ctx.Err() != nil && !res.Delivered && res.Code == 0 {
		return true
	}
	made.Duration, made.Code, made.Reason, made.Response = time.Since(made.At), res.Code, res.Reason, []byte(res.Response)
	if res.Delivered {
		o.State = mail.Delivered
	}
	o.Permanent = res.Permanent
	if d.cfg.Events == nil {
		return false
	}
	about := store.About{Tenant: job.Endpoint.Tenant, Class: events.Endpoint, Name: job.Endpoint.Name}
	switch {
	case res.Failure != nil:
		d.tell(func(ctx context.Context) error { return d.cfg.Events.Failed(ctx, about, res.Failure) })
	case res.LoggedIn:
		d.tell(func(ctx context.Context) error { return d.cfg.Events.Succeeded(ctx, about) })
	}
	return false
}

// outlive returns a context that ends some time after another has, or by the function, which is to be called.
func outlive(stop context.Context, by time.Duration) (context.Context, func()) {
	ctx, cut := context.WithCancel(context.WithoutCancel(stop))
	release := context.AfterFunc(stop, func() {
		timer := time.NewTimer(by)
		defer timer.Stop()
		select {
		case <-timer.C:
			cut()
		case <-ctx.Done():
		}
	})
	return ctx, func() {
		release()
		cut()
	}
}

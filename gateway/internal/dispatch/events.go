package dispatch

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/events"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/outbound"
	"github.com/postern-mail/postern/gateway/internal/pipeline"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// tellTime bounds how long a worker is kept from the next delivery by telling of this one.
const tellTime = 10 * time.Second

// Events is told of what fails and of what works; *events.Events is one.
type Events interface {
	Failed(ctx context.Context, about store.About, f *outbound.Failure) error
	Succeeded(ctx context.Context, about store.About) error
	Tell(ctx context.Context, o events.Occurrence) error
}

// tellPlugins tells of each plugin of a chain that ran whether it failed. A success costs
// nothing where nothing fails.
func (d *Dispatcher) tellPlugins(job store.Job, steps []mail.Step) {
	if d.cfg.Events == nil {
		return
	}
	for _, s := range steps {
		name, ok := strings.CutPrefix(s.Name, pipeline.StepPrefix)
		if !ok {
			continue
		}
		d.tell(func(ctx context.Context) error {
			about := store.About{Tenant: job.Endpoint.Tenant, Class: events.Plugin, Name: name}
			if s.Error == "" {
				return d.cfg.Events.Succeeded(ctx, about)
			}
			return d.cfg.Events.Failed(ctx, about, &outbound.Failure{Response: s.Error})
		})
	}
}

// tellFailed tells of a delivery that has failed for good, unless it was that of an event: what
// cannot be told is not to be told of in turn.
func (d *Dispatcher) tellFailed(job store.Job, made *mail.Attempt) {
	if d.cfg.Events == nil || job.Event.IsEvent() {
		return
	}
	message, _ := job.ID.Split()
	o := events.Occurrence{
		About: store.About{Tenant: job.Endpoint.Tenant, Class: events.Endpoint, Name: job.Endpoint.Name},
		Name:  mail.EventDeliveryFailed, Response: made.Reason,
		Extra: []document.Member{
			{Name: "deliveryId", Value: document.String(string(job.ID))},
			{Name: "messageId", Value: document.String(string(message))},
			{Name: "endpoint", Value: document.String(job.Endpoint.Name)},
			{Name: "attempts", Value: document.Int(int64(made.Number))},
		},
	}
	if made.Code != 0 {
		o.Code = strconv.Itoa(made.Code)
	}
	d.tell(func(ctx context.Context) error { return d.cfg.Events.Tell(ctx, o) })
}

// tell has something told. A stop waits for it, as for the attempt.
func (d *Dispatcher) tell(what func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), tellTime)
	defer cancel()
	if err := what(ctx); err != nil {
		d.log.Error("an event could not be stored", "error", hclog.Quote(err.Error()))
	}
}

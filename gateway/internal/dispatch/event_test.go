package dispatch_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/gateway/internal/dispatch"
	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/pipeline"
	"github.com/postern-mail/postern/gateway/internal/store"
)

const eventPayload = `{"account":"sales","date":"2026-02-12T10:30:00.000Z","event":"connectError","data":{"response":"connect ECONNREFUSED 192.0.2.1:993"}}`

// tell queues an event for an endpoint.
func (g *gateway) tell(endpoint string, keeps time.Duration) mail.MessageID {
	g.t.Helper()
	root, err := document.Parse([]byte(eventPayload))
	must(g.t, err)
	doc, err := (&document.Document{Root: root}).Marshal()
	must(g.t, err)
	now := time.Now()
	about := store.About{Tenant: "acme", Class: "account", Name: "sales"}
	m := store.MessageOf(mail.NewMessageID(now), now, store.Event{Name: "connectError", About: about}, named(endpoint), "refused", doc, store.Retention{ExpiresAt: now.Add(keeps)})
	must(g.t, g.queue.Sources(g.db).Tell(g.t.Context(), store.Episode{About: about, Kind: string(m.ID), OpenedAt: now}, []store.NewMessage{m}))
	return m.ID
}

// hooks puts a receiver of events into the network.
func (g *gateway) hooks(answer http.HandlerFunc) *endpoint {
	g.t.Helper()
	e := g.network.endpoint(g.t, "hooks", answer)
	e.form = nil
	return e
}

// TestEvent sends an event as it was told: no chain has a part in it, and it is tried again and
// resent as a mail is.
func TestEvent(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, g *gateway) {
		w := &worker{}
		g.chains = map[dispatch.Alias][]pipeline.Stage{{Tenant: "acme"}: {{Name: "crm", Plugin: w}}, {}: {{Name: "crm", Plugin: w}}}
		hooks := g.hooks(says(status(500), status(http.StatusRequestEntityTooLarge), status(200)))
		g.start(1, rooms{"hooks": 1})
		began := time.Now()
		id := g.tell("hooks", retention)
		if d := g.delivery(id); d.State != mail.Retrying || d.Attempts != 1 {
			t.Fatalf("delivery = %+v", d)
		}
		time.Sleep(g.span())
		d := g.delivery(id)
		if d.State != mail.Delivered || d.Attempts != 3 || !strings.Contains(d.Tries[1].Reason, "no content that could go elsewhere") {
			t.Fatalf("delivery = %+v", d)
		}
		g.act(store.Resend, id)
		calls := hooks.got()
		if len(calls) != 4 || len(w.runs) != 0 {
			t.Fatalf("%d requests, %d runs of the chain", len(calls), len(w.runs))
		}
		for _, c := range calls {
			if c.Body != eventPayload || c.ID != string(id.Delivery(1)) {
				t.Errorf("request = %+v", c)
			}
		}
		if !calls[0].At.Equal(began) {
			t.Errorf("it was sent after %s", calls[0].At.Sub(began))
		}
	})
}

// TestEventEndsWithoutMail has events end as mails do: for an endpoint that is not in the configuration,
// and by their retention.
func TestEventEndsWithoutMail(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, g *gateway) {
		g.schedule = []time.Duration{0}
		g.restart()
		g.hooks(status(200))
		unknown := g.tell("nobody", retention)
		late := g.tell("hooks", time.Minute)
		time.Sleep(2 * time.Minute)
		g.start(1, rooms{"hooks": 1})
		time.Sleep(time.Second)
		if d := g.delivery(unknown); d.State != mail.Failed || !strings.Contains(d.Reason, "config: the endpoint is not in the configuration") {
			t.Errorf("delivery = %+v", d)
		}
		if d := g.delivery(late); d.State != mail.Expired || d.Attempts != 0 {
			t.Errorf("delivery = %+v", d)
		}
	})
}

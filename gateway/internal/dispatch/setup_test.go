package dispatch_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/postern-mail/postern/gateway/internal/dispatch"
	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/pipeline"
	"github.com/postern-mail/postern/gateway/internal/plugin"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// held is a stage that goes on when it is let.
type held struct {
	begun, let chan struct{}
}

func (h held) Run(ctx context.Context, _ plugin.Mail, doc *document.Document) (plugin.Result, error) {
	close(h.begun)
	select {
	case <-h.let:
		return plugin.Result{Document: doc, Verdict: plugin.Continue}, nil
	case <-ctx.Done():
		return plugin.Result{Document: doc}, ctx.Err()
	}
}

// TestReconfigure changes chains and endpoints while an attempt is under way: it ends by what it
// began with, which is waited for; what comes then goes by what is new.
func TestReconfigure(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, g *gateway) {
		h := held{make(chan struct{}), make(chan struct{})}
		marks := &worker{}
		g.chains = map[dispatch.Alias][]pipeline.Stage{{Tenant: "acme"}: {{Name: "held", Plugin: h}, {Name: "old", Plugin: marks}}}
		desk := g.network.endpoint(t, "desk", status(200))
		other := g.network.endpoint(t, "other", status(200))
		d := g.start(4, rooms{"desk": 2})
		first := g.receive("desk")
		<-h.begun

		moved := d.cfg.Endpoints[named("desk")]
		moved.URL = "http://other/hook"
		wait := d.dispatcher.Reconfigure(map[store.Endpoint]dispatch.Endpoint{named("desk"): moved}, nil, nil)
		ended := make(chan struct{})
		go func() { wait(); close(ended) }()
		second := g.receive("desk")
		synctest.Wait()
		select {
		case <-ended:
			t.Error("it was not waited for the attempt that is under way")
		default:
		}
		if got := other.got(); len(got) != 1 || strings.Contains(got[0].Body, `"run"`) {
			t.Errorf("the new endpoint got %d payloads while the old attempt was under way", len(got))
		}

		close(h.let)
		<-ended
		if got := desk.got(); len(got) != 1 || !strings.Contains(got[0].Body, `"run 1"`) {
			t.Errorf("the old endpoint got %d payloads, of which the first is to be by the old chain", len(got))
		}
		for _, id := range []mail.MessageID{first, second} {
			if state := g.delivery(id).State; state != mail.Delivered {
				t.Errorf("%s is %s", id, state)
			}
		}
	})
}

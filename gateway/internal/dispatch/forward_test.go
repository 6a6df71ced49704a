package dispatch_test

import (
	"context"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/dispatch"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/outbound"
	"github.com/postern-mail/postern/gateway/internal/pipeline"
	"github.com/postern-mail/postern/gateway/internal/plugin"
	"github.com/postern-mail/postern/gateway/internal/smarthost"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// mailServer answers by its list, and by the last of it from then on.
type mailServer struct {
	mu      sync.Mutex
	answers []smarthost.Result
	got     []smarthost.Mail
	bodies  []string
}

func (s *mailServer) Send(_ context.Context, m smarthost.Mail) smarthost.Result {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, err := io.ReadAll(io.NewSectionReader(m.Body, 0, m.Size))
	if err != nil {
		text = []byte(err.Error())
	}
	s.got, s.bodies = append(s.got, m), append(s.bodies, string(text))
	n := min(len(s.got), len(s.answers)) - 1
	return s.answers[n]
}

// TestForward has mails passed on to a mail server: what becomes of the delivery, and what is told.
func TestForward(t *testing.T) {
	t.Parallel()
	taken := smarthost.Result{Delivered: true, LoggedIn: true, Code: 250, Response: "queued as 1"}
	busy := smarthost.Result{LoggedIn: true, Code: 451, Reason: "refused: 451 4.3.0 later", Response: "451 4.3.0 later"}
	never := smarthost.Result{LoggedIn: true, Permanent: true, Code: 550, Reason: "refused: 550 5.1.1 nobody", Response: "550 5.1.1 nobody"}
	gone := smarthost.Result{Reason: "connect: connect ECONNREFUSED 192.0.2.1:25", Failure: &outbound.Failure{Kind: outbound.Connection, Response: "connect ECONNREFUSED 192.0.2.1:25"}}
	loop := smarthost.Result{Permanent: true, Reason: "loop: the mail has passed by here too often (5.4.6)"}
	for name, tc := range map[string]struct {
		answers []smarthost.Result
		state   mail.State
		tries   int
		code    int
		reason  string
		told    []string
	}{
		"taken":   {[]smarthost.Result{taken}, mail.Delivered, 1, 250, "", []string{"works acme endpoint archive"}},
		"later":   {[]smarthost.Result{busy, busy, taken}, mail.Delivered, 3, 250, "", []string{"works acme endpoint archive", "works acme endpoint archive", "works acme endpoint archive"}},
		"refused": {[]smarthost.Result{never}, mail.Failed, 1, 550, never.Reason, []string{"works acme endpoint archive"}},
		"gone, and back": {
			[]smarthost.Result{gone, taken},
			mail.Delivered, 2, 250, "",
			[]string{"failed acme endpoint archive connect ECONNREFUSED 192.0.2.1:25", "works acme endpoint archive"},
		},
		"gone": {[]smarthost.Result{gone}, mail.Failed, 4, 0, "attempt 4 of 4 failed: " + gone.Reason, nil},
		"loop": {[]smarthost.Result{loop}, mail.Failed, 1, 0, loop.Reason, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, g *gateway) {
				told, server := &toldEvents{}, &mailServer{answers: tc.answers}
				g.events = told
				run := g.start(2, rooms{"archive": 1})
				run.dispatcher.Reconfigure(map[store.Endpoint]dispatch.Endpoint{named("archive"): {Forward: server, MaxConcurrency: 1}}, nil, nil)
				id := g.receive("archive")
				time.Sleep(g.span())
				d := g.delivery(id)
				if d.State != tc.state || len(d.Tries) != tc.tries || d.LastCode != tc.code || d.Reason != tc.reason {
					t.Errorf("delivery = %+v", d)
				}
				if last := d.Tries[len(d.Tries)-1]; string(last.Response) != tc.answers[len(tc.answers)-1].Response {
					t.Errorf("response = %q", last.Response)
				}
				if tc.told != nil {
					events := told.list
					if tc.state == mail.Failed { // delivery.failed is the last
						events = events[:len(events)-1]
					}
					if diff := cmp.Diff(tc.told, events); diff != "" {
						t.Errorf("told (-want +got):\n%s", diff)
					}
				}
				for i, m := range server.got {
					if server.bodies[i] != raw || m.Recipient != "archive@acme.example" || m.TraceField != "Received: by a test\r\n" {
						t.Errorf("mail = %+v\n%s", m, server.bodies[i])
					}
				}
			})
		})
	}
}

// TestForwardGoesByTheChain holds that the chain decides whether a mail is passed on, and has no
// hand in what is: later attempts do not run it again.
func TestForwardGoesByTheChain(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, g *gateway) {
		busy := smarthost.Result{LoggedIn: true, Code: 451, Reason: "refused: 451 4.3.0 later"}
		server := &mailServer{answers: []smarthost.Result{busy, {Delivered: true, LoggedIn: true, Code: 250}}}
		marks := &worker{}
		g.chains = map[dispatch.Alias][]pipeline.Stage{{Tenant: "acme"}: {{Name: "crm", Plugin: marks}}}
		run := g.start(2, rooms{"archive": 1})
		run.dispatcher.Reconfigure(map[store.Endpoint]dispatch.Endpoint{named("archive"): {Forward: server, MaxConcurrency: 1}}, nil, g.chains)
		id := g.receive("archive")
		time.Sleep(g.span())
		if d := g.delivery(id); d.State != mail.Delivered || len(d.Tries) != 2 || len(marks.runs) != 1 || server.bodies[1] != raw {
			t.Errorf("delivery = %+v after %d runs", d, len(marks.runs))
		}

		drops := &worker{verdict: plugin.Drop}
		run.dispatcher.Reconfigure(map[store.Endpoint]dispatch.Endpoint{named("archive"): {Forward: server, MaxConcurrency: 1}}, nil,
			map[dispatch.Alias][]pipeline.Stage{{Tenant: "acme"}: {{Name: "crm", Plugin: drops}}})
		id = g.receive("archive")
		synctest.Wait()
		if d := g.delivery(id); d.State != mail.Dropped || len(server.got) != 2 {
			t.Errorf("delivery = %+v", d)
		}
	})
}

// slowServer takes as long as it is let.
type slowServer struct{ says smarthost.Result }

func (s slowServer) Send(ctx context.Context, _ smarthost.Mail) smarthost.Result {
	<-ctx.Done()
	return s.says
}

// TestStopCutsForward stops while a mail is under way to a server that never ends: the stop waits for half a minute, and
// the mail is given back as if it had not been begun, except where the server has answered after all.
func TestStopCutsForward(t *testing.T) {
	t.Parallel()
	cut := &outbound.Failure{Kind: outbound.Connection, Response: "context canceled"}
	for name, tc := range map[string]struct {
		says  smarthost.Result
		state mail.State
		tries int
	}{
		"cut":      {smarthost.Result{Reason: "connect: context canceled", Failure: cut}, mail.Queued, 0},
		"answered": {smarthost.Result{Delivered: true, LoggedIn: true, Code: 250}, mail.Delivered, 1},
		"refused":  {smarthost.Result{Permanent: true, LoggedIn: true, Code: 550, Reason: "refused: 550 no"}, mail.Failed, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, g *gateway) {
				told := &toldEvents{}
				g.events = told
				run := g.start(2, rooms{"archive": 1})
				run.dispatcher.Reconfigure(map[store.Endpoint]dispatch.Endpoint{named("archive"): {Forward: slowServer{tc.says}, MaxConcurrency: 1}}, nil, nil)
				id := g.receive("archive")
				time.Sleep(time.Hour) // nothing but a stop cuts it
				stopped := time.Now()
				run.stop()
				if took := time.Since(stopped); took != 30*time.Second {
					t.Errorf("the stop took %s", took)
				}
				if d := g.delivery(id); d.State != tc.state || d.InFlight || len(d.Tries) != tc.tries {
					t.Errorf("delivery = %+v", d)
				}
				if told := len(told.list) > 0; told != (tc.tries > 0) {
					t.Errorf("something was told: %t", told)
				}
			})
		})
	}
}

package dispatch_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/dispatch"
	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/pipeline"
	"github.com/postern-mail/postern/gateway/internal/plugin"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// worker is a plugin of a test's making. Its first runs fail; each of the others
// says in the payload which run it was.
type worker struct {
	fails   int
	verdict plugin.Verdict
	panics  bool
	size    int // of what it adds

	mu   sync.Mutex
	runs []plugin.Mail
}

func (w *worker) Run(_ context.Context, m plugin.Mail, doc *document.Document) (plugin.Result, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.runs = append(w.runs, m)
	if w.panics {
		panic("a defect of the host")
	}
	log := []plugin.Line{{Level: "info", Message: "at work"}}
	if len(w.runs) <= w.fails {
		return plugin.Result{Document: doc, Verdict: plugin.Continue, Log: log}, errors.New("its time was over")
	}
	e := doc.Edit(document.Scope{Write: []document.Pointer{{"run"}}}, document.MaxSize)
	if err := e.Set("/run", []byte(`"run `+string(rune('0'+len(w.runs)))+strings.Repeat("x", w.size)+`"`)); err != nil {
		return plugin.Result{}, err
	}
	res := plugin.Result{Document: e.Document(), Verdict: plugin.Continue, Log: log}
	if w.verdict != "" {
		res.Verdict, res.Reason = w.verdict, "because"
	}
	return res, nil
}

// dispatchOne has one mail go through a chain of one stage to an endpoint, until
// all attempts that there can be were made.
func (g *gateway) dispatchOne(t *testing.T, w *worker, onError pipeline.Policy, answer http.HandlerFunc) (store.DeliveryHistory, *endpoint) {
	t.Helper()
	g.chains = chained(w, onError)
	desk := g.network.endpoint(t, "desk", answer)
	id := g.receive("desk")
	g.start(1, rooms{"desk": 1})
	time.Sleep(g.span())
	return g.delivery(id), desk
}

// chained gives the mail of all aliases one stage.
func chained(w *worker, onError pipeline.Policy) map[dispatch.Alias][]pipeline.Stage {
	return map[dispatch.Alias][]pipeline.Stage{
		{Tenant: "acme"}: {{Name: "crm", Plugin: w, OnError: onError}},
	}
}

// TestChainRunsOnce has the endpoint fail twice: all attempts send the bytes that
// one run of the chain made.
func TestChainRunsOnce(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, g *gateway) {
		w := &worker{}
		d, desk := g.dispatchOne(t, w, pipeline.Skip, says(status(500), status(500), status(200)))
		if d.State != mail.Delivered || len(d.Tries) != 3 || d.Subject != "Grüße" {
			t.Errorf("delivery = %+v", d)
		}
		if len(w.runs) != 1 {
			t.Fatalf("the chain ran %d times", len(w.runs))
		}
		if m := w.runs[0]; m.ID != d.ID || m.Alias != "desk" || m.Tenant != "acme" || m.Recipient != "desk@acme.example" || m.View.Subject != "Grüße" || m.Raw == nil {
			t.Errorf("the plugin was given %+v", m)
		}
		for i, got := range desk.got() {
			if !strings.Contains(got.Body, `"run":"run 1"`) {
				t.Errorf("attempt %d sent %s", i+1, got.Body)
			}
		}
		checkStages(t, d, mail.Step{Name: "stage crm", Log: []string{"info: at work"}})
	})
}

// checkStages compares the stages of a trace, but for their times.
func checkStages(t *testing.T, d store.DeliveryHistory, want ...mail.Step) {
	t.Helper()
	var got []mail.Step
	for _, s := range d.Steps {
		if strings.HasPrefix(s.Name, "stage ") {
			s.At, s.Duration = time.Time{}, 0
			got = append(got, s)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestChainEndsDelivery has plugins that want no delivery: there is no attempt, and
// the log says why.
func TestChainEndsDelivery(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		worker  *worker
		onError pipeline.Policy
		state   mail.State
		reason  string
		step    mail.Step
		held    bool
	}{
		"drop": {
			worker: &worker{verdict: plugin.Drop}, state: mail.Dropped, reason: "plugin crm: because",
			step: mail.Step{Name: "stage crm", Verdict: "drop", Log: []string{"info: at work"}},
		},
		"quarantine": {
			worker: &worker{verdict: plugin.Quarantine}, state: mail.Quarantined, reason: "plugin crm: because", held: true,
			step: mail.Step{Name: "stage crm", Verdict: "quarantine", Log: []string{"info: at work"}},
		},
		"quarantine on error": {
			worker: &worker{fails: 1}, onError: pipeline.Quarantine, state: mail.Quarantined, reason: "plugin crm: its time was over", held: true,
			step: mail.Step{Name: "stage crm", Verdict: "quarantine", Error: "its time was over", Log: []string{"info: at work"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, g *gateway) {
				w := tc.worker
				d, desk := g.dispatchOne(t, w, tc.onError, status(200))
				if d.State != tc.state || d.Reason != tc.reason || len(d.Tries) != 0 || d.Attempts != 0 || d.Subject != "Grüße" || !d.Due.IsZero() {
					t.Errorf("delivery = %+v", d)
				}
				if len(w.runs) != 1 || len(desk.got()) != 0 {
					t.Errorf("the chain ran %d times, and %d requests were made", len(w.runs), len(desk.got()))
				}
				id, _ := d.ID.Split()
				if held := strings.Contains(g.document(id), `"subject":"Grüße"`); held != tc.held {
					t.Errorf("a document is kept: %v", held)
				}
				checkStages(t, d, tc.step)
			})
		})
	}
}

// TestChainIsTriedAgain has a plugin that fails and whose policy is to retry: the
// delivery follows the schedule.
func TestChainIsTriedAgain(t *testing.T) {
	t.Parallel()
	failed := mail.Step{Name: "stage crm", Verdict: "retry", Error: "its time was over", Log: []string{"info: at work"}}
	bubble(t, func(t *testing.T, g *gateway) {
		d, desk := g.dispatchOne(t, &worker{fails: 2}, pipeline.Retry, status(200))
		if d.State != mail.Delivered || len(d.Tries) != 3 || d.Tries[1].Reason != "plugin crm: its time was over" || d.Tries[1].Code != 0 || d.Tries[2].Code != 200 {
			t.Errorf("delivery = %+v", d)
		}
		if got := desk.got(); len(got) != 1 || !strings.Contains(got[0].Body, `"run":"run 3"`) {
			t.Errorf("requests = %+v", got)
		}
		checkStages(t, d, failed, failed, mail.Step{Name: "stage crm", Log: []string{"info: at work"}})
	})
	bubble(t, func(t *testing.T, g *gateway) {
		d, desk := g.dispatchOne(t, &worker{fails: 100}, pipeline.Retry, status(200))
		if d.State != mail.Failed || d.Reason != "attempt 4 of 4 failed: plugin crm: its time was over" || len(d.Tries) != 4 || len(desk.got()) != 0 {
			t.Errorf("delivery = %+v", d)
		}
	})
}

// TestChainsOfAliases has one alias with a chain of its own; one that is not in the
// configuration has that of its tenant.
func TestChainsOfAliases(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, g *gateway) {
		w := &worker{}
		g.chains = chained(w, pipeline.Skip)
		g.chains[dispatch.Alias{Tenant: "acme", Name: "plain"}] = nil
		g.network.endpoint(t, "plain", status(200))
		g.network.endpoint(t, "gone", status(200))
		plain, gone := g.receive("plain"), g.receive("gone")
		g.start(2, rooms{"plain": 1, "gone": 1})

		for id, want := range map[mail.MessageID]bool{plain: false, gone: true} {
			if d := g.delivery(id); d.State != mail.Delivered || strings.Contains(g.document(id), `"run"`) != want {
				t.Errorf("delivery to %s = %+v, %s", d.Recipient, d, g.document(id))
			}
		}
	})
}

// TestChainPanics has the host itself fail in a stage.
func TestChainPanics(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, g *gateway) {
		g.chains = map[dispatch.Alias][]pipeline.Stage{
			{Tenant: "acme"}:                {{Name: "crm", Plugin: &worker{panics: true}, OnError: pipeline.Skip}},
			{Tenant: "acme", Name: "spare"}: nil,
		}
		g.network.endpoint(t, "desk", status(200))
		g.network.endpoint(t, "spare", status(200))
		id, other := g.receive("desk"), g.receive("spare")
		g.start(2, rooms{"desk": 1, "spare": 1})
		if d := g.delivery(other); d.State != mail.Delivered {
			t.Errorf("the other delivery = %+v", d)
		}
		if d := g.delivery(id); d.State != mail.Retrying || d.Reason != "internal: see the gateway's log" {
			t.Errorf("delivery = %+v", d)
		}
	})
}

// TestLargeDocuments has plugins make more of the mails than fits into the memory
// for documents: all are delivered all the same.
func TestLargeDocuments(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, g *gateway) {
		g.chains = chained(&worker{size: document.MaxSize * 3 / 4}, pipeline.Skip)
		g.network.endpoint(t, "desk", takes(time.Second))
		id := g.backlog("desk", 7)
		g.start(7, rooms{"desk": 7})
		time.Sleep(time.Minute)
		if diff := cmp.Diff(map[mail.State]int{mail.Delivered: 7}, states(g.deliveries(id))); diff != "" {
			t.Error(diff)
		}
	})
}

// TestChainThatEndsTheProcess has processes end again and again while a delivery is worked
// on: it is held, and another that was only in their hands is not.
func TestChainThatEndsTheProcess(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, g *gateway) {
		w := &worker{}
		g.chains = chained(w, pipeline.Skip)
		g.network.endpoint(t, "desk", status(200))
		id, innocent := g.receive("desk"), g.receive("desk")
		for range 6 { // processes that end with both in their hands
			jobs := g.claim("desk", 2)
			if jobs[0].Lost > 0 { // the chain of the first has begun
				must(t, g.queue.Begin(t.Context(), jobs[0]))
			}
			g.restart()
		}
		g.start(1, rooms{"desk": 1})
		if d := g.delivery(id); d.State != mail.Quarantined || d.Reason != "plugins: the gateway ended 6 times while this delivery was worked on" || len(d.Tries) != 0 {
			t.Errorf("delivery = %+v", d)
		}
		if d := g.delivery(innocent); d.State != mail.Delivered || len(w.runs) != 1 {
			t.Errorf("the other delivery = %+v after %d runs", d, len(w.runs))
		}
	})
}

// patient is a plugin that works until it is interrupted.
type patient struct{}

func (patient) Run(ctx context.Context, _ plugin.Mail, doc *document.Document) (plugin.Result, error) {
	<-ctx.Done()
	return plugin.Result{Document: doc}, ctx.Err()
}

// TestStopInterruptsChains stops while a plugin is at work that would be skipped if it
// failed: nothing is decided, and the next start runs the chain again, however often
// that happens.
func TestStopInterruptsChains(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, g *gateway) {
		desk := g.network.endpoint(t, "desk", status(200))
		g.chains = map[dispatch.Alias][]pipeline.Stage{{Tenant: "acme"}: {{Name: "crm", Plugin: patient{}, OnError: pipeline.Skip}}}
		id := g.receive("desk")
		for range 6 { // more often than a delivery may end the process
			run := g.start(1, rooms{"desk": 1})
			time.Sleep(time.Second)
			stopped := time.Now()
			run.stop()
			if took := time.Since(stopped); took > 0 {
				t.Errorf("the stop took %s", took)
			}
			if d := g.delivery(id); d.State != mail.Queued || d.InFlight || len(d.Steps) != 0 || len(desk.got()) != 0 {
				t.Errorf("delivery = %+v", d)
			}
			g.restart()
		}
		g.chains = chained(&worker{}, pipeline.Skip)
		g.start(1, rooms{"desk": 1})
		if d := g.delivery(id); d.State != mail.Delivered || len(d.Tries) != 1 || !strings.Contains(desk.got()[0].Body, `"run":"run 1"`) {
			t.Errorf("delivery = %+v", d)
		}
	})
}

package dispatch_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/dispatch"
	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/payload"
	"github.com/postern-mail/postern/gateway/internal/pipeline"
	"github.com/postern-mail/postern/gateway/internal/plugin"
	"github.com/postern-mail/postern/gateway/internal/shadow"
	"github.com/postern-mail/postern/gateway/internal/shadow/journal"
)

// hostile is a shadow that does all that it can do: it takes an hour, and then says "drop"
// of another payload, fails, or panics.
type hostile struct{ how string }

func (h hostile) Run(ctx context.Context, m plugin.Mail, doc *document.Document) (plugin.Result, error) {
	select {
	case <-time.After(time.Hour):
	case <-ctx.Done():
		return plugin.Result{Document: doc}, ctx.Err()
	}
	var octets [4]byte
	if _, err := m.Raw.ReadAt(octets[:], 0); err != nil || m.View.Subject != "Grüße" {
		return plugin.Result{Document: doc}, errors.New("it has not got the mail")
	}
	switch h.how {
	case "fails":
		return plugin.Result{Document: doc}, errors.New("no luck")
	case "panics":
		panic("a defect of the host")
	}
	everywhere := []document.Pointer{{}}
	e := doc.Edit(document.Scope{Read: everywhere, Write: everywhere}, document.MaxSize)
	if err := errors.Join(e.Set("/run", []byte(`"shadow"`)), e.Remove("/message")); err != nil {
		return plugin.Result{}, err
	}
	return plugin.Result{Document: e.Document(), Verdict: plugin.Drop, Reason: "not wanted"}, nil
}

// TestShadowsTouchNothing delivers mails beside shadows that are slow, want to drop them,
// change everything, fail, and panic: what the receivers get, when they get it, and what the
// store keeps is as without them. What they made is in the journal.
func TestShadowsTouchNothing(t *testing.T) {
	t.Parallel()
	type seen struct {
		Bodies []string
		After  []time.Duration
		State  string
		Steps  []string
	}
	varies := regexp.MustCompile(`msg_\w+|20\d\d-[\w:.-]+`)
	deliver := func(t *testing.T, how string, onError pipeline.Policy, old *worker) (got seen, outcomes []journal.Outcome) {
		t.Helper()
		bubble(t, func(t *testing.T, g *gateway) {
			dir := filepath.Join(t.TempDir(), "shadow")
			runner := shadow.New(g.bodies, journal.New(dir), g.logger)
			ctx, cancel := context.WithCancel(t.Context())
			var running sync.WaitGroup
			running.Go(func() { runner.Run(ctx) })
			defer running.Wait()
			defer cancel()
			stage := pipeline.Stage{Name: "crm", Plugin: old, OnError: onError}
			if how != "" {
				stage.Shadow = &pipeline.Shadow{Plugin: hostile{how}, Old: "aa", New: "bb"}
				g.shadows = runner
			}
			g.chains = map[dispatch.Alias][]pipeline.Stage{{Tenant: "acme"}: {stage}}
			g.placed = payload.Placement{Attachments: payload.ByURL} // what the delivery's document is changed for, once it is made
			desk := g.network.endpoint(t, "desk", says(status(500), status(200)))
			began := time.Now()
			id := g.receive("desk")
			g.start(1, rooms{"desk": 1})
			time.Sleep(g.span())
			d := g.delivery(id)
			got.State = string(d.State) + " " + d.Reason
			for _, s := range d.Steps {
				got.Steps = append(got.Steps, s.Name+" "+s.Verdict+" "+s.Error)
			}
			for _, c := range desk.got() {
				got.Bodies = append(got.Bodies, varies.ReplaceAllString(c.Body, "…"))
				got.After = append(got.After, c.At.Sub(began).Round(10*time.Minute)) // the delays have a jitter
			}
			time.Sleep(10 * time.Hour)
			if _, err := journal.Read(dir, func(e journal.Entry) { outcomes = append(outcomes, e.Outcome) }); err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(dir); how == "" && !errors.Is(err, os.ErrNotExist) {
				t.Error("a journal is kept of nothing")
			}
		})
		return got, outcomes
	}
	for name, tc := range map[string]struct {
		how      string
		onError  pipeline.Policy
		fails    int // runs of the old one
		verdict  plugin.Verdict
		outcomes []journal.Outcome
	}{
		"edits and drops":       {how: "drops", onError: pipeline.Skip, outcomes: []journal.Outcome{journal.Differs}},
		"fails":                 {how: "fails", onError: pipeline.Quarantine, outcomes: []journal.Outcome{journal.NewFailed}},
		"panics":                {how: "panics", onError: pipeline.Retry, outcomes: []journal.Outcome{journal.NewFailed}},
		"beside one that fails": {how: "drops", onError: pipeline.Retry, fails: 1, outcomes: []journal.Outcome{journal.OldFailed, journal.Differs}},
		"beside one that drops": {how: "fails", onError: pipeline.Skip, verdict: plugin.Drop, outcomes: []journal.Outcome{journal.NewFailed}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, none := deliver(t, "", tc.onError, &worker{fails: tc.fails, verdict: tc.verdict})
			got, outcomes := deliver(t, tc.how, tc.onError, &worker{fails: tc.fails, verdict: tc.verdict})
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("without and with a shadow:\n%s", diff)
			}
			if !slices.Equal(outcomes, tc.outcomes) || none != nil {
				t.Errorf("outcomes %v, want %v", outcomes, tc.outcomes)
			}
		})
	}
}

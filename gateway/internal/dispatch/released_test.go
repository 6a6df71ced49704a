package dispatch_test

import (
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/gateway/internal/dispatch"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/pipeline"
	"github.com/postern-mail/postern/gateway/internal/plugin"
	"github.com/postern-mail/postern/gateway/internal/scan"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// act does to a message's one delivery what an operator asks for.
func (g *gateway) act(act store.Act, id mail.MessageID) {
	g.t.Helper()
	done, err := g.db.Act(g.t.Context(), store.Action{Act: act, Now: time.Now(), Step: mail.Step{At: time.Now(), Name: string(act)}}, []int64{g.delivery(id).Seq})
	must(g.t, err)
	if !done[0] {
		g.t.Fatalf("%s was not done: %+v", act, g.delivery(id))
	}
	g.queue.Changed()
	time.Sleep(time.Second)
}

// TestReleasedByChain has plugins hold a mail: once it is released it goes through the whole
// chain, none of which holds it again, and the trace says so. When it is sent anew, the
// payload is the same.
func TestReleasedByChain(t *testing.T) {
	t.Parallel()
	for name, w := range map[string]*worker{
		"by a verdict": {verdict: plugin.Quarantine},
		"by a failure": {fails: 100},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, g *gateway) {
				last := &worker{}
				g.chains = map[dispatch.Alias][]pipeline.Stage{{Tenant: "acme"}: {{Name: "crm", Plugin: w, OnError: pipeline.Quarantine}, {Name: "last", Plugin: last}}}
				desk := g.network.endpoint(t, "desk", status(200))
				id := g.receive("desk")
				g.start(1, rooms{"desk": 1})
				if d := g.delivery(id); d.State != mail.Quarantined || len(last.runs) != 0 {
					t.Fatalf("delivery = %+v", d)
				}
				g.act(store.Release, id)
				d := g.delivery(id)
				if d.State != mail.Delivered || len(w.runs) != 2 || len(last.runs) != 1 {
					t.Fatalf("delivery = %+v after %d and %d runs", d, len(w.runs), len(last.runs))
				}
				step := d.Steps[len(d.Steps)-2]
				if step.Name != "stage crm" || step.Verdict != "quarantine" || !strings.HasPrefix(step.Detail, "the delivery was released and goes on; the reason to hold it: plugin crm: ") {
					t.Errorf("step = %+v", step)
				}
				g.act(store.Resend, id)
				if calls := desk.got(); len(calls) != 2 || calls[0].Body != calls[1].Body || !strings.Contains(calls[0].Body, `"run":"run 1"`) || len(last.runs) != 1 {
					t.Errorf("%d requests after %d runs: %+v", len(calls), len(last.runs), calls)
				}
			})
		})
	}
}

// TestReleasedByScanner has infected mails be held and released. Each goes out as it is, and
// says what is known; where infected attachments are to be excluded, they still are.
func TestReleasedByScanner(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		whole   scan.Status
		action  mail.VirusAction
		mail    string
		nobody  bool // no scanner any more
		want    string
		because string
	}{
		"an attachment":         {scan.Infected, mail.QuarantineInfected, scannedMail("a", "b", "virus", "fine"), false, "true infected:virus clean:fine", "in attachment 0"},
		"the text":              {scan.Infected, mail.QuarantineInfected, scannedMail("a virus", "b", "fine"), false, "true clean:fine", "in its text"},
		"one is not scanned":    {scan.Infected, mail.QuarantineInfected, scannedMail("a", "b", "large", "virus"), false, "true skipped:large infected:virus", "attachment 0 could not be scanned"},
		"nowhere to be found":   {scan.Infected, mail.ExcludeInfected, scannedMail("a", "b", "fine"), false, "true clean:fine", "in none of its attachments"},
		"the text, excluded":    {scan.Infected, mail.ExcludeInfected, scannedMail("a virus", "b", "virus"), false, "true infected:", "in its text"},
		"too large, rejected":   {scan.TooLarge, mail.RejectInfected, scannedMail("a", "b", "virus"), false, "true infected:virus", "in attachment 0"},
		"no scanner any more":   {scan.Infected, mail.QuarantineInfected, scannedMail("a virus", "b", "virus"), true, "false skipped:virus", "there is no scanner to tell where"},
		"the HTML and the rest": {scan.Infected, mail.QuarantineInfected, scannedMail("a", "a virus", "virus"), false, "true infected:virus", "in its HTML"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, g *gateway) {
				report := scan.VirusReport{Part: mail.WholeMail, Status: tc.whole}
				if tc.whole == scan.Infected {
					report.Signature = "Eicar"
				}
				g.mail, g.onVirus, g.virus, g.reports = tc.mail, tc.action, &scanner{}, []mail.Report{report.Report()}
				desk := g.network.endpoint(t, "desk", status(200))
				id := g.receive("desk")
				run := g.start(1, rooms{"desk": 1})
				if d := g.delivery(id); d.State != mail.Quarantined || len(desk.got()) != 0 {
					t.Fatalf("delivery = %+v", d)
				}
				if tc.nobody {
					run.stop()
					g.virus = nil
					g.restart()
					g.start(1, rooms{"desk": 1})
				}
				g.act(store.Release, id)
				d := g.delivery(id)
				if d.State != mail.Delivered {
					t.Fatalf("delivery = %+v", d)
				}
				if got := said(t, desk.got()[0].Body); got != tc.want {
					t.Errorf("payload says %q, want %q", got, tc.want)
				}
				step := d.Steps[len(d.Steps)-1]
				if step.Name != "parts scanned" || !strings.Contains(step.Detail, "the delivery was released and goes on; the reason to hold it: virus: Eicar was found in the mail, and "+tc.because) {
					t.Errorf("step = %+v", step)
				}
			})
		})
	}
}

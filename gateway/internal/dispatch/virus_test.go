package dispatch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/dispatch"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/payload"
	"github.com/postern-mail/postern/gateway/internal/scan"
)

// scanner is a virus scanner that finds what the content says.
type scanner struct {
	fails int           // that many scans
	takes time.Duration // each

	mu    sync.Mutex
	scans int
}

func (s *scanner) ScanPart(ctx context.Context, r io.Reader, part int) (scan.VirusReport, error) {
	content, err := io.ReadAll(r)
	if err != nil {
		return scan.VirusReport{}, err
	}
	s.mu.Lock()
	s.scans++
	fails := s.scans <= s.fails
	s.mu.Unlock()
	select {
	case <-time.After(s.takes):
	case <-ctx.Done():
		return scan.VirusReport{Part: part, Status: scan.Failed}, ctx.Err()
	}
	report := scan.VirusReport{Part: part, Status: scan.Clean}
	switch {
	case fails:
		return scan.VirusReport{Part: part, Status: scan.Failed, Reason: "no answer"}, errors.New("no answer")
	case strings.Contains(string(content), "virus"):
		report.Status, report.Signature = scan.Infected, "Eicar"
	case strings.Contains(string(content), "large"):
		report.Status, report.Reason = scan.TooLarge, "larger than 9 octets"
	}
	return report, nil
}

// scannedMail has a text, HTML, and attachments.
func scannedMail(text, html string, attachments ...string) string {
	var b strings.Builder
	b.WriteString("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n")
	fmt.Fprintf(&b, "--a\r\n\r\n%s\r\n--a\r\nContent-Type: text/html\r\n\r\n<p>%s\r\n--a--\r\n", text, html)
	for _, a := range attachments {
		fmt.Fprintf(&b, "--b\r\nContent-Type: application/zip\r\nContent-Disposition: attachment\r\n\r\n%s\r\n", a)
	}
	return b.String() + "--b--\r\n"
}

// said is what a payload says of viruses: of the mail, and of each attachment with the
// octets of it that are there.
func said(t *testing.T, body string) string {
	t.Helper()
	var p struct {
		Security *struct{ VirusScan struct{ Scanned bool } }
		Message  struct {
			Attachments []struct {
				Content   []byte
				URL       string
				VirusScan struct{ Status string }
			}
		}
	}
	must(t, json.Unmarshal([]byte(body), &p))
	if p.Security == nil {
		return "nothing"
	}
	list := []string{fmt.Sprint(p.Security.VirusScan.Scanned)}
	for _, a := range p.Message.Attachments {
		list = append(list, a.VirusScan.Status+":"+string(a.Content)+a.URL)
	}
	return strings.Join(list, " ")
}

// TestViruses holds what becomes of a mail by what was found in it as a whole and in its
// parts: nothing that is infected goes out, and nothing is called clean that was not
// scanned.
func TestViruses(t *testing.T) {
	t.Parallel()
	const exclude, quarantine, reject = mail.ExcludeInfected, mail.QuarantineInfected, mail.RejectInfected
	whole := func(status scan.Status) scan.VirusReport {
		r := scan.VirusReport{Part: mail.WholeMail, Status: status}
		if status == scan.Infected {
			r.Signature = "Eicar"
		}
		return r
	}
	many := make([]string, 150)
	for i := range many {
		many[i] = "fine"
	}
	for name, tc := range map[string]struct {
		whole  scan.Status
		action mail.VirusAction
		mail   string
		want   string // what the payload says
		held   string // or why there is none
		scans  int
	}{
		"clean":                        {scan.Clean, exclude, scannedMail("a", "b", "fine"), "true clean:fine", "", 0},
		"not to be looked at":          {scan.Infected, "", scannedMail("a", "b", "virus"), "nothing", "", 0},
		"one attachment":               {scan.Infected, exclude, scannedMail("a", "b", "virus", "fine"), "true infected: clean:fine", "", 4},
		"all attachments":              {scan.Infected, exclude, scannedMail("a", "b", "virus", "virus"), "true infected: infected:", "", 4},
		"nowhere to be found":          {scan.Infected, exclude, scannedMail("a", "b", "fine"), "", "virus: Eicar was found in the mail, and in none of its attachments", 3},
		"in the text":                  {scan.Infected, exclude, scannedMail("a virus", "b", "fine"), "", "virus: Eicar was found in the mail, and in its text", 0},
		"in the text, with a decoy":    {scan.Infected, exclude, scannedMail("a virus", "b", "virus"), "", "virus: Eicar was found in the mail, and in its text", 0},
		"in the HTML, with a decoy":    {scan.Infected, exclude, scannedMail("a", "a virus", "virus"), "", "virus: Eicar was found in the mail, and in its HTML", 0},
		"the other is not scanned":     {scan.Infected, exclude, scannedMail("a", "b", "virus", "large"), "", "virus: Eicar was found in the mail, and attachment 1 could not be scanned: larger than 9 octets", 4},
		"more than are scanned":        {scan.Infected, exclude, scannedMail("a", "b", many...), "", "virus: Eicar was found in the mail, and it has more than the 100 parts that are scanned by themselves", 100},
		"too large, and clean":         {scan.TooLarge, exclude, scannedMail("a", "b", "fine", "large"), "true clean:fine skipped:large", "", 4},
		"too large, and infected":      {scan.TooLarge, exclude, scannedMail("a", "b", "fine", "virus"), "true clean:fine infected:", "", 4},
		"too large to be rejected":     {scan.TooLarge, reject, scannedMail("a", "b", "virus"), "", "virus: Eicar was found in the mail, and in attachment 0; it was too large to be scanned as a whole, and it is too late to reject it", 3},
		"too large to be held at once": {scan.TooLarge, quarantine, scannedMail("a", "b", "virus"), "", "virus: Eicar was found in the mail, and in attachment 0; it was too large to be scanned as a whole, and it is too late to reject it", 3},
		"too large, in the text":       {scan.TooLarge, exclude, scannedMail("virus", "b"), "", "virus: Eicar was found in the mail, and in its text", 0},
		"too large, in every part":     {scan.TooLarge, exclude, scannedMail("a", "b", "large"), "false skipped:large", "", 3},
		"it could not be scanned":      {scan.Failed, reject, scannedMail("a", "b", "virus"), "false skipped:virus", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, g *gateway) {
				s := &scanner{}
				g.mail, g.onVirus, g.virus, g.reports = tc.mail, tc.action, s, []mail.Report{whole(tc.whole).Report()}
				desk := g.network.endpoint(t, "desk", status(200))
				id := g.receive("desk")
				g.start(1, rooms{"desk": 1})
				d := g.delivery(id)
				if tc.scans > 0 && s.scans != tc.scans {
					t.Errorf("%d scans, want %d", s.scans, tc.scans)
				}
				if tc.held != "" {
					if d.State != mail.Quarantined || d.Reason != tc.held || len(desk.got()) != 0 {
						t.Errorf("delivery = %+v, want it held: %s", d, tc.held)
					}
					return
				}
				if d.State != mail.Delivered {
					t.Fatalf("delivery = %+v", d)
				}
				if diff := cmp.Diff(tc.want, said(t, desk.got()[0].Body)); diff != "" {
					t.Errorf("payload (-want +got): %s", diff)
				}
				if step := d.Steps[len(d.Steps)-1]; s.scans > 0 && (step.Name != "parts scanned" || !strings.HasPrefix(step.Detail, fmt.Sprintf("scanned: %d, ", s.scans))) {
					t.Errorf("step %+v", step)
				}
			})
		})
	}
}

// TestVirusScannerFails has scans of parts fail: the delivery is tried again, and never
// goes out meanwhile.
func TestVirusScannerFails(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		scanner dispatch.VirusScanner
		reason  string
	}{
		"twice":           {&scanner{fails: 2}, "document: no answer"},
		"none any more":   {nil, `document: the mail is infected, and there is no scanner to tell where: the configuration has no scanner "clamav"`},
		"for a long time": {&scanner{takes: 40 * time.Second}, "document: context deadline exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, g *gateway) {
				g.mail, g.onVirus, g.virus = scannedMail("a", "b", "virus", "fine"), mail.ExcludeInfected, tc.scanner
				g.reports = []mail.Report{scan.VirusReport{Part: mail.WholeMail, Status: scan.Infected, Signature: "Eicar"}.Report()}
				desk := g.network.endpoint(t, "desk", status(200))
				id := g.receive("desk")
				g.start(1, rooms{"desk": 1})
				time.Sleep(time.Hour)
				d := g.delivery(id)
				if d.Tries[0].Reason != tc.reason {
					t.Errorf("attempt = %+v", d.Tries[0])
				}
				if name == "twice" {
					if d.State != mail.Delivered || len(d.Tries) != 3 || said(t, desk.got()[0].Body) != "true infected: clean:fine" {
						t.Errorf("delivery = %+v", d)
					}
				} else if d.State != mail.Failed || len(desk.got()) != 0 {
					t.Errorf("delivery = %+v", d)
				}
			})
		})
	}
}

// TestStopInterruptsScans stops while parts are scanned: nothing is decided, and the next
// start scans them again.
func TestStopInterruptsScans(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, g *gateway) {
		g.mail, g.onVirus, g.virus = scannedMail("a", "b", "virus"), mail.ExcludeInfected, &scanner{takes: 30 * time.Second}
		g.reports = []mail.Report{scan.VirusReport{Part: mail.WholeMail, Status: scan.Infected, Signature: "Eicar"}.Report()}
		g.placed = payload.Placement{Attachments: payload.ByURL}
		desk := g.network.endpoint(t, "desk", status(200))
		id := g.receive("desk")
		run := g.start(1, rooms{"desk": 1})
		time.Sleep(time.Second)
		stopped := time.Now()
		run.stop()
		if took := time.Since(stopped); took > 0 {
			t.Errorf("the stop took %s", took)
		}
		if d := g.delivery(id); d.State != mail.Queued || d.InFlight || len(d.Tries) != 0 {
			t.Errorf("delivery = %+v", d)
		}
		g.restart()
		g.start(1, rooms{"desk": 1})
		time.Sleep(2 * time.Minute)
		if d := g.delivery(id); d.State != mail.Delivered || said(t, desk.got()[0].Body) != "true infected:" {
			t.Errorf("delivery = %+v", d)
		}
	})
}

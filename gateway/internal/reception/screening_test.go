package reception_test

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/reception"
	"github.com/postern-mail/postern/gateway/internal/route"
	"github.com/postern-mail/postern/gateway/internal/scan"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// scanner answers every scan in one way, and keeps what it was given.
type scanner struct {
	spam  scan.SpamReport
	virus scan.VirusReport
	err   error
	mails []string
}

type spamScanner struct{ *scanner }

func (s spamScanner) Scan(_ context.Context, m scan.Mail) (scan.SpamReport, error) {
	s.read(m)
	return s.spam, s.err
}

type virusScanner struct{ *scanner }

func (s virusScanner) Scan(_ context.Context, m scan.Mail) (scan.VirusReport, error) {
	s.read(m)
	return s.virus, s.err
}

func (s *scanner) read(m scan.Mail) {
	b, err := io.ReadAll(io.NewSectionReader(m.Body, 0, m.Body.Size()))
	s.mails = append(s.mails, string(b)+" "+strings.Join(m.Recipients, " ")+" "+m.Envelope.ReversePath+" "+m.Hostname)
	s.err = errors.Join(s.err, err)
}

func score(n float64) *scanner {
	return &scanner{spam: scan.SpamReport{Status: scan.Done, Score: n, RequiredScore: 15, Action: "no action", Answer: []byte(`{"score":1}`)}}
}

func found(status scan.Status) *scanner {
	return &scanner{virus: scan.VirusReport{Part: mail.WholeMail, Status: status, Signature: map[bool]string{true: "Eicar"}[status == scan.Infected], Version: "1.4.6"}}
}

// recipients are one of each named tenant.
func recipients(tenants ...string) []reception.Recipient {
	var list []reception.Recipient
	for _, tenant := range tenants {
		list = append(list, reception.Recipient{Address: "support@" + tenant + ".test", Target: route.Target{Tenant: tenant, Alias: "support", Endpoints: []string{"desk"}}})
	}
	return list
}

// TestScreening has each tenant's policy decide about its own deliveries.
// nobody is a resolver of clients without a name.
type nobody struct{}

func (nobody) LookupAddr(context.Context, string) ([]string, error) { return nil, nil }

func (nobody) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) { return nil, nil }

func TestScreening(t *testing.T) {
	t.Parallel()
	type outcome struct {
		State  mail.State
		Reason string
	}
	type refusal struct{ temporary, permanent bool }
	queued := outcome{mail.Queued, ""}
	for name, tc := range map[string]struct {
		spam, virus *scanner
		acme, brief reception.Policy
		refused     refusal
		want        []outcome // of acme's and brief's deliveries; nil where nothing is stored
		reports     []string
	}{
		"no policies":  {spam: score(100), want: []outcome{queued, queued}, reports: []string{"rspamd"}},
		"below":        {spam: score(4.9), acme: reception.Policy{Tag: new(5.0)}, want: []outcome{queued, queued}, reports: []string{"rspamd"}},
		"tag":          {spam: score(5), acme: reception.Policy{Tag: new(5.0), Quarantine: new(6.0)}, want: []outcome{{mail.Queued, ""}, queued}, reports: []string{"rspamd"}},
		"the severest": {spam: score(20), acme: reception.Policy{Tag: new(5.0), Quarantine: new(6.0), Reject: new(7.0)}, want: []outcome{{mail.Rejected, "spam: score 20.00 reaches reject = 7"}, queued}, reports: []string{"rspamd"}},
		"quarantine":   {spam: score(6), brief: reception.Policy{Quarantine: new(6.0)}, want: []outcome{queued, {mail.Quarantined, "spam: score 6.00 reaches quarantine = 6"}}, reports: []string{"rspamd"}},
		"all reject": {
			spam: score(9), acme: reception.Policy{Reject: new(9.0)}, brief: reception.Policy{Reject: new(8.0)}, refused: refusal{permanent: true},
			want: []outcome{{mail.Rejected, "spam: score 9.00 reaches reject = 9"}, {mail.Rejected, "spam: score 9.00 reaches reject = 8"}},
		},
		"all defer":             {spam: score(9), acme: reception.Policy{Reject: new(9.0)}, brief: reception.Policy{Defer: new(8.0)}, refused: refusal{temporary: true}},
		"one would defer":       {spam: score(9), acme: reception.Policy{Defer: new(9.0)}, want: []outcome{{mail.Quarantined, "spam: score 9.00 reaches defer = 9"}, queued}, reports: []string{"rspamd"}},
		"too large":             {spam: &scanner{spam: scan.SpamReport{Status: scan.TooLarge}}, acme: reception.Policy{Reject: new(0.0)}, want: []outcome{queued, queued}},
		"infected, nobody asks": {virus: found(scan.Infected), want: []outcome{queued, queued}},
		"infected": {
			virus: found(scan.Infected), acme: reception.Policy{OnVirus: mail.ExcludeInfected}, brief: reception.Policy{OnVirus: mail.QuarantineInfected},
			want: []outcome{queued, {mail.Quarantined, "virus: Eicar"}}, reports: []string{"clamav"},
		},
		"infected, and refused": {
			virus: found(scan.Infected), acme: reception.Policy{OnVirus: mail.RejectInfected}, brief: reception.Policy{OnVirus: mail.RejectInfected},
			refused: refusal{permanent: true}, want: []outcome{{mail.Rejected, "virus: Eicar"}, {mail.Rejected, "virus: Eicar"}},
		},
		"both scanners": {spam: score(1), virus: found(scan.Clean), acme: reception.Policy{OnVirus: mail.RejectInfected}, want: []outcome{queued, queued}, reports: []string{"rspamd", "clamav"}},
		"clean":         {virus: found(scan.Clean), acme: reception.Policy{OnVirus: mail.RejectInfected}, want: []outcome{queued, queued}, reports: []string{"clamav"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := reception.Screening{Hostname: "mx.test", Resolver: nobody{}, Policies: map[string]reception.Policy{"acme": tc.acme, "brief": tc.brief}}
			if tc.spam != nil {
				s.Spam = spamScanner{tc.spam}
			}
			if tc.virus != nil {
				s.Virus = virusScanner{tc.virus}
			}
			f := openScreened(t, s)
			_, err := f.Receive(t.Context(), reception.Mail{Envelope: mail.Envelope{ReversePath: "a@example.com"}, Recipients: recipients("acme", "brief")}, strings.NewReader("Subject: Hi\r\n\r\nHi\r\n"))
			var refused *reception.Refusal
			if got := (refusal{errors.As(err, &refused) && refused.Temporary, refused != nil && !refused.Temporary}); got != tc.refused || err != nil && refused == nil {
				t.Errorf("error = %v", err)
			}
			list, err := f.store.List(t.Context(), store.Filter{Limit: 10})
			if err != nil {
				t.Fatal(err)
			}
			var got []outcome
			for _, d := range slices.Backward(list) {
				id, _ := d.ID.Split()
				m, err := f.store.Get(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				if d.Subject != "Hi" { // also of what nobody will parse
					t.Errorf("subject = %q", d.Subject)
				}
				if (m.Body == "") != tc.refused.permanent {
					t.Errorf("body = %q", m.Body)
				}
				var engines []string
				for _, r := range m.Reports {
					engines = append(engines, r.Engine)
				}
				if diff := cmp.Diff(tc.reports, engines); diff != "" {
					t.Errorf("reports: %s", diff)
				}
				got = append(got, outcome{d.State, d.Reason})
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			for _, scanned := range []*scanner{tc.spam, tc.virus} {
				want := "Subject: Hi\r\n\r\nHi\r\n support@acme.test support@brief.test a@example.com mx.test"
				if scanned != nil && len(scanned.mails) > 0 && scanned.mails[0] != want {
					t.Errorf("the scanner was given %q", scanned.mails[0])
				}
			}
		})
	}
}

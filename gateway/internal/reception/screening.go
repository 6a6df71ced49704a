package reception

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/scan"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// SpamScanner judges a mail; *scan.Rspamd is one.
type SpamScanner interface {
	Scan(ctx context.Context, m scan.Mail) (scan.SpamReport, error)
}

// VirusScanner looks for malware in a mail; *scan.ClamAV is one.
type VirusScanner interface {
	Scan(ctx context.Context, m scan.Mail) (scan.VirusReport, error)
}

// Screening is which scanners a mail is shown to, and what is done for their word.
// The zero value shows it to none.
type Screening struct {
	Spam  SpamScanner  // nil for none
	Virus VirusScanner // nil for none
	// DeferSpam and DeferVirus have a mail deferred that the scanner could not
	// scan; otherwise it is taken without its word.
	DeferSpam, DeferVirus bool
	// Hostname is the gateway's own.
	Hostname string
	// Resolver finds the name of a client; nil for none.
	Resolver scan.Resolver
	// Policies are by tenant.
	Policies map[string]Policy
}

// Policy is what a tenant wants done for the scanners' word.
type Policy struct {
	// The scores from which something is done; nil is never. Of several that a
	// score reaches, the severest counts: reject, defer, quarantine, tag.
	Tag, Quarantine, Defer, Reject *float64
	// OnVirus says what becomes of a delivery of an infected mail; where it is empty, the
	// mail is not shown to the virus scanner.
	OnVirus mail.VirusAction
}

// Refusal is a mail that the scanners' word, or its absence, keeps out.
type Refusal struct {
	// Temporary refusals have the client come back later.
	Temporary bool
	// Reason is for the log; what the client is told is the source's to say.
	Reason string
}

// Error implements error.
func (r *Refusal) Error() string { return r.Reason }

// nameTimeout bounds the look-up of a client's name.
const nameTimeout = 2 * time.Second

// findings is what the scanners said.
type findings struct {
	spam  *scan.SpamReport  // nil where there is no verdict
	virus *scan.VirusReport // nil where it was not asked for; failed scans have one too
	steps []mail.Step
}

// screen shows a mail to the scanners, all at the same time.
func (s *Screening) screen(ctx context.Context, log hclog.Logger, m scan.Mail, deliveries []store.NewDelivery) (findings, error) {
	var f findings
	var spamErr, virusErr error
	var spamStep, virusStep mail.Step
	var wg sync.WaitGroup
	if s.Spam != nil {
		named := m // by this scan alone
		wg.Go(func() {
			if s.Resolver != nil {
				ctx, cancel := context.WithTimeout(ctx, nameTimeout)
				defer cancel()
				named.ClientName = scan.ClientName(ctx, s.Resolver, m.Envelope.Session.RemoteIP)
			}
			began := time.Now()
			report, err := s.Spam.Scan(ctx, named)
			spamStep = mail.Step{At: began, Name: "scanned for spam", Duration: time.Since(began), Detail: spamDetail(report)}
			if spamErr = err; err == nil {
				f.spam = &report
			} else {
				spamStep.Error = err.Error()
			}
		})
	}
	if s.Virus != nil && s.looksForViruses(deliveries) {
		wg.Go(func() {
			began := time.Now()
			report, err := s.Virus.Scan(ctx, m)
			virusStep = mail.Step{At: began, Name: "scanned for viruses", Duration: time.Since(began), Detail: virusDetail(report)}
			if virusErr = err; err != nil {
				virusStep.Error = err.Error()
			}
			f.virus = &report
		})
	}
	wg.Wait()
	for _, step := range []mail.Step{spamStep, virusStep} {
		if step.Name != "" {
			f.steps = append(f.steps, step)
		}
	}
	if err := errors.Join(spamErr, virusErr); err != nil {
		log.Warn("a mail could not be scanned", "message_id", m.ID, "error", err)
	}
	if spamErr != nil && s.DeferSpam || virusErr != nil && s.DeferVirus {
		return f, &Refusal{Temporary: true, Reason: "it could not be scanned: " + errors.Join(spamErr, virusErr).Error()}
	}
	return f, nil
}

func spamDetail(r scan.SpamReport) string {
	if r.Status == scan.Failed {
		return "" // its error says so
	}
	if r.Status != scan.Done {
		return string(r.Status)
	}
	return fmt.Sprintf("score %.2f of %.2f, %s", r.Score, r.RequiredScore, r.Action)
}

func virusDetail(r scan.VirusReport) string {
	if r.Status == scan.Failed {
		return "" // its error says so
	}
	if r.Signature != "" {
		return fmt.Sprintf("%s: %s", r.Status, r.Signature)
	}
	return string(r.Status)
}

func (s *Screening) looksForViruses(deliveries []store.NewDelivery) bool {
	for _, d := range deliveries {
		if s.Policies[d.Endpoint.Tenant].OnVirus != "" {
			return true
		}
	}
	return false
}

// decide applies each tenant's policy to its deliveries. The error is a refusal of
// the mail as a whole: where every delivery is rejected, or there is none that is
// not to be put off. A single one that is to be put off cannot be, since SMTP has
// one answer for all: it is held.
func (s *Screening) decide(f findings, deliveries []store.NewDelivery) error {
	rejected, deferred := 0, 0
	for i := range deliveries {
		d := &deliveries[i]
		p := s.Policies[d.Endpoint.Tenant]
		d.SpamAction, d.Reason = p.onSpam(f.spam)
		d.VirusAction = p.OnVirus
		switch d.SpamAction {
		case mail.SpamReject:
			d.State = mail.Rejected
		case mail.SpamDefer:
			d.State = mail.Quarantined
			deferred++
		case mail.SpamQuarantine:
			d.State = mail.Quarantined
		}
		if p.OnVirus != "" && f.virus != nil && f.virus.Status == scan.Infected && d.State != mail.Rejected {
			p.onVirus(f.virus, d)
		}
		if d.State == mail.Rejected {
			rejected++
		}
	}
	switch {
	case len(deliveries) > 0 && rejected == len(deliveries):
		return &Refusal{Reason: deliveries[0].Reason}
	case deferred > 0 && rejected+deferred == len(deliveries):
		return &Refusal{Temporary: true, Reason: reasonOf(deliveries, mail.SpamDefer)}
	}
	return nil
}

func reasonOf(deliveries []store.NewDelivery, action mail.SpamAction) string {
	for _, d := range deliveries {
		if d.SpamAction == action {
			return d.Reason
		}
	}
	return ""
}

// onSpam returns what is done for a score, and why.
func (p Policy) onSpam(r *scan.SpamReport) (mail.SpamAction, string) {
	if r == nil || r.Status != scan.Done {
		return mail.SpamDefault, ""
	}
	for _, rule := range []struct {
		threshold *float64
		action    mail.SpamAction
	}{{p.Reject, mail.SpamReject}, {p.Defer, mail.SpamDefer}, {p.Quarantine, mail.SpamQuarantine}, {p.Tag, mail.SpamTag}} {
		if rule.threshold != nil && r.Score >= *rule.threshold {
			reason := fmt.Sprintf("spam: score %.2f reaches %s = %g", r.Score, rule.action, *rule.threshold)
			if rule.action == mail.SpamTag {
				reason = ""
			}
			return rule.action, reason
		}
	}
	return mail.SpamDefault, ""
}

// onVirus decides about a delivery of an infected mail.
func (p Policy) onVirus(r *scan.VirusReport, d *store.NewDelivery) {
	switch p.OnVirus {
	case mail.RejectInfected:
		d.State = mail.Rejected
	case mail.QuarantineInfected:
		d.State = mail.Quarantined
	default:
		return // what is infected is excluded when the payload is made
	}
	d.Reason = "virus: " + r.Signature
}

// reports gives what is kept of the findings.
func (f findings) reports() []mail.Report {
	var list []mail.Report
	if f.spam != nil && len(f.spam.Answer) > 0 {
		list = append(list, mail.Report{Engine: mail.Rspamd, Part: mail.WholeMail, Answer: json.RawMessage(f.spam.Answer)})
	}
	if f.virus != nil {
		list = append(list, f.virus.Report())
	}
	return list
}

package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/mime"
	"github.com/postern-mail/postern/gateway/internal/payload"
	"github.com/postern-mail/postern/gateway/internal/plugin"
	"github.com/postern-mail/postern/gateway/internal/queue"
	"github.com/postern-mail/postern/gateway/internal/scan"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// VirusScanner looks for malware in one attachment; *scan.ClamAV is one.
type VirusScanner interface {
	ScanPart(ctx context.Context, r io.Reader, part int) (scan.VirusReport, error)
}

// errVirusHeld means that a mail is infected, and that excluding the attachments found
// to be infected would not make it safe: none is, or one could not be scanned.
type errVirusHeld struct{ signature, why string }

func (e *errVirusHeld) Error() string {
	return fmt.Sprintf("virus: %s was found in the mail, and %s", e.signature, e.why)
}

// scanned gives what plugins are told of the scans, and what the payload says about
// viruses; nil where the tenant does not have its mail scanned for them. An infected
// mail has each of its attachments scanned now, so that the others can be delivered.
func (d *Dispatcher) scanned(ctx context.Context, job store.Job, view *mime.Message, body mail.Body, o *queue.Outcome) ([]plugin.Report, *payload.VirusScan, error) {
	var reports []plugin.Report
	var virus *payload.VirusScan
	for _, r := range job.Reports {
		switch {
		case r.Engine == mail.Rspamd:
			told, ok := scan.SpamReport{Answer: r.Answer}.Report(job.SpamAction)
			if ok {
				reports = append(reports, pluginReport(told))
			}
		case r.Engine == mail.ClamAV && d.virusTenants[job.Endpoint.Tenant]:
			reports = append(reports, pluginReport(r))
			began := time.Now()
			v, parts, err := d.attachments(ctx, r, view, body)
			if len(parts) > 0 {
				o.Steps = append(o.Steps, mail.Step{At: began, Name: "attachments scanned", Duration: time.Since(began), Detail: fmt.Sprintf("scanned: %d", len(parts))})
			}
			if err != nil {
				return nil, nil, err
			}
			virus, reports = v, append(reports, parts...)
		}
	}
	return reports, virus, nil
}

func pluginReport(r mail.Report) plugin.Report {
	return plugin.Report{Engine: r.Engine, Part: r.Part, Answer: string(r.Answer)}
}

// attachments says what is known of each attachment. The reports are of the scans that
// were made for it, also where it fails.
func (d *Dispatcher) attachments(ctx context.Context, whole mail.Report, view *mime.Message, body mail.Body) (*payload.VirusScan, []plugin.Report, error) {
	var said struct {
		Status    scan.Status `json:"status"`
		Signature string      `json:"signature"`
		Version   string      `json:"engineVersion"`
	}
	if err := json.Unmarshal(whole.Answer, &said); err != nil {
		return nil, nil, fmt.Errorf("read report of %s: %w", whole.Engine, err)
	}
	v := &payload.VirusScan{Engine: whole.Engine, EngineVersion: said.Version, Attachments: make([]payload.AttachmentScan, len(view.Attachments))}
	for i := range v.Attachments {
		v.Attachments[i] = payload.Skipped
	}
	switch said.Status {
	case scan.Clean:
		v.Scanned = true
		for i := range v.Attachments {
			v.Attachments[i] = payload.Clean
		}
		return v, nil, nil
	case scan.Infected:
		v.Scanned = true
	default:
		return v, nil, nil
	}
	if d.virus == nil {
		return nil, nil, errors.New("the mail is infected, and there is no scanner to tell in which attachment: the configuration has no scanner \"clamav\"")
	}
	var parts []plugin.Report
	infected := false
	for i, a := range view.Attachments {
		report, err := d.virus.ScanPart(ctx, mime.Open(body, a.Part), i)
		if err != nil {
			return nil, parts, err
		}
		parts = append(parts, pluginReport(report.Report()))
		switch report.Status {
		case scan.Clean:
			v.Attachments[i] = payload.Clean
		case scan.Infected:
			v.Attachments[i], infected = payload.Infected, true
		default:
			return nil, parts, &errVirusHeld{said.Signature, fmt.Sprintf("attachment %d could not be scanned: %s", i, report.Reason)}
		}
	}
	if !infected {
		return nil, parts, &errVirusHeld{said.Signature, "in none of its attachments"}
	}
	return v, parts, nil
}

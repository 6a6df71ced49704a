package dispatch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/mime"
	"github.com/postern-mail/postern/gateway/internal/payload"
	"github.com/postern-mail/postern/gateway/internal/scan"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// VirusScanner looks for malware in one attachment; *scan.ClamAV is one.
type VirusScanner interface {
	ScanPart(ctx context.Context, r io.Reader, part int) (scan.VirusReport, error)
}

// Bounds of what is scanned of one mail by itself, each time that its chain runs.
const (
	maxPartScans    = 100
	partScansWithin = 2 * time.Minute
)

// virusHeldError means that a mail is infected, and that excluding the attachments found
// to be infected would not make it safe, or is not what its tenant wants. A person who
// releases it has it sent: with what is infected, where the tenant's action is not to exclude
// that.
type virusHeldError struct{ signature, why string }

func (e *virusHeldError) Error() string {
	return fmt.Sprintf("virus: %s was found in the mail, and %s", e.signature, e.why)
}

// scans is what is known of a delivery's mail by the scanners.
type scans struct {
	reports []mail.Report      // for plugins
	virus   *payload.VirusScan // nil where it was not to be looked at
	steps   []mail.Step
}

// scans gives what the scanners said, and has the parts of a mail scanned by themselves
// where what was said of the whole does not do.
func (d *Dispatcher) scans(ctx context.Context, job store.Job, view *mime.Message, body mail.Body) (scans, error) {
	var s scans
	for _, r := range job.Reports {
		switch {
		case r.Engine == mail.Rspamd:
			if told, ok := scan.TellSpam(r.Answer, job.SpamAction); ok {
				s.reports = append(s.reports, told)
			}
		case r.Engine == mail.ClamAV && job.VirusAction != "":
			whole, err := scan.ReadVirusReport(r)
			if err != nil {
				return s, err
			}
			s.reports = append(s.reports, r)
			p := parts{scanner: d.cfg.Virus, whole: whole, action: job.VirusAction, released: job.Released, view: view, body: body}
			s.virus = &payload.VirusScan{
				Engine: r.Engine, EngineVersion: whole.Version, Attachments: make([]payload.AttachmentScan, len(view.Attachments)),
				Whole: job.Released && job.VirusAction != mail.ExcludeInfected,
			}
			began := time.Now()
			err = p.judge(ctx, s.virus)
			if p.scanned > 0 || p.passed != nil {
				detail := fmt.Sprintf("scanned: %d, infected: %d", p.scanned, p.infected)
				if p.passed != nil {
					detail += "; the delivery was released and goes on; the reason to hold it: " + p.passed.Error()
				}
				s.steps = append(s.steps, mail.Step{At: began, Name: "parts scanned", Duration: time.Since(began), Detail: detail})
			}
			if s.reports = append(s.reports, p.reports...); err != nil {
				return s, err
			}
		}
	}
	return s, nil
}

// parts are those of one mail on their way to the scanner.
type parts struct {
	scanner VirusScanner // nil for none
	whole   scan.VirusReport
	action  mail.VirusAction
	// released says that somebody has looked at the mail and let it go.
	released bool
	view     *mime.Message
	body     mail.Body

	scanned, infected int
	reports           []mail.Report
	passed            *virusHeldError // what would have it held, the first of it
}

// hold has the mail held, unless somebody has let it go.
func (p *parts) hold(signature, why string) error {
	err := &virusHeldError{signature, why}
	if !p.released {
		return err
	}
	if p.passed == nil {
		p.passed = err
	}
	return nil
}

// judge says what is known of each attachment.
func (p *parts) judge(ctx context.Context, v *payload.VirusScan) error {
	known := payload.Skipped
	if p.whole.Status == scan.Clean {
		v.Scanned, known = true, payload.Clean
	}
	for i := range v.Attachments {
		v.Attachments[i] = known
	}
	if p.whole.Status != scan.Infected && p.whole.Status != scan.TooLarge {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, partScansWithin)
	defer cancel()
	return p.scanAll(ctx, v)
}

// scanAll scans what the payload shows, each by itself. An infected mail goes on only
// where all of it was found to be clean but for attachments, which are excluded, or where it
// was released. Of one that was too large as a whole nothing is known but what is found here.
func (p *parts) scanAll(ctx context.Context, v *payload.VirusScan) error {
	whole := p.whole.Status == scan.Infected
	if p.scanner == nil {
		if !whole {
			return nil
		}
		if p.released {
			return p.hold(p.whole.Signature, "there is no scanner to tell where")
		}
		return errors.New("the mail is infected, and there is no scanner to tell where: the configuration has no scanner \"clamav\"")
	}
	for name, text := range map[string]*mime.Body{"text": p.view.Text, "HTML": p.view.HTML} {
		if text == nil {
			continue
		}
		report, err := p.scan(ctx, strings.NewReader(text.Content), mail.WholeMail)
		if err != nil {
			return err
		}
		if report.Status == scan.Infected {
			err = p.hold(report.Signature, "in its "+name)
		} else if whole && report.Status != scan.Clean {
			err = p.hold(p.whole.Signature, fmt.Sprintf("its %s could not be scanned: %s", name, report.Reason))
		}
		if err != nil {
			return err
		}
	}
	for i, a := range p.view.Attachments {
		if p.scanned >= maxPartScans {
			if whole {
				return p.hold(p.whole.Signature, fmt.Sprintf("it has more than the %d parts that are scanned by themselves", maxPartScans))
			}
			return nil
		}
		report, err := p.scan(ctx, mime.Open(p.body, a.Part), i)
		if err != nil {
			return err
		}
		p.reports = append(p.reports, report.Report())
		switch {
		case report.Status == scan.Infected:
			if p.action != mail.ExcludeInfected {
				err = p.hold(report.Signature, fmt.Sprintf("in attachment %d; it was too large to be scanned as a whole, and it is too late to reject it", i))
			}
			v.Scanned, v.Attachments[i] = true, payload.Infected
			p.infected++
		case report.Status == scan.Clean:
			v.Scanned, v.Attachments[i] = true, payload.Clean
		case whole:
			err = p.hold(p.whole.Signature, fmt.Sprintf("attachment %d could not be scanned: %s", i, report.Reason))
		}
		if err != nil {
			return err
		}
	}
	if whole && p.infected == 0 && p.passed == nil {
		return p.hold(p.whole.Signature, "in none of its attachments")
	}
	return nil
}

func (p *parts) scan(ctx context.Context, r io.Reader, part int) (scan.VirusReport, error) {
	p.scanned++
	return p.scanner.ScanPart(ctx, r, part)
}

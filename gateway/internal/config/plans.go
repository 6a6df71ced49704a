package config

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postern-mail/postern/gateway/internal/config/schema"
	"github.com/postern-mail/postern/gateway/internal/config/syntax"
)

const (
	defaultRetention    = 30 * schema.Day
	defaultLogRetention = 90 * schema.Day
)

// defaultPlan is that of tenants that name none.
func defaultPlan() Plan {
	p := Plan{Retention: defaultRetention, VirusAction: defaultVirusAction}
	p.fillRetention()
	return p
}

func (l *loader) planBlock(h schema.Header) *schema.Block {
	l.checkName(h, "plan")
	p := &Plan{Name: h.Label, VirusAction: defaultVirusAction}
	kept, rate, said := &retentions{}, &rateSaid{}, &screening{}
	return &schema.Block{
		Settings: slices.Concat(kept.settings(p), rate.settings(&p.Rate), []schema.Setting{
			{Name: "max_per_minute", Set: schema.Into(&p.MaxPerMinute, schema.Integer(0, maxRate))},
			l.pipelineSetting(&p.Pipeline, ""),
		}, said.settings()),
		Children: []schema.Child{said.child()},
		Finish: func() {
			l.Note(kept.finish(p)...)
			l.Note(rate.finish(&p.Rate)...)
			said.overlay(&p.Spam, &p.VirusScan, &p.VirusAction)
			l.later = append(l.later, func() { l.wantScanners(said, true) }) // tenants may ask for the scan
			l.plans[p.Name] = *p
			l.config.Plans = append(l.config.Plans, *p)
		},
	}
}

// fillRetention gives what is not said the default that follows from what is.
func (p *Plan) fillRetention() {
	if p.PayloadRetention == 0 {
		p.PayloadRetention = p.Retention
	}
	if p.QuarantineRetention == 0 {
		p.QuarantineRetention = p.Retention
	}
	if p.LogRetention == 0 {
		p.LogRetention = max(p.Retention, p.QuarantineRetention, defaultLogRetention)
	}
}

// retentions is where a plan says how long something is kept.
type retentions struct{ mail, payload, log, quarantine syntax.Value }

func (r *retentions) settings(p *Plan) []schema.Setting {
	setting := func(name string, at *syntax.Value, target *time.Duration) schema.Setting {
		return noted(name, at, schema.Into(target, schema.Duration(time.Hour, 3650*schema.Day)))
	}
	return []schema.Setting{
		setting("retention", &r.mail, &p.Retention),
		setting("payload_retention", &r.payload, &p.PayloadRetention),
		setting("log_retention", &r.log, &p.LogRetention),
		setting("quarantine_retention", &r.quarantine, &p.QuarantineRetention),
	}
}

// finish fills in defaults, and finds what would outlive that which it needs. What is
// wrong by itself, and so zero, is compared with nothing.
func (r *retentions) finish(p *Plan) (ps syntax.Problems) {
	nowhere := syntax.Place{}
	if r.mail.At == nowhere {
		p.Retention = defaultRetention
	}
	show := schema.FormatDuration
	if p.Retention > 0 && p.PayloadRetention > p.Retention {
		ps = append(ps, r.payload.Wrong("write at most "+show(p.Retention)+", or a longer retention",
			"payload_retention is %s, and longer than retention, which is %s", show(p.PayloadRetention), show(p.Retention))...)
	}
	if p.LogRetention > 0 && p.LogRetention < p.Retention {
		ps = append(ps, r.log.Wrong("write at least "+show(p.Retention)+", or a shorter retention",
			"log_retention is %s, and shorter than retention, which is %s", show(p.LogRetention), show(p.Retention))...)
	} else if p.LogRetention > 0 && p.LogRetention < p.QuarantineRetention {
		ps = append(ps, r.log.Wrong("write at least "+show(p.QuarantineRetention)+", or a shorter quarantine_retention",
			"log_retention is %s, and shorter than quarantine_retention, which is %s", show(p.LogRetention), show(p.QuarantineRetention))...)
	}
	p.fillRetention()
	return ps
}

// maxRate bounds numbers of attempts.
const maxRate = 100_000_000

// rateSaid is what a block says of a rate.
type rateSaid struct{ rate, burst syntax.Value }

func (s *rateSaid) settings(r *Rate) []schema.Setting {
	return []schema.Setting{
		noted("rate", &s.rate, schema.Into(r, rate)), // first: it knows nothing of burst
		noted("burst", &s.burst, schema.Into(&r.Burst, schema.Integer(1, maxRate))),
	}
}

// finish gives a rate the burst that it has by default: what comes in a minute.
func (s *rateSaid) finish(r *Rate) syntax.Problems {
	if s.burst.At != (syntax.Place{}) && s.rate.At == (syntax.Place{}) {
		return s.burst.Wrong(`write a rate too, such as "3000/h"`, "burst goes with rate only")
	}
	if r.Limit > 0 && s.burst.At == (syntax.Place{}) {
		r.Burst = min(max(1, r.Limit*int(time.Minute/time.Second)/int(r.Per/time.Second)), maxRate)
	}
	return nil
}

const rateHint = `write a number, a slash and s, min, h or d, such as "3000/h"`

// rate reads a number of times in a unit of time.
func rate(v syntax.Value) (Rate, syntax.Problems) {
	s, ok := v.Data.(string)
	if !ok {
		return Rate{}, v.Wrong(rateHint, "want a rate, got %s", v.Describe())
	}
	number, unit, ok := strings.Cut(s, "/")
	per, known := map[string]time.Duration{"s": time.Second, "m": time.Minute, "min": time.Minute, "h": time.Hour, "d": schema.Day}[unit]
	n, err := strconv.ParseUint(number, 10, 64)
	switch {
	case !ok || !known || err != nil && !errors.Is(err, strconv.ErrRange):
		return Rate{}, v.Wrong(rateHint, "%s is no rate", syntax.Quote(s))
	case n == 0:
		return Rate{}, v.Wrong("leave it out where there is to be no limit", "a rate of 0 would let nothing through")
	case n > maxRate:
		return Rate{}, v.Wrong("", "want a rate from 1 to %d in a unit", maxRate)
	}
	return Rate{Limit: int(n), Per: per}, nil
}

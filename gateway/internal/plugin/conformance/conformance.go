// Package conformance attacks a plugin as its mails will one day: it runs it on hostile
// and odd mails, on payloads that lack what it counts on, and within budgets that are too
// small, and says what it found on a card.
//
// # Invariants
//
//   - Each check can fail: the tests have a plugin that fails it, or a host.
//   - What could not be tried is said, and never counted as passed.
//   - The attack ends soon after its time: what runs then is bounded by the plugin's own
//     limits.
package conformance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/plugin"
	"github.com/postern-mail/postern/gateway/internal/plugin/hostilemail"
)

// Result is what a check came to.
type Result string

// The results. Skip means that there was nothing to try.
const (
	Pass Result = "pass"
	Warn Result = "warn"
	Fail Result = "fail"
	Skip Result = "skip"
)

// Check is one line of the card.
type Check struct {
	Name   string `json:"name"`
	Result Result `json:"result"`
	// Found says what was tried and what came of it, with the numbers.
	Found string `json:"found"`
	// Advice says what the author can do; empty where nothing is to be done.
	Advice string `json:"advice,omitempty"`
	// Details are lines of what was found, a bounded number of them.
	Details []string `json:"details,omitempty"`
	// Incomplete is true where the time was over before all was tried.
	Incomplete bool `json:"incomplete,omitempty"`
}

// Card is what an attack found.
type Card struct {
	Checks []Check `json:"checks"`
	// Pass, Warn, Fail and Skip count the checks by their results.
	Pass int `json:"pass"`
	Warn int `json:"warn"`
	Fail int `json:"fail"`
	Skip int `json:"skip"`
}

// Runner is a loaded plugin.
type Runner interface {
	Run(ctx context.Context, m plugin.Mail, doc *document.Document) (plugin.Result, error)
	Permissions() []string
	Close(ctx context.Context) error
}

// Subject is what is attacked.
type Subject struct {
	// Config is the plugin with its options, grants and limits.
	Config plugin.Config
	// Load loads it, by Config or a variant of that.
	Load func(ctx context.Context, cfg plugin.Config) (Runner, error)
	// Deliver makes a delivery of a raw message.
	Deliver func(raw []byte) (plugin.Mail, *document.Document, error)
	// Time bounds the attack.
	Time time.Duration
	// Progress is told what is being done; nil for nobody.
	Progress func(check string, done, of int)
}

// attack is the state of one.
type attack struct {
	Subject
	runner Runner
	end    time.Time // of the check that is being made

	samples  []sample
	ordinary *sample // the mail with nothing odd about it, after which others are tried
	// What was stopped by a trap or a limit, and was not right in the run that followed.
	stopped int
	unwell  []string
	// unsteady is true where results differ without a reason: then none can be compared.
	unsteady bool
	failures error // of the host, which end the attack
}

// sample is a mail and what came of it.
type sample struct {
	name     string
	mail     plugin.Mail
	document *document.Document
	outcome
}

// steps are the checks in the order in which they are made: the later ones use what the
// first have found.
func (a *attack) steps() []struct {
	name string
	make func(ctx context.Context) Check
} {
	return []struct {
		name string
		make func(ctx context.Context) Check
	}{
		{"mails", a.tryMails},
		{"log", a.log},
		{"determinism", a.repeat},
		{"headroom", a.headroom}, // by the fastest of three runs
		{"growth", a.growth},
		{"payloads", a.tryPayloads},
		{"scans", a.tryScans},
		{"grants", a.tryGrants},
		{"options", a.tryOptions},
		{"budgets", a.tryBudgets},
		{"recovery", a.recovery},
	}
}

// Attack attacks a plugin. Its error is that of a plugin that does not load, or of a
// context that is over.
func Attack(ctx context.Context, s Subject) (Card, error) {
	runner, err := s.Load(ctx, s.Config)
	if err != nil {
		return Card{}, err
	}
	a := &attack{Subject: s, runner: runner}
	defer a.close(ctx, runner)
	if s.Progress == nil {
		a.Progress = func(string, int, int) {}
	}
	end := time.Now().Add(s.Time)
	steps := a.steps()
	var card Card
	for i, step := range steps {
		// No check may use up the time of those after it.
		left := time.Until(end)
		if i < len(steps)-1 {
			left /= 2
		}
		a.end = time.Now().Add(left)
		c := step.make(ctx)
		if ctx.Err() != nil {
			return Card{}, context.Cause(ctx)
		}
		if a.failures != nil {
			return Card{}, a.failures
		}
		c.Name = step.name
		card.add(c)
	}
	return card, nil
}

func (card *Card) add(c Check) {
	if c.Incomplete {
		c.Found += "; the time was over before all was tried"
		if c.Result == Pass {
			c.Result = Warn
			c.Advice = "give the attack more time by --time, or make the plugin faster"
		}
	}
	switch c.Result {
	case Pass:
		card.Pass++
	case Warn:
		card.Warn++
	case Fail:
		card.Fail++
	case Skip:
		card.Skip++
	}
	card.Checks = append(card.Checks, c)
}

// over reports whether the check's time is.
func (a *attack) over(ctx context.Context) bool { return ctx.Err() != nil || time.Now().After(a.end) }

func (a *attack) close(ctx context.Context, r Runner) {
	_ = r.Close(context.WithoutCancel(ctx)) // it holds memory alone
}

// deliver makes a sample of a raw message, about which a scanner has said what it says of
// an ordinary one. Parsing refuses no mail.
func (a *attack) deliver(name string, raw []byte) (sample, bool) {
	m, doc, err := a.Deliver(raw)
	if err != nil {
		a.failures = errors.Join(a.failures, fmt.Errorf("make a delivery of %q: %w", name, err))
		return sample{}, false
	}
	m.Scans = usualReports()
	return sample{name: name, mail: m, document: doc}, true
}

// run runs the plugin on a sample, and where that was stopped, sees whether the next run
// is right.
func (a *attack) run(ctx context.Context, r Runner, s *sample) outcome {
	o := run(ctx, r, s.mail, s.document)
	if o.end == stopped {
		a.afterStop(ctx, r, s.name, o.failure)
	}
	return o
}

// afterStop runs the ordinary mail where a run was stopped before, and holds that it gives
// what it has always given.
func (a *attack) afterStop(ctx context.Context, r Runner, name, failure string) {
	if a.ordinary == nil || a.ordinary.end == stopped || ctx.Err() != nil {
		return
	}
	next := run(ctx, r, a.ordinary.mail, a.ordinary.document)
	if next.outOfBudget {
		return // the budget is too small for it too
	}
	a.stopped++
	if difference := a.ordinary.differs(next); difference != "" {
		a.unwell = append(a.unwell, fmt.Sprintf("after %q (%s) the ordinary mail has %s", name, failure, difference))
	}
}

// recovery tells what afterStop has found.
func (a *attack) recovery(context.Context) Check {
	switch {
	case a.unsteady:
		return Check{Result: Skip, Found: unsteady}
	case len(a.unwell) > 0:
		return Check{
			Result: Fail, Details: bounded(a.unwell),
			Found:  fmt.Sprintf("of %d runs after one that was stopped, %d gave another result than without it", a.stopped, len(a.unwell)),
			Advice: "does it look at the clock? If not, the gateway keeps something of a run that it stopped: report that",
		}
	case a.stopped == 0:
		return Check{Result: Skip, Found: "no run was stopped, so there was nothing to recover from"}
	}
	return Check{Result: Pass, Found: fmt.Sprintf("%d runs were stopped, and each run after one of them gave the right result", a.stopped)}
}

// unsteady is what is found where results cannot be compared.
const unsteady = "its results differ from run to run, so that there is nothing to compare; mend determinism first"

// maxDetails bounds the lines of a check.
const maxDetails = 10

func bounded(lines []string) []string {
	if len(lines) <= maxDetails {
		return lines
	}
	return append(append([]string{}, lines[:maxDetails]...), fmt.Sprintf("and %d more", len(lines)-maxDetails))
}

// ordinaryName is that of the mail that other runs are compared by.
func ordinaryName() string { return hostilemail.Ordinary().Name }

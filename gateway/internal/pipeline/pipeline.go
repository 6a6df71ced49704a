// Package pipeline runs the stages of a chain on one delivery, in their order, and
// decides what a stage that failed means.
//
// # Invariants
//
// A stage sees the document as the stages before it left it. One that fails leaves
// nothing behind but its line in the trace, and its policy applies; the stages
// after it run only where that is Skip. A verdict other than to go on ends the
// chain, but that of a delivery which was released does not hold it again. A shadow is not run here, and no outcome depends on one.
package pipeline

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/plugin"
)

// StepPrefix is what the name of a stage has in front of it in the trace.
const StepPrefix = "stage "

// Policy says what the failure of a stage means for the delivery.
type Policy string

// The policies.
const (
	// Skip goes on as if the stage were not there; the trace marks it.
	Skip Policy = "skip"
	// Retry has the whole chain run again with the delivery's next attempt.
	Retry Policy = "retry"
	// Quarantine holds the delivery for an operator.
	Quarantine Policy = "quarantine"
)

// Runner is a plugin; *plugin.Plugin is one.
type Runner interface {
	Run(ctx context.Context, m plugin.Mail, doc *document.Document) (plugin.Result, error)
}

// Stage is a plugin at its place in a chain.
type Stage struct {
	Name    string
	Plugin  Runner
	OnError Policy
	// Released has the chain go on where the stage would have the delivery held: somebody
	// has let it go.
	Released bool
	// Shadow is another version of the plugin; nil for none.
	Shadow *Shadow
}

// Shadow is a version of a plugin that is tried beside the one of its stage, on the same
// mail.
type Shadow struct {
	Plugin Runner
	// Old and New are the SHA-256 of the stage's module and of the shadow's.
	Old, New string
	// Values is true where what is kept of a run may hold values of the payload.
	Values bool
}

// Shadowed is a stage that has run and has a shadow: what it was given, and what it made
// of that. Both documents are as they were then, whatever becomes of the delivery's.
type Shadowed struct {
	Stage  Stage
	Before *document.Document
	Result plugin.Result
	Err    error
}

// Released is a chain whose stages hold nothing.
func Released(stages []Stage) []Stage {
	list := slices.Clone(stages)
	for i := range list {
		list[i].Released = true
	}
	return list
}

// Verdict is what is to become of the delivery.
type Verdict string

// The verdicts.
const (
	Deliver     Verdict = "deliver"
	TryAgain    Verdict = "retry"
	Dropped     Verdict = "drop"
	Quarantined Verdict = "quarantine"
	// Interrupted means that the context ended before the chain did: nothing is
	// decided.
	Interrupted Verdict = "interrupted"
)

// Outcome is what a chain came to.
type Outcome struct {
	// Document is what is to be delivered, or was made until the chain ended.
	Document *document.Document
	Verdict  Verdict
	// Reason begins with the stage that is the reason; empty for Deliver.
	Reason string
	// Steps is the trace, a line for each stage that ran.
	Steps []mail.Step
	// Shadowed are the stages for whose shadows there is work; none where the chain was
	// interrupted.
	Shadowed []Shadowed
}

// Run runs the stages.
func Run(ctx context.Context, stages []Stage, m plugin.Mail, doc *document.Document) Outcome {
	out := Outcome{Document: doc, Verdict: Deliver}
	for _, s := range stages {
		began := time.Now()
		res, err := s.Plugin.Run(ctx, m, out.Document)
		if err != nil && ctx.Err() != nil {
			return Outcome{Document: doc, Verdict: Interrupted, Reason: ctx.Err().Error(), Steps: out.Steps}
		}
		if s.Shadow != nil {
			out.Shadowed = append(out.Shadowed, shadowed(s, out.Document, res, err))
		}
		step := mail.Step{At: began, Name: StepPrefix + s.Name, Duration: res.Duration, Fuel: res.Fuel, Log: lines(res.Log)}
		switch {
		case err != nil:
			step.Error = err.Error()
			out.Verdict = afterError(s.OnError)
			out.Reason = fmt.Sprintf("plugin %s: %v", s.Name, err)
			step.Verdict = string(Skip)
		case res.Verdict != plugin.Continue:
			out.Document, out.Verdict = res.Document, asked(res.Verdict)
			out.Reason = fmt.Sprintf("plugin %s: %s", s.Name, res.Reason)
		default:
			out.Document = res.Document
		}
		if out.Verdict != Deliver {
			step.Verdict = string(out.Verdict)
		}
		if s.Released && out.Verdict == Quarantined {
			out.Verdict = Deliver
			step.Detail = "the delivery was released and goes on; the reason to hold it: " + out.Reason
		}
		if out.Verdict == Deliver {
			out.Reason = ""
		}
		out.Steps = append(out.Steps, step)
		if out.Verdict != Deliver {
			return out
		}
	}
	return out
}

// shadowed keeps what a shadow is given. Who delivers changes where a document's parts are,
// but no tree.
func shadowed(s Stage, before *document.Document, res plugin.Result, err error) Shadowed {
	given, made := *before, *before
	if res.Document != nil {
		made = *res.Document
	}
	res.Document = &made
	return Shadowed{Stage: s, Before: &given, Result: res, Err: err}
}

// asked is what a plugin's verdict comes to. One that is not known holds the delivery:
// to send it would be to do what nobody said.
func asked(v plugin.Verdict) Verdict {
	if v == plugin.Drop {
		return Dropped
	}
	return Quarantined
}

func afterError(p Policy) Verdict {
	switch p {
	case Retry:
		return TryAgain
	case Quarantine:
		return Quarantined
	default:
		return Deliver
	}
}

// lines writes a stage's log for the trace.
func lines(log []plugin.Line) []string {
	var list []string
	for _, l := range log {
		list = append(list, l.String())
	}
	return list
}

package conformance

import (
	"context"
	"fmt"
	"strings"

	"github.com/postern-mail/postern/gateway/internal/plugin/hostilemail"
)

// tryMails runs the plugin on all mails. What they come to is what other checks
// compare with.
func (a *attack) tryMails(ctx context.Context) Check {
	list := hostilemail.Mails()
	a.samples = make([]sample, 0, len(list)) // a.ordinary points into it
	var traps []string
	var wells, errs int
	incomplete := false
	for i, m := range list {
		if a.over(ctx) {
			incomplete = true
			break
		}
		a.Progress("mails", i, len(list))
		s, ok := a.deliver(m.Name, m.Raw())
		if !ok {
			break
		}
		s.outcome = a.run(ctx, a.runner, &s)
		a.samples = append(a.samples, s)
		if m.Name == ordinaryName() {
			a.ordinary = &a.samples[len(a.samples)-1]
		}
		switch s.end {
		case well:
			wells++
		case returned:
			errs++
		case stopped:
			traps = append(traps, fmt.Sprintf("%s: %s", m.Name, s.failure))
		}
	}
	c := Check{
		Result: Pass, Incomplete: incomplete, Details: bounded(traps),
		Found: fmt.Sprintf("%d mails: %d ended well, %d by an error that it returned, %d by a trap or a limit", len(a.samples), wells, errs, len(traps)),
	}
	switch {
	case len(a.samples) == 0:
		c.Result = Skip
	case len(traps) > 0:
		c.Result = Fail
		c.Advice = "return an error, or go without what is missing: a mail can lack anything, and be anything; the names are those of the mails"
	case wells == 0:
		c.Result = Warn
		c.Advice = "it ended well on no mail, so nothing else here says much: are its options right?"
		c.Details = []string{a.samples[0].failure}
	}
	return c
}

// What share of a limit is much, and what is too much.
const (
	muchOfLimit    = 0.5
	tooMuchOfLimit = 0.9
)

// headroom looks at how near to its limits the plugin came.
func (a *attack) headroom(context.Context) Check {
	type share struct {
		what, of string
		limit    float64
		used     func(*sample) float64
	}
	shares := []share{
		{"memory", "memory", float64(a.Config.Memory), func(s *sample) float64 { return float64(s.memory) }},
		{"fuel", "fuel", float64(a.Config.Fuel), func(s *sample) float64 { return float64(s.fuel) }},
		{"time", "timeout", float64(a.Config.Timeout), func(s *sample) float64 { return float64(s.duration) }},
	}
	if len(a.samples) == 0 {
		return Check{Result: Skip, Found: "no mail was tried"}
	}
	c := Check{Result: Pass}
	var found []string
	for _, sh := range shares {
		if sh.limit == 0 {
			found = append(found, sh.what+" has no limit")
			continue
		}
		most, worst := 0.0, ""
		for i := range a.samples {
			if used := sh.used(&a.samples[i]) / sh.limit; used >= most {
				most, worst = used, a.samples[i].name
			}
		}
		found = append(found, fmt.Sprintf("%s %.1f %%", sh.what, 100*most))
		result := Pass
		switch {
		case most > tooMuchOfLimit:
			result = Fail
		case most > muchOfLimit:
			result = Warn
		}
		if sh.what == "time" && result == Fail {
			result = Warn // a machine can be busy; a run that was stopped is told by the mails
		}
		if result != Pass {
			c.Details = append(c.Details, fmt.Sprintf("%.0f %% of its %s for the mail %q", 100*most, sh.of, worst))
			c.Result = worse(c.Result, result)
			c.Advice = "bound what it does for one mail, or give its block more of that limit"
		}
	}
	c.Found = "the most of its limits for one mail: " + strings.Join(found, ", ")
	return c
}

// worse gives the worse of two results.
func worse(a, b Result) Result {
	for _, r := range []Result{Fail, Warn, Pass} {
		if a == r || b == r {
			return r
		}
	}
	return Skip
}

const (
	// manyLines are more lines of the log for one mail than anybody reads.
	manyLines = 20
	// leftOut ends the line by which the host says that it has cut a log.
	leftOut = "lines more were left out"
)

// log looks at how much the plugin logs.
func (a *attack) log(context.Context) Check {
	most, total, worst := 0, 0, ""
	var flooded []string
	for _, s := range a.samples {
		if s.end == stopped {
			continue // the runtime's last words
		}
		n := len(s.log)
		total += n
		if n > most {
			most, worst = n, s.name
		}
		if n > 0 && strings.HasSuffix(s.log[n-1].Message, leftOut) {
			flooded = append(flooded, fmt.Sprintf("%s: %s", s.name, s.log[n-1].Message))
		}
	}
	if len(a.samples) == 0 {
		return Check{Result: Skip, Found: "no mail was tried"}
	}
	c := Check{Result: Pass, Details: bounded(flooded), Found: fmt.Sprintf("%d lines for %d mails, at most %d for one", total, len(a.samples), most)}
	switch {
	case len(flooded) > 0:
		c.Result = Fail
		c.Found += fmt.Sprintf("; the log of %d was cut", len(flooded))
	case most > manyLines:
		c.Result = Warn
		c.Details = []string{fmt.Sprintf("%d lines for the mail %q", most, worst)}
	default:
		return c
	}
	c.Advice = "log what is wrong once for a mail, with a count, and not once for each place in it"
	return c
}

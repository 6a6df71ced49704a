package conformance

import (
	"context"
	"fmt"
)

// repeat runs each mail again, in the same instance and in one that was started anew: its
// random numbers and its maps are others there.
func (a *attack) repeat(ctx context.Context) Check {
	other, err := a.Load(ctx, a.Config)
	if err != nil {
		return Check{
			Result: Fail, Found: "it loaded once, and not a second time: " + err.Error(),
			Advice: "let what is done to start and to configure it depend on its options alone",
		}
	}
	defer a.close(ctx, other)
	var changed, late []string
	tried, incomplete := 0, false
	for i := range a.samples {
		s := &a.samples[i]
		if s.end == stopped {
			continue
		}
		if a.over(ctx) {
			incomplete = true
			break
		}
		a.Progress("determinism", i, len(a.samples))
		tried++
		for _, again := range []struct {
			where string
			r     Runner
		}{{"in the next run", a.runner}, {"in another instance", other}} {
			o := a.run(ctx, again.r, s)
			if o.late {
				late = append(late, fmt.Sprintf("%s, %s: %s", s.name, again.where, o.failure))
				break
			}
			// The fastest run says most of the plugin, and least of the machine.
			s.duration = min(s.duration, o.duration)
			if d := s.differs(o); d != "" {
				changed = append(changed, fmt.Sprintf("%s, %s: %s", s.name, again.where, d))
				break
			}
		}
	}
	c := Check{Incomplete: incomplete, Found: fmt.Sprintf("%d mails were run three times, in two instances; %d gave different results", tried, len(changed))}
	switch {
	case tried == 0:
		c.Result = Skip
	case len(changed) > 0:
		a.unsteady = true
		c.Result, c.Details = Fail, bounded(changed)
		c.Advice = "leave out clock and random numbers, and sort what comes out of a map: the chain may run again for a mail, and its result is to be the same"
	case len(late) > 0:
		c.Result, c.Details = Warn, bounded(late)
		c.Advice = "it ended in time once and not the next time: give its block a longer timeout, or bound what it does for one mail"
	default:
		c.Result = Pass
	}
	return c
}

package conformance

import (
	"context"
	"fmt"
	"time"

	"github.com/postern-mail/postern/gateway/internal/plugin"
)

// longestHeavy bounds the run whose budgets are cut: it is made a dozen times.
const longestHeavy = 2 * time.Second

// page is the step by which memory grows, in octets.
const page = 64 << 10

// budgetTally counts what came of runs within too little.
type budgetTally struct {
	cut, enough, unloaded int
	wrong                 []string
}

// tryBudgets runs the plugin within a part of the fuel, the memory and the time that a run
// takes. It is stopped, or returns an error, or gives the right result: to give another one
// is to take the failure of an allocation for success, or to work by the clock.
func (a *attack) tryBudgets(ctx context.Context) Check {
	if a.unsteady {
		return Check{Result: Skip, Found: unsteady}
	}
	heavy := a.heaviest(func(s *sample) int64 { return s.fuel })
	large := a.heaviest(func(s *sample) int64 { return int64(s.memory) })
	if heavy == nil || a.ordinary == nil {
		return Check{Result: Skip, Found: "no mail ended well"}
	}
	c := Check{Result: Pass}
	var t budgetTally
	type budget struct {
		name   string
		sample *sample
		change func(*plugin.Config)
		time   time.Duration
	}
	var list []budget
	for _, sixteenths := range []int64{1, 2, 4, 8, 12, 15} {
		fuel := heavy.fuel * sixteenths / 16
		if fuel > 0 {
			list = append(list, budget{name: fmt.Sprintf("%d units of fuel", fuel), sample: heavy, change: func(cfg *plugin.Config) { cfg.Fuel = fuel }})
		}
	}
	least := a.ordinary.memory
	for _, quarters := range []uint64{0, 1, 2, 3} {
		if large.memory <= least {
			break // no mail takes more than another one
		}
		memory := (least + (large.memory-least)*quarters/4) / page * page
		list = append(list, budget{name: fmt.Sprintf("%d KiB of memory", memory>>10), sample: large, change: func(cfg *plugin.Config) { cfg.Memory = memory }})
	}
	for _, part := range []time.Duration{16, 4, 2} {
		list = append(list, budget{name: fmt.Sprintf("1/%d of the time", part), sample: heavy, time: max(heavy.duration/part, time.Microsecond)})
	}
	for i, b := range list {
		if a.over(ctx) {
			c.Incomplete = true
			break
		}
		a.Progress("budgets", i, len(list))
		a.tryBudget(ctx, &t, b.name, b.sample, b.change, b.time)
	}
	c.Found = fmt.Sprintf("%d runs within less fuel, memory or time than they take: %d were stopped or returned an error, %d got by and gave the right result, %d gave another",
		t.cut+t.enough+len(t.wrong), t.cut, t.enough, len(t.wrong))
	if t.unloaded > 0 {
		c.Found += fmt.Sprintf("; within %d more budgets it cannot even start", t.unloaded)
	}
	switch {
	case len(t.wrong) > 0:
		c.Result, c.Details = Fail, bounded(t.wrong)
		c.Advice = "look at what an allocation returns, and do not look at the clock: who gives it less gets a wrong payload without a word"
	case t.cut == 0:
		c.Result = Skip
		c.Found += "; it takes so little that no budget cuts it"
	}
	return c
}

// heaviest finds the mail that takes the most, of those that ended well in bearable time.
func (a *attack) heaviest(of func(*sample) int64) *sample {
	var most *sample
	for i := range a.samples {
		s := &a.samples[i]
		if s.end == well && s.duration <= longestHeavy && (most == nil || of(s) > of(most)) {
			most = s
		}
	}
	return most
}

// tryBudget runs the plugin within one budget.
func (a *attack) tryBudget(ctx context.Context, t *budgetTally, name string, s *sample, change func(*plugin.Config), limit time.Duration) {
	r := a.runner
	if change != nil {
		cfg := a.Config
		change(&cfg)
		var err error
		if r, err = a.Load(ctx, cfg); err != nil {
			t.unloaded++
			return
		}
		defer a.close(ctx, r)
	}
	runCtx := ctx
	if limit > 0 {
		var cancel context.CancelFunc
		runCtx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	o := run(runCtx, r, s.mail, s.document)
	switch {
	case o.end != well:
		t.cut++
	case s.differs(o) != "":
		t.wrong = append(t.wrong, fmt.Sprintf("within %s, %s: %s", name, s.name, s.differs(o)))
	default:
		t.enough++
	}
	if o.end == stopped {
		a.afterStop(ctx, r, s.name, name)
	}
}

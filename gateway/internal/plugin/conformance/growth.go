package conformance

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/postern-mail/postern/gateway/internal/plugin/hostilemail"
)

const (
	// Exponents of growth: n is 1, n·log n is about 1.1, n² is 2.
	fastGrowth    = 1.3
	tooFastGrowth = 1.6
	// clockGrowth is the exponent from which the clock is believed to tell what fuel
	// does not, where a run takes so long that it is no noise.
	clockGrowth   = 1.6
	believedClock = 200 * time.Millisecond
	// noGrowth is how much fuel a mail may take beyond an empty one, as a share, before
	// it is said to depend on size; and at least so many units.
	noGrowth      = 0.5
	noGrowthUnits = 50_000
	// clockRuns are made of each mail, the fastest of which counts, and as many more
	// where the clock raises a suspicion.
	clockRuns = 2
)

// grown is what a series took at one size.
type grown struct {
	size     int
	fuel     int64
	duration time.Duration
}

// growth runs mails of a kind in several sizes, and finds the exponent by which work grows
// with size. Most is what it compares: where something grows faster than linearly, one
// large mail costs as much as all others.
func (a *attack) growth(ctx context.Context) Check {
	c := Check{Result: Pass}
	list := hostilemail.AllSeries()
	steepest, what, tried := 0.0, "", 0
	for i, series := range list {
		if a.over(ctx) {
			c.Incomplete = true
			break
		}
		a.Progress("growth", i, len(list))
		points, failure := a.measure(ctx, series)
		if failure != "" {
			c.Result = Fail
			c.Details = append(c.Details, fmt.Sprintf("%s: %s", series.Name, failure))
		}
		if len(points) < 4 {
			continue // it returned an error, or was stopped
		}
		tried++
		base, middle, last := points[0], points[len(points)-2], points[len(points)-1]
		// Sizes are a fourth apart: the smaller one is large enough for what is constant to be little.
		ratio := float64(last.size) / float64(middle.size)
		more := last.fuel - base.fuel
		byFuel := 0.0
		if more > noGrowthUnits && float64(more) > noGrowth*float64(base.fuel) { // else it does not depend on it
			byFuel = exponent(float64(middle.fuel-base.fuel), float64(more), ratio)
		}
		if byFuel > steepest {
			steepest, what = byFuel, series.Name
		}
		line := fmt.Sprintf("%s: fuel grows by size to the power of %.2f: %d units at %d KiB, %d at %d KiB",
			series.Name, byFuel, middle.fuel, middle.size>>10, last.fuel, last.size>>10)
		switch {
		case byFuel > tooFastGrowth:
			c.Result = Fail
			c.Details = append(c.Details, line)
		case byFuel > fastGrowth:
			c.Result = worse(c.Result, Warn)
			c.Details = append(c.Details, line)
		default:
			if line := a.growthByClock(ctx, series, base, middle, last); line != "" {
				c.Result = worse(c.Result, Warn)
				c.Details = append(c.Details, fmt.Sprintf("%s, and fuel by %.2f; calls of the host may be what takes it", line, byFuel))
			}
		}
	}
	switch {
	case tried == 0 && c.Result == Pass:
		return Check{Result: Skip, Incomplete: c.Incomplete, Found: "of no kind of mail it ended well in all sizes"}
	case what == "":
		c.Found = fmt.Sprintf("%d kinds of mails in growing sizes: what it does hardly depends on size", tried)
	default:
		c.Found = fmt.Sprintf("%d kinds of mails in growing sizes: fuel grows by size to the power of at most %.2f (%s)", tried, steepest, what)
	}
	if c.Result != Pass {
		c.Advice = "look for a loop within a loop, a string that grows by one piece at a time, or a call of the host for each place: twice the mail is to take twice the work"
	}
	return c
}

// growthByClock looks for growth that fuel does not tell of: the host's own work. A busy
// machine can look like that, so what is suspected is measured again.
func (a *attack) growthByClock(ctx context.Context, series hostilemail.Series, base, middle, last grown) string {
	for range clockRuns {
		if last.duration < believedClock || clockExponent(base, middle, last) < clockGrowth || a.over(ctx) {
			return ""
		}
		for _, p := range []*grown{&middle, &last} {
			s, ok := a.deliver(series.Name, series.Raw(p.size))
			if !ok {
				return ""
			}
			p.duration = min(p.duration, a.run(ctx, a.runner, &s).duration)
		}
	}
	return fmt.Sprintf("%s: time grows by size to the power of %.2f: %s at %d KiB, %s at %d KiB",
		series.Name, clockExponent(base, middle, last), rounded(middle.duration), middle.size>>10, rounded(last.duration), last.size>>10)
}

func clockExponent(base, middle, last grown) float64 {
	return exponent(float64(middle.duration-base.duration), float64(last.duration-base.duration), float64(last.size)/float64(middle.size))
}

func rounded(d time.Duration) time.Duration { return d.Round(time.Millisecond) }

// exponent gives e where y grows as the e-th power of x, when x grows by ratio.
func exponent(before, after, ratio float64) float64 {
	if before <= 0 || after <= 0 {
		return 0
	}
	return math.Log(after/before) / math.Log(ratio)
}

// measure runs a series from the smallest size to the largest. Failure says what ended
// before, if the plugin did not choose it.
func (a *attack) measure(ctx context.Context, series hostilemail.Series) (points []grown, failure string) {
	for _, size := range []int{0, series.Most / 16, series.Most / 4, series.Most} {
		raw := series.Raw(size)
		s, ok := a.deliver(series.Name, raw)
		if !ok || a.over(ctx) {
			return points, ""
		}
		p := grown{size: len(raw)}
		for n := range clockRuns {
			o := a.run(ctx, a.runner, &s)
			switch o.end {
			case stopped:
				return points, fmt.Sprintf("at %d KiB: %s", len(raw)>>10, o.failure)
			case returned:
				return points, ""
			case well:
			}
			p.fuel = o.fuel
			if n == 0 || o.duration < p.duration {
				p.duration = o.duration
			}
		}
		points = append(points, p)
	}
	return points, ""
}

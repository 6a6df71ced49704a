package sandbox

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/postern-mail/postern/gateway/internal/sandbox/admit"
)

// ErrFuel means that a run has used up its fuel.
var ErrFuel = errors.New("its fuel is used up")

// fuelError is ErrFuel with what was used.
type fuelError struct{ units int64 }

func (e *fuelError) Error() string { return fmt.Sprintf("%v, after %d units", ErrFuel, e.units) }

func (*fuelError) Unwrap() error { return ErrFuel }

// What a run may have of WASI, whose functions cost the host time and the guest little.
const (
	maxRandom    = 16 << 20 // octets of random numbers
	maxWASICalls = 1_000_000
)

// A run begins with leastSlice. While slices are quick they get longer, up to admit.Slice; one
// that takes longer than slowSlice is followed by shorter ones: what a guest's instructions wait
// for is its own doing, and what stops all goroutines waits for it.
const (
	slowSlice  = 2 * time.Millisecond
	leastSlice = admit.Slice / 20
)

// run is the state of one run that is the host's. It travels in the context of its calls.
type run struct {
	output     io.Writer
	guest      *Guest // nil until the instance is set up
	most, used int64  // fuel; where most is 0, it may use any
	random     int    // octets that it may still ask for
	wasiCalls  int
	slice      int64     // what it gets at a time
	began      time.Time // its slice
	turned     time.Time // when others could go first last
	// yield is called after each slice of fuel; nil for nothing.
	yield func(context.Context) error
}

type yieldKey struct{}

// WithYield has runs under the context call yield after each slice of fuel: others may go
// first meanwhile. An error ends the run.
func WithYield(ctx context.Context, yield func(context.Context) error) context.Context {
	return context.WithValue(ctx, yieldKey{}, yield)
}

type runKey struct{}

func withRun(ctx context.Context, r *run) context.Context {
	return context.WithValue(ctx, runKey{}, r)
}

// runOf is the run that a context is of.
func runOf(ctx context.Context) *run {
	r, _ := ctx.Value(runKey{}).(*run)
	return r
}

// refuel is the host function that a metered guest calls when its slice is used up. It
// is the moment at which a guest can be stopped, and at which others get their turn.
func refuel() Function {
	return Function{
		Module: admit.HostModule, Name: admit.Refuel, Params: []Type{I32}, Results: []Type{I32},
		Call: func(ctx context.Context, _ *Guest, stack []uint64) error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			r := runOf(ctx)
			r.shorten(time.Now())
			if r.yield != nil {
				if err := r.yield(ctx); err != nil {
					return err
				}
			}
			// Until it is replaced, the slice is counted where the run ends.
			spent := admit.Slice - int64(int32(stack[0]))
			if r.most > 0 && r.used+spent >= r.most {
				return &fuelError{r.used + spent}
			}
			// Of a slice that is shorter, the rest was used already, and is not counted.
			r.used += spent - (admit.Slice - r.slice)
			r.began = time.Now()
			r.turned = r.began
			stack[0] = uint64(r.slice)
			return nil
		},
	}
}

// octetsPerUnit is how many octets that the host hands over, or is handed, cost a unit of fuel.
const octetsPerUnit = 64

// charge has the run pay for what the host has handed over, or was handed: its work grows with
// that, and a guest could have it hand over the same any number of times.
func (r *run) charge(octets int) error {
	if r == nil {
		return nil
	}
	r.used += int64(octets / octetsPerUnit)
	// Of a slice that is shorter, the rest counts as used before it.
	if used := r.used + admit.Slice - r.slice; r.most > 0 && used > r.most {
		return &fuelError{used}
	}
	return nil
}

// shorten makes the next slice shorter where the one that has ended took long, and longer again
// where it was quick.
func (r *run) shorten(now time.Time) {
	switch took := now.Sub(r.began); {
	case took > slowSlice:
		r.slice = max(leastSlice, r.slice*int64(slowSlice)/int64(took))
	case took < slowSlice/4:
		r.slice = min(admit.Slice, 2*r.slice)
	}
}

// longTurn is how long the host may work for a run, and the guest between, before others
// may go first.
const longTurn = time.Millisecond

// turn lets others go first, where it is long since they could: a guest that has the host
// work spends little fuel.
func (r *run) turn(ctx context.Context) error {
	if r == nil || r.yield == nil || time.Since(r.turned) < longTurn {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	err := r.yield(ctx)
	r.turned = time.Now()
	return err
}

// streams are the output and the random numbers of an instance, which are those of its
// run while it has time.
type streams struct {
	ctx context.Context //nolint:containedctx // of the run that the instance has at the time
	run *run
}

var errNoRun = errors.New("the run is over")

// Write implements io.Writer.
func (s *streams) Write(p []byte) (int, error) {
	if s.run == nil {
		return 0, errNoRun
	}
	if s.ctx.Err() != nil {
		return 0, context.Cause(s.ctx)
	}
	return s.run.output.Write(p)
}

// Read implements io.Reader: it gives random numbers.
func (s *streams) Read(p []byte) (int, error) {
	if s.run == nil || s.ctx.Err() != nil {
		return 0, errNoRun
	}
	if s.run.random -= len(p); s.run.random < 0 {
		return 0, errors.New("no more random numbers in this run")
	}
	return rand.Read(p)
}

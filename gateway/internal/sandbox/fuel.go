package sandbox

import (
	"context"
	"errors"
	"fmt"

	"github.com/postern-mail/postern/gateway/internal/sandbox/admit"
)

// ErrFuel means that a run has used up its fuel.
var ErrFuel = errors.New("its fuel is used up")

// fuelError is ErrFuel with what was used.
type fuelError struct{ units int64 }

func (e *fuelError) Error() string { return fmt.Sprintf("%v, after %d units", ErrFuel, e.units) }

func (*fuelError) Unwrap() error { return ErrFuel }

// tank is the fuel of one run. Where most is 0, it may use any.
type tank struct{ most, used int64 }

type tankKey struct{}

func withTank(ctx context.Context, t *tank) context.Context {
	return context.WithValue(ctx, tankKey{}, t)
}

// refuel is the host function that a metered guest calls when its slice is used up. It
// is the moment at which a guest can be stopped, and at which others get their turn.
func refuel() Function {
	return Function{
		Module: admit.HostModule, Name: admit.Refuel, Params: []Type{I32}, Results: []Type{I32},
		Call: func(ctx context.Context, _ *Guest, stack []uint64) error {
			t, ok := ctx.Value(tankKey{}).(*tank)
			if !ok {
				return errors.New("there is no run")
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			// Until it is replaced, the slice is counted where the run ends.
			spent := admit.Slice - int64(int32(stack[0]))
			if t.most > 0 && t.used+spent >= t.most {
				return &fuelError{t.used + spent}
			}
			t.used += spent
			stack[0] = admit.Slice
			return nil
		},
	}
}

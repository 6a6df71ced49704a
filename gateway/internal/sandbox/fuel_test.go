package sandbox

import (
	"testing"
	"time"

	"github.com/postern-mail/postern/gateway/internal/sandbox/admit"
)

// TestSlowSlicesGetShorter holds how long slices are after one that took long, and that
// what is used is counted all the same.
func TestSlowSlicesGetShorter(t *testing.T) {
	t.Parallel()
	r := &run{}
	ctx := withRun(t.Context(), r)
	next := func(left int32, took time.Duration) (slice int64) {
		t.Helper()
		if took > 0 {
			r.began = time.Now().Add(-took)
		}
		stack := []uint64{uint64(uint32(left))}
		if err := refuel().Call(ctx, nil, stack); err != nil {
			t.Fatal(err)
		}
		return int64(stack[0])
	}
	if got := next(-5, 0); got != admit.Slice || r.used != admit.Slice+5 {
		t.Errorf("the first gets %d, having used %d", got, r.used)
	}
	r.began = time.Now()
	if got := next(-1, 0); got != admit.Slice {
		t.Errorf("one that was quick is followed by %d", got)
	}
	used := int64(2*admit.Slice + 6)
	short := next(0, 4*slowSlice)
	if used += admit.Slice; short > admit.Slice/4 || short < admit.Slice/5 {
		t.Errorf("one of four times as long is followed by %d", short)
	}
	// The host counts a whole slice, of which the rest was used before.
	if got := r.used + admit.Slice - short; got != used {
		t.Errorf("%d units are counted, and %d were used", got, used)
	}
	if got := next(-3, time.Second); got != leastSlice {
		t.Errorf("one of a second is followed by %d", got)
	}
	used += short + 3
	if got := next(0, slowSlice/2); got != leastSlice {
		t.Errorf("one that is quick again is followed by %d", got)
	}
	if used += leastSlice; r.used+admit.Slice-leastSlice != used {
		t.Errorf("%d units are counted, and %d were used", r.used+admit.Slice-leastSlice, used)
	}
}

package sandbox

import (
	"context"
	"testing"
	"time"

	"github.com/postern-mail/postern/gateway/internal/sandbox/admit"
)

// TestSlices holds how long slices are after those that were quick and slow.
func TestSlices(t *testing.T) {
	t.Parallel()
	began := time.Now()
	r := &run{slice: leastSlice}
	for _, step := range []struct {
		took time.Duration
		want int64
	}{
		{slowSlice / 10, 2 * leastSlice},
		{slowSlice / 10, 4 * leastSlice},
		{slowSlice / 2, 4 * leastSlice},
		{slowSlice, 4 * leastSlice},
		{2 * slowSlice, 2 * leastSlice},
		{time.Second, leastSlice},
		{time.Second, leastSlice},
		{0, 2 * leastSlice},
	} {
		r.began = began
		if r.shorten(began.Add(step.took)); r.slice != step.want {
			t.Errorf("one of %s is followed by %d units, want %d", step.took, r.slice, step.want)
		}
	}
	for range 20 {
		r.shorten(r.began)
	}
	if r.slice != admit.Slice {
		t.Errorf("quick ones come to %d units", r.slice)
	}
}

// TestSlicesAreCounted holds that what is used is counted, however long slices are.
func TestSlicesAreCounted(t *testing.T) {
	t.Parallel()
	r := &run{slice: leastSlice, used: leastSlice - admit.Slice, began: time.Now()}
	ctx := withRun(t.Context(), r)
	given := int64(leastSlice)
	used := int64(0)
	for i := range 100 {
		r.began = time.Now()
		if i%7 == 3 {
			r.began = r.began.Add(-time.Second) // it was slow
		}
		overdrawn := int64(i % 5)
		used += given + overdrawn
		stack := []uint64{uint64(uint32(int32(-overdrawn)))}
		if err := refuel().Call(ctx, nil, stack); err != nil {
			t.Fatal(err)
		}
		given = int64(stack[0])
		// The host counts a whole slice where the run ends, and this one is whole yet.
		if got := r.used + admit.Slice - given; got != used {
			t.Fatalf("%d units are counted, and %d were used", got, used)
		}
	}
}

// TestTurn holds that others may go first where the host has worked for a run for long, and
// that a run whose time is over then ends.
func TestTurn(t *testing.T) {
	t.Parallel()
	turns := 0
	r := &run{slice: leastSlice, yield: func(context.Context) error { turns++; return nil }}
	work := hostFunction(Function{Call: func(context.Context, *Guest, []uint64) error {
		r.turned = r.turned.Add(-time.Hour) // it has taken as long
		return nil
	}})
	ctx, cancel := context.WithCancel(withRun(t.Context(), r))
	for range 3 {
		r.turned = time.Now()
		work(ctx, nil, nil)
	}
	if turns != 3 {
		t.Errorf("others could go first %d times, want 3", turns)
	}
	cancel()
	defer func() {
		if p := recover(); p == nil || turns != 3 {
			t.Errorf("it ends with %v", p)
		}
	}()
	work(ctx, nil, nil)
}

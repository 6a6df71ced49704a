package plugin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestLanesTakeTurns has one tenant with many that wait, and two with one each: they take
// turns, each tenant's own in the order in which they came.
func TestLanesTakeTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := NewLanes(1)
		if err := l.enter(t.Context(), "z"); err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var order []string
		for i, tenant := range []string{"a", "a", "a", "a", "b", "c"} {
			go func() {
				if err := l.enter(t.Context(), tenant); err != nil {
					t.Error(err)
				}
				mu.Lock()
				order = append(order, fmt.Sprint(tenant, i))
				mu.Unlock()
				l.leave()
			}()
			synctest.Wait()
		}
		l.leave()
		synctest.Wait()
		if got := strings.Join(order, " "); got != "a0 b4 c5 a1 a2 a3" {
			t.Errorf("order %s", got)
		}
		if l.free != 1 || len(l.turns) != 0 || len(l.waiting) != 0 {
			t.Errorf("%+v is left", l)
		}
	})
}

// TestLanesYield has a run that lets others go first, but for those of its own tenant.
func TestLanesYield(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := NewLanes(1)
		order := make(chan string, 10)
		must := func(err error) {
			if err != nil {
				t.Error(err)
			}
		}
		must(l.enter(t.Context(), "a"))
		must(l.yield(t.Context(), "a", atOnce)) // nobody waits
		for _, tenant := range []string{"a", "b", "b"} {
			go func() {
				must(l.enter(t.Context(), tenant))
				order <- tenant
				l.leave()
			}()
			synctest.Wait()
		}
		must(l.yield(t.Context(), "a", atOnce))
		order <- "first"
		must(l.yield(t.Context(), "a", atOnce))
		order <- "again"
		l.leave()
		synctest.Wait()
		close(order)
		var got []string
		for s := range order {
			got = append(got, s)
		}
		if s := strings.Join(got, " "); s != "b first b again a" {
			t.Errorf("order %s", s)
		}
		if l.free != 1 || len(l.turns) != 0 || len(l.waiting) != 0 {
			t.Errorf("%+v is left", l)
		}
	})
}

// TestLanesBehind has runs that nobody waits for: they go when no tenant wants the lane, and
// give it to any that comes, also of their own tenant.
func TestLanesBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := NewLanes(1)
		order := make(chan string, 20)
		must := func(err error) {
			if err != nil {
				t.Error(err)
			}
		}
		must(l.enter(t.Context(), "a"))
		for i := range 2 {
			go func() {
				must(l.enterBehind(t.Context()))
				order <- fmt.Sprint("behind", i)
				must(l.yieldBehind(t.Context(), atOnce))
				order <- fmt.Sprint("again", i)
				l.leave()
			}()
			synctest.Wait()
		}
		inFront := func(tenant string) {
			must(l.enter(t.Context(), tenant))
			order <- tenant
			if tenant == "b" { // c comes while it runs
				go func() {
					must(l.enter(t.Context(), "c"))
					order <- "c"
					l.leave()
				}()
				time.Sleep(time.Second)
			}
			l.leave()
		}
		go inFront("a")
		synctest.Wait()
		must(l.yield(t.Context(), "b", atOnce)) // whoever is behind is not let go first, but a is
		order <- "first"
		go inFront("b")
		synctest.Wait()
		l.leave()
		time.Sleep(time.Minute)
		synctest.Wait()
		close(order)
		var got []string
		for s := range order {
			got = append(got, s)
		}
		if s := strings.Join(got, " "); s != "a first b c behind0 again0 behind1 again1" {
			t.Errorf("order %s", s)
		}
		if l.free != 1 || len(l.turns) != 0 || len(l.behind) != 0 || l.paused != 0 {
			t.Errorf("%+v is left", l)
		}
	})
}

// TestLanesBehindYields has one behind in the lane when a tenant comes, and gives up while
// it waits for the lane again.
func TestLanesBehindYields(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := NewLanes(1)
		if err := l.enterBehind(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range maxPaused + 2 { // its pause is none of theirs
			go func() {
				if err := l.enter(t.Context(), "a"); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Second)
				l.leave()
			}()
		}
		synctest.Wait()
		began := time.Now()
		if err := l.yieldBehind(t.Context(), atOnce); err != nil || time.Since(began) != (maxPaused+2)*time.Second {
			t.Errorf("the lane came back after %s, %v", time.Since(began), err)
		}
		go func() {
			if err := l.enter(t.Context(), "a"); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Hour)
			l.leave()
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := l.yieldBehind(ctx, atOnce); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if l.free != 1 || len(l.behind) != 0 {
			t.Errorf("%+v is left", l)
		}
	})
}

// TestLanesPauseFew holds that guests which wait in the middle of their runs are few: the
// others keep their lane.
func TestLanesPauseFew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := NewLanes(1)
		paused, ended := 0, 0
		for i := range 2 * maxPaused {
			go func() {
				tenant := fmt.Sprint(i)
				if err := l.enter(t.Context(), tenant); err != nil {
					t.Error(err)
				}
				if l.paused > maxPaused {
					t.Errorf("%d are paused", l.paused)
				}
				paused = max(paused, l.paused)
				if err := l.yield(t.Context(), tenant, atOnce); err != nil {
					t.Error(err)
				}
				ended++
				l.leave()
			}()
			synctest.Wait()
		}
		synctest.Wait()
		if ended != 2*maxPaused || l.free != 1 || l.paused != 0 {
			t.Errorf("%d ended, %d were paused, %+v is left", ended, paused, l)
		}
	})
}

// TestLanesGiveUp has waiters that give up, also at the moment in which their lane comes.
func TestLanesGiveUp(t *testing.T) {
	t.Parallel()
	l := NewLanes(2)
	var wg sync.WaitGroup
	for i := range 2000 {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%50)*time.Microsecond)
			defer cancel()
			if i%7 == 0 {
				if l.enterBehind(ctx) == nil && l.yieldBehind(ctx, atOnce) == nil {
					l.leave()
				}
				return
			}
			tenant := string(rune('a' + i%5))
			if err := l.enter(ctx, tenant); err != nil {
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
				return
			}
			if l.yield(ctx, tenant, atOnce) == nil {
				l.leave()
			}
		})
	}
	wg.Wait()
	if l.free != 2 || len(l.turns) != 0 || len(l.waiting) != 0 || len(l.behind) != 0 {
		t.Errorf("%+v is left", l)
	}
}

// TestWorktime holds that waiting is not working.
func TestWorktime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, w, cancel := withWorktime(t.Context(), time.Second)
		defer cancel()
		time.Sleep(900 * time.Millisecond)
		if err := w.pause(func() error { time.Sleep(time.Hour); return ctx.Err() }); err != nil {
			t.Error(err)
		}
		time.Sleep(99 * time.Millisecond)
		if ctx.Err() != nil {
			t.Error("its time was over too soon")
		}
		time.Sleep(2 * time.Millisecond)
		if !errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
			t.Errorf("cause %v", context.Cause(ctx))
		}
		if w.waited != time.Hour {
			t.Errorf("it has waited for %s", w.waited)
		}
		if err := w.pause(func() error { return nil }); err != nil || !errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
			t.Errorf("after its end: %v, %v", err, context.Cause(ctx))
		}
	})
}

// atOnce is the pause of who has no time to stop.
func atOnce(wait func() error) error { return wait() }

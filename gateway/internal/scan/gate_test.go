package scan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// answers is a scan that ends so.
func answers(err error) func(context.Context) error {
	return func(context.Context) error { return err }
}

func testGate(l Limits) (*gate, *logBuffer) {
	log, lines := newLog()
	return newGate("fake", "10.0.0.1:1", l.withDefaults(1<<20, 10*time.Second, 2), nil, log), lines
}

// TestBreaker goes through all its states.
func TestBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, log := testGate(Limits{Failures: 3, OpenFor: time.Minute})
		down := g.fail(Connect, errors.New("refused"))
		fails := func(n int) {
			t.Helper()
			for range n {
				wantError(t, g.run(t.Context(), answers(down)), Connect)
			}
		}
		shut := func() {
			t.Helper()
			err := g.run(t.Context(), func(context.Context) error { t.Error("the scanner was asked"); return nil })
			wantError(t, err, Unavailable, "fake at 10.0.0.1:1")
			if !errors.Is(err, ErrUnavailable) {
				t.Errorf("error = %v", err)
			}
		}
		fails(2)
		if err := g.run(t.Context(), answers(nil)); err != nil { // they were not in a row
			t.Fatal(err)
		}
		fails(3)
		shut()
		time.Sleep(time.Minute)
		shut()
		time.Sleep(time.Millisecond)

		// One tries it; the others do not wait for that.
		began, end := make(chan struct{}), make(chan error)
		var probe sync.WaitGroup
		probe.Go(func() {
			wantError(t, g.run(t.Context(), func(context.Context) error { close(began); return <-end }), Connect)
		})
		<-began
		shut()
		end <- down
		probe.Wait()
		shut()

		time.Sleep(time.Minute + time.Millisecond)
		if err := g.run(t.Context(), answers(nil)); err != nil {
			t.Fatal(err)
		}
		fails(2)
		want := []string{
			`[WARN]  scanner fails and is left alone: engine=fake address=10.0.0.1:1 from=closed to=open for=1m0s error="fake at 10.0.0.1:1: connect: refused"`,
			`[INFO]  scanner is tried again: engine=fake address=10.0.0.1:1 from=open to=half-open`,
			`[WARN]  scanner fails and is left alone: engine=fake address=10.0.0.1:1 from=half-open to=open for=1m0s error="fake at 10.0.0.1:1: connect: refused"`,
			`[INFO]  scanner is tried again: engine=fake address=10.0.0.1:1 from=open to=half-open`,
			`[INFO]  scanner answers again: engine=fake address=10.0.0.1:1 from=half-open to=closed`,
		}
		if diff := cmp.Diff(want, log.lines()); diff != "" {
			t.Errorf("log: -want +got\n%s", diff)
		}
	})
}

// TestNotTheScannersFault holds what the breaker does not count, shut or half-open.
func TestNotTheScannersFault(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, log := testGate(Limits{Failures: 2, OpenFor: time.Minute})
		given, giveUp := context.WithCancel(t.Context())
		innocent := func() {
			wantError(t, g.run(given, func(ctx context.Context) error {
				giveUp()
				<-ctx.Done()
				return g.fault(ctx, ctx.Err())
			}), Canceled, "context canceled")
			given, giveUp = context.WithCancel(t.Context())
			wantError(t, g.run(t.Context(), answers(g.fail(Unreadable, errDisk))), Unreadable)
			if err := g.run(t.Context(), answers(errTooLarge)); !errors.Is(err, errTooLarge) {
				t.Errorf("error = %v", err)
			}
		}
		for range 5 {
			innocent()
		}
		down := g.fail(Timeout, errors.New("no answer"))
		wantError(t, g.run(t.Context(), answers(down)), Timeout)
		innocent() // does not make good either
		wantError(t, g.run(t.Context(), answers(down)), Timeout)
		wantError(t, g.run(t.Context(), answers(nil)), Unavailable)

		time.Sleep(time.Minute + time.Millisecond)
		innocent() // half-open: they leave the try to the next
		wantError(t, g.run(t.Context(), answers(g.fail(Refused, errors.New("this mail not")))), Refused)
		innocent()
		giveUp()
		if n := len(log.lines()); n != 3 { // open, half-open, closed
			t.Errorf("log:\n%s", strings.Join(log.lines(), "\n"))
		}
	})
}

func TestSlots(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, log := testGate(Limits{MaxScans: 2, Failures: 1})
		release := make(chan struct{})
		var scans sync.WaitGroup
		for range 2 {
			scans.Go(func() {
				if err := g.run(t.Context(), func(context.Context) error { <-release; return nil }); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		start := time.Now()
		wantError(t, g.run(t.Context(), answers(nil)), Busy, "2 scans", "10s")
		if d := time.Since(start); d != 10*time.Second {
			t.Errorf("waited for %s", d)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		wantError(t, g.run(ctx, answers(nil)), Canceled, "deadline exceeded")
		wantError(t, g.run(ctx, answers(nil)), Canceled) // had ended before

		// The time of a scan begins with its turn.
		scans.Go(func() {
			err := g.run(t.Context(), func(ctx context.Context) error {
				if left, ok := ctx.Deadline(); !ok || time.Until(left) != 10*time.Second {
					t.Errorf("the scan may take until %s", left)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
		time.Sleep(8 * time.Second)
		close(release)
		scans.Wait()
		if lines := log.lines(); lines[0] != "" {
			t.Errorf("log: %q", lines)
		}
	})
}

// TestOpenBreakerDoesNotWait holds that nobody waits for a slot of a scanner that
// is left alone, and that who has waited is not let through.
func TestOpenBreakerDoesNotWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, _ := testGate(Limits{MaxScans: 1, Failures: 1, OpenFor: time.Minute})
		down := g.fail(Interrupted, io.EOF)
		end := make(chan error)
		var scans sync.WaitGroup
		slow := func() {
			scans.Go(func() {
				wantError(t, g.run(t.Context(), func(context.Context) error { return <-end }), Interrupted)
			})
			synctest.Wait()
		}
		never := func(context.Context) error { t.Error("the scanner was asked"); return nil }
		atOnce := func() {
			t.Helper()
			start := time.Now()
			wantError(t, g.run(t.Context(), never), Unavailable)
			if d := time.Since(start); d != 0 {
				t.Errorf("waited for %s", d)
			}
		}
		slow()
		for range 3 {
			scans.Go(func() { wantError(t, g.run(t.Context(), never), Unavailable) })
		}
		synctest.Wait()
		end <- down
		scans.Wait()
		atOnce()
		time.Sleep(time.Minute + time.Millisecond)
		slow() // holds the only slot, and tries whether the scanner is there
		atOnce()
		end <- down
		scans.Wait()
	})
}

// TestHealth tells when the breaker opens, always in the same words, and when the scanner has answered. What says
// nothing of the scanner is not told.
func TestHealth(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, _ := testGate(Limits{Failures: 2, OpenFor: time.Minute})
		var told []string
		g.health = func(err error) {
			g.breaker.State() // whose lock is free
			if err == nil {
				told = append(told, "answers")
				return
			}
			told = append(told, err.Error())
		}
		n := 0
		fails := func(reason Reason) {
			n++
			wantError(t, g.run(t.Context(), answers(g.fail(reason, fmt.Errorf("from port %d", n)))), reason)
		}
		fails(Connect)
		fails(Canceled)
		fails(Interrupted)
		wantError(t, g.run(t.Context(), answers(nil)), Unavailable)
		for range 2 {
			time.Sleep(time.Minute + time.Millisecond)
			fails(Interrupted)
		}
		time.Sleep(time.Minute + time.Millisecond)
		fails(Refused)
		if err := g.run(t.Context(), answers(errTooLarge)); !errors.Is(err, errTooLarge) {
			t.Errorf("error = %v", err)
		}
		if err := g.run(t.Context(), answers(nil)); err != nil {
			t.Error(err)
		}
		down := "fake at 10.0.0.1:1: interrupted: the scanner gave no usable answer"
		if diff := cmp.Diff([]string{down, down, down, "answers", "answers"}, told); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
	})
}

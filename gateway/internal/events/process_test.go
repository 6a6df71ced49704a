package events_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRestart(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, b backend) {
		sink := &faulty{backend: b}
		p := start(sink, b, newClock(), nil)
		must(t, p.Failed(t.Context(), sales, refused()))
		must(t, p.Failed(t.Context(), smarthost, refused()))

		p = start(sink, b, p.clock, nil)
		must(t, p.Refresh(t.Context()))
		must(t, p.Failed(t.Context(), sales, refused()))
		must(t, p.Failed(t.Context(), smarthost, refused()))
		sink.die(true)
		if err := p.Succeeded(t.Context(), sales); !errors.Is(err, errStore) {
			t.Errorf("error = %v", err)
		}
		sink.die(false)
		must(t, p.Refresh(t.Context()))

		// A process that has not yet asked the store hears of a success.
		must(t, p.Failed(t.Context(), sales, refused()))
		p = start(sink, b, p.clock, nil)
		p.clock.pass(time.Second)
		must(t, p.Succeeded(t.Context(), sales))
		must(t, p.Refresh(t.Context()))
		must(t, p.Succeeded(t.Context(), smarthost))
		p.clock.pass(time.Minute)
		must(t, p.Refresh(t.Context()))
		want := []string{
			"connectError ECONNREFUSED", "connectError ECONNREFUSED", "connectSuccess",
			"connectError ECONNREFUSED", "connectSuccess", "connectSuccess",
		}
		if diff := cmp.Diff(want, lines(t, b)); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, b backend) {
		c := newClock()
		one, two := start(b, b, c, nil), start(b, b, c, nil)
		refresh := func() {
			t.Helper()
			must(t, one.Refresh(t.Context()))
			must(t, two.Refresh(t.Context()))
		}
		refresh()
		// An account fails in the one; the other connects it before it has heard of that.
		must(t, one.Failed(t.Context(), sales, refused()))
		c.pass(time.Second)
		must(t, two.Succeeded(t.Context(), sales))
		refresh()
		// The one thinks that an episode is open which the other has closed.
		must(t, one.Failed(t.Context(), sales, refused()))
		must(t, two.Refresh(t.Context()))
		must(t, two.Succeeded(t.Context(), sales))
		must(t, one.Failed(t.Context(), sales, refused()))
		must(t, one.Succeeded(t.Context(), sales))
		refresh()
		want := []string{"connectError ECONNREFUSED", "connectSuccess", "connectError ECONNREFUSED", "connectSuccess", "connectError ECONNREFUSED", "connectSuccess"}
		if diff := cmp.Diff(want, lines(t, b)); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}

		// A smarthost fails in the one all the time, and works in the other.
		for range 300 {
			c.pass(10 * time.Second)
			must(t, one.Failed(t.Context(), smarthost, refused()))
			must(t, two.Succeeded(t.Context(), smarthost))
			refresh()
		}
		want = append(want, "connectError ECONNREFUSED")
		if diff := cmp.Diff(want, lines(t, b)); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		for range 12 { // it works in the one as well
			c.pass(10 * time.Second)
			must(t, one.Succeeded(t.Context(), smarthost))
			must(t, two.Succeeded(t.Context(), smarthost))
			refresh()
		}
		want = append(want, "connectSuccess")
		if diff := cmp.Diff(want, lines(t, b)); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

func TestLastWord(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, b backend) {
		c := newClock()
		sink := &faulty{backend: b}
		one, two := start(b, b, c, nil), start(sink, b, c, nil)
		must(t, one.Failed(t.Context(), smarthost, refused()))
		must(t, one.Failed(t.Context(), sales, refused()))
		c.pass(time.Second)
		must(t, one.Succeeded(t.Context(), smarthost))
		must(t, one.Failed(t.Context(), smarthost, refused()))
		must(t, two.Succeeded(t.Context(), sales))
		sink.die(true) // so that nothing is known of the failure but that it was
		if err := two.Failed(t.Context(), sales, refused()); !errors.Is(err, errStore) {
			t.Errorf("error = %v", err)
		}
		sink.die(false)
		for range 3 {
			c.pass(time.Hour)
			must(t, one.Refresh(t.Context()))
			must(t, two.Refresh(t.Context()))
		}
		if n := len(lines(t, b)); n != 2 {
			t.Errorf("events: %q", lines(t, b))
		}

		// It works in the one, and fails in the other after that.
		must(t, two.Failed(t.Context(), smarthost, refused()))
		must(t, one.Refresh(t.Context()))
		must(t, one.Succeeded(t.Context(), smarthost))
		c.pass(refreshTime)
		must(t, two.Failed(t.Context(), smarthost, refused()))
		for range 3 {
			must(t, one.Refresh(t.Context()))
			c.pass(time.Hour)
		}
		if n := len(lines(t, b)); n != 2 {
			t.Errorf("events: %q", lines(t, b))
		}

		// The one hears that it fails in the other when it is about to end the episode.
		must(t, two.Failed(t.Context(), smarthost, refused()))
		must(t, one.Succeeded(t.Context(), smarthost))
		if n := len(lines(t, b)); n != 2 {
			t.Errorf("events: %q", lines(t, b))
		}
		c.pass(time.Minute)
		must(t, one.Succeeded(t.Context(), smarthost))
		if n := len(lines(t, b)); n != 3 {
			t.Errorf("events: %q", lines(t, b))
		}
	})
}

const refreshTime = 30 * time.Second

func TestMeanwhile(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, b backend) {
		sink := &faulty{backend: b}
		p := start(sink, b, newClock(), nil)
		must(t, p.Refresh(t.Context()))
		sink.read = func() { must(t, p.Failed(t.Context(), sales, refused())) }
		must(t, p.Refresh(t.Context()))
		must(t, p.Succeeded(t.Context(), sales))
		if diff := cmp.Diff([]string{"connectError ECONNREFUSED", "connectSuccess"}, lines(t, b)); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

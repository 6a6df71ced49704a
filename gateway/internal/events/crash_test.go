package events_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/outbound"
	"github.com/postern-mail/postern/gateway/internal/store"
)

func TestAlternatingCauses(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, b backend) {
		causes := []*outbound.Failure{refused(), timedOut(), expired(), wrongPassword()}
		c := newClock()
		sink := &faulty{backend: b}
		fates := map[int]fate{2: lost, 4: unheard, 7: lost, 8: unheard, 11: beaten, 12: lost, 14: unheard, 17: beaten, 18: lost}
		sink.fate = func(tell int) fate { return fates[tell] }
		p := start(sink, b, c, nil)
		// Three processes die: while an episode is open, in the middle of its end, and at the
		// end of a failure that nobody has heard of.
		crashes := map[int]bool{150: true, 400: true, 701: true}
		failures := 0
		for attempt := 1; attempt <= 1000; attempt++ {
			c.pass(2 * time.Second)
			if crashes[attempt] {
				sink.die(true)
				if err := p.Failed(t.Context(), sales, causes[attempt%4]); !errors.Is(err, errStore) {
					t.Fatalf("error = %v", err)
				}
				sink.die(false)
				p = start(sink, b, c, nil)
				must(t, ignore(p.Refresh(t.Context())))
			}
			if attempt%200 == 0 { // it works
				for try := 0; p.Succeeded(t.Context(), sales) != nil; try++ {
					failures++
					if crashes[attempt] && try == 0 {
						p = start(sink, b, c, nil) // which connects anew
					}
				}
				must(t, ignore(p.Refresh(t.Context())))
				must(t, p.Refresh(t.Context()))
				continue
			}
			if err := p.Failed(t.Context(), sales, causes[attempt%4]); err != nil {
				failures++
			}
		}
		if failures < 5 {
			t.Errorf("the store has failed %d times", failures)
		}

		episodes := make(map[string]int)
		open := make(map[string]int)
		for _, line := range lines(t, b) {
			episodes[line]++
			// No end comes before a beginning, and no cause twice in an episode.
			kind, cause, _ := strings.Cut(line, " ")
			if name, ok := strings.CutSuffix(kind, "Success"); ok {
				if open[name] == 0 {
					t.Errorf("%s without an episode", line)
				}
				for k := range open {
					if k == name || strings.HasPrefix(k, name+" ") {
						delete(open, k)
					}
				}
				continue
			}
			name := strings.TrimSuffix(kind, "Error")
			open[name]++
			if open[name+" "+cause]++; open[name+" "+cause] > 1 {
				t.Errorf("%s twice in an episode", line)
			}
		}
		want := map[string]int{
			"connectError ECONNREFUSED": 5, "connectError ETIMEDOUT": 5, "connectError CERT_HAS_EXPIRED": 5, "connectSuccess": 5,
			"authenticationError AUTHENTICATIONFAILED": 5, "authenticationSuccess": 5,
		}
		if diff := cmp.Diff(want, episodes); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		if list, err := b.Episodes(t.Context()); err != nil || len(list) > 0 {
			t.Errorf("%d episodes are open, %v", len(list), err)
		}
	})
}

func ignore(err error) error {
	if errors.Is(err, errStore) {
		return nil
	}
	return err
}

func TestEveryCall(t *testing.T) {
	t.Parallel()
	for at := 1; at <= 6; at++ {
		for _, what := range []fate{lost, unheard, beaten} {
			for _, dies := range []bool{false, true} {
				t.Run(fmt.Sprint(at, what, dies), func(t *testing.T) {
					t.Parallel()
					onEach(t, func(t *testing.T, b backend) { testCall(t, b, at, what, dies) })
				})
			}
		}
	}
}

func testCall(t *testing.T, b backend, at int, what fate, dies bool) {
	c := newClock()
	sink := &faulty{backend: b, fate: func(tell int) fate {
		if tell == at {
			return what
		}
		return kept
	}}
	p := start(sink, b, c, nil)
	// do does what an account does, which tries again, perhaps as another process.
	do := func(f func() error) {
		for range 3 {
			if err := f(); err == nil {
				return
			}
			if dies {
				p = start(sink, b, c, nil)
			}
		}
		t.Fatal("it does not come about")
	}
	for _, f := range []*outbound.Failure{refused(), wrongPassword(), timedOut(), refused(), wrongPassword(), timedOut()} {
		do(func() error { return p.Failed(t.Context(), sales, f) })
	}
	do(func() error {
		err := p.Succeeded(t.Context(), sales)
		return errors.Join(err, p.Refresh(t.Context()))
	})
	got := make(map[string]int)
	for _, line := range lines(t, b) {
		got[line]++
	}
	want := map[string]int{
		"connectError ECONNREFUSED": 1, "connectError ETIMEDOUT": 1, "authenticationError AUTHENTICATIONFAILED": 1, "connectSuccess": 1, "authenticationSuccess": 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestManyTell(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, b backend) {
		c := newClock()
		var wg sync.WaitGroup
		processes := []process{start(b, b, c, nil), start(b, b, c, nil), start(b, b, c, nil)}
		for range 8 {
			for _, p := range processes {
				for _, f := range []*outbound.Failure{refused(), timedOut(), expired(), wrongPassword()} {
					wg.Go(func() {
						if err := p.Failed(t.Context(), sales, f); err != nil {
							t.Error(err)
						}
					})
				}
			}
		}
		wg.Wait()
		for range 8 {
			for _, p := range processes {
				wg.Go(func() {
					if err := p.Succeeded(t.Context(), sales); err != nil {
						t.Error(err)
					}
				})
			}
		}
		wg.Wait()
		got := make(map[string]int)
		for _, line := range lines(t, b) {
			got[line]++
		}
		want := map[string]int{
			"connectError ECONNREFUSED": 1, "connectError ETIMEDOUT": 1, "connectError CERT_HAS_EXPIRED": 1, "connectSuccess": 1,
			"authenticationError AUTHENTICATIONFAILED": 1, "authenticationSuccess": 1,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

func TestAlwaysBeaten(t *testing.T) {
	t.Parallel()
	b := newMemory()
	sink := &faulty{backend: b, fate: func(int) fate { return beaten }}
	p := start(sink, b, newClock(), nil)
	if err := p.Failed(t.Context(), sales, refused()); !errors.Is(err, store.ErrMoved) || !strings.Contains(err.Error(), "account acme/sales") {
		t.Errorf("error = %v", err)
	}
	if n := sink.count(); n > 100 {
		t.Errorf("it has tried %d times", n)
	}
}

func TestDoubt(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, b backend) {
		sink := &faulty{backend: b, fate: func(int) fate { return unheard }}
		p := start(sink, b, newClock(), nil)
		for _, about := range []store.About{sales, smarthost} {
			if err := p.Failed(t.Context(), about, refused()); !errors.Is(err, errStore) {
				t.Errorf("error = %v", err)
			}
		}
		p.clock.pass(time.Minute)
		sink.fate = nil
		for _, about := range []store.About{sales, smarthost} {
			must(t, p.Succeeded(t.Context(), about))
		}
		if diff := cmp.Diff([]string{"connectError ECONNREFUSED", "connectError ECONNREFUSED", "connectSuccess", "connectSuccess"}, lines(t, b)); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

package spooltest

import (
	"errors"
	"fmt"
	"sync"
	"syscall"
	"testing"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/spool"
)

// Faults are calls of a store that fail: of its disk, or its network.
type Faults struct {
	first, width int // which fail, counted from 1
	late         bool
	err          error

	mu    sync.Mutex
	calls int
}

// Call makes a call, or fails: before it has done anything, or after it has done all.
func (f *Faults) Call(do func() error) error {
	f.mu.Lock()
	f.calls++
	fails := f.calls >= f.first && f.calls < f.first+f.width
	f.mu.Unlock()
	if fails && !f.late {
		return f.err
	}
	if err := do(); err != nil {
		return err
	}
	if fails {
		return f.err
	}
	return nil
}

// TestFailures has call after call of a store fail, alone and with those that follow, until
// no call is left. Whatever fails: a body that was put can be read by the next process,
// one that was deleted cannot, and the rest is swept. Open opens the store with calls that fail.
func (s Suite) TestFailures(t *testing.T, widths []int, open func(place string, faults *Faults) (spool.Store, func() error, error)) {
	t.Helper()
	for _, fault := range []struct {
		name string
		late bool
		err  error
	}{
		{"full", false, syscall.ENOSPC}, {"failing", false, syscall.EIO}, {"late", true, syscall.EIO},
	} {
		for _, width := range widths {
			t.Run(fmt.Sprintf("%s/width=%d", fault.name, width), func(t *testing.T) {
				t.Parallel()
				for n, reached := 1, true; reached; n++ {
					faults := &Faults{first: n, width: width, late: fault.late, err: fault.err}
					s.failAt(t, faults, open)
					faults.mu.Lock()
					calls := faults.calls
					faults.mu.Unlock()
					if reached = calls >= n; !reached && n < 5 {
						t.Errorf("%d calls only", calls)
					}
					if t.Failed() {
						t.Fatalf("at call %d", n)
					}
				}
			})
		}
	}
}

// failAt goes through a store's life with faults.
func (s Suite) failAt(t *testing.T, faults *Faults, open func(string, *Faults) (spool.Store, func() error, error)) {
	t.Helper()
	f := &fixture{suite: s, place: t.TempDir()}
	f.reopen(t)
	known := make(rows)
	var kept, deleted []stored
	keep := func(s stored) {
		known[s.id] = s.ref
		kept = append(kept, s)
	}
	keep(f.put(t, Content(1, 5000)))
	f.put(t, []byte("orphan"))
	gone := f.put(t, Content(2, 5000))
	if err := f.closed(); err != nil {
		t.Fatal(err)
	}
	if f.suite.Age != nil {
		f.suite.Age(t, f.place)
	}
	check := func(what string, err error) {
		if err != nil && !errors.Is(err, faults.err) && !errors.Is(err, spool.ErrDamaged) {
			t.Errorf("%s: %v, want %v", what, err, faults.err)
		}
	}

	bodies, closed, err := open(f.place, faults)
	check("open", err)
	if err == nil {
		for i, size := range []int{0, 100, 20 << 10, spool.SmallBody} {
			one, err := put(t.Context(), bodies, Content(uint64(i), size))
			check("put", err)
			if err == nil {
				keep(one)
			}
		}
		victims := []stored{gone}
		if len(kept) > 2 {
			victims, kept = append(victims, kept[2]), append(kept[:2], kept[3:]...)
		}
		for _, victim := range victims {
			delete(known, victim.id)
			err := bodies.Delete(t.Context(), victim.ref)
			check("delete", err)
			if err == nil {
				deleted = append(deleted, victim)
			}
		}
		_, err := bodies.Sweep(t.Context(), known.live)
		check("sweep", err)
		one, err := put(t.Context(), bodies, []byte("after the sweep"))
		check("put", err)
		if err == nil {
			keep(one)
		}
		check("close", closed())
	}
	f.closed = nil
	f.checkAfter(t, known, kept, deleted)
}

// checkAfter holds what the next process finds, before its sweep and after that.
func (f *fixture) checkAfter(t *testing.T, known map[mail.MessageID]mail.BodyRef, kept, deleted []stored) {
	t.Helper()
	f.reopen(t)
	if f.suite.Age != nil {
		f.suite.Age(t, f.place)
	}
	for _, round := range []string{"before the sweep", "after it", "in the next process"} {
		for _, s := range kept {
			if err := s.check(f); err != nil {
				t.Errorf("%s: %d octets: %v", round, len(s.octets), err)
			}
		}
		for _, s := range deleted {
			if err := s.check(f); !errors.Is(err, spool.ErrDamaged) {
				t.Errorf("%s: %d octets that were deleted: %v, want ErrDamaged", round, len(s.octets), err)
			}
		}
		n, err := f.Sweep(t.Context(), rows(known).live)
		if err != nil || n > 0 && round != "before the sweep" {
			t.Errorf("%s: Sweep = %d, %v", round, n, err)
		}
		if round == "after it" {
			f.reopen(t)
		}
	}
	if err := f.closed(); err != nil {
		t.Error(err)
	}
}

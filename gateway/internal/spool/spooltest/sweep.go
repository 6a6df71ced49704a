package spooltest

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/postern-mail/postern/gateway/internal/mail"
)

// maxAsked is how many messages a sweep may ask for at a time.
const maxAsked = 500

// rows is what a store of messages knows of bodies.
type rows map[mail.MessageID]mail.BodyRef

func (r rows) live(_ context.Context, ids []mail.MessageID) (map[mail.MessageID]mail.BodyRef, error) {
	answer := make(map[mail.MessageID]mail.BodyRef)
	for _, id := range ids {
		if ref, known := r[id]; known {
			answer[id] = ref
		}
	}
	return answer, nil
}

// testSweep sweeps what an earlier process has left, and nothing else.
func testSweep(t *testing.T, f *fixture) {
	var kept, orphans []stored
	known := make(rows)
	for i, size := range f.sizes() {
		k := f.put(t, Content(uint64(i), size))
		known[k.id] = k.ref
		kept = append(kept, k)
		orphan, forgotten, elsewhere := f.put(t, Content(1, size)), f.put(t, Content(2, size)), f.put(t, Content(3, size))
		known[forgotten.id] = ""    // its retention is over
		known[elsewhere.id] = k.ref // the row has another body
		orphans = append(orphans, orphan, forgotten, elsewhere)
	}
	f.reopen(t)
	if f.suite.Age != nil {
		f.suite.Age(t, f.place)
	}
	receiving := f.put(t, []byte("its row is not committed yet"))
	deleted := kept[0]
	if err := f.Delete(t.Context(), deleted.ref); err != nil {
		t.Error(err)
	}
	if n, err := f.Sweep(t.Context(), known.live); n != len(orphans) || err != nil {
		t.Errorf("Sweep = %d, %v; want %d", n, err, len(orphans))
	}
	for _, s := range append(kept[1:], receiving) {
		if err := s.check(f); err != nil {
			t.Errorf("after the sweep: %v", err)
		}
	}
	for _, s := range append(orphans, deleted) {
		if err := s.check(f); err == nil {
			t.Errorf("%s can be read after the sweep", s.ref)
		}
	}
	for range 2 {
		if n, err := f.Sweep(t.Context(), known.live); n != 0 || err != nil {
			t.Errorf("another Sweep = %d, %v; want 0", n, err)
		}
		known[receiving.id] = receiving.ref
		f.reopen(t)
	}
	for _, s := range append(kept[1:], receiving) {
		if err := errors.Join(s.check(f), f.Delete(t.Context(), s.ref)); err != nil {
			t.Error(err)
		}
	}
}

// testSweepBatches holds that a sweep asks for many, and not for too many.
func testSweepBatches(t *testing.T, f *fixture) {
	const bodies = maxAsked + 100
	known := make(rows)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			for n := range bodies / 20 {
				s, err := put(t.Context(), f, []byte{byte(i), byte(n)})
				if err != nil {
					t.Error(err)
				}
				if n%2 == 0 {
					mu.Lock()
					known[s.id] = s.ref
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	f.reopen(t)
	if f.suite.Age != nil {
		f.suite.Age(t, f.place)
	}
	asked, calls := 0, 0
	n, err := f.Sweep(t.Context(), func(ctx context.Context, ids []mail.MessageID) (map[mail.MessageID]mail.BodyRef, error) {
		if len(ids) > maxAsked {
			t.Errorf("it asks for %d messages at a time", len(ids))
		}
		calls++
		asked += len(ids)
		return known.live(ctx, ids)
	})
	if n != bodies-len(known) || err != nil || asked != bodies || calls > bodies/10 {
		t.Errorf("Sweep = %d, %v, and asked %d times for %d; want %d, and once for each of %d", n, err, calls, asked, bodies-len(known), bodies)
	}
	for id, ref := range known {
		body, err := f.Open(t.Context(), ref)
		if err != nil {
			t.Errorf("%s: %v", id, err)
			continue
		}
		_ = body.Close()
	}
}

// testSweepFails holds that nothing is removed where nobody can say what is live.
func testSweepFails(t *testing.T, f *fixture) {
	orphan := f.put(t, []byte("orphan"))
	f.reopen(t)
	if f.suite.Age != nil {
		f.suite.Age(t, f.place)
	}
	broken := errors.New("store is closed")
	_, err := f.Sweep(t.Context(), func(context.Context, []mail.MessageID) (map[mail.MessageID]mail.BodyRef, error) { return nil, broken })
	if !errors.Is(err, broken) {
		t.Errorf("error = %v, want %v", err, broken)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Sweep(ctx, rows(nil).live); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want context.Canceled", err)
	}
	if err := orphan.check(f); err != nil {
		t.Error(err)
	}
	if n, err := f.Sweep(t.Context(), rows(nil).live); n != 1 || err != nil {
		t.Errorf("Sweep = %d, %v; want 1", n, err)
	}
}

package imap

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// slowHolds grants every hold, and takes its time.
type slowHolds struct {
	mu   sync.Mutex
	ends map[string]time.Time
	slow time.Duration
}

func (s *slowHolds) Hold(ctx context.Context, name, _ string, _, until time.Time) (bool, error) {
	s.mu.Lock()
	slow := s.slow
	s.mu.Unlock()
	if err := sleep(ctx, slow); err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ends[name] = until
	return true, nil
}

func (s *slowHolds) LetGo(context.Context, string, string) error { return nil }

// TestLeasesOfSlowStore has a thousand accounts of a store that needs some time for each hold. None goes on when its
// lease has ended, and where the store is not too slow, all go on.
func TestLeasesOfSlowStore(t *testing.T) {
	t.Parallel()
	const accounts = 1000
	for slow, lost := range map[time.Duration]bool{80 * time.Millisecond: false, 3 * time.Second: true, time.Minute: true} {
		t.Run(slow.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &slowHolds{ends: make(map[string]time.Time)}
				k := &keeper{holds: s, owner: "a", log: newTestLog(), held: make(map[string]*held)}
				holds := make(map[string]context.Context, accounts)
				for i := range accounts {
					name := fmt.Sprint(i)
					ctx, _, err := k.take(t.Context(), name)
					if err != nil {
						t.Fatal(err)
					}
					holds[name] = ctx
				}
				s.slow = slow
				go k.run(t.Context())
				for range 300 {
					time.Sleep(time.Second)
					synctest.Wait()
					s.mu.Lock()
					for name, ctx := range holds {
						if ctx.Err() == nil && !s.ends[name].After(time.Now()) {
							t.Fatalf("account %s goes on after its lease has ended", name)
						}
					}
					s.mu.Unlock()
				}
				gone := 0
				for _, ctx := range holds {
					if ctx.Err() != nil {
						gone++
					}
				}
				if gone > 0 != lost {
					t.Errorf("%d of %d accounts were let go", gone, accounts)
				}
			})
		})
	}
}

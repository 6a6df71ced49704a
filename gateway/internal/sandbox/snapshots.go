package sandbox

import (
	"context"
	"math"
	"os"
	"sync"
)

// Snapshots bounds what the images of set-up instances take, over all modules that share it:
// where there is more than that, those go first whose pool was not used for the longest time.
// Their next run sets an instance up anew, which takes milliseconds.
type Snapshots struct {
	pages *os.File // tells what a run has written to; nil where the system does not
	most  int64

	mu    sync.Mutex
	clock uint64
	held  map[*Pool]int64 // octets
	total int64
}

// NewSnapshots returns Snapshots that hold so many octets, and of one pool at least.
func NewSnapshots(octets int64) *Snapshots {
	return &Snapshots{pages: openPages(), most: octets, held: make(map[*Pool]int64)}
}

// Close gives back what they hold. All modules that share them are closed before.
func (s *Snapshots) Close() error {
	if s.pages == nil {
		return nil
	}
	return s.pages.Close()
}

// touch says that a pool is used.
func (s *Snapshots) touch(p *Pool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock++
	p.turn = s.clock
}

// add counts the image of a pool, and has others forgotten for it.
func (s *Snapshots) add(ctx context.Context, p *Pool, made *image) {
	octets := made.size + int64(cap(p.idle))*keptOctets
	s.mu.Lock()
	if s.held[p] != 0 {
		s.mu.Unlock()
		return
	}
	s.held[p] = octets
	s.total += octets
	var unused []*Pool
	for s.total > s.most && len(s.held) > 1 {
		unused = append(unused, s.oldest(p))
	}
	s.mu.Unlock()
	for _, other := range unused {
		other.forget(ctx)
	}
}

// oldest takes out the pool that was not used for the longest time, but for one. The caller
// holds the lock.
func (s *Snapshots) oldest(but *Pool) *Pool {
	var found *Pool
	turn := uint64(math.MaxUint64)
	for p := range s.held {
		if p != but && p.turn < turn {
			found, turn = p, p.turn
		}
	}
	s.total -= s.held[found]
	delete(s.held, found)
	return found
}

// remove counts a pool no more.
func (s *Snapshots) remove(p *Pool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total -= s.held[p]
	delete(s.held, p)
}

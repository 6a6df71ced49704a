package sandbox

import (
	"context"
	"os"
	"sync"

	"github.com/tetratelabs/wazero"
)

// Snapshots bounds what the images of set-up instances take, over all modules that share it.
// Where there is more than that, one goes of the owner that has the most: the one whose pool
// was not used for the longest time, so that an owner who has much loses what is its own. The
// next run of that pool sets an instance up anew, which takes milliseconds.
type Snapshots struct {
	pages *os.File // tells what a run has written to; nil where the system does not
	most  int64

	mu     sync.Mutex
	clock  uint64
	held   map[*Pool]int64 // octets
	owners map[string]int64
	total  int64

	forgetting sync.WaitGroup
}

// largest is how large an image may be to be kept, in octets.
func (s *Snapshots) largest() int64 { return s.most / 4 }

// NewSnapshots returns Snapshots that hold so many octets, and of one pool at least.
func NewSnapshots(octets int64) *Snapshots {
	// wazero finds out its own version when it is first used, and writes it down without a
	// lock: it is to have done so before modules are compiled side by side.
	ctx := context.Background()
	_ = wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler()).Close(ctx)
	return &Snapshots{pages: openPages(), most: octets, held: make(map[*Pool]int64), owners: make(map[string]int64)}
}

// Close gives back what they hold. All modules that share them are closed before.
func (s *Snapshots) Close() error {
	s.forgetting.Wait()
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
	s.count(p, octets)
	var unused []*Pool
	for s.total > s.most && len(s.held) > 1 {
		other := s.oldest()
		s.count(other, -s.held[other])
		unused = append(unused, other)
	}
	s.mu.Unlock()
	ctx = context.WithoutCancel(ctx)
	for _, other := range unused {
		s.forgetting.Go(func() { other.forget(ctx) }) // which takes time, and is not this run's to wait for
	}
}

// count adds octets to those of a pool; none of that are left where they are taken away. The
// caller holds the lock.
func (s *Snapshots) count(p *Pool, octets int64) {
	s.held[p] += octets
	s.owners[p.module.owner] += octets
	s.total += octets
	if s.held[p] == 0 {
		delete(s.held, p)
	}
	if s.owners[p.module.owner] == 0 {
		delete(s.owners, p.module.owner)
	}
}

// oldest is the pool that was not used for the longest time of the owner that has the most: it
// may be the newest of all. The caller holds the lock.
func (s *Snapshots) oldest() *Pool {
	var found *Pool
	for p := range s.held {
		switch {
		case found == nil,
			s.owners[p.module.owner] > s.owners[found.module.owner],
			s.owners[p.module.owner] == s.owners[found.module.owner] && p.turn < found.turn:
			found = p
		}
	}
	return found
}

// remove counts a pool no more.
func (s *Snapshots) remove(p *Pool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count(p, -s.held[p])
}

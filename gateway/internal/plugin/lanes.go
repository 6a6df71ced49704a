package plugin

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// maxPaused is how many guests may wait in the middle of their runs: each keeps its memory.
const maxPaused = 8

// Lanes are what guests run in, one each at a time. Tenants that wait take turns, however
// many runs each of them has waiting, and a guest that runs for long lets those of other
// tenants go before it: what one tenant's plugins do costs the others a turn, and no more.
// What runs behind all of them has a lane while nobody else wants it.
type Lanes struct {
	most int

	mu      sync.Mutex
	free    int
	paused  int                        // guests that let others go first
	waiting map[string][]chan struct{} // by tenant; a channel is closed when its lane has come
	turns   []string                   // the tenants that wait, the next one first
	behind  []chan struct{}            // those that go when no tenant waits
}

// NewLanes returns n lanes.
func NewLanes(n int) *Lanes {
	return &Lanes{most: n, free: n, waiting: make(map[string][]chan struct{})}
}

// count is how many there are.
func (l *Lanes) count() int {
	if l == nil {
		return 1
	}
	return l.most
}

// enter waits for a lane. Without lanes there is no bound.
func (l *Lanes) enter(ctx context.Context, tenant string) error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	if l.free > 0 {
		l.free--
		l.mu.Unlock()
		return nil
	}
	turn := l.queue(tenant, false)
	l.mu.Unlock()
	return l.wait(ctx, tenant, turn)
}

// leave gives a lane to who is next.
func (l *Lanes) leave() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pass()
}

// pause calls what waits, and does what has to be done meanwhile.
type pause func(wait func() error) error

// yield lets another tenant go first, if one waits, within a pause. It returns when the lane is
// the caller's again; with an error, it is not.
func (l *Lanes) yield(ctx context.Context, tenant string, p pause) error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	if l.paused == maxPaused || len(l.turns) == 0 || len(l.turns) == 1 && l.turns[0] == tenant {
		l.mu.Unlock()
		return nil
	}
	l.paused++
	defer func() {
		l.mu.Lock()
		l.paused--
		l.mu.Unlock()
	}()
	turn := l.queue(tenant, true)
	// It is not this tenant's turn, which has just had one.
	if l.turns[0] == tenant {
		l.turns = append(l.turns[1:], tenant)
	}
	l.pass()
	l.mu.Unlock()
	return p(func() error { return l.wait(ctx, tenant, turn) })
}

// enterBehind waits until there is a lane that no tenant wants.
func (l *Lanes) enterBehind(ctx context.Context) error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	if l.free > 0 {
		l.free--
		l.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	l.behind = append(l.behind, turn)
	l.mu.Unlock()
	return l.waitBehind(ctx, turn)
}

// yieldBehind is yield for who entered behind: it lets every tenant go first. It keeps
// nobody's pause, so that who enters behind has to be few.
func (l *Lanes) yieldBehind(ctx context.Context, p pause) error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	if len(l.turns) == 0 {
		l.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	l.behind = append([]chan struct{}{turn}, l.behind...) // it has begun already
	l.pass()
	l.mu.Unlock()
	return p(func() error { return l.waitBehind(ctx, turn) })
}

func (l *Lanes) waitBehind(ctx context.Context, turn chan struct{}) error {
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.Index(l.behind, turn); i >= 0 {
		l.behind = slices.Delete(l.behind, i, i+1)
	} else {
		l.pass() // it has come at the same time
	}
	return fmt.Errorf("wait for a lane: %w", context.Cause(ctx))
}

// queue adds who waits to those of a tenant, at the end or, where it had begun already,
// before them. The caller holds the lock.
func (l *Lanes) queue(tenant string, first bool) chan struct{} {
	turn := make(chan struct{})
	list := l.waiting[tenant]
	if len(list) == 0 {
		l.turns = append(l.turns, tenant)
	}
	if first {
		list = append([]chan struct{}{turn}, list...)
	} else {
		list = append(list, turn)
	}
	l.waiting[tenant] = list
	return turn
}

// pass gives a lane to the tenant whose turn it is. The caller holds the lock.
func (l *Lanes) pass() {
	if len(l.turns) == 0 {
		if len(l.behind) == 0 {
			l.free++
			return
		}
		close(l.behind[0])
		l.behind = l.behind[1:]
		return
	}
	tenant := l.turns[0]
	l.turns = l.turns[1:]
	list := l.waiting[tenant]
	close(list[0])
	if list = list[1:]; len(list) > 0 {
		l.turns = append(l.turns, tenant)
		l.waiting[tenant] = list
	} else {
		delete(l.waiting, tenant)
	}
}

func (l *Lanes) wait(ctx context.Context, tenant string, turn chan struct{}) error {
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	list := l.waiting[tenant]
	for i, other := range list {
		if other != turn {
			continue
		}
		if list = append(list[:i:i], list[i+1:]...); len(list) > 0 {
			l.waiting[tenant] = list
		} else {
			delete(l.waiting, tenant)
			l.turns = without(l.turns, tenant)
		}
		return fmt.Errorf("wait for a lane: %w", context.Cause(ctx))
	}
	l.pass() // it has come at the same time, and nobody is there to take it
	return fmt.Errorf("wait for a lane: %w", context.Cause(ctx))
}

func without(list []string, s string) []string {
	var rest []string
	for _, other := range list {
		if other != s {
			rest = append(rest, other)
		}
	}
	return rest
}

// worktime ends a context when a guest has worked for long enough. The time in which it
// waits for a lane does not count.
type worktime struct {
	timer  *time.Timer
	end    time.Time
	waited time.Duration
}

// withWorktime returns a context that ends when the guest has worked for d. Its cause is
// context.DeadlineExceeded then.
func withWorktime(ctx context.Context, d time.Duration) (context.Context, *worktime, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &worktime{end: time.Now().Add(d)}
	w.timer = time.AfterFunc(d, func() { cancel(context.DeadlineExceeded) })
	return ctx, w, func() {
		w.timer.Stop()
		cancel(context.Canceled)
	}
}

// pause stops the time while wait waits.
func (w *worktime) pause(wait func() error) error {
	began := time.Now()
	defer func() { w.waited += time.Since(began) }()
	left := w.end.Sub(began)
	if !w.timer.Stop() {
		return wait() // it is over already, which the context says
	}
	err := wait()
	w.end = time.Now().Add(left)
	w.timer.Reset(left)
	return err
}

package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

const (
	// writers is how many transactions of a kind are under way at the same time: while
	// one waits for the disk the other fills its own.
	writers = 2
	// A transaction takes at most so many changes, and as many octets.
	maxBatch  = 1024
	maxOctets = 16 << 20
)

// errClosed means that a change came after the store was closed.
var errClosed = errors.New("the store is closed")

// committer makes changes of one kind. Those that come while all writers are busy are made
// together in the next transaction. One that comes alone waits for nobody. Where a batch
// fails for one of its changes it is split, until that one fails alone.
type committer[T any] struct {
	commit func(context.Context, []T) error
	ended  sync.WaitGroup

	mu      sync.Mutex
	arrived sync.Cond
	pending []*waiting[T]
	closed  bool
}

// waiting is a change that somebody waits for.
type waiting[T any] struct {
	ctx    context.Context //nolint:containedctx // of who waits for it
	change T
	octets int
	done   chan error
}

// newCommitter starts writers that call commit, which makes all of a batch or, with an
// error, none of it.
func newCommitter[T any](writers int, commit func(context.Context, []T) error) *committer[T] {
	c := &committer[T]{commit: commit}
	c.arrived.L = &c.mu
	for range writers {
		c.ended.Go(c.run)
	}
	return c
}

// do has a change of so many octets made. A context that ends counts until its
// transaction has begun.
func (c *committer[T]) do(ctx context.Context, change T, octets int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	one := &waiting[T]{ctx: ctx, change: change, octets: octets, done: make(chan error, 1)}
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return errClosed
	}
	c.pending = append(c.pending, one)
	c.arrived.Signal()
	c.mu.Unlock()
	select {
	case err := <-one.done:
		return err
	case <-ctx.Done():
	}
	// Whoever has taken it by now has it end, in bounded time.
	if c.withdraw(one) {
		return ctx.Err()
	}
	return <-one.done
}

// withdraw takes back a change that no writer has taken.
func (c *committer[T]) withdraw(one *waiting[T]) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, p := range c.pending {
		if p == one {
			c.pending = append(c.pending[:i:i], c.pending[i+1:]...)
			return true
		}
	}
	return false
}

// run makes changes until close.
func (c *committer[T]) run() {
	for batch := c.next(); len(batch) > 0; batch = c.next() {
		c.make(batch)
	}
}

// next waits for changes, and takes as many as go into one transaction. There are none
// after close.
func (c *committer[T]) next() []*waiting[T] {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.pending) == 0 && !c.closed {
		c.arrived.Wait()
	}
	n, octets := 0, 0
	for n < min(len(c.pending), maxBatch) {
		if octets += c.pending[n].octets; octets > maxOctets && n > 0 {
			break
		}
		n++
	}
	batch := c.pending[:n:n]
	c.pending = c.pending[n:]
	if len(c.pending) > 0 {
		c.arrived.Signal()
	}
	return batch
}

// make makes a batch, whole or in parts, and tells those who wait.
func (c *committer[T]) make(batch []*waiting[T]) {
	changes := make([]T, len(batch))
	for i, one := range batch {
		changes[i] = one.change
	}
	err := c.commit(context.Background(), changes)
	if err != nil && len(batch) > 1 && ofOne(err) {
		c.make(batch[:len(batch)/2])
		c.make(batch[len(batch)/2:])
		return
	}
	for _, one := range batch {
		one.done <- err
	}
}

// close makes what waits, and ends.
func (c *committer[T]) close() {
	c.mu.Lock()
	c.closed = true
	c.arrived.Broadcast()
	c.mu.Unlock()
	c.ended.Wait()
}

// doing has a change made, and says what it was where it fails.
func (c *committer[T]) doing(ctx context.Context, what string, change T, octets int) error {
	if err := c.do(ctx, change, octets); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

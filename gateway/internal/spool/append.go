package spool

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"sync"
	"time"
)

const (
	// A batch is what is written and synced together.
	maxBatch       = 1000
	maxBatchOctets = 8 << 20
	// step is how much room a segment is given at a time. Where the room is there already,
	// a sync has less to write.
	step = 4 << 20
	// linger is how long a segment stays open for more when its last body was deleted.
	linger = time.Minute
)

// appender writes the bodies of a bucket. Those that come while it is at work are written
// and synced together next; one that comes alone waits for nobody.
type appender struct {
	segments *Segments
	bucket   string
	used     time.Time // by the lock of segments

	mu      sync.Mutex
	arrived sync.Cond
	pending []*addition
	closed  bool
	// emptied is set when the last body of its segment was deleted.
	emptied bool

	// What follows is the goroutine's own.
	segment   *segment
	file      *os.File
	size      int64 // of what is durable
	allocated int64
	wrote     time.Time
}

// addition is a body that is to be written.
type addition struct {
	ctx context.Context //nolint:containedctx // of who waits for it
	// octets are the body's, with room for a header before them.
	octets []byte
	record record
	// segment is the name of the one that it was written to.
	segment string
	done    chan error
}

func newAppender(s *Segments, bucket string) *appender {
	a := &appender{segments: s, bucket: bucket}
	a.arrived.L = &a.mu
	return a
}

// add takes a body. It reports false where the appender has ended.
func (a *appender) add(one *addition) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return false
	}
	a.pending = append(a.pending, one)
	a.arrived.Signal()
	return true
}

// close has it end when it has written what it was given.
func (a *appender) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	a.arrived.Signal()
}

// empty tells it that the last body of its segment was deleted.
func (a *appender) empty() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.emptied = true
	a.arrived.Signal()
}

// run writes bodies until close.
func (a *appender) run() {
	for {
		batch, emptied := a.next()
		if len(batch) > 0 {
			a.commit(batch)
			continue
		}
		if !emptied || time.Since(a.wrote) >= a.segments.linger {
			// Nobody waits for it: what is in the segment is durable whether it is cut or not.
			_ = a.finish()
		}
		if !emptied {
			return
		}
	}
}

// next waits for bodies. It returns none where the segment is empty, and where there will
// be no more.
func (a *appender) next() (batch []*addition, emptied bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.pending) == 0 && !a.closed && !a.emptied {
		a.arrived.Wait()
	}
	octets, n := 0, 0
	for ; n < min(len(a.pending), maxBatch) && octets < maxBatchOctets; n++ {
		octets += len(a.pending[n].octets)
	}
	batch, a.pending = a.pending[:n], a.pending[n:]
	if n == 0 {
		emptied, a.emptied = a.emptied && !a.closed, false
	}
	return batch, emptied
}

// commit writes bodies and tells those who wait.
func (a *appender) commit(batch []*addition) {
	var wanted []*addition
	for _, one := range batch {
		if err := one.ctx.Err(); err != nil {
			one.done <- fmt.Errorf("write body: %w", err)
			continue
		}
		wanted = append(wanted, one)
	}
	if len(wanted) == 0 {
		return
	}
	err := a.write(wanted)
	if err != nil {
		// What the kernel did not write it may forget, and then say that all is well. So
		// this file takes nothing more.
		err = errors.Join(err, a.finish())
	}
	for _, one := range wanted {
		one.done <- err
	}
}

// write makes bodies durable, all or none.
func (a *appender) write(batch []*addition) error {
	octets := int64(0)
	for _, one := range batch {
		octets += int64(len(one.octets))
	}
	if a.segment != nil && a.size+octets > maxSegment {
		if err := a.finish(); err != nil {
			return err
		}
	}
	if a.segment == nil {
		seg, file, err := a.segments.newSegment(a.bucket)
		if err != nil {
			return err
		}
		a.segment, a.file, a.size, a.allocated = seg, file, 0, 0
	}
	parts := make([][]byte, len(batch))
	end := a.size
	for i, one := range batch {
		one.segment, one.record.offset = a.segment.name, end
		one.record.encode(one.octets, a.segment.nonce)
		parts[i] = one.octets
		end = one.record.end()
	}
	a.allocate(end)
	disk := a.segments.disk
	if err := disk.write(a.file, a.size, parts); err != nil {
		return fmt.Errorf("write body: %w", err)
	}
	if err := disk.call("datasync", func() error { return syncData(a.file) }); err != nil {
		return fmt.Errorf("sync body: %w", err)
	}
	a.size, a.wrote = end, time.Now()
	a.segment.mu.Lock()
	defer a.segment.mu.Unlock()
	for _, one := range batch {
		a.segment.live.add(one.record.offset)
	}
	return nil
}

// allocate gives the segment room up to an offset, and some more. Where it cannot, the
// segment grows as it is written: a write says whether the disk is full.
func (a *appender) allocate(end int64) {
	if end <= a.allocated {
		return
	}
	more := (end - a.allocated + step - 1) / step * step
	err := a.segments.disk.call("allocate", func() error { return allocate(a.file, a.allocated, more) })
	if err != nil {
		a.allocated = math.MaxInt64
		return
	}
	a.allocated += more
}

// finish cuts the segment to what is durable and leaves it.
func (a *appender) finish() error {
	seg := a.segment
	if seg == nil {
		return nil
	}
	a.segment = nil
	disk := a.segments.disk
	err := errors.Join(
		disk.call("truncate", func() error { return a.file.Truncate(a.size) }),
		disk.call("close", a.file.Close),
	)
	seg.mu.Lock()
	defer seg.mu.Unlock()
	seg.open = false
	return errors.Join(err, a.segments.unlinkEmpty(seg, time.Now()))
}

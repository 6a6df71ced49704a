package outbound

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

const (
	// firstAllowance is what a server may send before Allow is called: its greeting.
	firstAllowance = 64 << 10
	// slowest is the rate, in octets a second, below which a server that goes on sending counts
	// as silent. Only the time in which we wait for it counts, not what we need ourselves.
	slowest = 1024
)

// Conn is a connection to a mail server. Each of its reads and writes has a deadline, and what
// may be read is bounded. Deadlines that its user sets hold too; the earlier one counts.
//
// The time for reading is counted by steps: from SetPatience or Allow on, the server has the
// patience, and a second for each KiB that it sends, so that a trickle ends as silence does.
type Conn struct {
	net.Conn

	mu       sync.Mutex
	patience time.Duration
	begun    time.Time     // when the step began
	reading  time.Time     // when the read that is under way began; zero for none
	waited   time.Duration // in reads of this step that are over
	got      int64         // in this step
	allowed  int64         // by the last Allow
	left     int64         // of it
	fault    error         // the first error of a read or a write

	askedRead, askedWrite time.Time // the user's own deadlines
}

func newConn(c net.Conn, patience time.Duration) *Conn {
	return &Conn{Conn: c, patience: patience, begun: time.Now(), allowed: firstAllowance, left: firstAllowance}
}

// SetPatience says how long each read and write may take from now on. It holds for a read
// that is under way, and begins a step.
func (c *Conn) SetPatience(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.patience = d
	c.begin()
}

// Allow says how many octets may be read from now on, and begins a step. What goes beyond is
// a Failure.
func (c *Conn) Allow(octets int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.allowed, c.left = octets, octets
	c.begin()
}

// begin begins a step. The caller holds mu.
func (c *Conn) begin() {
	now := time.Now()
	c.begun, c.waited, c.got = now, 0, 0
	_ = c.Conn.SetReadDeadline(c.readDeadline(now)) // it fails for a closed connection, of which the read tells
}

// readDeadline is when a read that waits has to end. The caller holds mu.
func (c *Conn) readDeadline(now time.Time) time.Time {
	left := c.patience - c.waited + time.Duration(c.got)*(time.Second/slowest)
	if !c.reading.IsZero() {
		left -= now.Sub(later(c.reading, c.begun))
	}
	return earlier(now.Add(max(0, min(left, c.patience))), c.askedRead)
}

// Read implements net.Conn.
func (c *Conn) Read(p []byte) (int, error) {
	c.mu.Lock()
	c.reading = time.Now()
	if err := c.Conn.SetReadDeadline(c.readDeadline(c.reading)); err != nil {
		c.reading = time.Time{}
		c.mu.Unlock()
		return 0, c.failed(err)
	}
	// One octet more than what is allowed: who waits where nothing more is due does no wrong.
	p = p[:min(int64(len(p)), c.left+1)]
	c.mu.Unlock()

	n, err := c.Conn.Read(p)

	c.mu.Lock()
	c.waited += time.Since(later(c.reading, c.begun))
	c.reading = time.Time{}
	c.got += int64(n)
	over := int64(n) > c.left
	c.left = max(0, c.left-int64(n))
	allowed := c.allowed
	c.mu.Unlock()
	if over {
		return 0, c.failed(&Failure{Kind: Connection, Response: fmt.Sprintf("the server sent more than %d octets", allowed)})
	}
	return n, c.failed(err)
}

// Write implements net.Conn.
func (c *Conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	err := c.Conn.SetWriteDeadline(earlier(time.Now().Add(c.patience), c.askedWrite))
	c.mu.Unlock()
	if err != nil {
		return 0, c.failed(err)
	}
	n, err := c.Conn.Write(p)
	return n, c.failed(err)
}

// failed keeps the first error, which says more than what a protocol's library makes of it.
func (c *Conn) failed(err error) error {
	if err == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	// What we closed ourselves says nothing about the server.
	if c.fault == nil && !errors.Is(err, net.ErrClosed) {
		c.fault = err
	}
	return err
}

// Err is the first error of the connection itself, whatever a protocol's library has made of
// it; nil while there is none, and where we closed it.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fault
}

// SetDeadline implements net.Conn.
func (c *Conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline implements net.Conn.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.askedRead = t
	return c.Conn.SetReadDeadline(c.readDeadline(time.Now()))
}

// SetWriteDeadline implements net.Conn.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.askedWrite = t
	return c.Conn.SetWriteDeadline(earlier(time.Now().Add(c.patience), t))
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// earlier returns the earlier of two deadlines, of which the second may be none.
func earlier(a, b time.Time) time.Time {
	if b.IsZero() || a.Before(b) {
		return a
	}
	return b
}

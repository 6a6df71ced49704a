package outbound

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

func connect(t *testing.T, timeout time.Duration, serve func(net.Conn)) (*Conn, Server) {
	t.Helper()
	s := listen(t, serve)
	c, err := Dialer{Timeout: timeout}.Dial(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c, s
}

func endless(c net.Conn) {
	for {
		if _, err := io.WriteString(c, strings.Repeat("x", 4096)); err != nil {
			return
		}
	}
}

func TestBudget(t *testing.T) {
	t.Parallel()
	c, s := connect(t, patience, endless)
	// A greeting that never ends.
	want(t, read(c, s), "", "the server sent more than 65536 octets")

	c, s = connect(t, patience, endless)
	c.Allow(1000)
	if _, err := io.ReadFull(c, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	c.Allow(1 << 20)
	if _, err := io.ReadFull(c, make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	want(t, read(c, s), "", "the server sent more than 1048576 octets")
	want(t, Classify(errors.New("a library's words"), s, c), "", "the server sent more than 1048576 octets")
}

// TestWaitingAtTheEnd holds that who has read exactly what was allowed may wait for more, and
// is allowed it meanwhile, as a library's reader does.
func TestWaitingAtTheEnd(t *testing.T) {
	t.Parallel()
	said := make(chan string)
	c, _ := connect(t, patience, func(c net.Conn) {
		for s := range said {
			_, _ = io.WriteString(c, s)
		}
	})
	defer close(said)
	c.Allow(5)
	said <- "first"
	if _, err := io.ReadFull(c, make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	got := make(chan error)
	go func() {
		_, err := io.ReadFull(c, make([]byte, 6))
		got <- err
	}()
	c.Allow(6)
	said <- "second"
	if err := <-got; err != nil {
		t.Fatal(err)
	}
}

// TestTrickle holds that a server which sends an octet now and then ends as one that sends
// nothing: nothing else would, since each read is soon over.
func TestTrickle(t *testing.T) {
	t.Parallel()
	c, s := connect(t, 300*time.Millisecond, func(c net.Conn) {
		for {
			if _, err := io.WriteString(c, "x"); err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	want(t, read(c, s), TimedOut, "read ETIMEDOUT")
}

// TestOwnTimeIsNotTheServers holds that time which passes between reads is not taken for the
// server's silence.
func TestOwnTimeIsNotTheServers(t *testing.T) {
	t.Parallel()
	const step = 200 * time.Millisecond
	more := make(chan struct{})
	c, _ := connect(t, step, func(c net.Conn) {
		for range more {
			_, _ = io.WriteString(c, "x")
		}
	})
	defer close(more)
	for range 3 {
		more <- struct{}{}
		time.Sleep(step)
		if _, err := c.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPatience holds that a new patience counts for a read that waits already.
func TestPatience(t *testing.T) {
	t.Parallel()
	c, s := connect(t, patience, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	c.SetPatience(time.Hour)
	done := make(chan *Failure)
	go func() { done <- read(c, s) }()
	c.SetPatience(50 * time.Millisecond)
	want(t, <-done, TimedOut, "read ETIMEDOUT")
}

// TestUsersDeadlines holds that a library's deadline counts where it is the earlier one, and cannot
// take ours away.
func TestUsersDeadlines(t *testing.T) {
	t.Parallel()
	c, _ := connect(t, 50*time.Millisecond, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	if err := c.SetDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("error = %v", err)
	}
	c, _ = connect(t, patience, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	_ = c.SetDeadline(time.Now().Add(-time.Second))
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read: error = %v", err)
	}
	if _, err := c.Write(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("write: error = %v", err)
	}
}

// TestDeafServer holds that a server which does not read is not waited for.
func TestDeafServer(t *testing.T) {
	t.Parallel()
	over := make(chan struct{})
	c, s := connect(t, 200*time.Millisecond, func(net.Conn) { <-over })
	defer close(over)
	var err error
	for err == nil {
		_, err = c.Write(make([]byte, 1<<20))
	}
	want(t, Classify(err, s, c), TimedOut, "write ETIMEDOUT")
}

package smtpd_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/gateway/internal/smtpd"
)

func TestConnectionsPerAddressAreBounded(t *testing.T) {
	t.Parallel()
	cfg := defaults()
	cfg.MaxConnectionsPerIP = 2
	f := start(t, cfg)
	first, second := f.dial(t), f.dial(t)
	first.expect(t, "220 ")
	second.expect(t, "220 ")
	third := f.dial(t)
	third.expect(t, "421 4.7.0")
	if _, err := third.reply(); !errors.Is(err, io.EOF) {
		t.Errorf("after the refusal: %v, want the end", err)
	}
	first.send(t, "QUIT\r\n")
	first.expect(t, "221")
	if _, err := first.reply(); !errors.Is(err, io.EOF) {
		t.Fatal("QUIT did not close the connection")
	}
	f.dial(t).expect(t, "220 ")
}

func TestCommandFloodEnds(t *testing.T) {
	t.Parallel()
	f := start(t, defaults())
	c := f.dial(t)
	c.expect(t, "220 ")
	go func() { _, _ = io.WriteString(c, strings.Repeat("NOOP\r\n", 100_000)) }()
	answered := 0
	for {
		got, err := c.reply()
		if strings.HasPrefix(got, "421") || err != nil {
			break
		}
		answered++
	}
	if answered > 20_000 {
		t.Errorf("%d commands were answered", answered)
	}
}

func TestGuessingRecipientsEnds(t *testing.T) {
	t.Parallel()
	f := start(t, defaults())
	c := f.dial(t)
	c.expect(t, "220 ")
	c.send(t, "EHLO x\r\nMAIL FROM:<>\r\n")
	c.expect(t, "250")
	c.expect(t, "250")
	for n := 1; ; n++ {
		c.send(t, "RCPT TO:<guess@acme.test>\r\n")
		got, err := c.reply()
		if strings.HasPrefix(got, "421 4.7.0") {
			break
		}
		if err != nil || n > 50 {
			t.Fatalf("guess %d: %q, %v", n, got, err)
		}
	}
	c.send(t, "NOOP\r\n")
	if got, err := c.reply(); err == nil && !strings.HasPrefix(got, "421") {
		t.Errorf("after being sent away: %q", got)
	}
}

func TestLoopIsRefused(t *testing.T) {
	t.Parallel()
	own := "X-Postern-Loop: mx.acme.test\r\n"
	for trace, want := range map[string]string{
		strings.Repeat("rEceived: from x\r\n by y\r\n", 50) + strings.Repeat(own, 3): "250 ",
		strings.Repeat("rEceived: from x\r\n by y\r\n", 51):                          "554 5.4.6",
		strings.Repeat(own, 4): "554 5.4.6",
	} {
		f := start(t, defaults())
		c := f.dial(t)
		c.begin(t)
		// Fields of a body, or ones that only look like it, do not count.
		c.send(t, trace+"Receiveds: x\r\n\r\n"+strings.Repeat("Received: z\r\n"+own, 100)+".\r\n")
		c.expect(t, want)
	}
}

func TestDrain(t *testing.T) {
	t.Parallel()
	f := start(t, defaults())
	idle := f.dial(t)
	idle.expect(t, "220 ")
	busy := f.dial(t)
	busy.begin(t)
	busy.send(t, "Subject: under way\r\n")

	done := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		done <- f.server.Shutdown(ctx)
	}()
	idle.expect(t, "421 4.3.2 ")
	if err := <-f.ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
	select {
	case err := <-done:
		t.Fatalf("Shutdown returned in the middle of a mail: %v", err)
	default:
	}
	busy.send(t, "\r\nthe rest\r\n.\r\n")
	busy.expect(t, "250 2.0.0 OK: queued")
	if err := <-done; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if n := len(f.stored(t)); n != 1 {
		t.Errorf("stored %d messages, want the one under way", n)
	}
}

// TestShutdownBeforeServe is a stop that comes while the server is starting.
func TestShutdownBeforeServe(t *testing.T) {
	t.Parallel()
	server := smtpd.New(defaults(), nil, nil)
	if err := server.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Serve(l); err != nil {
		t.Errorf("Serve after Shutdown: %v", err)
	}
	if _, err := net.Dial("tcp", l.Addr().String()); err == nil {
		t.Error("the listener is still open")
	}
}

func TestDrainCutsOffWhoDoesNotEnd(t *testing.T) {
	t.Parallel()
	f := start(t, defaults())
	c := f.dial(t)
	c.begin(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := f.server.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Shutdown error = %v", err)
	}
	if list, left := f.stored(t), f.bodyFiles(t); len(list)+len(left) > 0 {
		t.Errorf("kept of half a mail: %v, %v", list, left)
	}
}

func TestIdleTimeout(t *testing.T) {
	t.Parallel()
	cfg := defaults()
	cfg.IdleTimeout = 50 * time.Millisecond
	f := start(t, cfg)
	c := f.dial(t)
	c.expect(t, "220 ")
	c.expect(t, "421 4.4.2")
	c = f.dial(t)
	c.begin(t)
	c.send(t, "Subject: never ends")
	if got, err := c.reply(); err == nil && !strings.HasPrefix(got, "4") {
		t.Errorf("a body that stops was answered %q", got)
	}
	if left := f.bodyFiles(t); len(left) > 0 {
		t.Errorf("left in the spool: %v", left)
	}
}

package smtpd_test

import (
	"crypto/tls"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

const abandoned = "MAIL FROM:<a@example.com>\r\nRCPT TO:<support@acme.test>\r\nBDAT 5\r\nhelloRSET\r\n"

// TestAbandonedBDATAnswersNobodyElse gives many mails up in the middle and sends a
// good and a bad one in the same packet. Each gets its own reply: go-smtp keeps the
// result of a transaction where the next one looks for its own.
func TestAbandonedBDATAnswersNobodyElse(t *testing.T) {
	t.Parallel()
	f := start(t, defaults())
	const rounds, givenUp = 20, 20
	for range rounds {
		c := f.dial(t)
		c.expect(t, "220 ")
		c.send(t, "EHLO x\r\n")
		c.expect(t, "250")
		good := "Subject: good\r\n\r\nx\r\n"
		bad := "Subject: bad\r\n\r\n" + strings.Repeat("x", 100_000) + "\n"
		c.send(t, strings.Repeat(abandoned, givenUp))
		for _, body := range []string{good, bad} {
			c.send(t, fmt.Sprintf("MAIL FROM:<b@example.com>\r\nRCPT TO:<support@acme.test>\r\nBDAT %d LAST\r\n%s", len(body), body))
		}
		for range 4 * givenUp {
			c.expect(t, "250")
		}
		c.expect(t, "250")
		c.expect(t, "250")
		c.expect(t, "250 2.0.0 OK: queued as msg_")
		c.expect(t, "250")
		c.expect(t, "250")
		c.expect(t, "550 5.5.2")
		_ = c.Close()
	}
	if n := len(f.stored(t)); n != rounds {
		t.Errorf("stored %d messages, want the %d good ones", n, rounds)
	}
}

// TestAbandonedBDATLeaksNothing counts goroutines after clients that gave up.
func TestAbandonedBDATLeaksNothing(t *testing.T) {
	// Not parallel: it counts what the whole process runs.
	f := start(t, defaults())
	before := runtime.NumGoroutine()
	for range 50 {
		c := f.dial(t)
		c.expect(t, "220 ")
		c.send(t, "EHLO x\r\n"+strings.Repeat(abandoned, 5)+"QUIT\r\n")
		for {
			got, err := c.reply()
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(got, "221") {
				break
			}
		}
	}
	// Sessions end shortly after their clients; a few of the store's own goroutines
	// may have come meanwhile.
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for runtime.NumGoroutine() > before+10 {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%d goroutines before, %d after 250 mails that were given up", before, runtime.NumGoroutine())
		}
	}
}

// TestPipelinedBDATInTLS sends the next mail in one packet with the last chunk of
// the first. It may be put off, but not refused for good.
func TestPipelinedBDATInTLS(t *testing.T) {
	t.Parallel()
	cfg := defaults()
	cfg.TLS = selfSigned(t)
	f := start(t, cfg)
	inner := f.dial(t).startTLS(t)
	body := "Subject: x\r\n\r\n" + strings.Repeat("0123456789\r\n", 1500)
	one := fmt.Sprintf("MAIL FROM:<>\r\nRCPT TO:<support@acme.test>\r\nBDAT %d LAST\r\n%s", len(body), body)
	inner.send(t, "EHLO x\r\n"+one+one)
	for range 3 {
		inner.expect(t, "250")
	}
	inner.expect(t, "250 2.0.0 OK: queued")
	for {
		got, err := inner.reply()
		if err != nil {
			break
		}
		if strings.HasPrefix(got, "5") {
			t.Errorf("a mail behind another was refused for good: %q", got)
		}
		if strings.HasPrefix(got, "421") || strings.Contains(got, "queued") {
			break
		}
	}
}

// TestBDATCutOffInTLS ends the connection the polite way in the middle of the
// last chunk, which reads like the end of the mail.
func TestBDATCutOffInTLS(t *testing.T) {
	t.Parallel()
	cfg := defaults()
	cfg.TLS = selfSigned(t)
	f := start(t, cfg)
	inner := f.dial(t).startTLS(t)
	transaction := "MAIL FROM:<>\r\nRCPT TO:<support@acme.test>\r\nBDAT %d LAST\r\nSubject: x\r\n\r\n"
	inner.send(t, "EHLO x\r\n"+fmt.Sprintf(transaction, 14))
	for range 3 {
		inner.expect(t, "250")
	}
	inner.expect(t, "250 2.0.0 OK: queued")
	inner.send(t, fmt.Sprintf(transaction, 1000))
	inner.expect(t, "250")
	inner.expect(t, "250")
	if err := inner.Conn.(*tls.Conn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	inner.expect(t, "451 4.4.2")
	if n := len(f.stored(t)); n != 1 {
		t.Errorf("stored %d messages, want the whole one only", n)
	}
}

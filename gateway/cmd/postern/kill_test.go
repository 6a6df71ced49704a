package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern-mail/postern/gateway/internal/smtpd/smtpclient"
)

const (
	killPoints = 20
	killers    = 8 // clients that send at the same time
)

// TestKill ends the gateway with kill -9 at random points under load. Every mail
// that was answered 250 arrives; a mail that arrives twice does so under one
// webhook-id, with the same bytes.
func TestKill(t *testing.T) {
	t.Parallel()
	rcv := newReceiver(t)
	rcv.keep = true
	// Some first attempts fail, so that the gateway also dies with retries waiting.
	rcv.answer = func(n int, _ string) int {
		if n%10 == 0 {
			return http.StatusServiceUnavailable
		}
		return http.StatusNoContent
	}
	dir := configuration(t, rcv.URL, `schedule = ["0s", "1s", "1s", "1s", "2s", "2s", "2s", "5s", "5s", "5s"]`)
	load := &killLoad{accepted: make(map[string]string)}
	for range killPoints {
		g := serveIn(t, dir)
		var wg sync.WaitGroup
		before := load.count()
		for range killers {
			wg.Go(func() { load.run(t, g.smtp()) })
		}
		eventually(t, "load", func() bool { return load.count() >= before+killers })
		// The point is random; what is waited for is not a condition.
		<-time.After(time.Duration(rand.IntN(400)) * time.Millisecond)
		g.kill(t)
		wg.Wait()
	}
	g := serveIn(t, dir)
	eventually(t, "every accepted mail", func() bool {
		for id := range load.accepted {
			if !rcv.has(id + "_1") {
				return false
			}
		}
		return true
	})
	g.stop(t)
	rcv.check(t)

	subjects := make(map[string]string)
	duplicates := 0
	for id, r := range rcv.byID {
		duplicates += r.times - 1
		var payload struct {
			Message struct {
				Subject string `json:"subject"`
			} `json:"message"`
		}
		if err := json.Unmarshal(r.payload, &payload); err != nil {
			t.Errorf("%s: %v", id, err)
		}
		subject := payload.Message.Subject
		if other := subjects[subject]; other != "" {
			t.Errorf("the mail %q came under the webhook-ids %s and %s", subject, other, id)
		}
		subjects[subject] = id
		if want := load.accepted[strings.TrimSuffix(id, "_1")]; want != "" && want != subject {
			t.Errorf("%s is the mail %q, want %q", id, subject, want)
		}
	}
	t.Logf("%d kills: %d mails accepted, %d delivered, 0 lost, %d duplicates under their own webhook-id", killPoints, len(load.accepted), len(rcv.byID), duplicates)
}

// killLoad sends mails until the gateway is gone.
type killLoad struct {
	mu       sync.Mutex
	over     bool // no more is to be sent
	sent     int
	accepted map[string]string // subject by message id
}

func (l *killLoad) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.accepted)
}

func (l *killLoad) run(t *testing.T, addr string) {
	client, err := smtpclient.Dial(t.Context(), smtpclient.Config{Address: addr})
	if err != nil {
		return // it is gone already
	}
	defer func() { _ = client.Close() }()
	for {
		l.mu.Lock()
		if l.over {
			l.mu.Unlock()
			return
		}
		l.sent++
		subject := fmt.Sprintf("mail number %d", l.sent)
		l.mu.Unlock()
		body := "Subject: " + subject + "\r\n\r\n" + strings.Repeat("some text\r\n", 100)
		reply, err := client.Send(smtpclient.Mail{From: "load@example.com", To: []string{"any@acme.test"}, Body: strings.NewReader(body)})
		if err != nil {
			return
		}
		_, id, _ := strings.Cut(reply, "queued as ")
		l.mu.Lock()
		l.accepted[id] = subject
		l.mu.Unlock()
	}
}

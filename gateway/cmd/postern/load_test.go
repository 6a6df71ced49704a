package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/postern-mail/postern/gateway/internal/smarthost/smtpclient"
)

// mailLoad is mails that are sent, and what became of them.
type mailLoad struct {
	mu       sync.Mutex
	sent     int
	accepted map[string]string // subject by message id
	refused  map[string]int    // how often, by reply
}

func newLoad() *mailLoad {
	return &mailLoad{accepted: make(map[string]string), refused: make(map[string]int)}
}

func (l *mailLoad) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.accepted)
}

// refusals is how many mails were refused.
func (l *mailLoad) refusals() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, times := range l.refused {
		n += times
	}
	return n
}

// arrived reports whether all that was accepted has come to a receiver.
func (l *mailLoad) arrived(rcv *receiver) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id := range l.accepted {
		if !rcv.has(id + "_1") {
			return false
		}
	}
	return true
}

// begin has clients send mails to an address, each one after the other, until end is called
// or nobody is there any more. It returns once as many mails as there are clients were accepted.
func (l *mailLoad) begin(t *testing.T, addr string, clients int) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	before := l.count()
	for range clients {
		wg.Go(func() { l.run(ctx, addr) })
	}
	eventually(t, "load", func() bool { return l.count() >= before+clients })
	return func() {
		cancel()
		wg.Wait()
	}
}

func (l *mailLoad) run(ctx context.Context, addr string) {
	client, err := smtpclient.Dial(ctx, smtpclient.Config{Address: addr})
	if err != nil {
		return // it is gone already
	}
	defer func() { _ = client.Close() }()
	for ctx.Err() == nil {
		l.mu.Lock()
		l.sent++
		subject := fmt.Sprintf("mail number %d", l.sent)
		lines := 100
		if l.sent%10 == 0 {
			lines = 10_000 // which is kept where large bodies are
		}
		l.mu.Unlock()
		body := "Subject: " + subject + "\r\n\r\n" + strings.Repeat("some text\r\n", lines)
		reply, err := client.Send(smtpclient.Mail{From: "load@example.com", To: []string{"any@acme.test"}, Body: strings.NewReader(body)})
		if refusal, refused := errors.AsType[*smtpclient.Refusal](err); refused {
			l.mu.Lock()
			l.refused[refusal.Error()]++
			l.mu.Unlock()
			continue
		}
		if err != nil {
			return
		}
		_, id, _ := strings.Cut(reply, "queued as ")
		l.mu.Lock()
		l.accepted[id] = subject
		l.mu.Unlock()
	}
}

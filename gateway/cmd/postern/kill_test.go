package main

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/gateway/internal/store/postgres/pgtest"
	"github.com/postern-mail/postern/gateway/internal/store/powercut"
)

const (
	killPoints = 20 // unless it is torture
	killers    = 8  // clients that send at the same time
)

// killing is what TestKill ends, and where the gateway stores meanwhile.
type killing struct {
	// shared is true where it stores in PostgreSQL and S3, and not in its data folder.
	shared bool
	// kill ends something at once and has it begin again. It returns the gateway that
	// goes on, which may be the same. The cluster is nil unless it is shared.
	kill func(t *testing.T, g *gateway, c *cluster) *gateway
}

// TestKill ends the gateway, or what it depends on, with kill -9 at random points under
// load. Every mail that was answered 250 arrives; a mail that arrives twice does so under
// one webhook-id, with the same bytes.
func TestKill(t *testing.T) {
	t.Parallel()
	for name, k := range map[string]killing{
		"gateway":                      {kill: killGateway},
		"gateway on PostgreSQL and S3": {kill: killGateway, shared: true},
		"PostgreSQL":                   {kill: killServer, shared: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k.test(t)
		})
	}
}

func (k killing) test(t *testing.T) {
	rcv := newReceiver(t)
	rcv.keep = true
	// Some first attempts fail, so that the gateway also dies with retries waiting.
	rcv.answer = func(n int, _ string) int {
		if n%10 == 0 {
			return http.StatusServiceUnavailable
		}
		return http.StatusNoContent
	}
	var blocks, env []string
	var c *cluster
	if k.shared {
		c = newCluster(t, pgtest.Options{})
		blocks, env = []string{c.blocks}, c.env
	}
	dir := configuration(t, rcv.URL, `schedule = ["0s", "1s", "1s", "1s", "2s", "2s", "2s", "5s", "5s", "5s"]`, blocks...)
	g := serveIn(t, dir, env...)
	load := newLoad()
	points := powercut.Points(t, killPoints)
	for range points {
		end := load.begin(t, g.smtp(), killers)
		// The point is random; what is waited for is not a condition.
		<-time.After(time.Duration(rand.IntN(400)) * time.Millisecond)
		g = k.kill(t, g, c)
		end()
	}
	eventually(t, "every accepted mail", func() bool { return load.arrived(rcv) })
	g.kill(t) // what was logged while something was dead is not looked at
	serveIn(t, dir, env...).stop(t)
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
	t.Logf("%d kills: %d mails accepted, %d delivered, 0 lost, %d duplicates under their own webhook-id", points, len(load.accepted), len(rcv.byID), duplicates)
}

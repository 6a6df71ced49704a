package dispatch_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/queue"
)

// reasons lists why attempts failed, each reason once where it came again and
// again.
func reasons(tries []mail.Attempt) []string {
	var list []string
	for _, a := range tries {
		if len(list) == 0 || list[len(list)-1] != a.Reason {
			list = append(list, a.Reason)
		}
	}
	return list
}

// TestUnknownEndpoint has deliveries for an endpoint that was taken out of the
// configuration. They end like those that nobody takes, and are in nobody's way.
func TestUnknownEndpoint(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, g *gateway) {
		desk := g.network.endpoint(t, "desk", status(200))
		gone := g.backlog("gone", 3)
		kept := g.receive("desk")
		g.start(2, rooms{"desk": 1})
		if d := g.delivery(kept); d.State != mail.Delivered {
			t.Errorf("the other endpoint's delivery is %s", d.State)
		}
		time.Sleep(g.span())
		synctest.Wait()

		const reason = "config: the endpoint is not in the configuration"
		for _, d := range g.deliveries(gone) {
			if d.State != mail.Failed || d.Reason != "attempt 4 of 4 failed: "+reason || len(d.Tries) != 4 || d.LastCode != 0 {
				t.Errorf("delivery = %+v", d)
			}
			if diff := cmp.Diff([]string{reason}, reasons(d.Tries)); diff != "" {
				t.Errorf("reasons (-want +got):\n%s", diff)
			}
		}
		if n := len(desk.got()); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
	})
}

// TestEndpointComesBack puts the endpoint back into the configuration, which the
// gateway reads at its start.
func TestEndpointComesBack(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, g *gateway) {
		g.network.endpoint(t, "desk", status(200))
		id := g.receive("desk")
		run := g.start(2, rooms{})
		time.Sleep(10 * time.Minute)
		run.stop()
		g.start(2, rooms{"desk": 1})
		time.Sleep(g.span())
		if d := g.delivery(id); d.State != mail.Delivered || len(d.Tries) != 4 {
			t.Errorf("delivery = %+v", d)
		}
	})
}

// TestBody damages the body of one mail. It is never sent as it is, the others
// are; and where the body is mended in time, the schedule has waited for it.
func TestBody(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		damage func(t *testing.T, file string)
		reason string // its end
	}{
		"missing": {
			damage: func(t *testing.T, file string) { must(t, os.Remove(file)) },
			reason: "body is damaged: %s is missing",
		},
		"cut short": {
			damage: func(t *testing.T, file string) { must(t, os.Truncate(file, 100)) },
			reason: "read body %s: body is damaged: 100 octets of ",
		},
		"altered": {
			damage: func(t *testing.T, file string) { write(t, file, strings.Replace(raw, "From:", "Form:", 1)) },
			reason: "read body %s: body is damaged: checksum ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, g *gateway) {
				desk := g.network.endpoint(t, "desk", status(200))
				lost, mended, whole := g.receive("desk"), g.receive("desk"), g.receive("desk")
				tc.damage(t, g.file(t, lost))
				tc.damage(t, g.file(t, mended))
				run := g.start(2, rooms{"desk": 2})
				time.Sleep(10 * time.Minute)
				write(t, g.file(t, mended), raw)
				time.Sleep(g.span())

				if d := g.delivery(whole); d.State != mail.Delivered || len(d.Tries) != 1 {
					t.Errorf("the whole mail's delivery = %+v", d)
				}
				if d := g.delivery(mended); d.State != mail.Delivered || len(d.Tries) != 4 || d.Subject != "Grüße" {
					t.Errorf("the mended mail's delivery = %+v", d)
				}
				d := g.delivery(lost)
				if d.State != mail.Failed || len(d.Tries) != 4 {
					t.Errorf("the damaged mail's delivery = %+v", d)
				}
				name, err := filepath.Rel(g.spoolDir(), g.file(t, lost))
				must(t, err)
				prefix := "body: " + strings.Replace(tc.reason, "%s", filepath.ToSlash(name), 1)
				if got := reasons(d.Tries); len(got) != 1 || !strings.HasPrefix(got[0], prefix) {
					t.Errorf("reasons = %q, want %q", got, prefix)
				}
				if n := len(desk.got()); n != 2 {
					t.Errorf("%d requests, want 2", n)
				}
				run.stop()
				told := regexp.MustCompile(`(?m)^.*\[ERROR\].* of an accepted mail is lost or damaged; "postern verify" .* message_id=` + string(lost) + ` .*$`)
				if n := len(told.FindAllString(g.log.String(), -1)); n != 4 {
					t.Errorf("the log says %d times that the body is lost, want 4", n)
				}
			})
		})
	}
}

// file is where the spool keeps a message that was received today.
func (g *gateway) file(t *testing.T, id mail.MessageID) string {
	t.Helper()
	m, err := g.db.Get(t.Context(), id)
	must(t, err)
	// The reference is "file:NAME:SIZE:CRC".
	return filepath.Join(g.spoolDir(), strings.Split(string(m.Body), ":")[1])
}

func write(t *testing.T, file, text string) {
	t.Helper()
	must(t, os.WriteFile(file, []byte(text), 0o600))
}

// firstAttempt makes and records an attempt as a process before this one may
// have done: it failed, and left a document.
func (g *gateway) firstAttempt(endpoint, document string) {
	g.t.Helper()
	for _, job := range g.claim(endpoint, 1) {
		_, _, err := g.queue.Finish(g.t.Context(), job, queue.Outcome{
			Attempt: &mail.Attempt{Number: 1, At: time.Now(), Code: 500, Reason: "status: 500"},
			Made:    queue.Made{Document: []byte(document)},
		})
		must(g.t, err)
	}
}

// TestUnreadableDocument has a document that this program cannot read. The
// delivery ends as failed; it is not replaced by a new one, which might say
// something else under the same id.
func TestUnreadableDocument(t *testing.T) {
	t.Parallel()
	for name, document := range map[string]string{
		"not JSON":       `{"root":{"id":`,
		"no root":        `{}`,
		"a foreign part": `{"root":{"$part":3}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, g *gateway) {
				desk := g.network.endpoint(t, "desk", status(200))
				id := g.receive("desk")
				g.firstAttempt("desk", document)
				whole := g.receive("desk")
				g.start(2, rooms{"desk": 1})
				time.Sleep(g.span())

				d := g.delivery(id)
				if d.State != mail.Failed || len(d.Tries) != 4 {
					t.Errorf("delivery = %+v", d)
				}
				if got := reasons(d.Tries); len(got) != 2 || !strings.HasPrefix(got[1], "document: unmarshal document: ") {
					t.Errorf("reasons = %q", got)
				}
				if got := g.document(id); got != document {
					t.Errorf("the document became %q", got)
				}
				if diff := cmp.Diff([]mail.DeliveryID{whole.Delivery(1)}, desk.ids()); diff != "" {
					t.Errorf("requests (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestPanic makes every attempt panic, by a client that is not there. Each is a
// failed attempt, no worker is lost, and what was queued is delivered once the
// fault is gone.
func TestPanic(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, g *gateway) {
		g.network.endpoint(t, "desk", status(200))
		list := g.backlog("desk", 5)
		run := g.startWith(nil, 2, rooms{"desk": 2})
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		run.stop()
		for _, d := range g.deliveries(list) {
			if diff := cmp.Diff([]string{"internal: see the gateway's log"}, reasons(d.Tries)); diff != "" || d.State != mail.Retrying || len(d.Tries) != 3 {
				t.Errorf("delivery = %+v; reasons (-want +got):\n%s", d, diff)
			}
			if !strings.Contains(g.log.String(), "panic in an attempt: delivery_id="+string(d.ID)) {
				t.Errorf("the log does not tell of the panic of %s", d.ID)
			}
		}
		if !strings.Contains(g.log.String(), "dispatch.go:") {
			t.Error("the log does not say where the panic came from")
		}

		g.start(2, rooms{"desk": 2})
		time.Sleep(g.span())
		synctest.Wait()
		if diff := cmp.Diff(map[mail.State]int{mail.Delivered: 5}, states(g.deliveries(list))); diff != "" {
			t.Errorf("states (-want +got):\n%s", diff)
		}
	})
}

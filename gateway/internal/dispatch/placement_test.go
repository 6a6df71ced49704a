package dispatch_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/payload"
	"github.com/postern-mail/postern/gateway/internal/queue"
)

// links makes URLs that say what they were made of.
type links struct{}

func (links) URL(id mail.DeliveryID, p document.Part, expires time.Time) string {
	return fmt.Sprintf("https://mx.example/%s/%d/%d", id, p.Size, expires.Unix())
}

// largeMail has attachments of 1,000 and 20,000 octets.
func largeMail() string {
	attachment := func(n int) string {
		return "--b\r\nContent-Type: x/y\r\nContent-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
			base64.StdEncoding.EncodeToString(make([]byte, n)) + "\r\n"
	}
	return "Subject: large\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + attachment(1000) + attachment(20_000) + "--b--\r\n"
}

// contents says where a payload has the content of its attachments.
func contents(t *testing.T, body string) string {
	t.Helper()
	var p struct {
		Message struct {
			Attachments []struct {
				Content []byte
				URL     string
			}
		}
	}
	must(t, json.Unmarshal([]byte(body), &p))
	var list []string
	for _, a := range p.Message.Attachments {
		switch {
		case a.URL != "":
			list = append(list, a.URL)
		case a.Content == nil:
			list = append(list, "none")
		default:
			list = append(list, fmt.Sprint(len(a.Content)))
		}
	}
	return strings.Join(list, " ")
}

// TestPlacement moves content before the first attempt. All attempts send the same, also
// after a restart with another configuration.
func TestPlacement(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, g *gateway) {
		g.mail, g.placed = largeMail(), payload.Placement{MaxPayloadSize: 20_000, Overflow: payload.ByURL}
		desk := g.network.endpoint(t, "desk", says(status(500), status(500), status(200)))
		id := g.receive("desk")
		run := g.start(1, rooms{"desk": 1})
		time.Sleep(2 * time.Minute)
		d := g.delivery(id)
		run.stop()
		g.restart()
		g.placed = payload.Placement{Attachments: payload.Omitted}
		g.start(1, rooms{"desk": 1})
		time.Sleep(time.Hour)

		want := fmt.Sprintf("1000 https://mx.example/%s/20000/%d", id.Delivery(1), d.ExpiresAt.Unix())
		calls := desk.got()
		if len(calls) != 3 || g.delivery(id).State != mail.Delivered {
			t.Fatalf("%d requests", len(calls))
		}
		for i, c := range calls {
			if got := contents(t, c.Body); got != want || c.Body != calls[0].Body {
				t.Errorf("request %d: %s, want %s", i+1, got, want)
			}
		}
		if step := d.Steps[len(d.Steps)-1]; step.Name != "attachments placed" || step.Detail != fmt.Sprintf("inline: 1, by URL: 1, omitted: 0; payload: %d octets", len(calls[0].Body)) {
			t.Errorf("step %+v", step)
		}
	})
}

// TestRevision has an endpoint that calls payloads too large: it gets one without
// content at once, and what comes after that follows the schedule.
func TestRevision(t *testing.T) {
	t.Parallel()
	const byURL, omitted, nowhere = payload.ByURL, payload.Omitted, payload.Place("")
	url := func(id mail.MessageID, size int, expires time.Time) string {
		return fmt.Sprintf("https://mx.example/%s/%d/%d", id.Delivery(1), size, expires.Unix())
	}
	for name, tc := range map[string]struct {
		schedule []time.Duration
		overflow payload.Place
		answers  []http.HandlerFunc
		state    mail.State
		reason   string
		requests int
		revised  int           // from which request on
		after    time.Duration // of the first request, the second came
	}{
		"taken then":                {shortSchedule(), byURL, []http.HandlerFunc{status(413), status(200)}, mail.Delivered, "", 2, 1, 0},
		"without content":           {shortSchedule(), omitted, []http.HandlerFunc{status(413), status(200)}, mail.Delivered, "", 2, 1, 0},
		"there is nowhere to go":    {shortSchedule(), nowhere, []http.HandlerFunc{status(413)}, mail.Failed, "attempt 4 of 4 failed: status: 413 Request Entity Too Large; there is no content that could go elsewhere", 4, 4, time.Minute},
		"still too large":           {shortSchedule(), byURL, []http.HandlerFunc{status(413)}, mail.Failed, "attempt 4 of 4 failed: status: 413 Request Entity Too Large; there is no content that could go elsewhere", 4, 1, 0},
		"after other failures":      {shortSchedule(), byURL, []http.HandlerFunc{status(500), status(413), status(500), status(200)}, mail.Delivered, "", 4, 2, time.Minute},
		"at the last attempt":       {shortSchedule()[:1], byURL, []http.HandlerFunc{status(413), status(200)}, mail.Delivered, "", 2, 1, 0},
		"that fails after the last": {shortSchedule()[:1], byURL, []http.HandlerFunc{status(413), status(500)}, mail.Failed, "attempt 2 of 2 failed: status: 500 Internal Server Error", 2, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, g *gateway) {
				g.schedule, g.mail, g.placed = tc.schedule, largeMail(), payload.Placement{Overflow: tc.overflow}
				g.restart()
				desk := g.network.endpoint(t, "desk", says(tc.answers...))
				id := g.receive("desk")
				g.start(1, rooms{"desk": 1})
				time.Sleep(g.span())
				d, calls := g.delivery(id), desk.got()
				if d.State != tc.state || d.Reason != tc.reason || len(calls) != tc.requests || len(d.Tries) != tc.requests {
					t.Fatalf("delivery %+v after %d requests", d, len(calls))
				}
				after := "none none"
				if tc.overflow == byURL {
					after = url(id, 1000, d.ExpiresAt) + " " + url(id, 20_000, d.ExpiresAt)
				}
				for i, c := range calls {
					want := "1000 20000"
					if i >= tc.revised {
						want = after
					}
					if got := contents(t, c.Body); got != want || c.ID != string(id.Delivery(1)) {
						t.Errorf("request %d, as %s: %s, want %s", i+1, c.ID, got, want)
					}
				}
				if delay := calls[min(1, len(calls)-1)].At.Sub(calls[0].At); delay < tc.after*9/10 || delay > tc.after*11/10 {
					t.Errorf("the second request came %s after the first, want %s", delay, tc.after)
				}
				var steps []string
				for _, s := range d.Steps {
					steps = append(steps, s.Name)
				}
				want := []string{"parsed"}
				if tc.revised < tc.requests {
					want = append(want, "payload revised")
					if detail := d.Steps[1].Detail; !strings.HasPrefix(detail, "the endpoint called it too large (413), so 2 attachments were moved out of it; inline: 0, ") {
						t.Errorf("step %q", detail)
					}
				}
				if diff := cmp.Diff(want, steps); diff != "" {
					t.Errorf("steps (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestRevisionSurvivesARestart holds that what was revised is durable: the next process,
// which is told otherwise, sends the same.
func TestRevisionSurvivesARestart(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, g *gateway) {
		g.schedule, g.mail, g.placed = queue.DefaultSchedule()[:3], largeMail(), payload.Placement{Overflow: payload.ByURL}
		g.restart()
		desk := g.network.endpoint(t, "desk", says(status(413), status(500)))
		id := g.receive("desk")
		run := g.start(1, rooms{"desk": 1})
		time.Sleep(time.Second)
		run.stop()
		g.restart()
		g.placed = payload.Placement{}
		g.start(1, rooms{"desk": 1})
		time.Sleep(g.span())
		if d, calls := g.delivery(id), desk.got(); d.State != mail.Failed || len(calls) != 3 ||
			contents(t, calls[0].Body) != "1000 20000" || calls[1].Body != calls[2].Body || !strings.Contains(contents(t, calls[1].Body), "https://") {
			t.Errorf("delivery %+v after %d requests", d, len(calls))
		}
	})
}

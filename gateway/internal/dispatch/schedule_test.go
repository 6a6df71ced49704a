package dispatch_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/queue"
)

// TestSchedule has an endpoint that never takes anything: six attempts of the
// same bytes under the same id, each signed for its own moment, then the end.
func TestSchedule(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, g *gateway) {
		g.schedule = queue.DefaultSchedule()
		g.restart()
		const takes = 250 * time.Millisecond
		answer := strings.Repeat("out of order ", 200)
		desk := g.network.endpoint(t, "desk", func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(takes)
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, answer)
		})
		id := g.receive("desk")
		run := g.start(4, rooms{"desk": 2})
		time.Sleep(g.span())

		d := g.delivery(id)
		if d.State != mail.Failed || d.Reason != "attempt 6 of 6 failed: status: 503 Service Unavailable" || d.Attempts != 6 || d.LastCode != 503 {
			t.Errorf("delivery = %+v", d.Delivery)
		}
		if d.Subject != "Grüße" || len(d.Steps) != 1 || d.Steps[0].Name != "parsed" || d.Steps[0].Detail != "attachments: 1, links: 1, warnings: 0" {
			t.Errorf("subject %q, steps %+v", d.Subject, d.Steps)
		}

		calls, schedule := desk.got(), queue.DefaultSchedule()
		if len(calls) != len(schedule) {
			t.Fatalf("%d requests, want %d", len(calls), len(schedule))
		}
		var want []mail.Attempt
		for i, c := range calls {
			if c.ID != string(id.Delivery(1)) || c.Body != calls[0].Body || c.Timestamp != strconv.FormatInt(c.At.Unix(), 10) {
				t.Errorf("attempt %d sent other bytes, or under %s at %s", i+1, c.ID, c.Timestamp)
			}
			if i > 0 {
				delay := c.At.Sub(calls[i-1].At) - takes
				if low, high := schedule[i]*9/10, schedule[i]*11/10; delay < low-time.Millisecond || delay > high {
					t.Errorf("attempt %d came %s after the one before, want %s to %s", i+1, delay, low, high)
				}
			}
			want = append(want, mail.Attempt{
				Number: i + 1, At: c.At.Truncate(time.Millisecond).UTC(), Duration: takes,
				Code: 503, Reason: "status: 503 Service Unavailable", Response: []byte(answer[:1024]),
			})
		}
		if diff := cmp.Diff(want, d.Tries); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
		checkPayload(t, calls[0].Body, id)

		run.stop()
		if strings.Contains(g.log.String(), strings.TrimPrefix(vectorSecret, "whsec_")) {
			t.Error("the log holds the signing secret")
		}
	})
}

// checkPayload looks for what only a payload that was rendered from this mail
// can hold.
func checkPayload(t *testing.T, body string, id mail.MessageID) {
	t.Helper()
	var p struct {
		ID, Tenant string
		Message    struct {
			Subject     string
			Attachments []struct{ Filename, Content string }
		}
	}
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		t.Fatal(err)
	}
	if p.ID != string(id.Delivery(1)) || p.Tenant != "acme" || p.Message.Subject != "Grüße" ||
		len(p.Message.Attachments) != 1 || p.Message.Attachments[0].Content != "AAECAwQFBgcICQ==" {
		t.Errorf("payload = %s", body)
	}
}

// TestOutcomes shows what one answer, or its absence, leads to, and that the
// delivery recovers from it.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	retryAfter := func(code int, value string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", value)
			w.WriteHeader(code)
		}
	}
	hangUp := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	elsewhere := func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://elsewhere/hook", http.StatusTemporaryRedirect)
	}
	const minute = time.Minute
	for name, tc := range map[string]struct {
		first    http.HandlerFunc
		code     int
		reason   string // its beginning
		duration time.Duration
		// The second attempt begins this long after the first has ended.
		low, high time.Duration
	}{
		"a server error": {
			first: status(500), code: 500, reason: "status: 500 Internal Server Error", low: minute * 9 / 10, high: minute * 11 / 10,
		},
		"a refusal for good": {
			first: status(410), code: 410, reason: "status: 410 Gone", low: minute * 9 / 10, high: minute * 11 / 10,
		},
		"too many requests, with a time": {
			first: retryAfter(429, "600"), code: 429, reason: "status: 429 Too Many Requests", low: 10 * minute, high: 10 * minute,
		},
		"unavailable, with a time": {
			first: retryAfter(503, "600"), code: 503, reason: "status: 503 Service Unavailable", low: 10 * minute, high: 10 * minute,
		},
		"a time shorter than the schedule's": {
			first: retryAfter(429, "5"), code: 429, reason: "status: 429 Too Many Requests", low: minute * 9 / 10, high: minute * 11 / 10,
		},
		"no answer": {
			first: takes(time.Hour), reason: "timeout: no answer within 30s", duration: 30 * time.Second,
			low: minute * 9 / 10, high: minute * 11 / 10,
		},
		"a connection that ends": {
			first: hangUp, reason: "reset: ", low: minute * 9 / 10, high: minute * 11 / 10,
		},
		"a redirect": {
			first: elsewhere, code: 307, reason: `redirect: 307 to "http://elsewhere/hook"`, low: minute * 9 / 10, high: minute * 11 / 10,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, g *gateway) {
				desk := g.network.endpoint(t, "desk", says(tc.first, status(200)))
				other := g.network.endpoint(t, "elsewhere", status(200))
				id := g.receive("desk")
				g.start(1, rooms{"desk": 1})
				time.Sleep(15 * time.Minute)

				d := g.delivery(id)
				if d.State != mail.Delivered || d.Reason != "" || len(d.Tries) != 2 {
					t.Fatalf("delivery = %+v", d)
				}
				if a := d.Tries[0]; a.Code != tc.code || !strings.HasPrefix(a.Reason, tc.reason) || a.Duration != tc.duration {
					t.Errorf("first attempt = %+v", a)
				}
				if a := d.Tries[1]; a.Code != 200 || a.Reason != "" {
					t.Errorf("second attempt = %+v", a)
				}
				// The store keeps milliseconds: what is due may be so by one sooner.
				delay := desk.got()[1].At.Sub(desk.got()[0].At) - tc.duration
				if delay < tc.low-time.Millisecond || delay > tc.high {
					t.Errorf("the second attempt came after %s, want %s to %s", delay, tc.low, tc.high)
				}
				if n := len(other.got()); n != 0 {
					t.Errorf("a redirect was followed %d times", n)
				}
			})
		})
	}
}

func TestRecoversAfterFailures(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, g *gateway) {
		desk := g.network.endpoint(t, "desk", says(status(500), status(500), status(200)))
		id := g.receive("desk")
		g.start(4, rooms{"desk": 2})
		time.Sleep(g.span())

		d := g.delivery(id)
		var codes []int
		for _, a := range d.Tries {
			codes = append(codes, a.Code)
		}
		if diff := cmp.Diff([]int{500, 500, 200}, codes); diff != "" || d.State != mail.Delivered || d.Attempts != 3 {
			t.Errorf("delivery = %+v; codes (-want +got):\n%s", d, diff)
		}
		if n := len(desk.got()); n != 3 {
			t.Errorf("%d requests: a delivery that was delivered was sent again", n)
		}
	})
}

func TestAnySuccessDelivers(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, g *gateway) {
		var answers []http.HandlerFunc
		codes := []int{200, 201, 202, 203, 204, 205, 206, 226, 299}
		for _, code := range codes {
			answers = append(answers, status(code))
		}
		g.network.endpoint(t, "desk", says(answers...))
		g.start(1, rooms{"desk": 1})
		for _, code := range codes {
			d := g.delivery(g.receive("desk"))
			if d.State != mail.Delivered || len(d.Tries) != 1 || d.Tries[0].Code != code || d.Tries[0].Reason != "" {
				t.Errorf("%d: delivery = %+v", code, d)
			}
		}
	})
}

// TestWakesForNewDeliveries has mail come in while the dispatcher has nothing to
// do: it goes out without the clock moving.
func TestWakesForNewDeliveries(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, g *gateway) {
		desk := g.network.endpoint(t, "desk", status(200))
		g.start(2, rooms{"desk": 2})
		for n := 1; n <= 3; n++ {
			time.Sleep(7 * time.Second) // in between two idle checks
			received := time.Now()
			id := g.receive("desk")
			if d := g.delivery(id); d.State != mail.Delivered || !time.Now().Equal(received) {
				t.Errorf("mail %d is %s after %s", n, d.State, time.Since(received))
			}
		}
		if n := len(desk.got()); n != 3 {
			t.Errorf("%d requests, want 3", n)
		}
	})
}

package dispatch_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/events"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/outbound"
	"github.com/postern-mail/postern/gateway/internal/pipeline"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// toldEvents is what a dispatcher has told, a line for each call.
type toldEvents struct {
	mu   sync.Mutex
	list []string
	err  error
}

func (e *toldEvents) add(ctx context.Context, what string, about store.About, rest ...any) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := ctx.Err(); err != nil {
		what = err.Error()
	}
	e.list = append(e.list, strings.TrimSpace(fmt.Sprintln(append([]any{what, about.Tenant, about.Class, about.Name}, rest...)...)))
	return e.err
}

func (e *toldEvents) Failed(ctx context.Context, about store.About, f *outbound.Failure) error {
	return e.add(ctx, "failed", about, f.Response)
}

func (e *toldEvents) Succeeded(ctx context.Context, about store.About) error {
	return e.add(ctx, "works", about)
}

func (e *toldEvents) Tell(ctx context.Context, o events.Occurrence) error {
	var b bytes.Buffer
	if err := (&document.Document{Root: document.Object(o.Extra...)}).Encode(&b, nil); err != nil {
		return err
	}
	return e.add(ctx, o.Name, o.About, o.Code, o.Response, b.String())
}

// TestEvents tells of deliveries that have failed for good, and of plugins each time that they run.
func TestEvents(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		worker  *worker // nil for one that works
		onError pipeline.Policy
		answer  http.HandlerFunc
		err     error
		state   mail.State
		want    []string
	}{
		"delivered": {answer: status(200), state: mail.Delivered, want: []string{"works acme plugin crm"}},
		"failed": {
			answer: status(503), state: mail.Failed,
			want: []string{"works acme plugin crm", `delivery.failed acme endpoint desk 503 status: 503 Service Unavailable {"deliveryId":"ID_1","messageId":"ID","endpoint":"desk","attempts":4}`},
		},
		"failed without an answer": {
			answer: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, state: mail.Failed,
			want: []string{"works acme plugin crm", `delivery.failed acme endpoint desk  reset: the connection ended before an answer: EOF {"deliveryId":"ID_1","messageId":"ID","endpoint":"desk","attempts":4}`},
		},
		"a plugin fails twice": {
			worker: &worker{fails: 2}, onError: pipeline.Retry, answer: status(200), state: mail.Delivered,
			want: []string{"failed acme plugin crm its time was over", "failed acme plugin crm its time was over", "works acme plugin crm"},
		},
		"nothing can be told": {answer: status(503), err: errors.New("the store fails"), state: mail.Failed, want: []string{"works", "delivery.failed"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, g *gateway) {
				told := &toldEvents{err: tc.err}
				g.events = told
				if tc.worker == nil {
					tc.worker = &worker{}
				}
				d, _ := g.dispatchOne(t, tc.worker, tc.onError, tc.answer)
				if d.State != tc.state {
					t.Errorf("delivery = %+v", d)
				}
				message, _ := d.ID.Split()
				var got []string
				for _, line := range told.list {
					if tc.err != nil {
						line, _, _ = strings.Cut(line, " ")
					}
					got = append(got, strings.ReplaceAll(line, string(message), "ID"))
				}
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Errorf("told (-want +got):\n%s", diff)
				}
				if n := strings.Count(g.log.String(), "an event could not be stored: error=\"the store fails\""); tc.err != nil && n != 2 {
					t.Errorf("the log says so %d times", n)
				}
			})
		})
	}
}

// TestStopTells has a stop come while a delivery fails: it is told of all the same.
func TestStopTells(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, g *gateway) {
		told := &toldEvents{}
		g.events, g.schedule = told, []time.Duration{0}
		g.restart()
		begun, end := make(chan struct{}), make(chan struct{})
		g.network.endpoint(t, "desk", func(w http.ResponseWriter, _ *http.Request) {
			close(begun)
			<-end
			w.WriteHeader(http.StatusServiceUnavailable)
		})
		g.receive("desk")
		run := g.start(1, rooms{"desk": 1})
		<-begun
		run.stopDispatch()
		close(end)
		run.stop()
		if len(told.list) != 1 || !strings.HasPrefix(told.list[0], "delivery.failed acme endpoint desk 503") {
			t.Errorf("told: %q", told.list)
		}
	})
}

// TestEventsOfEvents has an event fail for good. That is told of to nobody, or it would have no end.
func TestEventsOfEvents(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, g *gateway) {
		told := &toldEvents{}
		g.events = told
		g.hooks(status(503))
		g.start(1, rooms{"hooks": 1})
		id := g.tell("hooks", retention)
		time.Sleep(g.span())
		if d := g.delivery(id); d.State != mail.Failed || len(told.list) > 0 {
			t.Errorf("delivery = %+v; told: %q", d, told.list)
		}
	})
}

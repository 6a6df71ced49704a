package queue_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/queue"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// sender sends mails one after the other, in the background.
type sender struct {
	t    *testing.T
	q    *queue.Queue
	took chan time.Duration
}

func (s sender) send(endpoints ...string) {
	began := time.Now()
	arrives(s.t, s.q, endpoints...)
	s.took <- time.Since(began)
}

// accepted waits until nothing moves and says how many mails were taken since it was last asked.
func (s sender) accepted() (n int) {
	synctest.Wait()
	for len(s.took) > 0 {
		<-s.took
		n++
	}
	return n
}

// TestBackpressure has more mail than is delivered: it is taken in as fast as deliveries begin, none
// is refused, and that of another tenant does not wait for it.
func TestBackpressure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := open(t)
		q := queue.New(f.store, f.bodies, queue.Config{Owner: "other", MaxBacklog: 100, Logger: f.log})
		s := sender{t, q, make(chan time.Duration, 1000)}
		r := rules(16, "acme/desk", "other/desk")
		for range 150 {
			go s.send("acme/desk")
		}
		if n := s.accepted(); n != 100 {
			t.Errorf("%d mails were accepted at once, want 100", n)
		}
		for range 20 {
			go s.send("other/desk")
			go s.send("acme/desk", "other/desk") // one of the two does not wait
		}
		if n := s.accepted(); n != 40 {
			t.Errorf("%d mails of or with another tenant were accepted at once, want 40", n)
		}
		for range 5 {
			jobs, _ := claims(t, q, 16, r)
			delivered(t, q, jobs...)
		}
		if n := s.accepted(); n < 10 || n > 50 {
			t.Errorf("%d mails were accepted once others were delivered", n)
		}
		for range 20 {
			jobs, _ := claims(t, q, 16, r)
			delivered(t, q, jobs...)
			synctest.Wait()
		}
		if list, err := f.store.Lanes(t.Context()); len(list) != 0 || err != nil {
			t.Errorf("in the queue = %+v, %v after all was delivered", list, err)
		}
	})
}

// TestBackpressureEnds has nothing be delivered: no mail waits for longer than ten seconds, nor
// for longer than its sender.
func TestBackpressureEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := open(t)
		q := queue.New(f.store, f.bodies, queue.Config{Owner: "other", MaxBacklog: 10, Logger: f.log})
		s := sender{t, q, make(chan time.Duration, 1000)}
		for range 300 {
			go s.send("acme/desk")
		}
		if n := s.accepted(); n != 300-256 {
			t.Errorf("%d mails were accepted at once, want all but the 256 that may wait", n)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		time.Sleep(5 * time.Second)
		go func() {
			ended <- q.Enqueue(ctx, store.NewMessage{ID: mail.NewMessageID(time.Now()), ReceivedAt: time.Now(), Body: "ref", Deliveries: []store.NewDelivery{
				{Endpoint: named("acme/other")}, {Endpoint: desk, State: mail.Rejected},
			}})
		}()
		synctest.Wait()
		select {
		case err := <-ended:
			if err != nil { // more than may wait
				t.Error(err)
			}
		default:
			t.Error("a mail beyond those that may wait waits")
		}
		time.Sleep(5 * time.Second)
		if n := s.accepted(); n != 256 {
			t.Errorf("%d mails were accepted after ten seconds, want 256", n)
		}
		go func() {
			ended <- q.Enqueue(ctx, store.NewMessage{ID: mail.NewMessageID(time.Now()), ReceivedAt: time.Now(), Body: "ref", Deliveries: []store.NewDelivery{{Endpoint: desk}}})
		}()
		synctest.Wait()
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Enqueue = %v after its sender had gone", err)
		}
	})
}

// TestBackpressureExcuses has far more deliveries than may wait, which wait for something else than
// this gateway: mail of their tenant is taken in at once.
func TestBackpressureExcuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		rules  func(*queue.Rules)
		paused bool
		fails  bool
	}{
		"a limit": {rules: func(r *queue.Rules) {
			r.TenantLimits["acme"] = []queue.Limit{{Name: "rate", PerSecond: 0.001, Burst: 1}}
		}},
		"a pause":     {paused: true},
		"a retry":     {fails: true},
		"a rejection": {}, // which is not even in the queue
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := open(t, 0, time.Hour)
				q := queue.New(f.store, f.bodies, queue.Config{Owner: "other", MaxBacklog: 20, Schedule: []time.Duration{0, time.Hour}, Logger: f.log})
				r := rules(16, "acme/desk")
				if tc.rules != nil {
					tc.rules(r)
				}
				if tc.paused {
					if err := f.store.Pause(t.Context(), desk, time.Now()); err != nil {
						t.Fatal(err)
					}
				}
				for range 200 {
					began := time.Now()
					if name == "a rejection" {
						if err := q.Enqueue(t.Context(), store.NewMessage{ID: mail.NewMessageID(began), ReceivedAt: began, Deliveries: []store.NewDelivery{{Endpoint: desk, State: mail.Rejected}}}); err != nil {
							t.Fatal(err)
						}
					} else {
						arrives(t, q, "acme/desk")
					}
					if took := time.Since(began); took != 0 {
						t.Fatalf("a mail took %s", took)
					}
					jobs, _ := claims(t, q, 16, r)
					for _, j := range jobs {
						o := failure(j)
						if !tc.fails {
							o.State = mail.Delivered
						}
						if _, _, err := q.Finish(t.Context(), j, o); err != nil {
							t.Fatal(err)
						}
					}
				}
			})
		})
	}
}

// TestBackpressureAcrossProcesses has another process deliver all that this one accepts.
func TestBackpressureAcrossProcesses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := open(t)
		q := queue.New(shared{f.store}, f.bodies, queue.Config{Owner: "receives", MaxBacklog: 100, Logger: f.log})
		delivers := another(f, "delivers")
		r := rules(16, "acme/desk")
		began := time.Now()
		for range 1000 {
			arrives(t, q, "acme/desk")
			delivers.Changed()
			works(t, delivers, 16, func() *queue.Rules { return r }, time.Now().Add(20*time.Millisecond))
		}
		// It is found out once in a while that the mails are gone.
		if took := time.Since(began); took > 100*time.Second {
			t.Errorf("1000 mails took %s", took)
		}
	})
}

// TestBackpressureForgetsFailures has the store refuse mails, which do not count then.
func TestBackpressureForgetsFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := open(t)
		q := queue.New(refusing{f.store}, f.bodies, queue.Config{Owner: "other", MaxBacklog: 5, Logger: f.log})
		began := time.Now()
		for range 20 {
			if err := q.Enqueue(t.Context(), store.NewMessage{ID: mail.NewMessageID(began), Deliveries: []store.NewDelivery{{Endpoint: desk}}}); !errors.Is(err, errBroken) {
				t.Fatalf("Enqueue = %v", err)
			}
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("mails that were refused took %s", took)
		}
	})
}

// refusing is a store that takes no mail.
type refusing struct{ store.Store }

func (refusing) Enqueue(context.Context, []store.NewMessage) error { return errBroken }

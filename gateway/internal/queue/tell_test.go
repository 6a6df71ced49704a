package queue_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/queue"
	"github.com/postern-mail/postern/gateway/internal/store"
)

var sales = store.About{Tenant: "acme", Class: "account", Name: "sales"}

// event is a message of an event for desk.
func event() store.NewMessage {
	now := time.Now()
	return store.MessageOf(mail.NewMessageID(now), now, store.Event{Name: "connectError", About: sales}, desk, "refused", []byte(`{}`),
		store.Retention{ExpiresAt: now.Add(time.Hour)})
}

// wakes reports whether the queue says that there is something to claim.
func wakes(q *queue.Queue) bool {
	select {
	case <-q.Wake():
		return true
	default:
		return false
	}
}

// TestEventsAreDueAtOnce has events told in all ways while the queue knows of no work, and is not
// to ask for any for a while.
func TestEventsAreDueAtOnce(t *testing.T) {
	t.Parallel()
	for name, tell := range map[string]func(t *testing.T, f fixture, m store.NewMessage) error{
		"Enqueue": func(t *testing.T, f fixture, m store.NewMessage) error { return f.Enqueue(t.Context(), m) },
		"Tell": func(t *testing.T, f fixture, m store.NewMessage) error {
			return f.Sources(f.store).Tell(t.Context(), store.Episode{About: sales, Kind: "connection", OpenedAt: time.Now()}, []store.NewMessage{m})
		},
		"Disable": func(t *testing.T, f fixture, m store.NewMessage) error {
			return f.Sources(f.store).Disable(t.Context(), store.Switch{Account: "sales", Since: time.Now()}, []store.NewMessage{m})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := open(t)
				if _, ok := claimOne(t, f); ok {
					t.Fatal("there is something in an empty queue")
				}
				wakes(f.Queue)
				m := event()
				if err := tell(t, f, m); err != nil {
					t.Fatal(err)
				}
				if !wakes(f.Queue) {
					t.Error("nobody was woken")
				}
				job, ok := claimOne(t, f)
				if !ok || job.ID != m.ID.Delivery(1) || job.Event != m.Event || job.DocumentSize == 0 {
					t.Fatalf("job = %+v, %v", job, ok)
				}
				if _, _, err := f.Finish(t.Context(), job, queue.Outcome{State: mail.Delivered, Attempt: &mail.Attempt{Number: 1, At: time.Now(), Code: 200}}); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

// TestEventsByTheSchedule has a schedule that waits before the first attempt.
func TestEventsByTheSchedule(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := open(t, time.Minute)
		if err := f.Sources(f.store).Tell(t.Context(), store.Episode{About: sales, Kind: "connection"}, []store.NewMessage{event()}); err != nil {
			t.Fatal(err)
		}
		if job, ok := claimOne(t, f); ok {
			t.Errorf("%+v was claimed at once", job)
		}
		time.Sleep(time.Minute)
		if _, ok := claimOne(t, f); !ok {
			t.Error("nothing was claimed when it was due")
		}
	})
}

// TestEventsDoNotWait has events come while mails wait for a backlog; and events that were not
// told, since another had been quicker, are no part of that.
func TestEventsDoNotWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := open(t)
		q := queue.New(f.store, f.bodies, queue.Config{Owner: "other", MaxBacklog: 10, Logger: f.log})
		moved := store.Episode{About: sales, Kind: "connection", Version: 99}
		for range 50 {
			if err := q.Sources(f.store).Tell(t.Context(), moved, []store.NewMessage{event()}); !errors.Is(err, store.ErrMoved) {
				t.Fatal(err)
			}
		}
		s := sender{t, q, make(chan time.Duration, 1000)}
		for range 20 {
			go s.send("acme/desk")
		}
		if n := s.accepted(); n != 10 {
			t.Errorf("%d mails were accepted, want 10", n)
		}
		began := time.Now()
		for range 20 {
			if err := q.Enqueue(t.Context(), event()); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("20 events waited for %s", took)
		}
		if n := s.accepted(); n != 0 {
			t.Errorf("%d mails were accepted for the events", n)
		}
		time.Sleep(time.Minute) // the senders have lost their patience
		s.accepted()
	})
}

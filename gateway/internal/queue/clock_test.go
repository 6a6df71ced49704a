package queue_test

import (
	"bytes"
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/queue"
)

// TestClockLeaps has the clock leap ahead while the queue runs. Nothing is deleted where it is set
// right within the hour, and what has expired is where it stays.
func TestClockLeaps(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		leap    time.Duration
		back    bool
		tells   bool
		deleted int
	}{
		"and is set right": {leap: 31 * 24 * time.Hour, back: true, tells: true},
		"and stays":        {leap: 31 * 24 * time.Hour, tells: true, deleted: 1},
		"by some hours":    {leap: 23 * time.Hour},
		"not":              {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := open(t)
				var log bytes.Buffer
				f.Queue = queue.New(f.store, f.bodies, queue.Config{Owner: "this", Logger: hclog.New(&hclog.LoggerOptions{Output: &log, DisableTime: true})})
				var ahead atomic.Int64
				f.Leap(func() time.Duration { return time.Duration(ahead.Load()) })
				id := enqueue(t, f, 30*24*time.Hour)
				ctx, stop := context.WithCancel(t.Context())
				stopped := make(chan struct{})
				go func() {
					defer close(stopped)
					f.Run(ctx)
				}()
				time.Sleep(90 * time.Second)
				ahead.Store(int64(tc.leap))
				time.Sleep(time.Hour)
				if d := delivery(t, f, id); d.State != mail.Queued || len(f.bodies.deleted()) > 0 {
					t.Errorf("within the hour: %s, deleted %v", d.State, f.bodies.deleted())
				}
				if tc.back {
					ahead.Store(0)
				}
				time.Sleep(time.Hour)
				if n := len(f.bodies.deleted()); n != tc.deleted {
					t.Errorf("%d bodies were deleted, want %d", n, tc.deleted)
				}
				stop()
				<-stopped // it writes the log until then
				if told := strings.Count(log.String(), "[ERROR] queue: the clock has leapt ahead"); (told == 1) != tc.tells || told > 1 {
					t.Errorf("log = %s", log.String())
				}
			})
		})
	}
}

package queue

import (
	"context"
	"time"

	"github.com/postern-mail/postern/gateway/internal/store"
)

const (
	// maxLeap is how far the clock may go ahead of what is known before it is doubted, and grace
	// how long nothing is deleted by it then.
	maxLeap = 24 * time.Hour
	grace   = time.Hour
)

// clock looks whether the time can be right: what is deleted by one that is far ahead does not
// come back. All else that it makes of deliveries, an operator can undo.
type clock struct {
	now func() time.Time
	// began is when the process did, by which it is known for how long it has run.
	began time.Time
	// wall is what the clock said when it was looked at last, and ran for how long the process
	// had run then.
	wall time.Time
	ran  time.Duration
	// doubted is up to when the clock is, by ran.
	doubted time.Duration
}

// trusted returns the time, and whether things may be deleted by it. For an hour they may not where the
// clock has gone ahead by more than a day beside the time that has passed or, at the start, since
// the newest delivery in the log.
func (q *Queue) trusted(ctx context.Context) (now time.Time, sure bool) {
	c := &q.clock
	now, ran := c.now().Round(0), time.Since(c.began)
	first := c.wall.IsZero()
	if first {
		newest, err := q.store.List(ctx, store.Filter{Limit: 1})
		if err != nil {
			if ctx.Err() == nil {
				q.log.Error("the end of retention could not be applied", "error", err)
			}
			return now, false
		}
		c.wall, c.ran = now, ran
		if len(newest) > 0 {
			c.wall = newest[0].ReceivedAt
		}
	}
	leap := now.Sub(c.wall) - (ran - c.ran)
	if leap > maxLeap {
		c.doubted = ran + grace
		told := []any{"ahead", leap.Round(time.Second), "clock", now.UTC().Format(time.RFC3339), "not_before", now.Add(grace).UTC().Format(time.RFC3339)}
		if first {
			q.log.Warn("no mail has come for long, or the clock is ahead: nothing is deleted for an hour; if the clock is wrong, set it right before", told...)
		} else {
			q.log.Error("the clock has leapt ahead: nothing is deleted for an hour; if it is wrong, set it right before, or stop the gateway", told...)
		}
	}
	c.wall, c.ran = now, ran
	return now, ran >= c.doubted
}

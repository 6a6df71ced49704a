package queue

import "time"

// Leap has the clock be ahead by what ahead says. To be called before Run.
func (q *Queue) Leap(ahead func() time.Duration) {
	q.clock.now = func() time.Time { return time.Now().Add(ahead()) }
}

package admin

import (
	"context"
	"time"

	"github.com/postern-mail/postern/gateway/internal/store"
)

const (
	// searchStep is how many messages are looked at by one question to the store.
	searchStep = 20_000
	// searchFor is how long a request searches before it says how far it has come.
	searchFor = time.Second
)

// found is the next of what a filter selects.
type found struct {
	rows []store.Delivery
	// next is the Before of those that follow; 0 where there are none.
	next int64
	// back is how far back the log was searched, where there was not the time to fill the page.
	back time.Time
}

// find returns up to as many deliveries as a filter's Limit says. What no index is in the order of
// is looked for step by step, and not for longer than searchFor: an index for each of it would
// cost every mail that comes, and a log of millions cannot be read to its end in one question.
func (s *Server) find(ctx context.Context, f store.Filter) (found, error) {
	var out found
	limit, began := f.Limit, time.Now()
	for searches := f.Searches(); ; f.Before = f.After {
		var reached time.Time
		if searches {
			var err error
			if f.After, reached, err = s.store.Reach(ctx, f.Before, s.cfg.SearchStep); err != nil {
				return found{}, err
			}
		}
		f.Limit = limit - len(out.rows) + 1 // one more shows whether there is another page
		rows, err := s.store.List(ctx, f)
		if err != nil {
			return found{}, err
		}
		out.rows = append(out.rows, rows...)
		switch {
		case len(out.rows) > limit:
			out.rows = out.rows[:limit]
			out.next = out.rows[limit-1].Seq
			return out, nil
		case f.After == 0, !f.Since.IsZero() && reached.Before(f.Since.Add(-store.LongestReception)):
			return out, nil
		case time.Since(began) >= s.cfg.SearchFor:
			out.next, out.back = f.After, reached
			return out, nil
		}
	}
}

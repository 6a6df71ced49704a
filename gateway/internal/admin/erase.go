package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// discarded is the step and the reason of deliveries that were discarded.
const discarded = "deleted from quarantine"

// erase removes a message with all that is known of it, and its body. The result says why
// it was not done.
func (s *Server) erase(ctx context.Context, id mail.MessageID) (ActResult, error) {
	result := ActResult{ID: string(id)}
	ref, err := s.store.Delete(ctx, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		result.Reason = notThere
		return result, nil
	case errors.Is(err, store.ErrInFlight):
		result.Reason = underWay
		return result, nil
	case err != nil:
		return result, err
	}
	result.Done, result.Erased = true, true
	if ref == "" {
		return result, nil
	}
	// Nothing refers to the body any more, so a client that goes away does not keep it.
	if err := s.bodies.Delete(context.WithoutCancel(ctx), ref); err != nil {
		return result, fmt.Errorf("message %s is erased, but its body could not be deleted, which a sweep does later: %w", id, err)
	}
	return result, nil
}

func (s *Server) eraseNamed(ctx context.Context, ids []string) ([]ActResult, error) {
	results := []ActResult{}
	for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
		result, err := s.erase(ctx, mail.MessageID(id)) // it was checked before
		results = append(results, result)
		if err != nil {
			return results, err
		}
	}
	return results, nil
}

// eraseSelected erases the messages of which all deliveries are selected: a message goes
// as a whole, and one delivery may be another tenant's.
func (s *Server) eraseSelected(ctx context.Context, f store.Filter) (ActAnswer, error) {
	answer := ActAnswer{Results: []ActResult{}}
	found, err := s.find(ctx, f)
	if err != nil {
		return answer, err
	}
	rows, next := found.rows, found.next
	for i, row := range rows {
		id, _ := row.ID.Split()
		if i > 0 {
			if before, _ := rows[i-1].ID.Split(); before == id {
				continue
			}
		}
		result, first, err := s.eraseIfWhole(ctx, id, f)
		answer.Results = append(answer.Results, result)
		if err != nil {
			return answer, err
		}
		if first != 0 && next != 0 {
			next = min(next, first) // the message's other deliveries need no second look
		}
	}
	answer.Next = newCursor(next)
	return answer, nil
}

// eraseIfWhole erases a message all of whose deliveries a filter selects. It returns the
// Seq of the first of these.
func (s *Server) eraseIfWhole(ctx context.Context, id mail.MessageID, f store.Filter) (ActResult, int64, error) {
	result := ActResult{ID: string(id)}
	m, err := s.store.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && len(m.Deliveries) == 0 {
		result.Reason = notThere
		return result, 0, nil
	}
	if err != nil {
		return result, 0, err
	}
	all := len(m.Deliveries)
	first := m.Deliveries[0].Seq
	f.Before, f.After, f.Limit = m.Deliveries[all-1].Seq+1, first-1, all
	rows, err := s.store.List(ctx, f)
	if err != nil {
		return result, first, err
	}
	if len(rows) < all {
		result.Reason = "it has deliveries that are not selected, and a message goes as a whole; name it by its id"
		return result, first, nil
	}
	result, err = s.erase(ctx, id)
	return result, first, err
}

// eraseDiscarded erases the messages of deliveries that were discarded where all others
// were discarded, too, and notes it in their results.
func (s *Server) eraseDiscarded(ctx context.Context, results []ActResult) error {
	erased := make(map[mail.MessageID]bool)
	for _, r := range results {
		id, _ := mail.DeliveryID(r.ID).Split()
		if _, seen := erased[id]; seen || !r.Done {
			continue
		}
		m, err := s.store.Get(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		erased[id] = false
		if slices.ContainsFunc(m.Deliveries, func(d store.DeliveryHistory) bool { return d.State != mail.Dropped || d.Reason != discarded }) {
			continue
		}
		result, err := s.erase(ctx, id)
		if err != nil {
			return err
		}
		erased[id] = result.Done
	}
	for i, r := range results {
		id, _ := mail.DeliveryID(r.ID).Split()
		results[i].Erased = r.Done && erased[id]
	}
	return nil
}

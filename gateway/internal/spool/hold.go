package spool

import (
	"errors"
	"sync"
)

// maxHeld is how many deletions wait for the end of a backup.
const maxHeld = 1 << 17

// errHeld is of a deletion that was one too many.
var errHeld = errors.New("a backup is under way and holds too many deletions back; the body stays until it is swept")

// holds keeps deletions back while somebody copies what is to be deleted.
type holds struct {
	// running is held for reading while a deletion is made.
	running sync.RWMutex
	holders int

	mu      sync.Mutex
	waiting []func() error
}

// delete makes a deletion, or keeps it for later.
func (h *holds) delete(do func() error) error {
	h.running.RLock()
	defer h.running.RUnlock()
	if h.holders == 0 {
		return do()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.waiting) == maxHeld {
		return errHeld
	}
	h.waiting = append(h.waiting, do)
	return nil
}

// hold keeps deletions back until release is called. The last of several releases makes
// them.
func (h *holds) hold() (release func() error) {
	h.running.Lock()
	defer h.running.Unlock()
	h.holders++
	return sync.OnceValue(func() error {
		h.running.Lock()
		h.holders--
		var waiting []func() error
		if h.holders == 0 {
			waiting, h.waiting = h.waiting, nil
		}
		h.running.Unlock()
		var errs []error
		for _, do := range waiting {
			if err := h.delete(do); err != nil {
				errs = append(errs, err)
			}
		}
		return errors.Join(errs...)
	})
}

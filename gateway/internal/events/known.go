package events

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/postern-mail/postern/gateway/internal/store"
)

// maxLately is how many successes are remembered at most; those beyond count for nothing
// where another process has opened an episode.
const maxLately = 10_000

// known is what this process knows of the open episodes. The store has the last word.
type known struct {
	count atomic.Int64 // of open

	mu   sync.Mutex
	open map[key]*entry
	// lately are the accounts that have connected, with nothing known that had failed, since the
	// last refresh but one. An episode that another process had opened before is over.
	lately    map[store.About]time.Time
	refreshed time.Time
	changes   uint64 // counts those of open
}

// entry is an episode that is open.
type entry struct {
	episode store.Episode
	// failed is when it has failed last, as far as is known, and well whether it has worked since.
	failed time.Time
	well   bool
	// written is when this process has last written it; zero where it never has.
	written time.Time
	// unsure is true where it is not known what the store has.
	unsure bool
	change uint64
}

func newKnown() known {
	return known{open: make(map[key]*entry), lately: make(map[store.About]time.Time)}
}

// none reports whether nothing is known to fail.
func (n *known) none() bool { return n.count.Load() == 0 }

// set puts an entry in. The lock is held.
func (n *known) set(k key, e *entry) {
	n.changes++
	e.change = n.changes
	n.open[k] = e
	n.count.Store(int64(len(n.open)))
}

// drop takes an entry out. The lock is held.
func (n *known) drop(k key) {
	delete(n.open, k)
	n.count.Store(int64(len(n.open)))
}

// failed notes a failure. It reports whether that is all that is to be done: the episode is open, the
// cause is no news in it, and the store was told lately that it goes on. A mail account does not fail
// so often that the store could not be asked.
func (n *known) failed(k key, c cause, now time.Time) (enough bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.lately, k.about)
	e := n.open[k]
	if e == nil {
		return false
	}
	e.failed, e.well = now, false
	return k.settles() && now.Sub(e.written) < refreshTime && !c.isNew(e.episode.Reported)
}

// succeeded notes a success, and reports whether the episode is to end now.
func (n *known) succeeded(k key, now time.Time) (over bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	e := n.open[k]
	if e != nil {
		e.well = true
		return e.settled(k, now)
	}
	if !k.settles() && len(n.lately) < maxLately {
		n.lately[k.about] = now
	}
	return false
}

// settled reports whether something works for long enough.
func (e *entry) settled(k key, now time.Time) bool {
	return e.well && (!k.settles() || now.Sub(e.failed) >= settleTime)
}

// put notes an episode as the store has it, after a failure.
func (n *known) put(k key, e store.Episode, now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.set(k, &entry{episode: e, failed: now, written: now})
}

// doubt notes an episode of which the store has this or what it was before.
func (n *known) doubt(k key, e store.Episode, now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.set(k, &entry{episode: e, failed: now, unsure: true})
}

// forget notes that an episode is not open.
func (n *known) forget(k key) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.drop(k)
}

// moved reports whether an episode that is to end has been changed by another process, which
// has seen it fail then. What has no time to settle is over all the same.
func (n *known) moved(k key, is store.Episode, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	e := n.open[k]
	if !k.settles() || e == nil || e.unsure || e.episode.Version == is.Version {
		return false
	}
	n.set(k, &entry{episode: is, failed: now})
	return true
}

// mark is to be taken before the store is read for replace.
func (n *known) mark() uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.changes
}

// replace takes over what the store has, but for what has changed here since the mark.
func (n *known) replace(list []store.Episode, mark uint64, now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	listed := make(map[key]bool)
	for _, is := range list {
		k := key{is.About, is.Kind}
		listed[k] = true
		e := n.open[k]
		switch {
		case e == nil:
			// When it has failed last, its own process knows.
			success, ok := n.lately[k.about]
			n.set(k, &entry{episode: is, failed: now, well: ok && !k.settles() && success.After(is.OpenedAt)})
		case e.change > mark:
		case e.episode.Version != is.Version || e.unsure:
			n.set(k, &entry{episode: is, failed: now, well: e.unsure && e.well}) // others write it where it fails
		}
	}
	for k, e := range n.open {
		if !listed[k] && e.change <= mark {
			n.drop(k)
		}
	}
	for about, at := range n.lately {
		if at.Before(n.refreshed) {
			delete(n.lately, about)
		}
	}
	n.refreshed = now
}

// recovered lists the episodes that are over.
func (n *known) recovered(now time.Time) []key {
	n.mu.Lock()
	defer n.mu.Unlock()
	var list []key
	for k, e := range n.open {
		if e.settled(k, now) {
			list = append(list, k)
		}
	}
	return list
}

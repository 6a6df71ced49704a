package imap

import (
	"math/rand/v2"
	"time"
)

const (
	firstWait   = 2 * time.Second
	longestWait = 10 * time.Minute
	// steady is how long a connection lives that is taken to work: one that was accepted and dropped
	// is not to be tried again at once.
	steady = 5 * time.Minute
	// spread is how much of a wait is by chance, to both sides: accounts of a server that went away
	// do not come back at the same time.
	spread = 4
)

// backoff says how long to wait before the next attempt. The zero value begins anew.
type backoff struct{ attempts int }

// next is the wait after one more failure: it doubles, from 2 seconds to 10 minutes, each by a
// quarter more or less.
func (b *backoff) next() time.Duration {
	// What may be a quarter longer ends where that is the longest.
	longest := longestWait * spread / (spread + 1)
	wait := longest
	if b.attempts < 30 {
		wait = min(firstWait<<b.attempts, longest)
		b.attempts++
	}
	wait += time.Duration(rand.Int64N(int64(wait/spread)*2+1)) - wait/spread //nolint:gosec // chance, not a secret
	return max(firstWait, wait)
}

// lived resets it where a connection has lived for long enough.
func (b *backoff) lived(d time.Duration) {
	if d >= steady {
		b.attempts = 0
	}
}

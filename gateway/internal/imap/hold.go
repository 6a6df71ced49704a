package imap

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

const (
	// lease is how long a hold lasts that is not renewed, and renewal how often it is.
	lease   = 60 * time.Second
	renewal = 20 * time.Second
	// standby is how long an account waits that another process runs, and looks again.
	standby = 30 * time.Second
	// margin is how long before its end a hold counts as lost: what is under way has to stop.
	margin = 5 * time.Second
	// renewing is how many holds are renewed at the same time.
	renewing = 16
)

// errLost is why an account stops whose hold could not be renewed.
var errLost = errors.New("another process may run the account now")

// Holds says which of several processes runs an account.
type Holds interface {
	Hold(ctx context.Context, name, owner string, now, until time.Time) (bool, error)
	LetGo(ctx context.Context, name, owner string) error
}

// keeper renews the holds of all accounts. A hold that is not renewed in time, for whatever reason, ends by its own timer.
type keeper struct {
	holds Holds
	owner string
	log   hclog.Logger

	mu   sync.Mutex
	held map[string]*held
}

type held struct {
	expiry *time.Timer // loses it, margin before it ends
	lose   context.CancelCauseFunc
}

// take takes a hold; the context that it returns ends when that may be lost. It is nil where another
// process has it.
func (k *keeper) take(ctx context.Context, name string) (context.Context, func(), error) {
	now := time.Now()
	ok, err := k.holds.Hold(ctx, name, k.owner, now, now.Add(lease))
	if err != nil || !ok {
		return nil, nil, err
	}
	ctx, lose := context.WithCancelCause(ctx)
	expiry := time.AfterFunc(time.Until(now.Add(lease-margin)), func() {
		k.log.Warn("an account is let go, since its lease was not renewed in time", "name", name)
		lose(errLost)
	})
	k.mu.Lock()
	k.held[name] = &held{expiry: expiry, lose: lose}
	k.mu.Unlock()
	return ctx, func() {
		expiry.Stop()
		lose(nil)
		k.mu.Lock()
		delete(k.held, name)
		k.mu.Unlock()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), margin)
		defer cancel()
		if err := k.holds.LetGo(ctx, name, k.owner); err != nil {
			k.log.Warn("an account is not given back: others wait until its lease ends", "name", name, "error", err)
		}
	}, nil
}

// run renews the holds until the context ends.
func (k *keeper) run(ctx context.Context) {
	for sleep(ctx, renewal) == nil {
		k.mu.Lock()
		names := make([]string, 0, len(k.held))
		for name := range k.held {
			names = append(names, name)
		}
		k.mu.Unlock()
		var renewals sync.WaitGroup
		places := make(chan struct{}, renewing)
		for _, name := range names {
			places <- struct{}{}
			renewals.Go(func() {
				defer func() { <-places }()
				k.renew(ctx, name)
			})
		}
		renewals.Wait()
	}
}

// renew renews one hold. What another process has, is lost at once; what cannot be renewed now has its time still.
func (k *keeper) renew(ctx context.Context, name string) {
	within, cancel := context.WithTimeout(ctx, margin)
	defer cancel()
	now := time.Now()
	ok, err := k.holds.Hold(within, name, k.owner, now, now.Add(lease))
	k.mu.Lock()
	defer k.mu.Unlock()
	h := k.held[name]
	switch {
	case h == nil: // it was given back meanwhile, or will be
	case ok:
		if h.expiry.Stop() { // what is lost already stays so
			h.expiry.Reset(time.Until(now.Add(lease - margin)))
		}
	case err == nil:
		k.log.Warn("an account is let go, since another process has it now", "name", name)
		h.lose(errLost)
	case ctx.Err() == nil:
		k.log.Warn("a lease could not be renewed; it is tried again", "name", name, "error", err)
	}
}

package scan

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/sony/gobreaker/v2"
)

// The defaults of Limits that both scanners have.
const (
	defaultFailures = 5
	defaultOpenFor  = 30 * time.Second
)

// Limits bound what is asked of a scanner. A zero means the default.
type Limits struct {
	// MaxSize is the most octets that the scanner is given; what is larger is
	// TooLarge. By default 50 MiB for rspamd and 100 MiB for ClamAV, as theirs. Above
	// rspamd's own (max_message) it must not be: rspamd hangs up without a word then,
	// which looks like a failure.
	MaxSize int64
	// Timeout bounds one scan, by default 30 s for rspamd, 60 s for ClamAV. For its
	// turn a scan waits as long again at most. A caller's context that ends earlier
	// hides a slow scanner from the breaker.
	Timeout time.Duration
	// MaxScans may be under way at the same time, by default 64 for rspamd, which
	// mostly waits for DNS, and 8 for ClamAV, which computes.
	MaxScans int
	// Failures in a row open the breaker, by default 5; it stays open for OpenFor, by
	// default 30 s.
	Failures int
	OpenFor  time.Duration
}

// withDefaults fills in what is 0.
func (l Limits) withDefaults(maxSize int64, timeout time.Duration, scans int) Limits {
	if l.MaxSize <= 0 {
		l.MaxSize = maxSize
	}
	if l.Timeout <= 0 {
		l.Timeout = timeout
	}
	if l.MaxScans <= 0 {
		l.MaxScans = scans
	}
	if l.Failures <= 0 {
		l.Failures = defaultFailures
	}
	if l.OpenFor <= 0 {
		l.OpenFor = defaultOpenFor
	}
	return l
}

// gate stands before a scanner: it bounds the scans under way and their time, and
// closes when the scanner fails again and again.
type gate struct {
	engine, address string
	timeout         time.Duration
	slots           chan struct{}
	breaker         *gobreaker.CircuitBreaker[struct{}]
	health          Health
	tripped         atomic.Pointer[Error] // why the breaker has opened, until it is told
}

// Health is told how a scanner does: by an error each time that the breaker opens, and by nil each time that
// the scanner has answered. It may take its time: a mail waits for it. The error says the same as long as what
// fails is the same.
type Health func(err error)

func newGate(engine, address string, l Limits, health Health, log hclog.Logger) *gate {
	if health == nil {
		health = func(error) {}
	}
	// Both functions are called under the breaker's lock, the first before the
	// second, so that the line of the log can say what the last failure was.
	var last error
	g := &gate{engine: engine, address: address, timeout: l.Timeout, slots: make(chan struct{}, l.MaxScans), health: health}
	g.breaker = gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
		MaxRequests: 1,
		Timeout:     l.OpenFor,
		ReadyToTrip: func(c gobreaker.Counts) bool { return uint64(c.ConsecutiveFailures) >= uint64(l.Failures) },
		IsExcluded: func(err error) bool {
			return err != nil && (errors.Is(err, errTooLarge) || reasonOf(err).saysNothing())
		},
		IsSuccessful: func(err error) bool {
			last = err
			return err == nil || !reasonOf(err).scannersFault()
		},
		OnStateChange: func(_ string, from, to gobreaker.State) {
			args := []any{"engine", engine, "address", address, "from", from.String(), "to", to.String()}
			switch to {
			case gobreaker.StateOpen:
				log.Warn("scanner fails and is left alone", append(args, "for", l.OpenFor, "error", last)...)
				reason := reasonOf(last)
				g.tripped.Store(g.fail(reason, errors.New(reason.text())))
			case gobreaker.StateHalfOpen:
				log.Info("scanner is tried again", args...)
			default:
				log.Info("scanner answers again", args...)
			}
		},
	})
	return g
}

// fail makes the error of a scan.
func (g *gate) fail(reason Reason, err error) *Error {
	return &Error{Engine: g.engine, Address: g.address, Reason: reason, Err: err}
}

// run makes one scan. Its error is an *Error or errTooLarge.
func (g *gate) run(caller context.Context, scan func(context.Context) error) error {
	_, err := g.breaker.Execute(func() (struct{}, error) {
		if err := g.enter(caller); err != nil {
			return struct{}{}, err
		}
		defer func() { <-g.slots }()
		if g.breaker.State() == gobreaker.StateOpen { // since it has waited for its turn
			return struct{}{}, g.fail(Unavailable, ErrUnavailable)
		}
		return struct{}{}, g.within(caller, scan)
	})
	g.tell(err)
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		return g.fail(Unavailable, ErrUnavailable)
	}
	return err
}

// tell tells what a scan has to say of the scanner. The breaker's lock is not held, as it is where it opens.
func (g *gate) tell(err error) {
	switch why := g.tripped.Swap(nil); {
	case why != nil:
		g.health(why)
	case err == nil || errors.As(err, new(*Error)) && reasonOf(err) == Refused:
		g.health(nil)
	}
}

// within gives ask the time that a scan has. What fails when the caller has given up
// is the caller's doing.
func (g *gate) within(caller context.Context, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(caller, g.timeout)
	defer cancel()
	err := ask(ctx)
	if err != nil && caller.Err() != nil {
		return g.fail(Canceled, context.Cause(caller))
	}
	return err
}

// enter waits for a slot.
func (g *gate) enter(caller context.Context) error {
	if caller.Err() != nil {
		return g.fail(Canceled, context.Cause(caller))
	}
	patience := time.NewTimer(g.timeout)
	defer patience.Stop()
	select {
	case g.slots <- struct{}{}:
		return nil
	case <-caller.Done():
		return g.fail(Canceled, context.Cause(caller))
	case <-patience.C:
		return g.fail(Busy, fmt.Errorf("%d scans were under way for %s; allow more of them, or give the scanner more processors", cap(g.slots), g.timeout))
	}
}

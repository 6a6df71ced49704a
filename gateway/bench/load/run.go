package load

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// sampling is how often it is looked how far the receiver is behind.
	sampling = 5 * time.Millisecond
	// silence is how long nothing may come while there is something to come.
	silence = 30 * time.Second
	// recipients is how many different ones there are.
	recipients = 200
)

// Plan is one run.
type Plan struct {
	Address     string // of the SMTP server
	Sink        *Sink
	Mail        []byte
	Connections int
	// Duration is how long new mails are begun; Mails ends that sooner, where it is not
	// 0.
	Duration time.Duration
	Mails    int
}

// Result is what came of a run.
type Result struct {
	Accepted int // mails that the server said 250 to
	Twice    int // webhooks that came again
	// Rate is mails per second, from the first connection until the last webhook had
	// come, and AcceptRate until the last 250.
	Rate, AcceptRate float64
	// P50 and P99 are how long 250 was waited for, from the end of the mail.
	P50, P99 time.Duration
	// Behind is by how many mails the webhooks were behind the 250s, at most.
	Behind int
}

// run is a Plan under way.
type run struct {
	Plan
	letter   letter
	tag      string
	began    time.Time
	end      time.Time
	next     atomic.Int64
	accepted atomic.Int64
	lastTook atomic.Int64 // when the last 250 came, in nanoseconds since began

	mu    sync.Mutex
	waits []time.Duration
}

// Run sends mails and waits until a webhook has come of each that was accepted. That one
// does not come, or that a mail is refused, is an error.
func Run(ctx context.Context, p Plan) (Result, error) {
	began := time.Now()
	r := &run{Plan: p, letter: newLetter(p.Mail), tag: fmt.Sprintf("run%xid", began.UnixNano()), began: began, end: began.Add(p.Duration)}
	came := p.Sink.expect(r.tag)
	behind, stop := r.watch(came)
	errs := make([]error, p.Connections)
	var wg sync.WaitGroup
	for i := range p.Connections {
		wg.Go(func() { errs[i] = r.send(ctx) })
	}
	wg.Wait()
	err := firstOf(errs)
	if err == nil {
		err = r.drain(ctx, came)
	}
	stop()
	if err != nil {
		return Result{}, err
	}
	total := time.Unix(0, came.last.Load()).Sub(began)
	accepted := int(r.accepted.Load())
	slices.Sort(r.waits)
	return Result{
		Accepted: accepted, Twice: int(came.twice.Load()), Behind: int(behind.Load()),
		Rate: float64(accepted) / total.Seconds(), AcceptRate: float64(accepted) / time.Duration(r.lastTook.Load()).Seconds(),
		P50: Percentile(r.waits, 50), P99: Percentile(r.waits, 99),
	}, nil
}

// firstOf returns one error of many, which are all alike mostly.
func firstOf(errs []error) error {
	failed := slices.DeleteFunc(slices.Clone(errs), func(err error) bool { return err == nil })
	if len(failed) == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d connections failed, one of them: %w", len(failed), len(errs), failed[0])
}

// Percentile is the smallest of sorted values that so many of a hundred are not above;
// 0 of none.
func Percentile[T ~int64 | ~float64](sorted []T, p int) T {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)*p/100, len(sorted)-1)]
}

// watch looks how far the webhooks are behind, until stop is called.
func (r *run) watch(came *arrivals) (most *atomic.Int64, stop func()) {
	most = new(atomic.Int64)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(sampling)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				most.Store(max(most.Load(), r.accepted.Load()-came.unique.Load()))
			}
		}
	}()
	return most, func() { close(done); <-ended }
}

// send sends mail by one connection.
func (r *run) send(ctx context.Context) error {
	c, err := dial(ctx, r.Address)
	if err != nil {
		return err
	}
	var waits []time.Duration
	for ctx.Err() == nil && time.Now().Before(r.end) {
		id := r.next.Add(1) - 1
		if id >= maxMails || r.Mails > 0 && id >= int64(r.Mails) {
			break
		}
		wait, err := r.sendOne(c, id)
		if err != nil {
			return errors.Join(fmt.Errorf("mail %d: %w", id, err), c.Close())
		}
		waits = append(waits, wait)
	}
	r.mu.Lock()
	r.waits = append(r.waits, waits...)
	r.mu.Unlock()
	return errors.Join(ctx.Err(), c.quit())
}

func (r *run) sendOne(c *connection, id int64) (time.Duration, error) {
	if err := c.begin(fmt.Sprintf("user%d@bench.test", id%recipients)); err != nil {
		return 0, err
	}
	if err := c.write(r.letter, fmt.Sprintf("%s%0*d", r.tag, idDigits, id)); err != nil {
		return 0, err
	}
	sent := time.Now()
	if err := c.reply('2'); err != nil {
		return 0, err
	}
	r.accepted.Add(1)
	r.lastTook.Store(int64(time.Since(r.began))) // that two of them swap their order is of no account
	return time.Since(sent), nil
}

// drain waits for the webhooks that have still to come.
func (r *run) drain(ctx context.Context, came *arrivals) error {
	tick := time.NewTicker(sampling)
	defer tick.Stop()
	var had int64
	since := time.Now()
	for {
		n := came.unique.Load()
		switch {
		case n >= r.accepted.Load():
			return nil
		case n > had:
			had, since = n, time.Now()
		case time.Since(since) > silence:
			return fmt.Errorf("%d of %d mails that were accepted did not come within %s of each other", r.accepted.Load()-n, r.accepted.Load(), silence)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/postern-mail/postern/gateway/bench/load"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// listed is how many rows of the log are asked for.
const listed = 50

// log measures a store with many rows: how long a page of the log takes, and what mails cost
// where a million wait, beside what they cost where none does. The one in a hundred that has
// failed is what is listed.
func (b *bench) log(ctx context.Context) (err error) {
	emptyDir, removeEmpty, err := b.folder()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, removeEmpty()) }()
	fullDir, removeFull, err := b.folder()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, removeFull()) }()
	empty, err := open(ctx, emptyDir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, empty.close()) }()
	full, err := open(ctx, fullDir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, full.close()) }()
	began := time.Now()
	if err := fill(ctx, full, b.rows); err != nil {
		return err
	}
	b.row(fmt.Sprintf("%d rows were enqueued in %s", b.rows, time.Since(began).Round(time.Second)))
	if err := b.pages(ctx, full); err != nil {
		return err
	}
	return b.costs(ctx, empty, full)
}

// pages measures the log, alone and beside enqueues.
func (b *bench) pages(ctx context.Context, full opened) error {
	alone, err := listFor(ctx, full, b.time)
	if err != nil {
		return err
	}
	octets := load.Plain(4 << 10)
	var wg sync.WaitGroup
	var enqueueErr error
	wg.Go(func() {
		_, enqueueErr = throughput(ctx, producers, 2*b.time, func(ctx context.Context, n int) error { return full.put(ctx, n, octets) })
	})
	beside, err := listFor(ctx, full, b.time)
	wg.Wait()
	if err := errors.Join(err, enqueueErr); err != nil {
		return err
	}
	b.row("last 50 that failed, of a tenant", "p50 / p99")
	b.row("alone", quantiles(alone))
	b.row("beside 64 producers of 4 KiB", quantiles(beside))
	return b.out.Flush()
}

// listFor asks for pages for a while, and returns how long each took.
func listFor(ctx context.Context, o opened, d time.Duration) ([]time.Duration, error) {
	var took []time.Duration
	end := time.Now().Add(d)
	for n := 0; time.Now().Before(end); n++ {
		began := time.Now()
		page, err := o.List(ctx, store.Filter{Tenant: endpoint(n).Tenant, States: []mail.State{mail.Failed}, Limit: listed})
		if err != nil {
			return nil, err
		}
		took = append(took, time.Since(began))
		if len(page) == 0 {
			return nil, errors.New("the log is empty")
		}
	}
	return took, nil
}

// costs measures what a mail costs in two stores in turns: one that holds no other mail at
// the time, and one where all of those wait that it was filled with.
func (b *bench) costs(ctx context.Context, empty, full opened) error {
	octets := load.Plain(4 << 10)
	var enqueued, worked [2][]float64
	for range b.rounds {
		for i, o := range []opened{empty, full} {
			rate, err := throughput(ctx, producers, b.time, func(ctx context.Context, n int) error { return o.put(ctx, n, octets) })
			if err != nil {
				return err
			}
			enqueued[i] = append(enqueued[i], rate)
			// As many as were enqueued just now, so that the one store is empty again and the
			// other as full as before.
			if rate, err = drain(ctx, o, int(rate*b.time.Seconds()), time.Minute); err != nil {
				return err
			}
			worked[i] = append(worked[i], rate)
		}
	}
	b.row("a mail's cost", "with none waiting", fmt.Sprintf("with %d waiting", b.rows), "full to empty")
	for _, row := range []struct {
		name string
		rate [2][]float64
	}{{"enqueued/s, 64 producers, 4 KiB", enqueued}, {"claimed and finished/s", worked}} {
		b.row(row.name, fmt.Sprintf("%.0f", median(row.rate[0])), fmt.Sprintf("%.0f", median(row.rate[1])), spread(ratios(row.rate[1], row.rate[0])))
	}
	return nil
}

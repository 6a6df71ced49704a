package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/postern-mail/postern/gateway/bench/load"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

const (
	// finishers is how many deliveries are worked on at the same time: what the gateway
	// does where its configuration does not say otherwise.
	finishers = 64
	// perEndpoint is how many of them one endpoint takes, likewise.
	perEndpoint = 8
	// producers is how many mails are enqueued at the same time.
	producers = 64
	// bulk is how many messages are enqueued at once where a store is to be filled.
	bulk = 1000
)

// fill enqueues n messages without bodies, quickly. Every hundredth has failed, the others
// wait.
func fill(ctx context.Context, s store.Store, n int) error {
	at := time.Now().Add(-time.Hour)
	for first := 0; first < n; first += bulk {
		batch := make([]store.NewMessage, min(bulk, n-first))
		for i := range batch {
			k := first + i
			batch[i] = message(k, at.Add(time.Duration(k)*time.Millisecond), 4<<10, "")
			if k/tenants%100 == 0 {
				batch[i].Deliveries[0].State, batch[i].Deliveries[0].Reason = mail.Failed, "attempt 6 of 6 failed: status: 500 Internal Server Error"
			}
		}
		if err := s.Enqueue(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

// drain claims and finishes deliveries as the gateway's dispatcher does, but for the work
// itself: one claims what the free workers can take, each worker finishes one at a time. A
// delivery is finished as one that was delivered, with a document of about 5 KB. It ends
// after so many deliveries, or after d, and returns how many a second were finished.
func drain(ctx context.Context, s store.Store, most int, d time.Duration) (float64, error) {
	began := time.Now()
	jobs := make(chan store.Job, finishers)
	results := make(chan error, finishers)
	var wg sync.WaitGroup
	document := bytes.Repeat([]byte("x"), 5<<10)
	for range finishers {
		wg.Go(func() {
			for job := range jobs {
				results <- finish(ctx, s, job, document)
			}
		})
	}
	finished := 0
	free, turn := finishers, 0
	var failed error
	for failed == nil && finished+finishers-free < most && time.Since(began) < d {
		claimed, err := claim(ctx, s, min(free, most-finished-(finishers-free)), &turn)
		failed = err
		for _, job := range claimed {
			jobs <- job
		}
		free -= len(claimed)
		// Where there is nothing to be claimed of the endpoints whose turn it was, or nobody
		// to work on more, a result is waited for.
		for wait := free == 0; wait || len(results) > 0; wait = false {
			failed = errors.Join(failed, <-results)
			free++
			finished++
		}
	}
	close(jobs)
	for ; free < finishers; free++ {
		failed = errors.Join(failed, <-results)
		finished++
	}
	wg.Wait()
	return float64(finished) / time.Since(began).Seconds(), failed
}

// claim leases up to n deliveries of the endpoints whose turn it is.
func claim(ctx context.Context, s store.Store, n int, turn *int) ([]store.Job, error) {
	var quotas []store.Quota
	for left := n; left > 0; left -= perEndpoint {
		quotas = append(quotas, store.Quota{Endpoint: endpoint(*turn), Max: min(left, perEndpoint)})
		*turn++
	}
	now := time.Now()
	return s.Claim(ctx, store.Claim{Owner: "measure", Now: now, Until: now.Add(time.Minute), Quotas: quotas})
}

func finish(ctx context.Context, s store.Store, job store.Job, document []byte) error {
	now := time.Now()
	recorded, err := s.Finish(ctx, []store.Result{{
		Lease: job.Lease, State: mail.Delivered, Document: document, Subject: "Order confirmation",
		Steps:   []mail.Step{{At: now, Name: "parsed", Detail: "attachments: 0, links: 0, warnings: 0"}},
		Attempt: &mail.Attempt{Number: 1, At: now, Duration: time.Millisecond, Code: 200},
	}})
	if err == nil && !recorded[0] {
		err = errors.New("a lease was lost")
	}
	return err
}

// work measures how many deliveries a second the store takes through a claim and a result,
// alone, and beside as many enqueues as it takes.
func (b *bench) work(ctx context.Context) error {
	octets := load.Plain(4 << 10)
	var alone, beside, enqueues []float64
	for range b.rounds {
		one, err := b.workOnce(ctx, nil)
		if err != nil {
			return err
		}
		two, err := b.workOnce(ctx, octets)
		if err != nil {
			return err
		}
		alone, beside, enqueues = append(alone, one.finished), append(beside, two.finished), append(enqueues, two.enqueued)
	}
	b.row("", "claimed and finished/s", "enqueued/s")
	b.row("alone", fmt.Sprintf("%.0f", median(alone)), "")
	b.row("beside 64 producers of 4 KiB", fmt.Sprintf("%.0f", median(beside)), fmt.Sprintf("%.0f", median(enqueues)))
	return nil
}

// rates are what a store did in a second.
type rates struct{ finished, enqueued float64 }

// workOnce works on a backlog, beside enqueues where there are octets.
func (b *bench) workOnce(ctx context.Context, octets []byte) (r rates, err error) {
	dir, remove, err := b.folder()
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	o, err := open(ctx, dir)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, o.close()) }()
	rows := int(20_000 * b.time.Seconds())
	if err := fill(ctx, o, rows); err != nil {
		return r, err
	}
	most := rows - rows/100 // without those that have failed; it ends early where all are done
	var wg sync.WaitGroup
	var enqueueErr error
	if octets != nil {
		most = math.MaxInt
		wg.Go(func() {
			r.enqueued, enqueueErr = throughput(ctx, producers, b.time, func(ctx context.Context, n int) error { return o.put(ctx, n, octets) })
		})
	}
	r.finished, err = drain(ctx, o, most, b.time)
	wg.Wait()
	return r, errors.Join(err, enqueueErr)
}

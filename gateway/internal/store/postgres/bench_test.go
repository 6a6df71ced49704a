package postgres_test

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/spool/spooltest"
	"github.com/postern-mail/postern/gateway/internal/store"
	"github.com/postern-mail/postern/gateway/internal/store/postgres"
	"github.com/postern-mail/postern/gateway/internal/store/postgres/pgtest"
)

var desk = store.Endpoint{Tenant: "acme", Name: "desk"}

func message() store.NewMessage {
	now := time.Now()
	return store.NewMessage{
		ID: mail.NewMessageID(now), ReceivedAt: now, Body: "pg:x", Size: 4096, SHA256: "00",
		Deliveries: []store.NewDelivery{{Endpoint: desk, DueAt: now, Retention: store.Retention{ExpiresAt: now.Add(24 * time.Hour)}}},
	}
}

// share has so many clients do a benchmark's rounds.
func share(b *testing.B, clients int, f func() error) {
	var wg sync.WaitGroup
	rounds := make(chan struct{})
	for range clients {
		wg.Go(func() {
			for range rounds {
				if err := f(); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for b.Loop() {
		rounds <- struct{}{}
	}
	close(rounds)
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
}

// BenchmarkEnqueue enqueues messages of one delivery by as many clients at the same time.
func BenchmarkEnqueue(b *testing.B) {
	durable := pgtest.Start(b, pgtest.Options{})
	for _, clients := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			db := open(b, durable.Database(b))
			share(b, clients, func() error { return db.Enqueue(context.Background(), []store.NewMessage{message()}) })
		})
	}
}

// BenchmarkReceive stores bodies of 4 KiB and enqueues their messages.
func BenchmarkReceive(b *testing.B) {
	durable := pgtest.Start(b, pgtest.Options{})
	octets := spooltest.Content(1, 4<<10)
	for _, clients := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			db := open(b, durable.Database(b))
			bodies := postgres.NewBodies(db, postgres.DefaultSweepAge)
			share(b, clients, func() (err error) {
				m := message()
				if m.Body, err = bodies.Put(context.Background(), m.ID, m.ReceivedAt, bytes.NewReader(octets)); err != nil {
					return err
				}
				return db.Enqueue(context.Background(), []store.NewMessage{m})
			})
		})
	}
}

// BenchmarkWork claims a hundred deliveries at a time, each of which its own client ends.
func BenchmarkWork(b *testing.B) {
	durable := pgtest.Start(b, pgtest.Options{})
	for _, clients := range []int{8, 64, 512} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			db := open(b, durable.Database(b))
			jobs := make(chan store.Job, 2*clients)
			ctx, cancel := context.WithCancel(context.Background())
			var claimer sync.WaitGroup
			claimer.Go(func() { claimAll(ctx, b, db, jobs) })
			const stock = 20000
			stored := 0
			work := make(chan store.Job)
			var wg sync.WaitGroup
			for range clients {
				wg.Go(func() {
					for j := range work {
						end(b, db, j)
					}
				})
			}
			for b.Loop() {
				if stored == 0 {
					b.StopTimer()
					fill(b, db, stock)
					stored = stock
					b.StartTimer()
				}
				stored--
				work <- <-jobs
			}
			close(work)
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
			cancel()
			claimer.Wait()
		})
	}
}

func fill(b *testing.B, db *postgres.DB, n int) {
	messages := make([]store.NewMessage, n)
	for i := range messages {
		messages[i] = message()
	}
	for begin := 0; begin < n; begin += 1000 {
		if err := db.Enqueue(context.Background(), messages[begin:begin+1000]); err != nil {
			b.Fatal(err)
		}
	}
}

func claimAll(ctx context.Context, b *testing.B, db *postgres.DB, jobs chan<- store.Job) {
	for ctx.Err() == nil {
		now := time.Now()
		list, err := db.Claim(ctx, store.Claim{Owner: "bench", Now: now, Until: now.Add(time.Hour), Quotas: []store.Quota{{Endpoint: desk, Max: 100}}})
		if err != nil {
			if ctx.Err() == nil {
				b.Error(err)
			}
			return
		}
		for _, j := range list {
			select {
			case jobs <- j:
			case <-ctx.Done():
				return
			}
		}
		if len(list) == 0 {
			time.Sleep(time.Millisecond)
		}
	}
}

func end(b *testing.B, db *postgres.DB, j store.Job) {
	recorded, err := db.Finish(context.Background(), []store.Result{{
		Lease: j.Lease, State: mail.Delivered, Subject: "Your invoice 4711", Document: make([]byte, 2000), Steps: []mail.Step{{At: time.Now(), Name: "parsed"}},
		Attempt: &mail.Attempt{Number: 1, At: time.Now(), Code: 204},
	}})
	if err != nil || !recorded[0] {
		b.Errorf("Finish = %v, %v", recorded, err)
	}
}

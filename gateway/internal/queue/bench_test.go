package queue_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/queue"
	"github.com/postern-mail/postern/gateway/internal/store"
	"github.com/postern-mail/postern/gateway/internal/store/sqlite"
)

// counted counts the claims of a store.
type counted struct {
	store.Store
	claims, asked atomic.Int64
}

func (c *counted) Claim(ctx context.Context, claim store.Claim) ([]store.Job, error) {
	c.claims.Add(1)
	return c.Store.Claim(ctx, claim)
}

func (c *counted) Waiting(ctx context.Context) ([]store.Waiting, error) {
	c.asked.Add(1)
	return c.Store.Waiting(ctx)
}

// work claims and finishes n deliveries by 64 workers that do nothing else.
func work(ctx context.Context, tb testing.TB, q *queue.Queue, n int, r *queue.Rules) {
	tb.Helper()
	const workers = 64
	var wg sync.WaitGroup
	defer wg.Wait()
	done := make(chan struct{}, workers)
	for free := workers; n > 0; {
		jobs, next, err := q.Claim(ctx, min(free, n), r)
		if err != nil {
			tb.Fatal(err)
		}
		for _, j := range jobs {
			free--
			n--
			wg.Go(func() {
				if _, _, err := q.Finish(ctx, j, queue.Outcome{State: mail.Delivered, Attempt: &mail.Attempt{Number: 1, At: time.Now(), Code: 200}}); err != nil {
					tb.Error(err)
				}
				done <- struct{}{}
			})
		}
		if free == 0 {
			<-done
			free++
		} else if next.After(time.Now()) {
			select {
			case <-done:
				free++
			case <-q.Wake():
			case <-time.After(time.Until(next)):
			}
		}
		for len(done) > 0 {
			<-done
			free++
		}
	}
}

// BenchmarkQueue claims and finishes what waits, and what comes in meanwhile from 64 senders.
func BenchmarkQueue(b *testing.B) {
	for _, load := range []string{"waiting", "coming"} {
		for _, endpoints := range []int{1, 100, 10_000} {
			b.Run(fmt.Sprintf("%s/endpoints=%d", load, endpoints), func(b *testing.B) {
				db, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "postern.db"))
				if err != nil {
					b.Fatal(err)
				}
				defer db.Close()
				s := &counted{Store: db}
				q := queue.New(s, &deleted{}, queue.Config{Owner: "this", Logger: hclog.NewNullLogger()})
				r := &queue.Rules{Endpoints: make(map[store.Endpoint]queue.Room), TenantAttempts: 64}
				names := make([]store.Endpoint, endpoints)
				for i := range names {
					names[i] = store.Endpoint{Tenant: fmt.Sprint("t", i), Name: "desk"}
					r.Endpoints[names[i]] = queue.Room{Attempts: 64}
				}
				message := func(i int) store.NewMessage {
					now := time.Now()
					return store.NewMessage{ID: mail.NewMessageID(now), ReceivedAt: now, Body: "x", Deliveries: []store.NewDelivery{{
						Endpoint: names[i%endpoints], DueAt: now, Retention: store.Retention{ExpiresAt: now.Add(time.Hour)},
					}}}
				}
				if load == "waiting" {
					var batch []store.NewMessage
					for i := range max(b.N, endpoints) {
						if batch = append(batch, message(i)); len(batch) == 1000 || i == max(b.N, endpoints)-1 {
							if err := db.Enqueue(b.Context(), batch); err != nil {
								b.Fatal(err)
							}
							batch = nil
						}
					}
					b.ResetTimer()
				} else {
					var next atomic.Int64
					for range 64 {
						go func() {
							for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
								if err := q.Enqueue(b.Context(), message(int(i))); err != nil {
									b.Error(err)
								}
							}
						}()
					}
				}
				work(b.Context(), b, q, b.N, r)
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
				b.ReportMetric(float64(b.N)/float64(s.claims.Load()), "/claim")
				b.ReportMetric(float64(s.asked.Load()), "asked")
			})
		}
	}
}

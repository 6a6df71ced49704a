package postgres_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
	"github.com/postern-mail/postern/gateway/internal/store/postgres"
)

// TestBucketsAreShared has gateways take from the same buckets in different orders.
func TestBucketsAreShared(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	now := time.Now()
	wants := []store.TokenWant{{Bucket: "a", Burst: 100, Want: 3}, {Bucket: "b", Burst: 100, Want: 7}, {Bucket: "a", Burst: 100, Want: 1}}
	var mu sync.Mutex
	taken := make(map[string]int)
	var wg sync.WaitGroup
	for node := range 3 {
		db := open(t, dsn)
		wg.Go(func() {
			for range 20 {
				mine := []store.TokenWant{wants[node%3], wants[(node+1)%3], wants[(node+2)%3]}
				got, err := db.TakeTokens(t.Context(), now, mine)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				for i, w := range mine {
					taken[w.Bucket] += got[i].Taken
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if taken["a"] != 100 || taken["b"] != 100 {
		t.Errorf("taken %v, want 100 of each", taken)
	}
}

// TestAllAtOnce has two gateways do everything at the same time to the same few messages. No
// change waits for another in a circle, and the queue stays what it is to be.
func TestAllAtOnce(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	var wg sync.WaitGroup
	for node := range 2 {
		c := &chaos{db: open(t, dsn), owner: fmt.Sprintf("node-%d", node)}
		for worker := range 3 {
			wg.Go(func() {
				rng := rand.New(rand.NewPCG(uint64(node), uint64(worker)))
				for range 150 {
					if err := c.step(t, rng); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
	}
	wg.Wait()
	if n := number(t, dsn, `SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`); n != 0 {
		t.Errorf("%d deadlocks", n)
	}
	for what, query := range map[string]string{
		"deliveries are in another state than the queue says": `SELECT count(*) FROM deliveries d FULL JOIN queue q ON q.delivery_seq = d.seq
			WHERE coalesce(d.state IN ('queued', 'retrying'), false) <> (q.delivery_seq IS NOT NULL)`,
		"messages without a body have a delivery in the queue": `SELECT count(*) FROM messages m JOIN queue q ON q.delivery_seq >> 20 = m.seq WHERE m.body IS NULL`,
		"deliveries are of no message":                         `SELECT count(*) FROM deliveries d LEFT JOIN messages m ON m.seq = d.seq >> 20 WHERE m.seq IS NULL`,
	} {
		if n := number(t, dsn, query); n != 0 {
			t.Errorf("%d %s", n, what)
		}
	}
}

// chaos is a gateway that does anything.
type chaos struct {
	db    *postgres.DB
	owner string
}

func (c *chaos) step(t *testing.T, rng *rand.Rand) error {
	ctx, now := t.Context(), time.Now()
	list, err := c.db.List(ctx, store.Filter{Limit: 20})
	if err != nil {
		return err
	}
	some := func() (seqs []int64) {
		for range min(5, len(list)) {
			seqs = append(seqs, list[rng.IntN(len(list))].Seq)
		}
		return seqs
	}
	switch rng.IntN(8) {
	case 0, 1:
		return c.enqueue(t, now)
	case 2, 3:
		return c.work(t, rng, now)
	case 4:
		acts := []store.Act{store.Resend, store.Reprocess, store.Release, store.Retry, store.Drop}
		_, err = c.db.Act(ctx, store.Action{Act: acts[rng.IntN(len(acts))], Now: now, Step: mail.Step{Name: "act"}}, some())
	case 5:
		_, err = c.db.Expire(ctx, now.Add(time.Duration(rng.IntN(5))*time.Second), 10)
	case 6:
		_, err = c.db.Reap(ctx, now.Add(time.Duration(rng.IntN(3))*time.Minute))
	case 7:
		if len(list) < 10 {
			return nil
		}
		message, _ := list[rng.IntN(len(list))].ID.Split()
		if _, err = c.db.Delete(ctx, message); errors.Is(err, store.ErrInFlight) || errors.Is(err, store.ErrNotFound) {
			return nil
		}
	}
	return err
}

// enqueue adds messages whose retention ends while the test goes on.
func (c *chaos) enqueue(t *testing.T, now time.Time) error {
	m := message()
	d := m.Deliveries[0]
	d.Retention = store.Retention{ExpiresAt: now.Add(2 * time.Second), PayloadUntil: now.Add(time.Second), HeldUntil: now.Add(3 * time.Second), LogUntil: now.Add(4 * time.Second)}
	m.Deliveries = []store.NewDelivery{d, d, d}
	m.Deliveries[2].State = mail.Quarantined
	return c.db.Enqueue(t.Context(), []store.NewMessage{m, func() store.NewMessage { m := m; m.ID = mail.NewMessageID(now); return m }()})
}

func (c *chaos) work(t *testing.T, rng *rand.Rand, now time.Time) error {
	jobs, err := c.db.Claim(t.Context(), store.Claim{Owner: c.owner, Now: now, Until: now.Add(time.Minute), Quotas: []store.Quota{{Endpoint: desk, Max: 10}}})
	if err != nil {
		return err
	}
	var leases []store.Lease
	var results []store.Result
	outcomes := []mail.State{mail.Delivered, mail.Failed, mail.Quarantined, mail.Retrying}
	for _, j := range jobs {
		leases = append(leases, j.Lease)
		results = append(results, store.Result{
			Lease: j.Lease, State: outcomes[rng.IntN(len(outcomes))], Due: now, Document: []byte("{}"), Subject: "Hello", Steps: []mail.Step{{Name: "x", Error: "y"}},
			Attempt: &mail.Attempt{Number: j.Attempts + 1, At: now},
		})
	}
	rng.Shuffle(len(results), func(i, j int) { results[i], results[j] = results[j], results[i] })
	if err := c.db.Extend(t.Context(), leases, now.Add(2*time.Minute)); err != nil {
		return err
	}
	_, err = c.db.Finish(t.Context(), results)
	return err
}

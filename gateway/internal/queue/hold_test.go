package queue_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/queue"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// TestHolds holds what is said of lanes that wait, each for something else.
func TestHolds(t *testing.T) {
	t.Parallel()
	perMinute := queue.Limit{Name: "rate", PerSecond: 1.0 / 60, Burst: 2}
	slower := queue.Limit{Name: "max_per_minute", PerSecond: 1.0 / 120, Burst: 2}
	for name, tc := range map[string]struct {
		tenant, endpoint []queue.Limit
		attempts, most   int // of the endpoint, and of the tenant
		workers          int
		want             queue.Hold
		until            time.Duration // from when the bucket became empty
	}{
		"a tenant's rate":      {tenant: []queue.Limit{perMinute}, attempts: 8, most: 8, workers: 8, want: queue.Hold{LimitedBy: "tenant.rate"}, until: time.Minute},
		"an endpoint's rate":   {endpoint: []queue.Limit{perMinute}, attempts: 8, most: 8, workers: 8, want: queue.Hold{LimitedBy: "endpoint.rate"}, until: time.Minute},
		"the slower of two":    {tenant: []queue.Limit{perMinute, slower}, attempts: 8, most: 8, workers: 8, want: queue.Hold{LimitedBy: "tenant.max_per_minute"}, until: 2 * time.Minute},
		"one that is not used": {tenant: []queue.Limit{{Name: "rate", PerSecond: 100, Burst: 100}}, endpoint: []queue.Limit{perMinute}, attempts: 8, most: 8, workers: 8, want: queue.Hold{LimitedBy: "endpoint.rate"}, until: time.Minute},
		"the endpoint":         {attempts: 2, most: 8, workers: 8, want: queue.Hold{Full: queue.OfEndpoint, Most: 2}},
		"the tenant":           {attempts: 8, most: 2, workers: 8, want: queue.Hold{Full: queue.OfTenant, Most: 2}},
		"the workers":          {attempts: 8, most: 8, workers: 2, want: queue.Hold{Full: queue.Workers}},
		"nothing":              {attempts: 8, most: 8, workers: 8},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := open(t)
				n := 3
				if tc.want == (queue.Hold{}) {
					n = 2
				}
				backlog(t, f, "acme/desk", n)
				if holds := f.Holds(); len(holds) != 0 {
					t.Errorf("before a claim: %+v", holds)
				}
				r := rules(tc.attempts, "acme/desk")
				r.TenantAttempts = tc.most
				r.TenantLimits["acme"] = tc.tenant
				r.Endpoints[desk] = queue.Room{Attempts: tc.attempts, Limits: tc.endpoint}
				began := time.Now()
				free := tc.workers
				var jobs []store.Job
				for range 4 { // as a dispatcher does, until there is nothing to claim
					more, _ := claims(t, f.Queue, free, r)
					jobs = append(jobs, more...)
					free -= len(more)
				}
				if len(jobs) != 2 {
					t.Fatalf("%d jobs, want 2", len(jobs))
				}
				want := map[store.Endpoint]queue.Hold{}
				if tc.until > 0 {
					tc.want.LimitedUntil = began.Add(tc.until)
				}
				if n > 2 {
					want[desk] = tc.want
				}
				if diff := cmp.Diff(want, f.Holds()); diff != "" {
					t.Errorf("holds (-want +got):\n%s", diff)
				}
				// What it says of the next token is when the next attempt begins.
				if tc.until > 0 {
					delivered(t, f.Queue, jobs...)
					list := works(t, f.Queue, tc.workers, func() *queue.Rules { return r }, tc.want.LimitedUntil)
					if len(list) != 1 || !time.Now().Equal(tc.want.LimitedUntil) {
						t.Errorf("%d attempts by %s, want one then", len(list), time.Since(began))
					}
				}
			})
		})
	}
}

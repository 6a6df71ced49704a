package dispatch_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postern-mail/postern/gateway/internal/dispatch"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/pipeline"
)

// TestTenantLeavesMemory has a tenant whose plugin works on large mails until it is stopped:
// they take all the memory for documents that one tenant gets. Another tenant's mail is
// delivered beside them.
func TestTenantLeavesMemory(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, g *gateway) {
		g.chains = map[dispatch.Alias][]pipeline.Stage{{Tenant: "acme"}: {{Name: "crm", Plugin: patient{}, OnError: pipeline.Skip}}}
		desk := g.network.endpoint(t, "desk", status(200))
		g.network.endpoint(t, "other/spare", status(200))
		g.mail = raw + strings.Repeat("behind the last boundary\r\n", 17<<20/26)
		large := g.backlog("desk", 8) // sixteen MiB each of what there is, which is 128 MiB
		run := g.start(16, rooms{"desk": 8, "other/spare": 1})
		synctest.Wait()
		g.mail = raw
		small := g.receive("other/spare")
		if d := g.delivery(small); d.State != mail.Delivered {
			t.Errorf("the other tenant's delivery = %+v", d)
		}
		run.stop()
		if got := states(g.deliveries(large)); got[mail.Queued] != 8 || len(desk.got()) != 0 {
			t.Errorf("deliveries %v, %d requests", got, len(desk.got()))
		}
	})
}

// TestRecordKeepsMemory has outcomes with large documents wait for their record: what they
// hold counts, so that no more are made than there is memory for.
func TestRecordKeepsMemory(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, g *gateway) {
		desk := g.network.endpoint(t, "desk", status(200))
		g.mail = "Subject: large\r\n\r\n" + strings.Repeat("no end of text\r\n", 3<<20/16)
		large := g.backlog("desk", 24) // nine MiB each
		g.store.fail(time.Minute, "Finish")
		g.start(24, rooms{"desk": 24})
		time.Sleep(30 * time.Second)
		if n := len(desk.got()); n == 0 || n > 12 {
			t.Errorf("%d documents of 3 MiB wait for their record", n)
		}
		time.Sleep(time.Minute)
		if got := states(g.deliveries(large)); got[mail.Delivered] != 24 {
			t.Errorf("deliveries %v", got)
		}
	})
}

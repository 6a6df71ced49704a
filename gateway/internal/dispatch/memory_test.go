package dispatch_test

import (
	"strings"
	"testing"
	"testing/synctest"

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

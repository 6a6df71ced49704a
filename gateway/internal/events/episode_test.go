package events_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/events"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/outbound"
	"github.com/postern-mail/postern/gateway/internal/store"
)

var (
	sales     = store.About{Tenant: "acme", Class: events.Account, Name: "sales"}
	smarthost = store.About{Tenant: "acme", Class: events.Endpoint, Name: "archive"}
	rspamd    = store.About{Class: events.Scanner, Name: "rspamd"}
)

func connection(code, response string) *outbound.Failure {
	return &outbound.Failure{Kind: outbound.Connection, Code: code, Response: response}
}

func refused() *outbound.Failure {
	return connection(outbound.ConnRefused, "connect ECONNREFUSED 192.168.1.100:993")
}

func timedOut() *outbound.Failure {
	return connection(outbound.TimedOut, "connect ETIMEDOUT 192.168.1.100:993")
}

func expired() *outbound.Failure {
	return connection(outbound.CertExpired, "certificate has expired")
}

func wrongPassword() *outbound.Failure {
	return &outbound.Failure{Kind: outbound.Authentication, Code: "AUTHENTICATIONFAILED", Response: "Authentication failed."}
}

// TestAlternatingCauses has a server that fails for another reason each time, over 1,000 attempts,
// with processes that die and a store that fails. Each episode is told of once, each cause once,
// each end once.
// ignore lets the store's failure pass, which is tried again.
// TestEveryCall has each of the writes of an episode fail, in each way, and once the process die of that. The
// events are the same.
// TestManyTell has many goroutines of several processes tell of the same.
// TestAlwaysBeaten gives up where others are always faster, and says so.
// TestCauses says which failures of an episode are told of.
func TestCauses(t *testing.T) {
	t.Parallel()
	other := func(code, response string) *outbound.Failure { return connection(code, response) }
	long := strings.Repeat("x", 400)
	for name, tc := range map[string]struct {
		failures []*outbound.Failure
		want     int
		class    string // empty for account
	}{
		"the same":                {failures: []*outbound.Failure{refused(), refused(), refused()}, want: 1},
		"another code":            {failures: []*outbound.Failure{other("A", "r"), other("B", "r"), other("A", "r"), other("B", "r")}, want: 2},
		"another response":        {failures: []*outbound.Failure{other("A", "r"), other("A", "s"), other("A", "r"), other("A", "s")}, want: 2},
		"both, mixed":             {failures: []*outbound.Failure{other("A", "r"), other("B", "s"), other("A", "s"), other("B", "r")}, want: 2},
		"no code":                 {failures: []*outbound.Failure{other("A", "r"), other("", "r"), other("", "s"), other("", "s")}, want: 2},
		"a code first":            {failures: []*outbound.Failure{other("", "r"), other("A", "r"), other("", "r")}, want: 2},
		"a code that begins so":   {failures: []*outbound.Failure{other("AB", "r"), other("A", "r")}, want: 2},
		"a response that ends so": {failures: []*outbound.Failure{other("A", "rs"), other("A", "s")}, want: 2},
		"long responses":          {failures: []*outbound.Failure{other("A", long+"1"), other("A", long+"2"), other("A", long+"1")}, want: 2},
		"a response of no text":   {failures: []*outbound.Failure{other("A", "\x00\x01"), other("A", "")}, want: 1},
		"another address":         {failures: []*outbound.Failure{other("A", "connect A 10.0.0.1:993"), other("A", "connect A 10.0.0.2:993")}, want: 2},
		"numbers of a plugin": {
			failures: []*outbound.Failure{other("", "index out of range [5] with length 3"), other("", "index out of range [17] with length 12"), other("", "slice out of range [5] with length 3")},
			want:     2, class: events.Plugin,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newMemory()
			p := start(b, b, newClock(), nil)
			about := sales
			if tc.class != "" {
				about.Class = tc.class
			}
			for _, f := range tc.failures {
				must(t, p.Failed(t.Context(), about, f))
			}
			if got := lines(t, b); len(got) != tc.want {
				t.Errorf("events: %q, want %d", got, tc.want)
			}
		})
	}
}

// TestManyCauses has an episode end to be told of after so many causes, but for its end. The next begins anew.
func TestManyCauses(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, b backend) {
		p := start(b, b, newClock(), nil)
		for i := range 100 {
			must(t, p.Failed(t.Context(), sales, connection("", "failure "+strings.Repeat("x", i))))
		}
		if n := len(lines(t, b)); n != 32 {
			t.Errorf("%d events, want 32", n)
		}
		if n := strings.Count(p.log.String(), "fails for too many reasons"); n != 1 {
			t.Errorf("the log says so %d times", n)
		}
		must(t, p.Succeeded(t.Context(), sales))
		must(t, p.Failed(t.Context(), sales, connection("", "failure xxx")))
		if got := lines(t, b); len(got) != 34 || got[32] != "connectSuccess" || got[33] != "connectError" {
			t.Errorf("events: %q", got)
		}
	})
}

// TestReset ends what is open where the configuration is another.
func TestReset(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, b backend) {
		p := start(b, b, newClock(), nil)
		must(t, p.Failed(t.Context(), sales, refused()))
		must(t, p.Failed(t.Context(), sales, wrongPassword()))
		p = start(b, b, p.clock, nil) // which knows of nothing
		must(t, p.Reset(t.Context(), sales, ""))
		must(t, p.Reset(t.Context(), sales, ""))
		must(t, p.Failed(t.Context(), sales, refused()))
		must(t, p.Failed(t.Context(), rspamd, connection("", "it hangs up")))
		must(t, p.Prune(t.Context(), func(a store.About) bool { return a == rspamd }))
		must(t, p.Reset(t.Context(), rspamd, "it is at another address now"))
		want := []string{
			"connectError ECONNREFUSED", "authenticationError AUTHENTICATIONFAILED", "connectReset", "authenticationReset",
			"connectError ECONNREFUSED", "scanner.down", "connectReset", "scanner.recovered",
		}
		if diff := cmp.Diff(want, lines(t, b)); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		var responses []string
		for _, s := range b.stored(t) {
			if strings.HasSuffix(s.Event.Name, "Reset") || s.Event.Name == mail.EventScannerRecovered {
				responses = append(responses, read(t, s).Data.Response)
			}
		}
		if diff := cmp.Diff([]string{"the configuration has changed", "the configuration has changed", "it is not in the configuration any more", "it is at another address now"}, responses); diff != "" {
			t.Errorf("responses (-want +got):\n%s", diff)
		}
	})
}

// TestSubscribers has the event go to who wants it. Who comes to it while an episode is open is told what is new in
// it, and its end.
func TestSubscribers(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, b backend) {
		var wanted []store.Endpoint
		p := start(b, b, newClock(), func(tenant, event string) []store.Endpoint {
			if tenant != "acme" {
				t.Errorf("asked for tenant %q", tenant)
			}
			if event == mail.EventConnectSuccess {
				return wanted[:min(len(wanted), 1)]
			}
			return wanted
		})
		must(t, p.Failed(t.Context(), sales, refused()))
		if n := len(b.stored(t)); n > 0 {
			t.Errorf("%d events for nobody", n)
		}
		wanted = []store.Endpoint{alerts, {Tenant: "ops", Name: "pager"}}
		must(t, p.Failed(t.Context(), sales, refused()))
		must(t, p.Failed(t.Context(), sales, timedOut()))
		must(t, p.Succeeded(t.Context(), sales))
		var got []string
		ids := make(map[string]bool)
		for _, s := range b.stored(t) {
			got = append(got, s.Event.Name+" to "+s.Endpoint.Tenant+"/"+s.Endpoint.Name+": "+s.Text)
			ids[s.ID] = true
		}
		want := []string{
			"connectError to acme/alerts: connectError sales: connect ETIMEDOUT 192.168.1.100:993",
			"connectError to ops/pager: connectError sales: connect ETIMEDOUT 192.168.1.100:993",
			"connectSuccess to acme/alerts: connectSuccess sales: connected, after failures since 2025-10-17T14:30:00.000Z",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		if len(ids) != len(want) {
			t.Errorf("%d ids for %d events", len(ids), len(want))
		}
	})
}

// TestSettling has what is told of at the rate of mails end its episode only after a minute without a failure,
// by whatever comes then: a success, or the minute's own end.
func TestSettling(t *testing.T) {
	t.Parallel()
	for _, about := range []store.About{smarthost, rspamd, {Tenant: "acme", Class: events.Plugin, Name: "crm"}, {Class: events.Disk, Name: "data"}} {
		t.Run(about.Class, func(t *testing.T) {
			t.Parallel()
			onEach(t, func(t *testing.T, b backend) {
				p := start(b, b, newClock(), nil)
				both := func() {
					must(t, p.Failed(t.Context(), about, refused()))
					must(t, p.Succeeded(t.Context(), about))
				}
				for range 500 { // fails and works, over hours
					both()
					p.clock.pass(55 * time.Second)
					must(t, p.Refresh(t.Context()))
				}
				if got := lines(t, b); len(got) != 1 {
					t.Fatalf("events: %q", got)
				}
				p.clock.pass(4 * time.Second)
				must(t, p.Succeeded(t.Context(), about))
				if n := len(b.stored(t)); n != 1 {
					t.Errorf("%d events", n)
				}
				p.clock.pass(time.Second)
				must(t, p.Refresh(t.Context()))
				if n := len(b.stored(t)); n != 2 {
					t.Errorf("%d events", n)
				}
				must(t, p.Failed(t.Context(), about, refused()))
				p.clock.pass(time.Hour)
				must(t, p.Refresh(t.Context())) // nothing has worked yet
				if n := len(b.stored(t)); n != 3 {
					t.Errorf("%d events", n)
				}
				must(t, p.Succeeded(t.Context(), about))
				if n := len(b.stored(t)); n != 4 {
					t.Errorf("%d events", n)
				}
			})
		})
	}
}

// TestCost has a success where nothing fails ask the store nothing, and so a failure that is no news of what
// fails at the rate of mails.
func TestCost(t *testing.T) {
	t.Parallel()
	b := newMemory()
	sink := &faulty{backend: b}
	p := start(sink, b, newClock(), nil)
	must(t, p.Refresh(t.Context()))
	must(t, p.Failed(t.Context(), smarthost, refused()))
	before := sink.count()
	for range 1000 {
		must(t, p.Failed(t.Context(), smarthost, refused()))
		must(t, p.Succeeded(t.Context(), smarthost))
		must(t, p.Succeeded(t.Context(), sales))
		must(t, p.Succeeded(t.Context(), rspamd))
	}
	if n := sink.count() - before; n > 0 {
		t.Errorf("the store was asked %d times", n)
	}
	for range 60 { // a minute
		p.clock.pass(time.Second)
		must(t, p.Failed(t.Context(), smarthost, refused()))
	}
	if n := sink.count() - before; n == 0 || n > 6 {
		t.Errorf("the store was asked %d times within a minute", n)
	}
	if n := len(b.stored(t)); n != 1 {
		t.Errorf("%d events", n)
	}
}

// TestRestart goes on with the episodes of the process before, and ends what has recovered although the store
// failed then.
// TestTwoProcesses have the same accounts, one after the other, and the same smarthost, both at a time.
// TestDoubt has a failure be stored that seems not to be, and a success come next: the episode ends.
// TestLastWord has what has worked, and fails again, not be taken for what works.
// refreshTime is how often a failure that goes on is written down.
// TestMeanwhile has an episode open while the open ones are read.

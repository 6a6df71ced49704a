package events_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/events"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/outbound"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// TestExamples makes the four example payloads of EmailEngine's documentation, but for their dates and ids.
func TestExamples(t *testing.T) {
	t.Parallel()
	for account, tc := range map[string]struct {
		failure *outbound.Failure
		want    string
	}{
		"user123": {
			connection(outbound.ConnRefused, "connect ECONNREFUSED 192.168.1.100:993"), `{
  "serviceUrl": "https://emailengine.example.com",
  "account": "user123",
  "date": "2025-10-17T14:30:00.000Z",
  "event": "connectError",
  "eventId": "ID",
  "data": {
    "response": "connect ECONNREFUSED 192.168.1.100:993",
    "serverResponseCode": "ECONNREFUSED"
  }
}`,
		},
		"office-account": {
			connection(outbound.TimedOut, "connect ETIMEDOUT 10.0.0.50:993"), `{
  "serviceUrl": "https://emailengine.example.com",
  "account": "office-account",
  "date": "2025-10-17T14:30:00.000Z",
  "event": "connectError",
  "eventId": "ID",
  "data": {
    "response": "connect ETIMEDOUT 10.0.0.50:993",
    "serverResponseCode": "ETIMEDOUT"
  }
}`,
		},
		"remote-user": {
			connection(outbound.NotFound, "getaddrinfo ENOTFOUND mail.invalid-domain.example"), `{
  "serviceUrl": "https://emailengine.example.com",
  "account": "remote-user",
  "date": "2025-10-17T14:30:00.000Z",
  "event": "connectError",
  "eventId": "ID",
  "data": {
    "response": "getaddrinfo ENOTFOUND mail.invalid-domain.example",
    "serverResponseCode": "ENOTFOUND"
  }
}`,
		},
		"secure-account": {
			connection(outbound.CertExpired, "certificate has expired"), `{
  "serviceUrl": "https://emailengine.example.com",
  "account": "secure-account",
  "date": "2025-10-17T14:30:00.000Z",
  "event": "connectError",
  "eventId": "ID",
  "data": {
    "response": "certificate has expired",
    "serverResponseCode": "CERT_HAS_EXPIRED"
  }
}`,
		},
	} {
		t.Run(account, func(t *testing.T) {
			t.Parallel()
			onEach(t, func(t *testing.T, b backend) {
				p := start(b, b, newClock(), nil)
				must(t, p.Failed(t.Context(), store.About{Tenant: "acme", Class: events.Account, Name: account}, tc.failure))
				list := b.stored(t)
				if len(list) != 1 {
					t.Fatalf("%d events", len(list))
				}
				want := strings.ReplaceAll(tc.want, `"ID"`, `"`+list[0].ID+`"`)
				if diff := cmp.Diff(want, indented(t, body(t, list[0].Document))); diff != "" {
					t.Errorf("payload (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func indented(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	must(t, json.Indent(&b, []byte(text), "", "  "))
	return b.String()
}

// TestHostileText has a server say what no list and no receiver is to be given.
func TestHostileText(t *testing.T) {
	t.Parallel()
	b := newMemory()
	p := start(b, b, newClock(), nil)
	said := "a\x00b\x1b[31m\r\n\tc \u202ed\xff\u2028" + strings.Repeat("ä", 2000)
	must(t, p.Failed(t.Context(), sales, connection("A\nB\x07"+strings.Repeat("x", 5000), said)))
	must(t, p.Tell(t.Context(), events.Occurrence{About: sales, Name: mail.EventAccountDisabled, Response: said}))
	for _, s := range b.stored(t) {
		read := read(t, s)
		if !strings.HasPrefix(read.Data.Response, "a b [31m c d ää") || len(read.Data.Response) > outbound.MaxResponse || !utf8.ValidString(read.Data.Response) {
			t.Errorf("response = %q", read.Data.Response)
		}
		if s.Event.Name == mail.EventConnectError && !strings.HasPrefix(read.Data.Code, "A B xxx") || len(read.Data.Code) > 200 {
			t.Errorf("code = %q", read.Data.Code)
		}
		if len(s.Text) > 200 || !strings.HasPrefix(s.Text, s.Event.Name+" sales: a b [31m c d ää") || strings.ContainsFunc(s.Text, func(r rune) bool { return r < ' ' || r == utf8.RuneError }) {
			t.Errorf("text = %q", s.Text)
		}
	}
}

// TestTell queues what has no episode, each time.
func TestTell(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, b backend) {
		p := start(b, b, newClock(), nil)
		o := events.Occurrence{
			About: store.About{Tenant: "acme", Class: events.Endpoint, Name: "desk"}, Name: mail.EventDeliveryFailed, Response: "attempt 6 of 6 failed: status: 503", Code: "503",
			Extra: []document.Member{{Name: "attempts", Value: document.Int(6)}},
		}
		must(t, p.Tell(t.Context(), o))
		must(t, p.Tell(t.Context(), o))
		list := b.stored(t)
		if len(list) != 2 || list[0].ID == list[1].ID {
			t.Fatalf("events: %v", list)
		}
		want := `{"serviceUrl":"https://emailengine.example.com","endpoint":"desk","date":"2025-10-17T14:30:00.000Z","event":"delivery.failed","eventId":"` + list[0].ID +
			`","data":{"response":"attempt 6 of 6 failed: status: 503","serverResponseCode":"503","attempts":6}}`
		if diff := cmp.Diff(want, body(t, list[0].Document)); diff != "" {
			t.Errorf("payload (-want +got):\n%s", diff)
		}
	})
}

// TestHealth tells by an error, and by none.
func TestHealth(t *testing.T) {
	t.Parallel()
	b := newMemory()
	sink := &faulty{backend: b}
	p := start(sink, b, newClock(), nil)
	is := p.Health(rspamd)
	is(nil)
	is(errors.New("rspamd at http://127.0.0.1:11333: connect: refused"))
	is(refused())
	p.clock.pass(61 * time.Second)
	sink.die(true)
	is(nil)
	if !strings.Contains(p.log.String(), "an event could not be stored: about=\"scanner rspamd\"") {
		t.Errorf("the log says %s", p.log)
	}
	sink.die(false)
	must(t, p.Refresh(t.Context()))
	if diff := cmp.Diff([]string{"scanner.down", "scanner.down ECONNREFUSED", "scanner.recovered"}, lines(t, b)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// TestRun looks at the store every half minute, whether it fails or not.
func TestRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newMemory()
		sink := &faulty{backend: b, dead: true}
		p := start(sink, b, newClock(), nil)
		done := make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		go func() { defer close(done); p.Run(ctx) }()
		synctest.Wait()
		if sink.count() != 1 || !strings.Contains(p.log.String(), "the open episodes could not be gone through") {
			t.Errorf("%d calls; the log says %s", sink.count(), p.log)
		}
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if sink.count() != 2 {
			t.Errorf("%d calls", sink.count())
		}
		cancel()
		<-done
	})
}

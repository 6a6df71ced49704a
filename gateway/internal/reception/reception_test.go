package reception_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/netip"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/reception"
	"github.com/postern-mail/postern/gateway/internal/route"
	"github.com/postern-mail/postern/gateway/internal/store"
)

func TestReceive(t *testing.T) {
	t.Parallel()
	f := open(t)
	desk := route.Target{Tenant: "acme", Alias: "support", Endpoints: []string{"desk", "archive"}}
	var traced struct {
		id       mail.MessageID
		received time.Time
	}
	m := reception.Mail{
		Envelope: mail.Envelope{
			ReversePath: "bounces@x.test", SMTPUTF8: true,
			Session: mail.Session{Listener: "mx", HELO: "x.test", RemoteIP: netip.MustParseAddr("2001:db8::1"), TLS: "TLS 1.3 X"},
		},
		Recipients: []reception.Recipient{
			{Address: "support@acme.test", Target: desk},
			{Address: "Support@ACME.test", Target: desk}, // the same in other letters
			{Address: "support@acme.test", Target: desk}, // the same again
			{Address: "support+1@acme.test", Target: desk},
			{Address: "info@brief.test", Target: route.Target{Tenant: "brief", Alias: "*", Endpoints: []string{"hook"}}},
		},
		Began: time.UnixMilli(1_770_000_000_123),
		TraceField: func(id mail.MessageID, received time.Time) string {
			traced.id, traced.received = id, received
			return "Received: for " + string(id) + "\r\n"
		},
	}
	id, err := f.Receive(t.Context(), m, strings.NewReader(rawMail))
	if err != nil {
		t.Fatal(err)
	}

	got, octets := f.get(t, id)
	if octets != rawMail {
		t.Errorf("body = %q, want %q", octets, rawMail)
	}
	sum := sha256.Sum256([]byte(rawMail))
	if want := hex.EncodeToString(sum[:]); got.Size != int64(len(rawMail)) || got.SHA256 != want {
		t.Errorf("size %d, sha256 %s; want %d, %s", got.Size, got.SHA256, len(rawMail), want)
	}
	if diff := cmp.Diff(m.Envelope, got.Envelope, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Errorf("envelope differs:\n%s", diff)
	}
	if got.TraceField != "Received: for "+string(id)+"\r\n" || traced.id != id || traced.received.UnixMilli() != got.ReceivedAt.UnixMilli() {
		t.Errorf("trace field = %q, made of %+v; the message was received at %s", got.TraceField, traced, got.ReceivedAt)
	}
	var steps []string
	for _, s := range got.Steps {
		steps = append(steps, s.Name)
	}
	if diff := cmp.Diff([]string{"transaction began", "received and spooled"}, steps); diff != "" || !got.Steps[0].At.Equal(m.Began) {
		t.Errorf("steps = %+v", got.Steps)
	}
	checkDeliveries(t, got)

	select {
	case <-f.queue.Wake():
	default:
		t.Error("the queue did not say that there is something to claim")
	}
	if log := f.log.String(); strings.Count(log, "\n") != 1 || !strings.Contains(log, string(id)) || strings.Contains(log, "octets as they are") {
		t.Errorf("log = %q, want one line with the id and nothing of the body", log)
	}
}

// checkDeliveries holds the deliveries of TestReceive's mail: each recipient
// once, each by its tenant's retention.
func checkDeliveries(t *testing.T, m store.Message) {
	t.Helper()
	type delivery struct {
		ID                                 mail.DeliveryID
		Tenant, Endpoint, Alias, Recipient string
		Retention                          time.Duration
		DueIn                              time.Duration
		State                              mail.State
	}
	day := 24 * time.Hour
	want := []delivery{
		{m.ID.Delivery(1), "acme", "desk", "support", "support@acme.test", day, 0, mail.Queued},
		{m.ID.Delivery(2), "acme", "archive", "support", "support@acme.test", day, 0, mail.Queued},
		{m.ID.Delivery(3), "acme", "desk", "support", "support+1@acme.test", day, 0, mail.Queued},
		{m.ID.Delivery(4), "acme", "archive", "support", "support+1@acme.test", day, 0, mail.Queued},
		{m.ID.Delivery(5), "brief", "hook", "*", "info@brief.test", time.Hour, 0, mail.Queued},
	}
	var got []delivery
	for _, d := range m.Deliveries {
		got = append(got, delivery{
			d.ID, d.Endpoint.Tenant, d.Endpoint.Name, d.Alias, d.Recipient,
			d.ExpiresAt.Sub(m.ReceivedAt), d.Due.Sub(m.ReceivedAt), d.State,
		})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("deliveries differ (-want +got):\n%s", diff)
	}
}

// putting records until when bodies are to be kept.
type putting struct {
	reception.Bodies
	expires []time.Time
}

func (p *putting) Put(ctx context.Context, id mail.MessageID, expires time.Time, r io.Reader) (mail.BodyRef, error) {
	p.expires = append(p.expires, expires)
	return p.Bodies.Put(ctx, id, expires, r)
}

// TestRetentions has each end of what is kept follow from when the mail was received, and
// the body kept for the longest that it could be needed.
func TestRetentions(t *testing.T) {
	t.Parallel()
	f := open(t)
	bodies := &putting{Bodies: f.bodies}
	r := reception.New(bodies, f.queue, retention(), reception.Screening{}, hclog.NewNullLogger())
	m := oneRecipient()
	m.Recipients = nil
	for _, tenant := range []string{"held", "acme"} {
		m.Recipients = append(m.Recipients, reception.Recipient{Address: tenant + "@x.test", Target: route.Target{Tenant: tenant, Alias: "*", Endpoints: []string{"desk"}}})
	}
	id, err := r.Receive(t.Context(), m, strings.NewReader(rawMail))
	if err != nil {
		t.Fatal(err)
	}
	stored, _ := f.get(t, id)
	after := func(hours time.Duration) time.Time { return stored.ReceivedAt.Add(hours * time.Hour) }
	held := stored.Deliveries[0]
	if diff := cmp.Diff(store.Retention{ExpiresAt: after(2), PayloadUntil: after(1), HeldUntil: after(48), LogUntil: held.LogUntil}, held.Retention); diff != "" {
		t.Errorf("retention (-want +got): %s", diff)
	}
	// What is not said is as long as the raw mail is kept; the row of both is kept for ever then.
	if got := stored.Deliveries[1]; !got.HeldUntil.Equal(after(24)) || !got.PayloadUntil.Equal(after(24)) || !got.LogUntil.IsZero() {
		t.Errorf("retention = %+v", got.Retention)
	}
	if len(bodies.expires) != 1 || !bodies.expires[0].Truncate(time.Millisecond).Equal(after(48)) {
		t.Errorf("the body is kept until %v, want %s", bodies.expires, after(48))
	}
	m.Recipients = m.Recipients[:1]
	if id, err = r.Receive(t.Context(), m, strings.NewReader(rawMail)); err != nil {
		t.Fatal(err)
	}
	stored, _ = f.get(t, id)
	if got := stored.Deliveries[0].LogUntil; !got.Equal(after(72)) {
		t.Errorf("the row is kept until %s, want %s", got, after(72))
	}
}

func TestReceiveOddBodies(t *testing.T) {
	t.Parallel()
	f := open(t)
	for name, raw := range map[string]string{
		"empty":    "",
		"one":      "x",
		"NUL":      "\x00",
		"long":     strings.Repeat("0123456789abcdef", 1<<16),
		"no lines": strings.Repeat("x", 1<<17),
	} {
		id, err := f.Receive(t.Context(), oneRecipient(), iotest.HalfReader(strings.NewReader(raw)))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		sum := sha256.Sum256([]byte(raw))
		m, octets := f.get(t, id)
		if octets != raw || m.Size != int64(len(raw)) || m.SHA256 != hex.EncodeToString(sum[:]) {
			t.Errorf("%s: %d octets came back, size %d, sha256 %s; sent were %d", name, len(octets), m.Size, m.SHA256, len(raw))
		}
		if m.TraceField != "" {
			t.Errorf("%s: trace field = %q, want none", name, m.TraceField)
		}
	}
}

// TestLogIsOneLine holds that a client cannot write lines of its own into the log.
func TestLogIsOneLine(t *testing.T) {
	t.Parallel()
	f := open(t)
	m := oneRecipient()
	m.Envelope.ReversePath = "a\n[ERROR] forged\x1b[31m@x.test"
	if _, err := f.Receive(t.Context(), m, strings.NewReader(rawMail)); err != nil {
		t.Fatal(err)
	}
	if log := f.log.String(); strings.Count(log, "\n") != 1 || strings.Contains(log, "\x1b") {
		t.Errorf("log = %q", log)
	}
}

func TestReaderFails(t *testing.T) {
	t.Parallel()
	gone := errors.New("client is gone")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tc := range map[string]struct {
		ctx  context.Context
		body io.Reader
		want error
	}{
		"at once":     {t.Context(), iotest.ErrReader(gone), gone},
		"in the body": {t.Context(), io.MultiReader(strings.NewReader(rawMail), iotest.ErrReader(gone)), gone},
		"timeout":     {t.Context(), iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader(rawMail))), iotest.ErrTimeout},
		"cancelled":   {cancelled, strings.NewReader(rawMail), context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := open(t)
			id, err := f.Receive(tc.ctx, oneRecipient(), tc.body)
			if !errors.Is(err, tc.want) || id != "" {
				t.Errorf("Receive = %q, %v; want %v", id, err, tc.want)
			}
			f.checkLeft(t, 0, 0)
			if f.store.calls != 0 {
				t.Errorf("the store was called %d times", f.store.calls)
			}
		})
	}
}

func TestSpoolFails(t *testing.T) {
	t.Parallel()
	f := open(t)
	if err := f.bodies.Close(); err != nil {
		t.Fatal(err)
	}
	if id, err := f.Receive(t.Context(), oneRecipient(), strings.NewReader(rawMail)); err == nil {
		t.Errorf("Receive without a spool = %q", id)
	}
	f.checkLeft(t, 0, 0)
}

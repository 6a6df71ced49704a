package shadow_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/pipeline"
	"github.com/postern-mail/postern/gateway/internal/plugin"
	"github.com/postern-mail/postern/gateway/internal/sandbox"
	"github.com/postern-mail/postern/gateway/internal/shadow"
	"github.com/postern-mail/postern/gateway/internal/shadow/journal"
)

// octets are a body in memory that knows whether it is closed.
type octets struct {
	*bytes.Reader
	closed *int
}

func (o octets) Close() error { *o.closed++; return nil }

// bodies has one body for all.
type bodies struct {
	opened, closed int
	err            error
}

func (b *bodies) Open(context.Context, mail.BodyRef) (mail.Body, error) {
	b.opened++
	return octets{bytes.NewReader([]byte("raw")), &b.closed}, b.err
}

// kept is a journal in memory.
type kept struct {
	mu      sync.Mutex
	entries []journal.Entry
	err     error
}

func (k *kept) Append(e journal.Entry) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	e.At = time.Time{}
	k.entries = append(k.entries, e)
	return k.err
}

// stage is a plugin of a test's making: it sets /crm, and takes a second.
type stage struct {
	crm     string
	verdict plugin.Verdict
	err     error
	panics  bool
	runs    int
}

func (s *stage) Run(ctx context.Context, m plugin.Mail, doc *document.Document) (plugin.Result, error) {
	s.runs++
	var raw [3]byte
	if n, _ := m.Raw.ReadAt(raw[:], 0); n != 3 {
		return plugin.Result{}, errors.New("the mail has no body")
	}
	select {
	case <-ctx.Done():
		return plugin.Result{Document: doc}, ctx.Err()
	case <-time.After(time.Second):
	}
	if s.panics {
		panic("a defect of the host")
	}
	if s.err != nil {
		return plugin.Result{Document: doc, Duration: time.Second}, s.err
	}
	e := doc.Edit(document.Scope{Write: []document.Pointer{{"crm"}}}, document.MaxSize)
	if err := e.Set("/crm", []byte(s.crm)); err != nil {
		return plugin.Result{}, err
	}
	res := plugin.Result{Document: e.Document(), Verdict: plugin.Continue, Fuel: int64(len(s.crm)), Duration: time.Second, Memory: 7}
	if s.verdict != "" {
		res.Verdict, res.Reason = s.verdict, "because of juergen@example.org"
	}
	return res, nil
}

func start() *document.Document {
	return &document.Document{Root: document.Object(document.Member{Name: "id", Value: document.Int(1)})}
}

const delivery = mail.DeliveryID("msg_01ARYZ6S410000000000000000_1")

// bench is a runner with all that it needs.
type bench struct {
	*shadow.Runner
	bodies bodies
	kept   kept
	log    bytes.Buffer
	stop   func()
}

// bubble runs a test on a clock of its own.
func bubble(t *testing.T, test func(t *testing.T, b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{}
		b.Runner = shadow.New(&b.bodies, &b.kept, hclog.New(&hclog.LoggerOptions{Output: &b.log}))
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { b.Run(ctx) })
		b.stop = func() {
			cancel()
			running.Wait()
		}
		defer b.stop()
		test(t, b)
		b.stop()
		if b.bodies.opened != b.bodies.closed && b.bodies.err == nil {
			t.Errorf("%d bodies were opened, %d closed", b.bodies.opened, b.bodies.closed)
		}
	})
}

// offer runs the old version on the mail as a chain does, and offers what is left to do.
func (b *bench) offer(t *testing.T, old, other *stage, values bool) pipeline.Outcome {
	t.Helper()
	closed := 0
	m := plugin.Mail{ID: delivery, Tenant: "acme", Raw: octets{bytes.NewReader([]byte("raw")), &closed}}
	s := pipeline.Stage{Name: "acme/crm", Plugin: old, OnError: pipeline.Skip, Shadow: &pipeline.Shadow{Plugin: other, Old: "aa", New: "bb", Values: values}}
	out := pipeline.Run(t.Context(), []pipeline.Stage{s}, m, start())
	b.Offer(m, "", out.Shadowed)
	return out
}

// TestOutcomes compares runs of every kind. The verdict, the failure and the edits of the
// shadow are in the journal alone.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	ran := func(fuel int64, verdict string) *journal.Run {
		return &journal.Run{Verdict: verdict, Duration: time.Second, Fuel: fuel, Memory: 7}
	}
	failed := func(kind, text string) *journal.Run {
		return &journal.Run{Failure: kind, Error: text, Duration: time.Second}
	}
	long := strings.Repeat("x", 300)
	for name, tc := range map[string]struct {
		old, other stage
		values     bool
		want       journal.Entry
	}{
		"same": {old: stage{crm: `{"a":1}`}, other: stage{crm: `{"a":1}`}, want: journal.Entry{Outcome: journal.Same, OldRun: ran(7, "continue"), NewRun: ran(7, "continue")}},
		"differs": {
			old: stage{crm: `{"a":"juergen","b":1}`}, other: stage{crm: `{"a":"petra","c":[]}`},
			want: journal.Entry{Outcome: journal.Differs, OldRun: ran(21, "continue"), NewRun: ran(20, "continue"), Changes: []journal.Change{
				{At: "/crm/a", Old: &journal.Value{Kind: "string", Length: 7}, New: &journal.Value{Kind: "string", Length: 5}},
				{At: "/crm/b", Old: &journal.Value{Kind: "number"}},
				{At: "/crm/c", New: &journal.Value{Kind: "array"}},
			}},
		},
		"values": {
			old: stage{crm: `"juergen"`}, other: stage{crm: `"` + long + `"`}, values: true,
			want: journal.Entry{Outcome: journal.Differs, OldRun: ran(9, "continue"), NewRun: ran(302, "continue"), Changes: []journal.Change{
				{At: "/crm", Old: &journal.Value{Kind: "string", Length: 7, JSON: `"juergen"`}, New: &journal.Value{Kind: "string", Length: 300, JSON: `"` + long[:79] + "…"}},
			}},
		},
		"long pointer": {
			old: stage{crm: `{}`}, other: stage{crm: `{"` + long + `":1}`},
			want: journal.Entry{Outcome: journal.Differs, OldRun: ran(2, "continue"), NewRun: ran(306, "continue"), Changes: []journal.Change{
				{At: "/crm/" + long[:195] + "…", New: &journal.Value{Kind: "number"}},
			}},
		},
		"verdict":   {old: stage{crm: `1`}, other: stage{crm: `1`, verdict: plugin.Drop}, want: journal.Entry{Outcome: journal.Differs, OldRun: ran(1, "continue"), NewRun: ran(1, "drop")}},
		"new fails": {old: stage{crm: `1`}, other: stage{err: &plugin.GuestError{Text: "no luck with juergen"}}, want: journal.Entry{Outcome: journal.NewFailed, OldRun: ran(1, "continue"), NewRun: failed("error", "")}},
		"new traps": {old: stage{crm: `1`}, other: stage{err: &sandbox.Trap{Where: "transform", Text: "boom"}}, values: true, want: journal.Entry{Outcome: journal.NewFailed, OldRun: ran(1, "continue"), NewRun: failed("trap", "transform: boom")}},
		"new spins": {old: stage{crm: `1`}, other: stage{err: &sandbox.Trap{Deadline: true}}, want: journal.Entry{Outcome: journal.NewFailed, OldRun: ran(1, "continue"), NewRun: failed("timeout", "")}},
		"new burns": {old: stage{crm: `1`}, other: stage{err: fmt.Errorf("transform: %w", sandbox.ErrFuel)}, want: journal.Entry{Outcome: journal.NewFailed, OldRun: ran(1, "continue"), NewRun: failed("fuel", "")}},
		"panic":     {old: stage{crm: `1`}, other: stage{panics: true}, want: journal.Entry{Outcome: journal.NewFailed, OldRun: ran(1, "continue"), NewRun: &journal.Run{Failure: "error"}}},
		"old fails": {old: stage{err: errors.New("no luck")}, other: stage{crm: `1`}, want: journal.Entry{Outcome: journal.OldFailed, OldRun: failed("error", ""), NewRun: ran(1, "continue")}},
		"both fail": {old: stage{err: errors.New("no luck")}, other: stage{err: errors.New("no luck")}, want: journal.Entry{Outcome: journal.BothFailed, OldRun: failed("error", ""), NewRun: failed("error", "")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, b *bench) {
				out := b.offer(t, &tc.old, &tc.other, tc.values)
				time.Sleep(time.Minute)
				synctest.Wait()
				want := tc.want
				want.Plugin, want.Old, want.New, want.Delivery, want.Tenant = "acme/crm", "aa", "bb", delivery, "acme"
				if diff := cmp.Diff([]journal.Entry{want}, b.kept.entries); diff != "" {
					t.Error(diff)
				}
				// The delivery is what the old one makes.
				alone := pipeline.Run(t.Context(), []pipeline.Stage{{Name: "acme/crm", Plugin: &tc.old, OnError: pipeline.Skip}}, plugin.Mail{Raw: octets{bytes.NewReader([]byte("raw")), new(int)}}, start())
				if outline(t, out.Document) != outline(t, alone.Document) || out.Verdict != alone.Verdict || out.Reason != alone.Reason {
					t.Errorf("outcome = %s %+v, without a shadow %s %+v", outline(t, out.Document), out, outline(t, alone.Document), alone)
				}
			})
		})
	}
}

func outline(t *testing.T, d *document.Document) string {
	t.Helper()
	var b strings.Builder
	if err := d.Encode(&b, nil); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestChangesAreBounded has more differences than are kept.
func TestChangesAreBounded(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, b *bench) {
		var members []string
		for i := range 1000 {
			members = append(members, fmt.Sprintf(`"%d":0`, i))
		}
		b.offer(t, &stage{crm: `{}`}, &stage{crm: `{` + strings.Join(members, ",") + `}`}, true)
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(b.kept.entries) != 1 || len(b.kept.entries[0].Changes) != 50 || b.kept.entries[0].More != 950 {
			t.Errorf("entries %+v", b.kept.entries)
		}
	})
}

// TestShadowsTakeTurns has one tenant offer all the time, and another now and then: each of
// the latter's is run.
func TestShadowsTakeTurns(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, b *bench) {
		slow := &stage{crm: `1`}
		raw := octets{bytes.NewReader([]byte("raw")), new(int)}
		offer := func(tenant string) {
			out := pipeline.Run(t.Context(), nil, plugin.Mail{}, start())
			b.Offer(plugin.Mail{ID: delivery, Tenant: tenant, Raw: raw}, "", []pipeline.Shadowed{{
				Stage:  pipeline.Stage{Name: "crm", Shadow: &pipeline.Shadow{Plugin: slow, New: "bb"}},
				Before: out.Document, Result: plugin.Result{Document: out.Document},
			}})
		}
		for i := range 100 {
			for range 20 {
				offer("much")
			}
			if i%5 == 0 {
				offer("little")
			}
			time.Sleep(time.Second)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		runs := make(map[string]int)
		for _, e := range b.kept.entries {
			if e.Outcome != journal.Skipped {
				runs[e.Tenant]++
			}
		}
		if runs["little"] != 20 || runs["much"] < 50 {
			t.Errorf("runs %v, want all 20 of the one that has little", runs)
		}
	})
}

// TestOfferNeverWaits offers more than there is room for: what is too much is counted.
func TestOfferNeverWaits(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, b *bench) {
		old := &stage{crm: `1`}
		out := pipeline.Run(t.Context(), nil, plugin.Mail{}, start())
		raw := octets{bytes.NewReader([]byte("raw")), new(int)}
		run := pipeline.Shadowed{Stage: pipeline.Stage{Name: "crm", Shadow: &pipeline.Shadow{Plugin: old, New: "bb"}}, Before: out.Document, Result: plugin.Result{Document: out.Document}}
		began := time.Now()
		for i := range 1000 {
			b.Offer(plugin.Mail{ID: delivery, Tenant: fmt.Sprint(i % 10), Raw: raw}, "", []pipeline.Shadowed{run})
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("to offer took %s", took)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		runs, skipped := 0, 0
		for _, e := range b.kept.entries {
			runs += map[bool]int{true: 1}[e.Outcome != journal.Skipped]
			skipped += e.Count
		}
		if runs != 16 || skipped != 984 || old.runs != 16 {
			t.Errorf("%d runs, %d skipped, %d made", runs, skipped, old.runs)
		}
		// There is room again, but not for what is too large.
		large := document.String(strings.Repeat("x", 40<<20))
		run.Before = &document.Document{Root: document.Object(document.Member{Name: "x", Value: large})}
		run.Result.Document = run.Before
		b.Offer(plugin.Mail{ID: delivery, Raw: raw}, "", []pipeline.Shadowed{run})
		b.offer(t, &stage{crm: `1`}, &stage{crm: `1`}, false)
		time.Sleep(time.Minute)
		synctest.Wait()
		last := b.kept.entries[len(b.kept.entries)-2:]
		if last[0].Count+last[1].Count != 1 || last[0].Outcome == last[1].Outcome {
			t.Errorf("entries %+v", last)
		}
	})
}

// TestSettle gives up what waits and what runs, and goes on with what comes then.
func TestSettle(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, b *bench) {
		slow := &stage{crm: `1`}
		for range 3 {
			b.offer(t, &stage{crm: `1`}, slow, false)
		}
		synctest.Wait()
		before := slow.runs
		began := time.Now()
		b.Settle()
		if took := time.Since(began); took > 0 {
			t.Errorf("it took %s", took)
		}
		time.Sleep(time.Minute)
		if slow.runs != before {
			t.Error("what was given up has run")
		}
		b.Settle() // of nothing
		b.offer(t, &stage{crm: `1`}, &stage{crm: `1`}, false)
		time.Sleep(time.Minute)
		b.stop()
		skipped, same := 0, 0
		for _, e := range b.kept.entries {
			skipped += e.Count
			same += map[bool]int{true: 1}[e.Outcome == journal.Same]
		}
		if skipped+same != 4 || skipped < 1 {
			t.Errorf("entries %+v", b.kept.entries)
		}
	})
}

// TestStopGivesUp stops while a shadow runs.
func TestStopGivesUp(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, b *bench) {
		b.offer(t, &stage{crm: `1`}, &stage{crm: `1`}, false)
		synctest.Wait()
		began := time.Now()
		b.stop()
		if took := time.Since(began); took > 0 || len(b.kept.entries) != 1 || b.kept.entries[0].Count != 1 {
			t.Errorf("it took %s, %+v", took, b.kept.entries)
		}
	})
}

// TestFaults has mails that are gone, and a disk that is full.
func TestFaults(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, b *bench) {
		b.bodies.err = os.ErrNotExist
		b.offer(t, &stage{crm: `1`}, &stage{crm: `1`}, false)
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(b.kept.entries) != 1 || b.kept.entries[0].Count != 1 {
			t.Errorf("entries %+v", b.kept.entries)
		}
		b.bodies.err, b.kept.err = nil, errors.New("disk full")
		b.bodies.opened, b.bodies.closed = 0, 0
		b.offer(t, &stage{crm: `1`}, &stage{crm: `1`}, false)
		time.Sleep(time.Minute)
		b.stop()
		if log := b.log.String(); !strings.Contains(log, "could not be kept") || !strings.Contains(log, "disk full") {
			t.Errorf("log %s", log)
		}
	})
}

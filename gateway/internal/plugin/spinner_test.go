package plugin_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/plugin"
	"github.com/postern-mail/postern/gateway/internal/sandbox/admit"
)

// TestSpinnerHoldsNobodyUp has a tenant whose plugin works until its time is over, in the
// only lane that there is: another tenant's runs end while it spins, and none of them is
// counted as its time.
func TestSpinnerHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	lanes := plugin.NewLanes(1)
	spinning, tame := config(t, "spin"), config(t, "set")
	spinning.Lanes, tame.Lanes = lanes, lanes
	spinning.Timeout = 10 * time.Minute // it is canceled below
	spinner, quick := load(t, spinning), load(t, tame)
	mine, others := parsed(t), parsed(t)
	mine.Tenant, others.Tenant = "spinner", "other"
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		_, err := spinner.Run(ctx, mine, start())
		ended <- err
	}()
	runs := 0
	for ; runs < 20; runs++ {
		if _, err := quick.Run(t.Context(), others, start()); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case err := <-ended:
		t.Errorf("the spinner had ended when the other had run %d times: %v", runs, err)
	default:
	}
	cancel()
	if err := <-ended; err == nil {
		t.Error("the spinner ended well")
	}
}

// asked is a raw message that tells when a guest asks for its size.
type asked struct {
	octets
	ask func()
}

func (a asked) Size() int64 {
	a.ask()
	return 3
}

// queued is a context that tells when somebody first waits for its end, which in a run is
// when it waits for its lane.
type queued struct {
	context.Context
	once *sync.Once
	wait func()
}

func (q queued) Done() <-chan struct{} {
	q.once.Do(q.wait)
	return q.Context.Done()
}

// TestWaitIsCountedInTurns has guests in the only lane that never end by themselves. They ask
// the host for something all the time, so that what they get of the lane can be counted: from
// when a run waits until it runs, that is a number of slices of fuel.
func TestWaitIsCountedInTurns(t *testing.T) {
	t.Parallel()
	fields := readFields(t)
	flood := wat2wasm(t, whole("(func $transform (result i32) (loop (drop (call $raw.size)) (br 0)) unreachable)\n(func $spoil)", fields))
	quick := wat2wasm(t, whole("(func $transform (result i32) (drop (call $raw.size)) (i32.const 0x10))\n(func $spoil)", fields))
	for name, tc := range map[string]struct {
		tenant string // whose the spinners are
		behind bool
		many   int // of their runs at the same time
		slices int64
	}{
		// That of the guest in the lane, and of one that has waited before.
		"another tenant's flood": {"spinner", false, 32, 2},
		// A shadow's run goes before nobody, not even of its own tenant.
		"a run behind": {"other", true, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lanes := plugin.NewLanes(1)
			flooding, tame := hostileConfig(flood), hostileConfig(quick)
			flooding.Lanes, flooding.Behind, tame.Lanes = lanes, tc.behind, lanes
			spin(t, load(t, flooding), load(t, tame), tc.tenant, tc.many, tc.slices)
		})
	}
}

// spin measures runs of a plugin alone, and then beside a spinner's.
func spin(t *testing.T, spinner, quick *plugin.Plugin, tenant string, many int, turns int64) {
	t.Helper()
	const runs = 1000
	withRaw := func(tenant string, ask func()) plugin.Mail {
		m := parsed(t)
		m.Tenant, m.Raw = tenant, mail.Body(asked{octets{bytes.NewReader([]byte("raw"))}, ask})
		return m
	}
	// measure gives the times that runs took, and the most of the spinner's calls that one
	// has waited for.
	var calls atomic.Int64 // of the spinner's guests
	measure := func() (times []time.Duration, most int64) {
		var began, ran int64
		m := withRaw("other", func() { ran = calls.Load() })
		for range runs {
			ctx := queued{t.Context(), &sync.Once{}, func() { began = calls.Load() }}
			start := time.Now()
			if _, err := quick.Run(ctx, m, payloadDocument(t, "")); err != nil {
				t.Fatal(err)
			}
			times = append(times, time.Since(start))
			most = max(most, ran-began)
		}
		slices.Sort(times)
		return times, most
	}

	alone, _ := measure()
	ctx, cancel := context.WithCancel(t.Context())
	var flood sync.WaitGroup
	theirs := withRaw(tenant, func() { calls.Add(1) })
	for range many {
		flood.Go(func() {
			for ctx.Err() == nil {
				if _, err := spinner.Run(ctx, theirs, payloadDocument(t, "")); err == nil {
					t.Error("a run of the spinner ended well")
				}
			}
		})
	}
	for calls.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	beside, most := measure()
	during := calls.Load()
	cancel()
	flood.Wait()
	const slice = admit.Slice / 100 // calls: each takes 100 units at least
	if most > turns*slice {
		t.Errorf("a run waited for %d calls of the spinner's guests, which get %d in a slice", most, slice)
	}
	if during < slice {
		t.Errorf("the spinner made %d calls only", during)
	}
	// Times are of this machine as it is now: they are told, and nothing is held of them.
	p99 := func(times []time.Duration) time.Duration { return times[len(times)*99/100] }
	t.Logf("p99 of a run: %s alone, %s beside the spinner: ×%.1f; the median: %s and %s; at most %d calls waited for",
		p99(alone), p99(beside), float64(p99(beside))/float64(p99(alone)), alone[len(alone)/2], beside[len(beside)/2], most)
}

// TestHostCallsHoldNobodyUp has a tenant whose plugin has the host work and hardly does
// anything itself, in the only lane that there is: another tenant's runs end meanwhile.
func TestHostCallsHoldNobodyUp(t *testing.T) {
	t.Parallel()
	fields, m := readFields(t), parsed(t)
	wide := payloadDocument(t, `,"wide":[0`+strings.Repeat(",0", 100_000)+`]`)
	large := payloadDocument(t, `,"large":"`+strings.Repeat("x", 1<<20)+`"`)
	for name, tc := range map[string]struct {
		data, calls string
		doc         *document.Document
	}{
		"edits that are checked": {
			`(data (i32.const 0x400) "/message/attachments/0/x") (data (i32.const 0x430) "1")`,
			"(call $payload.set (i32.const 0x400) (i32.const 24) (i32.const 0x430) (i32.const 1) (i32.const 0x40))", wide,
		},
		"values that are written": {`(data (i32.const 0x400) "/wide")`, "(call $payload.get (i32.const 0x400) (i32.const 5) (i32.const 0x40))", wide},
		"strings that are copied": {`(data (i32.const 0x400) "/large")`, "(call $payload.get (i32.const 0x400) (i32.const 6) (i32.const 0x40))", large},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lanes := plugin.NewLanes(1)
			// What the host hands over is written to the same place each time.
			wat := tc.data + "\n\n(func $transform (result i32) (loop (global.set $top (i32.const 0x1000)) " + tc.calls + " (br 0)) (i32.const 0x10))"
			busy, tame := hostileConfig(wat2wasm(t, whole(wat, fields))), hostileConfig(wat2wasm(t, whole("", fields)))
			busy.Lanes, tame.Lanes = lanes, lanes
			busy.Timeout, busy.Fuel, busy.Memory = 10*time.Minute, 0, 64<<20
			busy.Write, busy.Read = []document.Pointer{{}}, []document.Pointer{{}}
			worker, quick := load(t, busy), load(t, tame)
			mine, others := m, m
			mine.Tenant, others.Tenant = "busy", "other"
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ended := make(chan error, 1)
			go func() {
				_, err := worker.Run(ctx, mine, tc.doc)
				ended <- err
			}()
			for range 20 {
				if _, err := quick.Run(t.Context(), others, payloadDocument(t, `,"tame":true`)); err != nil {
					t.Fatal(err)
				}
			}
			select {
			case err := <-ended:
				t.Errorf("the busy one had ended: %v", err)
			default:
			}
			cancel()
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("the busy one ended with %v", err)
			}
		})
	}
}

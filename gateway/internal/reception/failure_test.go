package reception_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store/sqlite"
)

const staysWarning = "stays until it is swept"

// TestEnqueueFails holds what is left of a mail that the store did not take.
func TestEnqueueFails(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fails        func(call int) bool
		late         bool
		bodies, rows int
		warns        bool
	}{
		"refused":                       {fails: func(n int) bool { return n == 1 }},
		"refused, then nobody can tell": {fails: func(n int) bool { return n <= 2 }, bodies: 1, warns: true},
		// The row is there: without its body, a delivery would have nothing to send.
		"committed all the same":         {fails: func(n int) bool { return n == 1 }, late: true, bodies: 1, rows: 1},
		"committed, and nobody can tell": {fails: func(n int) bool { return n <= 2 }, late: true, bodies: 1, rows: 1, warns: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := open(t)
			f.store.fails, f.store.late = tc.fails, tc.late
			id, err := f.Receive(t.Context(), oneRecipient(), strings.NewReader(rawMail))
			if !errors.Is(err, errStore) || id != "" {
				t.Errorf("Receive = %q, %v; want %v", id, err, errStore)
			}
			f.checkLeft(t, tc.bodies, tc.rows)
			if warned := strings.Contains(f.log.String(), staysWarning); warned != tc.warns {
				t.Errorf("log = %q, want a warning: %v", f.log.String(), tc.warns)
			}
			for _, d := range f.rows(t) {
				message, _ := d.ID.Split()
				f.get(t, message)
			}
		})
	}
}

// TestClosedStore goes through a real failure: the body stays, and the next
// start finds out that it is nobody's.
func TestClosedStore(t *testing.T) {
	t.Parallel()
	f := open(t)
	kept, err := f.Receive(t.Context(), oneRecipient(), strings.NewReader(rawMail))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.store.Close(); err != nil {
		t.Fatal(err)
	}
	if id, err := f.Receive(t.Context(), oneRecipient(), strings.NewReader(rawMail)); err == nil {
		t.Errorf("Receive with a closed store = %q", id)
	}
	if !strings.Contains(f.log.String(), staysWarning) {
		t.Errorf("log = %q", f.log.String())
	}
	reopened, err := sqlite.Open(t.Context(), f.dir+"/postern.db")
	if err != nil {
		t.Fatal(err)
	}
	defer reopened.Close()
	f.store.Store = reopened
	f.checkLeft(t, 2, 1)

	f.restart(t)
	f.SweepBodies(t.Context())
	f.checkLeft(t, 1, 1)
	if _, octets := f.get(t, kept); octets != rawMail {
		t.Errorf("body = %q", octets)
	}
}

// TestCancelledWhileEnqueueing holds that the clean-up does not depend on the
// context that has ended.
func TestCancelledWhileEnqueueing(t *testing.T) {
	t.Parallel()
	f := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	m := oneRecipient()
	m.TraceField = func(mail.MessageID, time.Time) string {
		cancel()
		return ""
	}
	if _, err := f.Receive(ctx, m, strings.NewReader(rawMail)); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want %v", err, context.Canceled)
	}
	f.checkLeft(t, 0, 0)
}

func TestSweepBodies(t *testing.T) {
	t.Parallel()
	f := open(t)
	live, err := f.Receive(t.Context(), oneRecipient(), strings.NewReader(rawMail))
	if err != nil {
		t.Fatal(err)
	}
	f.orphan(t)
	f.put(t, f.bodies) // of a mail that is being received

	f.SweepBodies(t.Context())
	f.checkLeft(t, 2, 1)
	if _, octets := f.get(t, live); octets != rawMail {
		t.Errorf("body = %q", octets)
	}
	if log := f.log.String(); !strings.Contains(log, "[INFO]  reception: swept bodies that a crash or a refused mail left: bodies=1") {
		t.Errorf("log = %q", log)
	}

	lines := strings.Count(f.log.String(), "\n")
	f.SweepBodies(t.Context())
	if log := f.log.String(); strings.Count(log, "\n") != lines {
		t.Errorf("a sweep that found nothing wrote to the log: %q", log)
	}
}

func TestSweepThatCannotTell(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		ctx   func(t *testing.T) context.Context
		fails bool
		warns bool
	}{
		"store fails": {ctx: (*testing.T).Context, fails: true, warns: true},
		"stopped": {ctx: func(t *testing.T) context.Context {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			return ctx
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := open(t)
			f.orphan(t)
			f.store.fails = func(int) bool { return tc.fails }
			f.SweepBodies(tc.ctx(t))
			f.checkLeft(t, 1, 0)
			if warned := strings.Contains(f.log.String(), "[WARN]  reception: bodies that a crash left could not be swept"); warned != tc.warns {
				t.Errorf("log = %q, want a warning: %v", f.log.String(), tc.warns)
			}
		})
	}
}

// TestStoreFailsAtEveryCall receives mails and sweeps, with the store failing at
// each call in turn, alone and with the next one, before and after it has done
// its work. Whatever fails: an accepted mail is whole, every row has its body,
// and a sweep by a store that works leaves no other body.
func TestStoreFailsAtEveryCall(t *testing.T) {
	t.Parallel()
	for _, late := range []bool{false, true} {
		for width := 1; width <= 2; width++ {
			for n, reached := 1, true; reached; n++ {
				t.Run(fmt.Sprintf("late=%v/width=%d/call=%d", late, width, n), func(t *testing.T) {
					f := open(t)
					f.store.fails = func(call int) bool { return call >= n && call < n+width }
					f.store.late = late
					failAt(t, f)
					reached = f.store.calls >= n
					if !reached && n < 5 {
						t.Errorf("%d calls only", f.store.calls)
					}
				})
			}
		}
	}
}

func failAt(t *testing.T, f *fixture) {
	t.Helper()
	f.orphan(t)
	accepted := make(map[mail.MessageID]string)
	for i := range 3 {
		raw := fmt.Sprintf("Subject: %d\r\n\r\n", i)
		id, err := f.Receive(t.Context(), oneRecipient(), strings.NewReader(raw))
		switch {
		case err == nil:
			accepted[id] = raw
		case !errors.Is(err, errStore):
			t.Fatal(err)
		}
	}
	f.SweepBodies(t.Context())
	calls := f.store.calls
	f.store.fails = nil

	for id, raw := range accepted {
		if _, octets := f.get(t, id); octets != raw {
			t.Errorf("body of %s = %q, want %q", id, octets, raw)
		}
	}
	rows := f.rows(t)
	for _, d := range rows {
		message, _ := d.ID.Split()
		f.get(t, message) // fails where its body is gone
		if _, ok := accepted[message]; !ok && !f.store.late {
			t.Errorf("%s was refused before it was stored, and would be delivered", d.ID)
		}
	}
	f.restart(t)
	f.SweepBodies(t.Context())
	f.checkLeft(t, len(rows), len(rows))
	f.store.calls = calls
}

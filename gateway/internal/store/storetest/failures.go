package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// errInjected is what a database says that a test has fail.
var errInjected = errors.New("injected failure")

// mostCalls bounds the calls that TestFailures has fail, one after the other.
const mostCalls = 2000

// TestFailures does the same work again and again. The n-th time, the n-th call of the
// database fails, and in another round the one after it too, until there are no more than n. Whatever says that it has failed has changed
// nothing, and done again it ends as if nothing had been. The store that open returns
// calls fail before each call of its database that can fail, and takes an error for the
// call's own.
func TestFailures(t *testing.T, open func(t *testing.T, fail func() error) Store) {
	t.Helper()
	for _, do := range []doing{doWork, doSourcesWork} {
		failEach(t, open, do)
	}
}

// doing does work, by steps that are done again where they fail.
type doing func(t *testing.T, s Store, step func(string, func() error))

func failEach(t *testing.T, open func(t *testing.T, fail func() error) Store, do doing) {
	t.Helper()
	want, calls := work(t, open, do, 0, 0)
	if calls < 20 {
		t.Fatalf("the work takes %d calls", calls)
	}
	for n := 1; n <= calls; n++ {
		if n > mostCalls {
			t.Fatalf("the work takes more than %d calls", mostCalls)
		}
		for _, last := range []int{n, n + 1} {
			got, _ := work(t, open, do, n, last)
			if diff := cmp.Diff(want, got, records(), ignoreClock()); diff != "" {
				t.Fatalf("after a failure of calls %d to %d: %s", n, last, diff)
			}
		}
	}
}

// ignoreClock leaves out what depends on the hour, and how many times something was claimed.
func ignoreClock() cmp.Option {
	return cmp.Options{cmpopts.IgnoreFields(store.Delivery{}, "UpdatedAt"), cmpopts.IgnoreFields(store.Rest{}, "Claims")}
}

// work has work done with a new store, and returns what is in it then, and how many calls
// it took. Those from first to last fail.
func work(t *testing.T, open func(t *testing.T, fail func() error) Store, do doing, first, last int) (contents, int) {
	t.Helper()
	calls, armed := 0, false
	s := open(t, func() error {
		if !armed {
			return nil
		}
		if calls++; calls >= first && calls <= last {
			return fmt.Errorf("call %d: %w", calls, errInjected)
		}
		return nil
	})
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	step := func(name string, f func() error) {
		t.Helper()
		before := contentsOf(t, s)
		armed = true
		err := f()
		armed = false
		if err == nil {
			return
		}
		if !errors.Is(err, errInjected) {
			t.Fatalf("%s, where calls %d to %d fail: %v", name, first, last, err)
		}
		if diff := cmp.Diff(before, contentsOf(t, s), records()); diff != "" {
			t.Fatalf("%s has failed by calls %d to %d and has changed something: %s", name, first, last, diff)
		}
		if err := f(); err != nil {
			t.Fatalf("%s, done again after a failure of calls %d to %d: %v", name, first, last, err)
		}
	}
	do(t, s, step)
	return contentsOf(t, s), calls
}

func doWork(t *testing.T, s Store, step func(string, func() error)) {
	t.Helper()
	messages := []store.NewMessage{fixedMessage(1, "desk", "archive"), fixedMessage(2, "desk"), fixedMessage(3, "desk")}
	messages[2].Deliveries[0].State = mail.Quarantined
	step("Enqueue", func() error { return s.Enqueue(t.Context(), messages) })
	var jobs []store.Job
	now := start().Add(time.Minute)
	quota := []store.Quota{{Endpoint: store.Endpoint{Tenant: "acme", Name: "desk"}, Max: 9}, {Endpoint: store.Endpoint{Tenant: "acme", Name: "archive"}, Max: 9}}
	step("Claim", func() (err error) {
		jobs, err = s.Claim(t.Context(), store.Claim{Owner: owner, Now: now, Until: now.Add(time.Minute), Quotas: quota})
		return err
	})
	if len(jobs) != 3 {
		t.Fatalf("%d jobs, want 3", len(jobs))
	}
	step("Begin", func() error { return s.Begin(t.Context(), jobs[0].Lease) })
	step("Extend", func() error { return s.Extend(t.Context(), []store.Lease{jobs[0].Lease}, now.Add(time.Hour)) })
	var recorded []bool
	step("Finish", func() (err error) {
		recorded, err = s.Finish(t.Context(), []store.Result{
			{Lease: jobs[0].Lease, State: mail.Delivered, Attempt: attempt(1, 200, ""), Document: []byte(`{}`), Subject: "Hello", Steps: []mail.Step{{At: now, Name: "parsed"}}},
			{Lease: jobs[1].Lease, State: mail.Retrying, Due: now.Add(time.Hour), Reason: "x", Attempt: attempt(1, 500, "x"), Document: []byte(`{}`), Subject: "Hello"},
		})
		return err
	})
	if len(recorded) != 2 || !recorded[0] || !recorded[1] {
		t.Fatalf("recorded %v", recorded)
	}
	step("Reap", func() error { _, err := s.Reap(t.Context(), now.Add(2*time.Hour)); return err })
	var held []store.Delivery
	step("List", func() (err error) {
		held, err = s.List(t.Context(), store.Filter{States: []mail.State{mail.Quarantined}, Limit: 9})
		return err
	})
	for _, a := range []store.Act{store.Release, store.Drop} {
		step(string(a), func() error {
			_, err := s.Act(t.Context(), store.Action{Act: a, Now: now, Reason: "x", Step: mail.Step{At: now, Name: string(a)}}, []int64{held[0].Seq})
			return err
		})
	}
	step("TakeTokens", func() error {
		_, err := s.TakeTokens(t.Context(), now, []store.TokenWant{{Bucket: "x", PerSecond: 1, Burst: 1, Want: 1}})
		return err
	})
	step("Pause", func() error { return s.Pause(t.Context(), quota[0].Endpoint, now) })
	step("Delete", func() error { _, err := s.Delete(t.Context(), messages[2].ID); return err })
	step("Expire", func() error { _, err := s.Expire(t.Context(), now.Add(30*time.Hour), 10); return err })
}

// fixedMessage is newMessage with an id that is the same in every run.
func fixedMessage(n int, endpoints ...string) store.NewMessage {
	m := newMessage(n, endpoints...)
	m.ID = mail.FirstID(m.ReceivedAt)
	return m
}

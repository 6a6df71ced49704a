// Package storetest holds what every store must pass. The tests of an implementation call
// it with a function that opens a new, empty one. Stores of bodies have spool/spooltest.
package storetest

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// Store is what a driver makes.
type Store interface {
	store.Store
	store.Sources
}

// Open opens a new, empty store and closes it when the test ends.
type Open func(t *testing.T) Store

// TestStore runs the suite.
func TestStore(t *testing.T, open Open) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, store.Store){
		"EnqueueAndGet":             testEnqueueAndGet,
		"EnqueueIsAllOrNone":        testEnqueueIsAllOrNone,
		"EnqueueDecided":            testEnqueueDecided,
		"EnqueueSubject":            testEnqueueSubject,
		"ClaimInOrder":              testClaimInOrder,
		"ClaimHonoursQuotas":        testClaimHonoursQuotas,
		"ClaimLeasesOnce":           testClaimLeasesOnce,
		"ClaimWaitsUntilDue":        testClaimWaitsUntilDue,
		"ClaimLeavesPaused":         testClaimLeavesPaused,
		"FinishDelivered":           testFinishDelivered,
		"FinishRetry":               testFinishRetry,
		"FinishIsFenced":            testFinishIsFenced,
		"FinishKeepsDocument":       testFinishKeepsDocument,
		"FinishWithoutAttempt":      testFinishWithoutAttempt,
		"FinishAddsToTrace":         testFinishAddsToTrace,
		"ExtendReleaseReap":         testExtendReleaseReap,
		"LostLeases":                testLostLeases,
		"ExpireDeliveries":          testExpireDeliveries,
		"ExpireKeepsBodiesInFlight": testExpireKeepsBodiesInFlight,
		"ExpireInBatches":           testExpireInBatches,
		"RetentionEnds":             testRetentionEnds,
		"QuarantineShortens":        testQuarantineShortens,
		"Resend":                    testResend,
		"Reprocess":                 testReprocess,
		"ReprocessHeld":             testReprocessHeld,
		"ActNamedTwice":             testActNamedTwice,
		"Release":                   testRelease,
		"RetryAndDrop":              testRetryAndDrop,
		"ActNeedsBody":              testActNeedsBody,
		"Delete":                    testDelete,
		"Pause":                     testPause,
		"Due":                       testDue,
		"Reach":                     testReach,
		"TakeTokens":                testTakeTokens,
		"Search":                    testSearch,
		"BeginCopy":                 testBeginCopy,
		"ExportInPages":             testExportInPages,
		"ListFilters":               testListFilters,
		"NotFound":                  testNotFound,
		"DocumentOfNumber":          testDocumentOfNumber,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
	for name, test := range map[string]func(*testing.T, Store){
		"FetchedOnce":          testFetchedOnce,
		"FetchedFromAnother":   testFetchedFromAnother,
		"FetchedNeighbours":    testFetchedNeighbours,
		"MailboxNumberedAnew":  testMailboxNumberedAnew,
		"MailboxOfAnother":     testMailboxOfAnother,
		"FetchedToHandle":      testFetchedToHandle,
		"FetchedStaysKnown":    testFetchedStaysKnown,
		"Accounts":             testAccounts,
		"DeleteAccount":        testDeleteAccount,
		"Disable":              testDisable,
		"Tokens":               testTokens,
		"Hold":                 testHold,
		"Tell":                 testTell,
		"TellIsOneChange":      testTellIsOneChange,
		"TellAtOnce":           testTellAtOnce,
		"EventIsDelivered":     testEventIsDelivered,
		"EventActs":            testEventActs,
		"EventEnds":            testEventEnds,
		"EventInFlightStays":   testEventInFlightStays,
		"EventIsWhole":         testEventIsWhole,
		"EventsAreListedApart": testEventsAreListedApart,
		"ListByAccount":        testListByAccount,
		"SubjectFromBeginning": testSubjectFromBeginning,
		"ExportSourcesInPages": testExportSourcesInPages,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
	t.Run("Travel", func(t *testing.T) {
		t.Parallel()
		TestTravel(t, open(t), open(t))
	})
	t.Run("Identity", func(t *testing.T) {
		t.Parallel()
		testIdentity(t, open(t), open(t))
	})
	t.Run("Record", func(t *testing.T) {
		t.Parallel()
		testRecord(t, open(t), open(t))
	})
}

// start is when the suite's first message is received.
func start() time.Time { return time.Date(2026, 2, 12, 10, 30, 0, 0, time.UTC) }

const owner = "node-1"

// newMessage makes the n-th message of a test, received n seconds after start,
// for the named endpoints of tenant acme.
func newMessage(n int, endpoints ...string) store.NewMessage {
	at := start().Add(time.Duration(n) * time.Second)
	m := store.NewMessage{
		ID: mail.NewMessageID(at),
		Envelope: mail.Envelope{
			ReversePath: fmt.Sprintf("sender%d@example.com", n),
			SMTPUTF8:    n%2 == 1,
			Session:     mail.Session{Listener: "mx", HELO: "client.example", RemoteIP: netip.MustParseAddr("2001:db8::1"), TLS: "TLS 1.3"},
		},
		ReceivedAt: at,
		Size:       int64(1000 + n),
		SHA256:     fmt.Sprintf("%064d", n),
		Body:       mail.BodyRef(fmt.Sprintf("file:%d", n)),
		TraceField: "Received: from client.example\r\n",
		Steps:      []mail.Step{{At: at, Name: "received", Duration: time.Second, Detail: "over SMTP"}},
	}
	for _, e := range endpoints {
		m.Deliveries = append(m.Deliveries, store.NewDelivery{
			Endpoint: store.Endpoint{Tenant: "acme", Name: e}, Alias: "support", Recipient: "support@acme.test", DueAt: at,
			Retention: store.Retention{ExpiresAt: at.Add(24 * time.Hour)},
		})
	}
	return m
}

func enqueue(t *testing.T, s store.Store, messages ...store.NewMessage) {
	t.Helper()
	if err := s.Enqueue(t.Context(), messages); err != nil {
		t.Fatal(err)
	}
}

// claim leases all that is due a minute after start, up to limit for each of
// the named endpoints.
func claim(t *testing.T, s store.Store, limit int, endpoints ...string) []store.Job {
	t.Helper()
	return claimAt(t, s, start().Add(time.Minute), limit, endpoints...)
}

func claimAt(t *testing.T, s store.Store, now time.Time, limit int, endpoints ...string) []store.Job {
	t.Helper()
	c := store.Claim{Owner: owner, Now: now, Until: now.Add(time.Minute)}
	for _, e := range endpoints {
		c.Quotas = append(c.Quotas, store.Quota{Endpoint: store.Endpoint{Tenant: "acme", Name: e}, Max: limit})
	}
	jobs, err := s.Claim(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return jobs
}

func finish(t *testing.T, s store.Store, wantLate int, results ...store.Result) {
	t.Helper()
	recorded, err := s.Finish(t.Context(), results)
	if err != nil {
		t.Fatal(err)
	}
	if len(recorded) != len(results) {
		t.Fatalf("Finish says of %d results whether they were recorded, not of %d", len(recorded), len(results))
	}
	late := 0
	for _, ok := range recorded {
		if !ok {
			late++
		}
	}
	if late != wantLate {
		t.Errorf("late results = %d, want %d", late, wantLate)
	}
}

func get(t *testing.T, s store.Store, id mail.MessageID) store.Message {
	t.Helper()
	m, err := s.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func attempt(n, code int, reason string) *mail.Attempt {
	return &mail.Attempt{Number: n, At: start().Add(time.Minute), Duration: 20 * time.Millisecond, Code: code, Reason: reason, Response: []byte("body")}
}

// wantLive expects that a message refers to a body, or with an empty one to none.
func wantLive(t *testing.T, s store.Store, id mail.MessageID, want mail.BodyRef) {
	t.Helper()
	live, err := s.LiveBodies(t.Context(), []mail.MessageID{mail.NewMessageID(start()), id})
	if err != nil || live[id] != want || len(live) > 1 {
		t.Errorf("LiveBodies = %v, %v; want %q of %s", live, err, want, id)
	}
}

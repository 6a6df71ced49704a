package dispatch_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/payload/schema/schematest"
)

// TestStop stops the dispatcher while attempts are under way: those are finished
// and recorded, and nothing else is begun.
func TestStop(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, g *gateway) {
		desk := g.network.endpoint(t, "desk", takes(10*time.Second))
		id := g.backlog("desk", 7)
		run := g.start(3, rooms{"desk": 3})
		began := time.Now()
		time.Sleep(4 * time.Second)
		run.stopDispatch()
		synctest.Wait()
		select {
		case <-run.dispatched:
			t.Fatal("Run returned while attempts were under way")
		default:
		}
		<-run.dispatched
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("Run returned after %s, want with the attempts' end", took)
		}
		// Recorded before Run returned, not only by what stop does.
		for i, d := range g.deliveries(id) {
			want := mail.Queued
			if i < 3 {
				want = mail.Delivered
			}
			if d.State != want || d.InFlight || len(d.Tries) != d.Attempts || (d.Attempts == 1) != (i < 3) {
				t.Errorf("delivery %d = %+v, want %s", i+1, d, want)
			}
		}
		run.stop()

		g.restart()
		g.start(3, rooms{"desk": 3})
		time.Sleep(time.Minute)
		synctest.Wait()
		var want []mail.DeliveryID
		for n := range 7 {
			want = append(want, id.Delivery(n+1))
		}
		if diff := cmp.Diff(want, slices.Sorted(slices.Values(desk.ids()))); diff != "" {
			t.Errorf("requests of both processes (-want +got):\n%s", diff)
		}
	})
}

// TestStopWhileNothingAnswers waits for the client's timeout, not for ever.
func TestStopWhileNothingAnswers(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, g *gateway) {
		g.network.endpoint(t, "desk", takes(time.Hour))
		id := g.receive("desk")
		run := g.start(3, rooms{"desk": 3})
		began := time.Now()
		synctest.Wait()
		run.stop()
		if took := time.Since(began); took != 30*time.Second {
			t.Errorf("the stop took %s, want 30s", took)
		}
		if d := g.delivery(id); d.State != mail.Retrying || len(d.Tries) != 1 || d.InFlight {
			t.Errorf("delivery = %+v", d)
		}
	})
}

func TestStoppedBeforeItStarts(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, g *gateway) {
		desk := g.network.endpoint(t, "desk", status(200))
		id := g.receive("desk")
		run := g.start(3, rooms{"desk": 3})
		run.stopDispatch() // before the goroutine of Run had its turn, or while it claims
		run.stop()
		d := g.delivery(id)
		if d.InFlight || len(desk.got()) != len(d.Tries) || (d.State == mail.Delivered) != (len(d.Tries) == 1) {
			t.Errorf("delivery = %+v after %d requests", d, len(desk.got()))
		}
	})
}

// TestStoppedWhileStoreFails cannot record what it did. It does not wait for the
// store to recover; the lease is given back, and the attempt made again, under
// the same id and with the same bytes.
func TestStoppedWhileStoreFails(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, g *gateway) {
		desk := g.network.endpoint(t, "desk", status(200))
		id := g.receive("desk")
		g.store.fail(time.Hour, "Finish")
		run := g.start(3, rooms{"desk": 3})
		time.Sleep(5500 * time.Millisecond)
		if d := g.delivery(id); !d.InFlight || d.State != mail.Queued {
			t.Errorf("delivery before the stop = %+v", d)
		}
		began := time.Now()
		run.stop()
		if took := time.Since(began); took != 0 {
			t.Errorf("the stop took %s", took)
		}
		if d := g.delivery(id); d.InFlight || d.State != mail.Queued || d.Attempts != 0 {
			t.Errorf("delivery after the stop = %+v", d)
		}

		g.restart()
		g.start(3, rooms{"desk": 3})
		if d := g.delivery(id); d.State != mail.Delivered || len(d.Tries) != 1 {
			t.Errorf("delivery = %+v", d)
		}
		if calls := desk.got(); len(calls) != 2 || calls[0].ID != calls[1].ID || calls[0].Body != calls[1].Body {
			t.Errorf("requests = %+v", calls)
		}
	})
}

// TestReleaseGivesBack has a delivery that was claimed and never begun.
func TestReleaseGivesBack(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, g *gateway) {
		g.network.endpoint(t, "desk", status(200))
		id := g.receive("desk")
		g.claim("desk", 1)
		run := g.start(3, rooms{"desk": 3})
		time.Sleep(5 * time.Minute)
		if d := g.delivery(id); !d.InFlight || d.Attempts != 0 {
			t.Errorf("a delivery that another holds = %+v", d)
		}
		run.stop()
		g.start(3, rooms{"desk": 3})
		if d := g.delivery(id); d.State != mail.Delivered {
			t.Errorf("delivery = %+v", d)
		}
	})
}

// TestDocumentOutlivesProcess has three processes, one after the other, make the
// attempts of one delivery. All send the bytes that the first made.
func TestDocumentOutlivesProcess(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, g *gateway) {
		desk := g.network.endpoint(t, "desk", says(status(500), status(500), status(200)))
		id := g.receive("desk")
		var documents []string
		for range 3 {
			run := g.start(2, rooms{"desk": 1})
			time.Sleep(time.Minute / 2)
			documents = append(documents, g.document(id))
			run.stop()
			g.restart()
			time.Sleep(10 * time.Minute)
		}
		if d := g.delivery(id); d.State != mail.Delivered || len(d.Tries) != 3 || len(d.Steps) != 1 {
			t.Errorf("delivery = %+v", d)
		}
		if documents[0] == "" || documents[1] != documents[0] || documents[2] != documents[0] {
			t.Errorf("documents = %q", documents)
		}
		calls := desk.got()
		if len(calls) != 3 {
			t.Fatalf("%d requests, want 3", len(calls))
		}
		for _, c := range calls[1:] {
			if c.ID != calls[0].ID || c.Body != calls[0].Body || c.Timestamp == calls[0].Timestamp {
				t.Errorf("request = %+v, want the bytes and id of %+v at another time", c, calls[0])
			}
		}
	})
}

// TestStoredDocumentIsSent tells the stored document from one that is made anew:
// it says what this mail does not.
func TestStoredDocumentIsSent(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, g *gateway) {
		desk := g.network.endpoint(t, "desk", says(status(500), status(200)))
		desk.form = schematest.Compile(t, schematest.Shaped)
		id := g.receive("desk")
		const document = `{"parts":[{"offset":0,"length":5}],"root":{"made":"before","first":{"$part":0}}}`
		g.firstAttempt("desk", document)
		g.start(2, rooms{"desk": 1})
		time.Sleep(g.span())
		if d := g.delivery(id); d.State != mail.Delivered || len(d.Tries) != 3 {
			t.Errorf("delivery = %+v", d)
		}
		// The part is streamed from the raw message, which begins with "From:".
		const want = `{"made":"before","first":{"content":"RnJvbTo="}}`
		for i, c := range desk.got() {
			if c.Body != want {
				t.Errorf("request %d = %s", i+1, c.Body)
			}
		}
		if got := g.document(id); got != document {
			t.Errorf("the document became %s", got)
		}
	})
}

// TestFinishFails has the store refuse results for longer than a lease lasts.
// The attempt is recorded when it can be, is not made twice, and nothing is begun
// meanwhile.
func TestFinishFails(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		codes  []int // of the attempts, once the store has recovered
	}{
		"after a success": {status(200), []int{200}},
		// The second attempt is late by then, and made at once.
		"after a failure": {says(status(500), status(200)), []int{500, 200}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, g *gateway) {
				desk := g.network.endpoint(t, "desk", tc.answer)
				first := g.receive("desk")
				began := time.Now()
				g.store.fail(95*time.Second, "Finish")
				g.start(1, rooms{"desk": 1})

				time.Sleep(10 * time.Second)
				second := g.receive("desk")
				time.Sleep(84 * time.Second)
				if d := g.delivery(first); d.State != mail.Queued || !d.InFlight {
					t.Errorf("delivery while the store fails = %+v", d)
				}
				if n := len(desk.got()); n != 1 {
					t.Errorf("%d requests while the store fails, want 1", n)
				}
				time.Sleep(2 * time.Second)
				d := g.delivery(first)
				var codes []int
				for _, a := range d.Tries {
					codes = append(codes, a.Code)
				}
				if diff := cmp.Diff(tc.codes, codes); diff != "" {
					t.Fatalf("delivery after the store recovered = %+v; codes (-want +got):\n%s", d, diff)
				}
				// Recorded is the attempt, not the time at which it could be.
				if a := d.Tries[0]; !a.At.Equal(began.Truncate(time.Millisecond)) || a.Duration != 0 || d.State != mail.Delivered {
					t.Errorf("delivery after the store recovered = %+v", d)
				}
				if n := g.store.failures("Finish"); n != 95 {
					t.Errorf("Finish was tried %d times in 95 s, want once in a second", n)
				}
				if d := g.delivery(second); d.State != mail.Delivered || len(d.Tries) != 1 {
					t.Errorf("second delivery = %+v", d)
				}
				if n := len(desk.got()); n != len(tc.codes)+1 {
					t.Errorf("%d requests, want %d", n, len(tc.codes)+1)
				}
			})
		})
	}
}

// TestStoreFails has all of the store fail for a while, which begins while an
// attempt is under way. Nothing is lost or made twice, and the store is not asked
// in a tight loop.
func TestStoreFails(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, g *gateway) {
		desk := g.network.endpoint(t, "desk", takes(5*time.Second))
		id := g.backlog("desk", 6)
		g.start(2, rooms{"desk": 2})
		time.Sleep(time.Second)
		g.store.fail(10*time.Minute, "Waiting", "Claim", "Finish", "Extend", "Reap")
		time.Sleep(10*time.Minute - time.Second)
		if n := len(desk.got()); n != 2 {
			t.Errorf("%d requests while the store fails, want 2", n)
		}
		if n := g.store.failures("Waiting"); n > 610 {
			t.Errorf("the store was asked %d times in 10 minutes", n)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		for _, d := range g.deliveries(id) {
			if d.State != mail.Delivered || len(d.Tries) != 1 {
				t.Errorf("delivery = %+v", d)
			}
		}
		if n := len(desk.got()); n != 6 {
			t.Errorf("%d requests, want 6", n)
		}
	})
}

// TestClaimFails has mail coming in, and workers, but nothing can be claimed. It
// is tried again once in a second, however much comes in.
func TestClaimFails(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"Waiting", "Claim"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, g *gateway) {
				g.network.endpoint(t, "desk", status(200))
				g.store.fail(time.Minute, method)
				run := g.start(2, rooms{"desk": 2})
				var ids []mail.MessageID
				for range 100 {
					ids = append(ids, g.receive("desk"))
					time.Sleep(10 * time.Millisecond)
				}
				time.Sleep(58500 * time.Millisecond)
				if n := g.store.failures(method); n < 50 || n > 62 {
					t.Errorf("%s was tried %d times in a minute", method, n)
				}
				if d := g.delivery(ids[0]); d.State != mail.Queued {
					t.Errorf("delivery = %+v", d)
				}
				time.Sleep(2 * time.Second)
				for _, id := range ids {
					if d := g.delivery(id); d.State != mail.Delivered {
						t.Errorf("delivery = %+v", d)
					}
				}
				run.stop()
				if !strings.Contains(g.log.String(), `deliveries could not be claimed: error="disk is on strike"`) {
					t.Error("the log does not say so")
				}
			})
		})
	}
}

// TestLostLease has an operator, or another node, give a lease back while its
// attempt is under way. The result comes too late and changes nothing; the
// attempt is made again.
func TestLostLease(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, g *gateway) {
		desk := g.network.endpoint(t, "desk", takes(10*time.Second))
		id := g.receive("desk")
		g.start(1, rooms{"desk": 1})
		time.Sleep(time.Second)
		must(t, g.queue.Release(t.Context()))
		time.Sleep(time.Minute)
		if d := g.delivery(id); d.State != mail.Delivered || len(d.Tries) != 1 || len(desk.got()) != 2 {
			t.Errorf("delivery = %+v after %d requests", d, len(desk.got()))
		}
	})
}

package webhook

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
)

// TestConnectionsAreKept has an endpoint take as many attempts at a time as its settings
// may ask for, again and again: the connections of the first time do for all.
func TestConnectionsAreKept(t *testing.T) {
	t.Parallel()
	const atOnce, rounds = 64, 3
	var opened atomic.Int32
	var arrived sync.WaitGroup
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		arrived.Done()
		arrived.Wait() // all of a round are under way at the same time
	}))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	srv.Start()
	t.Cleanup(srv.Close)
	client := newClient(t, Config{})
	for range rounds {
		arrived.Add(atOnce)
		var sent sync.WaitGroup
		for range atOnce {
			sent.Go(func() {
				if got := client.Send(t.Context(), request(t, srv.URL, []byte("{}"))); !got.Delivered {
					t.Errorf("result = %+v", got)
				}
			})
		}
		sent.Wait()
	}
	// An attempt that begins before the connection of one that has just ended is free may
	// open another; but not one for each.
	if n := opened.Load(); n >= 2*atOnce {
		t.Errorf("%d connections for %d attempts at a time", n, atOnce)
	}
}

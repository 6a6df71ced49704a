package webhook

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// impure returns a Render that writes other things in its later runs.
func impure(first, later string, err error) func(io.Writer) error {
	var runs atomic.Int32
	return func(w io.Writer) error {
		if runs.Add(1) == 1 {
			_, err := io.WriteString(w, first)
			return err
		}
		_, _ = io.WriteString(w, later)
		return err
	}
}

// TestPayloadThatChanges holds that no endpoint takes a payload for complete
// that is not the one that was signed.
func TestPayloadThatChanges(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", smallPayload+bodyBuffer)
	gone := errors.New("read body 7: gone")
	for name, tc := range map[string]struct {
		first, later string
		err          error
		reason       string
	}{
		"fails at the start": {long, "", gone, "render: read body 7: gone"},
		"fails on its way":   {long, long[1:], gone, "render: read body 7: gone"},
		"fails at its end":   {long, long, gone, "render: read body 7: gone"},
		"shorter":            {long, long[1:], nil, "render: the second run wrote 98303 octets, the first 98304"},
		"nothing":            {long, "", nil, "render: the second run wrote 0 octets, the first 98304"},
		"much longer":        {long, long + long, nil, "render: the second run wrote more than the 98304 octets of the first"},
		"one octet longer":   {long, long + "x", nil, "render: the second run wrote more than the 98304 octets of the first"},
		"another octet":      {long + "1", long + "2", nil, "render: the second run wrote other octets than the first"},
		"other at the start": {"a" + long, "b" + long, nil, "render: the second run wrote other octets than the first"},
	} {
		for _, http2 := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				srv, pool := newTLSServer(t, http2, func(_ http.ResponseWriter, r *http.Request) {
					if payload, err := io.ReadAll(r.Body); err == nil {
						t.Errorf("the endpoint took %d octets for the payload", len(payload))
					}
				})
				req := request(t, srv.URL, nil)
				req.Render = impure(tc.first, tc.later, tc.err)
				got := newClient(t, Config{RootCAs: pool}).Send(t.Context(), req)
				if got.Delivered || got.Code != 0 || got.Reason != tc.reason {
					t.Errorf("result = %+v, want %q", got, tc.reason)
				}
			})
		}
	}
}

func TestFirstRunFails(t *testing.T) {
	t.Parallel()
	srv := newServer(t, func(http.ResponseWriter, *http.Request) { t.Error("the request arrived") })
	client := newClient(t, Config{})
	for reason, run := range map[string]func(io.Writer) error{
		"render: open body 7: gone":    func(io.Writer) error { return errors.New("open body 7: gone") },
		"render: the payload is empty": render(nil),
	} {
		req := request(t, srv.URL, nil)
		req.Render = run
		if got := client.Send(t.Context(), req); got.Delivered || got.Reason != reason {
			t.Errorf("result = %+v, want %q", got, reason)
		}
	}
}

// TestSecondRunPanics holds that a panic in the goroutine that writes the payload
// ends the attempt and not the process.
func TestSecondRunPanics(t *testing.T) {
	t.Parallel()
	srv := newServer(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	req := request(t, srv.URL, nil)
	runs := 0
	req.Render = func(w io.Writer) error {
		if runs++; runs > 1 {
			panic("out of range")
		}
		_, err := w.Write(make([]byte, smallPayload+1))
		return err
	}
	got := newClient(t, Config{AllowHTTP: true}).Send(t.Context(), req)
	if got.Delivered || got.Reason != "render: panic in the second run: out of range" {
		t.Errorf("result = %+v", got)
	}
}

func TestRenderOfOddPieces(t *testing.T) {
	t.Parallel()
	for _, size := range []int{bodyBuffer, smallPayload, smallPayload + 1, smallPayload + 2*bodyBuffer} {
		testOddPieces(t, bytes.Repeat([]byte("01234567"), size)[:size])
	}
}

func testOddPieces(t *testing.T, payload []byte) {
	t.Helper()
	srv := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		got, err := verify(r)
		if err != nil || !bytes.Equal(got, payload) {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	client := newClient(t, Config{})
	for _, piece := range []int{1, 7, bodyBuffer - 1, bodyBuffer, bodyBuffer + 1, len(payload) - 1, len(payload)} {
		req := request(t, srv.URL, nil)
		req.Render = func(w io.Writer) error {
			for rest := payload; len(rest) > 0; {
				n := min(piece, len(rest))
				if _, err := w.Write(rest[:n]); err != nil {
					return err
				}
				_, _ = w.Write(nil) // an empty write changes nothing
				rest = rest[n:]
			}
			return nil
		}
		if got := client.Send(t.Context(), req); !got.Delivered {
			t.Errorf("pieces of %d: result = %+v", piece, got)
		}
	}
}

// TestSmallPayloadCostsOneRun holds that a payload is rendered again only where it is too
// large to be kept.
func TestSmallPayloadCostsOneRun(t *testing.T) {
	t.Parallel()
	srv := newServer(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	client := newClient(t, Config{})
	for size, want := range map[int]int32{1: 1, smallPayload: 1, smallPayload + 1: 2} {
		var runs atomic.Int32
		req := request(t, srv.URL, nil)
		req.Render = func(w io.Writer) error {
			runs.Add(1)
			return render(make([]byte, size))(w)
		}
		if got := client.Send(t.Context(), req); !got.Delivered || runs.Load() != want {
			t.Errorf("%d octets: result = %+v after %d runs, want %d", size, got, runs.Load(), want)
		}
	}
}

// TestUnreachableEndpointCostsOneRun holds that the second run waits for a
// connection.
func TestUnreachableEndpointCostsOneRun(t *testing.T) {
	t.Parallel()
	var runs atomic.Int32
	client := New(Config{AllowHTTP: true})
	t.Cleanup(client.Close)
	req := request(t, "http://127.0.0.1/", nil)
	req.Render = func(w io.Writer) error {
		runs.Add(1)
		return render(make([]byte, smallPayload+1))(w)
	}
	if got := client.Send(t.Context(), req); !strings.HasPrefix(got.Reason, "blocked_address: ") {
		t.Errorf("result = %+v", got)
	}
	if n := runs.Load(); n != 1 {
		t.Errorf("rendered %d times", n)
	}
}

package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
)

// Bodies is what every body store can do.
type Bodies interface {
	Put(ctx context.Context, id mail.MessageID, expires time.Time, r io.Reader) (mail.BodyRef, error)
	Open(ctx context.Context, ref mail.BodyRef) (mail.Body, error)
	Delete(ctx context.Context, ref mail.BodyRef) error
}

// TestBodies runs the suite for body stores.
func TestBodies(t *testing.T, open func(t *testing.T) Bodies) {
	t.Helper()
	t.Run("RoundTrip", func(t *testing.T) { t.Parallel(); testBodiesRoundTrip(t, open(t)) })
	t.Run("Delete", func(t *testing.T) { t.Parallel(); testBodiesDelete(t, open(t)) })
	t.Run("Concurrent", func(t *testing.T) { t.Parallel(); testBodiesConcurrent(t, open(t)) })
	t.Run("Cancelled", func(t *testing.T) { t.Parallel(); testBodiesCancelled(t, open(t)) })
	t.Run("BadID", func(t *testing.T) { t.Parallel(); testBodiesBadID(t, open(t)) })
}

// later is when the bodies of the suite expire.
func later() time.Time { return time.Now().Add(time.Hour) }

// content makes the same pseudo-random octets for the same seed.
func content(seed uint64, size int) []byte {
	b := make([]byte, size)
	rng := rand.New(rand.NewPCG(seed, seed)) //nolint:gosec // test data
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

func putBody(t *testing.T, bodies Bodies, b []byte) mail.BodyRef {
	t.Helper()
	ref, err := bodies.Put(t.Context(), mail.NewMessageID(time.Now()), later(), bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func checkBody(bodies Bodies, ref mail.BodyRef, want []byte) error {
	body, err := bodies.Open(context.Background(), ref)
	if err != nil {
		return err
	}
	defer body.Close()
	got, err := io.ReadAll(io.NewSectionReader(body, 0, body.Size()))
	if err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("body has %d octets that differ from the %d stored", len(got), len(want))
	}
	return nil
}

func testBodiesRoundTrip(t *testing.T, bodies Bodies) {
	for i, size := range []int{0, 1, 4 << 10, 256<<10 - 1, 256 << 10, 256<<10 + 1, 3 << 20} {
		want := content(uint64(i), size)
		if err := checkBody(bodies, putBody(t, bodies, want), want); err != nil {
			t.Errorf("%d octets: %v", size, err)
		}
	}
}

func testBodiesDelete(t *testing.T, bodies Bodies) {
	gone, kept := putBody(t, bodies, []byte("gone")), putBody(t, bodies, []byte("kept"))
	for range 2 { // deleting again is no error
		if err := bodies.Delete(t.Context(), gone); err != nil {
			t.Error(err)
		}
	}
	if err := checkBody(bodies, gone, []byte("gone")); err == nil {
		t.Error("a deleted body can be read")
	}
	if err := checkBody(bodies, kept, []byte("kept")); err != nil {
		t.Error(err)
	}
}

func testBodiesConcurrent(t *testing.T, bodies Bodies) {
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			want := content(uint64(i), 1000*i)
			ref, err := bodies.Put(t.Context(), mail.NewMessageID(time.Now()), later(), bytes.NewReader(want))
			if err == nil {
				err = checkBody(bodies, ref, want)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func testBodiesCancelled(t *testing.T, bodies Bodies) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := bodies.Put(ctx, mail.NewMessageID(time.Now()), later(), bytes.NewReader([]byte("x"))); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want context.Canceled", err)
	}
}

func testBodiesBadID(t *testing.T, bodies Bodies) {
	for _, id := range []mail.MessageID{"", "../../x", "msg_1"} {
		if _, err := bodies.Put(t.Context(), id, later(), bytes.NewReader(nil)); err == nil {
			t.Errorf("Put(%q) succeeded", id)
		}
	}
}

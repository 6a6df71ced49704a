// Package spooltest holds what every store of bodies must pass, also where calls of
// its disk or its network fail. The tests of an implementation call it with functions that open one.
package spooltest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/spool"
)

// Suite says how the store under test is handled.
type Suite struct {
	// Open opens the store that is kept at a place, as a new process does. A place is a
	// folder that is empty at first; a store that is not on the disk may take it for a name.
	Open func(t *testing.T, place string) (store spool.Store, closed func() error)
	// Limit is the size of the largest body, in octets; 0 for none.
	Limit int
	// Alter changes the stored octets of a body behind the store's back: to others of the
	// same number, or to fewer. It removes the body where change returns nil.
	Alter func(t *testing.T, place string, ref mail.BodyRef, change func([]byte) []byte)
	// Age lets all that is stored be from days ago. It is nil for a store that sweeps
	// what is fresh, too.
	Age func(t *testing.T, place string)
}

// Test runs the suite.
func (s Suite) Test(t *testing.T) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, *fixture){
		"RoundTrip":    testRoundTrip,
		"PutAgain":     testPutAgain,
		"Delete":       testDelete,
		"Concurrent":   testConcurrent,
		"Cancelled":    testCancelled,
		"ReaderFails":  testReaderFails,
		"BadID":        testBadID,
		"Strangers":    testStrangers,
		"Damage":       testDamage,
		"Sweep":        testSweep,
		"SweepBatches": testSweepBatches,
		"SweepFails":   testSweepFails,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fixture{suite: s, place: t.TempDir()}
			f.reopen(t)
			t.Cleanup(func() {
				if err := f.closed(); err != nil {
					t.Error(err)
				}
			})
			test(t, f)
		})
	}
}

// fixture is a store at a place.
type fixture struct {
	spool.Store
	suite  Suite
	place  string
	closed func() error
}

// reopen opens the store as the next process does.
func (f *fixture) reopen(t *testing.T) {
	t.Helper()
	if f.closed != nil {
		if err := f.closed(); err != nil {
			t.Fatal(err)
		}
	}
	f.Store, f.closed = f.suite.Open(t, f.place)
}

// later is when the bodies of the suite expire.
func later() time.Time { return time.Now().Add(time.Hour) }

// Content makes the same pseudo-random octets for the same seed.
func Content(seed uint64, size int) []byte {
	b := make([]byte, size)
	rng := rand.New(rand.NewPCG(seed, seed)) //nolint:gosec // test data
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

// stored is a body that was put.
type stored struct {
	id     mail.MessageID
	ref    mail.BodyRef
	octets []byte
}

func put(ctx context.Context, bodies spool.Store, octets []byte) (stored, error) {
	s := stored{id: mail.NewMessageID(time.Now()), octets: octets}
	var err error
	s.ref, err = bodies.Put(ctx, s.id, later(), bytes.NewReader(octets))
	return s, err
}

func (f *fixture) put(t *testing.T, octets []byte) stored {
	t.Helper()
	s, err := put(t.Context(), f.Store, octets)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// check reads a body.
func (s stored) check(bodies spool.Store) error {
	body, err := bodies.Open(context.Background(), s.ref)
	if err != nil {
		return err
	}
	defer body.Close()
	got, err := io.ReadAll(io.NewSectionReader(body, 0, body.Size()))
	if err != nil {
		return err
	}
	if !bytes.Equal(got, s.octets) {
		return fmt.Errorf("body has %d octets that differ from the %d stored", len(got), len(s.octets))
	}
	return nil
}

// sizes are those at which something may change.
func (f *fixture) sizes() []int {
	list := []int{0, 1, 4 << 10, 64<<10 - 1, 64 << 10, 64<<10 + 1, spool.SmallBody - 1, spool.SmallBody}
	if f.suite.Limit == 0 {
		list = append(list, spool.SmallBody+1, 3<<20)
	}
	return list
}

// testPutAgain puts bodies that an earlier process has put and come no further with, as a copy
// of a store does that goes on.
func testPutAgain(t *testing.T, f *fixture) {
	known := make(rows)
	var all []stored
	for i, size := range f.sizes() {
		s := f.put(t, Content(uint64(i), size))
		all = append(all, s)
	}
	for range 2 {
		f.reopen(t)
		for i, s := range all {
			ref, err := f.Put(t.Context(), s.id, later(), bytes.NewReader(s.octets))
			if err != nil {
				t.Fatalf("a body of %d octets: %v", len(s.octets), err)
			}
			all[i].ref, known[s.id] = ref, ref
		}
	}
	f.reopen(t)
	if f.suite.Age != nil {
		f.suite.Age(t, f.place)
	}
	if _, err := f.Sweep(t.Context(), known.live); err != nil {
		t.Error(err)
	}
	for _, s := range all {
		if err := s.check(f); err != nil {
			t.Errorf("a body of %d octets: %v", len(s.octets), err)
		}
	}
}

func testRoundTrip(t *testing.T, f *fixture) {
	var all []stored
	for i, size := range f.sizes() {
		all = append(all, f.put(t, Content(uint64(i), size)))
	}
	for range 2 {
		for _, s := range all {
			if err := s.check(f); err != nil {
				t.Errorf("%d octets: %v", len(s.octets), err)
			}
		}
		f.reopen(t)
	}
	if f.suite.Limit > 0 {
		if _, err := put(t.Context(), f, make([]byte, f.suite.Limit+1)); err == nil {
			t.Errorf("a body of more than %d octets was taken", f.suite.Limit)
		}
	}
}

func testDelete(t *testing.T, f *fixture) {
	for _, octets := range [][]byte{nil, []byte("gone"), Content(1, 20<<10)} {
		gone, kept := f.put(t, octets), f.put(t, []byte("kept"))
		for range 2 { // deleting again is no error
			if err := f.Delete(t.Context(), gone.ref); err != nil {
				t.Error(err)
			}
		}
		if err := gone.check(f); !errors.Is(err, spool.ErrDamaged) {
			t.Errorf("a deleted body of %d octets: error = %v, want ErrDamaged", len(octets), err)
		}
		if err := kept.check(f); err != nil {
			t.Error(err)
		}
		f.reopen(t)
		if err := kept.check(f); err != nil {
			t.Error(err)
		}
		for _, s := range []stored{gone, kept, kept} {
			if err := f.Delete(t.Context(), s.ref); err != nil {
				t.Errorf("deleting a body of an earlier process: %v", err)
			}
		}
		if err := kept.check(f); !errors.Is(err, spool.ErrDamaged) {
			t.Errorf("a deleted body of an earlier process: error = %v, want ErrDamaged", err)
		}
	}
}

func testConcurrent(t *testing.T, f *fixture) {
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			for round := range 3 {
				s, err := put(t.Context(), f, Content(uint64(i), 1000*i))
				if err == nil {
					err = s.check(f)
				}
				if err == nil && round == 1 {
					err = f.Delete(t.Context(), s.ref)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func testCancelled(t *testing.T, f *fixture) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := put(ctx, f, []byte("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want context.Canceled", err)
	}
	f.checkNothingLeft(t)
}

// checkNothingLeft holds that the next process has nothing to sweep.
func (f *fixture) checkNothingLeft(t *testing.T) {
	t.Helper()
	f.reopen(t)
	if f.suite.Age != nil {
		f.suite.Age(t, f.place)
	}
	none := func(context.Context, []mail.MessageID) (map[mail.MessageID]mail.BodyRef, error) { return nil, nil }
	if n, err := f.Sweep(t.Context(), none); n != 0 || err != nil {
		t.Errorf("a sweep removed %d bodies that should not be there: %v", n, err)
	}
}

func testReaderFails(t *testing.T, f *fixture) {
	gone := errors.New("client is gone")
	for _, err := range []error{gone, fmt.Errorf("%w: %w", gone, io.EOF), io.ErrUnexpectedEOF} {
		for _, size := range f.sizes() {
			r := io.MultiReader(bytes.NewReader(make([]byte, size)), iotest.ErrReader(err))
			if ref, got := f.Put(t.Context(), mail.NewMessageID(time.Now()), later(), r); !errors.Is(got, err) {
				t.Errorf("Put of a reader that fails after %d octets = %q, %v; want %v", size, ref, got, err)
			}
		}
	}
	f.checkNothingLeft(t)
}

func testBadID(t *testing.T, f *fixture) {
	for _, id := range []mail.MessageID{"", "../../x", "msg_1", mail.MessageID(mail.NewMessageID(time.Now()).Delivery(1))} {
		if _, err := f.Put(t.Context(), id, later(), bytes.NewReader(nil)); err == nil {
			t.Errorf("Put(%q) succeeded", id)
		}
	}
}

// testStrangers holds that a store does not take references of others for its own.
func testStrangers(t *testing.T, f *fixture) {
	own := f.put(t, []byte("octets"))
	refs := []mail.BodyRef{"", ":", "x:y:1:00000000", "file", "seg", "s3", "pg", own.ref + ":more", own.ref[1:]}
	for _, ref := range refs {
		if body, err := f.Open(t.Context(), ref); err == nil {
			_ = body.Close()
			t.Errorf("Open(%q) succeeded", ref)
		}
		if err := f.Delete(t.Context(), ref); err == nil {
			t.Errorf("Delete(%q) succeeded", ref)
		}
	}
	if _, err := f.Open(t.Context(), "x:y:1:00000000"); !errors.Is(err, spool.ErrForeign) {
		t.Errorf("error = %v, want ErrForeign", err)
	}
	if err := own.check(f); err != nil {
		t.Error(err)
	}
}

func testDamage(t *testing.T, f *fixture) {
	flip := func(at int) func([]byte) []byte {
		return func(b []byte) []byte {
			b[(at+len(b))%len(b)] ^= 1
			return b
		}
	}
	for name, change := range map[string]func([]byte) []byte{
		"first octet": flip(0), "some octet": flip(1000), "last octet": flip(-1),
		"cut":     func(b []byte) []byte { return b[:len(b)/2] },
		"emptied": func(b []byte) []byte { return b[:0] },
		"zeroed":  func(b []byte) []byte { return make([]byte, len(b)) },
		"missing": func([]byte) []byte { return nil },
	} {
		for _, size := range f.sizes()[2:] {
			s := f.put(t, Content(uint64(size), size))
			f.reopen(t) // what is altered is nothing that is written at the same time
			f.suite.Alter(t, f.place, s.ref, change)
			if err := s.check(f); !errors.Is(err, spool.ErrDamaged) {
				t.Errorf("%s of %d octets: error = %v, want ErrDamaged", name, size, err)
			}
		}
	}
}

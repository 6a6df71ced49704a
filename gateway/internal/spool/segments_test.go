package spool_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/spool"
	"github.com/postern-mail/postern/gateway/internal/spool/spooltest"
)

// headerSize is that of a record's header.
const headerSize = 64

// segmentsSuite is the suite for Segments.
func segmentsSuite() spooltest.Suite {
	return spooltest.Suite{
		Limit: spool.SmallBody,
		Open: func(t *testing.T, place string) (spool.Store, func() error) {
			t.Helper()
			segments, err := spool.OpenSegments(place)
			if err != nil {
				t.Fatal(err)
			}
			return segments, segments.Close
		},
		Alter: func(t *testing.T, place string, ref mail.BodyRef, change func([]byte) []byte) {
			t.Helper()
			if err := alter(place, ref, change); err != nil {
				t.Fatal(err)
			}
		},
	}
}

// alter changes the octets of a body, or cuts the segment within it, or removes the
// segment.
func alter(dir string, ref mail.BodyRef, change func([]byte) []byte) error {
	name, offset, length := where(dir, ref)
	file, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	octets := make([]byte, length)
	_, err = file.ReadAt(octets, offset+headerSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	octets = change(octets)
	switch {
	case octets == nil:
		err = os.Remove(name)
	case len(octets) < length:
		err = file.Truncate(offset + headerSize + int64(len(octets)))
	default:
		_, err = file.WriteAt(octets, offset+headerSize)
	}
	return errors.Join(err, file.Close())
}

// where takes a reference apart.
func where(dir string, ref mail.BodyRef) (name string, offset int64, length int) {
	fields := strings.Split(string(ref), ":")
	offset, _ = strconv.ParseInt(fields[2], 10, 64)
	length, _ = strconv.Atoi(fields[3])
	return filepath.Join(dir, fields[1]), offset, length
}

func TestSegmentsConform(t *testing.T) {
	t.Parallel()
	segmentsSuite().Test(t)
}

func TestSegmentsFail(t *testing.T) {
	t.Parallel()
	segmentsSuite().TestFailures(t, []int{1, 2}, func(place string, faults *spooltest.Faults) (spool.Store, func() error, error) {
		segments, err := spool.OpenSegmentsOn(place, failing(faults))
		if err != nil {
			return nil, nil, err
		}
		return segments, segments.Close, nil
	})
}

// openSegments opens segments on a disk whose calls may fail, in a folder of their own.
func openSegments(t *testing.T, disk spool.Faulty) (*spool.Segments, string) {
	t.Helper()
	dir := t.TempDir()
	if disk == nil {
		disk = func(_ string, do func() error) error { return do() }
	}
	segments, err := spool.OpenSegmentsOn(dir, disk)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = segments.Close() })
	return segments, dir
}

func segmentFiles(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func putInto(t *testing.T, bodies spool.Store, content string) mail.BodyRef {
	t.Helper()
	ref, err := bodies.Put(t.Context(), newID(), later(), strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func read(bodies spool.Store, ref mail.BodyRef) (string, error) {
	body, err := bodies.Open(context.Background(), ref)
	if err != nil {
		return "", err
	}
	defer body.Close()
	octets, err := io.ReadAll(io.NewSectionReader(body, 0, body.Size()))
	return string(octets), err
}

// eventually waits until something holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// gate is a disk that stops at each sync of a segment until it is let through.
type gate struct {
	arrived, through chan struct{}
	syncs            atomic.Int32
}

func newGate() *gate { return &gate{arrived: make(chan struct{}), through: make(chan struct{})} }

func (g *gate) disk(op string, do func() error) error {
	if op == "datasync" {
		g.syncs.Add(1)
		g.arrived <- struct{}{}
		<-g.through
	}
	return do()
}

// pass lets n syncs through.
func (g *gate) pass(n int) {
	for range n {
		<-g.arrived
		g.through <- struct{}{}
	}
}

// TestPutsAreSyncedTogether holds that what comes while the disk is at work is synced at
// once, and what comes alone waits for nobody.
func TestPutsAreSyncedTogether(t *testing.T) {
	t.Parallel()
	g := newGate()
	segments, _ := openSegments(t, g.disk)
	const others = 50
	var wg sync.WaitGroup
	refs := make([]mail.BodyRef, 1+others)
	put := func(i int) {
		wg.Go(func() { refs[i] = putInto(t, segments, "body "+strconv.Itoa(i)) })
	}
	put(0)
	<-g.arrived // alone
	for i := range others {
		put(1 + i)
	}
	eventually(t, "all others", func() bool { return segments.Pending() == others })
	g.through <- struct{}{}
	g.pass(1)
	wg.Wait()
	if n := g.syncs.Load(); n != 2 {
		t.Errorf("%d bodies took %d syncs, want 2", 1+others, n)
	}
	for i, ref := range refs {
		if got, err := read(segments, ref); err != nil || got != "body "+strconv.Itoa(i) {
			t.Errorf("body %d = %q, %v", i, got, err)
		}
	}
}

// TestPutThatIsGivenUp holds that nothing is written for who does not wait any more.
func TestPutThatIsGivenUp(t *testing.T) {
	t.Parallel()
	g := newGate()
	segments, dir := openSegments(t, g.disk)
	first := make(chan mail.BodyRef, 1)
	go func() { first <- putInto(t, segments, "first") }()
	<-g.arrived
	ctx, cancel := context.WithCancel(t.Context())
	second := make(chan error, 1)
	go func() {
		_, err := segments.Put(ctx, newID(), later(), strings.NewReader("given up"))
		second <- err
	}()
	eventually(t, "the second", func() bool { return segments.Pending() == 1 })
	cancel()
	g.through <- struct{}{}
	if err := <-second; !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want context.Canceled", err)
	}
	if got, err := read(segments, <-first); got != "first" || err != nil {
		t.Errorf("first = %q, %v", got, err)
	}
	if octets, err := os.ReadFile(segmentFiles(t, dir)[0]); err != nil || bytes.Contains(octets, []byte("given up")) {
		t.Errorf("it was written nevertheless: %v", err)
	}
}

// TestPutsWaitForTheDisk holds that no more than a bounded number of octets waits.
func TestPutsWaitForTheDisk(t *testing.T) {
	t.Parallel()
	segments, _ := openSegments(t, nil)
	empty := segments.Fill()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := segments.Put(ctx, newID(), later(), strings.NewReader("x")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error = %v, want context.DeadlineExceeded", err)
	}
	empty()
	putInto(t, segments, "x")
	segments.Fill()() // what was taken was given back
}

func TestPutAfterClose(t *testing.T) {
	t.Parallel()
	segments, dir := openSegments(t, nil)
	putInto(t, segments, "kept")
	if err := segments.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := segments.Put(t.Context(), newID(), later(), strings.NewReader("x")); err == nil {
		t.Error("a body was taken after Close")
	}
	info, err := os.Stat(segmentFiles(t, dir)[0])
	if err != nil || info.Size() != headerSize+int64(len("kept")) {
		t.Errorf("the segment was not cut: %v, %v", info.Size(), err)
	}
}

// TestFailedSegmentTakesNothingMore holds that nobody relies on a file of which the
// kernel has forgotten an error, and that a full disk is not littered.
func TestFailedSegmentTakesNothingMore(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		op   string
		err  error
		want error
	}{
		"full at write":    {"write", syscall.ENOSPC, spool.ErrFull},
		"full at sync":     {"datasync", syscall.ENOSPC, spool.ErrFull},
		"quota":            {"write", syscall.EDQUOT, spool.ErrFull},
		"failing at write": {"write", syscall.EIO, spool.ErrFailing},
		"failing at sync":  {"datasync", syscall.EIO, spool.ErrFailing},
		"read-only":        {"create", syscall.EROFS, spool.ErrFailing},
		"no new segment":   {"create", syscall.ENOSPC, spool.ErrFull},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var broken atomic.Bool
			segments, dir := openSegments(t, func(op string, do func() error) error {
				if op == tc.op && broken.Load() {
					return tc.err
				}
				return do()
			})
			before := ""
			if tc.op != "create" {
				before = string(putInto(t, segments, "before"))
			}
			left := len(segmentFiles(t, dir))
			broken.Store(true)
			for range 3 {
				_, err := segments.Put(t.Context(), newID(), later(), strings.NewReader("refused"))
				if !errors.Is(err, tc.want) || !errors.Is(err, tc.err) || !strings.Contains(err.Error(), dir) {
					t.Errorf("error = %v, want %v", err, tc.want)
				}
			}
			if n := len(segmentFiles(t, dir)); n != left {
				t.Errorf("%d files are left, want %d", n, left)
			}
			broken.Store(false)
			after := putInto(t, segments, "after")
			if before != "" {
				if name, _, _ := where(dir, mail.BodyRef(before)); strings.Contains(string(after), filepath.Base(name)) {
					t.Error("the file that has failed took another body")
				}
				if got, err := read(segments, mail.BodyRef(before)); got != "before" || err != nil {
					t.Errorf("before = %q, %v", got, err)
				}
			}
			if got, err := read(segments, after); got != "after" || err != nil {
				t.Errorf("after = %q, %v", got, err)
			}
		})
	}
}

// TestSegmentsAreBounded holds how long a segment gets, and how many are open.
func TestSegmentsAreBounded(t *testing.T) {
	t.Parallel()
	segments, dir := openSegments(t, nil)
	large := strings.Repeat("x", spool.SmallBody)
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			for range spool.MaxSegment / spool.SmallBody / 10 {
				putInto(t, segments, large)
			}
		})
	}
	wg.Wait()
	for range 10 {
		putInto(t, segments, large)
	}
	names := segmentFiles(t, dir)
	if len(names) != 2 {
		t.Errorf("segments = %v, want 2", names)
	}
	for _, name := range names {
		if info, err := os.Stat(name); err != nil || info.Size() > spool.MaxSegment {
			t.Errorf("%s has %d octets, %v", name, info.Size(), err)
		}
	}
	refs := make(map[int]mail.BodyRef)
	for i := range 2 * spool.MaxOpen {
		ref, err := segments.Put(t.Context(), newID(), time.Now().Add(time.Duration(i)*time.Hour), strings.NewReader(strconv.Itoa(i)))
		if err != nil {
			t.Fatal(err)
		}
		refs[i] = ref
	}
	if n := segments.Appenders(); n != spool.MaxOpen {
		t.Errorf("%d buckets are open, want %d", n, spool.MaxOpen)
	}
	for i, ref := range refs {
		if got, err := read(segments, ref); got != strconv.Itoa(i) || err != nil {
			t.Errorf("%d = %q, %v", i, got, err)
		}
	}
}

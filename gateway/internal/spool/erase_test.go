package spool_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/spool"
)

// reopen opens segments as the next process does.
func reopen(t *testing.T, segments *spool.Segments, dir string) *spool.Segments {
	t.Helper()
	if err := segments.Close(); err != nil {
		t.Fatal(err)
	}
	next, err := spool.OpenSegments(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = next.Close() })
	return next
}

// sweepKeeping sweeps all but some.
func sweepKeeping(t *testing.T, segments *spool.Segments, dir string, refs ...mail.BodyRef) (int, error) {
	t.Helper()
	return segments.Sweep(t.Context(), liveRefs(t, dir, refs...))
}

// liveRefs is a store whose rows refer to bodies in a folder of segments.
func liveRefs(t *testing.T, dir string, refs ...mail.BodyRef) spool.Live {
	t.Helper()
	rows := make(map[mail.MessageID]mail.BodyRef)
	for _, ref := range refs {
		name, offset, _ := where(dir, ref)
		octets, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		rows[mail.MessageID("msg_"+string(octets[offset+28:offset+54]))] = ref
	}
	return func(context.Context, []mail.MessageID) (map[mail.MessageID]mail.BodyRef, error) { return rows, nil }
}

func remove(t *testing.T, bodies spool.Store, refs ...mail.BodyRef) {
	t.Helper()
	for _, ref := range refs {
		if err := bodies.Delete(t.Context(), ref); err != nil {
			t.Error(err)
		}
	}
}

func allocated(t *testing.T, name string) int64 {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return blocks(info)
}

// TestDeleteErases holds that the octets of a deleted body are not on the disk any
// more, whatever the disk can do, and that a segment goes with its last body.
func TestDeleteErases(t *testing.T) {
	t.Parallel()
	for name, disk := range map[string]spool.Faulty{
		"as it is": nil,
		"without holes": func(op string, do func() error) error {
			if op == "punch" || op == "allocate" {
				return errors.ErrUnsupported
			}
			return do()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			segments, dir := openSegments(t, disk)
			secret := strings.Repeat("secret", 10<<10)
			kept, gone, kept2 := putInto(t, segments, "kept"), putInto(t, segments, secret), putInto(t, segments, "kept too")
			file := segmentFiles(t, dir)[0]
			before := allocated(t, file)
			remove(t, segments, gone, gone)
			octets, err := os.ReadFile(file)
			if err != nil || bytes.Contains(octets, []byte("secret")) {
				t.Errorf("the octets are still there: %v", err)
			}
			if after := allocated(t, file); disk == nil && after > before-int64(len(secret))/2 {
				t.Errorf("the body's room was not given back: %d octets before, %d after", before, after)
			}
			segments = reopen(t, segments, dir)
			for range 2 {
				if got, err := read(segments, kept); got != "kept" || err != nil {
					t.Errorf("kept = %q, %v", got, err)
				}
				if n, err := sweepKeeping(t, segments, dir, kept, kept2); n != 0 || err != nil {
					t.Errorf("Sweep = %d, %v", n, err)
				}
			}
			remove(t, segments, kept, kept, gone)
			if n := len(segmentFiles(t, dir)); n != 1 {
				t.Errorf("%d segments, with one body left", n)
			}
			remove(t, segments, kept2, kept2)
			if left := segmentFiles(t, dir); len(left) > 0 {
				t.Errorf("segments without a body are left: %v", left)
			}
		})
	}
}

// TestEmptySegmentsGo holds that nothing is left of a bucket whose bodies were deleted.
func TestEmptySegmentsGo(t *testing.T) {
	t.Parallel()
	segments, dir := openSegments(t, nil)
	segments.SetLinger(0)
	for i := range 3 {
		ref := putInto(t, segments, "body "+strconv.Itoa(i))
		remove(t, segments, ref)
		eventually(t, "the end of the segment", func() bool { return len(segmentFiles(t, dir)) == 0 })
	}
	segments, dir = openSegments(t, nil) // with a while to linger
	remove(t, segments, putInto(t, segments, "first"))
	kept := putInto(t, segments, "second")
	if n := len(segmentFiles(t, dir)); n != 1 {
		t.Errorf("%d segments, want 1", n)
	}
	remove(t, segments, kept)
	if err := segments.Close(); err != nil {
		t.Fatal(err)
	}
	if left := segmentFiles(t, dir); len(left) > 0 {
		t.Errorf("segments without a body are left: %v", left)
	}
}

// TestEarlierSegmentsTakeNothing holds that a process appends to its own alone.
func TestEarlierSegmentsTakeNothing(t *testing.T) {
	t.Parallel()
	segments, dir := openSegments(t, nil)
	first := putInto(t, segments, "first")
	before, err := os.ReadFile(segmentFiles(t, dir)[0])
	if err != nil {
		t.Fatal(err)
	}
	segments = reopen(t, segments, dir)
	putInto(t, segments, "second")
	name, _, _ := where(dir, first)
	after, err := os.ReadFile(name)
	if err != nil || len(segmentFiles(t, dir)) != 2 || !bytes.HasPrefix(before, after) {
		t.Errorf("segments = %v, %v", segmentFiles(t, dir), err)
	}
}

// TestDeleteWhileSweeping holds that a body that is deleted while the sweep asks for it is
// counted neither twice nor not at all.
func TestDeleteWhileSweeping(t *testing.T) {
	t.Parallel()
	segments, dir := openSegments(t, nil)
	a, b, c := putInto(t, segments, "a"), putInto(t, segments, "b"), putInto(t, segments, "c")
	segments = reopen(t, segments, dir)
	live := liveRefs(t, dir, a, b, c)
	n, err := segments.Sweep(t.Context(), func(ctx context.Context, ids []mail.MessageID) (map[mail.MessageID]mail.BodyRef, error) {
		remove(t, segments, a)
		return live(ctx, ids)
	})
	if n != 0 || err != nil {
		t.Errorf("Sweep = %d, %v", n, err)
	}
	remove(t, segments, a, b, b)
	if got, err := read(segments, c); got != "c" || err != nil {
		t.Errorf("c = %q, %v", got, err)
	}
	remove(t, segments, c)
	if left := segmentFiles(t, dir); len(left) > 0 {
		t.Errorf("segments without a body are left: %v", left)
	}
}

// crash copies the segments as they are on the disk, while they are in use, and opens the
// copy.
func crash(t *testing.T, segments *spool.Segments) (*spool.Segments, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "copy")
	if err := segments.CopyTo(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	next, err := spool.OpenSegments(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = next.Close() })
	return next, dir
}

// TestSweepAfterCrash holds what becomes of the end of a segment that was in use: room that
// was not used is given back, and what is torn stays until all of it has expired.
func TestSweepAfterCrash(t *testing.T) {
	t.Parallel()
	for name, tail := range map[string]string{"unused": "", "torn": "half a header"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			running, _ := openSegments(t, nil)
			kept, orphan := putInto(t, running, "kept"), putInto(t, running, "orphan")
			segments, dir := crash(t, running)
			file, offset, length := where(dir, orphan)
			end := offset + headerSize + int64(length)
			if tail != "" {
				if err := writeAt(file, end, tail); err != nil {
					t.Fatal(err)
				}
			}
			if n, err := sweepKeeping(t, segments, dir, kept); n != 1 || err != nil {
				t.Errorf("Sweep = %d, %v; want 1", n, err)
			}
			info, err := os.Stat(file)
			if err != nil || (info.Size() == end) != (tail == "") {
				t.Errorf("the segment has %d octets, %v; the last record ends at %d", info.Size(), err, end)
			}
			if got, err := read(segments, kept); got != "kept" || err != nil {
				t.Errorf("kept = %q, %v", got, err)
			}
			remove(t, segments, kept)
			if n := len(segmentFiles(t, dir)); (n == 0) != (tail == "") {
				t.Errorf("%d segments are left", n)
			}
		})
	}
}

func writeAt(name string, offset int64, octets string) error {
	file, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteAt([]byte(octets), offset)
	return errors.Join(err, file.Close())
}

// TestSweepTellsOfDamage holds that a header that is damaged among others is told of, and
// that nothing is removed for it.
func TestSweepTellsOfDamage(t *testing.T) {
	t.Parallel()
	segments, dir := openSegments(t, nil)
	orphan, damaged, kept := putInto(t, segments, "orphan"), putInto(t, segments, "damaged"), putInto(t, segments, "kept")
	segments = reopen(t, segments, dir)
	live := liveRefs(t, dir, damaged, kept)
	file, offset, _ := where(dir, damaged)
	if err := writeAt(file, offset+30, "?"); err != nil {
		t.Fatal(err)
	}
	for range 2 { // each process tells of it
		n, err := segments.Sweep(t.Context(), live)
		want := "segment " + filepath.Base(file) + " at offset " + strconv.FormatInt(offset, 10)
		if !errors.Is(err, spool.ErrDamaged) || !strings.Contains(err.Error(), want) {
			t.Errorf("Sweep = %d, %v; want %s", n, err, want)
		}
		if _, err := read(segments, orphan); !errors.Is(err, spool.ErrDamaged) {
			t.Errorf("the orphan before the damage was not swept: %v", err)
		}
		if _, err := read(segments, damaged); !errors.Is(err, spool.ErrDamaged) {
			t.Errorf("damaged: %v, want ErrDamaged", err)
		}
		if err := segments.Delete(t.Context(), damaged); !errors.Is(err, spool.ErrDamaged) {
			t.Errorf("what is damaged was deleted: %v", err)
		}
		if got, err := read(segments, kept); got != "kept" || err != nil {
			t.Errorf("kept = %q, %v", got, err)
		}
		segments = reopen(t, segments, dir)
	}
	remove(t, segments, kept)
	if n, err := sweepKeeping(t, segments, dir); n != 0 || err != nil {
		t.Errorf("Sweep = %d, %v", n, err)
	}
	octets, err := os.ReadFile(file)
	if err != nil || !bytes.Contains(octets, []byte("damaged")) {
		t.Errorf("what nobody could identify was removed: %v", err)
	}
	// It goes when all that was ever in it has expired.
	over := filepath.Join(dir, "h2020010100"+filepath.Base(file)[len("h2020010100"):])
	if err := os.Rename(file, over); err != nil {
		t.Fatal(err)
	}
	segments = reopen(t, segments, dir)
	if n, err := sweepKeeping(t, segments, dir); n != 0 || err != nil {
		t.Errorf("Sweep = %d, %v", n, err)
	}
	if left := segmentFiles(t, dir); len(left) > 0 {
		t.Errorf("segments that are over are left: %v", left)
	}
}

// local is a store on this machine's disk.
type local interface {
	spool.Store
	Hold() (release func() error)
	CopyTo(ctx context.Context, dir string) error
	Close() error
}

// TestBackup copies a store while bodies are deleted and put. The copy has all that was
// live when deletions were held back, and the store lags behind until the release.
func TestBackup(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(dir string) (local, error){
		"files":    func(dir string) (local, error) { return spool.OpenFiles(dir) },
		"segments": func(dir string) (local, error) { return spool.OpenSegments(dir) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			earlier, err := open(filepath.Join(dir, "bodies"))
			if err != nil {
				t.Fatal(err)
			}
			orphan := putInto(t, earlier, "orphan")
			if err := earlier.Close(); err != nil {
				t.Fatal(err)
			}
			bodies, err := open(filepath.Join(dir, "bodies"))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = bodies.Close() }()
			zeros := strings.Repeat("\x00", 200<<10)
			live := map[string]mail.BodyRef{"kept": putInto(t, bodies, "kept"), "deleted": putInto(t, bodies, "deleted"), zeros: putInto(t, bodies, zeros), "orphan": orphan}

			release, releaseOther := bodies.Hold(), bodies.Hold()
			remove(t, bodies, live["deleted"], live["deleted"])
			if n, err := bodies.Sweep(t.Context(), nothingLive); n != 1 || err != nil {
				t.Errorf("Sweep = %d, %v", n, err)
			}
			live["later"] = putInto(t, bodies, "later")
			copied := filepath.Join(dir, "copy")
			if err := bodies.CopyTo(t.Context(), copied); err != nil {
				t.Fatal(err)
			}
			if err := bodies.CopyTo(t.Context(), copied); err == nil {
				t.Error("a copy was written over another")
			}
			checkAll(t, bodies, live)
			if err := release(); err != nil {
				t.Error(err)
			}
			_ = release() // counts once
			checkAll(t, bodies, live)
			if err := releaseOther(); err != nil {
				t.Error(err)
			}
			for _, gone := range []string{"deleted", "orphan"} {
				if _, err := read(bodies, live[gone]); !errors.Is(err, spool.ErrDamaged) {
					t.Errorf("%s after the release: %v", gone, err)
				}
			}
			restored, err := open(copied)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = restored.Close() }()
			checkAll(t, restored, live)
			delete(live, "deleted")
			delete(live, "orphan")
			checkAll(t, bodies, live)
		})
	}
}

func checkAll(t *testing.T, bodies spool.Store, live map[string]mail.BodyRef) {
	t.Helper()
	for want, ref := range live {
		if got, err := read(bodies, ref); got != want || err != nil {
			t.Errorf("%.10q = %.10q, %v", want, got, err)
		}
	}
}

// TestCopyStops holds that a copy ends with its context, and tells of a full disk.
func TestCopyStops(t *testing.T) {
	t.Parallel()
	segments, _ := openSegments(t, func(op string, do func() error) error {
		if op == "truncate" {
			return os.ErrDeadlineExceeded
		}
		return do()
	})
	putInto(t, segments, "x")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := segments.CopyTo(ctx, filepath.Join(t.TempDir(), "copy")); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want context.Canceled", err)
	}
	if err := segments.CopyTo(t.Context(), filepath.Join(t.TempDir(), "copy")); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("error = %v, want that of the disk", err)
	}
}

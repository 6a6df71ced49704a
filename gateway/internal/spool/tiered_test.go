package spool_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/spool"
	"github.com/postern-mail/postern/gateway/internal/spool/spooltest"
)

// tieredLimit is other than any limit of the stores beneath.
const tieredLimit = 64 << 10

func tieredSuite() spooltest.Suite {
	return spooltest.Suite{
		Open: func(t *testing.T, place string) (spool.Store, func() error) {
			t.Helper()
			small, closeSmall := segmentsSuite().Open(t, filepath.Join(place, "segments"))
			large, closeLarge := filesSuite().Open(t, filepath.Join(place, "bodies"))
			return spool.NewTiered(tieredLimit, small, large), func() error { return errors.Join(closeSmall(), closeLarge()) }
		},
		Alter: func(t *testing.T, place string, ref mail.BodyRef, change func([]byte) []byte) {
			t.Helper()
			if strings.HasPrefix(string(ref), "seg:") {
				segmentsSuite().Alter(t, filepath.Join(place, "segments"), ref, change)
				return
			}
			filesSuite().Alter(t, filepath.Join(place, "bodies"), ref, change)
		},
	}
}

func TestTieredConforms(t *testing.T) {
	t.Parallel()
	tieredSuite().Test(t)
}

func TestTieredFails(t *testing.T) {
	t.Parallel()
	tieredSuite().TestFailures(t, []int{1, 2}, func(place string, faults *spooltest.Faults) (spool.Store, func() error, error) {
		small, err := spool.OpenSegmentsOn(filepath.Join(place, "segments"), failing(faults))
		if err != nil {
			return nil, nil, err
		}
		large, err := spool.OpenFilesOn(filepath.Join(place, "bodies"), failing(faults))
		if err != nil {
			return nil, nil, errors.Join(err, small.Close())
		}
		return spool.NewTiered(tieredLimit, small, large), func() error { return errors.Join(small.Close(), large.Close()) }, nil
	})
}

// TestTieredReadsWhatWasThereBefore holds that small bodies of a gateway that had files alone
// are read, deleted and swept.
func TestTieredReadsWhatWasThereBefore(t *testing.T) {
	t.Parallel()
	place := t.TempDir()
	files, closed := filesSuite().Open(t, filepath.Join(place, "bodies"))
	kept, deleted, orphan := putInto(t, files, "kept"), putInto(t, files, "deleted"), putInto(t, files, "orphan")
	if err := closed(); err != nil {
		t.Fatal(err)
	}
	bodies, closed := tieredSuite().Open(t, place)
	defer func() { _ = closed() }()
	remove(t, bodies, deleted)
	n, err := bodies.Sweep(t.Context(), func(_ context.Context, ids []mail.MessageID) (map[mail.MessageID]mail.BodyRef, error) {
		live := make(map[mail.MessageID]mail.BodyRef)
		for _, id := range ids {
			if strings.Contains(string(kept), string(id)) {
				live[id] = kept
			}
		}
		return live, nil
	})
	if n != 1 || err != nil {
		t.Errorf("Sweep = %d, %v; want 1", n, err)
	}
	if got, err := read(bodies, kept); got != "kept" || err != nil {
		t.Errorf("kept = %q, %v", got, err)
	}
	for _, gone := range []mail.BodyRef{deleted, orphan} {
		if _, err := read(bodies, gone); !errors.Is(err, spool.ErrDamaged) {
			t.Errorf("%s: %v, want ErrDamaged", gone, err)
		}
	}
}

// TestTieredChooses holds that the size alone says where a body goes.
func TestTieredChooses(t *testing.T) {
	t.Parallel()
	bodies, closed := tieredSuite().Open(t, t.TempDir())
	defer func() { _ = closed() }()
	for size, scheme := range map[int]string{0: "seg:", tieredLimit - 1: "seg:", tieredLimit: "seg:", tieredLimit + 1: "file:", spool.SmallBody + 1: "file:"} {
		ref, err := bodies.Put(t.Context(), newID(), later(), strings.NewReader(strings.Repeat("x", size)))
		if err != nil || !strings.HasPrefix(string(ref), scheme) {
			t.Errorf("%d octets = %q, %v; want %s", size, ref, err, scheme)
		}
	}
}

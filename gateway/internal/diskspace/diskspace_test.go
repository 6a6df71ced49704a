package diskspace_test

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"

	"github.com/postern-mail/postern/gateway/internal/diskspace"
)

const gib = 1 << 30

// watch runs a watcher over what a disk has minute by minute, and returns what it has told and logged.
func watch(t *testing.T, of func(minute int) (diskspace.Space, error), minutes int) (told []string, log string) {
	t.Helper()
	var out bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		minute := -1
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(minutes)*diskspace.Interval-time.Second)
		defer cancel()
		diskspace.New(func() (diskspace.Space, error) {
			minute++
			return of(minute)
		}, func(err error) {
			if err == nil {
				told = append(told, "enough")
				return
			}
			told = append(told, err.Error())
		}, hclog.New(&hclog.LoggerOptions{Output: &out})).Run(ctx)
	})
	return told, out.String()
}

// TestWatcher has a disk fill and be emptied.
func TestWatcher(t *testing.T) {
	t.Parallel()
	low := func(what string) string {
		return "less than " + what + " are free on the disk of the data folder; make room, or mail will not be accepted"
	}
	for name, tc := range map[string]struct {
		total uint64
		free  []uint64 // in MiB, minute by minute
		want  []string
	}{
		"5 % of a disk of usual size": {100 * gib, []uint64{5120, 5119, 5119, 5121, 6399, 6400, 5121}, []string{
			"enough", low("5.0 GiB of 100.0 GiB"), low("5.0 GiB of 100.0 GiB"), low("5.0 GiB of 100.0 GiB"), low("5.0 GiB of 100.0 GiB"), "enough", "enough",
		}},
		"a large one": {20_000 * gib, []uint64{16384, 16383, 20480}, []string{"enough", low("16.0 GiB of 20000.0 GiB"), "enough"}},
		"a small one": {10 * gib, []uint64{1024, 1023, 1280}, []string{"enough", low("1.0 GiB of 10.0 GiB"), "enough"}},
		"a tiny one":  {gib, []uint64{256, 0, 320}, []string{"enough", low("256 MiB of 1.0 GiB"), "enough"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			told, log := watch(t, func(minute int) (diskspace.Space, error) {
				return diskspace.Space{Total: tc.total, Free: tc.free[minute] << 20}, nil
			}, len(tc.free))
			if diff := cmp.Diff(tc.want, told); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
			if strings.Count(log, "there is little room") != 1 || strings.Count(log, "there is enough room") != 1 {
				t.Errorf("the log says:\n%s", log)
			}
		})
	}
}

// TestFiles has a disk run out of files.
func TestFiles(t *testing.T) {
	t.Parallel()
	free := []uint64{500, 499, 624, 625}
	told, _ := watch(t, func(minute int) (diskspace.Space, error) {
		return diskspace.Space{Total: 100 * gib, Free: 50 * gib, Files: 10_000, FreeFiles: free[minute]}, nil
	}, len(free))
	low := "less than 5% of the 10000 files are free that the disk of the data folder may have; make room, or mail will not be accepted"
	if diff := cmp.Diff([]string{"enough", low, low, "enough"}, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

// TestAsking has the disk not answer: nothing is told then, and it is asked again, unless the system has no such
// thing.
func TestAsking(t *testing.T) {
	t.Parallel()
	told, log := watch(t, func(minute int) (diskspace.Space, error) {
		if minute < 3 {
			return diskspace.Space{}, errors.New("input/output error")
		}
		return diskspace.Space{Total: 100 * gib, Free: 50 * gib}, nil
	}, 5)
	if diff := cmp.Diff([]string{"enough", "enough"}, told); diff != "" || strings.Count(log, "input/output error") != 1 {
		t.Errorf("told (-want +got):\n%s\nthe log says:\n%s", diff, log)
	}
	asked := 0
	told, log = watch(t, func(int) (diskspace.Space, error) { asked++; return diskspace.Space{}, errors.ErrUnsupported }, 5)
	if len(told) > 0 || asked != 1 || strings.Count(log, "the disk is not watched") != 1 {
		t.Errorf("told %q after %d calls; the log says:\n%s", told, asked, log)
	}
}

// TestOf asks the disk of this test.
func TestOf(t *testing.T) {
	t.Parallel()
	s, err := diskspace.Of(t.TempDir())
	if runtime.GOOS != "linux" && errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil || s.Total == 0 || s.Free > s.Total || s.FreeFiles > s.Files {
		t.Errorf("space = %+v, %v", s, err)
	}
	missing := filepath.Join(t.TempDir(), "missing")
	if _, err := diskspace.Of(missing); err == nil || !strings.Contains(err.Error(), missing) {
		t.Errorf("error = %v", err)
	}
}

// Package diskspace watches how much room is left on the disk of the data folder, and tells
// when it is little, before mail cannot be stored any more.
//
// # Invariants
//
//   - Little is less than 5 % of the disk, but at least 1 GiB and at most 16 GiB; of a disk below 4 GiB it
//     is a quarter. It is enough again with a quarter more than that, so that it does not go to
//     and fro.
//   - What counts is what an ordinary user may take, in octets and in files.
//   - The words are the same as long as there is little: they have no figures that change.
package diskspace

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Interval is the time between looks at the disk.
const Interval = time.Minute

const (
	gib = 1 << 30
	// minLow and maxLow bound what is little, in octets.
	minLow = 1 * gib
	maxLow = 16 * gib
)

// Space is what there is of a disk.
type Space struct {
	// Total and Free are octets.
	Total, Free uint64
	// Files and FreeFiles are how many files there may be; 0 where the disk has no bound.
	Files, FreeFiles uint64
}

// Of returns the space of the disk that a folder is on; errors.ErrUnsupported where the
// system does not say.
func Of(folder string) (Space, error) {
	s, err := statfs(folder)
	if err != nil {
		return Space{}, fmt.Errorf("free space of %s: %w", folder, err)
	}
	return s, nil
}

// Watcher watches a disk.
type Watcher struct {
	of   func() (Space, error)
	tell func(err error)
	log  hclog.Logger

	low    bool
	failed bool // the disk could not be asked
}

// New returns a watcher of the disk that of gives the space of; see [Of]. Each time that it looks, it
// tells an error where there is little, and nil where there is enough.
func New(of func() (Space, error), tell func(err error), log hclog.Logger) *Watcher {
	return &Watcher{of: of, tell: tell, log: log.Named("disk")}
}

// Run looks at the disk each Interval until ctx ends, or at once returns where the system does not
// say how much room there is.
func (w *Watcher) Run(ctx context.Context) {
	ticker := time.NewTicker(Interval)
	defer ticker.Stop()
	for w.look() {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// look looks at the disk once. It reports whether to look again makes sense.
func (w *Watcher) look() bool {
	s, err := w.of()
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		w.log.Warn("the disk is not watched", "error", err)
		return false
	case err != nil:
		if !w.failed {
			w.log.Error("the disk cannot be asked how much room it has; trying again", "error", err)
		}
		w.failed = true
		return true
	}
	w.failed = false
	err = s.short(w.low)
	if low := err != nil; low != w.low {
		w.low = low
		args := []any{"free_octets", s.Free, "total_octets", s.Total, "free_files", s.FreeFiles}
		if low {
			w.log.Warn("there is little room on the disk of the data folder", append(args, "problem", err)...)
		} else {
			w.log.Info("there is enough room on the disk again", args...)
		}
	}
	w.tell(err)
	return true
}

// short says what there is too little of; nil for nothing. Where there was too little, more is wanted.
func (s Space) short(was bool) error {
	low := min(max(s.Total/20, minLow), maxLow, s.Total/4)
	files := s.Files / 20
	wanted, wantedFiles := low, files
	if was {
		wanted, wantedFiles = low+low/4, files+files/4
	}
	switch {
	case s.Free < wanted:
		return fmt.Errorf("less than %s of %s are free on the disk of the data folder; make room, or mail will not be accepted", octets(low), octets(s.Total))
	case s.FreeFiles < wantedFiles:
		return fmt.Errorf("less than 5%% of the %d files are free that the disk of the data folder may have; make room, or mail will not be accepted", s.Files)
	}
	return nil
}

// octets writes a size for people.
func octets(n uint64) string {
	if n < gib {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%.1f GiB", float64(n)/gib)
}

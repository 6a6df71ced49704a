package spool

import (
	"context"
	"errors"
	"path/filepath"
)

// The folders of Local.
const (
	segmentsName = "segments"
	filesName    = "bodies"
)

// Local keeps bodies on this machine: small ones in segments, large ones in files.
type Local struct {
	*Tiered
	segments *Segments
	files    *Files
}

// OpenLocal opens the bodies in dir, which may hold other things. One process at a time may
// have it open.
func OpenLocal(dir string) (*Local, error) {
	segments, err := OpenSegments(filepath.Join(dir, segmentsName))
	if err != nil {
		return nil, err
	}
	files, err := OpenFiles(filepath.Join(dir, filesName))
	if err != nil {
		return nil, errors.Join(err, segments.Close())
	}
	return &Local{NewTiered(SmallBody, segments, files), segments, files}, nil
}

// Hold keeps deletions back until release is called, which makes them.
func (l *Local) Hold() (release func() error) {
	segments, files := l.segments.Hold(), l.files.Hold()
	return func() error { return errors.Join(segments(), files()) }
}

// CopyTo copies all bodies into a folder, in which OpenLocal finds them. The copies are
// durable when it returns.
func (l *Local) CopyTo(ctx context.Context, dir string) error {
	if err := l.segments.CopyTo(ctx, filepath.Join(dir, segmentsName)); err != nil {
		return err
	}
	return l.files.CopyTo(ctx, filepath.Join(dir, filesName))
}

// Close waits for the bodies that are being put, and gives the folders back.
func (l *Local) Close() error { return errors.Join(l.segments.Close(), l.files.Close()) }

package spool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// The folders of Local.
const (
	segmentsName = "segments"
	filesName    = "bodies"
	// identityName is the file that says which database the bodies are of.
	identityName = "bodies.id"
)

// Local keeps bodies on this machine: small ones in segments, large ones in files.
type Local struct {
	*Tiered
	dir      string
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
	return &Local{NewTiered(SmallBody, segments, files), dir, segments, files}, nil
}

// Bind holds that the bodies are those of a database, by its identity. Bodies that were of
// none yet are its from now on.
func (l *Local) Bind(identity string) error {
	name := filepath.Join(l.dir, identityName)
	have, err := os.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return l.mark(name, identity)
	case err != nil:
		return fmt.Errorf("read whose bodies these are: %w", err)
	case string(bytes.TrimSpace(have)) != identity:
		return fmt.Errorf("%w: %s says %.64q, and the database is %s. Where the database was lost, restore a backup; to begin anew, move %s, %s and %s out of %s",
			ErrOther, name, bytes.TrimSpace(have), identity, segmentsName, filesName, identityName, l.dir)
	}
	return nil
}

// mark writes a database's identity, all of it or nothing.
func (l *Local) mark(name, identity string) error {
	write := func() error {
		file, err := os.OpenFile(name+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return err
		}
		_, err = file.WriteString(identity + "\n")
		if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
			return err
		}
		if err := os.Rename(name+".new", name); err != nil {
			return err
		}
		dir, err := os.Open(l.dir)
		if err != nil {
			return err
		}
		return errors.Join(dir.Sync(), dir.Close())
	}
	if err := write(); err != nil {
		return fmt.Errorf("note whose bodies these are: %w", Explain(l.dir, err))
	}
	return nil
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

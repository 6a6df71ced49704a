package maintenance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Database is an embedded database; *sqlite.DB is one.
type Database interface {
	// BackupTo writes a copy of the database, of one moment, to a new file.
	BackupTo(ctx context.Context, file string) error
}

// LocalBodies are bodies in files.
type LocalBodies interface {
	// Hold keeps all bodies until it is released; what is deleted meanwhile is deleted then.
	Hold() (release func() error)
	// CopyTo copies all bodies into a folder, and returns when the copies are durable.
	CopyTo(ctx context.Context, dir string) error
}

const (
	// DatabaseName is the file of the database, in a data folder as in a backup.
	DatabaseName = "postern.db"
	// ManifestName is the file that a backup has once it is whole.
	ManifestName = "backup.json"
)

// Manifest says what a backup is.
type Manifest struct {
	Format  int       `json:"format"`
	Program string    `json:"program"`
	Made    time.Time `json:"made"`
	// Verified is what the copy was found to be when it was made; nil in backups of versions
	// that did not look.
	Verified *Report `json:"verified,omitempty"`
}

// format is that of the backups that this program makes.
const format = 1

// Look verifies the data in a folder, which it leaves as it is.
type Look func(ctx context.Context, dir string) (Report, error)

// Backup copies a database and the bodies into a new folder. The gateway may run meanwhile:
// the copy is of the moment at which the database was read, and the bodies of that moment are
// kept until they are copied. What is damaged is copied as it is: the report of the copy says
// so, and the manifest does, which the folder has once all of it is durable.
func Backup(ctx context.Context, db Database, bodies LocalBodies, look Look, dir, program string) (Report, error) {
	var r Report
	if err := os.Mkdir(dir, 0o700); err != nil {
		return r, fmt.Errorf("backup: %w; name a folder that is not there yet, in one that is", err)
	}
	release := bodies.Hold()
	err := fill(ctx, db, bodies, dir)
	released := release()
	if err == nil {
		r, err = look(ctx, dir)
	}
	if err == nil {
		err = finish(dir, Manifest{Format: format, Program: program, Made: time.Now().UTC(), Verified: &r})
	}
	if err != nil {
		return r, errors.Join(fmt.Errorf("backup to %s: %w", dir, err), os.RemoveAll(dir), released)
	}
	if released != nil { // the backup is whole all the same
		return r, fmt.Errorf("the backup is in %s; what was held back for it could not be deleted: %w", dir, released)
	}
	return r, nil
}

func fill(ctx context.Context, db Database, bodies LocalBodies, dir string) error {
	if err := db.BackupTo(ctx, filepath.Join(dir, DatabaseName)); err != nil {
		return err
	}
	return bodies.CopyTo(ctx, dir)
}

// finish gives a backup its manifest, when all else is durable.
func finish(dir string, m Manifest) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if err := syncFolder(dir); err != nil { // before there is a manifest
		return err
	}
	return errors.Join(writeFile(filepath.Join(dir, ManifestName), append(text, '\n')), syncFolder(dir), syncFolder(filepath.Dir(dir)))
}

// ReadManifest reads the manifest of a backup. It fails where there is none, as when the
// backup was interrupted.
func ReadManifest(dir string) (Manifest, error) {
	var m Manifest
	text, err := os.ReadFile(filepath.Join(dir, ManifestName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return m, fmt.Errorf("%s is no backup that was completed: it has no %s", dir, ManifestName)
	case err != nil:
		return m, fmt.Errorf("read backup: %w", err)
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("read backup: %s: %w", filepath.Join(dir, ManifestName), err)
	}
	if m.Format != format {
		return m, fmt.Errorf("read backup: %s has format %d, and this program reads %d; use the program that made it (%s)", dir, m.Format, format, m.Program)
	}
	return m, nil
}

// Restore copies a backup to where a data folder is to be, which must be missing or empty.
// The folder is there when all of it is durable. The manifest says whether the backup was whole.
func Restore(backup, dataDir string) (Manifest, error) {
	m, err := ReadManifest(backup)
	if err != nil {
		return m, err
	}
	return m, restore(backup, dataDir)
}

func restore(backup, dataDir string) (err error) {
	entries, err := os.ReadDir(dataDir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("restore: %w", err)
	case len(entries) > 0:
		return fmt.Errorf("restore: %s is not empty; nothing is written over: move it away, or restore to another folder", dataDir)
	}
	parent := filepath.Dir(filepath.Clean(dataDir))
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	making, err := os.MkdirTemp(parent, ".restoring-*")
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("restore to %s: %w", dataDir, err), os.RemoveAll(making))
		}
	}()
	if entries, err = os.ReadDir(backup); err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Name() == ManifestName {
			continue
		}
		if err := copyTree(filepath.Join(backup, entry.Name()), filepath.Join(making, entry.Name())); err != nil {
			return err
		}
	}
	if err := syncFolder(making); err != nil {
		return err
	}
	if err := os.Remove(dataDir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(making, dataDir); err != nil {
		return err
	}
	return syncFolder(parent)
}

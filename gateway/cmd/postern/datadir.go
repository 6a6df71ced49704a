package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// dataDir is the folder in which everything durable lives. While it is open,
// no other process has it open.
type dataDir struct {
	path string
	lock *os.File
}

// errInUse says that another process has a data folder open.
var errInUse = errors.New("in use")

func openDataDir(path string) (*dataDir, error) {
	if err := makeDurably(path); err != nil {
		return nil, fmt.Errorf("open data folder: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(path, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open data folder: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := io.ReadAll(io.LimitReader(lock, 32))
		_ = lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("open data folder: %s is %w by process %s; stop it, or choose another server.data_dir", path, errInUse, strings.TrimSpace(string(holder)))
		}
		return nil, fmt.Errorf("lock data folder %s: %w", path, err)
	}
	// The number is for people; the lock is what counts.
	err = lock.Truncate(0)
	if err == nil {
		_, err = fmt.Fprintln(lock, os.Getpid())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("write lock of data folder: %w", err), lock.Close())
	}
	return &dataDir{path: path, lock: lock}, nil
}

// makeDurably makes a folder, and those above it, so that no power cut takes it away with
// all that is made safe within.
func makeDurably(path string) error {
	above := filepath.Dir(path)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			// A process that died may have made it and not come to sync it. It is more
			// likely somebody else's, whose folder above cannot be read, or has no sync.
			_ = syncFolder(above)
		}
		return err
	}
	if above != path {
		if err := makeDurably(above); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncFolder(above)
}

func syncFolder(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func (d *dataDir) Close() error { return d.lock.Close() }

func (d *dataDir) cache() string { return cacheIn(d.path) }

// shadowJournal is where a gateway keeps what shadows have come to.
func shadowJournal(dataDir string) string { return filepath.Join(dataDir, "shadow") }

// controlSocket is where the gateway of a data folder answers.
func controlSocket(dataDir string) string { return filepath.Join(dataDir, "control.sock") }

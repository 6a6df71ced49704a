package artifact

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

const (
	// folder is that of the cache, beside the compiled modules.
	folder = "modules"
	// unfinished begins the names of files that are being written.
	unfinished = ".new-"
	// abandoned is after how long nobody writes such a file any more.
	abandoned = time.Hour
)

// cache keeps what was fetched, by names that say what it is. Nothing in it is trusted:
// whoever gets it says what is valid. So it need not be synced either: what a crash
// leaves of a file is not valid.
type cache struct {
	dir string // empty where nothing is kept

	mu   sync.Mutex
	used map[string]bool // names that were asked for
}

func newCache(dir string) *cache {
	c := &cache{used: make(map[string]bool)}
	if dir != "" {
		c.dir = filepath.Join(dir, folder)
	}
	return c
}

// get gives what is kept by a name, and nil where that is nothing. What is not valid
// is removed.
func (c *cache) get(name string, most int, valid func([]byte) bool) ([]byte, error) {
	if c.dir == "" {
		return nil, nil
	}
	c.mu.Lock()
	c.used[name] = true
	c.mu.Unlock()
	file := filepath.Join(c.dir, name)
	// Not by Stat: what a link leads to is not what was kept.
	info, err := os.Lstat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for a fetched module: %w", err)
	}
	if info.Mode().IsRegular() {
		if octets, readErr := readFile(file, most); readErr == nil && valid(octets) {
			return octets, nil
		}
	}
	if err := os.RemoveAll(file); err != nil {
		return nil, fmt.Errorf("remove a damaged module from the cache: %w", err)
	}
	return nil, nil
}

// put keeps octets by a name. They are there whole or not at all.
func (c *cache) put(name string, octets []byte) (err error) {
	if c.dir == "" {
		return nil
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("keep what was fetched: %w", err)
		}
	}()
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(c.dir, unfinished+"*") // of mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(octets)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), filepath.Join(c.dir, name))
	}
	if err != nil {
		err = errors.Join(err, os.Remove(f.Name()))
	}
	return err
}

// keptName is the form of the names in the cache.
var keptName = regexp.MustCompile(`^[0-9a-f]{64}(\.[0-9A-F]{16}\.minisig)?$`)

// prune removes what nobody asked for, and what was never finished. What has a name
// of another form is left alone.
func (c *cache) prune() error {
	if c.dir == "" {
		return nil
	}
	entries, err := os.ReadDir(c.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range entries {
		if !keptName.MatchString(e.Name()) || c.used[e.Name()] {
			info, infoErr := e.Info()
			if !strings.HasPrefix(e.Name(), unfinished) || infoErr != nil || time.Since(info.ModTime()) < abandoned {
				continue
			}
		}
		err = errors.Join(err, os.RemoveAll(filepath.Join(c.dir, e.Name())))
	}
	if err != nil {
		return fmt.Errorf("prune fetched modules: %w", err)
	}
	return nil
}

// Package journal keeps what shadow runs came to: a file for each plugin, in a folder of
// the data folder, with a line of JSON for each run.
//
// # Invariants
//
//   - A plugin's files have at most two times MaxFile octets, whatever runs: the older half
//     is given up for a new one.
//   - An entry says where payloads were different and not what stood there, unless its
//     plugin's block asks for values; those are cut.
//   - Files are their owner's alone to read, and whoever reads them needs no running
//     gateway. What cannot be read of them is counted and passed over.
package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
)

// MaxFile is how many octets a file has before a new one is begun.
const MaxFile = 4 << 20

const (
	suffix = ".jsonl"
	older  = ".1" // behind the suffix of the older half
)

// Outcome says what a pair of runs came to.
type Outcome string

// The outcomes.
const (
	Same       Outcome = "same"        // payload and verdict
	Differs    Outcome = "differs"     // payload, verdict, or both
	OldFailed  Outcome = "old_failed"  // the stage's own run alone
	NewFailed  Outcome = "new_failed"  // the shadow's alone
	BothFailed Outcome = "both_failed" // there is nothing to compare
	Skipped    Outcome = "skipped"     // the shadow did not run: the gateway had no room for it
)

// Entry is a line of a journal.
type Entry struct {
	At      time.Time `json:"at"`
	Plugin  string    `json:"plugin"` // its key in the configuration
	Old     string    `json:"old"`    // SHA-256 of the stage's module
	New     string    `json:"new"`    // and of the shadow's
	Outcome Outcome   `json:"outcome"`
	// Count is how many runs were skipped; 0 for all other outcomes, and nothing below is
	// there where it is not.
	Count int `json:"count,omitempty"`

	Delivery mail.DeliveryID `json:"delivery,omitempty"`
	Tenant   string          `json:"tenant,omitempty"`
	// Changes are places at which the payloads are different, and More how many others
	// there are.
	Changes []Change `json:"changes,omitempty"`
	More    int      `json:"more,omitempty"`
	OldRun  *Run     `json:"old_run,omitempty"`
	NewRun  *Run     `json:"new_run,omitempty"`
}

// Change is a place at which two payloads are different.
type Change struct {
	At string `json:"at"` // a JSON Pointer
	// Old and New are what is there; nil where there is nothing.
	Old *Value `json:"old,omitempty"`
	New *Value `json:"new,omitempty"`
}

// Value is what is known of a value.
type Value struct {
	Kind   string `json:"kind"`             // null, boolean, number, string, array, object or content
	Length int    `json:"length,omitempty"` // of a string in octets, of a list in entries
	// JSON is its beginning, where values are kept.
	JSON string `json:"json,omitempty"`
}

// Run is one of the two runs.
type Run struct {
	Verdict string `json:"verdict,omitempty"` // where it ended well
	// Failure is the kind of its end where it failed: error, trap, timeout or fuel. Error
	// is its text, where values are kept.
	Failure  string        `json:"failure,omitempty"`
	Error    string        `json:"error,omitempty"`
	Duration time.Duration `json:"duration_ns"`
	Fuel     int64         `json:"fuel"`
	Memory   uint64        `json:"memory"`
}

// Journal writes the files of a folder. Its methods may be called by any number of
// goroutines; one process at a time has a folder.
type Journal struct {
	dir string
	mu  sync.Mutex
}

// New returns a journal in dir, which is made when there is something to write.
func New(dir string) *Journal { return &Journal{dir: dir} }

// Append writes an entry. It does not wait for the disk: what a crash takes is a line of a
// comparison.
func (j *Journal) Append(e Entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("write shadow journal: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := os.MkdirAll(j.dir, 0o700); err != nil {
		return fmt.Errorf("write shadow journal: %w", err)
	}
	if err := appendLine(filepath.Join(j.dir, fileName(e.Plugin)), append(line, '\n')); err != nil {
		return fmt.Errorf("write shadow journal: %w", err)
	}
	return nil
}

// appendLine adds a line to a file, or begins a new one where it is full.
func appendLine(file string, line []byte) error {
	if info, err := os.Stat(file); err == nil && info.Size()+int64(len(line)) >= MaxFile {
		if err := os.Rename(file, file+older); err != nil {
			return err
		}
	}
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	if !ended(f) {
		line = append([]byte("\n"), line...)
	}
	_, err = f.Write(line)
	return errors.Join(err, f.Close())
}

// ended reports whether the last line of a file is whole: a crash may have cut it, and the
// next one must not be lost with it.
func ended(f *os.File) bool {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return true
	}
	last := []byte{'\n'}
	_, _ = f.ReadAt(last, info.Size()-1)
	return last[0] == '\n'
}

// fileName is that of a plugin's key. A name has no dot, so that no two keys share one.
func fileName(key string) string { return strings.ReplaceAll(key, "/", ".") + suffix }

// Read gives the entries of a folder to take, plugin by plugin, each plugin's in the order
// in which they were written. It tells how many lines were none.
func Read(dir string, take func(Entry)) (damaged int, err error) {
	files, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read shadow journal: %w", err)
	}
	var plugins []string
	for _, f := range files {
		if name, ok := strings.CutSuffix(strings.TrimSuffix(f.Name(), older), suffix); ok && !slices.Contains(plugins, name) {
			plugins = append(plugins, name)
		}
	}
	for _, name := range plugins {
		file := filepath.Join(dir, name+suffix)
		for _, file := range []string{file + older, file} {
			text, err := readFile(file)
			if err != nil {
				return damaged, fmt.Errorf("read shadow journal: %w", err)
			}
			damaged += readLines(text, take)
		}
	}
	return damaged, nil
}

// readFile reads one of the halves, which may be missing.
func readFile(file string) ([]byte, error) {
	f, err := os.Open(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, 2*MaxFile))
}

// readLines reads the lines of a file. A last one without an end is being written.
func readLines(text []byte, take func(Entry)) (damaged int) {
	for line := range bytes.Lines(text) {
		if !bytes.HasSuffix(line, []byte("\n")) {
			break
		}
		var e Entry
		if json.Unmarshal(line, &e) != nil || e.Plugin == "" || e.Outcome == "" {
			damaged++
			continue
		}
		take(e)
	}
	return damaged
}

package spool

import (
	"os"
	"time"
)

// Faulty is a disk whose calls go through it; op says what each does. A write that it has fail has
// written some of its octets.
type Faulty func(op string, do func() error) error

func (f Faulty) call(op string, do func() error) error { return f(op, do) }

func (f Faulty) write(file *os.File, at int64, parts [][]byte) error {
	done := false
	err := f("write", func() error {
		done = true
		return writeParts(file, at, parts)
	})
	if err != nil && !done {
		part := parts[len(parts)/2]
		_ = writeParts(file, at, append(parts[:len(parts)/2:len(parts)/2], part[:len(part)/2]))
	}
	return err
}

// OpenFilesOn is OpenFiles on a disk that fails.
func OpenFilesOn(dir string, fault Faulty) (*Files, error) { return openFiles(dir, fault) }

// OpenSegmentsOn is OpenSegments on a disk that fails.
func OpenSegmentsOn(dir string, fault Faulty) (*Segments, error) { return openSegments(dir, fault) }

// The bounds of segments.
const (
	MaxSegment = maxSegment
	MaxOpen    = maxOpen
)

// Pending counts the bodies that wait for their batch.
func (s *Segments) Pending() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, a := range s.appenders {
		a.mu.Lock()
		n += len(a.pending)
		a.mu.Unlock()
	}
	return n
}

// Appenders counts the buckets that are open.
func (s *Segments) Appenders() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.appenders)
}

// Fill takes all room for bodies that wait for the disk, until empty is called.
func (s *Segments) Fill() (empty func()) {
	if !s.waiting.TryAcquire(maxWaiting) {
		panic("bodies are waiting")
	}
	return func() { s.waiting.Release(maxWaiting) }
}

// SetLinger sets how long a segment without a body stays open. It is to be called first.
func (s *Segments) SetLinger(d time.Duration) { s.linger = d }

package spool

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/postern-mail/postern/gateway/internal/mail"
)

const (
	// maxSegment is when a segment is full.
	maxSegment = 64 << 20
	// maxWaiting bounds the octets that wait for the disk; who brings more, waits.
	maxWaiting = 64 << 20
	// maxOpen is how many buckets are appended to at the same time.
	maxOpen = 16
)

// errSegmentsClosed means that a body came after Close.
var errSegmentsClosed = errors.New("the spool is closed")

// Segments keep small bodies behind each other in files, one file for those that expire at
// about the same time. Bodies that come while the disk is at work are written and synced
// together. Its methods may be called by any number of goroutines.
//
// A file is removed with its last body. A body that is deleted before that becomes a hole,
// and its header stays.
type Segments struct {
	*folder
	holds   holds
	waiting *semaphore.Weighted
	linger  time.Duration
	buffers sync.Pool

	mu     sync.Mutex
	closed bool
	// appenders are at work, one for each bucket.
	appenders map[string]*appender
	running   sync.WaitGroup
	segments  map[string]*segment
}

// segment is a file. It is appended to by the process that made it alone.
type segment struct {
	name  string
	nonce nonce
	// over is when all that is in it has expired.
	over time.Time
	// earlier is true where another process made it.
	earlier bool

	mu sync.Mutex
	// open is true while it is appended to.
	open bool
	// counted is true once live says which bodies are, which a sweep finds out for the
	// segments of earlier processes. Until then gone has those that were deleted.
	counted bool
	live    offsets
	gone    map[int64]bool
	// obscure is true where something is in it that is no record: it stays until it is
	// over.
	obscure bool
}

// OpenSegments opens the segments in dir, which it makes where it is missing. One
// process at a time may have it open.
func OpenSegments(dir string) (*Segments, error) { return openSegments(dir, kernel{}) }

func openSegments(dir string, d disk) (*Segments, error) {
	folder, err := openFolder(dir, d)
	if err != nil {
		return nil, fmt.Errorf("open segments: %w", err)
	}
	s := &Segments{
		folder: folder, waiting: semaphore.NewWeighted(maxWaiting), linger: linger,
		appenders: make(map[string]*appender), segments: make(map[string]*segment),
	}
	entries, err := fs.ReadDir(folder.root.FS(), ".")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open segments: %w", err), folder.root.Close())
	}
	for _, entry := range entries {
		if over, n, ok := parseName(entry.Name()); ok && entry.Type().IsRegular() {
			s.segments[entry.Name()] = &segment{name: entry.Name(), nonce: n, over: over, earlier: true, gone: make(map[int64]bool)}
		}
	}
	return s, nil
}

// Close waits for the bodies that are being put, and gives the folder back. Bodies that
// are open stay readable.
func (s *Segments) Close() error {
	s.mu.Lock()
	s.closed = true
	for bucket := range s.appenders {
		s.retire(bucket)
	}
	s.mu.Unlock()
	s.running.Wait()
	return s.root.Close()
}

// Put stores what r gives, up to SmallBody octets, and returns once it is durable. A
// context that ends counts until the body is being written. Where the disk fails, what is
// left of the body is swept by the next process.
func (s *Segments) Put(ctx context.Context, id mail.MessageID, expires time.Time, r io.Reader) (mail.BodyRef, error) {
	if err := CheckID(id); err != nil {
		return "", err
	}
	buffer, ok := s.buffers.Get().(*[]byte)
	if !ok {
		buffer = new(make([]byte, 0, 8<<10))
	}
	defer s.buffers.Put(buffer)
	var err error
	*buffer, err = readAll(WithContext(ctx, r), (*buffer)[:headerSize])
	if err != nil {
		return "", fmt.Errorf("write body: %w", err)
	}
	data := (*buffer)[headerSize:]
	if len(data) > SmallBody {
		return "", fmt.Errorf("write body: it has more than the %d octets that a segment takes", SmallBody)
	}
	weight := int64(len(*buffer))
	if err := s.waiting.Acquire(ctx, weight); err != nil {
		return "", fmt.Errorf("write body: wait for the disk: %w", err)
	}
	defer s.waiting.Release(weight)
	one := &addition{
		ctx: ctx, octets: *buffer, done: make(chan error, 1),
		record: record{id: id, length: len(data), sum: crc32.Checksum(data, Castagnoli())},
	}
	bucket := bucketOf(time.Now(), expires)
	for added := false; !added; {
		a, err := s.appender(bucket)
		if err != nil {
			return "", fmt.Errorf("write body: %w", err)
		}
		added = a.add(one)
	}
	if err := <-one.done; err != nil {
		return "", s.explain(err)
	}
	return place{name: one.segment, offset: one.record.offset, length: len(data), sum: one.record.sum}.ref(), nil
}

// readAll appends to b what r gives: all, or one octet more than a segment takes.
func readAll(r io.Reader, b []byte) ([]byte, error) {
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Read(b[len(b):min(cap(b), headerSize+SmallBody+1)])
		b = b[:len(b)+n]
		if err == io.EOF || len(b) > headerSize+SmallBody { // one that wraps EOF is an error
			return b, nil
		}
		if err != nil {
			return b, err
		}
	}
}

// appender returns the one of a bucket. Where there are too many, the one that was not
// used for the longest time ends.
func (s *Segments) appender(bucket string) (*appender, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errSegmentsClosed
	}
	now := time.Now()
	if a := s.appenders[bucket]; a != nil {
		a.used = now
		return a, nil
	}
	if len(s.appenders) == maxOpen {
		oldest := bucket
		for name, a := range s.appenders {
			if oldest == bucket || a.used.Before(s.appenders[oldest].used) {
				oldest = name
			}
		}
		s.retire(oldest)
	}
	a := newAppender(s, bucket)
	a.used = now
	s.appenders[bucket] = a
	s.running.Go(a.run)
	return a, nil
}

// retire has an appender end when it has written what it was given. The caller has the
// lock.
func (s *Segments) retire(bucket string) {
	s.appenders[bucket].close()
	delete(s.appenders, bucket)
}

// newSegment makes a segment of a bucket, and makes it durable.
func (s *Segments) newSegment(bucket string) (*segment, *os.File, error) {
	seg := &segment{open: true, counted: true}
	_, _ = rand.Read(seg.nonce[:]) // never fails
	seg.name = segmentName(bucket, seg.nonce)
	seg.over, _, _ = parseName(seg.name)
	file, err := s.create(seg.name)
	if err != nil {
		return nil, nil, fmt.Errorf("create segment: %w", err)
	}
	if err = s.disk.call("sync", file.Sync); err == nil {
		err = s.syncDir(".")
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("create segment: %w", err), file.Close(), s.remove(seg.name))
	}
	s.mu.Lock()
	s.segments[seg.name] = seg
	s.mu.Unlock()
	return seg, file, nil
}

func (s *Segments) segment(name string) *segment {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.segments[name]
}

// Open reads a body into memory. It fails with ErrDamaged where the body is not the one
// that was stored.
func (s *Segments) Open(_ context.Context, ref mail.BodyRef) (mail.Body, error) {
	p, err := parsePlace(ref)
	if err != nil {
		return nil, err
	}
	file, err := s.root.Open(p.name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: segment %s is missing", ErrDamaged, p.name)
	}
	if err != nil {
		return nil, fmt.Errorf("open segment: %w", err)
	}
	defer file.Close()
	octets := make([]byte, headerSize+p.length)
	n, err := file.ReadAt(octets, p.offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read segment %s at offset %d: %w", p.name, p.offset, err)
	}
	if err := p.check(octets[:n]); err != nil {
		return nil, fmt.Errorf("read segment %s at offset %d: %w", p.name, p.offset, err)
	}
	return InMemory(octets[headerSize:]), nil
}

// check holds what stands at a place against it.
func (p place) check(octets []byte) error {
	r, err := p.checkHeader(octets)
	data := octets[min(headerSize, len(octets)):]
	switch {
	case err != nil:
		return err
	case r.deleted:
		return fmt.Errorf("%w: it was deleted", ErrDamaged)
	case len(data) != p.length:
		return fmt.Errorf("%w: %d octets of %d", ErrDamaged, len(data), p.length)
	}
	if sum := crc32.Checksum(data, Castagnoli()); sum != p.sum {
		return fmt.Errorf("%w: checksum %08x is not %08x", ErrDamaged, sum, p.sum)
	}
	return nil
}

// checkHeader holds the header at a place against it.
func (p place) checkHeader(octets []byte) (record, error) {
	_, n, _ := parseName(p.name)
	r, err := decodeRecord(octets, n, p.offset)
	if err != nil {
		return r, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if r.length != p.length || r.sum != p.sum {
		return r, fmt.Errorf("%w: the record is that of another body", ErrDamaged)
	}
	return r, nil
}

// Hold keeps deletions back until release is called, which makes them. It returns when
// those under way have ended: what was live then is there until the release.
func (s *Segments) Hold() (release func() error) { return s.holds.hold() }

// CopyTo copies all segments into a folder, which it makes, and syncs what it has written.
// Who wants all bodies of some moment holds deletions back from then on.
func (s *Segments) CopyTo(ctx context.Context, dir string) error {
	return s.copyTo(ctx, dir, func(name string) bool {
		_, _, ours := parseName(name)
		return ours && filepath.Base(name) == name
	})
}

// String is the nonce as it stands in a name.
func (n nonce) String() string { return hex.EncodeToString(n[:]) }

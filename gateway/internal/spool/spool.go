// Package spool keeps the raw messages' octets: [Files] each in a file of its own,
// [Segments] many small ones behind each other in one file, and [Tiered] the small
// ones in one store and the large ones in another. Subpackage s3 keeps them in a bucket;
// spooltest holds what every store of bodies must pass.
//
// # Durability
//
// Put returns after the octets are on the disk and so is every directory entry that
// leads to them. The row that refers to a body is written afterwards, by package
// store; it is the commit point. A crash in between leaves a body without a
// row, which Sweep removes, and never a row without its body. A deletion is not
// synced: what a crash brings back is without a row too.
//
// # Invariants
//
// A body is written once and never changed. Every Open reads the whole body
// against its checksum before it gives out a single octet. All access to the disk goes
// through an [os.Root], so that no reference leads out of the spool's folder. What an
// earlier process has left is never appended to. After a write or a sync has failed,
// its file takes nothing more: the kernel tells of an error once, and forgets it.
package spool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
)

var (
	// ErrDamaged means that a body is not what was stored: cut short, altered, or
	// not there.
	ErrDamaged = mail.ErrDamaged
	// ErrForeign means that a reference is not one that the store has made.
	ErrForeign = mail.ErrForeign
	// ErrOther means that the bodies are of another database: a sweep would delete them all.
	ErrOther = errors.New("the bodies belong to another database")
	// ErrFull means that the disk, or the share of it that we may use, is full.
	ErrFull = errors.New("the disk is full")
	// ErrFailing means that the disk does not do its work.
	ErrFailing = errors.New("the disk is failing")
)

// Live gives the references that the rows of messages hold. Messages that are not
// known, or have no body, are not in its answer.
type Live = func(context.Context, []mail.MessageID) (map[mail.MessageID]mail.BodyRef, error)

// SmallBody is the size of the largest body that Segments take, in octets.
const SmallBody = 256 << 10

// Store is a store of bodies. A reference that is not its own it answers with ErrForeign.
type Store interface {
	Put(ctx context.Context, id mail.MessageID, expires time.Time, r io.Reader) (mail.BodyRef, error)
	Open(ctx context.Context, ref mail.BodyRef) (mail.Body, error)
	Delete(ctx context.Context, ref mail.BodyRef) error
	Sweep(ctx context.Context, live Live) (int, error)
}

// maxAsked is how many messages a sweep asks for at a time.
const maxAsked = 500

// Sweeper finds out which of the bodies that a store has found are live.
type Sweeper struct {
	Live Live
	// Removed counts those that were not.
	Removed int
	found   []Found
}

// Found is a body that a sweep has found.
type Found struct {
	ID mail.MessageID
	// Is reports whether a reference is to this body.
	Is func(mail.BodyRef) bool
	// Settle is told whether the body is live; it removes one that is not.
	Settle func(live bool) error
}

// Add takes a body. Now and then it asks for those that it has.
func (s *Sweeper) Add(ctx context.Context, f Found) error {
	if s.found = append(s.found, f); len(s.found) < maxAsked {
		return ctx.Err()
	}
	return s.Flush(ctx)
}

// Flush asks for those that it has.
func (s *Sweeper) Flush(ctx context.Context) error {
	found := s.found
	s.found = nil
	if len(found) == 0 {
		return ctx.Err()
	}
	ids := make([]mail.MessageID, len(found))
	for i, f := range found {
		ids[i] = f.ID
	}
	live, err := s.Live(ctx, ids)
	if err != nil {
		return err
	}
	for _, f := range found {
		ref, known := live[f.ID]
		isLive := known && f.Is(ref)
		if err := f.Settle(isLive); err != nil {
			return err
		}
		if !isLive {
			s.Removed++
		}
	}
	return nil
}

// MakeRef writes a reference: its scheme, fields without a colon, and the size and
// checksum of the body.
func MakeRef(scheme string, size int64, sum uint32, fields ...string) mail.BodyRef {
	return mail.BodyRef(fmt.Sprintf("%s:%s:%d:%08x", scheme, strings.Join(fields, ":"), size, sum))
}

// ParseRef reads a reference of a scheme that has n fields beside the size and the
// checksum. It fails with ErrForeign where it is none, and with ErrDamaged where it is one that
// cannot be read.
func ParseRef(ref mail.BodyRef, scheme string, n int) (fields []string, size int64, sum uint32, err error) {
	fields = strings.Split(string(ref), ":")
	if fields[0] != scheme || len(fields) != n+3 {
		return nil, 0, 0, fmt.Errorf("read body reference %q: %w", ref, ErrForeign)
	}
	count, sizeErr := strconv.ParseUint(fields[n+1], 10, 63)
	crc, sumErr := strconv.ParseUint(fields[n+2], 16, 32)
	if err := errors.Join(sizeErr, sumErr); err != nil {
		return nil, 0, 0, fmt.Errorf("%w: read body reference %q: %w", ErrDamaged, ref, err)
	}
	return fields[1 : n+1], int64(count), uint32(crc), nil
}

// CheckID holds that an id can name a body.
func CheckID(id mail.MessageID) error {
	_, delivery, err := mail.ParseID(string(id))
	if err == nil && delivery != "" {
		err = fmt.Errorf("%q is the id of a delivery", id)
	}
	if err != nil {
		return fmt.Errorf("create body: %w", err)
	}
	return nil
}

// Castagnoli is the polynomial of the checksums: processors have an instruction for it.
func Castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

type inMemory struct{ *bytes.Reader }

// Close implements mail.Body.
func (inMemory) Close() error { return nil }

// InMemory is an open body whose octets are held in memory.
func InMemory(octets []byte) mail.Body { return inMemory{bytes.NewReader(octets)} }

// WithContext returns a reader that fails once ctx has ended.
func WithContext(ctx context.Context, r io.Reader) io.Reader { return contextReader{ctx, r} }

// contextReader stops a copy when its context ends.
type contextReader struct {
	ctx context.Context //nolint:containedctx // lives for one call of Put
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

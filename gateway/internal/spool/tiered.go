package spool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
)

// Tiered keeps small bodies in one store and large ones in another. What is in either is
// read, whatever its size.
type Tiered struct {
	limit        int
	small, large Store
	buffers      sync.Pool
}

// NewTiered returns a store that puts bodies of up to limit octets into small and others
// into large. Both stay the caller's to close.
func NewTiered(limit int, small, large Store) *Tiered {
	return &Tiered{limit: limit, small: small, large: large}
}

// Put reads up to one octet more than the limit into memory, and then knows where the body
// goes.
func (t *Tiered) Put(ctx context.Context, id mail.MessageID, expires time.Time, r io.Reader) (mail.BodyRef, error) {
	buffer, ok := t.buffers.Get().(*bytes.Buffer)
	if !ok {
		buffer = new(bytes.Buffer)
	}
	defer t.buffers.Put(buffer)
	buffer.Reset()
	if _, err := io.Copy(buffer, io.LimitReader(WithContext(ctx, r), int64(t.limit)+1)); err != nil {
		return "", fmt.Errorf("write body: %w", err)
	}
	// A copy of the reader alone: the octets stay the buffer's.
	begin := bytes.NewReader(buffer.Bytes())
	if begin.Len() <= t.limit {
		return t.small.Put(ctx, id, expires, begin)
	}
	return t.large.Put(ctx, id, expires, io.MultiReader(begin, r))
}

// Open opens a body of either store.
func (t *Tiered) Open(ctx context.Context, ref mail.BodyRef) (mail.Body, error) {
	body, err := t.small.Open(ctx, ref)
	if errors.Is(err, ErrForeign) {
		return t.large.Open(ctx, ref)
	}
	return body, err
}

// Delete removes a body from the store that has it.
func (t *Tiered) Delete(ctx context.Context, ref mail.BodyRef) error {
	err := t.small.Delete(ctx, ref)
	if errors.Is(err, ErrForeign) {
		return t.large.Delete(ctx, ref)
	}
	return err
}

// Sweep sweeps both stores, the second also where the first fails.
func (t *Tiered) Sweep(ctx context.Context, live Live) (int, error) {
	small, smallErr := t.small.Sweep(ctx, live)
	large, largeErr := t.large.Sweep(ctx, live)
	return small + large, errors.Join(smallErr, largeErr)
}

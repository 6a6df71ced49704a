package postgres

import (
	"context"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
)

// OpenPolling opens a store that looks for due deliveries as often by itself.
func OpenPolling(ctx context.Context, c Config, poll time.Duration) (*DB, error) {
	return openPolling(ctx, c, poll)
}

// Through has calls of the server that are part of changes made by call, which may fail
// instead. To be called before any.
func (db *DB) Through(call func(do func() error) error) { db.call = call }

// ParseBodyRef reads a reference of a body.
func ParseBodyRef(ref mail.BodyRef) (id string, size int64, sum uint32, err error) {
	return parseBodyRef(ref)
}

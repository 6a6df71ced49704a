package postgres

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// OpenPolling opens a store that looks for due deliveries as often by itself.
func OpenPolling(ctx context.Context, c Config, poll time.Duration) (*DB, error) {
	return openPolling(ctx, c, poll)
}

// PlanOfList returns how the server goes about a list.
func (db *DB) PlanOfList(ctx context.Context, f store.Filter) (string, error) {
	statement, args, err := db.listStatement(ctx, f)
	if err != nil {
		return "", err
	}
	lines, err := query(ctx, db, pgx.RowTo[string], "EXPLAIN "+statement, args...)
	return strings.Join(lines, "\n"), err
}

// Through has calls of the server that are part of changes made by call, which may fail
// instead. To be called before any.
func (db *DB) Through(call func(do func() error) error) { db.call = call }

// ParseBodyRef reads a reference of a body.
func ParseBodyRef(ref mail.BodyRef) (id string, size int64, sum uint32, err error) {
	return parseBodyRef(ref)
}

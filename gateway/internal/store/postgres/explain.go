package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/postern-mail/postern/gateway/internal/store"
)

// Conditions of the server (PostgreSQL's appendix A).
const (
	badPassword       = "28P01"
	badAuthorization  = "28000"
	noDatabase        = "3D000"
	tooManyClients    = "53300"
	diskFull          = "53100"
	notAllowed        = "42501"
	readOnly          = "25006"
	startingUp        = "57P03"
	protocolViolation = "08P01"
	queryCanceled     = "57014"
	serialization     = "40001"
	deadlock          = "40P01"
	noLock            = "55P03"
	shutdownByAdmin   = "57P01"
	crashShutdown     = "57P02"
	restoredSnapshot  = "57P05"
	dataCorrupted     = "XX001"
	indexCorrupted    = "XX002"
)

// explain adds to an error of the server what is to be done about it.
func explain(err error) error {
	if err == nil {
		return nil
	}
	if server, ok := errors.AsType[*pgconn.PgError](err); ok {
		if server.Code == dataCorrupted || server.Code == indexCorrupted {
			return fmt.Errorf("%w: the PostgreSQL server says so; look into its log, and restore a backup by its own tools: %w", store.ErrDamaged, err)
		}
		if advice := advise(server); advice != "" {
			return fmt.Errorf("%s: %w", advice, err)
		}
		return err
	}
	if connect, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		if _, ok := errors.AsType[net.Error](err); ok || errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("the PostgreSQL server %s:%d cannot be reached; look whether it runs and can be reached from here: %w", connect.Config.Host, connect.Config.Port, err)
		}
		return err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("the PostgreSQL server did not answer in time, or all connections to it are busy: %w", err)
	}
	return err
}

func advise(e *pgconn.PgError) string {
	switch e.Code {
	case badPassword, badAuthorization:
		return "the PostgreSQL server refuses the user or the password of the DSN; look at them and at the server's pg_hba.conf"
	case noDatabase:
		return "there is no such database; make it with CREATE DATABASE"
	case tooManyClients:
		return "the PostgreSQL server has no connection left; raise its max_connections, or allow the gateways fewer"
	case diskFull:
		return "the disk of the PostgreSQL server is full"
	case notAllowed:
		return "the database user lacks a right; let it own the tables, and create them in its schema"
	case readOnly:
		return "the PostgreSQL server takes no changes, as a standby does; name its primary in the DSN"
	case startingUp:
		return "the PostgreSQL server is starting or stopping; try again"
	case protocolViolation:
		return "a connection pooler refuses the connection's settings; have it ignore them (PgBouncer: ignore_startup_parameters)"
	case queryCanceled:
		return "the PostgreSQL server took too long"
	}
	return ""
}

// mayPass reports whether the same change may succeed when it is made again.
func mayPass(err error) bool {
	server, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (server.Code == serialization || server.Code == deadlock)
}

// ofOne reports whether an error may be that of one change in a batch: its neighbours can
// be made without it. It is certain then that none was made.
func ofOne(err error) bool {
	if errors.Is(err, store.ErrFetched) || errors.Is(err, store.ErrMailbox) {
		return true
	}
	server, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return false
	}
	switch server.Code[:2] {
	case "21", "22", "23", "40", "54": // cardinality, data, integrity, rollback, limits
		return true
	}
	return server.Code == noLock || server.Code == queryCanceled
}

// uncertain reports whether nobody knows after an error if the change was made: the
// connection has ended before the answer came.
func uncertain(err error) bool {
	server, ok := errors.AsType[*pgconn.PgError](err)
	if ok {
		return server.Code == shutdownByAdmin || server.Code == crashShutdown || server.Code == restoredSnapshot
	}
	return !pgconn.SafeToRetry(err)
}

package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/postern-mail/postern/gateway/internal/store"
)

const episodeColumns = `SELECT tenant, class, name, kind, version, opened_at, reported FROM episodes`

// Episode implements store.Sources.
func (db *DB) Episode(ctx context.Context, about store.About, kind string) (store.Episode, error) {
	e, err := only(query(ctx, db, scanEpisode, episodeColumns+` WHERE tenant = $1 AND class = $2 AND name = $3 AND kind = $4`,
		clean(about.Tenant), clean(about.Class), clean(about.Name), clean(kind)))
	if errors.Is(err, store.ErrNotFound) {
		return store.Episode{About: about, Kind: kind}, nil
	}
	if err != nil {
		return e, fmt.Errorf("read episode: %w", err)
	}
	e.About, e.Kind = about, kind // as they are called by who asks
	return e, nil
}

// Episodes implements store.Sources.
func (db *DB) Episodes(ctx context.Context) ([]store.Episode, error) {
	list, err := query(ctx, db, scanEpisode, episodeColumns+` WHERE opened_at IS NOT NULL ORDER BY opened_at, tenant, class, name, kind`)
	if err != nil {
		return nil, fmt.Errorf("read episodes: %w", err)
	}
	return list, nil
}

func scanEpisode(row pgx.CollectableRow) (e store.Episode, err error) {
	var opened *int64
	var reported []byte
	if err := row.Scan(&e.About.Tenant, &e.About.Class, &e.About.Name, &e.Kind, &e.Version, &opened, &reported); err != nil {
		return e, err
	}
	e.OpenedAt = orZero(opened)
	return e, json.Unmarshal(reported, &e.Reported)
}

// putEpisode replaces an episode: where it has version 0 there must be none, and else the one
// that was read.
const putEpisode = `
	INSERT INTO episodes (tenant, class, name, kind, version, opened_at, reported)
	SELECT $1, $2, $3, $4, $5::bigint + 1, $6, $7 WHERE $5 = 0 OR EXISTS (SELECT 1 FROM episodes WHERE tenant = $1 AND class = $2 AND name = $3 AND kind = $4 AND version = $5)
	ON CONFLICT (tenant, class, name, kind) DO UPDATE SET version = excluded.version, opened_at = excluded.opened_at, reported = excluded.reported WHERE episodes.version = $5`

// Tell implements store.Sources.
func (db *DB) Tell(ctx context.Context, e store.Episode, events []store.NewMessage) error {
	args, err := episodeValues(e)
	if err != nil {
		return fmt.Errorf("tell of an episode: %w", err)
	}
	told, err := db.telling(ctx, "tell of an episode", events, putEpisode, args...)
	if err == nil && !told {
		return fmt.Errorf("tell of an episode: %w", store.ErrMoved)
	}
	return err
}

func episodeValues(e store.Episode) ([]any, error) {
	reported, err := encode(e.Reported)
	return []any{clean(e.About.Tenant), clean(e.About.Class), clean(e.About.Name), clean(e.Kind), e.Version, orNull(e.OpenedAt), reported}, err
}

// telling makes a change of one statement and enqueues the events that tell of it, in one
// transaction. Where there was nothing to change there is nothing to tell, and told is false.
func (db *DB) telling(ctx context.Context, what string, events []store.NewMessage, statement string, args ...any) (told bool, err error) {
	var r rows
	for i := range events {
		l, err := newLists(&events[i])
		if err != nil {
			return false, fmt.Errorf("%s: %w", what, err)
		}
		r.addNew(&events[i], l)
	}
	err = db.change(ctx, durable, func(ctx context.Context, tx *tx) error {
		var n int64
		b := &pgx.Batch{}
		b.Queue(statement, args...).Exec(counted(&n))
		if err := tx.send(ctx, b); err != nil {
			return err
		}
		b = &pgx.Batch{}
		if told = n > 0; told && len(events) > 0 {
			r.insert(b)
		}
		return tx.commit(ctx, b)
	})
	if err != nil {
		return false, fmt.Errorf("%s: %w", what, err)
	}
	if told && len(r.queue.lane) > 0 {
		db.waker.announce()
	}
	return told, nil
}

// ExportSources implements store.Sources.
func (db *DB) ExportSources(ctx context.Context, after store.Fetched, limit int) (store.SourcesRecord, error) {
	var r store.SourcesRecord
	var errs [6]error
	if after == (store.Fetched{}) {
		r.Accounts, errs[0] = db.Accounts(ctx)
		r.Switches, errs[1] = db.switches(ctx)
		r.Tokens, errs[2] = query(ctx, db, func(row pgx.CollectableRow) (t store.Token, err error) {
			err = row.Scan(&t.Account, &t.Token)
			return t, err
		}, `SELECT account, token FROM tokens ORDER BY account`)
		r.Mailboxes, errs[3] = query(ctx, db, scanMailbox, mailboxColumns+` ORDER BY account, folder`)
		r.Episodes, errs[4] = query(ctx, db, scanEpisode, episodeColumns+` ORDER BY tenant, class, name, kind`)
	}
	r.Fetched, errs[5] = query(ctx, db, scanFetched, readFetched+` WHERE (account, folder, uid_validity, uid) > ($1, $2, $3, $4) ORDER BY account, folder, uid_validity, uid LIMIT $5`,
		clean(after.Account), clean(after.Folder), int64(after.UIDValidity), int64(after.UID), limit)
	if err := errors.Join(errs[:]...); err != nil {
		return store.SourcesRecord{}, fmt.Errorf("export: %w", err)
	}
	return r, nil
}

// ImportSources implements store.Sources.
func (db *DB) ImportSources(ctx context.Context, r store.SourcesRecord) error {
	b := &pgx.Batch{}
	for _, e := range r.Episodes {
		args, err := episodeValues(e)
		if err != nil {
			return fmt.Errorf("import: %w", err)
		}
		b.Queue(`INSERT INTO episodes (tenant, class, name, kind, version, opened_at, reported) VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (tenant, class, name, kind) DO UPDATE SET version = excluded.version, opened_at = excluded.opened_at, reported = excluded.reported`, args...)
	}
	for _, s := range r.Switches {
		b.Queue(`INSERT INTO switches (account, since, reason) VALUES ($1, $2, $3)
			ON CONFLICT (account) DO UPDATE SET since = excluded.since, reason = excluded.reason`, clean(s.Account), millis(s.Since), clean(s.Reason))
	}
	for _, m := range r.Mailboxes {
		queueMailbox(b, m)
	}
	var c fetchedColumns
	handled := make([]bool, len(r.Fetched))
	for i, f := range r.Fetched {
		c.add(f.Fetched)
		handled[i] = f.Handled
	}
	b.Queue(`INSERT INTO fetched (account, folder, uid_validity, uid, digest, handled) SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bytea[], $6::bool[])
		ON CONFLICT (account, folder, uid_validity, uid) DO UPDATE SET digest = excluded.digest, handled = excluded.handled`, c.account, c.folder, c.validity, c.uid, c.digest, handled)
	for _, t := range r.Tokens {
		b.Queue(putToken, clean(t.Account), clean(t.Token))
	}
	for _, a := range r.Accounts {
		b.Queue(putAccount, clean(a.Name), append([]byte{}, a.Settings...), millis(a.UpdatedAt))
	}
	err := db.change(ctx, durable, func(ctx context.Context, tx *tx) error {
		whole := &pgx.Batch{QueuedQueries: slices.Clip(b.QueuedQueries)} // it may be made again
		return tx.commit(ctx, whole)
	})
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	return nil
}

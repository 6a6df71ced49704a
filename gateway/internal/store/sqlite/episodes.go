package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/postern-mail/postern/gateway/internal/store"
)

const episodeColumns = `SELECT tenant, class, name, kind, version, opened_at, reported FROM episodes`

// Episode implements store.Sources.
func (db *DB) Episode(ctx context.Context, about store.About, kind string) (store.Episode, error) {
	found, err := readAll(ctx, db, "read episode", scanEpisode, episodeColumns+` WHERE tenant = ? AND class = ? AND name = ? AND kind = ?`,
		about.Tenant, about.Class, about.Name, kind)
	if err != nil || len(found) == 0 {
		return store.Episode{About: about, Kind: kind}, err
	}
	return found[0], nil
}

// Episodes implements store.Sources.
func (db *DB) Episodes(ctx context.Context) ([]store.Episode, error) {
	return readAll(ctx, db, "read episodes", scanEpisode, episodeColumns+` WHERE opened_at IS NOT NULL ORDER BY opened_at, tenant, class, name, kind`)
}

func scanEpisode(rows *sql.Rows) (e store.Episode, err error) {
	var opened sql.NullInt64
	var reported string
	if err := rows.Scan(&e.About.Tenant, &e.About.Class, &e.About.Name, &e.Kind, &e.Version, &opened, &reported); err != nil {
		return e, err
	}
	e.OpenedAt = orZero(opened)
	return e, json.Unmarshal([]byte(reported), &e.Reported)
}

// Tell implements store.Sources.
func (db *DB) Tell(ctx context.Context, e store.Episode, events []store.NewMessage) error {
	reported, err := encode(e.Reported)
	if err != nil {
		return fmt.Errorf("tell of an episode: %w", err)
	}
	return db.telling(ctx, "tell of an episode", events, func(tx *tx) (bool, error) {
		// Where it has version 0 there must be none, and else the one that was read.
		moved, err := tx.changed(ctx, `INSERT INTO episodes (tenant, class, name, kind, version, opened_at, reported)
			SELECT ?1, ?2, ?3, ?4, ?5 + 1, ?6, ?7 WHERE ?5 = 0 OR EXISTS (SELECT 1 FROM episodes WHERE tenant = ?1 AND class = ?2 AND name = ?3 AND kind = ?4 AND version = ?5)
			ON CONFLICT (tenant, class, name, kind) DO UPDATE SET version = excluded.version, opened_at = excluded.opened_at, reported = excluded.reported WHERE version = ?5`,
			e.About.Tenant, e.About.Class, e.About.Name, e.Kind, e.Version, orNull(e.OpenedAt), reported)
		if err == nil && !moved {
			err = store.ErrMoved
		}
		return true, err
	})
}

// telling makes a change and enqueues the events that tell of it, in one transaction. Where
// there was nothing to change there is nothing to tell.
func (db *DB) telling(ctx context.Context, what string, events []store.NewMessage, change func(*tx) (bool, error)) error {
	rows, err := newMessageRows(events)
	if err == nil {
		err = db.changes.do(ctx, func(tx *tx) error {
			if changed, err := change(tx); err != nil || !changed {
				return err
			}
			return enqueueAll(ctx, tx, events, rows)
		})
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// ExportSources implements store.Sources. It reads one page after the other: what changes
// meanwhile may be in it or not.
func (db *DB) ExportSources(ctx context.Context, after store.Fetched, limit int) (store.SourcesRecord, error) {
	var r store.SourcesRecord
	var errs [6]error
	if after == (store.Fetched{}) {
		r.Accounts, errs[0] = db.Accounts(ctx)
		r.Switches, errs[1] = db.switches(ctx)
		r.Tokens, errs[2] = readAll(ctx, db, "read tokens", func(rows *sql.Rows) (t store.Token, err error) {
			err = rows.Scan(&t.Account, &t.Token)
			return t, err
		}, `SELECT account, token FROM tokens ORDER BY account`)
		r.Mailboxes, errs[3] = readAll(ctx, db, "read mailboxes", func(rows *sql.Rows) (store.Mailbox, error) {
			return scanMailbox(rows)
		}, mailboxColumns+` ORDER BY account, folder`)
		r.Episodes, errs[4] = readAll(ctx, db, "read episodes", scanEpisode, episodeColumns+` ORDER BY tenant, class, name, kind`)
	}
	r.Fetched, errs[5] = readAll(ctx, db, "read mails that were fetched", scanFetched, `SELECT account, folder, uid_validity, uid, digest, handled FROM fetched
		WHERE (account, folder, uid_validity, uid) > (?,?,?,?) ORDER BY account, folder, uid_validity, uid LIMIT ?`,
		after.Account, after.Folder, after.UIDValidity, after.UID, limit)
	if err := errors.Join(errs[:]...); err != nil {
		return store.SourcesRecord{}, fmt.Errorf("export: %w", err)
	}
	return r, nil
}

// ImportSources implements store.Sources.
func (db *DB) ImportSources(ctx context.Context, r store.SourcesRecord) error {
	err := db.changes.do(ctx, func(tx *tx) error {
		for _, a := range r.Accounts {
			if _, err := tx.ExecContext(ctx, putAccount, a.Name, nonNil(a.Settings), millis(a.UpdatedAt)); err != nil {
				return err
			}
		}
		for _, s := range r.Switches {
			if _, err := tx.ExecContext(ctx, putSwitch, s.Account, millis(s.Since), s.Reason); err != nil {
				return err
			}
		}
		for _, t := range r.Tokens {
			if _, err := tx.ExecContext(ctx, putToken, t.Account, t.Token); err != nil {
				return err
			}
		}
		for _, m := range r.Mailboxes {
			if err := putMailbox(ctx, tx, m); err != nil {
				return err
			}
		}
		for _, e := range r.Episodes {
			if err := importEpisode(ctx, tx, e); err != nil {
				return err
			}
		}
		for _, f := range r.Fetched {
			if _, err := tx.ExecContext(ctx, putFetched, f.Account, f.Folder, f.UIDValidity, f.UID, f.Digest[:], f.Handled); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	return nil
}

const (
	putSwitch  = `INSERT OR REPLACE INTO switches (account, since, reason) VALUES (?,?,?)`
	putFetched = `INSERT OR REPLACE INTO fetched (account, folder, uid_validity, uid, digest, handled) VALUES (?,?,?,?,?,?)`
	putEpisode = `INSERT OR REPLACE INTO episodes (tenant, class, name, kind, version, opened_at, reported) VALUES (?,?,?,?,?,?,?)`
)

func importEpisode(ctx context.Context, tx *tx, e store.Episode) error {
	reported, err := encode(e.Reported)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, putEpisode, e.About.Tenant, e.About.Class, e.About.Name, e.Kind, e.Version, orNull(e.OpenedAt), reported)
	return err
}

package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/postern-mail/postern/gateway/internal/store"
)

// Accounts implements store.Sources.
func (db *DB) Accounts(ctx context.Context) ([]store.Account, error) {
	return readAll(ctx, db, "read accounts", scanAccount, `SELECT name, settings, updated_at FROM accounts ORDER BY name`)
}

func scanAccount(rows *sql.Rows) (a store.Account, err error) {
	var updated int64
	err = rows.Scan(&a.Name, &a.Settings, &updated)
	a.UpdatedAt = fromMillis(updated)
	return a, err
}

// putAccount and the like add a row or replace the one that is there.
const (
	putAccount = `INSERT INTO accounts (name, settings, updated_at) VALUES (?,?,?)
		ON CONFLICT (name) DO UPDATE SET settings = excluded.settings, updated_at = excluded.updated_at`
	putToken   = `INSERT INTO tokens (account, token) VALUES (?,?) ON CONFLICT (account) DO UPDATE SET token = excluded.token`
	addSwitch  = `INSERT INTO switches (account, since, reason) VALUES (?,?,?) ON CONFLICT (account) DO NOTHING`
	addFetched = `INSERT INTO fetched (account, folder, uid_validity, uid, digest, handled) VALUES (?,?,?,?,?,?)
		ON CONFLICT (account, folder, uid_validity, uid) DO NOTHING`
)

// PutAccount implements store.Sources.
func (db *DB) PutAccount(ctx context.Context, a store.Account) error {
	_, err := db.change(ctx, db.changes.do, "store account", putAccount, a.Name, nonNil(a.Settings), millis(a.UpdatedAt))
	return err
}

// DeleteAccount implements store.Sources.
func (db *DB) DeleteAccount(ctx context.Context, name string) (bool, error) {
	var found bool
	err := db.changes.do(ctx, func(tx *tx) error {
		found = false
		for _, query := range []string{
			`DELETE FROM accounts WHERE name = ?`,
			`DELETE FROM switches WHERE account = ?`,
			`DELETE FROM tokens WHERE account = ?`,
			`DELETE FROM mailboxes WHERE account = ?`,
			`DELETE FROM fetched WHERE account = ?`,
			`DELETE FROM episodes WHERE class = 'account' AND name = ?`,
		} {
			some, err := tx.changed(ctx, query, name)
			if err != nil {
				return err
			}
			found = found || some
		}
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("delete account %s: %w", name, err)
	}
	return found, nil
}

// Switches implements store.Sources.
func (db *DB) Switches(ctx context.Context) (map[string]store.Switch, error) {
	all, err := db.switches(ctx)
	if err != nil {
		return nil, err
	}
	byAccount := make(map[string]store.Switch, len(all))
	for _, s := range all {
		byAccount[s.Account] = s
	}
	return byAccount, nil
}

func (db *DB) switches(ctx context.Context) ([]store.Switch, error) {
	return readAll(ctx, db, "read switches", func(rows *sql.Rows) (s store.Switch, err error) {
		var since int64
		err = rows.Scan(&s.Account, &since, &s.Reason)
		s.Since = fromMillis(since)
		return s, err
	}, `SELECT account, since, reason FROM switches ORDER BY account`)
}

// Disable implements store.Sources.
func (db *DB) Disable(ctx context.Context, s store.Switch, events []store.NewMessage) error {
	return db.telling(ctx, "disable account "+s.Account, events, func(tx *tx) (bool, error) {
		return tx.changed(ctx, addSwitch, s.Account, millis(s.Since), s.Reason)
	})
}

// Enable implements store.Sources.
func (db *DB) Enable(ctx context.Context, account string) (bool, error) {
	n, err := db.change(ctx, db.changes.do, "enable account", `DELETE FROM switches WHERE account = ?`, account)
	return n > 0, err
}

// Token implements store.Sources.
func (db *DB) Token(ctx context.Context, account string) (token string, err error) {
	err = db.read.QueryRowContext(ctx, `SELECT token FROM tokens WHERE account = ?`, account).Scan(&token)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("read token: %w", err)
	}
	return token, nil
}

// PutToken implements store.Sources.
func (db *DB) PutToken(ctx context.Context, account, token string) error {
	_, err := db.change(ctx, db.changes.do, "store token", putToken, account, token)
	return err
}

// Mailbox implements store.Sources.
func (db *DB) Mailbox(ctx context.Context, account, folder string) (store.Mailbox, bool, error) {
	m, err := scanMailbox(db.read.QueryRowContext(ctx, mailboxColumns+` WHERE account = ? AND folder = ?`, account, folder))
	if errors.Is(err, sql.ErrNoRows) {
		return store.Mailbox{}, false, nil
	}
	if err != nil {
		return store.Mailbox{}, false, fmt.Errorf("read mailbox: %w", err)
	}
	return m, true, nil
}

// PutMailbox implements store.Sources.
func (db *DB) PutMailbox(ctx context.Context, m store.Mailbox) error {
	err := db.changes.do(ctx, func(tx *tx) error {
		if err := setAside(ctx, tx, m); err != nil {
			return err
		}
		// Before the mailbox has the new UIDVALIDITY, its row says which is the one before.
		if _, err := tx.ExecContext(ctx, `DELETE FROM fetched WHERE account = ?1 AND folder = ?2 AND uid_validity <> ?3
			AND uid_validity <> (SELECT uid_validity FROM mailboxes WHERE account = ?1 AND folder = ?2 AND uid_validity <> ?3)`, m.Account, m.Folder, m.UIDValidity); err != nil {
			return err
		}
		return putMailbox(ctx, tx, m)
	})
	if err != nil {
		return fmt.Errorf("store mailbox: %w", err)
	}
	return nil
}

// setAside keeps what is known of a mailbox whose UIDs are given anew, by a UIDVALIDITY that no server has. It is done
// with; what was fetched under an earlier UIDVALIDITY than the last goes.
func setAside(ctx context.Context, tx *tx, m store.Mailbox) error {
	const anew = ` mailboxes WHERE account = ?1 AND folder = ?2 AND (server <> ?3 OR ?4)`
	for _, query := range []string{
		`DELETE FROM fetched WHERE account = ?1 AND folder = ?2 AND uid_validity <> (SELECT uid_validity FROM` + anew + `)`,
		`UPDATE fetched SET uid_validity = 0, handled = 1 WHERE account = ?1 AND folder = ?2 AND EXISTS (SELECT 1 FROM` + anew + `)`,
		`DELETE FROM` + anew,
	} {
		if _, err := tx.ExecContext(ctx, query, m.Account, m.Folder, m.Server, m.Anew); err != nil {
			return err
		}
	}
	return nil
}

func putMailbox(ctx context.Context, tx *tx, m store.Mailbox) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO mailboxes (account, folder, uid_validity, next_uid, below, since, server) VALUES (?,?,?,?,?,?,?)
		ON CONFLICT (account, folder) DO UPDATE SET uid_validity = excluded.uid_validity, below = excluded.below, since = excluded.since, server = excluded.server,
			next_uid = CASE uid_validity WHEN excluded.uid_validity THEN max(next_uid, excluded.next_uid) ELSE excluded.next_uid END`,
		m.Account, m.Folder, m.UIDValidity, m.NextUID, m.Below, orNull(m.Since), m.Server)
	return err
}

const mailboxColumns = `SELECT account, folder, uid_validity, next_uid, below, since, server FROM mailboxes`

func scanMailbox(row interface{ Scan(into ...any) error }) (m store.Mailbox, err error) {
	var since sql.NullInt64
	err = row.Scan(&m.Account, &m.Folder, &m.UIDValidity, &m.NextUID, &m.Below, &since, &m.Server)
	if since.Valid {
		m.Since = fromMillis(since.Int64)
	}
	return m, err
}

// fetch notes a mail as fetched and moves its mailbox behind it.
func fetch(ctx context.Context, tx *tx, f store.Fetched) error {
	added, err := tx.changed(ctx, addFetched, f.Account, f.Folder, f.UIDValidity, f.UID, f.Digest[:], false)
	if err != nil {
		return err
	}
	if !added {
		return store.ErrFetched
	}
	known, err := tx.changed(ctx, `UPDATE mailboxes SET next_uid = max(next_uid, ?) WHERE account = ? AND folder = ? AND uid_validity = ?`,
		f.NextUID(), f.Account, f.Folder, f.UIDValidity)
	if err != nil {
		return err
	}
	if !known {
		return store.ErrMailbox
	}
	return nil
}

// encodeFetched writes where a mail was, for its message; NULL where it came by itself.
func encodeFetched(f *store.Fetched) (sql.NullString, error) {
	if f == nil {
		return sql.NullString{}, nil
	}
	b, err := json.Marshal(f)
	return sql.NullString{String: string(b), Valid: true}, err
}

// Handled implements store.Sources.
func (db *DB) Handled(ctx context.Context, f store.Fetched) error {
	_, err := db.change(ctx, db.changes.lease, "mark mail as handled", `UPDATE fetched SET handled = 1 WHERE account = ? AND folder = ? AND uid_validity = ? AND uid = ? AND NOT handled`,
		f.Account, f.Folder, f.UIDValidity, f.UID)
	return err
}

// Unhandled implements store.Sources.
func (db *DB) Unhandled(ctx context.Context, account, folder string, limit int) ([]store.Fetched, error) {
	return readAll(ctx, db, "read mails to be handled", func(rows *sql.Rows) (store.Fetched, error) {
		f, err := scanFetched(rows)
		return f.Fetched, err
	}, `SELECT account, folder, uid_validity, uid, digest, handled FROM fetched WHERE account = ?1 AND folder = ?2
		AND uid_validity = (SELECT uid_validity FROM mailboxes WHERE account = ?1 AND folder = ?2) AND NOT handled ORDER BY uid LIMIT ?3`, account, folder, limit)
}

func scanFetched(rows *sql.Rows) (f store.FetchedRecord, err error) {
	var digest []byte
	err = rows.Scan(&f.Account, &f.Folder, &f.UIDValidity, &f.UID, &digest, &f.Handled)
	copy(f.Digest[:], digest)
	return f, err
}

// Known implements store.Sources.
func (db *DB) Known(ctx context.Context, account, folder string, digest store.Digest) (known bool, err error) {
	err = db.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM fetched WHERE account = ? AND folder = ? AND digest = ?)`, account, folder, digest[:]).Scan(&known)
	if err != nil {
		return false, fmt.Errorf("look for a mail that was fetched: %w", err)
	}
	return known, nil
}

// Pass implements store.Sources.
func (db *DB) Pass(ctx context.Context, f store.Fetched) error {
	err := db.changes.do(ctx, func(tx *tx) error {
		if err := fetch(ctx, tx, f); !errors.Is(err, store.ErrFetched) {
			return err
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("pass mail: %w", err)
	}
	return nil
}

// Hold implements store.Sources.
func (db *DB) Hold(ctx context.Context, name, owner string, now, until time.Time) (bool, error) {
	n, err := db.change(ctx, db.changes.lease, "hold "+name, `INSERT INTO holds (name, owner, held_until) VALUES (?1, ?2, ?3)
		ON CONFLICT (name) DO UPDATE SET owner = ?2, held_until = ?3 WHERE owner = ?2 OR held_until <= ?4`, name, owner, millis(until), millis(now))
	return n > 0, err
}

// LetGo implements store.Sources.
func (db *DB) LetGo(ctx context.Context, name, owner string) error {
	_, err := db.change(ctx, db.changes.lease, "let go of "+name, `DELETE FROM holds WHERE name = ? AND owner = ?`, name, owner)
	return err
}

// changed executes a statement, and reports whether it has changed a row.
func (t *tx) changed(ctx context.Context, query string, args ...any) (bool, error) {
	res, err := t.ExecContext(ctx, query, args...)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// readAll reads rows, and says what it is that failed.
func readAll[T any](ctx context.Context, db *DB, what string, scan func(*sql.Rows) (T, error), query string, args ...any) ([]T, error) {
	rows, err := db.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		all = append(all, one)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return all, nil
}

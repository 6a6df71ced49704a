package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/postern-mail/postern/gateway/internal/store"
)

// Accounts implements store.Sources.
func (db *DB) Accounts(ctx context.Context) ([]store.Account, error) {
	list, err := query(ctx, db, func(row pgx.CollectableRow) (a store.Account, err error) {
		var updated int64
		err = row.Scan(&a.Name, &a.Settings, &updated)
		a.UpdatedAt = fromMillis(updated)
		return a, err
	}, `SELECT name, settings, updated_at FROM accounts ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	return list, nil
}

const (
	putAccount = `INSERT INTO accounts (name, settings, updated_at) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET settings = excluded.settings, updated_at = excluded.updated_at`
	putToken   = `INSERT INTO tokens (account, token) VALUES ($1, $2) ON CONFLICT (account) DO UPDATE SET token = excluded.token`
	addSwitch  = `INSERT INTO switches (account, since, reason) VALUES ($1, $2, $3) ON CONFLICT (account) DO NOTHING`
	putMailbox = `INSERT INTO mailboxes (account, folder, uid_validity, next_uid, below, since, server) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (account, folder) DO UPDATE SET uid_validity = excluded.uid_validity, below = excluded.below, since = excluded.since, server = excluded.server,
			next_uid = CASE mailboxes.uid_validity WHEN excluded.uid_validity THEN greatest(mailboxes.next_uid, excluded.next_uid) ELSE excluded.next_uid END`
)

// PutAccount implements store.Sources.
func (db *DB) PutAccount(ctx context.Context, a store.Account) error {
	_, err := db.one(ctx, durable, "store account", putAccount, clean(a.Name), append([]byte{}, a.Settings...), millis(a.UpdatedAt))
	return err
}

// DeleteAccount implements store.Sources.
func (db *DB) DeleteAccount(ctx context.Context, name string) (bool, error) {
	var n int64
	err := db.change(ctx, durable, func(ctx context.Context, tx *tx) error {
		b, count := &pgx.Batch{}, counted(&n)
		for _, statement := range []string{
			`DELETE FROM episodes WHERE class = 'account' AND name = $1`,
			`DELETE FROM switches WHERE account = $1`,
			`DELETE FROM mailboxes WHERE account = $1`,
			`DELETE FROM fetched WHERE account = $1`,
			`DELETE FROM tokens WHERE account = $1`,
			`DELETE FROM accounts WHERE name = $1`,
		} {
			b.Queue(statement, clean(name)).Exec(count)
		}
		return tx.commit(ctx, b)
	})
	if err != nil {
		return false, fmt.Errorf("delete account %s: %w", name, err)
	}
	return n > 0, nil
}

// Switches implements store.Sources.
func (db *DB) Switches(ctx context.Context) (map[string]store.Switch, error) {
	list, err := db.switches(ctx)
	if err != nil {
		return nil, err
	}
	byAccount := make(map[string]store.Switch, len(list))
	for _, s := range list {
		byAccount[s.Account] = s
	}
	return byAccount, nil
}

func (db *DB) switches(ctx context.Context) ([]store.Switch, error) {
	list, err := query(ctx, db, func(row pgx.CollectableRow) (s store.Switch, err error) {
		var since int64
		err = row.Scan(&s.Account, &since, &s.Reason)
		s.Since = fromMillis(since)
		return s, err
	}, `SELECT account, since, reason FROM switches ORDER BY account`)
	if err != nil {
		return nil, fmt.Errorf("read switches: %w", err)
	}
	return list, nil
}

// Disable implements store.Sources.
func (db *DB) Disable(ctx context.Context, s store.Switch, events []store.NewMessage) error {
	_, err := db.telling(ctx, "disable account "+s.Account, events, addSwitch, clean(s.Account), millis(s.Since), clean(s.Reason))
	return err
}

// Enable implements store.Sources.
func (db *DB) Enable(ctx context.Context, account string) (bool, error) {
	n, err := db.one(ctx, durable, "enable account", `DELETE FROM switches WHERE account = $1`, clean(account))
	return n > 0, err
}

// Token implements store.Sources.
func (db *DB) Token(ctx context.Context, account string) (string, error) {
	token, err := only(query(ctx, db, pgx.RowTo[string], `SELECT token FROM tokens WHERE account = $1`, clean(account)))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return "", fmt.Errorf("read token: %w", err)
	}
	return token, nil
}

// PutToken implements store.Sources.
func (db *DB) PutToken(ctx context.Context, account, token string) error {
	_, err := db.one(ctx, durable, "store token", putToken, clean(account), clean(token))
	return err
}

const mailboxColumns = `SELECT account, folder, uid_validity, next_uid, below, since, server FROM mailboxes`

// Mailbox implements store.Sources.
func (db *DB) Mailbox(ctx context.Context, account, folder string) (store.Mailbox, bool, error) {
	m, err := only(query(ctx, db, scanMailbox, mailboxColumns+` WHERE account = $1 AND folder = $2`, clean(account), clean(folder)))
	if errors.Is(err, store.ErrNotFound) {
		return m, false, nil
	}
	if err != nil {
		return m, false, fmt.Errorf("read mailbox: %w", err)
	}
	m.Account, m.Folder = account, folder // as they are called by who asks
	return m, true, nil
}

func scanMailbox(row pgx.CollectableRow) (m store.Mailbox, err error) {
	var since *int64
	err = row.Scan(&m.Account, &m.Folder, &m.UIDValidity, &m.NextUID, &m.Below, &since, &m.Server)
	if since != nil {
		m.Since = fromMillis(*since)
	}
	return m, err
}

// PutMailbox implements store.Sources.
func (db *DB) PutMailbox(ctx context.Context, m store.Mailbox) error {
	err := db.change(ctx, durable, func(ctx context.Context, tx *tx) error {
		b := &pgx.Batch{}
		setAside(b, m)
		// Before the mailbox has the new UIDVALIDITY, its row says which is the one before.
		b.Queue(`WITH old AS MATERIALIZED (SELECT uid_validity FROM mailboxes WHERE account = $1 AND folder = $2 AND uid_validity <> $3 FOR UPDATE)
			DELETE FROM fetched USING old WHERE account = $1 AND folder = $2 AND fetched.uid_validity <> $3 AND fetched.uid_validity <> old.uid_validity`,
			clean(m.Account), clean(m.Folder), int64(m.UIDValidity))
		queueMailbox(b, m)
		return tx.commit(ctx, b)
	})
	if err != nil {
		return fmt.Errorf("store mailbox: %w", err)
	}
	return nil
}

func queueMailbox(b *pgx.Batch, m store.Mailbox) {
	b.Queue(putMailbox, clean(m.Account), clean(m.Folder), int64(m.UIDValidity), int64(m.NextUID), int64(m.Below), orNull(m.Since), clean(m.Server))
}

// setAside keeps what is known of a mailbox whose UIDs are given anew, by a UIDVALIDITY that no server has. It is done
// with; what was fetched under an earlier UIDVALIDITY than the last goes. The mailbox is locked first, as by fetch.
func setAside(b *pgx.Batch, m store.Mailbox) {
	const anew = ` mailboxes WHERE account = $1 AND folder = $2 AND (server <> $3 OR $4)`
	for _, query := range []string{
		`SELECT 1 FROM` + anew + ` FOR UPDATE`,
		`DELETE FROM fetched WHERE account = $1 AND folder = $2 AND uid_validity <> (SELECT uid_validity FROM` + anew + `)`,
		`UPDATE fetched SET uid_validity = 0, handled = true WHERE account = $1 AND folder = $2 AND EXISTS (SELECT 1 FROM` + anew + `)`,
		`DELETE FROM` + anew,
	} {
		b.Queue(query, clean(m.Account), clean(m.Folder), clean(m.Server), m.Anew)
	}
}

// fetchedColumns are mails that were fetched, by the column.
type fetchedColumns struct {
	account, folder []string
	validity, uid   []int64
	next            []int64 // the first UID behind each
	digest          [][]byte
}

func (c *fetchedColumns) add(f store.Fetched) {
	c.account, c.folder = append(c.account, clean(f.Account)), append(c.folder, clean(f.Folder))
	c.validity, c.uid, c.next = append(c.validity, int64(f.UIDValidity)), append(c.uid, int64(f.UID)), append(c.next, int64(f.NextUID()))
	c.digest = append(c.digest, f.Digest[:])
}

// fetch notes mails as fetched and moves their mailboxes behind them. The rows of the
// mailboxes are locked first, so that two who fetch from one take turns.
func fetch(ctx context.Context, tx *tx, mails []store.Fetched) error {
	if len(mails) == 0 {
		return nil
	}
	var c fetchedColumns
	for _, f := range mails {
		c.add(f)
	}
	type folder struct{ account, name string }
	validity := make(map[folder]int64)
	var added int64
	b := &pgx.Batch{}
	b.Queue(`SELECT account, folder, uid_validity FROM mailboxes WHERE (account, folder) IN (SELECT * FROM unnest($1::text[], $2::text[])) ORDER BY account, folder FOR UPDATE`,
		c.account, c.folder).Query(func(rows pgx.Rows) error {
		var f folder
		var v int64
		_, err := pgx.ForEachRow(rows, []any{&f.account, &f.name, &v}, func() error { validity[f] = v; return nil })
		return err
	})
	b.Queue(`INSERT INTO fetched (account, folder, uid_validity, uid, digest, handled) SELECT *, false FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bytea[])
		ORDER BY 1, 2, 3, 4 ON CONFLICT DO NOTHING`, c.account, c.folder, c.validity, c.uid, c.digest).Exec(counted(&added))
	b.Queue(`UPDATE mailboxes m SET next_uid = greatest(m.next_uid, new.next) FROM (
			SELECT account, folder, max(next) AS next FROM unnest($1::text[], $2::text[], $3::bigint[]) AS given (account, folder, next) GROUP BY account, folder) new
		WHERE m.account = new.account AND m.folder = new.folder`, c.account, c.folder, c.next)
	if err := tx.send(ctx, b); err != nil {
		return err
	}
	if added < int64(len(mails)) {
		return store.ErrFetched
	}
	for i := range mails {
		if v, known := validity[folder{c.account[i], c.folder[i]}]; !known || v != c.validity[i] {
			return store.ErrMailbox
		}
	}
	return nil
}

// Pass implements store.Sources.
func (db *DB) Pass(ctx context.Context, f store.Fetched) error {
	err := db.change(ctx, durable, func(ctx context.Context, tx *tx) error {
		if err := fetch(ctx, tx, []store.Fetched{f}); err != nil {
			return err
		}
		return tx.commit(ctx, &pgx.Batch{})
	})
	if err != nil && !errors.Is(err, store.ErrFetched) {
		return fmt.Errorf("pass mail: %w", err)
	}
	return nil
}

// Handled implements store.Sources.
func (db *DB) Handled(ctx context.Context, f store.Fetched) error {
	_, err := db.one(ctx, lazy, "mark mail as handled", `UPDATE fetched SET handled = true WHERE account = $1 AND folder = $2 AND uid_validity = $3 AND uid = $4 AND NOT handled`,
		clean(f.Account), clean(f.Folder), int64(f.UIDValidity), int64(f.UID))
	return err
}

const readFetched = `SELECT account, folder, uid_validity, uid, digest, handled FROM fetched`

// Unhandled implements store.Sources.
func (db *DB) Unhandled(ctx context.Context, account, folder string, limit int) ([]store.Fetched, error) {
	list, err := query(ctx, db, func(row pgx.CollectableRow) (store.Fetched, error) {
		f, err := scanFetched(row)
		return f.Fetched, err
	}, readFetched+` WHERE account = $1 AND folder = $2
		AND uid_validity = (SELECT uid_validity FROM mailboxes WHERE account = $1 AND folder = $2) AND NOT handled ORDER BY uid LIMIT $3`, clean(account), clean(folder), limit)
	if err != nil {
		return nil, fmt.Errorf("read mails to be handled: %w", err)
	}
	return list, nil
}

func scanFetched(row pgx.CollectableRow) (f store.FetchedRecord, err error) {
	var digest []byte
	err = row.Scan(&f.Account, &f.Folder, &f.UIDValidity, &f.UID, &digest, &f.Handled)
	copy(f.Digest[:], digest)
	return f, err
}

// Known implements store.Sources.
func (db *DB) Known(ctx context.Context, account, folder string, digest store.Digest) (bool, error) {
	known, err := only(query(ctx, db, pgx.RowTo[bool], `SELECT EXISTS (SELECT 1 FROM fetched WHERE account = $1 AND folder = $2 AND digest = $3)`,
		clean(account), clean(folder), digest[:]))
	if err != nil {
		return false, fmt.Errorf("look for a mail that was fetched: %w", err)
	}
	return known, nil
}

// Hold implements store.Sources.
func (db *DB) Hold(ctx context.Context, name, owner string, now, until time.Time) (bool, error) {
	n, err := db.one(ctx, lazy, "hold "+name, `INSERT INTO holds (name, owner, held_until) VALUES ($2, $3, $4)
		ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, held_until = excluded.held_until WHERE holds.owner = excluded.owner OR holds.held_until <= `+notAhead,
		millis(now), clean(name), clean(owner), millis(until))
	return n > 0, err
}

// LetGo implements store.Sources.
func (db *DB) LetGo(ctx context.Context, name, owner string) error {
	_, err := db.one(ctx, lazy, "let go of "+name, `DELETE FROM holds WHERE name = $1 AND owner = $2`, clean(name), clean(owner))
	return err
}

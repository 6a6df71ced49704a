package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
	"github.com/postern-mail/postern/gateway/internal/store/sqlite"
)

const (
	mailsFetched = 25 // each time
	changesTold  = 40
)

// inbox is the folder that the writer fetches mails from.
func inbox(next uint32) store.Mailbox {
	return store.Mailbox{Account: "sales", Folder: "INBOX", UIDValidity: 7, NextUID: next}
}

func sales() store.About { return store.About{Tenant: "acme", Class: "account", Name: "sales"} }

// fetchAll goes on fetching mails where it is to.
func (w *writer) fetchAll(ctx context.Context) error {
	if err := w.db.PutMailbox(ctx, inbox(1)); err != nil { // which does not take it back
		return err
	}
	m, _, err := w.db.Mailbox(ctx, "sales", "INBOX")
	for n := range uint32(mailsFetched) {
		f := store.Fetched{Account: m.Account, Folder: m.Folder, UIDValidity: m.UIDValidity, UID: m.NextUID + n}
		if err == nil {
			err = w.storeFetched(ctx, 0, &f)
		}
		if err == nil {
			_, err = fmt.Fprintf(w.out, "fetched %d\n", f.UID)
		}
	}
	return err
}

// tellAll opens and closes an episode, with an event each time.
func (w *writer) tellAll(ctx context.Context) error {
	for range changesTold {
		e, err := w.db.Episode(ctx, sales(), "connection")
		if err != nil {
			return err
		}
		now, name := time.Now(), "connectSuccess"
		if e.OpenedAt.IsZero() {
			e.OpenedAt, name = now, "connectError"
		} else {
			e.OpenedAt = time.Time{}
		}
		m := store.MessageOf(mail.NewMessageID(now), now, store.Event{Name: name, About: e.About}, store.Endpoint{Tenant: "acme", Name: "hooks"}, "",
			[]byte(`{}`), store.Retention{ExpiresAt: now.Add(time.Hour)})
		if err := w.db.Tell(ctx, e, []store.NewMessage{m}); err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w.out, "told %d\n", e.Version+1); err != nil {
			return err
		}
	}
	return nil
}

// addSources adds what was said of mails that were fetched, and of the episode.
func (p *promises) addSources(f []string) {
	if len(f) != 2 {
		return
	}
	n, err := strconv.ParseInt(f[1], 10, 64)
	switch {
	case err != nil:
	case f[0] == "fetched":
		p.fetched = max(p.fetched, uint32(n))
	case f[0] == "told":
		p.told = max(p.told, n)
	}
}

// checkSources checks that mails that were fetched are as far as their mailbox says, and that
// there is an event for each change of the episode.
func checkSources(ctx context.Context, db *sqlite.DB, p promises) error {
	m, _, err := db.Mailbox(ctx, "sales", "INBOX")
	if err != nil {
		return err
	}
	r, err := db.ExportSources(ctx, store.Fetched{}, 1e6)
	if err != nil {
		return err
	}
	mails, err := db.List(ctx, store.Filter{Account: "sales", Limit: 1e6})
	if err != nil {
		return err
	}
	events, err := db.List(ctx, store.Filter{Events: true, Limit: 1e6})
	if err != nil {
		return err
	}
	e, err := db.Episode(ctx, sales(), "connection")
	if err != nil {
		return err
	}
	var wrong []error
	if last := max(m.NextUID, 1) - 1; last < p.fetched || int(last) != len(r.Fetched) || int(last) != len(mails) {
		wrong = append(wrong, fmt.Errorf("the mailbox is at %+v, %d mails are known as fetched, %d are there, and %d were promised", m, len(r.Fetched), len(mails), p.fetched))
	}
	if e.Version < p.told || int(e.Version) != len(events) || e.OpenedAt.IsZero() != (e.Version%2 == 0) {
		wrong = append(wrong, fmt.Errorf("the episode is %+v, there are %d events, and %d were promised", e, len(events), p.told))
	}
	for _, d := range events {
		if doc, err := db.Document(ctx, d.ID); string(doc) != `{}` || err != nil {
			wrong = append(wrong, fmt.Errorf("the document of %s is %q, %w", d.ID, doc, err))
		}
	}
	return errors.Join(wrong...)
}

package imap

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
)

const (
	// window is how many UIDs are listed at a time. What a list takes is bounded by that and not by
	// what is in the folder.
	window = 5000
	// A batch is what one command fetches. The server sends one mail after the other, without waiting.
	batchMails  = 50
	batchOctets = 8 << 20
	// patienceWithMail is how long one mail that cannot be taken now holds up those behind it.
	patienceWithMail = 24 * time.Hour
	// tries is how often one mail may fail to come, while others do, before it is passed over.
	tries = 5
	// stalls is how often a folder is listed again, with no mail taken, before it rests.
	stalls = 3 * tries
	// refusal is how long nothing is done to mails after the server has refused that, over one connection.
	refusal = time.Hour
	// witnesses is how many others are looked at to find out whether a mail is to blame, or its server.
	witnesses = 3
	// marking is how many mails are noted as handled at the same time.
	marking = 16
)

// Why a mail is not taken.
var (
	errTooLarge = errors.New("the mail is too large")
	errAgain    = errors.New("the folder is to be listed again")
	errPutOff   = errors.New("a mail cannot be taken now")
)

// progress is what is remembered of a folder while the process lives.
type progress struct {
	name string
	// suspect is a mail that did not come, or in whose place came what ended the connection. It is fetched by itself.
	// doubt says how that went last, until it is known whether others come, and strikes is how often they did.
	suspect uint32
	doubt   string
	strikes int
	// While a mail cannot be taken, the folder rests. It is overdue when that has lasted for long enough.
	putOff    uint32
	since     time.Time
	overdue   bool
	rest      backoff
	notBefore time.Time
	// next is the first UID that was not looked at, when the folder was looked at last.
	next uint32
	// shut is why the folder could not be opened, as it was logged.
	shut string
	// actAfter is when it is tried again to do to mails what the server has refused to be done.
	actAfter time.Time
}

// fetcher fetches one folder over one connection.
type fetcher struct {
	*account
	client  *client
	p       *progress
	folder  folder
	mailbox store.Mailbox
	// byNumber has mails fetched by their numbers, one by one: the server does not send them otherwise.
	byNumber bool
	// instead is that a mail is tried in place of one before it that is overdue.
	instead bool
}

// sync fetches what is new in a folder, and does afterwards what is to be done. An error that is errPutOff
// has the folder rest, and the connection goes on; a *imap.Error is the server's NO to the folder.
func (a *account) sync(ctx context.Context, c *client, p *progress) error {
	opened, err := c.open(ctx, p.name)
	if err != nil {
		return err
	}
	f := &fetcher{account: a, client: c, p: p, folder: opened}
	if err := f.begin(ctx); err != nil {
		return err
	}
	err = f.all(ctx)
	p.next = f.mailbox.NextUID
	a.setFolder(f.mailbox)
	if err != nil && !errors.Is(err, errPutOff) {
		return err
	}
	if undone := f.unhandled(ctx); undone != nil {
		return undone
	}
	return err
}

// begin finds out where to go on.
func (f *fetcher) begin(ctx context.Context) error {
	box, known, err := f.deps.Mailboxes.Mailbox(ctx, f.cfg.Name, f.p.name)
	if err != nil {
		return fmt.Errorf("read how far %s was fetched: %w", f.p.name, err)
	}
	// A folder that was put back to an earlier state gives UIDs once more, to other mails.
	restored := box.UIDValidity == f.folder.validity && f.folder.next < box.NextUID && !f.folder.guessed
	other := box.Server != f.cfg.mailbox()
	if known && box.UIDValidity == f.folder.validity && !restored && !other {
		f.mailbox = box
		return nil
	}
	fresh := store.Mailbox{
		Account: f.cfg.Name, Folder: f.p.name, UIDValidity: f.folder.validity, NextUID: 1, Below: f.folder.next, Since: box.Since,
		Server: f.cfg.mailbox(), Anew: known && restored,
	}
	switch {
	case known && other:
		f.log.Warn("a folder is that of another mailbox now: all of it is looked at, and what is known is not taken again", "folder", f.p.name,
			"mailbox", fresh.Server, "was", box.Server, "mails", f.folder.mails)
	case known && restored:
		f.log.Warn("the server has put a folder back to an earlier state: all of it is looked at, and what is known is not taken again", "folder", f.p.name,
			"uidvalidity", f.folder.validity, "next_uid", f.folder.next, "was", box.NextUID, "mails", f.folder.mails)
	case known:
		f.log.Warn("the server has numbered a folder anew: all of it is looked at, and what is known is not taken again", "folder", f.p.name,
			"uidvalidity", f.folder.validity, "was", box.UIDValidity, "mails", f.folder.mails)
	case f.cfg.First.Mode == FirstAll:
		fresh.Below = 0 // what is there twice is to come twice
	case f.cfg.First.Mode == FirstSince:
		fresh.Since = f.cfg.First.Since
	default:
		fresh.NextUID, fresh.Since = f.folder.next, time.Now()
	}
	if err := f.deps.Mailboxes.PutMailbox(ctx, fresh); err != nil {
		return fmt.Errorf("store how far %s was fetched: %w", f.p.name, err)
	}
	*f.p = progress{name: f.p.name}
	fresh.Anew = false
	f.mailbox = fresh
	return nil
}

// all fetches whatever the folder has from NextUID on.
func (f *fetcher) all(ctx context.Context) error {
	stalled := 0
	for {
		from := f.mailbox.NextUID
		if from == ^uint32(0) {
			return nil // there is no higher UID
		}
		to := ^uint32(0) // and what came meanwhile
		if f.folder.next > from && f.folder.next-from > window && f.folder.mails > window {
			to = from + window - 1
		}
		mails, err := f.client.list(ctx, from, to, from < f.mailbox.Below && !f.mailbox.Since.IsZero())
		if err != nil {
			return err
		}
		if len(mails) == 0 && to == ^uint32(0) {
			return nil
		}
		if len(mails) == 0 { // a gap, which may be wide
			_, next, err := f.client.from(ctx, to, f.folder.mails)
			if err != nil {
				return err
			}
			if next == 0 {
				return nil // whatever the server says of its next UID, there is none that was given out
			}
			to = max(to, next-1)
		}
		err = f.take(ctx, mails)
		if errors.Is(err, errAgain) {
			if stalled++; f.mailbox.NextUID != from {
				stalled = 0
			}
			if stalled == stalls {
				return f.rests(from, errors.New("the server lists mails, and sends none of them"))
			}
			continue
		}
		if err != nil {
			return err
		}
		if to == ^uint32(0) {
			to = mails[len(mails)-1].uid
		}
		if err := f.pastTo(ctx, after(to)); err != nil {
			return err
		}
	}
}

// after is the UID after one, if there is another.
func after(uid uint32) uint32 { return max(uid, uid+1) }

// pastTo notes that there is nothing to be fetched before a UID.
func (f *fetcher) pastTo(ctx context.Context, next uint32) error {
	if next <= f.mailbox.NextUID {
		return nil
	}
	f.mailbox.NextUID = next
	if err := f.deps.Mailboxes.PutMailbox(ctx, f.mailbox); err != nil {
		return fmt.Errorf("store how far %s was fetched: %w", f.p.name, err)
	}
	return nil
}

// take takes the mails of a list, in batches.
func (f *fetcher) take(ctx context.Context, mails []listed) error {
	for len(mails) > 0 {
		m := mails[0]
		switch {
		case m.uid < f.mailbox.Below && m.came.Before(f.mailbox.Since):
			mails = mails[1:]
			continue
		case m.size > f.cfg.MaxMessageSize:
			if err := f.pass(ctx, m.uid, fmt.Sprintf("it has %d octets, and at most %d are taken", m.size, f.cfg.MaxMessageSize)); err != nil {
				return err
			}
			mails = mails[1:]
			continue
		}
		alone := m.uid == f.p.suspect || f.byNumber
		if m.uid == f.p.suspect && f.p.doubt != "" {
			passed, err := f.strike(ctx, mails)
			if err != nil {
				return err
			}
			if passed {
				mails = mails[1:]
			}
			continue
		}
		n, octets := 0, int64(0)
		for _, m := range mails {
			unwanted := m.size > f.cfg.MaxMessageSize || m.uid < f.mailbox.Below && m.came.Before(f.mailbox.Since)
			if n > 0 && (unwanted || octets+m.size > batchOctets || n == batchMails || alone) {
				break
			}
			// Some servers work a mail's size out by other rules than they send it.
			octets += m.size + m.size/4 + 4<<10
			n++
		}
		if alone {
			octets = f.largest()
		}
		err := f.batch(ctx, mails[:n], octets+answer)
		late := slices.IndexFunc(mails[:n], func(m listed) bool { return m.uid == f.p.putOff })
		if errors.Is(err, errPutOff) && f.p.overdue && late >= 0 {
			if mails, err = f.overtake(ctx, mails[late:], err); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		mails = mails[n:]
	}
	return nil
}

// batch fetches some mails, and does what is to be done to them on the server.
func (f *fetcher) batch(ctx context.Context, mails []listed, octets int64) error {
	uids := make([]uint32, len(mails))
	for i, m := range mails {
		uids[i] = m.uid
	}
	line := &pipeline{fetcher: f}
	next := 0 // of uids, which is to come
	err := f.fetch(ctx, uids, octets, func(uid uint32, content *content) error {
		// What a later one moves NextUID over would never come: one that seems to have gone is looked for again.
		if next == len(uids) || uids[next] != uid {
			return errAgain
		}
		next++
		return line.push(ctx, uid, content)
	})
	settling := line.settleAll(ctx)
	// What is safe is done with, whatever came of the others.
	handling := f.handle(ctx, line.done)
	if settling != nil {
		err = settling
		next = slices.Index(uids, line.failed)
	} else if handling != nil && err == nil {
		return handling
	}
	if err == nil && next == len(uids) {
		return nil
	}
	if next == len(uids) {
		return err
	}
	refused, no := errors.AsType[*imap.Error](err)
	switch {
	case no:
		return f.again(uids[next], words(refused))
	case err == nil, errors.Is(err, errAgain):
		return f.again(uids[next], "the server does not send it")
	case kindOf(err) != nil && kindOf(err).Code == "":
		// The network's failures have codes, and say nothing about the mail.
		_ = f.again(uids[next], err.Error())
	}
	return err
}

// fetch fetches mails in the way that the server understands.
func (f *fetcher) fetch(ctx context.Context, uids []uint32, octets int64, each func(uid uint32, mail *content) error) error {
	if f.byNumber && len(uids) == 1 {
		return f.client.fetchByNumber(ctx, uids[0], octets, each)
	}
	return f.client.fetch(ctx, set(uids), 0, octets, each)
}

// largest is what the largest mail may take, in octets.
func (f *fetcher) largest() int64 { return f.cfg.MaxMessageSize + answer }

// pass passes over a mail, which stays on its server as it is, and says so.
func (f *fetcher) pass(ctx context.Context, uid uint32, why string) error {
	f.log.Warn("a mail is passed over, and left on its server", "folder", f.p.name, "uidvalidity", f.folder.validity, "uid", uid, "reason", f.auth.Hide(why))
	place := store.Fetched{Account: f.cfg.Name, Folder: f.p.name, UIDValidity: f.folder.validity, UID: uid}
	if err := f.deps.Known.Pass(ctx, place); err != nil {
		return fmt.Errorf("note a mail as passed over: %w", err)
	}
	f.mailbox.NextUID = max(f.mailbox.NextUID, after(uid))
	if err := f.deps.Marks.Handled(ctx, place); err != nil {
		return fmt.Errorf("note a mail as passed over: %w", err)
	}
	return nil
}

// unhandled makes good what a crash, or the end of a connection, has left undone.
func (f *fetcher) unhandled(ctx context.Context) error {
	const page = 500
	for !time.Now().Before(f.p.actAfter) {
		left, err := f.deps.Marks.Unhandled(ctx, f.cfg.Name, f.p.name, page)
		if err != nil {
			return fmt.Errorf("read what is left to be done in %s: %w", f.p.name, err)
		}
		if err := f.handle(ctx, left); err != nil || len(left) < page {
			return err
		}
	}
	return nil
}

// handle does on the server what is to be done to mails, and notes that. What the server refuses stays to be done.
func (f *fetcher) handle(ctx context.Context, mails []store.Fetched) error {
	var uids []uint32
	for _, m := range mails {
		if m.Digest != (store.Digest{}) && m.UIDValidity == f.folder.validity { // what has none was not taken
			uids = append(uids, m.UID)
		}
	}
	if len(uids) > 0 {
		if time.Now().Before(f.p.actAfter) {
			return nil
		}
		err := f.act(ctx, uids)
		if errors.Is(err, errRefused) {
			f.p.actAfter = time.Now().Add(refusal)
			f.log.Warn("mails were taken, and stay on their server as they are: it is tried again later", "folder", f.p.name, "mails", len(uids), "error", f.auth.Hide(err.Error()))
			f.set(func(s *Status) { s.Err, s.FailedAt = err, time.Now() })
			return nil
		}
		if err != nil {
			return err
		}
	}
	errs := make([]error, len(mails))
	var wg sync.WaitGroup
	slots := make(chan struct{}, marking)
	for i, m := range mails {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			errs[i] = f.deps.Marks.Handled(ctx, m)
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("note mails as handled: %w", err)
	}
	return nil
}

// act does to mails what the setting says.
func (f *fetcher) act(ctx context.Context, uids []uint32) error {
	gone, err := true, error(nil)
	switch f.cfg.After.Act {
	case AfterSeen:
		err = f.client.flag(ctx, uids, imap.FlagSeen)
	case AfterMove:
		gone, err = f.client.move(ctx, uids, f.cfg.After.Folder)
	case AfterDelete:
		gone, err = f.client.remove(ctx, uids)
	}
	if err == nil && !gone {
		f.log.Warn("the server has no UIDPLUS: mails are marked as deleted, and stay until somebody expunges them", "folder", f.p.name, "mails", len(uids))
	}
	return err
}

// traceField makes our Received field (RFC 5321 section 4.4).
func (f *fetcher) traceField(uid uint32, id mail.MessageID, received time.Time) string {
	protocol := "IMAP"
	if f.client.tls != "" {
		protocol = "IMAPS"
	}
	return fmt.Sprintf("Received: from %s ([%s])\r\n\t(account %s, folder %s, uidvalidity %d, uid %d)\r\n\tby %s (Postern) with %s id %s\r\n\tfor <%s>;\r\n\t%s\r\n",
		atoms(f.cfg.Server.Host), f.client.address(), atoms(f.cfg.Name), atoms(f.p.name), f.folder.validity, uid,
		atoms(f.deps.Hostname), protocol, id, f.cfg.Recipient, received.Format("Mon, 2 Jan 2006 15:04:05 -0700"))
}

// atoms leaves what may stand in a header field.
func atoms(s string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r >= 0x7f || strings.ContainsRune(`()<>;"\`, r) {
			return '_'
		}
		return r
	}, s)
}

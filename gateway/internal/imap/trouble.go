package imap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"
)

// again has a mail fetched once more, by itself, that did not come when it was its turn. Most have gone, and are
// not in the next list.
func (f *fetcher) again(uid uint32, why string) error {
	if f.p.suspect != uid {
		f.p.suspect, f.p.strikes, f.p.doubt = uid, 0, ""
	} else {
		f.p.doubt = why
	}
	return errAgain
}

// strike finds out whether the first of some mails did not come by a fault of its own: then another one comes
// meanwhile. One to which that has happened often enough is passed over; where no other comes, the
// server is at fault, and the folder rests for as long as it is.
func (f *fetcher) strike(ctx context.Context, mails []listed) (passed bool, err error) {
	why := f.p.doubt
	f.p.doubt = ""
	come, err := f.othersCome(ctx, mails)
	switch {
	case err != nil:
		return false, err
	case !come && !f.byNumber:
		// Some servers send a mail's UID behind what it says, where it cannot be told whose that is.
		f.byNumber = true
		return false, nil
	case !come:
		return false, f.rests(mails[0].uid, fmt.Errorf("the server sends neither this mail nor another: %s", why))
	}
	if f.p.strikes++; f.p.strikes < tries {
		return false, sleep(ctx, time.Duration(f.p.strikes)*time.Second)
	}
	return true, f.pass(ctx, mails[0].uid, fmt.Sprintf("it could not be fetched %d times, and others could: %s", tries, why))
}

// othersCome reports whether the server sends another mail than the first of some.
func (f *fetcher) othersCome(ctx context.Context, mails []listed) (bool, error) {
	var others []uint32
	for _, m := range mails[1:] {
		if m.size <= f.cfg.MaxMessageSize && len(others) < witnesses {
			others = append(others, m.uid)
		}
	}
	oldest, err := f.client.mailAt(ctx, 1)
	if err != nil {
		return false, err
	}
	if oldest != 0 && oldest < mails[0].uid {
		others = append(others, oldest)
	}
	for _, uid := range others {
		come := false
		err := f.fetch(ctx, []uint32{uid}, f.largest()+answer, func(_ uint32, mail *content) error {
			_, err := io.Copy(io.Discard, mail)
			come = err == nil
			return err
		})
		if _, no := errors.AsType[*imap.Error](err); err != nil && !no {
			return false, err
		}
		if come {
			return true, nil
		}
	}
	return false, nil
}

// cannotTake has the folder rest, since a mail cannot be taken now. Those behind it wait, so that they
// come in their order, and since what is wrong is mostly not with the mail. After a day it is overdue: then the one
// behind it is tried.
func (f *fetcher) cannotTake(uid uint32, why error) error {
	if f.instead {
		uid = f.p.putOff // neither can be taken: it is not the mail
	} else {
		f.p.overdue = f.p.putOff == uid && time.Since(f.p.since) >= patienceWithMail
	}
	return f.rests(uid, why)
}

// overtake takes the next mail behind one that is overdue and could not be taken just now, and passes that over if it
// can: a single one is not to stop a mailbox for ever. It returns the mails that are left to be taken, or why
// they are not.
func (f *fetcher) overtake(ctx context.Context, mails []listed, why error) ([]listed, error) {
	late := mails[0]
	i := 1 + slices.IndexFunc(mails[1:], func(m listed) bool {
		return m.size <= f.cfg.MaxMessageSize && (m.uid >= f.mailbox.Below || !m.came.Before(f.mailbox.Since))
	})
	if i == 0 {
		return nil, why
	}
	f.instead = true
	err := f.batch(ctx, mails[i:i+1], f.largest()+answer)
	f.instead = false
	if f.mailbox.NextUID > late.uid {
		if err := f.pass(ctx, late.uid, fmt.Sprintf("it could not be taken for %s, and one behind it could: %v", patienceWithMail, why)); err != nil {
			return nil, err
		}
		f.p.putOff, f.p.overdue, f.p.rest, f.p.notBefore = 0, false, backoff{}, time.Time{}
	}
	return slices.Concat(mails[1:i], mails[i+1:]), err
}

// rests has the folder rest because of a mail, for longer each time.
func (f *fetcher) rests(uid uint32, why error) error {
	if f.p.putOff != uid {
		f.p.putOff, f.p.since, f.p.rest, f.p.overdue = uid, time.Now(), backoff{}, false
	}
	wait := f.p.rest.next()
	f.p.notBefore = time.Now().Add(wait)
	f.log.Warn("a mail cannot be taken now: it waits, and those behind it", "folder", f.p.name, "uid", uid, "again_in", wait.Round(time.Second).String(), "error", f.auth.Hide(fmt.Sprint(why)))
	return fmt.Errorf("%w: %w", errPutOff, why)
}

package storetest

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/postern-mail/postern/gateway/internal/store"
)

// inbox is the folder of account sales that mails of tests are fetched from.
func inbox(validity, next uint32) store.Mailbox {
	return store.Mailbox{Account: "sales", Folder: "INBOX", UIDValidity: validity, NextUID: next, Below: validity + 3, Since: time.UnixMilli(int64(validity)).UTC(), Server: "u1@mail.test:993"}
}

// mailOf is a mail of the inbox, whose digest is that of its number.
func mailOf(validity, uid uint32, number byte) store.Fetched {
	return store.Fetched{Account: "sales", Folder: "INBOX", UIDValidity: validity, UID: uid, Digest: store.Digest{number}}
}

// fetchedMessage is newMessage of a mail that was fetched.
func fetchedMessage(n int, f store.Fetched) store.NewMessage {
	m := newMessage(n, "desk")
	m.Fetched = &f
	return m
}

func put(t *testing.T, s store.Sources, m store.Mailbox) {
	t.Helper()
	if err := s.PutMailbox(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

func wantMailbox(t *testing.T, s store.Sources, want store.Mailbox) {
	t.Helper()
	got, found, err := s.Mailbox(t.Context(), want.Account, want.Folder)
	if got != want || !found || err != nil {
		t.Errorf("Mailbox = %+v, %v, %v; want %+v", got, found, err, want)
	}
}

func wantKnown(t *testing.T, s store.Sources, number byte, want bool) {
	t.Helper()
	if known, err := s.Known(t.Context(), "sales", "INBOX", store.Digest{number}); known != want || err != nil {
		t.Errorf("Known of mail %d = %v, %v; want %v", number, known, err, want)
	}
}

// testFetchedOnce fetches mails in another order than that of their UIDs, and again.
func testFetchedOnce(t *testing.T, s Store) {
	if m, found, err := s.Mailbox(t.Context(), "sales", "INBOX"); found || err != nil {
		t.Errorf("Mailbox = %+v, %v, %v of a folder that nobody has looked at", m, found, err)
	}
	put(t, s, inbox(7, 10))
	wantMailbox(t, s, inbox(7, 10))
	later, earlier := fetchedMessage(1, mailOf(7, 12, 1)), fetchedMessage(2, mailOf(7, 10, 2))
	enqueue(t, s, later)
	wantMailbox(t, s, inbox(7, 13))
	enqueue(t, s, earlier)
	wantMailbox(t, s, inbox(7, 13))
	got := get(t, s, later.ID)
	if diff := cmp.Diff(later.Fetched, got.Fetched); diff != "" || got.Event.IsEvent() || got.Deliveries[0].Account != "sales" {
		t.Errorf("message = %+v: %s", got, diff)
	}
	again := fetchedMessage(3, mailOf(7, 12, 1))
	if err := s.Enqueue(t.Context(), []store.NewMessage{again}); !errors.Is(err, store.ErrFetched) {
		t.Errorf("Enqueue of a mail that was fetched: %v", err)
	}
	if _, err := s.Get(t.Context(), again.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Get of a mail that was fetched before: %v", err)
	}
	other := fetchedMessage(4, mailOf(7, 12, 1))
	other.Fetched.Folder = "Archive"
	put(t, s, store.Mailbox{Account: "sales", Folder: "Archive", UIDValidity: 7, NextUID: 1})
	enqueue(t, s, other)
	put(t, s, inbox(7, 2)) // it never goes back
	wantMailbox(t, s, inbox(7, 13))
	last := fetchedMessage(5, mailOf(7, math.MaxUint32, 3))
	enqueue(t, s, last)
	wantMailbox(t, s, inbox(7, math.MaxUint32))
	if err := s.Enqueue(t.Context(), []store.NewMessage{fetchedMessage(6, *last.Fetched)}); !errors.Is(err, store.ErrFetched) {
		t.Errorf("Enqueue of the last mail that there can be, again: %v", err)
	}
}

// testFetchedFromAnother has mails come from folders that are not, or not any more, what they
// were when it was looked.
func testFetchedFromAnother(t *testing.T, s Store) {
	put(t, s, inbox(7, 10))
	for name, f := range map[string]store.Fetched{
		"another UIDVALIDITY": mailOf(8, 10, 1),
		"no such folder":      {Account: "sales", Folder: "Archive", UIDValidity: 7, UID: 10},
		"no such account":     {Account: "other", Folder: "INBOX", UIDValidity: 7, UID: 10},
	} {
		m := fetchedMessage(1, f)
		if err := s.Enqueue(t.Context(), []store.NewMessage{m}); !errors.Is(err, store.ErrMailbox) || errors.Is(err, store.ErrFetched) {
			t.Errorf("%s: Enqueue: %v", name, err)
		}
		if err := s.Pass(t.Context(), f); !errors.Is(err, store.ErrMailbox) {
			t.Errorf("%s: Pass: %v", name, err)
		}
		if _, err := s.Get(t.Context(), m.ID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: Get: %v", name, err)
		}
		if known, err := s.Known(t.Context(), f.Account, f.Folder, f.Digest); known || err != nil {
			t.Errorf("%s: Known = %v, %v", name, known, err)
		}
	}
	wantMailbox(t, s, inbox(7, 10))
}

// testFetchedNeighbours enqueues many mails at once, of which some were fetched before: none
// of the others fails by them, and none is stored twice.
func testFetchedNeighbours(t *testing.T, s Store) {
	put(t, s, inbox(7, 1))
	const mails = 40
	errs := make(chan error)
	for n := range 3 * mails {
		var m store.NewMessage
		switch n % 3 {
		case 0, 1: // each mail comes twice
			m = fetchedMessage(n, mailOf(7, uint32(1+n/3), byte(n)))
		default:
			m = newMessage(n, "desk")
		}
		go func() { errs <- s.Enqueue(t.Context(), []store.NewMessage{m}) }()
	}
	twice := 0
	for range 3 * mails {
		switch err := <-errs; {
		case errors.Is(err, store.ErrFetched):
			twice++
		case err != nil:
			t.Error(err)
		}
	}
	if twice != mails {
		t.Errorf("%d mails were there already, want %d", twice, mails)
	}
	if n := len(exported(t, s)); n != 2*mails {
		t.Errorf("%d messages, want %d", n, 2*mails)
	}
	wantMailbox(t, s, inbox(7, mails+1))
}

// testMailboxNumberedAnew has a server number a folder anew, again and again.
func testMailboxNumberedAnew(t *testing.T, s Store) {
	put(t, s, inbox(7, 1))
	enqueue(t, s, fetchedMessage(1, mailOf(7, 5, 1)))
	put(t, s, inbox(7, 9))
	wantKnown(t, s, 1, true)

	put(t, s, inbox(8, 2)) // the number that a folder has may go back with the UIDVALIDITY
	wantMailbox(t, s, inbox(8, 2))
	wantKnown(t, s, 1, true)
	if err := s.Pass(t.Context(), mailOf(8, 2, 1)); err != nil { // the same mail by its new UID
		t.Fatal(err)
	}
	if err := s.Pass(t.Context(), mailOf(8, 2, 1)); err != nil {
		t.Errorf("Pass of what is known: %v", err)
	}
	wantMailbox(t, s, inbox(8, 3))
	if err := s.Enqueue(t.Context(), []store.NewMessage{fetchedMessage(2, mailOf(8, 2, 1))}); !errors.Is(err, store.ErrFetched) {
		t.Errorf("Enqueue of what was passed: %v", err)
	}
	enqueue(t, s, fetchedMessage(3, mailOf(8, 3, 2)))

	put(t, s, inbox(9, 1))
	wantKnown(t, s, 1, true) // by its second UID
	wantKnown(t, s, 2, true)
	put(t, s, inbox(9, 1))
	wantKnown(t, s, 1, true)
	put(t, s, inbox(10, 1))
	for _, number := range []byte{1, 2} { // it was not in the folder under the last UIDVALIDITY
		wantKnown(t, s, number, false)
	}
	if known, err := s.Known(t.Context(), "other", "INBOX", store.Digest{1}); known || err != nil {
		t.Errorf("Known of another account = %v, %v", known, err)
	}
}

// testMailboxOfAnother has a mailbox become that of another server, and be put back to an earlier state by its server: UIDs
// come again under the same UIDVALIDITY.
func testMailboxOfAnother(t *testing.T, s Store) {
	put(t, s, inbox(7, 1))
	put(t, s, store.Mailbox{Account: "sales", Folder: "Archive", UIDValidity: 7, NextUID: 1})
	bystander := fetchedMessage(9, mailOf(7, 5, 9))
	bystander.Fetched.Folder = "Archive"
	enqueue(t, s, bystander, fetchedMessage(1, mailOf(7, 5, 1)))

	other := inbox(7, 3)
	other.Server = "u2@mail.test:993"
	put(t, s, other)
	wantMailbox(t, s, other)
	wantUnhandled := func(want ...store.Fetched) {
		t.Helper()
		got, err := s.Unhandled(t.Context(), "sales", "INBOX", 9)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("Unhandled: %s", diff)
		}
	}
	wantUnhandled() // in the mailbox that is there now these are other mails
	wantKnown(t, s, 1, true)
	enqueue(t, s, fetchedMessage(2, mailOf(7, 5, 2))) // another mail with the same UID
	wantUnhandled(mailOf(7, 5, 2))

	restored := other
	restored.NextUID, restored.Anew = 2, true
	put(t, s, restored)
	restored.Anew = false
	wantMailbox(t, s, restored)
	wantUnhandled()
	wantKnown(t, s, 2, true)
	wantKnown(t, s, 1, false) // as with each second time
	enqueue(t, s, fetchedMessage(3, mailOf(7, 5, 3)))
	wantUnhandled(mailOf(7, 5, 3))
	if list, err := s.Unhandled(t.Context(), "sales", "Archive", 9); len(list) != 1 || err != nil {
		t.Errorf("Unhandled of another folder = %+v, %v", list, err)
	}
}

func testFetchedToHandle(t *testing.T, s Store) {
	put(t, s, inbox(7, 1))
	for _, uid := range []uint32{3, 1, 2} {
		enqueue(t, s, fetchedMessage(int(uid), mailOf(7, uid, byte(uid))))
	}
	want := func(limit int, uids ...uint32) {
		t.Helper()
		list, err := s.Unhandled(t.Context(), "sales", "INBOX", limit)
		if err != nil {
			t.Fatal(err)
		}
		var got []uint32
		for _, f := range list {
			got = append(got, f.UID)
			if f != mailOf(7, f.UID, byte(f.UID)) {
				t.Errorf("unhandled = %+v", f)
			}
		}
		if diff := cmp.Diff(uids, got); diff != "" {
			t.Errorf("Unhandled: %s", diff)
		}
	}
	want(9, 1, 2, 3)
	want(2, 1, 2)
	for range 2 { // it may be said twice
		if err := s.Handled(t.Context(), mailOf(7, 2, 2)); err != nil {
			t.Fatal(err)
		}
	}
	want(9, 1, 3)
	wantKnown(t, s, 2, true)
	put(t, s, inbox(8, 1)) // by which these mails have other UIDs
	want(9)
	if err := s.Handled(t.Context(), mailOf(8, 99, 9)); err != nil {
		t.Errorf("Handled of what was not fetched: %v", err)
	}
}

// testFetchedStaysKnown has the message of a mail deleted, and that of another end: neither
// is fetched again.
func testFetchedStaysKnown(t *testing.T, s Store) {
	put(t, s, inbox(7, 1))
	deleted, over := fetchedMessage(1, mailOf(7, 1, 1)), fetchedMessage(2, mailOf(7, 2, 2))
	over.Deliveries[0].LogUntil = start().Add(30 * time.Hour)
	enqueue(t, s, deleted, over)
	if _, err := s.Delete(t.Context(), deleted.ID); err != nil {
		t.Fatal(err)
	}
	if out := expire(t, s, start().Add(31*time.Hour)); out.Rows != 1 || len(out.Bodies) != 1 {
		t.Fatalf("Expire = %+v", out)
	}
	for n, f := range []store.Fetched{mailOf(7, 1, 1), mailOf(7, 2, 2)} {
		if err := s.Enqueue(t.Context(), []store.NewMessage{fetchedMessage(3+n, f)}); !errors.Is(err, store.ErrFetched) {
			t.Errorf("Enqueue of %+v, which was fetched: %v", f, err)
		}
		wantKnown(t, s, byte(n+1), true)
	}
}

func testListByAccount(t *testing.T, s Store) {
	put(t, s, inbox(7, 1))
	mail := fetchedMessage(1, mailOf(7, 1, 1))
	enqueue(t, s, newMessage(0, "desk"), mail, newMessage(2, "desk"))
	for _, f := range []store.Filter{{Account: "sales", Limit: 9}, {Account: "sales", Tenant: "acme", Limit: 9}} {
		list, err := s.List(t.Context(), f)
		if len(list) != 1 || err != nil || list[0].ID != mail.ID.Delivery(1) || list[0].Account != "sales" || list[0].Event.IsEvent() {
			t.Errorf("List %+v = %+v, %v", f, list, err)
		}
	}
	if list, err := s.List(t.Context(), store.Filter{Account: "sal", Limit: 9}); len(list) != 0 || err != nil {
		t.Errorf("List = %+v, %v of an account that there is not", list, err)
	}
	counts, err := s.Count(t.Context(), store.Filter{Account: "sales"})
	if len(counts) != 1 || err != nil || counts[0].Deliveries != 1 {
		t.Errorf("Count = %+v, %v", counts, err)
	}
}

// testExportSourcesInPages reads more mails that were fetched than a page has.
func testExportSourcesInPages(t *testing.T, s Store) {
	for n := range 5 {
		m := store.Mailbox{Account: fmt.Sprintf("a%d", n), Folder: "INBOX", UIDValidity: math.MaxUint32, NextUID: 1}
		put(t, s, m)
		if err := s.Pass(t.Context(), store.Fetched{Account: m.Account, Folder: m.Folder, UIDValidity: m.UIDValidity, UID: 1}); err != nil {
			t.Fatal(err)
		}
	}
	var after store.Fetched
	var accounts []string
	for pages := 0; ; pages++ {
		r, err := s.ExportSources(t.Context(), after, 2)
		if err != nil || pages > 3 || (len(r.Mailboxes) > 0) != (pages == 0) {
			t.Fatalf("page %d = %+v, %v", pages, r, err)
		}
		if len(r.Fetched) == 0 {
			break
		}
		for _, f := range r.Fetched {
			accounts = append(accounts, f.Account)
			after = f.Fetched
		}
	}
	if diff := cmp.Diff([]string{"a0", "a1", "a2", "a3", "a4"}, accounts); diff != "" {
		t.Error(diff)
	}
}

package reception_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/reception"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// TestKnown holds that a mail that is known by its digest is not taken, and leaves nothing.
func TestKnown(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		known bool
		err   error
		want  error
		left  int
	}{
		"known":           {known: true, want: reception.ErrKnown},
		"nobody can tell": {err: errStore, want: errStore},
		"not known":       {left: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := open(t)
			m := oneRecipient()
			m.Fetched = &store.Fetched{Account: "sales", Folder: "INBOX", UIDValidity: 7, UID: 5}
			var asked store.Digest
			m.Known = func(_ context.Context, digest store.Digest) (bool, error) {
				asked = digest
				return tc.known, tc.err
			}
			id, err := f.Receive(t.Context(), m, strings.NewReader(rawMail))
			if !errors.Is(err, tc.want) || (err == nil) != (id != "") {
				t.Errorf("Receive = %q, %v; want %v", id, err, tc.want)
			}
			if asked == (store.Digest{}) || asked != m.Fetched.Digest {
				t.Errorf("asked for %x, which is %x", asked, m.Fetched.Digest)
			}
			f.checkLeft(t, tc.left, tc.left)
		})
	}
}

// TestFetchedTwice holds that what the store has already leaves nothing of the second time.
func TestFetchedTwice(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.store.refuse = store.ErrFetched
	m := oneRecipient()
	m.Fetched = &store.Fetched{Account: "sales", Folder: "INBOX", UIDValidity: 7, UID: 5}
	if id, err := f.Receive(t.Context(), m, strings.NewReader(rawMail)); !errors.Is(err, store.ErrFetched) {
		t.Errorf("Receive = %q, %v", id, err)
	}
	if got := f.store.enqueued[0].Fetched; got == nil || *got != *m.Fetched || got.Digest == (store.Digest{}) {
		t.Errorf("the store was given %+v", got)
	}
	f.checkLeft(t, 0, 0)
}

// TestFetchedIsScreened holds that the score of a mail that nobody would send again holds it where
// SMTP would put it off, and that one that is rejected is in the log, as of no digest.
func TestFetchedIsScreened(t *testing.T) {
	t.Parallel()
	at := func(n float64) *float64 { return &n }
	for name, tc := range map[string]struct {
		policy reception.Policy
		state  mail.State
		bodies int
	}{
		"defer":  {policy: reception.Policy{Defer: at(5)}, state: mail.Quarantined, bodies: 1},
		"reject": {policy: reception.Policy{Reject: at(5)}, state: mail.Rejected},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := openScreened(t, reception.Screening{Spam: spamScanner{score(7)}, Policies: map[string]reception.Policy{"acme": tc.policy}})
			m := oneRecipient()
			m.Fetched = &store.Fetched{Account: "sales", Folder: "INBOX", UIDValidity: 7, UID: 5}
			f.store.refuse = store.ErrFetched // so that it can be looked at without a store that has sources
			_, err := f.Receive(t.Context(), m, strings.NewReader(rawMail))
			if !errors.Is(err, store.ErrFetched) {
				t.Fatal(err)
			}
			got := f.store.enqueued[0]
			if got.Deliveries[0].State != tc.state || (got.Fetched.Digest == store.Digest{}) != (tc.state == mail.Rejected) {
				t.Errorf("%+v of %+v", got.Deliveries, got.Fetched)
			}
			if m.Fetched.Digest == (store.Digest{}) {
				t.Error("the source is not told the digest")
			}
		})
	}
}

// TestTurn holds that a mail is stored when its turn has come, after it was scanned, and that nothing is left of one
// whose turn does not come.
func TestTurn(t *testing.T) {
	t.Parallel()
	for name, screening := range map[string]reception.Screening{
		"scanned":     {Spam: spamScanner{score(1)}},
		"not scanned": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := openScreened(t, screening)
			m := oneRecipient()
			turns := 0
			m.Turn = func(context.Context) error {
				turns++
				if rows := f.rows(t); len(rows) != 0 {
					t.Errorf("stored before its turn: %+v", rows)
				}
				if s, ok := screening.Spam.(spamScanner); ok && len(s.mails) != turns {
					t.Error("its turn comes before it is scanned")
				}
				if turns == 1 {
					return errStore
				}
				return nil
			}
			if id, err := f.Receive(t.Context(), m, strings.NewReader(rawMail)); !errors.Is(err, errStore) {
				t.Errorf("Receive = %q, %v", id, err)
			}
			f.checkLeft(t, 0, 0)
			if _, err := f.Receive(t.Context(), m, strings.NewReader(rawMail)); err != nil || turns != 2 {
				t.Errorf("Receive: %v, after %d turns", err, turns)
			}
			f.checkLeft(t, 1, 1)
		})
	}
}

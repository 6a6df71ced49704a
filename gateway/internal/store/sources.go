package store

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
)

// ErrFetched means that a mail of a mail account is in the store already.
var ErrFetched = errors.New("fetched already")

// ErrMailbox means that a mail was fetched from a folder that is not known, or not any more by the UIDVALIDITY that
// it was fetched by: its account was removed, or its server has numbered the folder anew.
var ErrMailbox = errors.New("the folder is not known by that UIDVALIDITY")

// ErrMoved means that an episode is not any more as it was when its change was worked out.
var ErrMoved = errors.New("the episode was changed meanwhile")

// Sources is what every store keeps for mail accounts, and for the events that tell of what
// fails. Its methods may be called by any number of goroutines.
type Sources interface {
	// Accounts returns the accounts that were added at run time, by their names.
	Accounts(ctx context.Context) ([]Account, error)
	// PutAccount adds an account, or replaces the one of its name.
	PutAccount(ctx context.Context, a Account) error
	// DeleteAccount removes an account with its switch, its token, its episodes and all that is
	// known of its mailboxes. It reports whether anything was there.
	DeleteAccount(ctx context.Context, name string) (bool, error)
	// Switches says which accounts are disabled, those of the configuration included.
	Switches(ctx context.Context) (map[string]Switch, error)
	// Disable switches an account off, and queues the events that tell of it, in one
	// transaction. Where it is off already, nothing is done, and nothing told.
	Disable(ctx context.Context, s Switch, events []NewMessage) error
	// Enable switches it on again; it reports whether it was off.
	Enable(ctx context.Context, account string) (bool, error)
	// Token returns the refresh token that a provider has given an account last; empty
	// for none. PutToken keeps one.
	Token(ctx context.Context, account string) (string, error)
	PutToken(ctx context.Context, account, token string) error

	// Mailbox returns how far a folder of an account has been fetched; false where it never was.
	Mailbox(ctx context.Context, account, folder string) (Mailbox, bool, error)
	// PutMailbox says how far it has been fetched: at the first connection, where its
	// UIDVALIDITY has changed, and where there was nothing to fetch up to there. Within a
	// UIDVALIDITY it never goes back. Where that changes, what was fetched under the one before
	// is kept, for Known, and what was fetched earlier is forgotten. The same is done where the server is another, or
	// the mailbox is Anew: UIDs may come again then under the same UIDVALIDITY, NextUID is what is given, and
	// nothing of before is to be handled any more.
	PutMailbox(ctx context.Context, m Mailbox) error
	// Handled marks a mail that is done with what was to be done to it on the server. A power cut
	// may undo that: then it is to be handled again.
	Handled(ctx context.Context, f Fetched) error
	// Unhandled returns mails of a folder that were fetched under its UIDVALIDITY, with nothing
	// done to them on the server yet, by their UIDs.
	Unhandled(ctx context.Context, account, folder string, limit int) ([]Fetched, error)
	// Known reports whether a mail of that digest was fetched from a folder of an account.
	Known(ctx context.Context, account, folder string, digest Digest) (bool, error)
	// Pass notes a mail as fetched that the store has under another UID, or that it is not to
	// have. It moves the mailbox as a message does. It does nothing where that is known.
	Pass(ctx context.Context, f Fetched) error

	// Episode returns an episode; its zero Version says that there never was one.
	Episode(ctx context.Context, about About, kind string) (Episode, error)
	// Episodes returns those that are open.
	Episodes(ctx context.Context) ([]Episode, error)
	// Tell replaces an episode, unless it is not as it was any more, which is ErrMoved, and
	// enqueues the events that tell of that, in one transaction.
	Tell(ctx context.Context, e Episode, events []NewMessage) error

	// Hold takes or keeps the right to do something that one process at a time may do. It
	// reports whether owner has it until then.
	Hold(ctx context.Context, name, owner string, now, until time.Time) (bool, error)
	// LetGo gives a Hold back.
	LetGo(ctx context.Context, name, owner string) error

	// ExportSources reads all of this but holds. With a zero after, that is everything and the
	// first mails that were fetched, up to limit; with the last of them, the next. There are no
	// more where it returns none.
	ExportSources(ctx context.Context, after Fetched, limit int) (SourcesRecord, error)
	// ImportSources adds what ExportSources has read, and replaces what is there.
	ImportSources(ctx context.Context, r SourcesRecord) error
}

// SourcesRecord is what is known of accounts, and of what fails.
type SourcesRecord struct {
	Accounts  []Account
	Switches  []Switch
	Tokens    []Token
	Mailboxes []Mailbox
	Episodes  []Episode
	Fetched   []FetchedRecord
}

// Token is the refresh token of an account.
type Token struct{ Account, Token string }

// FetchedRecord is a mail that was fetched, and whether it is done with on the server.
type FetchedRecord struct {
	Fetched
	Handled bool
}

// Account is a mail account that was added at run time.
type Account struct {
	Name string
	// Settings is JSON, credentials included, that its owner knows how to read.
	Settings  []byte
	UpdatedAt time.Time
}

// Switch says that an account is disabled.
type Switch struct {
	Account string
	Since   time.Time
	Reason  string
}

// Mailbox says how far a folder of an account has been fetched.
type Mailbox struct {
	Account, Folder string
	UIDValidity     uint32
	// NextUID is the first UID that has not been looked at.
	NextUID uint32
	// Below is the first UID that did not exist yet when the folder began to be looked at: at the first
	// connection, or with a new UIDVALIDITY. Of the mails before it, those that came before Since are not
	// wanted, and those whose digest is known are not taken again. Both may be zero.
	Below uint32
	Since time.Time
	// Server is whose UIDs they are, as in "user@host:port"; empty where that is not known.
	Server string
	// Anew is only given, and not kept: the server gives UIDs once more that it has given before.
	Anew bool
}

// Digest names a mail by what it says, whatever its server calls it.
type Digest [32]byte

// MarshalText writes it in hex.
func (d Digest) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(d[:])), nil }

// UnmarshalText reads what MarshalText has written.
func (d *Digest) UnmarshalText(text []byte) error {
	if hex.DecodedLen(len(text)) != len(d) {
		return fmt.Errorf("a digest has %d octets in hex, this has %d characters", len(d), len(text))
	}
	_, err := hex.Decode(d[:], text)
	return err
}

// Fetched is one mail of a folder. A message that has it is stored once for each account, folder, UIDValidity and UID,
// and moves the mailbox's NextUID behind it in the same transaction; where the mailbox is not
// known by that UIDValidity it is not stored, which is ErrMailbox.
type Fetched struct {
	Account     string `json:"account"`
	Folder      string `json:"folder"`
	UIDValidity uint32 `json:"uid_validity"`
	UID         uint32 `json:"uid"`
	Digest      Digest `json:"digest"`
}

// NextUID is the first UID behind it, if there is another.
func (f Fetched) NextUID() uint32 { return max(f.UID, f.UID+1) }

// About is what an event tells of.
type About struct {
	// Tenant is empty where it is of the gateway as a whole.
	Tenant string `json:"tenant,omitempty"`
	// Class is "account", "endpoint", "scanner", "plugin" or "disk".
	Class string `json:"class"`
	Name  string `json:"name,omitempty"`
}

// Episode is a time in which something fails. At most one of an About and a kind is open.
type Episode struct {
	About About
	Kind  string
	// Version counts the changes; what Tell is given has the version that was read.
	Version int64
	// OpenedAt is zero where it is closed.
	OpenedAt time.Time
	// Reported are the causes that were told of.
	Reported []string
}

// Event says what of a message is of an event, and not of a mail. Such a message has no body, and the documents of
// its deliveries are there from the beginning.
type Event struct {
	// Name is as in "connectError".
	Name  string
	About About
}

// MessageOf is the message that tells one endpoint of an event. Its payload, which is JSON, is for
// the delivery that the id has.
func MessageOf(id mail.MessageID, at time.Time, e Event, to Endpoint, text string, document []byte, keep Retention) NewMessage {
	return NewMessage{
		ID: id, ReceivedAt: at, Event: e, Subject: text,
		Deliveries: []NewDelivery{{Endpoint: to, Document: document, Retention: keep}},
	}
}

// IsEvent reports whether it is of an event, and not of a mail.
func (e Event) IsEvent() bool { return e.Name != "" }

// Check says what is wrong with a message that no store takes.
func (m *NewMessage) Check() error {
	switch {
	case len(m.Deliveries) > MaxDeliveries:
		return fmt.Errorf("it has %d deliveries, and a message may have %d", len(m.Deliveries), MaxDeliveries)
	case !m.Event.IsEvent():
		return nil
	case m.Body != "" || m.Fetched != nil:
		return fmt.Errorf("it is of event %s, and a mail", m.Event.Name)
	}
	for i := range m.Deliveries {
		if len(m.Deliveries[i].Document) == 0 {
			return fmt.Errorf("it is of event %s, and delivery %d has no document", m.Event.Name, i+1)
		}
	}
	return nil
}

// HasContent reports whether there is something that ends with the retention: a body, or the documents of an event.
func (m *NewMessage) HasContent() bool { return m.Body != "" || m.Event.IsEvent() }

// HasContent reports whether there is something that ends with the retention, or has not ended yet.
func (r *Record) HasContent() bool {
	if r.Body != "" || !r.Event.IsEvent() {
		return r.Body != ""
	}
	for i, d := range r.Deliveries {
		if !d.State.Final() || r.Rest[i].Document != nil {
			return true
		}
	}
	return false
}

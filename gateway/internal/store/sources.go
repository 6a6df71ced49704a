package store

import (
	"context"
	"errors"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
)

// ErrFetched means that a mail of a mail account is in the store already.
var ErrFetched = errors.New("fetched already")

// ErrMoved means that an episode is not any more as it was when its change was worked out.
var ErrMoved = errors.New("the episode was changed meanwhile")

// Sources is what every store keeps for mail accounts, and for the events that tell of what
// fails. Its methods may be called by any number of goroutines.
type Sources interface {
	// Accounts returns the accounts that were added at run time, by their names.
	Accounts(ctx context.Context) ([]Account, error)
	// PutAccount adds an account, or replaces the one of its name.
	PutAccount(ctx context.Context, a Account) error
	// DeleteAccount removes an account with its token, its episodes and all that is known of
	// its mailboxes. It reports whether anything was there.
	DeleteAccount(ctx context.Context, name string) (bool, error)
	// Switches says which accounts are disabled, those of the configuration included.
	Switches(ctx context.Context) (map[string]Switch, error)
	// Disable switches an account off, and queues the events that tell of it, in one transaction.
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
	// UIDVALIDITY has changed, and where there was nothing to fetch up to there.
	PutMailbox(ctx context.Context, m Mailbox) error
	// Handled marks a mail that is done with what was to be done to it on the server.
	Handled(ctx context.Context, f Fetched) error
	// Unhandled returns mails of a folder that were fetched, with nothing done to them on the server yet.
	Unhandled(ctx context.Context, account, folder string, limit int) ([]Fetched, error)
	// Known reports whether a mail of that digest was fetched from a folder of an account.
	Known(ctx context.Context, account, folder string, digest Digest) (bool, error)
	// Pass notes a mail as fetched that the store has under another UID.
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
}

// Digest names a mail by what it says, whatever its server calls it.
type Digest [32]byte

// Fetched is one mail of a folder. A message that has it is stored once for each account, folder, UIDValidity and UID,
// and moves the mailbox's NextUID behind it in the same transaction.
type Fetched struct {
	Account, Folder  string
	UIDValidity, UID uint32
	Digest           Digest
}

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

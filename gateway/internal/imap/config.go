package imap

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/outbound"
	"github.com/postern-mail/postern/gateway/internal/route"
	"github.com/postern-mail/postern/gateway/internal/secret"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// Config is a mail account.
type Config struct {
	Name, Tenant string
	Server       outbound.Server
	Login        outbound.Login
	// Folders are looked at for new mail; none is INBOX. The first of them is watched, the others
	// are asked every Poll.
	Folders []string
	// Recipient is the address that stands for the mailbox, and Target what it means.
	Recipient string
	Target    route.Target
	First     First
	After     After
	// Poll is how often folders are asked that are not watched, or where the server cannot
	// watch; 0 is 5 minutes.
	Poll time.Duration
	// MaxMessageSize bounds a mail, in octets; a larger one is passed over. 0 is 50 MiB.
	MaxMessageSize int64
}

// First says what of a mailbox is fetched at its first connection.
type First struct {
	Mode FirstMode
	// Since is when the oldest mail came that is wanted; for FirstSince.
	Since time.Time
}

// FirstMode is how much of a mailbox is fetched at its first connection.
type FirstMode string

// How much.
const (
	FirstNew   FirstMode = "new" // what comes from now on; an empty mode is this one too
	FirstAll   FirstMode = "all"
	FirstSince FirstMode = "since" // what came to the mailbox since a time
)

// After says what is done to a mail on its server when it is safe here.
type After struct {
	Act AfterAct
	// Folder is where mails are moved.
	Folder string
}

// AfterAct is what is done to a mail on its server.
type AfterAct string

// What is done.
const (
	AfterLeave  AfterAct = "leave" // nothing; an empty act is this one too
	AfterSeen   AfterAct = "seen"
	AfterMove   AfterAct = "move"
	AfterDelete AfterAct = "delete"
)

const (
	defaultPoll = 5 * time.Minute
	defaultSize = 50 << 20
)

// withDefaults fills in what may be left out.
func (c Config) withDefaults() Config {
	if len(c.Folders) == 0 {
		c.Folders = []string{"INBOX"}
	}
	if c.Poll == 0 {
		c.Poll = defaultPoll
	}
	if c.MaxMessageSize == 0 {
		c.MaxMessageSize = defaultSize
	}
	return c
}

// Check says what is wrong with an account, all at once; nil where nothing is.
func (c Config) Check() error {
	var wrong []error
	add := func(bad bool, format string, args ...any) {
		if bad {
			wrong = append(wrong, fmt.Errorf(format, args...))
		}
	}
	add(c.Name == "", "the account has no name")
	add(c.Server.Host == "", "no host is given")
	add(c.Server.Port < 1 || c.Server.Port > 65535, "port %d is none: want 1 to 65535", c.Server.Port)
	add(!slices.Contains([]outbound.Security{outbound.TLS, outbound.STARTTLS, outbound.Plaintext}, c.Server.Security),
		"security %q is unknown: want tls, starttls or none", c.Server.Security)
	add(c.Login.User == "", "no user is given")
	add(c.Login.Password.IsZero() == (c.Login.OAuth2 == nil), "give a password or OAuth2, one of both")
	if _, _, err := mail.SplitAddress(c.Recipient); err != nil {
		add(true, "recipient %q: %w", c.Recipient, err)
	}
	seen := make(map[string]bool)
	for _, f := range c.Folders {
		add(f == "", "a folder has no name")
		add(seen[f], "folder %q is named twice", f)
		seen[f] = true
	}
	add(!slices.Contains([]FirstMode{"", FirstNew, FirstAll, FirstSince}, c.First.Mode), "first = %q is unknown: want new, all or since", c.First.Mode)
	add((c.First.Mode == FirstSince) == c.First.Since.IsZero(), "first = since goes with a time, and nothing else does")
	add(!slices.Contains([]AfterAct{"", AfterLeave, AfterSeen, AfterMove, AfterDelete}, c.After.Act), "after = %q is unknown: want leave, seen, move or delete", c.After.Act)
	add((c.After.Act == AfterMove) == (c.After.Folder == ""), "after = move goes with a folder, and nothing else does")
	add(c.After.Folder != "" && slices.Contains(c.withDefaults().Folders, c.After.Folder), "folder %q is looked at: what is moved there would be fetched again", c.After.Folder)
	add(c.Poll != 0 && c.Poll < time.Second, "poll is %s, and at least a second is needed", c.Poll)
	add(c.MaxMessageSize < 0, "the largest mail has %d octets", c.MaxMessageSize)
	return errors.Join(wrong...)
}

// about is what events about the account tell of.
func (c Config) about() store.About {
	return store.About{Tenant: c.Tenant, Class: "account", Name: c.Name}
}

// same reports whether two are the same account with the same settings. Credentials are compared too.
func (c Config) same(o Config) bool {
	return c.Name == o.Name && c.Tenant == o.Tenant && c.sameServer(o) && slices.Equal(c.Folders, o.Folders) &&
		c.Recipient == o.Recipient && c.Target.Tenant == o.Target.Tenant && c.Target.Alias == o.Target.Alias && slices.Equal(c.Target.Endpoints, o.Target.Endpoints) &&
		c.First.Mode == o.First.Mode && c.First.Since.Equal(o.First.Since) && c.After == o.After && c.Poll == o.Poll && c.MaxMessageSize == o.MaxMessageSize
}

// sameServer reports whether two connect to the same server in the same way, and as the same user.
func (c Config) sameServer(o Config) bool {
	a, b := c.Server, o.Server
	roots := a.Roots == b.Roots || a.Roots != nil && b.Roots != nil && a.Roots.Equal(b.Roots)
	return a.Host == b.Host && a.Port == b.Port && a.Security == b.Security && roots && sameLogin(c.Login, o.Login)
}

func sameLogin(a, b outbound.Login) bool {
	if a.User != b.User || a.Method != b.Method || !samePassword(a.Password, b.Password) || (a.OAuth2 == nil) != (b.OAuth2 == nil) {
		return false
	}
	if a.OAuth2 == nil {
		return true
	}
	x, y := a.OAuth2, b.OAuth2
	return x.TokenURL == y.TokenURL && x.ClientID == y.ClientID && samePassword(x.ClientSecret, y.ClientSecret) &&
		samePassword(x.RefreshToken, y.RefreshToken) && slices.Equal(x.Scopes, y.Scopes)
}

// samePassword knows that no password is the same as none.
func samePassword(a, b secret.Password) bool {
	return a.IsZero() && b.IsZero() || a.Equal(b)
}

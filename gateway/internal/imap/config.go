package imap

import (
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postern-mail/postern/gateway/internal/outbound"
	"github.com/postern-mail/postern/gateway/internal/route"
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

// mailbox says whose mailbox it is: UIDs say nothing about that of another.
func (c Config) mailbox() string {
	return c.Login.User + "@" + net.JoinHostPort(strings.ToLower(c.Server.Host), strconv.Itoa(c.Server.Port))
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
	return c.Server.Equal(o.Server) && c.Login.Equal(o.Login)
}

package config

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/postern-mail/postern/gateway/internal/config/schema"
	"github.com/postern-mail/postern/gateway/internal/config/syntax"
	"github.com/postern-mail/postern/gateway/internal/mail"
)

// What is fetched when an account connects for the first time.
const (
	FirstNew = "new"
	FirstAll = "all"
)

// What is done on the server with a mail that is safe here.
const (
	AfterLeave  = "leave"
	AfterSeen   = "seen"
	AfterMove   = "move"
	AfterDelete = "delete"
)

// Account is a mail account whose mail is fetched, and goes the way of a tenant's alias.
type Account struct {
	Name   string
	Tenant string
	Alias  string // of the tenant, as it is written there
	// Address is the recipient of its mail, as payloads say it.
	Address string
	IMAP    IMAP
}

// IMAP is an account on an IMAP server (RFC 9051, RFC 3501).
type IMAP struct {
	Server  MailServer
	Login   MailLogin
	Folders []string // names as people see them, at least one
	// First is new, all, or since, of the day Since.
	First string
	Since time.Time `json:",omitzero"`
	// After is leave, seen, move, to the folder MoveTo, or delete.
	After          string
	MoveTo         string        `json:",omitempty"`
	Poll           time.Duration // how often a server is asked that does not tell by itself
	MaxMessageSize int64         // octets; a larger mail stays where it is
}

// Events says where events go that are of no tenant, and what payloads of all events say of the gateway.
type Events struct {
	ServiceURL string           `json:",omitempty"`
	Operator   []TenantEndpoint `json:",omitempty"` // those of the tenants' endpoints that are the operator's
}

// TenantEndpoint names an endpoint of a tenant.
type TenantEndpoint struct{ Tenant, Endpoint string }

const accountKind = "account"

// AllEvents stands for every event.
const AllEvents = "*"

func (l *loader) accountBlock(h schema.Header) *schema.Block {
	l.checkName(h, accountKind)
	return l.account(h.Label, h.At, func(a Account) { l.config.Accounts = append(l.config.Accounts, a) })
}

// account is the block of an account, which goes to take when it is finished and all tenants are known.
func (l *loader) account(name string, at syntax.Place, take func(Account)) *schema.Block {
	a := &Account{Name: name}
	var tenant, alias, address syntax.Value
	there := false
	return &schema.Block{
		Settings: []schema.Setting{
			{Name: "tenant", Required: true, Set: schema.Also(&tenant, schema.Into(&a.Tenant, schema.Text))},
			{Name: "alias", Required: true, Set: schema.Also(&alias, schema.Into(&a.Alias, schema.Text))},
			{Name: "address", Set: schema.Also(&address, schema.Into(&a.Address, mailbox))},
		},
		Children: []schema.Child{{Kind: "imap", Open: func(h schema.Header) *schema.Block {
			there = true
			return l.imapBlock(h, &a.IMAP)
		}}},
		Finish: func() {
			if !there && !l.Partial() {
				l.Note(at.Problem(`write imap { host = "…", … }`, "account "+syntax.Quote(name)+" says nothing of its server"))
			}
			l.later = append(l.later, func() {
				l.placeAccount(a, tenant, alias)
				take(*a)
			})
		},
	}
}

// placeAccount finds tenant and alias, and whom its mail is for.
func (l *loader) placeAccount(a *Account, tenant, alias syntax.Value) {
	if a.Tenant == "" || l.Partial() {
		return // as is noted already, or not to be known
	}
	names := make(map[string]*Tenant)
	for i, t := range l.config.Tenants {
		names[t.Name] = &l.config.Tenants[i]
	}
	t := names[a.Tenant]
	if t == nil {
		l.Note(tenant.Wrong(l.DidYouMean(a.Tenant, slices.Sorted(maps.Keys(names))), "there is no tenant %s", syntax.Quote(a.Tenant))...)
		return
	}
	if a.Alias == "" {
		return
	}
	var aliases []string
	for _, known := range t.Aliases {
		if mail.FoldLocal(known.Name) == mail.FoldLocal(a.Alias) {
			a.Alias = known.Name
			a.Address = cmp.Or(a.Address, addressOf(a.IMAP.Login.User), addressOf(known.Name+"@"+t.Domains[0]), a.Name+"@"+t.Domains[0])
			return
		}
		aliases = append(aliases, known.Name)
	}
	l.Note(alias.Wrong(l.DidYouMean(a.Alias, aliases), "tenant %s has no alias %s", syntax.Quote(a.Tenant), syntax.Quote(a.Alias))...)
}

// checkMailbox says what is wrong with an address.
func checkMailbox(s string) error {
	_, _, err := mail.SplitAddress(s)
	return err
}

// addressOf is the text itself where it is an address of one mailbox.
func addressOf(s string) string {
	if checkMailbox(s) != nil || strings.HasPrefix(s, "*@") {
		return ""
	}
	return s
}

func (l *loader) imapBlock(h schema.Header, i *IMAP) *schema.Block {
	said := &mailServerSaid{}
	var after, moveTo syntax.Value
	return &schema.Block{
		Settings: slices.Concat(said.settings(l, &i.Server, &i.Login, SecurityTLS), []schema.Setting{
			{Name: "folders", Initial: "INBOX", Set: schema.Into(&i.Folders, schema.ListOf(1, 100, distinct("folder", folder)))},
			{Name: "first", Initial: FirstNew, Set: i.setFirst},
			{Name: "after", Initial: AfterLeave, Set: schema.Also(&after, schema.Into(&i.After, schema.OneOf(AfterLeave, AfterSeen, AfterMove, AfterDelete)))},
			{Name: "move_to", Set: schema.Also(&moveTo, schema.Into(&i.MoveTo, folder))},
			{Name: "poll", Initial: "1m", Set: schema.Into(&i.Poll, schema.Duration(5*time.Second, schema.Day))},
			{Name: "max_message_size", Initial: "50MiB", Set: schema.Into(&i.MaxMessageSize, schema.Size(1<<10, 1<<30))},
		}),
		Children: []schema.Child{said.child(&i.Login)},
		Finish: func() {
			said.finish(l, h.At, &i.Server, &i.Login, map[string]int{SecurityTLS: 993, SecuritySTARTTLS: 143, SecurityNone: 143}, true)
			switch {
			case i.After == AfterMove && moveTo.At == (syntax.Place{}):
				l.Note(after.Wrong(`write move_to = "Archive"`, "after %q needs move_to, which is missing", i.After)...)
			case i.After != AfterMove && moveTo.At != (syntax.Place{}):
				l.Note(moveTo.Wrong(`write after = "move", or leave move_to out`, "move_to goes with after %q only", AfterMove)...)
			case i.MoveTo != "" && slices.Contains(i.Folders, i.MoveTo):
				l.Note(moveTo.Wrong("name a folder that is not in folders", "mail that is moved to %s would be fetched there again", syntax.Quote(i.MoveTo))...)
			}
		},
	}
}

// setFirst reads what is fetched at first: a word, or a day.
func (i *IMAP) setFirst(v syntax.Value) syntax.Problems {
	s, ps := schema.Text(v)
	if ps != nil {
		return ps
	}
	if s == FirstNew || s == FirstAll {
		i.First = s
		return nil
	}
	day, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return v.Wrong(`write "new", "all", or the day from which on, as in "2026-11-01"`, "%s says not what is fetched at first", syntax.Quote(s))
	}
	i.First, i.Since = "since", day
	return nil
}

// maxFolder bounds the name of a folder, in octets.
const maxFolder = 512

func folder(v syntax.Value) (string, syntax.Problems) {
	s, ps := schema.Text(v)
	switch {
	case ps != nil:
		return "", ps
	case len(s) > maxFolder:
		return "", v.Wrong("", "the name of a folder has at most %d octets", maxFolder)
	case strings.ContainsAny(s, "*%"):
		return "", v.Wrong("write each folder", "folder %s is no pattern", syntax.Quote(s))
	case strings.EqualFold(s, "INBOX"):
		return "INBOX", nil // RFC 3501 section 5.1: in any case
	}
	return s, nil
}

// eventsBlock says where events go that are of no tenant.
func (l *loader) eventsBlock() *schema.Block {
	e := &l.config.Events
	var operator syntax.Value
	return &schema.Block{
		Settings: []schema.Setting{
			{Name: "service_url", Set: schema.Into(&e.ServiceURL, serviceURL)},
			{Name: "operator", Set: schema.Also(&operator, schema.Into(&e.Operator, schema.ListOf(0, 100, tenantEndpoint)))},
		},
		Finish: func() {
			l.later = append(l.later, func() { l.checkOperator(e.Operator, operator) })
		},
	}
}

func serviceURL(v syntax.Value) (string, syntax.Problems) {
	if _, _, ps := webURL(v, "it is sent with every event"); ps != nil {
		return "", ps
	}
	return schema.Text(v)
}

func tenantEndpoint(v syntax.Value) (TenantEndpoint, syntax.Problems) {
	s, ps := schema.Text(v)
	if ps != nil {
		return TenantEndpoint{}, ps
	}
	tenant, endpoint, ok := strings.Cut(s, "/")
	if !ok || tenant == "" || endpoint == "" {
		return TenantEndpoint{}, v.Wrong(`write "TENANT/ENDPOINT"`, "%s names no endpoint", syntax.Quote(s))
	}
	return TenantEndpoint{tenant, endpoint}, nil
}

// checkOperator finds endpoints that are not there, or that get no events.
func (l *loader) checkOperator(named []TenantEndpoint, at syntax.Value) {
	if l.Partial() {
		return
	}
	known := make(map[TenantEndpoint]Endpoint)
	var names []string
	for _, t := range l.config.Tenants {
		for _, e := range t.Endpoints {
			known[TenantEndpoint{t.Name, e.Name}] = e
			names = append(names, t.Name+"/"+e.Name)
		}
	}
	for i, name := range named {
		v := at
		if entries := schema.Entries(at); i < len(entries) {
			v = entries[i]
		}
		text := name.Tenant + "/" + name.Endpoint
		switch e, ok := known[name]; {
		case !ok:
			l.Note(v.Wrong(l.DidYouMean(text, names), "there is no endpoint %s", syntax.Quote(text))...)
		case e.Type == TypeSMTP:
			l.Note(v.Wrong("name one of type webhook", "endpoint %s is a mail server, and events go by webhook", syntax.Quote(text))...)
		case len(e.Events) == 0 && !e.eventsWrong:
			l.Note(v.Wrong(`write events = ["*"] in that endpoint, or name those that it is to get`, "endpoint %s gets no events", syntax.Quote(text))...)
		}
	}
}

// eventNames reads which events an endpoint gets; "*" is all.
func eventNames(v syntax.Value) ([]string, syntax.Problems) {
	list, ps := schema.ListOf(0, 100, distinct("event", schema.OneOf(append([]string{AllEvents}, mail.Events()...)...)))(v)
	if ps == nil && len(list) > 1 && slices.Contains(list, AllEvents) {
		return nil, v.Wrong("", "%q is all events already", AllEvents)
	}
	return list, ps
}

// ReadAccount reads an account that stands in no file: its settings by their names, as in "tenant" and
// "imap.host". Its error is Problems.
func (c *Config) ReadAccount(name string, settings map[string]string, environ []string) (Account, error) {
	l := newLoader(Options{Environ: environ})
	l.config = *c
	h := schema.Header{Label: name, Name: syntax.Place{File: "account"}}
	l.checkName(h, accountKind)
	var read Account
	what := "account " + syntax.Quote(name)
	l.ReadSettings(what, l.account(name, syntax.Place{File: what}, func(a Account) { read = a }), settings)
	for _, check := range l.later {
		check()
	}
	if ps := l.Problems(); len(ps) > 0 {
		return Account{}, ps
	}
	return read, nil
}

// AccountSettings lists the settings of an account, by the names that ReadAccount knows.
func AccountSettings() []string {
	l := newLoader(Options{})
	b := l.account("", syntax.Place{}, func(Account) {})
	var names []string
	var walk func(prefix string, b *schema.Block)
	walk = func(prefix string, b *schema.Block) {
		for _, s := range b.Settings {
			names = append(names, prefix+s.Name)
		}
		for _, c := range b.Children {
			walk(prefix+c.Kind+".", c.Open(schema.Header{}))
		}
	}
	walk("", b)
	return names
}

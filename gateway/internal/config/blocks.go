package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/postern-mail/postern/gateway/internal/config/schema"
	"github.com/postern-mail/postern/gateway/internal/config/syntax"
	"github.com/postern-mail/postern/gateway/internal/mail"
)

// listenerKind is the type of block of which at least one is needed.
const listenerKind = "listener"

// singles are the unlabelled blocks, which merge over files, environment and flags.
func (l *loader) singles() []schema.Child {
	return []schema.Child{
		{Kind: "server", Open: func(schema.Header) *schema.Block { return serverBlock(&l.config.Server) }},
		{Kind: "store", Open: func(schema.Header) *schema.Block { return l.storeBlock() }},
		{Kind: "bodies", Open: func(schema.Header) *schema.Block { return l.bodiesBlock() }}, // which asks what the store is
		{Kind: "delivery", Open: func(schema.Header) *schema.Block { return deliveryBlock(&l.config.Delivery) }},
		{Kind: "events", Optional: true, Open: func(schema.Header) *schema.Block { return l.eventsBlock() }},
		{Kind: "inspector", Optional: true, Open: func(schema.Header) *schema.Block { return l.inspectorBlock() }},
		{Kind: "public", Optional: true, Open: func(schema.Header) *schema.Block { return l.publicBlock() }},
	}
}

// labelled are the blocks that carry a name, which stand in files only.
func (l *loader) labelled() []schema.Child {
	return []schema.Child{
		{Kind: listenerKind, Labelled: true, Open: l.listenerBlock},
		{Kind: "scanner", Labelled: true, Open: l.scannerBlock},
		{Kind: "signer", Labelled: true, Open: l.signerBlock},
		{Kind: "plugin", Labelled: true, Open: l.pluginBlock},
		{Kind: "plan", Labelled: true, Open: l.planBlock},
		{Kind: "tenant", Labelled: true, Open: l.tenantBlock},
		{Kind: accountKind, Labelled: true, Open: l.accountBlock},
	}
}

func serverBlock(s *Server) *schema.Block {
	return &schema.Block{Settings: []schema.Setting{
		{Name: "hostname", Required: true, Set: schema.Into(&s.Hostname, domain)},
		{Name: "data_dir", Required: true, Set: schema.Into(&s.DataDir, schema.FilePath)},
		{Name: "log_level", Initial: "info", Set: schema.Into(&s.LogLevel, schema.OneOf("trace", "debug", "info", "warn", "error"))},
		{Name: "log_format", Initial: "text", Set: schema.Into(&s.LogFormat, schema.OneOf("text", "json"))},
	}}
}

func deliveryBlock(d *Delivery) *schema.Block {
	return &schema.Block{Settings: []schema.Setting{
		{Name: "allow_http", Initial: "false", Set: schema.Into(&d.AllowHTTP, schema.Boolean)},
		{Name: "allow_networks", Set: schema.Into(&d.AllowNetworks, schema.ListOf(0, 1000, network))},
		{Name: "allow_ports", Initial: "443,80,8443", Set: schema.Into(&d.AllowPorts, schema.ListOf(1, 1000, port))},
		{Name: "timeout", Initial: "30s", Set: schema.Into(&d.Timeout, schema.Duration(time.Second, 5*time.Minute))},
		{Name: "concurrency", Initial: "64", Set: schema.Into(&d.Concurrency, schema.Integer(1, 10_000))},
		{Name: "max_backlog", Initial: "100000", Set: schema.Into(&d.MaxBacklog, schema.Integer(1, 100_000_000))},
		{Name: "schedule", Initial: "0s,1m,5m,30m,2h,12h", Set: schema.Into(&d.Schedule, schedule)},
	}}
}

// inspectorBlock makes the inspector only when it is finished, which it is when
// somebody asked for it.
func (l *loader) inspectorBlock() *schema.Block {
	i := &Inspector{}
	var address syntax.Value
	return &schema.Block{
		Settings: []schema.Setting{{Name: "address", Initial: "127.0.0.1:8025", Set: schema.Also(&address, schema.Into(&i.Address, loopback))}},
		Finish: func() {
			l.takeAddress(i.Address, address.At)
			l.config.Inspector = i
		},
	}
}

func (l *loader) listenerBlock(h schema.Header) *schema.Block {
	l.checkName(h, listenerKind)
	s := &Listener{Name: h.Label}
	var address syntax.Value
	return &schema.Block{
		Settings: []schema.Setting{
			{Name: "address", Required: true, Set: schema.Also(&address, schema.Into(&s.Address, listenAddress))},
			{Name: "max_message_size", Initial: "50MiB", Set: schema.Into(&s.MaxMessageSize, schema.Size(1<<10, 1<<30))},
			{Name: "max_recipients", Initial: "100", Set: schema.Into(&s.MaxRecipients, schema.Integer(1, 10_000))},
			{Name: "max_connections", Initial: "1000", Set: schema.Into(&s.MaxConnections, schema.Integer(1, 100_000))},
			{Name: "max_connections_per_ip", Initial: "50", Set: schema.Into(&s.MaxConnectionsPerIP, schema.Integer(1, 100_000))},
			{Name: "idle_timeout", Initial: "5m", Set: schema.Into(&s.IdleTimeout, schema.Duration(time.Second, time.Hour))},
			{Name: "allow_bare_newlines", Initial: "false", Set: schema.Into(&s.AllowBareNewlines, schema.Boolean)},
		},
		Children: []schema.Child{{Kind: "tls", Open: func(schema.Header) *schema.Block {
			s.TLS = &TLS{}
			return l.tlsBlock(s.TLS)
		}}},
		Finish: func() {
			l.takeAddress(s.Address, address.At)
			l.config.Listeners = append(l.config.Listeners, *s)
		},
	}
}

// takeAddress notes an address that is listened on already. Any number of
// listeners may ask for a free port.
func (l *loader) takeAddress(address string, at syntax.Place) {
	first, twice := l.addresses[address]
	switch {
	case address == "" || strings.HasSuffix(address, ":0"):
	case twice:
		where := "by default"
		if first != (syntax.Place{}) {
			where = "at " + first.String()
		}
		l.Note(at.Problem("", fmt.Sprintf("address %s is listened on already, %s", syntax.Quote(address), where)))
	default:
		l.addresses[address] = at
	}
}

func (l *loader) tlsBlock(t *TLS) *schema.Block {
	var cert, key string
	var at syntax.Value
	return &schema.Block{
		Settings: []schema.Setting{
			{Name: "cert_file", Required: true, Set: schema.Also(&at, schema.Into(&cert, schema.FilePath))},
			{Name: "key_file", Required: true, Set: schema.Into(&key, schema.FilePath)},
			{Name: "required", Initial: "false", Set: schema.Into(&t.Required, schema.Boolean)},
		},
		Finish: func() {
			if cert == "" || key == "" {
				return
			}
			loaded, err := l.credentials.KeyPair(cert, key)
			if err != nil {
				l.Note(at.At.Problem("", err.Error()))
			}
			t.Certificate = loaded
		},
	}
}

func (l *loader) tenantBlock(h schema.Header) *schema.Block {
	l.checkName(h, "tenant")
	t := &Tenant{Name: h.Label, Plan: defaultPlan()}
	var plan string
	var planAt syntax.Value
	var references []syntax.Value // of aliases to endpoints
	said := &screening{}
	return &schema.Block{
		Settings: append([]schema.Setting{
			{Name: "plan", Set: schema.Also(&planAt, schema.Into(&plan, schema.Text))},
			{Name: "domains", Required: true, Set: schema.Into(&t.Domains, schema.ListOf(1, syntax.MaxEntries, l.tenantDomain))},
			l.pipelineSetting(&t.Pipeline, t.Name),
		}, said.settings()...),
		Children: []schema.Child{
			said.child(),
			{Kind: "plugin", Labelled: true, Open: func(h schema.Header) *schema.Block { return l.pluginBlockOf(&t.Plugins, t.Name, h) }},
			{Kind: "endpoint", Labelled: true, Open: func(h schema.Header) *schema.Block { return l.endpointBlock(t, h) }},
			{Kind: "alias", Labelled: true, Fold: mail.FoldLocal, Open: func(h schema.Header) *schema.Block { return l.aliasBlock(t, h, &references) }},
		},
		Finish: func() {
			l.checkReferences(t, references)
			i := len(l.config.Tenants)
			l.config.Tenants = append(l.config.Tenants, *t)
			l.later = append(l.later, func() {
				resolved := &l.config.Tenants[i]
				if plan != "" {
					resolved.Plan = l.plan(plan, planAt)
				}
				resolved.inheritScreening(said)
				l.wantScanners(said, resolved.VirusScan)
			})
		},
	}
}

// tenantDomain reads a domain that no other tenant has: a recipient means one.
func (l *loader) tenantDomain(v syntax.Value) (string, syntax.Problems) {
	name, ps := domain(v)
	if ps != nil {
		return "", ps
	}
	if first, twice := l.domains[name]; twice {
		return "", v.Wrong("a domain belongs to one tenant", "domain %s stands at %s already", syntax.Quote(name), first)
	}
	l.domains[name] = v.At
	return name, nil
}

// plan resolves a reference, once all plans are known.
func (l *loader) plan(name string, v syntax.Value) Plan {
	p, ok := l.plans[name]
	if !ok && !l.Partial() {
		l.Note(v.Wrong(l.DidYouMean(name, slices.Sorted(maps.Keys(l.plans))), "there is no plan %s", syntax.Quote(name))...)
	}
	return p
}

// checkReferences finds aliases that name an endpoint which the tenant has not.
func (l *loader) checkReferences(t *Tenant, references []syntax.Value) {
	names := make([]string, len(t.Endpoints))
	known := make(map[string]bool, len(t.Endpoints))
	for i, e := range t.Endpoints {
		names[i], known[e.Name] = e.Name, true
	}
	for _, v := range references {
		if name, _ := v.Data.(string); !known[name] {
			l.Note(v.Wrong(l.DidYouMean(name, names), "tenant %s has no endpoint %s", syntax.Quote(t.Name), syntax.Quote(name))...)
		}
	}
}

func (l *loader) aliasBlock(t *Tenant, h schema.Header, references *[]syntax.Value) *schema.Block {
	l.checkAlias(h)
	a := &Alias{Name: h.Label}
	reference := noting(references, distinct("endpoint", schema.Text))
	return &schema.Block{
		Settings: []schema.Setting{
			{Name: "endpoints", Required: true, Set: schema.Into(&a.Endpoints, schema.ListOf(1, 100, reference))},
			l.pipelineSetting(&a.Pipeline, t.Name),
		},
		Finish: func() { t.Aliases = append(t.Aliases, *a) },
	}
}

// checkAlias wants a local part as RFC 5321 has it, or "*". Quoted local parts
// would be a second spelling for the same mailbox.
func (l *loader) checkAlias(h schema.Header) {
	switch {
	case h.Label == "*":
	case strings.Contains(h.Label, "*"):
		l.Note(h.Name.Problem(`"*" alone catches all`, fmt.Sprintf("alias %s is no pattern", syntax.Quote(h.Label))))
	case strings.Contains(h.Label, "@"):
		l.Note(h.Name.Problem("write what stands before the @", fmt.Sprintf("alias %s holds a domain", syntax.Quote(h.Label))))
	default:
		_, _, err := mail.SplitAddress(h.Label + "@localhost")
		if err != nil || strings.Contains(h.Label, `"`) {
			l.Note(h.Name.Problem("", fmt.Sprintf("alias %s is no local part of an address", syntax.Quote(h.Label))))
		}
	}
}

// nameForm keeps names fit for URLs, log lines and command lines.
var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

func (l *loader) checkName(h schema.Header, kind string) {
	if !nameForm.MatchString(h.Label) {
		l.Note(h.Name.Problem("use 1 to 63 of a-z, 0-9, _ and -, a letter or digit first", fmt.Sprintf("%s name %s is not allowed", kind, syntax.Quote(h.Label))))
	}
}

package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
)

const day = 24 * time.Hour

// defaultRetention is that of plans and tenants that say nothing.
const defaultRetention = 30 * day

// Types of blocks that are treated apart.
const (
	inspectorKind = "inspector" // off unless somebody wants it
	listenerKind  = "listener"  // at least one is needed
)

// singles are the unlabelled blocks, which merge over files, environment and flags.
func (l *loader) singles() []child {
	return []child{
		{kind: "server", open: func(header) *block { return serverBlock(&l.config.Server) }},
		{kind: "delivery", open: func(header) *block { return deliveryBlock(&l.config.Delivery) }},
		{kind: inspectorKind, open: func(header) *block { return l.inspectorBlock() }},
	}
}

// labelled are the blocks that carry a name, which stand in files only.
func (l *loader) labelled() []child {
	return []child{
		{kind: listenerKind, labelled: true, open: l.listenerBlock},
		{kind: "plan", labelled: true, open: l.planBlock},
		{kind: "tenant", labelled: true, open: l.tenantBlock},
	}
}

func serverBlock(s *Server) *block {
	return &block{settings: []setting{
		{name: "hostname", required: true, set: into(&s.Hostname, domain)},
		{name: "data_dir", required: true, set: into(&s.DataDir, filePath)},
		{name: "log_level", initial: "info", set: into(&s.LogLevel, oneOf("trace", "debug", "info", "warn", "error"))},
		{name: "log_format", initial: "text", set: into(&s.LogFormat, oneOf("text", "json"))},
	}}
}

func deliveryBlock(d *Delivery) *block {
	return &block{settings: []setting{
		{name: "allow_http", initial: "false", set: into(&d.AllowHTTP, boolean)},
		{name: "allow_networks", set: into(&d.AllowNetworks, listOf(0, 1000, network))},
		{name: "allow_ports", initial: "443,80,8443", set: into(&d.AllowPorts, listOf(1, 1000, port))},
		{name: "timeout", initial: "30s", set: into(&d.Timeout, duration(time.Second, 5*time.Minute))},
		{name: "concurrency", initial: "64", set: into(&d.Concurrency, integer(1, 10_000))},
		{name: "schedule", initial: "0s,1m,5m,30m,2h,12h", set: into(&d.Schedule, schedule)},
	}}
}

// inspectorBlock makes the inspector only when it is finished, which it is when
// somebody asked for it.
func (l *loader) inspectorBlock() *block {
	i := &Inspector{}
	return &block{
		settings: []setting{{name: "address", initial: "127.0.0.1:8025", set: into(&i.Address, loopback)}},
		finish:   func() { l.config.Inspector = i },
	}
}

func (l *loader) listenerBlock(h header) *block {
	l.checkName(h, listenerKind)
	s := &Listener{Name: h.label}
	var address value
	return &block{
		settings: []setting{
			{name: "address", required: true, set: also(&address, into(&s.Address, listenAddress))},
			{name: "max_message_size", initial: "50MiB", set: into(&s.MaxMessageSize, size(1<<10, 1<<30))},
			{name: "max_recipients", initial: "100", set: into(&s.MaxRecipients, integer(1, 10_000))},
			{name: "max_connections", initial: "1000", set: into(&s.MaxConnections, integer(1, 100_000))},
			{name: "max_connections_per_ip", initial: "50", set: into(&s.MaxConnectionsPerIP, integer(1, 100_000))},
			{name: "idle_timeout", initial: "5m", set: into(&s.IdleTimeout, duration(time.Second, time.Hour))},
			{name: "allow_bare_newlines", initial: "false", set: into(&s.AllowBareNewlines, boolean)},
		},
		children: []child{{kind: "tls", open: func(header) *block {
			s.TLS = &TLS{}
			return tlsBlock(s.TLS)
		}}},
		finish: func() {
			// Any number of listeners may ask for a free port.
			if first, twice := l.addresses[s.Address]; twice && !strings.HasSuffix(s.Address, ":0") {
				l.problem(address.At, "", fmt.Sprintf("address %s is that of the listener at %s already", quote(s.Address), first))
			} else if s.Address != "" {
				l.addresses[s.Address] = address.At
			}
			l.config.Listeners = append(l.config.Listeners, *s)
		},
	}
}

func tlsBlock(t *TLS) *block {
	return &block{settings: []setting{
		{name: "cert_file", required: true, set: into(&t.CertFile, filePath)},
		{name: "key_file", required: true, set: into(&t.KeyFile, filePath)},
		{name: "required", initial: "false", set: into(&t.Required, boolean)},
	}}
}

func (l *loader) planBlock(h header) *block {
	l.checkName(h, "plan")
	p := &Plan{Name: h.label}
	return &block{
		settings: []setting{
			{name: "retention", initial: "30d", set: into(&p.Retention, duration(time.Hour, 3650*day))},
		},
		finish: func() {
			l.plans[p.Name] = *p
			l.config.Plans = append(l.config.Plans, *p)
		},
	}
}

func (l *loader) tenantBlock(h header) *block {
	l.checkName(h, "tenant")
	t := &Tenant{Name: h.label, Plan: Plan{Retention: defaultRetention}}
	var plan string
	var planAt value
	var references []value // of aliases to endpoints
	return &block{
		settings: []setting{
			{name: "plan", set: also(&planAt, into(&plan, text))},
			{name: "domains", required: true, set: into(&t.Domains, listOf(1, maxEntries, l.tenantDomain))},
		},
		children: []child{
			{kind: "endpoint", labelled: true, open: func(h header) *block { return l.endpointBlock(t, h) }},
			{kind: "alias", labelled: true, fold: true, open: func(h header) *block { return l.aliasBlock(t, h, &references) }},
		},
		finish: func() {
			l.checkReferences(t, references)
			i := len(l.config.Tenants)
			l.config.Tenants = append(l.config.Tenants, *t)
			if plan != "" {
				l.later = append(l.later, func() { l.config.Tenants[i].Plan = l.plan(plan, planAt) })
			}
		},
	}
}

// tenantDomain reads a domain that no other tenant has: a recipient means one.
func (l *loader) tenantDomain(v value) (string, Problems) {
	name, ps := domain(v)
	if ps != nil {
		return "", ps
	}
	if first, twice := l.domains[name]; twice {
		return "", v.wrong("a domain belongs to one tenant", "domain %s stands at %s already", quote(name), first)
	}
	l.domains[name] = v.At
	return name, nil
}

// plan resolves a reference, once all plans are known.
func (l *loader) plan(name string, v value) Plan {
	p, ok := l.plans[name]
	if !ok && !l.partial {
		l.problems = append(l.problems, v.wrong(l.didYouMean(name, sortedKeys(l.plans)), "there is no plan %s", quote(name))...)
	}
	return p
}

// checkReferences finds aliases that name an endpoint which the tenant has not.
func (l *loader) checkReferences(t *Tenant, references []value) {
	names := make([]string, len(t.Endpoints))
	known := make(map[string]bool, len(t.Endpoints))
	for i, e := range t.Endpoints {
		names[i], known[e.Name] = e.Name, true
	}
	for _, v := range references {
		if name, _ := v.Data.(string); !known[name] {
			l.problems = append(l.problems, v.wrong(l.didYouMean(name, names), "tenant %s has no endpoint %s", quote(t.Name), quote(name))...)
		}
	}
}

func (l *loader) endpointBlock(t *Tenant, h header) *block {
	l.checkName(h, "endpoint")
	e := &Endpoint{Name: h.label}
	source := &secretSource{}
	return &block{
		settings: append([]setting{
			{name: "url", required: true, set: into(&e.URL, l.endpointURL)},
			{name: "max_concurrency", initial: "8", set: into(&e.MaxConcurrency, integer(1, 1000))},
		}, source.settings()...),
		finish: func() {
			e.Secret = l.secret(h.at, source)
			t.Endpoints = append(t.Endpoints, *e)
		},
	}
}

// endpointURL checks what delivery would refuse at every attempt. No message
// quotes the URL, which may hold a token or a password.
func (l *loader) endpointURL(v value) (string, Problems) {
	s, ps := text(v)
	if ps != nil {
		return "", ps
	}
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return "", v.wrong("", "url is not a valid URL")
	case u.Scheme != "http" && u.Scheme != "https":
		return "", v.wrong(`write "https://…"`, "url must be absolute and begin with https:// or http://")
	case u.User != nil:
		return "", v.wrong("the signature tells the receiver who sends", "url must not hold a user name or password")
	case strings.Contains(s, "#"):
		return "", v.wrong("", "url must not hold a fragment (#…)")
	case u.Hostname() == "":
		return "", v.wrong("", "url names no host")
	case u.Scheme == "http" && !l.config.Delivery.AllowHTTP && !l.partial:
		return "", v.wrong("use https, or set allow_http = true in the delivery block", "url uses plain http, which is not allowed")
	}
	return s, l.endpointPort(v, u)
}

// endpointPort finds a port that no address could be dialled on. In networks
// that are allowed by themselves any port is.
func (l *loader) endpointPort(v value, u *url.URL) Problems {
	p := u.Port()
	if p == "" {
		p = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	n, err := strconv.ParseUint(p, 10, 16)
	if err != nil || n == 0 {
		return v.wrong("", "url has a port that is not between 1 and 65535")
	}
	d := l.config.Delivery
	// Without ports, allow_ports itself is wrong, which is noted already.
	if len(d.AllowNetworks) == 0 && len(d.AllowPorts) > 0 && !slices.Contains(d.AllowPorts, uint16(n)) && !l.partial {
		return v.wrong(fmt.Sprintf("add %d to allow_ports in the delivery block", n), "url uses port %d, which is not allowed", n)
	}
	return nil
}

func (l *loader) aliasBlock(t *Tenant, h header, references *[]value) *block {
	l.checkAlias(h)
	a := &Alias{Name: h.label}
	seen := map[string]bool{}
	reference := func(v value) (string, Problems) {
		name, ps := text(v)
		if ps != nil {
			return "", ps
		}
		if seen[name] {
			return "", v.wrong("", "endpoint %s stands twice", quote(name))
		}
		seen[name] = true
		*references = append(*references, value{Data: name, At: v.At})
		return name, nil
	}
	return &block{
		settings: []setting{
			{name: "endpoints", required: true, set: into(&a.Endpoints, listOf(1, 100, reference))},
		},
		finish: func() { t.Aliases = append(t.Aliases, *a) },
	}
}

// checkAlias wants a local part as RFC 5321 has it, or "*". Quoted local parts
// would be a second spelling for the same mailbox.
func (l *loader) checkAlias(h header) {
	switch {
	case h.label == "*":
	case strings.Contains(h.label, "*"):
		l.problem(h.name, `"*" alone catches all`, fmt.Sprintf("alias %s is no pattern", quote(h.label)))
	case strings.Contains(h.label, "@"):
		l.problem(h.name, "write what stands before the @", fmt.Sprintf("alias %s holds a domain", quote(h.label)))
	default:
		_, _, err := mail.SplitAddress(h.label + "@localhost")
		if err != nil || strings.Contains(h.label, `"`) {
			l.problem(h.name, "", fmt.Sprintf("alias %s is no local part of an address", quote(h.label)))
		}
	}
}

// nameForm keeps names fit for URLs, log lines and command lines.
var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

func (l *loader) checkName(h header, kind string) {
	if !nameForm.MatchString(h.label) {
		l.problem(h.name, "use 1 to 63 of a-z, 0-9, _ and -, a letter or digit first", fmt.Sprintf("%s name %s is not allowed", kind, quote(h.label)))
	}
}

// listenAddress reads host:port or :port. The port is a number; 0 is any.
func listenAddress(v value) (string, Problems) {
	s, ps := text(v)
	if ps != nil {
		return "", ps
	}
	host, p, err := net.SplitHostPort(s)
	if err != nil {
		return "", v.wrong(`write "host:port" or ":port"`, "%s is not an address to listen on", quote(s))
	}
	if _, err := strconv.ParseUint(p, 10, 16); err != nil {
		return "", v.wrong("", "port %s is not a number from 0 to 65535", quote(p))
	}
	if _, err := netip.ParseAddr(host); err != nil && host != "" {
		if _, err := toASCII(host); err != nil {
			return "", v.wrong("", "host %s is neither an IP address nor a name", quote(host))
		}
	}
	return s, nil
}

// loopback reads an address that only this machine can reach. A name is no
// proof of that: it is resolved elsewhere.
func loopback(v value) (string, Problems) {
	s, ps := listenAddress(v)
	if ps != nil {
		return "", ps
	}
	host, _, _ := net.SplitHostPort(s) // checked just now
	if ip, err := netip.ParseAddr(host); err != nil || !ip.Unmap().IsLoopback() {
		return "", v.wrong(`write a loopback address, such as "127.0.0.1:8025"`, "the inspector shows mail to whoever asks and may not listen on %s", quote(s))
	}
	return s, nil
}

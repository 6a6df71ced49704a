package config

import (
	"crypto"
	"fmt"
	"slices"

	"github.com/postern-mail/postern/gateway/internal/config/credential"
	"github.com/postern-mail/postern/gateway/internal/config/schema"
	"github.com/postern-mail/postern/gateway/internal/config/syntax"
)

// The types of endpoints.
const (
	TypeWebhook = "webhook"
	TypeSMTP    = "smtp"
)

// Envelopes of what is sent on.
const (
	OriginalAddress = "original"
	NullAddress     = "null"
)

// Smarthost is a mail server that takes the mail of an endpoint.
type Smarthost struct {
	Server MailServer
	Login  MailLogin // without a user: none
	// From is the reverse-path: original, null, or an address. To is the recipient: original, or an address.
	From, To string
	DKIM     *DKIM `json:",omitempty"` // nil for no signature
}

// DKIM signs what is sent on (RFC 6376).
type DKIM struct {
	Domain, Selector string
	Key              crypto.Signer `json:"-"`
	KeyFile          string
}

// An endpointSaid is what belongs to one type of endpoint.
type endpointSaid struct {
	typ    syntax.Value
	url    syntax.Value
	events syntax.Value
	places placement
	smtpAt syntax.Place
}

func (l *loader) endpointBlock(t *Tenant, h schema.Header) *schema.Block {
	l.checkName(h, "endpoint")
	e := &Endpoint{Name: h.Label}
	source, said, rate := credential.SigningSecret("secret"), &endpointSaid{}, &rateSaid{}
	source.Optional = true // the type says whether it is wanted
	return &schema.Block{
		Settings: slices.Concat([]schema.Setting{
			{Name: "type", Initial: TypeWebhook, Set: schema.Also(&said.typ, schema.Into(&e.Type, schema.OneOf(TypeWebhook, TypeSMTP)))},
			noted("url", &said.url, schema.Into(&e.URL, l.endpointURL)),
			{Name: "max_concurrency", Initial: "8", Set: schema.Into(&e.MaxConcurrency, schema.Integer(1, 1000))},
			{Name: "events", Set: schema.Also(&said.events, schema.Into(&e.Events, eventNames))},
		}, rate.settings(&e.Rate), said.places.settings(e), source.Settings()),
		Children: []schema.Child{{Kind: TypeSMTP, Open: func(h schema.Header) *schema.Block {
			e.SMTP, said.smtpAt = &Smarthost{}, h.At
			return l.smarthostBlock(h, e.SMTP)
		}}},
		Finish: func() {
			l.Note(rate.finish(&e.Rate)...)
			e.eventsWrong = said.events.At != (syntax.Place{}) && len(e.Events) == 0
			if e.Type == TypeSMTP {
				l.finishSMTP(e, h, said, source)
			} else {
				l.finishWebhook(e, h, said, source)
			}
			t.Endpoints = append(t.Endpoints, *e)
		},
	}
}

func (l *loader) finishWebhook(e *Endpoint, h schema.Header, said *endpointSaid, source *credential.Source) {
	if said.smtpAt != (syntax.Place{}) {
		l.Note(said.smtpAt.Problem(`write type = "smtp"`, "a webhook has no block smtp"))
		e.SMTP = nil
	}
	if said.url.At == (syntax.Place{}) {
		l.Note(h.At.Problem("", "url is missing"))
	}
	source.Optional = false
	key, ps := l.credentials.Secret(h.At, source)
	l.Note(ps...)
	e.Secret = key
	l.checkPlacement(e, &said.places)
}

func (l *loader) finishSMTP(e *Endpoint, h schema.Header, said *endpointSaid, source *credential.Source) {
	if e.SMTP == nil {
		l.Note(h.At.Problem(`write smtp { host = "…" }`, "an endpoint of type smtp says nothing of its server"))
	}
	if said.url.At != (syntax.Place{}) {
		l.Note(said.url.Wrong("leave it out", "url goes with type webhook only")...)
	}
	if source.Said() {
		l.Note(h.At.Problem("leave it out", "secret goes with type webhook only: mail is not signed by it"))
	}
	if len(e.Events) > 0 {
		l.Note(said.events.Wrong("give events to an endpoint of type webhook", "events go by webhook only")...)
	}
	l.checkNoPlacement(&said.places)
	e.Attachments, e.Overflow = "", ""
}

func (l *loader) smarthostBlock(h schema.Header, s *Smarthost) *schema.Block {
	said := &mailServerSaid{}
	return &schema.Block{
		Settings: slices.Concat(said.settings(l, &s.Server, &s.Login, SecuritySTARTTLS), []schema.Setting{
			{Name: "from", Initial: OriginalAddress, Set: schema.Into(&s.From, addressOr(OriginalAddress, NullAddress))},
			{Name: "to", Initial: OriginalAddress, Set: schema.Into(&s.To, addressOr(OriginalAddress))},
		}),
		Children: []schema.Child{said.child(&s.Login), {Kind: "dkim", Open: func(schema.Header) *schema.Block {
			s.DKIM = &DKIM{}
			return l.dkimBlock(s.DKIM)
		}}},
		Finish: func() {
			said.finish(l, h.At, &s.Server, &s.Login, map[string]int{SecurityTLS: 465, SecuritySTARTTLS: 587, SecurityNone: 25}, false)
		},
	}
}

// addressOr reads an address, or one of a few words.
func addressOr(words ...string) schema.Kind[string] {
	return func(v syntax.Value) (string, syntax.Problems) {
		if s, _ := v.Data.(string); slices.Contains(words, s) {
			return s, nil
		}
		return mailbox(v)
	}
}

func (l *loader) dkimBlock(d *DKIM) *schema.Block {
	return &schema.Block{Settings: []schema.Setting{
		{Name: "domain", Required: true, Set: schema.Into(&d.Domain, domain)},
		{Name: "selector", Required: true, Set: schema.Into(&d.Selector, domain)},
		{Name: "key_file", Required: true, Set: func(v syntax.Value) syntax.Problems {
			path, ps := schema.FilePath(v)
			if ps != nil {
				return ps
			}
			key, err := l.credentials.SigningKey(path)
			if err != nil {
				return v.Wrong("make one with: openssl genrsa -out dkim.pem 2048", "%s", err)
			}
			d.KeyFile, d.Key = path, key
			return nil
		}},
	}}
}

// endpointURL checks what delivery would refuse at every attempt.
func (l *loader) endpointURL(v syntax.Value) (string, syntax.Problems) {
	u, p, ps := webURL(v, "the signature tells the receiver who sends")
	if ps != nil {
		return "", ps
	}
	if u.Scheme == "http" && !l.config.Delivery.AllowHTTP && !l.Partial() {
		return "", v.Wrong("use https, or set allow_http = true in the delivery block", "url uses plain http, which is not allowed")
	}
	d := l.config.Delivery
	// In networks that are allowed by themselves any port is. Without ports, allow_ports
	// itself is wrong, which is noted already.
	if len(d.AllowNetworks) == 0 && len(d.AllowPorts) > 0 && !slices.Contains(d.AllowPorts, p) && !l.Partial() {
		return "", v.Wrong(fmt.Sprintf("add %d to allow_ports in the delivery block", p), "url uses port %d, which is not allowed", p)
	}
	return schema.Text(v) // as it is written
}

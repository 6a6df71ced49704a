package config

import (
	"slices"
	"strings"

	"github.com/postern-mail/postern/gateway/internal/config/credential"
	"github.com/postern-mail/postern/gateway/internal/config/schema"
	"github.com/postern-mail/postern/gateway/internal/config/syntax"
)

// The places of an attachment's content.
const (
	placeInline = "inline"
	placeURL    = "url"
	placeOmit   = "omit"
)

// publicBlock makes the public listener only when it is finished, as inspectorBlock
// does.
func (l *loader) publicBlock() *schema.Block {
	p := &Public{}
	var address, base syntax.Value
	source, former := credential.SigningSecret("secret"), credential.SigningSecret("former_secret")
	former.Optional = true
	return &schema.Block{
		Settings: slices.Concat([]schema.Setting{
			{Name: "address", Required: true, Set: schema.Also(&address, schema.Into(&p.Address, listenAddress))},
			{Name: "base_url", Required: true, Set: schema.Also(&base, schema.Into(&p.BaseURL, baseURL))},
			{Name: "max_connections", Initial: "256", Set: schema.Into(&p.MaxConnections, schema.Integer(1, 100_000))},
			{Name: "max_connections_per_ip", Initial: "64", Set: schema.Into(&p.MaxConnectionsPerIP, schema.Integer(1, 100_000))},
		}, source.Settings(), former.Settings()),
		Children: []schema.Child{{Kind: "tls", Open: func(schema.Header) *schema.Block {
			p.TLS = &TLS{}
			b := l.tlsBlock(p.TLS)
			b.Settings = b.Settings[:2] // the files: whether TLS is required, base_url says
			return b
		}}},
		Finish: func() {
			l.takeAddress(p.Address, address.At)
			at := address.At // of the block itself the schema does not tell
			if at == (syntax.Place{}) {
				at = base.At
			}
			key, ps := l.credentials.Secret(at, source)
			l.Note(ps...)
			old, ps := l.credentials.Secret(at, former)
			l.Note(ps...)
			p.Secret, p.FormerSecret = key, old
			if p.TLS != nil && strings.HasPrefix(p.BaseURL, "http:") {
				l.Note(base.Wrong("write https://…, or take the tls block away", "base_url is plain http, and the listener speaks TLS")...)
			}
			l.later = append(l.later, func() {
				if strings.HasPrefix(p.BaseURL, "http:") && !l.config.Delivery.AllowHTTP && !l.Partial() {
					l.Note(base.Wrong("use https, or set allow_http = true in the delivery block", "base_url is plain http, over which anybody between could read attachments")...)
				}
			})
			l.config.Public = p
		},
	}
}

// baseURL reads what the URLs of attachments begin with.
func baseURL(v syntax.Value) (string, syntax.Problems) {
	u, _, ps := webURL(v, "a payload shows it to its receiver")
	if ps != nil {
		return "", ps
	}
	if u.RawQuery != "" || u.ForceQuery {
		return "", v.Wrong("", "base_url must not hold a query (?…)")
	}
	return strings.TrimRight(u.String(), "/"), nil
}

// placement is what an endpoint says of where attachments go.
type placement struct {
	attachments, inline, payload, overflow syntax.Value
}

func (p *placement) settings(e *Endpoint) []schema.Setting {
	return []schema.Setting{
		{Name: "attachments", Initial: placeInline, Set: schema.Also(&p.attachments, schema.Into(&e.Attachments, schema.OneOf(placeInline, placeURL, placeOmit)))},
		{Name: "max_inline_size", Set: schema.Also(&p.inline, schema.Into(&e.MaxInlineSize, schema.Size(1, 1<<30)))},
		{Name: "max_payload_size", Set: schema.Also(&p.payload, schema.Into(&e.MaxPayloadSize, schema.Size(1<<10, 2<<30)))},
		{Name: "overflow", Set: schema.Also(&p.overflow, schema.Into(&e.Overflow, schema.OneOf(placeURL, placeOmit)))},
	}
}

// checkPlacement holds that content has a place to go, and finds that which nobody has
// named.
func (l *loader) checkPlacement(e *Endpoint, said *placement) {
	const want = `add a public block, which serves them, or write "omit"`
	served := l.config.Public != nil || l.Partial()
	if e.Attachments == placeURL || e.Attachments == placeOmit {
		for name, v := range map[string]syntax.Value{"max_inline_size": said.inline, "max_payload_size": said.payload} {
			if v.At != (syntax.Place{}) {
				l.Note(v.Wrong("", "%s is for endpoints that have attachments inline, and this one has not", name)...)
			}
		}
	}
	if e.Attachments == placeURL && !served {
		l.Note(said.attachments.Wrong(want, "there is nothing that would serve attachments by URL")...)
	}
	if e.Attachments == placeOmit && said.overflow.At != (syntax.Place{}) {
		l.Note(said.overflow.Wrong("", "overflow is for content that is too large, and this endpoint has none")...)
	}
	switch bounded := (e.MaxInlineSize > 0 || e.MaxPayloadSize > 0) && e.Attachments == placeInline; {
	case e.Overflow == placeURL && !served:
		l.Note(said.overflow.Wrong(want, "there is nothing that would serve attachments by URL")...)
	case e.Overflow != "":
	case served:
		e.Overflow = placeURL
	case bounded:
		v := said.inline
		if v.At == (syntax.Place{}) {
			v = said.payload
		}
		l.Note(v.Wrong(`add a public block, which serves it, or write overflow = "omit"`, "there is no place for what is too large")...)
	}
}

// checkNoPlacement finds what is said of attachments where the mail is sent on as it is.
func (l *loader) checkNoPlacement(said *placement) {
	for name, v := range map[string]syntax.Value{
		"attachments": said.attachments, "max_inline_size": said.inline, "max_payload_size": said.payload, "overflow": said.overflow,
	} {
		if v.At != (syntax.Place{}) {
			l.Note(v.Wrong("leave it out", "%s goes with type webhook only", name)...)
		}
	}
}

package config

import (
	"crypto/x509"
	"slices"
	"strings"

	"github.com/postern-mail/postern/gateway/internal/config/credential"
	"github.com/postern-mail/postern/gateway/internal/config/schema"
	"github.com/postern-mail/postern/gateway/internal/config/syntax"
	"github.com/postern-mail/postern/gateway/internal/secret"
)

// How connections to mail servers are secured.
const (
	SecurityTLS      = "tls"
	SecuritySTARTTLS = "starttls"
	SecurityNone     = "none"
)

// The ways to log in.
const (
	AuthPlain       = "plain"
	AuthLogin       = "login"
	AuthXOAUTH2     = "xoauth2"
	AuthOAUTHBEARER = "oauthbearer"
)

// MailServer is a mail server that the gateway connects to.
type MailServer struct {
	Host     string
	Port     int
	Security string         // tls from the first octet on, starttls, or none
	CAFile   string         `json:",omitempty"` // of the authorities that count; empty for the system's
	CAs      *x509.CertPool `json:"-"`          // what is in it; nil for the system's
}

// MailLogin is how the gateway says there who it is: by a password, or by a token.
type MailLogin struct {
	User     string
	Auth     string // one of the ways to log in; empty for the best that the server has for a password, or for tokens
	Password secret.Password
	OAuth2   *OAuth2 `json:",omitempty"`
}

// OAuth2 is where tokens come from (RFC 6749): for a refresh token, or without one for the client itself.
type OAuth2 struct {
	TokenURL     string
	ClientID     string
	ClientSecret secret.Password // zero for a public client
	RefreshToken secret.Password
	Scopes       []string `json:",omitempty"`
}

// A mailServerSaid is what a block says of a mail server and a login there.
type mailServerSaid struct {
	port, host, user, auth syntax.Value

	password *credential.Source
	oauth2   *oauth2Said
}

type oauth2Said struct {
	at                    syntax.Place
	clientSecret, refresh *credential.Source
}

// settings are those of server and login, which port has by default by what security.
func (m *mailServerSaid) settings(l *loader, s *MailServer, login *MailLogin, security string) []schema.Setting {
	m.password = &credential.Source{Name: "password", What: "the password", Hint: "it is that of the user on the mail server", Optional: true}
	return slices.Concat([]schema.Setting{
		{Name: "host", Required: true, Set: schema.Also(&m.host, schema.Into(&s.Host, mailHost))},
		{Name: "port", Set: schema.Also(&m.port, schema.Into(&s.Port, schema.Integer(1, 65535)))},
		{Name: "security", Initial: security, Set: schema.Into(&s.Security, schema.OneOf(SecurityTLS, SecuritySTARTTLS, SecurityNone))},
		{Name: "ca_file", Set: l.caFile(s)},
		{Name: "user", Set: schema.Also(&m.user, schema.Into(&login.User, schema.Text))},
		{Name: "auth", Set: schema.Also(&m.auth, schema.Into(&login.Auth, schema.OneOf(AuthPlain, AuthLogin, AuthXOAUTH2, AuthOAUTHBEARER)))},
	}, m.password.Settings())
}

// child is the block of tokens.
func (m *mailServerSaid) child(login *MailLogin) schema.Child {
	return schema.Child{Kind: "oauth2", Open: func(h schema.Header) *schema.Block {
		o := &OAuth2{}
		said := &oauth2Said{
			at:           h.At,
			clientSecret: &credential.Source{Name: "client_secret", What: "the client secret", Hint: "the provider gives it out for the client", Optional: true},
			refresh:      &credential.Source{Name: "refresh_token", What: "the refresh token", Hint: "the provider gives it out when the user has agreed", Optional: true},
		}
		login.OAuth2, m.oauth2 = o, said
		return &schema.Block{Settings: slices.Concat([]schema.Setting{
			{Name: "token_url", Required: true, Set: schema.Into(&o.TokenURL, tokenURL)},
			{Name: "client_id", Required: true, Set: schema.Into(&o.ClientID, schema.Text)},
			{Name: "scopes", Set: schema.Into(&o.Scopes, schema.ListOf(0, 50, distinct("scope", schema.Text)))},
		}, said.clientSecret.Settings(), said.refresh.Settings())}
	}}
}

// finish fetches the credentials, and finds those that do not go together. ports are those by security; needed says
// that there has to be a login.
func (m *mailServerSaid) finish(l *loader, at syntax.Place, s *MailServer, login *MailLogin, ports map[string]int, needed bool) {
	if s.Port == 0 {
		s.Port = ports[s.Security]
	}
	fetch := func(source *credential.Source, where syntax.Place) secret.Password {
		p, ps := l.credentials.Password(where, source, nil)
		l.Note(ps...)
		return p
	}
	tokens := login.Auth == AuthXOAUTH2 || login.Auth == AuthOAUTHBEARER
	if login.OAuth2 != nil {
		login.OAuth2.ClientSecret = fetch(m.oauth2.clientSecret, m.oauth2.at)
		login.OAuth2.RefreshToken = fetch(m.oauth2.refresh, m.oauth2.at)
		tokens = tokens || login.Auth == ""
	}
	login.Password = fetch(m.password, at)
	said := m.password.Said()
	switch {
	case l.Partial():
	case !needed && login.User == "" && !said && login.OAuth2 == nil:
		if login.Auth != "" {
			l.Note(m.auth.Wrong("write user and password, or leave auth out", "auth goes with a user")...)
		}
	case login.User == "" && m.user.At == (syntax.Place{}):
		l.Note(at.Problem("", "user is missing"))
	case tokens && login.OAuth2 == nil:
		l.Note(m.auth.Wrong(`write oauth2 { token_url = "https://…", … }`, "auth %q needs a block oauth2", login.Auth)...)
	case tokens && said:
		l.Note(at.Problem("take the password away", "a login by tokens takes no password"))
	case !tokens && login.OAuth2 != nil:
		l.Note(m.auth.Wrong(`write auth = "xoauth2" or "oauthbearer"`, "auth %q takes a password, and no tokens", login.Auth)...)
	case !tokens && !said:
		l.Note(at.Problem("write exactly one of password, password_env and password_file, or an oauth2 block", "the password is missing"))
	case tokens && !m.oauth2.refresh.Said() && !m.oauth2.clientSecret.Said():
		l.Note(m.oauth2.at.Problem("", "oauth2 needs a refresh_token, or the client_secret of a client that has tokens for itself"))
	}
}

// mailHost reads a host to connect to: a name, or an IP address.
func mailHost(v syntax.Value) (string, syntax.Problems) {
	s, ps := schema.Text(v)
	if ps != nil {
		return "", ps
	}
	if !isHost(s) {
		hint := ""
		if strings.Contains(s, ":") {
			hint = "the port is a setting of its own"
		}
		return "", v.Wrong(hint, "host %s is neither an IP address nor a name", syntax.Quote(s))
	}
	return s, nil
}

// tokenURL reads where tokens are to be had: by https, but on this machine.
func tokenURL(v syntax.Value) (string, syntax.Problems) {
	u, _, ps := webURL(v, "the client's secret has a setting of its own")
	if ps != nil {
		return "", ps
	}
	if u.Scheme == "http" && !isLoopback(u.Hostname()) {
		return "", v.Wrong(`write "https://…"`, "credentials do not go by plain http")
	}
	return schema.Text(v)
}

// caFile reads the certificates of authorities, in PEM.
func (l *loader) caFile(s *MailServer) func(syntax.Value) syntax.Problems {
	return func(v syntax.Value) syntax.Problems {
		path, ps := schema.FilePath(v)
		if ps != nil {
			return ps
		}
		pool, err := l.credentials.Authorities(path)
		if err != nil {
			return v.Wrong("", "%s", err)
		}
		s.CAFile, s.CAs = path, pool
		return nil
	}
}

// mailbox reads an address of one mailbox.
func mailbox(v syntax.Value) (string, syntax.Problems) {
	s, ps := schema.Text(v)
	if ps != nil {
		return "", ps
	}
	if err := checkMailbox(s); err != nil {
		return "", v.Wrong(`write it as "sales@example.com"`, "%s is no address: %s", syntax.Quote(s), err)
	}
	return s, nil
}

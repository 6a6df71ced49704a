package outbound

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/emersion/go-sasl"

	"github.com/postern-mail/postern/gateway/internal/secret"
)

// Method is how a login is made.
type Method string

// The methods.
const (
	Best        Method = "" // the best that the server offers
	Plain       Method = "plain"
	LoginMethod Method = "login"
	XOAuth2     Method = "xoauth2"
	OAuthBearer Method = "oauthbearer"
)

// ErrNoMechanism is in the chain of the failure where the server offers no way to log in that
// would fit.
var ErrNoMechanism = errors.New("no common way to log in")

// Login is who logs in, and by what.
type Login struct {
	User   string
	Method Method
	// Password is for plain and login, OAuth2 for xoauth2 and oauthbearer; one of both is there.
	Password secret.Password
	OAuth2   *OAuth2
}

// Equal reports whether two log in as the same user by the same credentials.
func (l Login) Equal(o Login) bool {
	if l.User != o.User || l.Method != o.Method || !l.Password.Equal(o.Password) || (l.OAuth2 == nil) != (o.OAuth2 == nil) {
		return false
	}
	x, y := l.OAuth2, o.OAuth2
	return x == nil || x.TokenURL == y.TokenURL && x.ClientID == y.ClientID && x.ClientSecret.Equal(y.ClientSecret) &&
		x.RefreshToken.Equal(y.RefreshToken) && slices.Equal(x.Scopes, y.Scopes)
}

// mechanisms are the names of SASL that a login may use, the best first.
func (l Login) mechanisms() []string {
	switch l.Method {
	case Plain:
		return []string{sasl.Plain}
	case LoginMethod:
		return []string{sasl.Login}
	case XOAuth2:
		return []string{xoauth2}
	case OAuthBearer:
		return []string{sasl.OAuthBearer}
	}
	if l.OAuth2 != nil {
		return []string{sasl.OAuthBearer, xoauth2}
	}
	return []string{sasl.Plain, sasl.Login}
}

// Tokens keeps the refresh tokens that providers replace.
type Tokens interface {
	// Token returns what was kept for an account last; empty for nothing.
	Token(ctx context.Context, account string) (string, error)
	// PutToken keeps it durably.
	PutToken(ctx context.Context, account, token string) error
}

// Authenticator proves who an account is. It may be used by any number of goroutines.
type Authenticator struct {
	login Login
	oauth *source // nil without OAuth2
}

// NewAuthenticator returns one for a login. account is the name by which tokens are kept in r, which is for logins by
// OAuth2 alone, and client reaches the token endpoint; nil is one of its own.
func NewAuthenticator(account string, l Login, r *RefreshTokens, client *http.Client) *Authenticator {
	a := &Authenticator{login: l}
	if l.OAuth2 != nil {
		a.oauth = newSource(account, *l.OAuth2, r, client)
	}
	return a
}

// Client returns what speaks the best of the mechanisms that a server offers, with a token that
// is valid still. Its error is a *Failure, ErrNoMechanism in its chain where the server offers
// nothing that fits, or one of Tokens.
func (a *Authenticator) Client(ctx context.Context, mechanisms []string, server Server) (sasl.Client, error) {
	wanted := a.login.mechanisms()
	i := slices.IndexFunc(wanted, func(m string) bool {
		return slices.ContainsFunc(mechanisms, func(offered string) bool { return strings.EqualFold(m, offered) })
	})
	if i < 0 {
		f := Refused("", "the server does not offer to log in by "+strings.Join(wanted, " or "))
		f.Err = ErrNoMechanism
		return nil, f
	}
	user := a.login.User
	switch wanted[i] {
	case sasl.Plain:
		return sasl.NewPlainClient("", user, a.login.Password.Text()), nil
	case sasl.Login:
		return sasl.NewLoginClient(user, a.login.Password.Text()), nil
	}
	if a.oauth == nil {
		return nil, Refused("", "no OAuth2 is configured for a login by "+wanted[i])
	}
	token, err := a.oauth.access(ctx)
	if err != nil {
		return nil, err
	}
	if wanted[i] == xoauth2 {
		return &bearer{
			mechanism: xoauth2,
			first:     xoauth2Message(user, token),
			last:      []byte{},
		}, nil
	}
	// RFC 5801 section 4: the two characters that part the header.
	user = strings.NewReplacer("=", "=3D", ",", "=2C").Replace(user)
	_, first, err := sasl.NewOAuthBearerClient(&sasl.OAuthBearerOptions{
		Username: user, Token: token, Host: server.Host, Port: server.Port,
	}).Start()
	if err != nil {
		return nil, err
	}
	return &bearer{mechanism: sasl.OAuthBearer, first: string(first), last: []byte{1}}, nil
}

// Refused is to be called where the server has refused what Client gave. The token is
// forgotten, so that the next Client gets a new one. It reports whether that is of no use,
// since what was refused was fresh.
func (a *Authenticator) Refused() bool {
	if a.oauth == nil {
		return true
	}
	return a.oauth.forget()
}

// Hide takes the credentials of the login out of a text that a server said.
func (a *Authenticator) Hide(text string) string {
	var secrets []string
	if password := a.login.Password.Text(); password != "" {
		secrets = append(secrets, "\x00"+a.login.User+"\x00"+password, password)
	}
	if a.oauth != nil {
		for _, s := range a.oauth.secrets() {
			secrets = append(secrets, xoauth2Message(a.login.User, s), s)
		}
	}
	return hide(text, secrets...)
}

// HideIn returns a failure without the credentials of the login: neither its code nor its response has
// them, nor the beginning of one where the text was cut. Its Err is what it was.
func (a *Authenticator) HideIn(f *Failure) *Failure {
	hidden := *f
	hidden.Code, hidden.Response = a.Hide(f.Code), a.Hide(f.Response)
	return &hidden
}

// minHidden is the length from which secrets are hidden: what is shorter stands in any text.
const minHidden = 4

// hide replaces secrets, and their form in base64, which is how SASL carries them. Of a text that was cut,
// it replaces the beginning of one at its end too.
func hide(text string, secrets ...string) string {
	for _, s := range secrets {
		if len(s) < minHidden {
			continue
		}
		for _, form := range []string{s, base64.StdEncoding.EncodeToString([]byte(s))} {
			text = hideCut(strings.ReplaceAll(text, form, secret.Redacted), form)
		}
	}
	return text
}

// hideCut replaces what a cut has left of a secret.
func hideCut(text, s string) string {
	rest, ok := strings.CutSuffix(text, cutMark)
	if !ok {
		return text
	}
	for n := min(len(s), len(rest)); n >= minHidden; n-- {
		if before, ok := strings.CutSuffix(rest, s[:n]); ok {
			return before + secret.Redacted + cutMark
		}
	}
	return text
}

const xoauth2 = "XOAUTH2"

func xoauth2Message(user, token string) string {
	return "user=" + user + "\x01auth=Bearer " + token + "\x01\x01"
}

// bearer speaks XOAUTH2 and OAUTHBEARER (RFC 7628): one message, and where the server answers it by an
// error, a last one, after which it says in its own protocol that the login is refused.
type bearer struct {
	mechanism string
	first     string
	last      []byte
	refused   bool
}

// Start implements sasl.Client.
func (b *bearer) Start() (mechanism string, ir []byte, err error) {
	return b.mechanism, []byte(b.first), nil
}

// Next implements sasl.Client.
func (b *bearer) Next([]byte) ([]byte, error) {
	if b.refused {
		return nil, sasl.ErrUnexpectedServerChallenge
	}
	b.refused = true
	return b.last, nil
}

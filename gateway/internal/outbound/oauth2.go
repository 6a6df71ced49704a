package outbound

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/postern-mail/postern/gateway/internal/secret"
)

const (
	// maxAnswer bounds the answer of a token endpoint, in octets.
	maxAnswer = 64 << 10
	// maxToken bounds a token in it.
	maxToken = 16 << 10
	// refreshWithin bounds one refresh, both ways to show the client's secret included.
	refreshWithin = time.Minute
	// freshFor is how long a token counts as fresh: where it is refused, another one would be too.
	freshFor = time.Minute
)

// OAuth2 is where access tokens come from: by the refresh token, or where there is none, by the
// client's own credentials.
type OAuth2 struct {
	TokenURL, ClientID         string
	ClientSecret, RefreshToken secret.Password
	Scopes                     []string
}

// Check says what of the settings does not fit; nil for nothing. Secrets go over HTTPS, except to
// this host itself.
func (o OAuth2) Check() error {
	u, err := url.Parse(o.TokenURL)
	switch {
	case err != nil || u.Host == "":
		return errors.New("the token URL is not a URL, as in https://login.example.org/token")
	case u.User != nil:
		return errors.New("the token URL has a user in it: credentials go into client_id and client_secret")
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return errors.New("the token URL is not of https, which credentials need")
	case o.ClientID == "":
		return errors.New("the client id is missing")
	case o.RefreshToken.IsZero() && o.ClientSecret.IsZero():
		return errors.New("neither a refresh token nor a client secret is there")
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// RefreshTokens has the refresh tokens of all accounts of a process used one refresh at a time for each account, whoever asks:
// a provider that replaces them takes one that is used twice for stolen, and revokes all that came of it.
type RefreshTokens struct {
	tokens Tokens

	mu       sync.Mutex
	lineages map[string]*lineage // by account; a few octets for each that there ever was
}

// lineage is what refreshes of one account share.
type lineage struct {
	turn   sync.Mutex // held during a refresh, from the look at what is kept until what came is kept
	unkept string     // a new refresh token, with its descent, until it is kept; who has the turn uses it
}

// NewRefreshTokens returns one over what keeps the tokens. A process needs one for each of those.
func NewRefreshTokens(t Tokens) *RefreshTokens {
	return &RefreshTokens{tokens: t, lineages: make(map[string]*lineage)}
}

func (r *RefreshTokens) of(account string) *lineage {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.lineages[account]
	if l == nil {
		l = new(lineage)
		r.lineages[account] = l
	}
	return l
}

// source gets access tokens, one request at a time, and keeps the last.
type source struct {
	account string
	o       OAuth2
	tokens  Tokens
	lineage *lineage
	client  *http.Client
	server  Server // the token endpoint, for what its connection fails by

	mu        sync.Mutex
	style     oauth2.AuthStyle // how the client's secret is shown; AutoDetect until that is known
	token     *oauth2.Token    // nil for none
	obtained  time.Time        // when the last token was
	last      string           // the refresh token that was used last
	replacing string           // the one that came for it
	flight    *flight          // nil where nothing is under way
}

// flight is a refresh that is under way. Whoever needs a token meanwhile waits for it.
type flight struct {
	done  chan struct{}
	token string
	err   error
}

func newSource(account string, o OAuth2, r *RefreshTokens, client *http.Client) *source {
	own := http.Client{}
	if client != nil {
		own = *client
	}
	base := own.Transport
	if base == nil {
		base = http.DefaultTransport
	}
	own.Transport = bounded{base}
	// A redirect would carry the secrets to somebody else.
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	s := &source{account: account, o: o, tokens: r.tokens, lineage: r.of(account), client: &own}
	if u, err := url.Parse(o.TokenURL); err == nil {
		s.server.Host = u.Hostname()
		s.server.Port, _ = strconv.Atoi(u.Port()) // 0 where there is none; it is for texts
	}
	return s
}

// access returns a token that is valid still.
func (s *source) access(ctx context.Context) (string, error) {
	s.mu.Lock()
	if s.token.Valid() {
		defer s.mu.Unlock()
		return s.token.AccessToken, nil
	}
	f := s.flight
	if f == nil {
		f = &flight{done: make(chan struct{})}
		s.flight = f
		// It outlives who asked: a provider that has replaced the refresh token must be heard.
		go s.fly(context.WithoutCancel(ctx), f)
	}
	s.mu.Unlock()
	select {
	case <-f.done:
		return f.token, f.err
	case <-ctx.Done():
		return "", Classify(ctx.Err(), s.server, nil)
	}
}

func (s *source) fly(ctx context.Context, f *flight) {
	s.lineage.turn.Lock()
	defer s.lineage.turn.Unlock()
	ctx, cancel := context.WithTimeout(ctx, refreshWithin)
	defer cancel()
	f.token, f.err = s.refresh(ctx)
	s.mu.Lock()
	s.flight = nil
	s.mu.Unlock()
	close(f.done)
}

// forget drops the token, and reports whether it was fresh.
func (s *source) forget() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	fresh := time.Since(s.obtained) < freshFor
	s.token = nil
	return fresh
}

func (s *source) secrets() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []string{s.o.ClientSecret.Text(), s.o.RefreshToken.Text(), s.last, s.replacing}
	if s.token != nil {
		list = append(list, s.token.AccessToken)
	}
	return list
}

// refresh gets a token. The caller has the turn of the lineage.
func (s *source) refresh(ctx context.Context) (string, error) {
	if err := s.o.Check(); err != nil {
		return "", Refused("", err.Error())
	}
	if err := s.keepUnkept(ctx); err != nil {
		return "", err
	}
	if s.o.RefreshToken.IsZero() {
		token, err := s.ask(ctx, "")
		if err != nil {
			return "", s.failure(err)
		}
		return s.got(token)
	}
	current, err := s.current(ctx)
	if err != nil {
		return "", err
	}
	token, err := s.ask(ctx, current)
	if refused(err) {
		// Another process may have had it replaced meanwhile.
		newer, moved := s.current(ctx)
		if moved != nil {
			return "", moved
		}
		if newer != current {
			current = newer
			token, err = s.ask(ctx, current)
		}
	}
	if err != nil {
		return "", s.failure(err)
	}
	if token.RefreshToken == current {
		return s.got(token)
	}
	if _, err := secret.ParsePassword(token.RefreshToken); err != nil {
		return "", &Failure{Kind: Connection, Response: "the new refresh token of the token endpoint " + err.Error()}
	}
	s.mu.Lock()
	s.replacing = token.RefreshToken
	s.mu.Unlock()
	s.lineage.unkept = s.descent() + token.RefreshToken
	if err := s.keepUnkept(ctx); err != nil {
		return "", err
	}
	return s.got(token)
}

// keepUnkept keeps what could not be kept yet.
func (s *source) keepUnkept(ctx context.Context) error {
	if s.lineage.unkept == "" {
		return nil
	}
	if err := s.tokens.PutToken(ctx, s.account, s.lineage.unkept); err != nil {
		return fmt.Errorf("keep the new refresh token of %s: %w", s.account, err)
	}
	s.lineage.unkept = ""
	return nil
}

// current is the refresh token to use: the one that was kept last, where it descends from the
// one that is configured, so that a new configuration counts.
func (s *source) current(ctx context.Context) (string, error) {
	kept, err := s.tokens.Token(ctx, s.account)
	if err != nil {
		return "", fmt.Errorf("read the refresh token of %s: %w", s.account, err)
	}
	token, ok := strings.CutPrefix(kept, s.descent())
	if !ok || token == "" {
		token = s.o.RefreshToken.Text()
	}
	s.mu.Lock()
	s.last = token
	s.mu.Unlock()
	return token, nil
}

// descent goes before a token that is kept, and tells the one that was configured from others.
func (s *source) descent() string {
	sum := sha256.Sum256([]byte("refresh token\x00" + s.o.RefreshToken.Text()))
	return hex.EncodeToString(sum[:8]) + ":"
}

// got checks a token and keeps it for the next.
func (s *source) got(t *oauth2.Token) (string, error) {
	if len(t.AccessToken) > maxToken || strings.ContainsFunc(t.AccessToken, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", &Failure{Kind: Connection, Response: "the access token of the token endpoint is none: it has other octets than those of RFC 6750, or too many"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token, s.obtained = t, time.Now()
	return t.AccessToken, nil
}

// ask asks the token endpoint; without a refresh token by the client's own credentials. Until it is
// known which way the client is to show its secret, both are tried: providers differ.
func (s *source) ask(ctx context.Context, refreshToken string) (*oauth2.Token, error) {
	ctx = context.WithValue(ctx, oauth2.HTTPClient, s.client)
	s.mu.Lock()
	style := s.style
	s.mu.Unlock()
	styles := []oauth2.AuthStyle{style}
	switch {
	case s.o.ClientSecret.IsZero():
		styles[0] = oauth2.AuthStyleInParams
	case style == oauth2.AuthStyleAutoDetect:
		styles = []oauth2.AuthStyle{oauth2.AuthStyleInParams, oauth2.AuthStyleInHeader}
	}
	var (
		token *oauth2.Token
		err   error
	)
	for _, style := range styles {
		token, err = s.askBy(ctx, style, refreshToken)
		if err == nil {
			s.mu.Lock()
			s.style = style
			s.mu.Unlock()
			return token, nil
		}
		if !wrongStyle(err) {
			break
		}
	}
	return nil, err
}

func (s *source) askBy(ctx context.Context, style oauth2.AuthStyle, refreshToken string) (*oauth2.Token, error) {
	if refreshToken == "" {
		c := clientcredentials.Config{
			ClientID: s.o.ClientID, ClientSecret: s.o.ClientSecret.Text(), TokenURL: s.o.TokenURL, Scopes: s.o.Scopes, AuthStyle: style,
		}
		return c.Token(ctx)
	}
	c := oauth2.Config{
		ClientID: s.o.ClientID, ClientSecret: s.o.ClientSecret.Text(),
		Endpoint: oauth2.Endpoint{TokenURL: s.o.TokenURL, AuthStyle: style},
	}
	return c.TokenSource(ctx, &oauth2.Token{RefreshToken: refreshToken}).Token()
}

// wrongStyle reports whether an endpoint did not recognise the client.
func wrongStyle(err error) bool {
	r, ok := errors.AsType[*oauth2.RetrieveError](err)
	return ok && (r.ErrorCode == "invalid_client" || r.ErrorCode == "invalid_request" || r.ErrorCode == "" && refused(err))
}

// refused reports whether an endpoint has answered that it will not, rather than that it cannot.
func refused(err error) bool {
	r, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok || r.ErrorCode == "temporarily_unavailable" || r.ErrorCode == "server_error" {
		return false
	}
	status := r.Response.StatusCode
	return status/100 == 4 && status != http.StatusTooManyRequests && status != http.StatusRequestTimeout || r.ErrorCode != "" && status/100 == 2
}

// failure says what a refresh failed by. The body of an answer never stands in it.
func (s *source) failure(err error) *Failure {
	r, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		if inner, ok := errors.AsType[*url.Error](err); ok {
			return Classify(inner.Err, s.server, nil) // without the method and the URL
		}
		// What the library says of an answer that it does not understand may quote it.
		return &Failure{Kind: Connection, Response: "the answer of the token endpoint is not understood: it is no JSON with an access token"}
	}
	text := hide(r.ErrorDescription, s.secrets()...)
	code := hide(r.ErrorCode, s.secrets()...)
	switch {
	case code != "" && text != "":
		text = code + ": " + text
	case code != "":
		text = code
	default:
		text = fmt.Sprintf("the token endpoint answered %d %s", r.Response.StatusCode, http.StatusText(r.Response.StatusCode))
	}
	f := Refused(code, text)
	if !refused(err) {
		f.Kind, f.Code = Connection, ""
	}
	return f
}

// bounded reads answers whole, up to maxAnswer, so that what a connection fails by while the body
// comes is the request's error, and not lost in a text of the library.
type bounded struct{ base http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	_ = resp.Body.Close()
	if err != nil {
		return nil, err
	}
	if len(body) > maxAnswer {
		return nil, &Failure{Kind: Connection, Response: fmt.Sprintf("the token endpoint sent more than %d octets", maxAnswer)}
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

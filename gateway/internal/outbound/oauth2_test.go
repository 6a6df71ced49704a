package outbound

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/secret"
)

// request is what a token endpoint was asked.
type request struct {
	Form           url.Values
	ID, Secret     string // of the Authorization field
	N              int    // counts the requests from 1
	OfRefreshToken string
}

// provider is a token endpoint, by HTTPS.
type provider struct {
	*httptest.Server
	answer func(request) (status int, body string)

	mu       sync.Mutex
	requests []request
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{answer: func(r request) (int, string) { return 200, access(r.N, "") }}
	p.Server = httptest.NewUnstartedServer(p)
	p.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that are to fail
	p.StartTLS()
	t.Cleanup(p.Close)
	return p
}

// access is the answer that has a token.
func access(n int, refresh string) string {
	text := fmt.Sprintf(`{"access_token":"access-%d","token_type":"Bearer","expires_in":3600`, n)
	if refresh != "" {
		text += fmt.Sprintf(`,"refresh_token":%q`, refresh)
	}
	return text + "}"
}

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	id, password, _ := r.BasicAuth()
	p.mu.Lock()
	q := request{Form: r.PostForm, ID: id, Secret: password, N: len(p.requests) + 1, OfRefreshToken: r.PostForm.Get("refresh_token")}
	p.requests = append(p.requests, q)
	p.mu.Unlock()
	status, body := p.answer(q)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func (p *provider) asked() []request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.requests
}

func (p *provider) settings(t *testing.T) *OAuth2 {
	t.Helper()
	return &OAuth2{TokenURL: p.URL + "/token", ClientID: "id", RefreshToken: password(t, "refresh-0")}
}

// tokens keeps refresh tokens in memory.
type tokens struct {
	mu   sync.Mutex
	kept map[string]string
	err  error
}

func newTokens() *tokens { return &tokens{kept: map[string]string{}} }

func (s *tokens) Token(_ context.Context, account string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kept[account], s.err
}

func (s *tokens) PutToken(_ context.Context, account, token string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.kept[account] = token
	}
	return s.err
}

func (s *tokens) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func xoauth(o *OAuth2, s Tokens, c *http.Client) *Authenticator {
	return NewAuthenticator("sales", Login{User: "u", Method: XOAuth2, OAuth2: o}, NewRefreshTokens(s), c)
}

// token is the access token that a login would be made by.
func token(ctx context.Context, a *Authenticator) (string, error) {
	c, err := a.Client(ctx, []string{"XOAUTH2"}, Server{Host: "mail.example", Port: 993})
	if err != nil {
		return "", err
	}
	_, ir, err := c.Start()
	text, _ := strings.CutPrefix(string(ir), "user=u\x01auth=Bearer ")
	return strings.TrimSuffix(text, "\x01\x01"), err
}

func wantToken(t *testing.T, a *Authenticator, want string) {
	t.Helper()
	if got, err := token(t.Context(), a); got != want || err != nil {
		t.Fatalf("token = %q, %v; want %q", got, err, want)
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	p, s := newProvider(t), newTokens()
	p.answer = func(r request) (int, string) {
		if r.OfRefreshToken != fmt.Sprintf("refresh-%d", r.N-1) {
			return 400, `{"error":"invalid_grant","error_description":"used already"}`
		}
		return 200, access(r.N, fmt.Sprintf("refresh-%d", r.N))
	}
	a := xoauth(p.settings(t), s, p.Client())
	wantToken(t, a, "access-1")
	wantToken(t, a, "access-1") // the same, as long as it is valid
	if !a.Refused() {
		t.Error("what was refused at once was fresh")
	}
	wantToken(t, a, "access-2")
	// A new process begins with what was kept.
	a = xoauth(p.settings(t), s, p.Client())
	wantToken(t, a, "access-3")
	// With a new refresh token in the configuration, what was kept counts no more.
	o := p.settings(t)
	o.RefreshToken = password(t, "refresh-3")
	wantToken(t, xoauth(o, s, p.Client()), "access-4")
	form := p.asked()[0].Form
	if diff := cmp.Diff(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"refresh-0"}, "client_id": {"id"}}, form); diff != "" {
		t.Error(diff)
	}
}

// TestReplacedMeanwhile holds that a refusal of a token which another process has had replaced
// is not believed.
func TestReplacedMeanwhile(t *testing.T) {
	t.Parallel()
	p, s := newProvider(t), newTokens()
	other := xoauth(p.settings(t), s, p.Client())
	p.answer = func(r request) (int, string) {
		switch r.N {
		case 1: // of the one, in the middle of which the other asks
			wantToken(t, other, "access-2")
			return 400, `{"error":"invalid_grant"}`
		case 2:
			return 200, access(2, "refresh-2")
		}
		if r.OfRefreshToken != "refresh-2" {
			return 400, `{"error":"invalid_grant"}`
		}
		return 200, access(3, "refresh-3")
	}
	wantToken(t, xoauth(p.settings(t), s, p.Client()), "access-3")
}

// TestNotKept holds that an access token is not given out before the refresh token that came
// with it is kept, and that the refresh token is not lost.
func TestNotKept(t *testing.T) {
	t.Parallel()
	p, s := newProvider(t), newTokens()
	full := errors.New("the disk is full")
	p.answer = func(r request) (int, string) {
		if r.N == 1 {
			s.fail(full)
		}
		return 200, access(r.N, fmt.Sprintf("refresh-%d", r.N))
	}
	a := xoauth(p.settings(t), s, p.Client())
	for range 2 {
		_, err := token(t.Context(), a)
		if _, ok := errors.AsType[*Failure](err); !errors.Is(err, full) || ok {
			t.Fatalf("error = %v", err)
		}
	}
	s.fail(nil)
	wantToken(t, a, "access-2")
	if got := p.asked(); len(got) != 2 || got[1].OfRefreshToken != "refresh-1" {
		t.Errorf("asked %+v", got)
	}
}

func TestRefreshOnce(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	let := make(chan struct{})
	p.answer = func(r request) (int, string) { <-let; return 200, access(r.N, "") }
	a := xoauth(p.settings(t), newTokens(), p.Client())
	// Who goes away does not take the refresh along.
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error)
	go func() { _, err := token(ctx, a); first <- err }()
	for len(p.asked()) == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	want(t, <-first, ConnAborted, "read ECONNABORTED")
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if got, err := token(t.Context(), a); got != "access-1" || err != nil {
				t.Errorf("token = %q, %v", got, err)
			}
		})
	}
	close(let)
	all.Wait()
	if n := len(p.asked()); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

func TestClientCredentials(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer func(request) (int, string)
		want   []request
	}{
		"in the form": {
			answer: func(r request) (int, string) { return 200, access(r.N, "") },
			want:   []request{{N: 1, Form: url.Values{"client_id": {"id"}, "client_secret": {canary}}}},
		},
		"in the header": {
			answer: func(r request) (int, string) {
				if r.ID == "" {
					return 401, `{"error":"invalid_client"}`
				}
				return 200, access(1, "")
			},
			want: []request{
				{N: 1, Form: url.Values{"client_id": {"id"}, "client_secret": {canary}}},
				{N: 2, Form: url.Values{}, ID: "id", Secret: canary},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t)
			p.answer = tc.answer
			o := &OAuth2{TokenURL: p.URL, ClientID: "id", ClientSecret: password(t, canary), Scopes: []string{"a", "b"}}
			a := xoauth(o, newTokens(), p.Client())
			wantToken(t, a, "access-1")
			for i := range tc.want {
				tc.want[i].Form["grant_type"], tc.want[i].Form["scope"] = []string{"client_credentials"}, []string{"a b"}
			}
			if diff := cmp.Diff(tc.want, p.asked()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRefusedRefresh(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status         int
		body           string
		kind           Kind
		code, response string
	}{
		"refused":            {400, `{"error":"invalid_grant","error_description":"Token has been expired or revoked."}`, Authentication, "invalid_grant", "invalid_grant: Token has been expired or revoked."},
		"refused by 200":     {200, `{"error":"invalid_grant"}`, Authentication, "invalid_grant", "invalid_grant"},
		"refused by a page":  {401, `<html>`, Authentication, "", "the token endpoint answered 401 Unauthorized"},
		"redirected":         {307, ``, Connection, "", "the token endpoint answered 307 Temporary Redirect"},
		"broken":             {503, `{"access_token":"` + canary, Connection, "", "the token endpoint answered 503 Service Unavailable"},
		"too many":           {429, `{"error":"rate_limited"}`, Connection, "", "rate_limited"},
		"for a while":        {400, `{"error":"temporarily_unavailable"}`, Connection, "", "temporarily_unavailable"},
		"no JSON":            {200, canary, Connection, "", "the answer of the token endpoint is not understood: it is no JSON with an access token"},
		"no token":           {200, `{"refresh_token":"` + canary + `"}`, Connection, "", "the answer of the token endpoint is not understood: it is no JSON with an access token"},
		"too large":          {200, `{"access_token":"` + strings.Repeat("x", 1<<17) + `"}`, Connection, "", "the token endpoint sent more than 65536 octets"},
		"a token that ends":  {200, `{"access_token":"a\u0001b"}`, Connection, "", "the access token of the token endpoint is none: it has other octets than those of RFC 6750, or too many"},
		"a refresh token":    {200, `{"access_token":"a","refresh_token":"a\nb"}`, Connection, "", "the new refresh token of the token endpoint holds a line break or another control character"},
		"an endless message": {400, `{"error":"e","error_description":"` + strings.Repeat("x", 1000) + `"}`, Authentication, "e", "e: " + strings.Repeat("x", 494) + "…"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, s := newProvider(t), newTokens()
			p.answer = func(request) (int, string) { return tc.status, tc.body }
			_, err := token(t.Context(), xoauth(p.settings(t), s, p.Client()))
			f, ok := errors.AsType[*Failure](err)
			if !ok || f.Kind != tc.kind || f.Code != tc.code || f.Response != tc.response {
				t.Fatalf("error = %+v", err)
			}
			if text := fmt.Sprintf("%v %+v", f.Err, err); strings.Contains(text, canary) {
				t.Errorf("it shows what was sent: %s", text)
			}
			if len(s.kept) != 0 || len(p.asked()) != 1 {
				t.Errorf("kept %v, asked %d times", s.kept, len(p.asked()))
			}
		})
	}
}

// TestNetworkWhileRefreshing holds that an endpoint which cannot be reached is a failure of the
// connection, with the codes that it has there.
func TestNetworkWhileRefreshing(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := closed.Addr().String()
	_ = closed.Close()
	untrusted := newProvider(t)
	half := listen(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 1<<16))
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
	})
	for name, tc := range map[string]struct {
		url            string
		code, response string
	}{
		"refused":   {"http://" + address, ConnRefused, "connect ECONNREFUSED " + address},
		"half":      {"http://" + half.Address(), ConnReset, "read ECONNRESET"},
		"untrusted": {untrusted.URL, DepthZeroSelfSigned, "self-signed certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := &OAuth2{TokenURL: tc.url, ClientID: "id", ClientSecret: password(t, canary)}
			_, err := token(t.Context(), xoauth(o, newTokens(), &http.Client{Transport: &http.Transport{}}))
			want(t, err, tc.code, tc.response)
		})
	}
	p := newProvider(t)
	_, err = token(canceled(t), xoauth(p.settings(t), newTokens(), p.Client()))
	want(t, err, ConnAborted, "read ECONNABORTED")
}

// TestTokenExpires holds, on a clock of its own, that a token is replaced before it is over, and
// that the refusal of an old one is worth another try.
func TestTokenExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := 0
		client := &http.Client{Transport: trip(func(*http.Request) (*http.Response, error) {
			n++
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(access(n, "")))}, nil
		})}
		o := &OAuth2{TokenURL: "https://login.example/", ClientID: "id", RefreshToken: password(t, "refresh-0")}
		a := xoauth(o, newTokens(), client)
		wantToken(t, a, "access-1")
		time.Sleep(59 * time.Minute)
		wantToken(t, a, "access-1")
		time.Sleep(55 * time.Second)
		wantToken(t, a, "access-2")
		time.Sleep(2 * time.Minute)
		if a.Refused() {
			t.Error("a token of two minutes ago is not fresh")
		}
		wantToken(t, a, "access-3")
		if !a.Refused() {
			t.Error("a new token is fresh")
		}
	})
}

type trip func(*http.Request) (*http.Response, error)

func (f trip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestCheck(t *testing.T) {
	t.Parallel()
	some := password(t, canary)
	for name, tc := range map[string]struct {
		o    OAuth2
		want string
	}{
		"good":          {OAuth2{TokenURL: "https://login.example/token", ClientID: "id", RefreshToken: some}, ""},
		"loopback":      {OAuth2{TokenURL: "http://[::1]:80/token", ClientID: "id", ClientSecret: some}, ""},
		"no URL":        {OAuth2{ClientID: "id", ClientSecret: some}, "the token URL is not a URL, as in https://login.example.org/token"},
		"in clear":      {OAuth2{TokenURL: "http://login.example", ClientID: "id", ClientSecret: some}, "the token URL is not of https, which credentials need"},
		"a file":        {OAuth2{TokenURL: "file://localhost/x", ClientID: "id", ClientSecret: some}, "the token URL is not of https, which credentials need"},
		"a user":        {OAuth2{TokenURL: "https://u:" + canary + "@x", ClientID: "id", ClientSecret: some}, "the token URL has a user in it: credentials go into client_id and client_secret"},
		"no client":     {OAuth2{TokenURL: "https://x", ClientSecret: some}, "the client id is missing"},
		"no credential": {OAuth2{TokenURL: "https://x", ClientID: "id"}, "neither a refresh token nor a client secret is there"},
	} {
		err := tc.o.Check()
		if got := fmt.Sprint(err); got != tc.want && (err != nil || tc.want != "") {
			t.Errorf("%s: %v", name, err)
		}
		if tc.want != "" {
			_, err = token(t.Context(), xoauth(&tc.o, newTokens(), nil))
			wantRefused(t, err, "", tc.want)
		}
	}
}

// FuzzTokenAnswer holds that no answer of a token endpoint gets out of its bounds, or has a
// credential shown.
func FuzzTokenAnswer(f *testing.F) {
	f.Add(200, "application/json", access(1, "refresh-1"))
	f.Add(400, "application/json", `{"error":"invalid_grant","error_description":"x"}`)
	f.Add(200, "application/x-www-form-urlencoded", "access_token=a&expires_in=5")
	f.Add(200, "text/plain", "error="+canary)
	f.Add(299, "", `{"expires_in":"-1e9","access_token":"a"}`)
	secretText, err := secret.ParsePassword(canary)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, status int, kind, body string) {
		client := &http.Client{Transport: trip(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(strings.NewReader(body))}, nil
		})}
		o := &OAuth2{TokenURL: "https://x", ClientID: "id", ClientSecret: secretText, RefreshToken: secretText}
		got, err := token(t.Context(), xoauth(o, newTokens(), client))
		if err == nil {
			if got == "" || len(got) > 1<<14 || strings.ContainsAny(got, "\x00\x01\r\n ") {
				t.Errorf("token = %q", got)
			}
			return
		}
		failure, ok := errors.AsType[*Failure](err)
		if !ok || failure.Response == "" || len(failure.Response) > MaxResponse || strings.Contains(fmt.Sprintf("%+v", *failure), canary) {
			t.Errorf("error = %#v", err)
		}
	})
}

// TestOneRefreshOfAnAccount has an account refreshed by two at the same time, as by one that runs and by one that is
// tried, at a provider that replaces refresh tokens. The second one waits, and uses what the first has got.
func TestOneRefreshOfAnAccount(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	under, release := make(chan struct{}), make(chan struct{})
	p.answer = func(q request) (int, string) {
		if q.N == 1 {
			close(under)
			<-release
		}
		return http.StatusOK, fmt.Sprintf(`{"access_token":"access-%d","token_type":"Bearer","expires_in":3600,"refresh_token":"refresh-%d"}`, q.N, q.N)
	}
	shared := NewRefreshTokens(newTokens())
	login := Login{User: "u", Method: XOAuth2, OAuth2: p.settings(t)}
	var both sync.WaitGroup
	refresh := func() {
		if _, err := token(t.Context(), NewAuthenticator("sales", login, shared, p.Client())); err != nil {
			t.Error(err)
		}
	}
	both.Go(refresh)
	<-under
	both.Go(refresh)
	other := NewAuthenticator("support", login, shared, p.Client()) // which does not wait for them
	if _, err := token(t.Context(), other); err != nil {
		t.Error(err)
	}
	close(release)
	both.Wait()
	var used []string
	for _, q := range p.asked() {
		used = append(used, q.OfRefreshToken)
	}
	if diff := cmp.Diff([]string{"refresh-0", "refresh-0", "refresh-1"}, used); diff != "" {
		t.Errorf("refresh tokens that were used (-want +got):\n%s", diff)
	}
}

package imap

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/imap/imaptest"
	"github.com/postern-mail/postern/gateway/internal/outbound"
)

// provider gives out tokens, and says to dovecot which are good.
type provider struct {
	mu     sync.Mutex
	issued int
	good   string // the one access token that is good
	refuse bool   // the refresh
}

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path != "/token" { // dovecot asks
		if r.FormValue("access_token") != p.good {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"error":"invalid_token"}`)
			return
		}
		fmt.Fprint(w, `{"email":"u1","active":"true"}`)
		return
	}
	if p.refuse || r.FormValue("grant_type") != "refresh_token" || !strings.HasPrefix(r.FormValue("refresh_token"), "refresh-") {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":"invalid_grant","error_description":"Token has been revoked"}`)
		return
	}
	p.issued++
	p.good = fmt.Sprintf("access-%d", p.issued)
	fmt.Fprintf(w, `{"access_token":%q,"refresh_token":"refresh-%d","token_type":"Bearer","expires_in":3600}`, p.good, p.issued)
}

// TestOAuth2 goes on with a token that is refused before its time, as one is that has expired, and says when
// the provider refuses to give another.
func TestOAuth2(t *testing.T) {
	t.Parallel()
	p := new(provider)
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	d := imaptest.Start(t, server.URL)
	for _, method := range []outbound.Method{outbound.XOAuth2, outbound.OAuthBearer} {
		t.Run(string(method), func(t *testing.T) {
			d.Admin(t, "", "expunge", "-u", "u1", "mailbox", "INBOX", "all")
			p.mu.Lock()
			p.refuse = false
			p.mu.Unlock()
			cfg := sales(t, d.Server(t, outbound.TLS))
			cfg.Login = outbound.Login{User: "u1", Method: method, OAuth2: &outbound.OAuth2{
				TokenURL: server.URL + "/token", ClientID: "postern", ClientSecret: password(t, "client-secret"), RefreshToken: password(t, "refresh-0"),
			}}
			m := newMemory()
			g := start(t, m, nil, cfg)
			g.waitForEvent(t, "sales: success")
			d.Deliver(t, "u1", "INBOX", numbered(1, 1)...)
			g.waitFor(t, 1)
			p.mu.Lock()
			p.good = "none" // what was given out has expired
			p.mu.Unlock()
			d.Stop(t)
			d.Start(t)
			d.Deliver(t, "u1", "INBOX", numbered(2, 2)...)
			// Where it is refused within a minute of being given out, the account waits; time does the rest.
			imaptest.Eventually(t, "a new token", func() bool {
				g.memory.mu.Lock()
				defer g.memory.mu.Unlock()
				return len(m.mails) == 2 || strings.Contains(strings.Join(m.told, "\n"), "authentication")
			})
			g.waitFor(t, 2)
			if diff := cmp.Diff(numbered(1, 2), g.raws()); diff != "" {
				t.Error(diff)
			}
			p.mu.Lock()
			p.good, p.refuse = "none", true
			p.mu.Unlock()
			d.Stop(t)
			d.Start(t)
			imaptest.Eventually(t, "the refusal", func() bool {
				for _, e := range g.events() {
					if strings.Contains(e, "authentication") && strings.Contains(e, "revoked") {
						return true
					}
				}
				return false
			})
			if all := strings.Join(g.events(), "\n") + g.log.String(); strings.Contains(all, "client-secret") || strings.Contains(all, "refresh-") || strings.Contains(all, "access-") {
				t.Errorf("a secret in %s", all)
			}
			t.Logf("%q", g.events())
		})
	}
}

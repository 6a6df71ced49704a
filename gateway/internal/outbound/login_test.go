package outbound

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/emersion/go-sasl"

	"github.com/postern-mail/postern/gateway/internal/secret"
)

const canary = "canary-k7Q2xw"

func password(t *testing.T, text string) secret.Password {
	t.Helper()
	p, err := secret.ParsePassword(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func start(t *testing.T, c sasl.Client) (mechanism, first string) {
	t.Helper()
	mechanism, ir, err := c.Start()
	if err != nil {
		t.Fatal(err)
	}
	return mechanism, string(ir)
}

func TestMechanisms(t *testing.T) {
	t.Parallel()
	all := []string{"LOGIN", "plain", "XOAUTH2", "OAUTHBEARER"}
	p := newProvider(t)
	p.answer = func(request) (int, string) { return 200, access(1, "") }
	for name, tc := range map[string]struct {
		method           Method
		oauth            bool
		offered          []string
		mechanism, first string // of an error, the text
	}{
		"plain":              {method: Plain, offered: all, mechanism: "PLAIN", first: "\x00user@example.org\x00" + canary},
		"login":              {method: LoginMethod, offered: all, mechanism: "LOGIN", first: "user@example.org"},
		"best":               {offered: all, mechanism: "PLAIN", first: "\x00user@example.org\x00" + canary},
		"best of less":       {offered: []string{"NTLM", "LOGIN"}, mechanism: "LOGIN", first: "user@example.org"},
		"nothing":            {offered: []string{"XOAUTH2"}, first: "the server does not offer to log in by PLAIN or LOGIN"},
		"not what is wanted": {method: Plain, offered: []string{"LOGIN"}, first: "the server does not offer to log in by PLAIN"},
		"xoauth2": {
			method: XOAuth2, oauth: true, offered: all, mechanism: "XOAUTH2",
			first: "user=user@example.org\x01auth=Bearer access-1\x01\x01",
		},
		"best with OAuth2": {
			oauth: true, offered: all, mechanism: "OAUTHBEARER",
			first: "n,a=user@example.org,\x01host=mail.example\x01port=993\x01auth=Bearer access-1\x01\x01",
		},
		"OAuth2 offered by half": {
			oauth: true, offered: []string{"XOAUTH2", "PLAIN"}, mechanism: "XOAUTH2",
			first: "user=user@example.org\x01auth=Bearer access-1\x01\x01",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := Login{User: "user@example.org", Method: tc.method, Password: password(t, canary)}
			if tc.oauth {
				l.OAuth2 = p.settings(t)
			}
			c, err := NewAuthenticator("a", l, NewRefreshTokens(newTokens()), p.Client()).Client(t.Context(), tc.offered, Server{Host: "mail.example", Port: 993})
			if tc.mechanism == "" {
				wantRefused(t, err, "", tc.first)
				if !errors.Is(err, ErrNoMechanism) {
					t.Errorf("%v is not ErrNoMechanism", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if mechanism, first := start(t, c); mechanism != tc.mechanism || first != tc.first {
				t.Errorf("Start = %q, %q", mechanism, first)
			}
		})
	}
}

func wantRefused(t *testing.T, err error, code, response string) {
	t.Helper()
	f, ok := errors.AsType[*Failure](err)
	if !ok || f.Kind != Authentication || f.Code != code || f.Response != response {
		t.Errorf("error = %#v, want the refusal %q %q", err, code, response)
	}
}

// TestErrorChallenge holds that a server which answers a token by an error can go on to refuse.
func TestErrorChallenge(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	for method, last := range map[Method]string{XOAuth2: "", OAuthBearer: "\x01"} {
		a := NewAuthenticator("a", Login{User: "u=v,w", Method: method, OAuth2: p.settings(t)}, NewRefreshTokens(newTokens()), p.Client())
		c, err := a.Client(t.Context(), []string{"XOAUTH2", "OAUTHBEARER"}, Server{Host: "h", Port: 1})
		if err != nil {
			t.Fatal(err)
		}
		if _, first := start(t, c); method == OAuthBearer && !strings.HasPrefix(first, "n,a=u=3Dv=2Cw,\x01") {
			t.Errorf("first = %q", first)
		}
		answer, err := c.Next([]byte(`{"status":"400","schemes":"Bearer"}`))
		if err != nil || answer == nil || string(answer) != last {
			t.Errorf("%s: Next = %q, %v", method, answer, err)
		}
		if _, err := c.Next([]byte("again")); err == nil {
			t.Errorf("%s: a server that goes on challenging is answered for ever", method)
		}
	}
}

func TestRefusedPassword(t *testing.T) {
	t.Parallel()
	a := NewAuthenticator("a", Login{User: "u", Password: password(t, canary)}, nil, nil)
	if !a.Refused() {
		t.Error("a password is no fresher the second time")
	}
	plain := base64.StdEncoding.EncodeToString([]byte("\x00u\x00" + canary))
	for said, want := range map[string]string{
		"no " + canary + " here": "no (redacted) here",
		"AUTH PLAIN " + plain:    "AUTH PLAIN (redacted)",
		"wrong password":         "wrong password",
		"got " + base64.StdEncoding.EncodeToString([]byte(canary)): "got (redacted)",
	} {
		if got := a.Hide(said); got != want {
			t.Errorf("Hide(%q) = %q", said, got)
		}
	}
}

// TestHideInFailure has a server repeat a password where failures have its words: as a code, in a text, and at the
// place where a text is cut.
func TestHideInFailure(t *testing.T) {
	t.Parallel()
	a := NewAuthenticator("a", Login{User: "u", Password: password(t, canary)}, nil, nil)
	for name, f := range map[string]*Failure{
		"a code":     Refused(canary, "no"),
		"a text":     Refused("", "no "+canary),
		"a cut":      Refused("", strings.Repeat("x", MaxResponse-len(canary)-1)+canary+" and more"),
		"a cut code": Refused(strings.Repeat("x", maxCode-len(canary)-1)+canary+" and more", "no"),
	} {
		if !strings.Contains(f.Code+f.Response, canary[:minHidden]) {
			t.Errorf("%s: %+v shows nothing that could be hidden", name, f)
		}
		if got := a.HideIn(f); strings.Contains(got.Code+got.Response, canary[:minHidden]) || got.Kind != f.Kind {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestNothingPrints holds that no way of printing what holds credentials shows them.
func TestNothingPrints(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	l := Login{User: "u", Method: XOAuth2, Password: password(t, canary), OAuth2: p.settings(t)}
	l.OAuth2.ClientSecret, l.OAuth2.RefreshToken = password(t, canary), password(t, canary)
	p.answer = func(request) (int, string) {
		return 400, `{"error":"invalid_grant","error_description":"no ` + canary + `"}`
	}
	a := NewAuthenticator("a", l, NewRefreshTokens(newTokens()), p.Client())
	_, err := a.Client(t.Context(), []string{"XOAUTH2"}, Server{})
	wantRefused(t, err, "invalid_grant", "invalid_grant: no (redacted)")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		for _, x := range []any{l, &l, *l.OAuth2, err} {
			if printed := fmt.Sprintf(verb, x); strings.Contains(printed, canary) {
				t.Errorf("%s of %T shows it: %s", verb, x, printed)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	f := Refused("AUTHENTICATIONFAILED", "Invalid credentials (Failure)\r\n")
	if f.Kind != Authentication || f.Code != "AUTHENTICATIONFAILED" || f.Error() != "Invalid credentials (Failure)" {
		t.Errorf("Refused = %+v", f)
	}
	if f := Refused("", " \r\n"); f.Response == "" {
		t.Error("a refusal without a word has no text")
	}
	f = Refused(strings.Repeat("C", 1000), strings.Repeat("ü", 1000))
	if len(f.Code) > 64 || len(f.Response) > MaxResponse || !utf8.ValidString(f.Response) {
		t.Errorf("Refused = %d and %d octets: %q", len(f.Code), len(f.Response), f.Response)
	}
}

func FuzzRefused(f *testing.F) {
	f.Add("AUTH", "no\x1b[31m")
	f.Add("\xff", strings.Repeat("\u202e", 600))
	f.Add("", "")
	f.Fuzz(func(t *testing.T, code, text string) {
		got := Refused(code, text)
		for s, limit := range map[string]int{got.Code: 64, got.Response: MaxResponse} {
			if len(s) > limit || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) }) {
				t.Errorf("%q", s)
			}
		}
		if got.Response == "" {
			t.Error("no text")
		}
	})
}

// canceled is a context that has ended.
func canceled(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

package config

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// accountTenants is a configuration that accounts can be read beside.
const accountTenants = `server {
  hostname = "mx.example.com"
  data_dir = "/data"
}
listener "mx" { address = ":25" }
tenant "acme" {
  domains = ["acme.example"]
  endpoint "desk" {
    url    = "https://desk.acme.example/in"
    secret = "` + testSecret + `"
  }
  alias "sales" { endpoints = ["desk"] }
}
`

// TestReadAccount holds that settings which stand in no file mean what they do in one, and that what is wrong
// with them is said by their names.
func TestReadAccount(t *testing.T) {
	t.Parallel()
	c := loadText(t, filepath.Join(t.TempDir(), "a.hcl"), accountTenants)
	for name, tc := range map[string]struct {
		name     string
		settings map[string]string
		environ  []string
		want     Account
		problems string
	}{
		"whole": {
			name: "sales",
			settings: map[string]string{
				"tenant": "acme", "alias": "SALES", "imap.host": "imap.example.com", "imap.user": "sales@acme.example", "imap.password": "hunter2",
				"imap.folders": "INBOX, Büro", "imap.poll": "5m", "imap.after": "seen",
			},
			want: Account{Name: "sales", Tenant: "acme", Alias: "sales", Address: "sales@acme.example", IMAP: IMAP{
				Server: MailServer{Host: "imap.example.com", Port: 993, Security: "tls"}, Login: MailLogin{User: "sales@acme.example"},
				Folders: []string{"INBOX", "Büro"}, First: "new", After: "seen", Poll: 300e9, MaxMessageSize: 50 << 20,
			}},
		},
		"tokens": {
			name: "sales",
			settings: map[string]string{
				"tenant": "acme", "alias": "sales", "imap.host": "imap.example.com", "imap.user": "sales", "imap.security": "starttls",
				"imap.oauth2.token_url": "https://login.example.com/token", "imap.oauth2.client_id": "postern", "imap.oauth2.refresh_token_env": "TOKEN",
			},
			environ: []string{"TOKEN=hunter2"},
			want: Account{Name: "sales", Tenant: "acme", Alias: "sales", Address: "sales@acme.example", IMAP: IMAP{
				Server:  MailServer{Host: "imap.example.com", Port: 143, Security: "starttls"},
				Login:   MailLogin{User: "sales", OAuth2: &OAuth2{TokenURL: "https://login.example.com/token", ClientID: "postern"}},
				Folders: []string{"INBOX"}, First: "new", After: "leave", Poll: 60e9, MaxMessageSize: 50 << 20,
			}},
		},
		"nothing": {name: "sales", problems: `account "sales": tenant is missing
account "sales": alias is missing
account "sales": account "sales" says nothing of its server; write imap { host = "…", … }`},
		"wrong": {
			name: "../x",
			settings: map[string]string{
				"tenant": "acne", "alias": "sales", "imap.hots": "x", "imap.host": "imap.example.com", "imap.user": "sales", "imap.port": "imaps", "imap.password": "hunter2\n", "pop3.host": "x",
			},
			problems: `account: account name "../x" is not allowed; use 1 to 63 of a-z, 0-9, _ and -, a letter or digit first
account "../x", imap.hots: there is no setting "imap.hots"; did you mean "imap.host"?
account "../x", imap.password: the password holds a line break or another control character; it is that of the user on the mail server
account "../x", imap.port: want a whole number from 1 to 65535, got a string
account "../x", pop3.host: there is no setting "pop3.host"
account "../x", tenant: there is no tenant "acne"; did you mean "acme"?`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := c.ReadAccount(tc.name, tc.settings, tc.environ)
			if tc.problems != "" {
				if err == nil || err.Error() != tc.problems {
					t.Fatalf("ReadAccount:\n%v\nwant:\n%s", err, tc.problems)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(asJSON(t, tc.want), asJSON(t, got)); diff != "" { // credentials are no part of it
				t.Errorf("ReadAccount (-want +got):\n%s", diff)
			}
			if p := got.IMAP.Login; p.OAuth2 == nil && p.Password.Text() != "hunter2" || p.OAuth2 != nil && p.OAuth2.RefreshToken.Text() != "hunter2" {
				t.Errorf("credentials of %+v", p)
			}
		})
	}
	if len(c.Accounts) != 0 {
		t.Errorf("the configuration has %d accounts now", len(c.Accounts))
	}
}

// TestAccountSettings holds that a setting is named as ReadAccount knows it.
func TestAccountSettings(t *testing.T) {
	t.Parallel()
	names := AccountSettings()
	for _, want := range []string{"tenant", "imap.host", "imap.password_file", "imap.oauth2.client_id"} {
		if !slices.Contains(names, want) {
			t.Errorf("no %s in %s", want, strings.Join(names, " "))
		}
	}
}

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/postern-mail/postern/gateway/internal/imap/imaptest"
	"github.com/postern-mail/postern/gateway/internal/outbound"
)

// TestMailAccount fetches a thousand mails from a real server, which is restarted meanwhile, while the gateway is ended
// by kill -9. Each arrives once, and is moved away once it is safe.
func TestMailAccount(t *testing.T) {
	t.Parallel()
	d := imaptest.Start(t, "")
	rcv := newReceiver(t)
	rcv.keep = true
	server := d.Server(t, outbound.STARTTLS)
	d.Admin(t, "", "mailbox", "create", "-u", "u1", "Processed")
	dir := configuration(t, rcv.URL, "", fmt.Sprintf(`
account "sales" {
  tenant = "acme"
  alias  = "*"
  imap {
    host     = %q
    port     = %d
    security = "starttls"
    ca_file  = %q
    user     = "u1"
    password = "pw"
    first    = "all"
    after    = "move"
    move_to  = "Processed"
  }
}
`, server.Host, server.Port, d.CAFile()))
	const mails, lots = 1000, 5
	deliver := func(lot int) {
		list := make([]string, mails/lots)
		for i := range list {
			n := lot*len(list) + i
			list[i] = fmt.Sprintf("From: a@b.example\r\nTo: u1@acme.test\r\nSubject: mail %d\r\nMessage-ID: <%d@b.example>\r\n\r\n%s\r\n", n, n, strings.Repeat("x", n))
		}
		d.Deliver(t, "u1", "INBOX", list...)
	}
	deliver(0)
	g := serveIn(t, dir)
	for lot := 1; lot < lots; lot++ {
		deliver(lot)
		eventually(t, "some of them", func() bool { return rcv.count() > (lot-1)*mails/lots+50 })
		if lot%2 == 0 {
			d.Stop(t)
			d.Start(t)
		} else {
			g.kill(t)
			g = serveIn(t, dir)
		}
	}
	eventually(t, "all mails", func() bool { return rcv.count() >= mails })
	eventually(t, "all of them to be moved", func() bool { return d.Count(t, "u1", "Processed") == mails && d.Count(t, "u1", "INBOX") == 0 })
	g.stop(t)
	rcv.check(t)
	seen := make(map[string]bool)
	for id, r := range rcv.byID {
		var payload struct {
			Message struct {
				Subject string
			}
		}
		if err := json.Unmarshal(r.payload, &payload); err != nil || seen[payload.Message.Subject] {
			t.Errorf("%s: %q came already; %v", id, payload.Message.Subject, err)
		}
		seen[payload.Message.Subject] = true
	}
	if len(seen) != mails {
		t.Errorf("%d mails arrived, want %d", len(seen), mails)
	}
}

// listening is a receiver of events.
type listening struct {
	*httptest.Server
	mu     sync.Mutex
	events []event
	wrong  []error
}

type event struct {
	ServiceURL, Account, Date, Event, EventID string
	Data                                      struct{ Response, ServerResponseCode string }
}

func newListening(t *testing.T) *listening {
	t.Helper()
	l := &listening{}
	l.Server = httptest.NewServer(l)
	t.Cleanup(l.Close)
	return l
}

// ServeHTTP implements http.Handler.
func (l *listening) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var e event
	verifier, verifierErr := standardwebhooks.NewWebhook(testSecret)
	if err = errors.Join(err, verifierErr); err == nil {
		err = errors.Join(verifier.Verify(body, r.Header), json.Unmarshal(body, &e))
	}
	if err == nil && e.EventID != r.Header.Get("webhook-id") {
		err = fmt.Errorf("event %s came as %s", e.EventID, r.Header.Get("webhook-id"))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e)
	if err != nil {
		l.wrong = append(l.wrong, fmt.Errorf("%s: %w", body, err))
	}
}

// forget forgets all but the first.
func (l *listening) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = l.events[:1]
}

// got is what has come, in short.
func (l *listening) got() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := make([]string, len(l.events))
	for i, e := range l.events {
		list[i] = strings.TrimSpace(e.Account + " " + e.Event + " " + e.Data.Response + " " + e.Data.ServerResponseCode)
	}
	return list
}

func (l *listening) want(t *testing.T, want ...string) {
	t.Helper()
	eventually(t, fmt.Sprintf("events %q", want), func() bool { return len(l.got()) >= len(want) })
	if diff := cmp.Diff(want, l.got()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	for _, err := range l.wrong {
		t.Error(err)
	}
}

// TestAccountVerbs goes through the life of an account that is added while the gateway runs, and through the events
// of its server that is not there, and then is. Its password is shown nowhere.
func TestAccountVerbs(t *testing.T) {
	t.Parallel()
	ops := newListening(t)
	d := imaptest.Start(t, "")
	server := d.Server(t, outbound.STARTTLS)
	rcv := newReceiver(t)
	dir := configuration(t, rcv.URL, "", `
events { service_url = "https://postern.acme.test" }
tenant "ops" {
  domains = ["ops.test"]
  endpoint "events" {
    url        = "`+ops.URL+`"
    secret_env = "TEST_WEBHOOK_SECRET"
    events     = ["*"]
  }
  alias "*" { endpoints = ["events"] }
}
`)
	g := serveIn(t, dir)
	data := filepath.Join(dir, "data")
	secret := filepath.Join(dir, "pw")
	if err := os.WriteFile(secret, []byte("hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	verb := func(code int, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "postern", append(args, "--data-dir", data)...)
		out, err := cmd.CombinedOutput()
		var failed *exec.ExitError
		if errors.As(err, &failed) && failed.ExitCode() != code || err == nil && code != 0 || err != nil && failed == nil {
			t.Errorf("postern %q: %v, want code %d\n%s", args, err, code, out)
		}
		said.Write(out)
		return string(out)
	}
	has := func(text string, wanted ...string) {
		t.Helper()
		for _, want := range wanted {
			if !regexp.MustCompile(want).MatchString(text) {
				t.Errorf("no %q in:\n%s", want, text)
			}
		}
	}

	// Its server is not there.
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := free.Addr().String()
	_, port, _ := net.SplitHostPort(gone)
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	settings := []string{"--tenant", "ops", "--alias", "*", "--host", "127.0.0.1", "--port", port, "--security", "starttls", "--user", "u2", "--password-file", secret}
	has(verb(1, append([]string{"account", "test", "box"}, settings...)...), "FAILED +connect", "connect ECONNREFUSED "+gone, "connectError, with the code ECONNREFUSED")
	has(verb(1, "account", "add", "box", "--tenant", "opps", "--user", "x"), `imap.host|host is missing`, `no tenant "opps"; did you mean "ops"`)
	has(verb(0, append([]string{"account", "add", "box"}, settings...)...), "box is added")
	has(verb(1, append([]string{"account", "add", "box"}, settings...)...), "there is an account of that name already")
	refused := "box connectError connect ECONNREFUSED " + gone + " ECONNREFUSED"
	ops.want(t, refused)
	has(verb(0, "account", "show", "box"), "State +(waiting|connecting)", "Error +connect ECONNREFUSED", `imap\.password = \(redacted\)`)
	has(verb(0, "events", "list"), "connectError +account box +delivered", "ops/events")
	has(verb(0, "events", "show"), `"serviceUrl": "https://postern.acme.test"`, `"serverResponseCode": "ECONNREFUSED"`)
	has(verb(0, "events", "resend", "--tenant", "ops", "--event", "connectError", "--state", "delivered", "--yes"), "1 event queued")
	ops.want(t, refused, refused)
	if ops.events[0].EventID != ops.events[1].EventID {
		t.Errorf("sent again under another id: %+v", ops.events)
	}
	ops.forget()
	if mails := verb(0, "message", "list"); !strings.Contains(mails, "No deliveries.") {
		t.Errorf("events among mails:\n%s", mails)
	}

	// The right server, which does not know the password, and then does.
	has(verb(0, "account", "update", "box", "--host", server.Host, "--port", strconv.Itoa(server.Port), "--setting", "imap.ca_file="+d.CAFile()), "box is changed")
	ops.want(t, refused, "box connectReset the configuration has changed", "box authenticationError Authentication failed. AUTHENTICATIONFAILED")
	if err := os.WriteFile(secret, []byte("pw\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	verb(0, "account", "update", "box", "--password-file", secret)
	eventually(t, "the account to be connected", func() bool { return strings.Contains(verb(0, "account", "list"), "connected") })
	has(verb(0, "account", "test", "box"), "ok +log in", "Folders: .*INBOX")
	if got := ops.got(); !slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, "box authenticationReset") }) || len(got) != 4 {
		t.Errorf("events %q, want the end of the episode as the fourth", got)
	}

	// It is the gateway's over a restart, and left alone when it is disabled.
	g.stop(t)
	g = serveIn(t, dir)
	eventually(t, "the account to be connected", func() bool { return strings.Contains(verb(0, "account", "list"), "connected") })
	d.Deliver(t, "u2", "INBOX", "From: a@b.example\r\nSubject: one\r\n\r\none\r\n")
	eventually(t, "its mail", func() bool { return strings.Contains(verb(0, "message", "list", "--account", "box"), " one") })
	has(verb(0, "message", "show"), "Fetched +from account box, folder INBOX, UID 1")
	has(verb(1, "events", "resend", strings.Fields(verb(0, "message", "list"))[8]), "it is a mail, and no event")
	has(verb(0, "account", "disable", "box", "--reason", "a test"), "box is disabled")
	has(verb(0, "account", "list", "--json"), `"state":"disabled"`, `"reason":"a test"`, `"imap.password":"\(redacted\)"`)
	has(verb(0, "account", "enable", "box"), "box is enabled")
	has(verb(0, "account", "enable", "box"), "was not disabled")
	has(verb(0, "account", "remove", "box"), "box is removed")
	has(verb(1, "account", "show", "box"), "there is no such account")
	has(verb(0, "account", "list"), "no mail account")
	g.stop(t)
	for _, text := range []string{said.String(), g.stderr.String()} {
		if strings.Contains(text, "hunter2") {
			t.Errorf("the password is shown:\n%s", text)
		}
	}
}

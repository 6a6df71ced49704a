package events_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/events"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/outbound"
	"github.com/postern-mail/postern/gateway/internal/secret"
	"github.com/postern-mail/postern/gateway/internal/store"
	"github.com/postern-mail/postern/gateway/internal/webhook"
)

// The page that describes the events, and the folder of the program that it shows.
const (
	page    = "../../EVENTS.md"
	example = "../../../examples/receiver-node"
)

// blocks are the fenced blocks of a language in the page.
func blocks(t *testing.T, language string) []string {
	t.Helper()
	text, err := os.ReadFile(page)
	must(t, err)
	var list []string
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?\n)```$").FindAllStringSubmatch(string(text), -1) {
		list = append(list, m[1])
	}
	return list
}

// pageEvents makes the events that the page shows, in its order.
func pageEvents(t *testing.T) []stored {
	t.Helper()
	b := newMemory()
	p := start(b, b, newClock(), nil)
	user := store.About{Tenant: "acme", Class: events.Account, Name: "user123"}
	named := func(name string) store.About {
		return store.About{Tenant: "acme", Class: events.Account, Name: name}
	}
	plugin := store.About{Tenant: "acme", Class: events.Plugin, Name: "crm"}
	disk := store.About{Class: events.Disk, Name: "data"}
	var list []stored
	// tells adds the last of the events that f tells, ten minutes after what f does before.
	tells := func(f ...func() error) {
		t.Helper()
		p.clock.mu.Lock()
		p.clock.at = newClock().at
		p.clock.mu.Unlock()
		must(t, f[0]())
		if len(f) > 1 {
			p.clock.pass(10 * time.Minute)
			must(t, f[1]())
		}
		told := b.stored(t)
		list = append(list, told[len(told)-1])
	}
	fails := func(about store.About, f *outbound.Failure) func() error {
		return func() error { return p.Failed(t.Context(), about, f) }
	}
	works := func(about store.About) func() error {
		return func() error { return p.Succeeded(t.Context(), about) }
	}
	reset := func() error { return p.Reset(t.Context(), user, "") }
	says := func(response string) *outbound.Failure { return &outbound.Failure{Response: response} }

	tells(fails(user, connection(outbound.ConnRefused, "connect ECONNREFUSED 192.168.1.100:993")))
	tells(fails(named("office-account"), connection(outbound.TimedOut, "connect ETIMEDOUT 10.0.0.50:993")))
	tells(fails(named("remote-user"), connection(outbound.NotFound, "getaddrinfo ENOTFOUND mail.invalid-domain.example")))
	tells(fails(named("secure-account"), expired()))
	tells(fails(smarthost, connection(outbound.ConnRefused, "connect ECONNREFUSED 192.168.1.100:587")))
	tells(fails(user, refused()), works(user))
	tells(fails(user, refused()), reset)
	tells(fails(user, wrongPassword()))
	tells(fails(user, wrongPassword()), works(user))
	tells(fails(user, wrongPassword()), reset)
	tells(func() error {
		p.clock.pass(72 * time.Hour)
		return p.Tell(t.Context(), events.Occurrence{About: user, Name: mail.EventAccountDisabled, Response: "logins have failed since 2025-10-17T14:30:00Z: Authentication failed."})
	})
	tells(func() error {
		return p.Tell(t.Context(), events.Occurrence{
			About: store.About{Tenant: "acme", Class: events.Endpoint, Name: "desk"}, Name: mail.EventDeliveryFailed, Response: "status: 503 Service Unavailable", Code: "503",
			Extra: []document.Member{
				{Name: "deliveryId", Value: document.String("msg_01K7QZ5V4S3RN5K4X0Q7Z5T9AB_1")},
				{Name: "messageId", Value: document.String("msg_01K7QZ5V4S3RN5K4X0Q7Z5T9AB")},
				{Name: "endpoint", Value: document.String("desk")},
				{Name: "attempts", Value: document.Int(6)},
			},
		})
	})
	down := says("rspamd at http://127.0.0.1:11333: connect: the scanner is not available")
	tells(fails(rspamd, down))
	tells(fails(rspamd, down), works(rspamd))
	broken := says("panic: runtime error: index out of range [5] with length 3")
	tells(fails(plugin, broken))
	tells(fails(plugin, broken), works(plugin))
	low := says("less than 5.0 GiB of 100.0 GiB are free on the disk of the data folder; make room, or mail will not be accepted")
	tells(fails(disk, low))
	tells(fails(disk, low), works(disk))
	return list
}

// TestPage holds that each payload of the page is what is sent, that it shows all events and codes, and that the
// program which it shows is the example.
func TestPage(t *testing.T) {
	t.Parallel()
	var want, missing []string
	missing = mail.Events()
	for _, s := range pageEvents(t) {
		text := strings.NewReplacer(s.ID, "msg_01K7S0BQZ0W6Z3E2B7ZV0M9D4C_1", "https://emailengine.example.com", "https://mail.example.com").Replace(body(t, s.Document))
		want = append(want, indented(t, text)+"\n")
		missing = slices.DeleteFunc(missing, func(name string) bool { return name == s.Event.Name })
	}
	if diff := cmp.Diff(want, blocks(t, "json")); diff != "" {
		t.Errorf("payloads (-want +got):\n%s", diff)
	}
	if len(missing) > 0 {
		t.Errorf("not on the page: %q", missing)
	}
	text, err := os.ReadFile(page)
	must(t, err)
	for _, name := range mail.Events() {
		if !strings.Contains(string(text), "\n### "+name+"\n") {
			t.Errorf("the page does not describe %s", name)
		}
	}
	var codes []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\|").FindAllStringSubmatch(string(text), -1) {
		codes = append(codes, m[1])
	}
	if diff := cmp.Diff([]string{
		outbound.ConnRefused, outbound.ConnReset, outbound.TimedOut, outbound.NotFound, outbound.HostUnreachable, outbound.ConnAborted,
		outbound.CertExpired, outbound.UnverifiedLeaf, outbound.SelfSignedInChain, outbound.DepthZeroSelfSigned,
	}, codes); diff != "" {
		t.Errorf("codes (-want +got):\n%s", diff)
	}
	program, err := os.ReadFile(filepath.Join(example, "events.mjs"))
	must(t, err)
	if diff := cmp.Diff([]string{string(program)}, blocks(t, "js")); diff != "" {
		t.Errorf("the example (-want +got):\n%s", diff)
	}
}

// missing skips a test for what it needs.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("POSTERN_TEST_REQUIRE") == "1" {
		t.Fatalf("missing: %s", what)
	}
	t.Skipf("missing: %s", what)
}

// TestHandler sends each event of the page, and each code, to the program that it shows, as the gateway does. It sends them
// twice; the second time, and what is signed by another secret, count for nothing.
func TestHandler(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		missing(t, "node")
	}
	if _, err := os.Stat(filepath.Join(example, "node_modules", "standardwebhooks")); err != nil {
		missing(t, "node_modules/standardwebhooks; run npm ci in "+example)
	}
	const good, bad = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
	url, lines := startProgram(t, node, good)
	client := webhook.New(webhook.Config{AllowHTTP: true, AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	t.Cleanup(client.Close)
	send := func(s stored, signing string) webhook.Result {
		t.Helper()
		key, err := secret.Parse(signing)
		must(t, err)
		doc, err := document.Unmarshal(s.Document)
		must(t, err)
		return client.Send(t.Context(), webhook.Request{
			URL: url, ID: mail.DeliveryID(s.ID), Key: key, At: time.Now(), Render: func(w io.Writer) error { return doc.Encode(w, nil) },
		})
	}
	list := pageEvents(t)
	if r := send(list[0], bad); r.Code != 401 {
		t.Errorf("what another has signed was answered %+v", r)
	}
	severities := make(map[string]string)
	for _, s := range list {
		for range 2 {
			if r := send(s, good); !r.Delivered || r.Code != 204 {
				t.Fatalf("%s was answered %+v", s.Event.Name, r)
			}
		}
		var said struct{ Severity, Message, About, Error, Code, ID string }
		if !lines.Scan() || json.Unmarshal(lines.Bytes(), &said) != nil {
			t.Fatalf("the program says %q, %v", lines.Text(), lines.Err())
		}
		want := read(t, s).Data
		if said.ID != s.ID || said.About != s.Event.About.Name || said.Error != want.Response || said.Code != want.Code {
			t.Errorf("the program says %q of %s", lines.Text(), s.Document)
		}
		severities[s.Event.Name+" "+want.Code] = said.Severity
	}
	want := map[string]string{
		"connectError ECONNREFUSED": "critical", "connectError ETIMEDOUT": "critical", "connectError ENOTFOUND": "warning", "connectError CERT_HAS_EXPIRED": "warning",
		"connectSuccess ": "resolved", "connectReset ": "info", "authenticationError AUTHENTICATIONFAILED": "critical",
		"authenticationSuccess ": "resolved", "authenticationReset ": "info", "accountDisabled ": "critical", "delivery.failed 503": "critical",
		"scanner.down ": "critical", "scanner.recovered ": "resolved", "plugin.failing ": "critical", "plugin.recovered ": "resolved",
		"disk.low ": "critical", "disk.recovered ": "resolved",
	}
	if diff := cmp.Diff(want, severities); diff != "" {
		t.Errorf("severities (-want +got):\n%s", diff)
	}
}

// startProgram runs the example, and returns its URL and the lines that it prints from then on.
func startProgram(t *testing.T, node, signing string) (url string, lines *bufio.Scanner) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), node, filepath.Join(example, "events.mjs"))
	cmd.Env = append(os.Environ(), "PORT=0", "WEBHOOK_SECRET="+signing)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("the program's errors: %s", errs.String())
		}
	})
	lines = bufio.NewScanner(out)
	var hello struct{ Listening int }
	if !lines.Scan() || json.Unmarshal(lines.Bytes(), &hello) != nil || hello.Listening == 0 {
		t.Fatalf("the program says %q", lines.Text())
	}
	return fmt.Sprintf("http://127.0.0.1:%d/", hello.Listening), lines
}

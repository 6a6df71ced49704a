package imap

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/imap/imaptest"
	"github.com/postern-mail/postern/gateway/internal/outbound"
)

// numbered are mails that differ.
func numbered(from, to int) []string {
	var list []string
	for i := from; i <= to; i++ {
		list = append(list, fmt.Sprintf("Return-Path: <bounce-%d@x.test>\r\nMessage-ID: <%d@x.test>\r\nSubject: %d\r\n\r\nbody of %d\r\n", i, i, i, i))
	}
	return list
}

// TestSecurity fetches by each security and way to log in, and looks at what is said of a mail.
func TestSecurity(t *testing.T) {
	t.Parallel()
	d := imaptest.Start(t, "")
	d.Deliver(t, "u1", "INBOX", numbered(1, 3)...)
	for name, tc := range map[string]struct {
		security outbound.Security
		method   outbound.Method
		protocol string
	}{
		"TLS":             {security: outbound.TLS, protocol: "IMAPS"},
		"TLS, LOGIN":      {security: outbound.TLS, method: outbound.LoginMethod, protocol: "IMAPS"},
		"STARTTLS":        {security: outbound.STARTTLS, protocol: "IMAPS"},
		"STARTTLS, PLAIN": {security: outbound.STARTTLS, method: outbound.Plain, protocol: "IMAPS"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := sales(t, d.Server(t, tc.security))
			cfg.Login.Method = tc.method
			g := start(t, newMemory(), nil, cfg)
			g.waitFor(t, 3)
			if diff := cmp.Diff(numbered(1, 3), g.raws()); diff != "" {
				t.Error(diff)
			}
			m := g.mails[1]
			if m.Envelope.ReversePath != "bounce-2@x.test" || m.Recipients[0].Address != "sales@acme.test" || !strings.HasPrefix(m.Envelope.Session.TLS, "TLS 1.3 ") {
				t.Errorf("%+v", m.Mail)
			}
			want := fmt.Sprintf("Received: from localhost ([127.0.0.1])\r\n\t(account sales, folder INBOX, uidvalidity %d, uid 2)\r\n\tby mx.test (Postern) with %s id msg_", m.Fetched.UIDValidity, tc.protocol)
			if !strings.HasPrefix(m.field, want) {
				t.Errorf("%q, want %q", m.field, want)
			}
			g.waitForEvent(t, "sales: success")
			if n := d.Count(t, "u1", "INBOX", "UNSEEN"); n != 3 {
				t.Errorf("%d mails are unseen", n)
			}
		})
	}
}

// TestIdle holds that a new mail comes at once, by the first setting that takes new ones only.
func TestIdle(t *testing.T) {
	t.Parallel()
	d := imaptest.Start(t, "")
	d.Deliver(t, "u1", "INBOX", numbered(1, 3)...)
	cfg := sales(t, d.Server(t, outbound.TLS))
	cfg.First = First{}
	g := start(t, newMemory(), nil, cfg)
	g.waitForEvent(t, "sales: success")
	imaptest.Eventually(t, "the folder", func() bool { return len(g.Status()[0].Folders) == 1 })
	if s := g.Status()[0]; s.State != Connected || s.Folders[0].NextUID != 4 || s.Err != nil {
		t.Errorf("%+v", s)
	}
	began := time.Now()
	d.Deliver(t, "u1", "INBOX", numbered(4, 4)...)
	g.waitFor(t, 1)
	t.Logf("a new mail came after %s", time.Since(began).Round(time.Millisecond))
	if diff := cmp.Diff(numbered(4, 4), g.raws()); diff != "" {
		t.Error(diff)
	}
}

// TestAfter does each thing to mails that are safe.
func TestAfter(t *testing.T) {
	t.Parallel()
	d := imaptest.Start(t, "")
	for name, tc := range map[string]struct {
		after                      After
		left, unseen, deleted, box int
	}{
		"leave":  {left: 3, unseen: 3},
		"seen":   {after: After{Act: AfterSeen}, left: 3},
		"move":   {after: After{Act: AfterMove, Folder: "Done ü"}, box: 3},
		"delete": {after: After{Act: AfterDelete}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d.Admin(t, "", "mailbox", "create", "-u", "u2", name)
			d.Deliver(t, "u2", name, numbered(1, 3)...)
			cfg := sales(t, d.Server(t, outbound.TLS))
			cfg.Login.User, cfg.Folders, cfg.After = "u2", []string{name}, tc.after
			g := start(t, newMemory(), nil, cfg)
			g.waitFor(t, 3)
			imaptest.Eventually(t, "what is to be done", func() bool {
				g.memory.mu.Lock()
				defer g.memory.mu.Unlock()
				return len(g.handled) == 3
			})
			if n := d.Count(t, "u2", name); n != tc.left {
				t.Errorf("%d mails are left, want %d", n, tc.left)
			}
			if n := d.Count(t, "u2", name, "UNSEEN"); n != tc.unseen {
				t.Errorf("%d mails are unseen, want %d", n, tc.unseen)
			}
			if tc.box > 0 {
				if n := d.Count(t, "u2", tc.after.Folder); n != tc.box {
					t.Errorf("%d mails in the other folder, want %d", n, tc.box)
				}
			}
		})
	}
}

// TestUnhandled holds that what a crash has left undone is done at the next connection, and nothing
// is done to a mail that was passed over.
func TestUnhandled(t *testing.T) {
	t.Parallel()
	d := imaptest.Start(t, "")
	d.Deliver(t, "u1", "INBOX", append(numbered(1, 3), "Subject: large\r\n\r\n"+strings.Repeat("x", 5000)+"\r\n")...)
	m := newMemory()
	cfg := sales(t, d.Server(t, outbound.TLS))
	cfg.MaxMessageSize = 4000
	g := start(t, m, nil, cfg)
	g.waitFor(t, 3)
	imaptest.Eventually(t, "the large one to be passed over", func() bool { return strings.Contains(g.log.String(), "passed over") })
	g.stop()
	clear(m.handled)
	cfg.After.Act = AfterDelete
	g = start(t, m, nil, cfg)
	imaptest.Eventually(t, "what is left to be done", func() bool {
		g.memory.mu.Lock()
		defer g.memory.mu.Unlock()
		return len(g.handled) == 4
	})
	if n := d.Count(t, "u1", "INBOX"); n != 1 || m.count() != 3 {
		t.Errorf("%d mails are left, and %d were taken", n, m.count())
	}
}

// TestNumberedAnew holds that a folder whose UIDVALIDITY changes brings nothing twice, and what is new.
func TestNumberedAnew(t *testing.T) {
	t.Parallel()
	d := imaptest.Start(t, "")
	d.Deliver(t, "u1", "INBOX", numbered(1, 20)...)
	m := newMemory()
	cfg := sales(t, d.Server(t, outbound.TLS))
	g := start(t, m, nil, cfg)
	g.waitFor(t, 20)
	before := g.mails[0].Fetched.UIDValidity
	g.stop()
	d.Admin(t, "", "mailbox", "update", "-u", "u1", "--uid-validity", fmt.Sprint(before+7), "INBOX")
	d.Deliver(t, "u1", "INBOX", numbered(21, 22)...)
	g = start(t, m, nil, cfg)
	g.waitFor(t, 22)
	imaptest.Eventually(t, "the end of the folder", func() bool { return len(g.Status()[0].Folders) == 1 })
	if diff := cmp.Diff(numbered(1, 22), g.raws()); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(g.log.String(), "numbered a folder anew") {
		t.Errorf("log = %s", g.log.String())
	}
}

// TestThousandMails takes each mail once, whatever restarts in between.
func TestThousandMails(t *testing.T) {
	t.Parallel()
	const mails = 1000
	d := imaptest.Start(t, "")
	// By one connection: a thousand doveadms would take their time.
	appendMails(t, d, "u1", numbered(1, mails))
	m := newMemory()
	cfg := sales(t, d.Server(t, outbound.TLS))
	cfg.Folders = []string{"INBOX", "Other"}
	d.Admin(t, "", "mailbox", "create", "-u", "u1", "Other")
	var g *gateway
	for step := range 4 {
		g = start(t, m, nil, cfg)
		g.waitFor(t, min(mails, m.count()+step*70+60))
		if step%2 == 1 {
			d.Stop(t)
			d.Start(t)
			g.waitFor(t, min(mails, m.count()+10))
		}
		if step < 3 {
			g.stop()
		}
	}
	g.waitFor(t, mails)
	raws := g.raws()
	if diff := cmp.Diff(numbered(1, mails), raws); diff != "" {
		t.Errorf("%d mails: %s", len(raws), diff[:min(len(diff), 2000)])
	}
}

// appendMails puts mails into an INBOX by IMAP.
func appendMails(t testing.TB, d *imaptest.Dovecot, user string, mails []string) {
	t.Helper()
	cfg := sales(t, d.Server(t, outbound.TLS))
	cfg.Login.User = user
	a := newAccount(cfg, start(t, newMemory(), nil).deps, make(chan struct{}, 1), newTestLog())
	c, err := a.connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	for _, m := range mails {
		err := c.must(t.Context(), "APPEND", func() error {
			w := c.imap.Append("INBOX", int64(len(m)), nil)
			if _, err := w.Write([]byte(m)); err != nil {
				return err
			}
			if err := w.Close(); err != nil {
				return err
			}
			_, err := w.Wait()
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestTrial holds what a test of an account says.
func TestTrial(t *testing.T) {
	t.Parallel()
	d := imaptest.Start(t, "")
	for name, tc := range map[string]struct {
		change func(*Config)
		want   Report
		kind   outbound.Kind
		code   string
	}{
		"good": {change: func(c *Config) { c.Folders = []string{"inbox", "Sent"} }, want: Report{
			Connected: true, LoggedIn: true, Listed: true, Folders: []string{"INBOX"}, Missing: []string{"Sent"}, Idles: true, Moves: true, Expunges: true,
		}},
		"wrong password": {
			change: func(c *Config) { c.Login.Password = password(t, "other") },
			want:   Report{Connected: true}, kind: outbound.Authentication, code: "AUTHENTICATIONFAILED",
		},
		"unknown authority": {change: func(c *Config) { c.Server.Roots = nil }, kind: outbound.Connection, code: outbound.DepthZeroSelfSigned},
		"TLS where there is none": {
			change: func(c *Config) { c.Server.Port = d.Server(t, outbound.STARTTLS).Port }, kind: outbound.Connection,
		},
		"in clear": { // dovecot takes loopback for secure
			change: func(c *Config) {
				c.Server = d.Server(t, outbound.STARTTLS)
				c.Server.Security = outbound.Plaintext
			},
			want: Report{Connected: true, LoggedIn: true, Listed: true, Folders: []string{"INBOX"}, Idles: true, Moves: true, Expunges: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := sales(t, d.Server(t, outbound.TLS))
			tc.change(&cfg)
			m := newMemory()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			got, err := start(t, m, nil).Test(ctx, cfg)
			if err != nil {
				t.Fatal(err)
			}
			f := got.Failure
			if (f == nil) != (tc.kind == "") || f != nil && (f.Kind != tc.kind || f.Code != tc.code) {
				t.Errorf("failure = %#v, want %s %s", f, tc.kind, tc.code)
			}
			if tc.want.LoggedIn && (got.TLS == "") != (name == "in clear") {
				t.Errorf("TLS = %q", got.TLS)
			}
			got.TLS, got.Failure = "", nil
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if len(m.events()) > 0 || slices.Contains(m.raws(), "x") {
				t.Errorf("a test tells %q", m.events())
			}
		})
	}
}

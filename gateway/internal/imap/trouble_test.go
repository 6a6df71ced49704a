package imap

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/imap/imaptest"
	"github.com/postern-mail/postern/gateway/internal/store"
)

// TestServerThatSendsNothing holds that no mail is passed over while the server sends none at all, however often it
// was asked, that it is not asked in a hurry, and that all come when it does.
func TestServerThatSendsNothing(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(s *folderServer, out bool){
		"NO":       func(s *folderServer, out bool) { s.outage = out },
		"not sent": func(s *folderServer, out bool) { s.silent = out },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := folderOf("UIDPLUS", 1, 2, 3)
			change(s, true)
			cfg := sales(t, serve(t, s.serve))
			cfg.Poll = time.Second
			g := start(t, newMemory(), nil, cfg)
			imaptest.Eventually(t, "rests", func() bool { return strings.Count(g.log.String(), "cannot be taken now") == 3 })
			s.mu.Lock()
			change(s, false)
			if s.lists > 30 {
				t.Errorf("%d lists", s.lists)
			}
			s.mu.Unlock()
			g.waitFor(t, 3)
			if diff := cmp.Diff([]uint32{1, 2, 3}, g.uids()); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(g.log.String(), "passed over") {
				t.Error("a mail was passed over")
			}
		})
	}
}

// TestUIDBehindMail holds that mails come from a server that sends their UIDs behind what they say, which it may.
func TestUIDBehindMail(t *testing.T) {
	t.Parallel()
	s := folderOf("UIDPLUS", 1, 2, 5, 9)
	s.uidLast = true
	cfg := sales(t, serve(t, s.serve))
	cfg.After.Act = AfterDelete // so that the numbers change
	g := start(t, newMemory(), nil, cfg)
	g.waitFor(t, 4)
	if diff := cmp.Diff([]uint32{1, 2, 5, 9}, g.uids()); diff != "" {
		t.Error(diff)
	}
	for i, raw := range g.raws() {
		if !strings.HasPrefix(raw, fmt.Sprintf("Message-ID: <%d@", g.uids()[i])) {
			t.Errorf("mail %d is %q", i, raw)
		}
	}
}

// TestServerWithoutUIDNext holds that nothing is passed over in a large folder whose server does not say which UID is
// next.
func TestServerWithoutUIDNext(t *testing.T) {
	t.Parallel()
	uids := make([]uint32, window+20)
	for i := range uids {
		uids[i] = uint32(i + 1)
	}
	s := folderOf("", uids...)
	s.noNext = true
	cfg := sales(t, serve(t, s.serve))
	cfg.Poll = time.Second
	m := newMemory()
	m.discard = true
	g := start(t, m, nil, cfg)
	g.waitFor(t, len(uids))
	s.mu.Lock()
	s.mails[window+21] = "Message-ID: <new>\r\n\r\nnew\r\n"
	s.mu.Unlock()
	g.waitFor(t, len(uids)+1)
	imaptest.Eventually(t, "the next UID", func() bool { return g.Status()[0].Folders[0].NextUID == window+22 })
}

// TestRejectedIsLeft holds that a mail that was rejected or passed over under a UIDVALIDITY that comes back is not done
// with on its server as one that was taken is.
func TestRejectedIsLeft(t *testing.T) {
	t.Parallel()
	s := folderOf("UIDPLUS", 5, 6)
	cfg := sales(t, serve(t, s.serve))
	cfg.After.Act = AfterDelete
	m := newMemory()
	m.fetched[place{"sales", "INBOX", 7, 5}] = store.Digest{}
	m.handled[place{"sales", "INBOX", 7, 5}] = true
	m.mailboxes[mailbox{"sales", "INBOX"}] = store.Mailbox{Account: "sales", Folder: "INBOX", UIDValidity: 8, NextUID: 6, Server: cfg.mailbox()}
	start(t, m, nil, cfg).waitFor(t, 1)
	imaptest.Eventually(t, "the other to be deleted", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.mails[6] == ""
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mails[5] == "" {
		t.Error("it was deleted, and never stored")
	}
}

// TestAnotherMailbox holds that an account that becomes that of another mailbox, with the same UIDVALIDITY, gets all
// of its mails, and that nothing is done there that was left to be done in the one before.
func TestAnotherMailbox(t *testing.T) {
	t.Parallel()
	a, b := folderOf("UIDPLUS", 1, 2, 3), folderOf("UIDPLUS", 2, 3, 4)
	for uid := range b.mails {
		b.mails[uid] = fmt.Sprintf("Message-ID: <other%d@x.test>\r\n\r\nbody\r\n", uid)
	}
	one, two := sales(t, serve(t, a.serve)), sales(t, serve(t, b.serve))
	m := newMemory()
	g := start(t, m, nil, one)
	g.waitFor(t, 3)
	g.stop()
	m.mu.Lock()
	m.handled[place{"sales", "INBOX", 7, 2}] = false // as a power cut leaves it
	m.mu.Unlock()
	two.After.Act = AfterDelete
	var left bool // whether each mail was there until it was taken
	m.refuse = func(string) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		left = len(b.mails) == 3
		return nil
	}
	g = start(t, m, nil, two)
	g.waitFor(t, 6)
	g.stop()
	if diff := cmp.Diff([]uint32{1, 2, 3, 2, 3, 4}, g.uids()); diff != "" || !left {
		t.Errorf("they were there: %v; %s", left, diff)
	}
}

// TestRestoredFolder holds that mails come that have UIDs for the second time, since their folder was put back to an
// earlier state, and that those that are known do not.
func TestRestoredFolder(t *testing.T) {
	t.Parallel()
	s := folderOf("UIDPLUS", 1, 2, 3, 4, 5)
	cfg := sales(t, serve(t, s.serve))
	cfg.Poll = time.Second
	g := start(t, newMemory(), nil, cfg)
	g.waitFor(t, 5)
	s.mu.Lock()
	delete(s.mails, 5)
	s.mails[4], s.next = "Message-ID: <new4>\r\n\r\nnew\r\n", 5
	s.mu.Unlock()
	g.waitFor(t, 6)
	if raws := g.raws(); len(raws) != 6 || !strings.Contains(raws[5], "new4") {
		t.Errorf("took %q", raws)
	}
	if log := g.log.String(); strings.Count(log, "an earlier state") != 1 {
		t.Errorf("log = %s", log)
	}
}

// TestRefusedAct holds that new mails come while the server refuses what is to be done to those that were taken, that
// it is not asked each time, and that it is with the next connection.
func TestRefusedAct(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]After{
		"seen":   {Act: AfterSeen},
		"move":   {Act: AfterMove, Folder: "Archive"},
		"delete": {Act: AfterDelete},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := folderOf("UIDPLUS", 1, 2, 3)
			s.full = true
			cfg := sales(t, serve(t, s.serve))
			cfg.After, cfg.Poll = after, time.Second
			m := newMemory()
			g := start(t, m, nil, cfg)
			for more := uint32(4); more < 6; more++ {
				g.waitFor(t, int(more)-1)
				s.mu.Lock()
				s.mails[more] = fmt.Sprintf("Message-ID: <%d>\r\n\r\nbody\r\n", more)
				s.mu.Unlock()
			}
			g.waitFor(t, 5)
			g.stop()
			if n := strings.Count(g.log.String(), "OVERQUOTA"); n != 1 {
				t.Errorf("the refusal is %d times in the log", n)
			}
			if events := g.events(); len(events) != 1 {
				t.Errorf("told %q", events)
			}
			s.mu.Lock()
			s.full = false
			s.mu.Unlock()
			start(t, m, nil, cfg)
			imaptest.Eventually(t, "all to be handled", func() bool {
				m.mu.Lock()
				defer m.mu.Unlock()
				return len(m.handled) == 5
			})
		})
	}
}

// TestNoFolderOpens holds that an account with several folders of which none can be opened has failed, and that one of
// which some can has not, and says so once.
func TestNoFolderOpens(t *testing.T) {
	t.Parallel()
	server := imapServer{answers: map[string]string{"SELECT": "TAG NO [UNAVAILABLE] no backend"}}
	cfg := sales(t, serve(t, server.serve))
	cfg.Folders, cfg.Poll = []string{"INBOX", "Spam"}, 100*time.Millisecond
	g := start(t, newMemory(), nil, cfg)
	g.waitForEvent(t, "sales: connection : SELECT INBOX: NO [UNAVAILABLE] no backend")
	g.stop()

	server = imapServer{caps: "IMAP4rev1", answers: map[string]string{"SELECT \"Spam\"": "TAG NO [NONEXISTENT] none", "SELECT Spam": "TAG NO [NONEXISTENT] none"}}
	var mu sync.Mutex
	rounds := 0
	server.commands = func(line string) {
		mu.Lock()
		defer mu.Unlock()
		if strings.Contains(line, "Spam") {
			rounds++
		}
	}
	cfg.Server = serve(t, server.serve)
	g = start(t, newMemory(), nil, cfg)
	imaptest.Eventually(t, "rounds", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return rounds > 3
	})
	if n := strings.Count(g.log.String(), "cannot be opened"); n != 1 || len(g.events()) != 1 {
		t.Errorf("%d times in the log, told %q", n, g.events())
	}
}

package imap

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/imap/imaptest"
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

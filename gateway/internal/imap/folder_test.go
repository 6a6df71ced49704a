package imap

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/imap/imaptest"
)

// folderServer is a server of one folder, for what dovecot does not do.
type folderServer struct {
	caps     string
	validity int

	mu       sync.Mutex
	mails    map[uint32]string
	flags    map[uint32]string
	copies   int
	lists    int
	deny     uint32 // NO is the answer where this is to be fetched
	withhold uint32 // it is listed, and not sent
	outage   bool   // NO is the answer where any is to be fetched
	uidLast  bool   // mails come with their UIDs behind what they say
	noNext   bool   // it does not say which UID is next
	silent   bool   // no mail that is listed is sent
	full     bool   // NO is the answer where something is to be done to mails
	next     uint32 // the UID that the next mail gets, at least
	lie      int    // so much smaller than it is a large mail is listed
}

func (s *folderServer) uids(from, to uint32) (list []uint32) {
	for uid := range s.mails {
		if uid >= from && uid <= to {
			list = append(list, uid)
		}
	}
	slices.Sort(list)
	return list
}

// named reads a set of UIDs, of which it returns those that are there.
func (s *folderServer) named(set string) (list []uint32) {
	for part := range strings.SplitSeq(set, ",") {
		first, last, ok := strings.Cut(part, ":")
		if !ok {
			last = first
		}
		from, _ := strconv.ParseUint(first, 10, 32)
		to, _ := strconv.ParseUint(last, 10, 32)
		list = append(list, s.uids(uint32(from), uint32(to))...)
	}
	return list
}

func (s *folderServer) serve(c net.Conn, lines *bufio.Reader) {
	w := bufio.NewWriterSize(c, 64<<10)
	fmt.Fprintf(w, "* OK [CAPABILITY %s] ready\r\n", s.caps)
	for w.Flush() == nil {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		words := strings.Fields(line)
		if len(words) < 2 {
			continue
		}
		command := words[1]
		if command == "UID" {
			command += " " + words[2]
		}
		status := "OK done"
		s.mu.Lock()
		all := s.uids(1, ^uint32(0))
		switch command {
		case "CAPABILITY":
			fmt.Fprintf(w, "* CAPABILITY %s\r\n", s.caps)
		case "SELECT":
			fmt.Fprintf(w, "* %d EXISTS\r\n* OK [UIDVALIDITY %d] x\r\n", len(all), s.validity)
			if len(all) > 0 {
				s.next = max(s.next, all[len(all)-1]+1)
			}
			if s.next > 0 && !s.noNext {
				fmt.Fprintf(w, "* OK [UIDNEXT %d] x\r\n", s.next)
			}
		case "FETCH":
			n, _ := strconv.Atoi(words[2])
			switch {
			case n > len(all):
				status = "BAD there is no such mail"
			case !strings.Contains(line, "BODY.PEEK[]"):
				fmt.Fprintf(w, "* %d FETCH (UID %d)\r\n", n, all[n-1])
			case s.outage:
				status = "NO [UNAVAILABLE] not now"
			case all[n-1] != s.withhold && !s.silent:
				s.send(w, n, all[n-1])
			}
		case "UID FETCH":
			wanted := s.named(words[3])
			body := strings.Contains(line, "BODY.PEEK[]")
			if !body {
				s.lists++
			}
			for i, uid := range wanted {
				if body && (uid == s.deny || s.outage) {
					status = "NO [SERVERBUG] broken"
					break
				}
				size := len(s.mails[uid])
				if size > s.lie {
					size -= s.lie
				}
				if !body {
					fmt.Fprintf(w, "* %d FETCH (UID %d RFC822.SIZE %d INTERNALDATE \"24-Nov-2026 18:00:00 +0000\")\r\n", i+1, uid, size)
				} else if uid != s.withhold && !s.silent {
					s.send(w, i+1, uid)
				}
			}
		case "UID STORE", "UID COPY", "UID EXPUNGE":
			if s.full {
				status = "NO [OVERQUOTA] it is full"
				break
			}
			s.act(command, words)
		case "EXPUNGE":
			status = "BAD it would expunge what others have marked"
		}
		s.mu.Unlock()
		if command == "IDLE" {
			fmt.Fprint(w, "+ idling\r\n")
			_ = w.Flush()
			if _, err := lines.ReadString('\n'); err != nil {
				return
			}
		}
		fmt.Fprintf(w, "%s %s\r\n", words[0], status)
	}
}

// act does something to mails. The caller holds mu.
func (s *folderServer) act(command string, words []string) {
	uids := s.named(words[3])
	for _, uid := range uids {
		switch command {
		case "UID STORE":
			s.flags[uid] += words[len(words)-1]
		case "UID COPY":
			s.copies++
		default:
			delete(s.mails, uid)
		}
	}
}

// send sends a mail. The caller holds mu.
func (s *folderServer) send(w io.Writer, number int, uid uint32) {
	body := fmt.Sprintf("BODY[] {%d}\r\n%s", len(s.mails[uid]), s.mails[uid])
	if s.uidLast {
		fmt.Fprintf(w, "* %d FETCH (%s UID %d)\r\n", number, body, uid)
		return
	}
	fmt.Fprintf(w, "* %d FETCH (UID %d %s)\r\n", number, uid, body)
}

// folderOf makes a server of mails by their UIDs.
func folderOf(caps string, uids ...uint32) *folderServer {
	s := &folderServer{caps: strings.TrimSpace("IMAP4rev1 " + caps), validity: 7, mails: make(map[uint32]string), flags: make(map[uint32]string)}
	for _, uid := range uids {
		s.mails[uid] = fmt.Sprintf("Message-ID: <%d@x.test>\r\n\r\nbody\r\n", uid)
	}
	return s
}

func (m *memory) uids() (list []uint32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range m.mails {
		list = append(list, t.Fetched.UID)
	}
	return list
}

// TestMailThatDoesNotCome holds that a mail that the server has and does not send is passed over after some
// tries, that the others come in their order, and that it stays where it is.
func TestMailThatDoesNotCome(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*folderServer){
		"NO":       func(s *folderServer) { s.deny = 3 },
		"not sent": func(s *folderServer) { s.withhold = 3 },
		"larger than it is listed": func(s *folderServer) {
			s.mails[3] = strings.Repeat("x", 60_000)
			s.lie = 59_000
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := folderOf("IDLE UIDPLUS", 1, 2, 3, 4, 5)
			change(s)
			cfg := sales(t, serve(t, s.serve))
			cfg.After.Act, cfg.MaxMessageSize = AfterDelete, 50_000
			g := start(t, newMemory(), nil, cfg)
			g.waitFor(t, 4)
			if diff := cmp.Diff([]uint32{1, 2, 4, 5}, g.uids()); diff != "" {
				t.Error(diff)
			}
			imaptest.Eventually(t, "the others to be deleted", func() bool {
				s.mu.Lock()
				defer s.mu.Unlock()
				return len(s.mails) == 1 && s.mails[3] != ""
			})
			if log := g.log.String(); strings.Count(log, "passed over") != 1 {
				t.Errorf("log = %s", log)
			}
		})
	}
}

// TestPlainServer holds that a server without MOVE, UIDPLUS and IDLE is polled, and that nothing is expunged
// there that others may have marked.
func TestPlainServer(t *testing.T) {
	t.Parallel()
	s := folderOf("", 1, 2)
	cfg := sales(t, serve(t, s.serve))
	cfg.After, cfg.Poll = After{Act: AfterMove, Folder: "Done"}, time.Second
	g := start(t, newMemory(), nil, cfg)
	g.waitFor(t, 2)
	s.mu.Lock()
	s.mails[3] = "Subject: 3\r\n\r\n"
	s.mu.Unlock()
	g.waitFor(t, 3)
	imaptest.Eventually(t, "the marks", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.copies == 3 && s.flags[3] == `(\Deleted)` && len(s.mails) == 3
	})
	imaptest.Eventually(t, "the warning", func() bool { return strings.Contains(g.log.String(), "has no UIDPLUS") })
}

// TestLargeFolder holds that a folder is listed in windows, whatever gaps are in its UIDs, and that the highest
// UID is the end.
func TestLargeFolder(t *testing.T) {
	t.Parallel()
	var uids []uint32
	for uid := uint32(10); len(uids) < 2*window; uid++ {
		if len(uids) == window {
			uid += 3_000_000_000
		}
		uids = append(uids, uid)
	}
	uids = append(uids, ^uint32(0)-1)
	s := folderOf("IDLE", uids...)
	m := newMemory()
	m.discard = true
	g := start(t, m, nil, sales(t, serve(t, s.serve)))
	g.waitFor(t, len(uids))
	if diff := cmp.Diff(uids, g.uids()); diff != "" {
		t.Errorf("%d mails: %s", g.count(), diff[:min(len(diff), 1000)])
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lists > 12 {
		t.Errorf("%d lists", s.lists)
	}
}

// TestSince holds that of the mails before the first connection those are not wanted that came too early, also
// when the folder is numbered anew; and those that come later are, whatever time they bear.
func TestSince(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		first First
		want  []uint32
	}{
		"later than the mails":   {first: First{Mode: FirstSince, Since: time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)}, want: []uint32{4, 14}},
		"earlier than the mails": {first: First{Mode: FirstSince, Since: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)}, want: []uint32{1, 2, 4, 14}},
		"new":                    {want: []uint32{4, 14}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := folderOf("", 1, 2)
			cfg := sales(t, serve(t, s.serve))
			cfg.First, cfg.Poll = tc.first, time.Second
			m := newMemory()
			g := start(t, m, nil, cfg)
			imaptest.Eventually(t, "the folder", func() bool { return len(g.Status()[0].Folders) == 1 })
			s.mu.Lock()
			s.mails[4] = "Message-ID: <4@x.test>\r\n\r\nbody\r\n"
			s.mu.Unlock()
			g.waitFor(t, len(tc.want)-1)
			g.stop()
			renumbered := folderOf("", 11, 12)
			renumbered.mails[11], renumbered.mails[12] = s.mails[1], s.mails[2]
			renumbered.validity = 8
			cfg.Server = serve(t, renumbered.serve)
			g = start(t, m, nil, cfg)
			imaptest.Eventually(t, "the folder", func() bool { return len(g.Status()[0].Folders) == 1 })
			renumbered.mu.Lock()
			renumbered.mails[14] = "Subject: 14\r\n\r\n"
			renumbered.mu.Unlock()
			g.waitFor(t, len(tc.want))
			if diff := cmp.Diff(tc.want, g.uids()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

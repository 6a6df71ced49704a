package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/store"
	"github.com/postern-mail/postern/gateway/internal/store/sqlite"
)

// traces are words of which each stands in one place of the message that is erased.
func traces() []string {
	return []string{"zaqwsxsubject", "zaqwsxsender", "zaqwsxhelo", "zaqwsxrecipient", "zaqwsxdocument", "zaqwsxstep", "zaqwsxanswer", "zaqwsxreport", "zaqwsxfield"}
}

// found returns the words that stand in the files of a database, in any case.
func found(t *testing.T, file string, words ...string) (list []string) {
	t.Helper()
	for _, name := range []string{file, file + "-wal", file + "-shm", file + "-journal"} {
		octets, err := os.ReadFile(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		octets = bytes.ToLower(octets)
		for _, word := range words {
			if bytes.Contains(octets, []byte(word)) {
				list = append(list, word+" in "+filepath.Base(name))
			}
		}
	}
	return list
}

// traced is a message that holds all of the traces once it was worked on.
func traced(n int, secret bool) store.NewMessage {
	m := message()
	m.ID = mail.NewMessageID(m.ReceivedAt.Add(time.Duration(n) * time.Millisecond))
	m.Body = mail.BodyRef(fmt.Sprint("file:", n))
	m.Deliveries[0].Recipient = fmt.Sprintf("somebody%d@acme.test", n)
	m.Deliveries[0].LogUntil = m.ReceivedAt.Add(2 * time.Hour)
	if secret {
		m.Envelope.ReversePath, m.Envelope.Session.HELO = "zaqwsxsender@example.com", "zaqwsxhelo"
		m.Deliveries[0].Recipient = "zaqwsxrecipient@acme.test"
		m.TraceField = "Received: zaqwsxfield"
		m.Reports = []mail.Report{{Engine: mail.Rspamd, Part: mail.WholeMail, Answer: []byte(`{"a":"zaqwsxreport"}`)}}
	}
	return m
}

// worked has deliveries worked on, twice: so that rows grow, and are written anew.
func worked(t *testing.T, db *sqlite.DB, secret mail.MessageID) {
	t.Helper()
	for round := range 2 {
		now := time.Now().Add(time.Duration(round) * time.Minute)
		jobs, err := db.Claim(t.Context(), store.Claim{
			Owner: "node", Now: now, Until: now.Add(time.Minute),
			Quotas: []store.Quota{{Endpoint: store.Endpoint{Tenant: "acme", Name: "desk"}, Max: 1000}},
		})
		if err != nil || len(jobs) == 0 {
			t.Fatalf("Claim = %d, %v", len(jobs), err)
		}
		for _, j := range jobs {
			id, _ := j.ID.Split()
			word := func(s string) string { return "ordinary" + s }
			if id == secret {
				word = func(s string) string { return "zaqwsx" + s }
			}
			r := store.Result{
				Lease: j.Lease, State: mail.Retrying, Due: now, Reason: "x",
				Attempt:  &mail.Attempt{Number: round + 1, At: now, Code: 500, Response: []byte(word("answer"))},
				Document: []byte(strings.Repeat(word("document")+" ", 20+int(j.Lease.Seq>>20)%30*40)),
				Subject:  "Re: " + strings.ToUpper(word("subject")) + fmt.Sprint(" ", round),
				Steps:    []mail.Step{{At: now, Name: word("step"), Detail: strings.Repeat("y", 50*round)}},
			}
			if round == 1 {
				r.State = mail.Delivered
			}
			if recorded, err := db.Finish(t.Context(), []store.Result{r}); err != nil || !recorded[0] {
				t.Fatalf("Finish = %v, %v", recorded, err)
			}
		}
	}
}

// TestEraseLeavesNothing deletes a message among others, and has the end of retention take
// another: of neither a word is left in the database's files.
func TestEraseLeavesNothing(t *testing.T) {
	t.Parallel()
	for name, erase := range map[string]func(context.Context, *sqlite.DB, mail.MessageID) error{
		"by an operator": func(ctx context.Context, db *sqlite.DB, id mail.MessageID) error {
			_, err := db.Delete(ctx, id)
			return err
		},
		"by the end of retention": func(ctx context.Context, db *sqlite.DB, _ mail.MessageID) error {
			for more := true; more; {
				out, err := db.Expire(ctx, time.Now().Add(3*time.Hour), 1000)
				if err != nil {
					return err
				}
				more = out.More || len(out.Bodies) > 0
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "postern.db")
			db := open(t, file)
			const messages = 300
			var secret mail.MessageID
			for n := range messages {
				m := traced(n, n == messages/2)
				if n == messages/2 {
					secret = m.ID
				}
				if err := db.Enqueue(t.Context(), []store.NewMessage{m}); err != nil {
					t.Fatal(err)
				}
			}
			worked(t, db, secret)
			if list := found(t, file, traces()...); len(list) < len(traces()) {
				t.Fatalf("before it is erased there are only %v", list)
			}
			if err := erase(t.Context(), db, secret); err != nil {
				t.Fatal(err)
			}
			if list := found(t, file, traces()...); len(list) > 0 {
				t.Errorf("of what was erased there is %v", list)
			}
			rows, err := db.List(t.Context(), store.Filter{Subject: "zaqwsxsubject", Limit: 1})
			if err != nil || len(rows) > 0 {
				t.Errorf("List = %v, %v", rows, err)
			}
		})
	}
}

// TestEraseBesideReader erases while somebody reads, who keeps the log from being emptied: the
// answer does not wait for him, nor does other work, and the log is emptied when he has ended.
func TestEraseBesideReader(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "postern.db")
	db := open(t, file)
	db.EmptyEach(time.Millisecond)
	m := traced(1, true)
	if err := db.Enqueue(t.Context(), []store.NewMessage{m}); err != nil {
		t.Fatal(err)
	}
	raw, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	reader, err := raw.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := reader.QueryRowContext(t.Context(), `SELECT count(*) FROM messages`).Scan(&n); n != 1 || err != nil {
		t.Fatalf("the reader sees %d messages, %v", n, err)
	}
	if _, err := db.Delete(t.Context(), m.ID); err != nil {
		t.Fatal(err)
	}
	if list := found(t, file, "zaqwsxsender"); len(list) == 0 {
		t.Fatal("the reader does not keep the log: the test shows nothing")
	}
	if err := db.Enqueue(t.Context(), []store.NewMessage{traced(2, false)}); err != nil {
		t.Fatal(err)
	}
	if err := reader.Rollback(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); len(found(t, file, "zaqwsxsender")) > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("what was erased is still there after the reader has ended")
		}
	}
}

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern-mail/postern/gateway/internal/smtpd/smtpclient"
)

// corpusMails lists the public mails beside the repository.
func corpusMails(t *testing.T) []string {
	t.Helper()
	root := filepath.Join(repository, "..", "shared", "corpus")
	var files []string
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err == nil && slices.Contains([]string{".eml", ".raw", ".fuzzy1"}, filepath.Ext(path)) {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) == 0 {
		t.Skip("the corpus of public mails is not beside the repository")
	}
	return files
}

// onTheWire gives the octets that an SMTP client sends for a file: every line
// end is CRLF, the last line has one too.
func onTheWire(content []byte) []byte {
	s := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(content))
	if !strings.HasSuffix(s, "\n") {
		s += "\n"
	}
	return []byte(strings.ReplaceAll(s, "\n", "\r\n"))
}

// TestCorpus sends every public mail by SMTP. Each is answered 250 and arrives
// as a webhook that the official library verifies, and the hash in it is that of
// the octets that were sent.
func TestCorpus(t *testing.T) {
	t.Parallel()
	files := corpusMails(t)
	rcv := newReceiver(t)
	rcv.keep = true
	g := serveIn(t, configuration(t, rcv.URL, ""))

	began := time.Now()
	var mu sync.Mutex
	sent := make(map[string][]byte) // by webhook-id
	var wg sync.WaitGroup
	for part := range slices.Chunk(files, (len(files)+7)/8) {
		wg.Go(func() {
			client, err := smtpclient.Dial(t.Context(), smtpclient.Config{Address: g.smtp()})
			if err != nil {
				t.Error(err)
				return
			}
			defer client.Close()
			for _, file := range part {
				content, err := os.ReadFile(file)
				if err != nil {
					t.Error(err)
					return
				}
				reply, err := client.Send(smtpclient.Mail{From: "corpus@example.com", To: []string{"any@acme.test"}, Body: bytes.NewReader(content)})
				_, id, queued := strings.Cut(reply, "queued as ")
				if err != nil || !queued {
					t.Errorf("%s: %q, %v", file, reply, err)
					continue
				}
				mu.Lock()
				sent[id+"_1"] = onTheWire(content)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	eventually(t, "all mails of the corpus", func() bool { return rcv.count() >= len(sent) })
	took := time.Since(began)

	for id, content := range sent {
		var payload struct {
			ID        string `json:"id"`
			Integrity struct {
				RawEmailHash string `json:"rawEmailHash"`
			} `json:"integrity"`
		}
		rcv.mu.Lock()
		got := rcv.byID[id]
		rcv.mu.Unlock()
		if got == nil {
			t.Errorf("%s did not arrive", id)
			continue
		}
		if err := json.Unmarshal(got.payload, &payload); err != nil {
			t.Errorf("%s: %v", id, err)
		}
		want := sha256.Sum256(content)
		if payload.ID != id || payload.Integrity.RawEmailHash != hex.EncodeToString(want[:]) {
			t.Errorf("%s: payload has id %s and rawEmailHash %s", id, payload.ID, payload.Integrity.RawEmailHash)
		}
	}
	rcv.check(t)
	g.stop(t)
	t.Logf("%d mails were accepted and %d delivered in %s", len(sent), rcv.count(), took.Round(time.Millisecond))
}

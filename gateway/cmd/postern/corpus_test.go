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

	"github.com/postern-mail/postern/gateway/internal/admin"
	"github.com/postern-mail/postern/gateway/internal/plugin/builtin"
	"github.com/postern-mail/postern/gateway/internal/smarthost/smtpclient"
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
	sent := sendCorpus(t, g, rcv, files)
	took := time.Since(began)
	for id, content := range sent {
		checkHash(t, rcv, id, content)
	}
	rcv.check(t)
	g.stop(t)
	t.Logf("%d mails were accepted and %d delivered in %s", len(sent), rcv.count(), took.Round(time.Millisecond))
}

// TestCorpusThroughPlugins sends every public mail through the default chain. No
// stage fails on any, and the trace says what each took.
func TestCorpusThroughPlugins(t *testing.T) {
	t.Parallel()
	needBuiltins(t)
	files := corpusMails(t)
	rcv := newReceiver(t)
	rcv.keep = true
	g := serveIn(t, configuration(t, rcv.URL, "", fourPlugins))
	began := time.Now()
	sent := sendCorpus(t, g, rcv, files)
	took := time.Since(began)

	// What is not scanned has no spam section; that of markdown depends on the mail.
	durations := make(map[string][]float64)
	client := admin.NewClient(g.Control)
	for id, content := range sent {
		checkHash(t, rcv, id, content)
		var m admin.Message
		var err error
		eventually(t, "the outcome of "+id, func() bool { // it is recorded after the receiver has it
			m, err = client.Message(t.Context(), id)
			return err != nil || m.Deliveries[0].State.Final()
		})
		if err != nil {
			t.Fatal(err)
		}
		var stages []string
		for _, step := range m.Deliveries[0].Trace {
			name, ok := strings.CutPrefix(step.Name, "stage ")
			if !ok {
				continue
			}
			stages = append(stages, name)
			durations[name] = append(durations[name], step.DurationMS)
			if step.Error != "" || step.Verdict != "" {
				t.Errorf("%s: stage %s: %s %s", id, name, step.Verdict, step.Error)
			}
		}
		if !slices.Equal(stages, builtin.Names()) {
			t.Errorf("%s: the stages were %v", id, stages)
		}
		checkClassified(t, rcv, id)
	}
	rcv.check(t)
	g.stop(t)
	t.Logf("%d mails were delivered through %d stages each in %s", rcv.count(), len(builtin.Names()), took.Round(time.Millisecond))
	for _, name := range builtin.Names() {
		list := durations[name]
		slices.Sort(list)
		t.Logf("stage %-8s  median %.1f ms, longest %.1f ms", name, list[len(list)/2], list[len(list)-1])
	}
}

func checkClassified(t *testing.T, rcv *receiver, id string) {
	t.Helper()
	var payload struct {
		Classification struct {
			Type       string   `json:"type"`
			Signals    []string `json:"signals"`
			Confidence string   `json:"confidence"`
		} `json:"classification"`
		Message struct {
			Content struct{ Text, HTML, Markdown *string } `json:"content"`
		} `json:"message"`
		Spam any `json:"spam"`
	}
	rcv.mu.Lock()
	defer rcv.mu.Unlock()
	if err := json.Unmarshal(rcv.byID[id].payload, &payload); err != nil {
		t.Errorf("%s: %v", id, err)
		return
	}
	c := payload.Classification
	if !slices.Contains([]string{"normal", "transactional", "marketing", "notification", "automated"}, c.Type) ||
		!slices.Contains([]string{"definite", "probable", "possible"}, c.Confidence) {
		t.Errorf("%s: classification = %+v", id, c)
	}
	content := payload.Message.Content
	if has := content.Text != nil || content.HTML != nil; has != (content.Markdown != nil) || payload.Spam != nil {
		t.Errorf("%s: it has text or HTML: %v, Markdown: %v; spam = %v", id, has, content.Markdown != nil, payload.Spam)
	}
}

// sendCorpus sends files by eight clients, waits until all are delivered, and
// returns what was sent by webhook-id.
func sendCorpus(t *testing.T, g *gateway, rcv *receiver, files []string) map[string][]byte {
	t.Helper()
	var mu sync.Mutex
	sent := make(map[string][]byte)
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
	return sent
}

// checkHash holds a payload to be that of the octets that were sent.
func checkHash(t *testing.T, rcv *receiver, id string, content []byte) {
	t.Helper()
	var payload struct {
		ID        string `json:"id"`
		Integrity struct {
			RawEmailHash string `json:"rawEmailHash"`
		} `json:"integrity"`
	}
	rcv.mu.Lock()
	defer rcv.mu.Unlock()
	got := rcv.byID[id]
	if got == nil {
		t.Errorf("%s did not arrive", id)
		return
	}
	if err := json.Unmarshal(got.payload, &payload); err != nil {
		t.Errorf("%s: %v", id, err)
	}
	want := sha256.Sum256(content)
	if payload.ID != id || payload.Integrity.RawEmailHash != hex.EncodeToString(want[:]) {
		t.Errorf("%s: payload has id %s and rawEmailHash %s", id, payload.ID, payload.Integrity.RawEmailHash)
	}
}

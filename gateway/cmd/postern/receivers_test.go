package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postern-mail/postern/gateway/internal/smarthost/smtpclient"
)

// TestForeignReceivers has real deliveries verified by programs that share no
// code with the gateway: the standardwebhooks package of npm, and the Python
// function of the product's payload reference.
func TestForeignReceivers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		program string
		file    string
		needs   string // a file that must be there, beside file
	}{
		"Node":   {program: "node", file: "receiver-node/receiver.mjs", needs: "node_modules/standardwebhooks"},
		"Python": {program: "python3", file: "receiver-python/receiver.py"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program, err := exec.LookPath(tc.program)
			if err != nil {
				missing(t, tc.program)
			}
			file := filepath.Join(repository, "examples", tc.file)
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), tc.needs)); err != nil {
				missing(t, fmt.Sprintf("%s; run npm ci in %s", tc.needs, filepath.Dir(file)))
			}
			testReceiver(t, program, file)
		})
	}
}

func testReceiver(t *testing.T, program, file string) {
	cmd := exec.CommandContext(t.Context(), program, file)
	cmd.Env = append(os.Environ(), "PORT=0", "WEBHOOK_SECRET="+testSecret, "PYTHONUNBUFFERED=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	var hello struct {
		Listening int `json:"listening"`
	}
	if !lines.Scan() || json.Unmarshal(lines.Bytes(), &hello) != nil || hello.Listening == 0 {
		t.Fatalf("the receiver says %q", lines.Text())
	}
	g := serveIn(t, configuration(t, fmt.Sprintf("http://127.0.0.1:%d/hooks", hello.Listening), ""))
	mails, err := filepath.Glob(filepath.Join(repository, "examples", "mails", "*.eml"))
	if err != nil || len(mails) == 0 {
		t.Fatalf("no example mails: %v", err)
	}
	client, err := smtpclient.Dial(t.Context(), smtpclient.Config{Address: g.smtp()})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	want := make(map[string]bool)
	for _, name := range mails {
		mail, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		reply, err := client.Send(smtpclient.Mail{From: "a@example.com", To: []string{"any@acme.test"}, Body: mail})
		_ = mail.Close()
		if err != nil {
			t.Fatal(err)
		}
		_, id, _ := strings.Cut(reply, "queued as ")
		want[id+"_1"] = true
	}
	for len(want) > 0 {
		var said struct {
			Verified bool   `json:"verified"`
			ID       string `json:"id"`
		}
		if !lines.Scan() || json.Unmarshal(lines.Bytes(), &said) != nil {
			t.Fatalf("the receiver says %q: %v", lines.Text(), lines.Err())
		}
		if !said.Verified || !want[said.ID] {
			t.Errorf("the receiver says %q", lines.Text())
		}
		delete(want, said.ID)
	}
	g.stop(t)
}

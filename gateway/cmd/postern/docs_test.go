package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/config"
	"github.com/postern-mail/postern/gateway/internal/queue"
	"github.com/postern-mail/postern/gateway/internal/smarthost/smtpclient"
)

// block returns the first fenced block of a language in a document.
func block(t *testing.T, file, language string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(repository, file))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(content), "```"+language+"\n")
	text, _, closed := strings.Cut(rest, "\n```")
	if !found || !closed {
		t.Fatalf("%s has no block of %s", file, language)
	}
	return text
}

// TestReadmeConfiguration loads what the README shows.
func TestReadmeConfiguration(t *testing.T) {
	t.Parallel()
	needBuiltins(t)
	file := filepath.Join(t.TempDir(), "postern.hcl")
	if err := os.WriteFile(file, []byte(block(t, "README.md", "hcl")), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(config.Options{Files: []string{file}, Environ: []string{"ACME_WEBHOOK_SECRET=" + testSecret}})
	if err != nil {
		t.Fatal(err)
	}
	parts, err := assemble(t.Context(), cfg, newPluginHost(compilationCache("")), nil, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	parts.close(t.Context())
	// The README's schedule is the queue's own, and the one that config fills in; so is the
	// bound of the backlog.
	if !slices.Equal(cfg.Delivery.Schedule, queue.DefaultSchedule()) {
		t.Errorf("schedule = %v, want %v", cfg.Delivery.Schedule, queue.DefaultSchedule())
	}
	if cfg.Delivery.MaxBacklog != queue.DefaultMaxBacklog {
		t.Errorf("max_backlog = %d, want %d", cfg.Delivery.MaxBacklog, queue.DefaultMaxBacklog)
	}
}

// TestExampleConfigurations loads every example with its plugins: their options too
// are right.
func TestExampleConfigurations(t *testing.T) {
	t.Parallel()
	needBuiltins(t)
	files, err := filepath.Glob(filepath.Join(repository, "configs", "*.hcl"))
	if err != nil || len(files) < 3 {
		t.Fatalf("%d configurations, %v", len(files), err)
	}
	for _, file := range files {
		cfg, err := config.Load(config.Options{Files: []string{file}, WithoutCredentials: true})
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		parts, err := assemble(t.Context(), cfg, newPluginHost(compilationCache("")), nil, io.Discard)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		parts.close(t.Context())
	}
}

// TestReadmePayload sends the README's mail and compares what comes with what the
// README shows: every field is there, in its order, and says the same but for
// ids, times and what "…" cuts.
func TestReadmePayload(t *testing.T) {
	t.Parallel()
	rcv := newReceiver(t)
	rcv.keep = true
	needBuiltins(t)
	g := serveIn(t, configuration(t, rcv.URL, "", fourPlugins))
	mail, err := os.Open(filepath.Join(repository, "examples", "mails", "invoice.eml"))
	if err != nil {
		t.Fatal(err)
	}
	defer mail.Close()
	client, err := smtpclient.Dial(t.Context(), smtpclient.Config{Address: g.smtp()})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.Send(smtpclient.Mail{From: "sender@example.com", To: []string{"support@acme.test"}, Body: mail}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the webhook", func() bool { return rcv.count() == 1 })
	g.stop(t)

	shown := block(t, "README.md", "json")
	var want, got any
	if err := json.Unmarshal([]byte(shown), &want); err != nil {
		t.Fatal(err)
	}
	for _, r := range rcv.byID {
		if err := json.Unmarshal(r.payload, &got); err != nil {
			t.Fatal(err)
		}
		if a, b := names(shown), names(string(r.payload)); !strings.HasPrefix(b, a[:strings.Index(a, "headers")]) {
			t.Errorf("names in the README are %s, in the payload %s", a, b)
		}
	}
	compare(t, "", want, got)
}

// names lists the names in a JSON text in order.
func names(text string) string {
	return strings.Join(regexp.MustCompile(`"\w+" ?:`).FindAllString(strings.ReplaceAll(text, `": `, `":`), -1), " ")
}

// compare holds that got has all of want.
func compare(t *testing.T, at string, want, got any) {
	t.Helper()
	switch want := want.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok || at != "" && len(object) != len(want) {
			t.Errorf("%s is %v, want the fields of %v", at, got, want)
			return
		}
		for name, value := range want {
			compare(t, at+"/"+name, value, object[name])
		}
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) < len(want) {
			t.Errorf("%s is %v, want %v", at, got, want)
			return
		}
		for i, value := range want {
			compare(t, at+"[]", value, list[i])
		}
	case string:
		text, ok := got.(string)
		before, _, cut := strings.Cut(want, "…")
		varies := at == "/id" || at == "/timestamp" || at == "/envelope/receivedAt" || at == "/envelope/alias"
		if !ok || !varies && (cut && !strings.HasPrefix(text, before) || !cut && text != want) {
			t.Errorf("%s is %v, want %q", at, got, want)
		}
	default:
		if want != got {
			t.Errorf("%s is %v, want %v", at, got, want)
		}
	}
}

// TestDocumentedPluginCommands runs the plugin verbs that documents show, as they
// stand, from the root of the repository.
func TestDocumentedPluginCommands(t *testing.T) {
	t.Parallel()
	needBuiltins(t)
	command := regexp.MustCompile(`(?m)^\.build/postern (plugin [^#\n]*)`)
	count := 0
	for _, file := range []string{"README.md", "plugins/README.md"} {
		content, err := os.ReadFile(filepath.Join(repository, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range command.FindAllSubmatch(content, -1) {
			count++
			cmd := exec.CommandContext(t.Context(), "postern", strings.Fields(string(m[1]))...)
			cmd.Dir = repository
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %s: %v\n%s", file, m[0], err, out)
			}
		}
	}
	if count < 4 {
		t.Errorf("%d commands were found", count)
	}
}

// TestDocumentedOperatorCommands runs the verbs of the README that ask a running gateway, in
// its order. The gateway has a mail that nobody takes.
func TestDocumentedOperatorCommands(t *testing.T) {
	t.Parallel()
	rcv := newReceiver(t)
	rcv.answer = func(int, string) int { return http.StatusServiceUnavailable }
	dir := configuration(t, rcv.URL, `schedule = ["0s", "1h"]`)
	g := serveIn(t, dir)
	client, err := smtpclient.Dial(t.Context(), smtpclient.Config{Address: g.smtp()})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.Send(smtpclient.Mail{From: "sender@example.com", To: []string{"support@acme.test"}, Body: strings.NewReader("Subject: Hello\r\n\r\nHi\r\n")}); err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(filepath.Join(repository, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Dir(g.Control)
	commands := regexp.MustCompile(`(?m)^\.build/(postern (?:message|queue|quarantine|verify|backup|restore).*)$`).FindAllSubmatch(readme, -1)
	if len(commands) < 12 {
		t.Errorf("%d commands were found", len(commands))
	}
	for _, m := range commands {
		cmd := exec.CommandContext(t.Context(), "sh", "-c", strings.NewReplacer(".build/development", data, ".build/", dir+"/").Replace(string(m[1])))
		cmd.Env = append(os.Environ(), dataDirVariable+"="+data)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", m[0], err, out)
		}
	}
}

// TestDocumentedFixture holds that the example's fixture is what "plugin fixture"
// makes of its mail, by the command of its README. The SDK's tests of the example read
// the file by plugintest.Load.
func TestDocumentedFixture(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(repository, "examples", "plugin-go-crm")
	readme, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^postern (plugin fixture .*) > (.*)$`).FindSubmatch(readme)
	if m == nil {
		t.Fatal("the README makes no fixture")
	}
	want, err := os.ReadFile(filepath.Join(dir, string(m[2])))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "postern", strings.Fields(string(m[1]))...)
	cmd.Dir = dir
	got, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Error(diff)
	}
}

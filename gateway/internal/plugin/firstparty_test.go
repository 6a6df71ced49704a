package plugin_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/plugin"
)

// TestFirstPartyPlugins builds the plugins that come with the gateway and runs them
// one after the other, each with what it is granted and no more.
func TestFirstPartyPlugins(t *testing.T) {
	t.Parallel()
	m := parsed(t)
	m.Scans = []mail.Report{{Engine: "rspamd", Part: -1, Answer: []byte(`{"action":"no action","score":2.5,"required_score":15,"symbols":{` +
		`"R_SPF_ALLOW":{"name":"R_SPF_ALLOW","score":-0.2,"options":["+ip4:192.0.2.1"]}},"messages":{}}`)}}
	doc := &document.Document{Root: document.Object(
		document.Member{Name: "message", Value: document.Object(
			document.Member{Name: "content", Value: document.Object(document.Member{Name: "html", Value: document.String("<p>html")})},
			document.Member{Name: "headers", Value: document.Array()},
		)},
	)}
	dir, err := cache()
	if err != nil {
		t.Fatal(err)
	}
	for _, stage := range []struct {
		name, options string
		grant, write  []string
	}{
		{"classify", `{}`, []string{"envelope", "headers", "body", "attachments", "payload"}, []string{"/classification"}},
		{"spam", `{"threshold":2}`, []string{"scans", "payload"}, []string{"/spam"}},
		{"markdown", `{}`, []string{"body", "payload"}, []string{"/message/content/markdown"}},
		{"payload", `{"omit":["/message/headers"],"constants":{"/source":"postern"}}`, []string{"payload"}, []string{""}},
	} {
		cfg := plugin.Config{
			Name: stage.name, Wasm: build(t, "../../../plugins/"+stage.name), Grant: stage.grant, Options: []byte(stage.options),
			Timeout: 30 * time.Second, Memory: 128 << 20, CacheDir: dir,
		}
		for _, s := range stage.write {
			p, err := document.ParsePointer(s)
			if err != nil {
				t.Fatal(err)
			}
			cfg.Write = append(cfg.Write, p)
		}
		res, err := load(t, cfg).Run(t.Context(), m, doc)
		if err != nil {
			t.Fatalf("%s: %v", stage.name, err)
		}
		doc = res.Document
	}
	var got struct {
		Classification struct {
			Type, Confidence string
			Signals          []string
		}
		Spam struct {
			IsSpam         bool
			Score          float64
			Authentication struct{ SPF struct{ Result string } }
		}
		Message struct {
			Headers any
			Content struct{ Markdown string }
		}
		Source string
	}
	if err := json.Unmarshal([]byte(asJSON(t, doc)), &got); err != nil {
		t.Fatal(err)
	}
	if got.Classification.Type == "" || got.Classification.Confidence == "" || len(got.Classification.Signals) == 0 {
		t.Errorf("classification = %+v", got.Classification)
	}
	if !got.Spam.IsSpam || got.Spam.Score != 2.5 || got.Spam.Authentication.SPF.Result != "pass" {
		t.Errorf("spam = %+v", got.Spam)
	}
	if got.Message.Content.Markdown != "html" || got.Message.Headers != nil || got.Source != "postern" {
		t.Errorf("message = %+v, source = %q", got.Message, got.Source)
	}
}

// build builds a plugin.
func build(t *testing.T, dir string) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "plugin.wasm")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w -buildid=", "-o", file, ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", dir, err, out)
	}
	wasm, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}

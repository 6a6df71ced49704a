package plugin_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	configuration "github.com/postern-mail/postern/gateway/internal/config"
	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/plugin"
)

const example = "../../../examples/plugin-go-crm"

// exampleConfig builds the plugin of the example and gives it what the example's
// own configuration does.
func exampleConfig(t *testing.T) plugin.Config {
	t.Helper()
	cfg, err := configuration.Load(configuration.Options{Files: []string{example + "/postern.hcl"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(cfg.Plugins) != 1 || filepath.Base(cfg.Plugins[0].File) != "acme-crm.wasm" {
		t.Fatalf("plugins = %+v, want acme-crm.wasm alone", cfg.Plugins)
	}
	dir, err := cache()
	if err != nil {
		t.Fatal(err)
	}
	p := cfg.Plugins[0]
	return plugin.Config{
		Name: p.Name, Wasm: build(t, example), Grant: p.Grant, Write: p.Write, Read: p.Read, Options: p.Options,
		Timeout: p.Timeout, Memory: uint64(p.Memory), CacheDir: dir,
	}
}

// TestExample runs the plugin of examples/plugin-go-crm as its README does.
func TestExample(t *testing.T) {
	t.Parallel()
	cfg := exampleConfig(t)
	d := deliver(t, "ticket.eml", readFile(t, example+"/ticket.eml"), "")
	res, err := load(t, cfg).Run(t.Context(), d.mail, d.document)
	if err != nil {
		t.Fatal(err)
	}
	before := decode[map[string]any](t, shown(t, d.document))
	after := decode[map[string]any](t, shown(t, res.Document))
	want := decode[any](t, `{"account":"acme","customer":"C-10042","ticket":4711}`)
	if diff := cmp.Diff(want, after["crm"]); diff != "" {
		t.Errorf("/crm: -want +got\n%s", diff)
	}
	delete(after, "crm")
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the rest of the payload has changed: -before +after\n%s", diff)
	}
	if res.Verdict != plugin.Continue || len(res.Log) != 0 {
		t.Errorf("verdict = %s, log = %+v", res.Verdict, res.Log)
	}

	// A stranger's header is not believed.
	forged := strings.Replace(string(d.raw), "C-10042", "C-1 OR 1=1", 1)
	d = deliver(t, "forged.eml", []byte(forged), "")
	if res, err = load(t, cfg).Run(t.Context(), d.mail, d.document); err != nil {
		t.Fatal(err)
	}
	after = decode[map[string]any](t, shown(t, res.Document))
	want = decode[any](t, `{"account":"acme","customer":null,"ticket":4711}`)
	if diff := cmp.Diff(want, after["crm"]); diff != "" {
		t.Errorf("/crm of a forged header: -want +got\n%s", diff)
	}
	if len(res.Log) != 1 || res.Log[0].Level != "warn" || !strings.Contains(res.Log[0].Message, "not used") {
		t.Errorf("log = %+v, want a warning", res.Log)
	}
}

// TestExampleNeedsItsGrants holds that the example's configuration grants nothing
// that could be left out.
func TestExampleNeedsItsGrants(t *testing.T) {
	t.Parallel()
	cfg := exampleConfig(t)
	if !slices.Equal(cfg.Grant, asksFor(t, cfg)) {
		t.Errorf("it is granted %v, and asks for %v", cfg.Grant, asksFor(t, cfg))
	}
	for i, name := range cfg.Grant {
		fewer := cfg
		fewer.Grant = slices.Delete(slices.Clone(cfg.Grant), i, i+1)
		want := fmt.Sprintf(`plugin "crm": module asks for %s, which it is not granted; where you trust it, write grant = [`, name)
		if _, err := plugin.Load(t.Context(), fewer); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("without %s: %v, want %s", name, err, want)
		}
	}
	d := deliver(t, "ticket.eml", readFile(t, example+"/ticket.eml"), "")
	elsewhere := cfg
	elsewhere.Write = []document.Pointer{{"other"}}
	res, err := load(t, elsewhere).Run(t.Context(), d.mail, d.document)
	if err == nil || err.Error() != "payload /crm: not granted" || res.Document != d.document {
		t.Errorf("with another place to write: %v", err)
	}
	nothing := cfg
	nothing.Options = []byte(`{}`)
	if _, err := plugin.Load(t.Context(), nothing); err == nil || !strings.HasPrefix(err.Error(), `plugin "crm": configure: account is missing`) {
		t.Errorf("without options: %v", err)
	}
}

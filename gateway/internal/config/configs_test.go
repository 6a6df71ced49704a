package config

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/config/schema"
)

const (
	configs    = "../../../configs"
	testSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	testDSN    = "postgres://postern:hunter2@db/postern"
)

// exampleSecrets is the environment that the examples want.
func exampleSecrets() []string {
	var environ []string
	for _, name := range []string{"EXAMPLE_WEBHOOK_SECRET", "ACME_DESK_SECRET", "ACME_ARCHIVE_SECRET", "ACME_OPS_SECRET", "ATTACHMENTS_SECRET"} {
		environ = append(environ, name+"="+testSecret)
	}
	for _, name := range []string{"ARCHIVE_PASSWORD", "SALES_PASSWORD", "MAIL_CLIENT_SECRET", "SUPPORT_REFRESH_TOKEN"} {
		environ = append(environ, name+"=hunter2")
	}
	return append(environ, "POSTERN_DSN="+testDSN, "S3_ACCESS_KEY_ID=postern", "S3_SECRET_ACCESS_KEY=hunter2")
}

// TestConfigs loads every example, as it stands.
func TestConfigs(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(configs + "/*.hcl")
	if err != nil || len(files) < 5 {
		t.Fatalf("found %d examples, %v", len(files), err)
	}
	for _, file := range files {
		// The certificates of production.hcl are on the machine that it is for.
		c, err := Load(Options{Files: []string{file}, Environ: exampleSecrets(), WithoutCredentials: filepath.Base(file) == "production.hcl"})
		if err != nil {
			t.Errorf("Load(%s):\n%v", file, err)
			continue
		}
		if len(c.Tenants) == 0 || len(c.Tenants[0].Aliases) == 0 {
			t.Errorf("%s delivers nothing", file)
		}
	}
}

// TestCluster holds that cluster.hcl is what three nodes need of it: one database, one
// bucket, and a name for each.
func TestCluster(t *testing.T) {
	t.Parallel()
	file := configs + "/cluster.hcl"
	first, err := Load(Options{Files: []string{file}, Environ: exampleSecrets()})
	if err != nil {
		t.Fatal(err)
	}
	second, err := Load(Options{Files: []string{file}, Environ: append(exampleSecrets(), "POSTERN_SERVER__HOSTNAME=mx2.example.com")})
	if err != nil {
		t.Fatal(err)
	}
	if first.Server.Hostname == second.Server.Hostname || !first.Store.Equal(second.Store) || !first.Bodies.Equal(second.Bodies) {
		t.Errorf("nodes have %+v, %+v, %+v and %+v, %+v, %+v", first.Server, first.Store, first.Bodies, second.Server, second.Store, second.Bodies)
	}
	if first.Store.Postgres.DSN.Text() != testDSN || first.Bodies.S3.SecretAccessKey.Text() != "hunter2" || first.Bodies.S3.AccessKeyID.Text() != "postern" {
		t.Errorf("store %+v, bodies %+v", first.Store.Postgres, first.Bodies.S3)
	}
	// A verb that asks where the data is has none of the secrets.
	without, err := Load(Options{Files: []string{file}, WithoutCredentials: true})
	if err != nil {
		t.Fatal(err)
	}
	if without.Server != first.Server || without.Store.Driver != "postgres" || !without.Store.Postgres.DSN.IsZero() || !without.Bodies.S3.SecretAccessKey.IsZero() {
		t.Errorf("without credentials: %+v, %+v, %+v", without.Server, without.Store, without.Bodies)
	}
}

// TestPlans holds that plans.hcl gives each plan what the table at its top says, and
// that its tenants have it.
func TestPlans(t *testing.T) {
	t.Parallel()
	c, err := Load(Options{Files: []string{configs + "/plans.hcl"}, Environ: exampleSecrets()})
	if err != nil {
		t.Fatal(err)
	}
	options := map[string]string{}
	for _, p := range c.Plugins {
		options[p.Name] = p.Builtin + string(p.Options)
	}
	got := map[string]string{}
	for _, tenant := range c.Tenants {
		// What a pipeline is in words: the plugins with their options.
		var stages []string
		for _, name := range tenant.Aliases[0].Pipeline {
			stages = append(stages, options[name])
		}
		p := tenant.Plan
		got[p.Name] = fmt.Sprintf("%s %s %d/%s %d %d/min %s viruses: %t, %s", schema.FormatDuration(p.Retention), schema.FormatDuration(p.LogRetention),
			p.Rate.Limit, schema.FormatDuration(p.Rate.Per), p.Rate.Burst, p.MaxPerMinute, strings.Join(stages, " "), tenant.VirusScan, tenant.VirusAction)
		if tenant.Spam != tenant.Plan.Spam || tenant.Spam.Reject == nil {
			t.Errorf("%s has %+v, its plan %+v", tenant.Name, tenant.Spam, tenant.Plan.Spam)
		}
	}
	want := map[string]string{
		"free":     `1h 90d 60/1h 1 0/min classify{} payload{"only":["/message","/classification/type"]} viruses: false, exclude`,
		"maker":    `1h 90d 600/1h 10 0/min classify{} spam{} markdown{} payload{"omit":["/security"]} viruses: false, exclude`,
		"business": `30d 90d 3000/1h 50 0/min classify{} spam{} markdown{} viruses: true, exclude`,
		"platform": `365d 365d 0/0s 0 10000/min classify{} spam{} markdown{} viruses: true, exclude`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("plans (-want +got):\n%s", diff)
	}
}

// TestProductionIsComplete holds that production.hcl, and accounts.hcl beside it, show each setting of each
// block, be it in a comment.
func TestProductionIsComplete(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile(configs + "/production.hcl")
	if err != nil {
		t.Fatal(err)
	}
	accounts, err := os.ReadFile(configs + "/accounts.hcl")
	if err != nil {
		t.Fatal(err)
	}
	src = append(src, accounts...)
	l := newLoader(Options{})
	wanted := map[string]int{} // how many blocks have a setting of that name
	var walk func(children []schema.Child)
	walk = func(children []schema.Child) {
		for _, c := range children {
			if !regexp.MustCompile(`(?m)^[# ]*` + c.Kind + ` .*\{$`).Match(src) {
				t.Errorf("the examples show no block %s", c.Kind)
			}
			if c.Kind == "plugin" && wanted["source"] > 0 {
				continue // that of a tenant is as that of all
			}
			labels := []string{"x"}
			if c.Kind == "scanner" { // whose settings depend on it
				labels = []string{rspamd, clamAV}
			}
			for _, label := range labels {
				b := c.Open(schema.Header{Label: label})
				for _, s := range b.Settings {
					wanted[s.Name]++
				}
				walk(b.Children)
			}
		}
	}
	walk(append(l.singles(), l.labelled()...))
	if len(wanted) < 20 {
		t.Fatalf("the schema has %d settings only", len(wanted))
	}
	for name, n := range wanted {
		shown := regexp.MustCompile(`(?m)^[# ]*`+name+` *= `).FindAll(src, -1)
		if len(shown) < n {
			t.Errorf("the examples show %s %d times, want %d", name, len(shown), n)
		}
	}
}

// TestProductionShowsDefaults holds that what production.hcl calls a default is
// one: taking those lines away changes nothing.
func TestProductionShowsDefaults(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile(configs + "/production.hcl")
	if err != nil {
		t.Fatal(err)
	}
	marked := regexp.MustCompile(`(?m)^ *\w+ *= .*# default($|;.*$)`)
	if n := len(marked.FindAll(src, -1)); n < 10 {
		t.Fatalf("only %d lines are marked as defaults", n)
	}
	without := marked.ReplaceAllString(string(src), "")
	file := filepath.Join(t.TempDir(), "production.hcl") // the same for both, since plugins keep their place
	if full, short := asJSON(t, loadText(t, file, string(src))), asJSON(t, loadText(t, file, without)); strings.ReplaceAll(full, `"AllowNetworks": []`, `"AllowNetworks": null`) != short {
		t.Errorf("production.hcl:\n%s\nwithout its defaults:\n%s", full, short)
	}
}

// TestProductionComments holds that the blocks which production.hcl shows in
// comments load too.
func TestProductionComments(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile(configs + "/production.hcl")
	if err != nil {
		t.Fatal(err)
	}
	commented := regexp.MustCompile(`(?m)^# \w+ .*\{\n(?:#.*\n)*?# \}$`)
	text := commented.ReplaceAllStringFunc(string(src), func(block string) string {
		return regexp.MustCompile(`(?m)^# ?`).ReplaceAllString(block, "")
	})
	dir := t.TempDir()
	c := loadText(t, filepath.Join(dir, "production.hcl"), text)
	if c.Inspector == nil || len(c.Plugins) != 5 {
		t.Fatalf("inspector %v, %d plugins", c.Inspector, len(c.Plugins))
	}
	crm := c.Plugins[3]
	if want := filepath.Join(dir, "plugins/acme-crm.wasm"); crm.File != want || len(crm.Read) != 2 {
		t.Errorf("plugin %+v, want file %s and two pointers to read", crm, want)
	}
	if want := `{"account":"acme","tags":{"sales@acme.example":["lead","new"],"jobs@acme.example":null}}`; string(crm.Options) != want {
		t.Errorf("options = %s, want %s", crm.Options, want)
	}
}

// TestReadmeSources loads what the README shows of sources and signers.
func TestReadmeSources(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(configs + "/README.md")
	if err != nil {
		t.Fatal(err)
	}
	minimal, err := os.ReadFile(configs + "/minimal.hcl")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "\n## Where plugins come from\n")
	_, block, _ := strings.Cut(section, "```hcl\n")
	block, _, _ = strings.Cut(block, "```\n")
	c := loadText(t, filepath.Join(t.TempDir(), "sources.hcl"), string(minimal)+block)
	if n := len(c.Plugins); len(c.Signers) != 1 || n < 2 || c.Plugins[n-2].URL == "" || c.Plugins[n-2].SignedBy != "acme" || c.Plugins[n-1].OCI == "" {
		t.Errorf("%+v, %+v", c.Signers, c.Plugins)
	}
}

// loadText loads a variant of an example.
func loadText(t *testing.T, file, text string) *Config {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(Options{Files: []string{file}, Environ: exampleSecrets(), WithoutCredentials: true})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	contract, err := os.ReadFile("../../../wit/plugin.wit")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, imported := range regexp.MustCompile(`(?m)^ +import ([a-z-]+);`).FindAllStringSubmatch(string(contract), -1) {
		if imported[1] != "log" {
			want = append(want, imported[1])
		}
	}
	if diff := cmp.Diff(want, Permissions()); diff != "" {
		t.Errorf("permissions (-contract +got):\n%s", diff)
	}
}

// TestReadmeBlocks loads each configuration that configs/README.md shows, with what that
// leaves out.
func TestReadmeBlocks(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(configs + "/README.md")
	if err != nil {
		t.Fatal(err)
	}
	const around = `
server {
  hostname = "mx.example.com"
  data_dir = "data"
}
listener "mx" { address = ":2525" }
`
	blocks := regexp.MustCompile("(?s)```hcl\n(.*?)\n```").FindAllStringSubmatch(string(text), -1)
	if len(blocks) < 5 {
		t.Fatalf("there are %d blocks", len(blocks))
	}
	for _, block := range blocks {
		full := around + block[1]
		for _, scanner := range []string{`scanner "rspamd" { url = "http://127.0.0.1:11333" }`, `scanner "clamav" { address = "127.0.0.1:3310" }`} {
			if !strings.Contains(full, "\n"+scanner[:16]) {
				full += "\n" + scanner
			}
		}
		c := loadText(t, filepath.Join(t.TempDir(), "postern.hcl"), full+"\n")
		if strings.Contains(block[1], "shadow") && (c.Tenants[0].Plugins[0].Shadow == nil || c.Tenants[0].Plugins[0].ShadowValues) {
			t.Errorf("the shadow is %+v", c.Tenants[0].Plugins[0])
		}
	}
}

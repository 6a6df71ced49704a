package config

import (
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/postern-mail/postern/gateway/internal/config/syntax"
)

// TestHostileFiles feeds what the syntax lets through, and the schema is to bound.
// The other half of the attacks stands in config/syntax.
func TestHostileFiles(t *testing.T) {
	t.Parallel()
	const n = 100_000
	repeat := strings.Repeat
	for name, c := range map[string]struct{ src, want string }{
		"labels":        {"listener " + repeat("b ", n) + "{\n}\n", "listener takes one name only"},
		"long name":     {repeat("a", n) + " = 1\n", `no setting "` + repeat("a", 64) + `…"`},
		"long label":    {"tenant \"" + repeat("a", n) + "\" {\n}\n", `tenant name "` + repeat("a", 64) + `…"`},
		"long list":     {"delivery {\n  allow_ports = [" + repeat("1,", 10_000) + "1]\n}\n", "at most 10000 are allowed"},
		"huge exponent": {"delivery {\n  concurrency = 1e999999999\n}\n", "the number is out of range"},
		"long DSN":      {"store {\n  driver = \"postgres\"\n  dsn = \"" + repeat("hunter2", n) + "\"\n}\n", "the DSN is longer than 4096 octets"},
		"long driver":   {"bodies {\n  driver = \"" + repeat("a", n) + "\"\n}\n", "the value is longer than 4096 octets"},
		"long prefix":   {"bodies {\n  prefix = \"" + repeat("a/", 100) + "a\"\n}\n", "is no prefix of keys"},
		"long bucket":   {"bodies {\n  bucket = \"" + repeat("a", 64) + "\"\n}\n", "is no name of a bucket"},
		"long rate":     {"plan \"a\" {\n  rate = \"" + repeat("7", n) + "/h\"\n}\n", "want a rate from 1 to 100000000"},
		"long unit":     {"plan \"a\" {\n  rate = \"7/" + repeat("h", n) + "\"\n}\n", "is no rate"},
		"indexes":       {"delivery {\n  concurrency = a" + repeat("[0]", n) + "\n}\n", "expressions are not evaluated here"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "x.hcl")
			if err := os.WriteFile(file, []byte(c.src), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Load(Options{Files: []string{file}})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Load = %.500v, want %q", err, c.want)
			}
			if err != nil && len(err.Error()) > syntax.MaxProblems*1000 {
				t.Errorf("the problems have %d octets", len(err.Error()))
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("a problem shows a secret: %.500v", err)
			}
		})
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing.hcl")
	_, err := Load(Options{Files: []string{missing, dir, missing}})
	want := missing + ": read configuration: open " + missing + ": no such file or directory\n" +
		missing + ": the file is given twice\n" +
		dir + ": read configuration: read " + dir + ": is a directory"
	if err == nil || err.Error() != want {
		t.Errorf("Load =\n%v\nwant\n%s", err, want)
	}
	if _, err := Load(Options{}); err == nil || !strings.Contains(err.Error(), "no listener block") {
		t.Errorf("Load of nothing = %v", err)
	}
}

// TestProblemsAreCapped has one mistake in each of many blocks.
func TestProblemsAreCapped(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "x.hcl")
	src := "server {\n  hostname = \"a\"\n  data_dir = \"a\"\n}\nlistener \"a\" {\n  address = \":1\"\n}\n" + strings.Repeat("lisener {\n}\n", 250)
	if err := os.WriteFile(file, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Load(Options{Files: []string{file}})
	ps, _ := err.(Problems) //nolint:errorlint // Load promises the type itself
	if len(ps) != syntax.MaxProblems+1 || ps[syntax.MaxProblems].Error() != "and 150 more" {
		t.Fatalf("%d problems, the last is %v", len(ps), ps[len(ps)-1])
	}
	if want := file + `:8:1: no block "lisener"; did you mean "listener"?`; ps[0].Error() != want {
		t.Errorf("the first is %v, want %s", ps[0], want)
	}
}

// FuzzLoad holds that no file makes the loader panic or hang, and that what it
// accepts is usable.
func FuzzLoad(f *testing.F) {
	cases, err := filepath.Glob("testdata/cases/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	examples, err := filepath.Glob(configs + "/*.hcl")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range cases {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		var src []byte // all files as one
		for _, part := range archive.Files {
			if strings.HasSuffix(part.Name, ".hcl") {
				src = append(src, part.Data...)
			}
		}
		f.Add(src, "3s")
	}
	for _, file := range examples {
		src, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src, "3s")
	}
	f.Fuzz(func(t *testing.T, src []byte, env string) {
		file := filepath.Join(t.TempDir(), "x.hcl")
		if err := os.WriteFile(file, src, 0o600); err != nil {
			t.Fatal(err)
		}
		environ := append(exampleSecrets(), "POSTERN_DELIVERY__TIMEOUT="+env, "POSTERN_DELIVERY__SCHEDULE="+env)
		c, err := Load(Options{Files: []string{file}, Environ: environ})
		if (c == nil) == (err == nil) {
			t.Fatalf("Load = %v, %v", c, err)
		}
		if err != nil {
			return
		}
		if r := c.Scanners.Rspamd; r != nil && (r.URL == "" || strings.HasSuffix(r.URL, "/")) {
			t.Errorf("rspamd %+v", r)
		}
		if a := c.Scanners.ClamAV; a != nil && a.Network != "tcp" && (a.Network != "unix" || !filepath.IsAbs(a.Address)) {
			t.Errorf("clamav %+v", a)
		}
		for _, p := range c.AllPlugins() {
			if !json.Valid(p.Options) || p.Options[0] != '{' {
				t.Errorf("plugin %+v", p)
			}
			checkSource(t, c, p)
		}
		checkStore(t, c)
		for _, p := range c.Plans {
			checkPlan(t, p)
		}
		for _, tenant := range c.Tenants {
			checkPlan(t, tenant.Plan)
			checkPipelines(t, c, tenant)
			checkScreening(t, c.Scanners, tenant)
			for _, e := range tenant.Endpoints {
				if e.Secret.IsZero() == (e.Type == TypeWebhook) {
					t.Errorf("%s has no secret", e.Name)
				}
				checkRate(t, e.Rate)
			}
		}
	})
}

// checkSource holds that a plugin has one source, which cannot change behind the
// operator's back where others have it, and that its signer is known.
func checkSource(t *testing.T, c *Config, p Plugin) {
	t.Helper()
	said := 0
	for _, s := range []string{p.Builtin, p.File, p.URL, p.OCI} {
		if s != "" {
			said++
		}
	}
	switch {
	case said != 1:
		t.Errorf("plugin %+v has %d sources", p, said)
	case p.URL != "" && (p.SHA256 == "" || !strings.HasPrefix(p.URL, "https://")), p.OCI != "" && !strings.Contains(p.OCI, "@sha256:"):
		t.Errorf("plugin %+v is not pinned", p)
	case p.SignedBy != "" && !slices.ContainsFunc(c.Signers, func(s Signer) bool { return s.Name == p.SignedBy }):
		t.Errorf("plugin %+v is signed by nobody", p)
	case p.Signature != Source{} && (p.SignedBy == "" || p.Signature.File == "" && p.Signature.URL == ""):
		t.Errorf("plugin %+v has a signature that nobody asks for, or that is no file", p)
	}
}

// checkStore holds that a driver has what it needs, and no other's.
func checkStore(t *testing.T, c *Config) {
	t.Helper()
	p := c.Store.Postgres
	switch c.Store.Driver {
	case "sqlite":
		if p != nil || c.Bodies.Driver == "database" {
			t.Errorf("SQLite has %+v, and bodies in %+v", p, c.Bodies)
		}
	case "postgres":
		if p == nil || p.DSN.IsZero() || p.MaxConnections < 1 {
			t.Errorf("PostgreSQL has %+v", p)
		}
	default:
		t.Errorf("store %+v", c.Store)
	}
	switch s := c.Bodies.S3; {
	case c.Bodies.Driver != "s3":
		if s != nil || c.Bodies.Driver != "files" && c.Bodies.Driver != "database" {
			t.Errorf("bodies %+v", c.Bodies)
		}
	case s == nil || s.Endpoint == "" || strings.HasSuffix(s.Endpoint, "/") || len(s.Bucket) < 3 || s.Region == "" || s.AccessKeyID.IsZero() || s.SecretAccessKey.IsZero(),
		path.Join("/", s.Prefix)[1:] != s.Prefix:
		t.Errorf("S3 %+v", s)
	}
}

// checkPlan holds that nothing outlives what it needs.
func checkPlan(t *testing.T, p Plan) {
	t.Helper()
	if p.Retention < time.Hour || p.PayloadRetention < time.Hour || p.PayloadRetention > p.Retention ||
		p.QuarantineRetention < time.Hour || p.LogRetention < max(p.Retention, p.QuarantineRetention) || p.MaxPerMinute < 0 {
		t.Errorf("plan %+v", p)
	}
	checkRate(t, p.Rate)
}

// checkRate holds that a rate bounds, and is no dam.
func checkRate(t *testing.T, r Rate) {
	t.Helper()
	if r != (Rate{}) && (r.Limit < 1 || r.Limit > maxRate || r.Burst < 1 || r.Burst > maxRate || r.Per < time.Second) {
		t.Errorf("rate %+v", r)
	}
}

// FuzzRate holds that what is read as a rate is written as one.
func FuzzRate(f *testing.F) {
	for _, text := range []string{"3000/h", "1/s", "60/m", "60/min", "100000000/d", "100000001/d", "0/h", "-1/h", "1e3/h", "1_000/h", "/", "3000", "99999999999999999999/s", "1/h/h", "1/hunter2"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v := syntax.Value{Data: text, At: syntax.Place{File: "x.hcl", Line: 1, Column: 1}}
		r, ps := rate(v)
		if (r == Rate{}) != (ps != nil) {
			t.Fatalf("rate(%q) = %+v, %v", text, r, ps)
		}
		if ps != nil {
			if len(ps.Error()) > 500 {
				t.Errorf("the problem has %d octets", len(ps.Error()))
			}
			return
		}
		number, unit, _ := strings.Cut(text, "/")
		if want := strconv.Itoa(r.Limit) + "/" + unit; strings.TrimLeft(number, "0")+"/"+unit != want {
			t.Errorf("rate(%q) = %+v", text, r)
		}
		said := rateSaid{rate: v}
		if ps := said.finish(&r); ps != nil {
			t.Errorf("finish = %v", ps)
		}
		checkRate(t, r)
	})
}

// checkPipelines holds that a tenant's pipelines are there, and name plugins.
func checkPipelines(t *testing.T, c *Config, tenant Tenant) {
	t.Helper()
	pipelines := [][]string{tenant.Plan.Pipeline, tenant.Pipeline}
	for _, a := range tenant.Aliases {
		pipelines = append(pipelines, a.Pipeline)
	}
	for _, pipeline := range pipelines {
		if pipeline == nil {
			t.Errorf("tenant %s has a pipeline that is nil", tenant.Name)
		}
		for _, name := range pipeline {
			if !slices.ContainsFunc(c.AllPlugins(), func(p Plugin) bool { return p.Key() == name && (p.Tenant == "" || p.Tenant == tenant.Name) }) {
				t.Errorf("tenant %s has a pipeline with %q, which is no plugin", tenant.Name, name)
			}
		}
	}
}

// checkScreening holds that what a tenant asks of scanners can be done.
func checkScreening(t *testing.T, s Scanners, tenant Tenant) {
	t.Helper()
	if tenant.VirusScan && s.ClamAV == nil || tenant.Spam != (SpamPolicy{}) && s.Rspamd == nil {
		t.Errorf("tenant %s asks for a scanner that is not there", tenant.Name)
	}
	if !slices.Contains([]string{"exclude", "reject", "quarantine"}, tenant.VirusAction) {
		t.Errorf("tenant %s has the virus action %q", tenant.Name, tenant.VirusAction)
	}
	for _, threshold := range []*float64{tenant.Spam.Tag, tenant.Spam.Quarantine, tenant.Spam.Defer, tenant.Spam.Reject} {
		if threshold != nil && !(-1000 <= *threshold && *threshold <= 1000) { // so that NaN is none
			t.Errorf("tenant %s has the threshold %g", tenant.Name, *threshold)
		}
	}
}

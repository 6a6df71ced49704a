package main

import (
	"crypto/sha256"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/artifact"
	"github.com/postern-mail/postern/gateway/internal/artifact/artifacttest"
)

// publisher offers the probe, signed: in a folder, on a server, and in a registry.
type publisher struct {
	dir         string // with probe.wasm, probe.wasm.minisig and acme.pub
	server      *httptest.Server
	registry    *artifacttest.Registry
	url, oci    string // sources
	unsigned    string // an artifact without a signature
	sha256      string
	acme, other artifacttest.Signer
	env         []string // of programs that trust the server
}

func publish(t *testing.T) *publisher {
	t.Helper()
	guest, err := probe()
	if err != nil {
		t.Fatal(err)
	}
	p := &publisher{
		dir: t.TempDir(), sha256: fmt.Sprintf("%x", sha256.Sum256(guest)),
		acme: artifacttest.NewSigner(t), other: artifacttest.NewSigner(t), registry: artifacttest.NewRegistry(t, nil),
	}
	p.server = httptest.NewTLSServer(http.FileServer(http.Dir(p.dir)))
	t.Cleanup(p.server.Close)
	p.url = p.server.URL + "/probe.wasm"
	signature := p.acme.Sign(guest)
	for name, octets := range map[string][]byte{
		"probe.wasm": guest, "probe.wasm.minisig": signature, "acme.pub": []byte("untrusted comment: of a test\n" + p.acme.PublicKey + "\n"),
		"root.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.server.Certificate().Raw}),
	} {
		if err := os.WriteFile(filepath.Join(p.dir, name), octets, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	wasm := artifacttest.Part{MediaType: "application/wasm", Octets: guest}
	p.oci = "oci://" + p.registry.Push(t, wasm, artifacttest.Part{MediaType: artifact.SignatureType, Octets: signature})
	p.unsigned = "oci://" + p.registry.Push(t, wasm)
	p.env = append(os.Environ(), "TEST_WEBHOOK_SECRET="+testSecret, "SSL_CERT_FILE="+filepath.Join(p.dir, "root.pem"), "DOCKER_CONFIG="+p.dir)
	return p
}

// run runs postern, and gives what it says and its exit code.
func (p *publisher) run(t *testing.T, env []string, args ...string) (out string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "postern", args...)
	cmd.Dir, cmd.Env = p.dir, append(append([]string{}, p.env...), env...)
	got, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	// A line about what takes its time comes where it does.
	return regexp.MustCompile(`(?m)^postern: (compiling|fetching) plugins;.*\n`).ReplaceAllString(string(got), ""), cmd.ProcessState.ExitCode()
}

// blocks are the probe from each of its places, and who has to have signed it.
func (p *publisher) blocks() []string {
	const rest = `
  grant     = ["envelope", "headers", "body", "attachments", "raw", "scans", "payload", "disposition"]
  write     = ["/probe"]
  signed_by = "acme"
  options {
    do = "talk"
  }
}
`
	return []string{
		fmt.Sprintf("signer \"acme\" {\n  public_key_file = %q\n}\n", filepath.Join(p.dir, "acme.pub")),
		fmt.Sprintf("plugin \"read\" {\n  source = \"file:%s\"", filepath.Join(p.dir, "probe.wasm")) + rest,
		fmt.Sprintf("plugin \"fetched\" {\n  source = %q\n  sha256 = %q", p.url, p.sha256) + rest,
		fmt.Sprintf("plugin \"pulled\" {\n  source = %q", p.oci) + rest,
	}
}

// TestSources loads a plugin from everywhere, and again when nobody is there any more.
func TestSources(t *testing.T) {
	t.Parallel()
	p := publish(t)
	dir := configuration(t, "https://desk.example/hooks", "", p.blocks()...)
	file := filepath.Join(dir, "postern.hcl")
	cache := "POSTERN_CACHE_DIR=" + filepath.Join(dir, "kept")
	for _, offline := range []bool{false, true} {
		if offline {
			p.server.Close()
			p.registry.Close()
		}
		if out, code := p.run(t, []string{cache}, "check", "-c", file); code != 0 || !strings.Contains(out, "The configuration is right: 1 listener, 3 plugins") {
			t.Fatalf("offline %t: %d, %s", offline, code, out)
		}
		mail, err := filepath.Abs(filepath.Join(repository, "examples", "mails", "plain.eml"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"read", "fetched", "pulled"} {
			if out, code := p.run(t, []string{cache}, "plugin", "run", "-c", file, name, mail); code != 0 || !strings.Contains(out, p.sha256) {
				t.Errorf("offline %t: run %s: %d, %s", offline, name, code, out)
			}
		}
	}

	// A gateway starts with what check has kept, and drops what nobody asks for.
	modules := filepath.Join(dir, "data", "cache", "modules")
	if err := os.MkdirAll(filepath.Dir(modules), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "kept", "modules"), modules); err != nil {
		t.Fatal(err)
	}
	stray := filepath.Join(modules, strings.Repeat("0", 64))
	if err := os.WriteFile(stray, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	g := serveIn(t, dir, cacheVariable+"=")
	// It is pruned before the gateway says that it is ready.
	if _, err := os.Stat(stray); err == nil {
		t.Error("a module that no block names was kept")
	}
	// The module, its signature from the server and that from the registry, and the
	// manifest.
	if entries, err := os.ReadDir(modules); err != nil || len(entries) != 4 {
		t.Errorf("%v are kept, %v", entries, err)
	}
	g.stop(t)
}

// TestSourcesWrong says what is wrong with each block, and loads none.
func TestSourcesWrong(t *testing.T) {
	t.Parallel()
	p := publish(t)
	pin := strings.Repeat("0", 64)
	plugin := func(name, source, more string) string {
		return fmt.Sprintf("plugin %q {\n  source = %q\n  %s\n}\n", name, source, more)
	}
	unsigned := filepath.Join(p.dir, "unsigned.wasm")
	if err := os.WriteFile(unsigned, []byte("\x00asm\x01\x00\x00\x00"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := configuration(t, "https://desk.example/hooks", "",
		fmt.Sprintf("signer \"acme\" {\n  public_key = %q\n}\n", p.acme.PublicKey),
		fmt.Sprintf("signer \"globex\" {\n  public_key = %q\n}\n", p.other.PublicKey),
		"signer \"broken\" {\n  public_key = \"RWhunter2\"\n}\n",
		plugin("another", p.url, `sha256 = "`+pin+`"`),
		plugin("gone", p.server.URL+"/gone.wasm?token=hunter2", `sha256 = "`+pin+`"`),
		plugin("stranger", p.url, `sha256 = "`+p.sha256+"\"\n  signed_by = \"globex\""),
		plugin("unsigned", "file:"+unsigned, `signed_by = "acme"`),
		plugin("unsigned_oci", p.unsigned, `signed_by = "acme"`),
		plugin("gone_oci", strings.Split(p.oci, "@")[0]+"@sha256:"+pin, ""),
		plugin("keyless", "file:"+unsigned, `signed_by = "broken"`),
		plugin("greedy", p.oci, `signed_by = "acme"`),
	)
	out, code := p.run(t, nil, "check", "-c", filepath.Join(dir, "postern.hcl"))
	if code != 2 || strings.Contains(out, "hunter2") {
		t.Errorf("exit code %d", code)
	}
	for from, to := range map[string]string{
		dir + "/": "", p.dir + "/": "", p.server.URL: "https://SERVER", p.registry.Host(): "REGISTRY",
		p.sha256: "HASH", p.acme.ID: "ACME", p.other.ID: "GLOBEX",
		p.unsigned[strings.Index(p.unsigned, "@"):]: "@UNSIGNED", pin: "PIN",
	} {
		out = strings.ReplaceAll(out, from, to)
	}
	want := `postern.hcl:31:17: signer "broken": that is no public key of minisign; it begins with RW and has 56 characters
postern.hcl:33:8: plugin "another": https://SERVER/probe.wasm is not the module that sha256 pins: its SHA-256 is HASH; look at what has changed before you pin that
postern.hcl:37:8: plugin "gone": fetch https://SERVER/gone.wasm?…: the server answers 404 Not Found; look whether it is still there, and by this name
postern.hcl:41:8: plugin "stranger": it needs a signature by "globex", key GLOBEX: https://SERVER/probe.wasm.minisig is one by another key, ACME
postern.hcl:46:8: plugin "unsigned": it needs a signature by "acme", key ACME: there is no file unsigned.wasm.minisig; minisign -S makes it
postern.hcl:50:8: plugin "unsigned_oci": it needs a signature by "acme", key ACME: oci://REGISTRY/acme/crm@UNSIGNED has no layer of type application/vnd.postern.plugin.minisig; say where the signature is by signature = "https://…" or "file:…"
postern.hcl:54:8: plugin "gone_oci": pull oci://REGISTRY/acme/crm@sha256:PIN: the registry has no such artifact; look whether the digest is right, and still there
postern.hcl:58:8: plugin "keyless": the key of signer "broken" could not be read
postern.hcl:62:8: plugin "greedy": module asks for attachments, body, disposition, envelope, headers, payload, raw, scans, which it is not granted; where you trust it, write grant = ["attachments", "body", "disposition", "envelope", "headers", "payload", "raw", "scans"]
`
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestSourceArguments gives the plugin verbs sources as arguments.
func TestSourceArguments(t *testing.T) {
	t.Parallel()
	p := publish(t)
	mail, err := filepath.Abs(filepath.Join(repository, "examples", "mails", "plain.eml"))
	if err != nil {
		t.Fatal(err)
	}
	const talk = `{"do":"talk"}`
	for _, c := range []struct {
		args string
		code int
		want []string
	}{
		{"inspect " + p.oci, 0, []string{"SHA-256   " + p.sha256, "plugin \"crm\" {\n    source = \"" + p.oci + "\"\n    sha256 = \"" + p.sha256}},
		{"inspect " + p.url + " --sha256 " + strings.ToUpper(p.sha256), 0, []string{"plugin \"probe\" {\n    source = \"" + p.url + "\"\n"}},
		{"inspect probe.wasm --sha256 " + p.sha256, 0, []string{"source = \"file:probe.wasm\""}},
		{"inspect " + p.url, 1, []string{"https:// needs --sha256, since the server could send any module"}},
		{"inspect " + p.url + " --sha256 abc", 1, []string{`"abc" is no SHA-256`}},
		{"inspect probe.wasm --sha256 " + strings.Repeat("0", 64), 1, []string{"probe.wasm is not the module that sha256 pins", p.sha256}},
		{"inspect " + strings.Split(p.oci, "@")[0] + ":latest", 1, []string{"the source names a tag, which whoever has the registry can move"}},
		{"inspect http://localhost/probe.wasm", 1, []string{"a module does not come by plain http"}},
		{"diff probe.wasm " + p.oci, 0, []string{"They are the same"}},
		{"diff probe.wasm " + p.url, 1, []string{"https:// needs a SHA-256 to hold the module to; fetch it into a file"}},
		{"run " + p.oci + " " + mail + " --write /probe --options " + talk, 0, []string{p.sha256}},
		{"run " + p.url + " " + mail + " --write /probe --options " + talk + " --sha256 " + p.sha256, 0, []string{p.sha256}},
		{"run -c postern.hcl probe " + mail + " --sha256 " + p.sha256, 2, []string{"--sha256 goes without -c"}},
	} {
		out, code := p.run(t, nil, append([]string{"plugin"}, strings.Fields(c.args)...)...)
		for _, want := range c.want {
			if code != c.code || !strings.Contains(out, want) {
				t.Errorf("plugin %s: exit code %d, want %d and %q:\n%s", c.args, code, c.code, want, out)
			}
		}
	}
}

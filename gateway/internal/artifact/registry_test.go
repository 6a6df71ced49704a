package artifact_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/postern-mail/postern/gateway/internal/artifact"
	"github.com/postern-mail/postern/gateway/internal/artifact/artifacttest"
)

// part is a layer to push.
type part struct {
	mediaType string
	octets    []byte
}

// push pushes an artifact, and gives its reference.
func push(t *testing.T, r *artifacttest.Registry, parts ...part) string {
	t.Helper()
	layers := make([]artifacttest.Part, len(parts))
	for i, p := range parts {
		layers[i] = artifacttest.Part{MediaType: p.mediaType, Octets: p.octets}
	}
	return r.Push(t, layers...)
}

// pull opens an artifact. Whatever logins the machine has are not looked at.
func pull(t *testing.T, cfg artifact.Config, reference string, s *artifact.Signer) ([]byte, error) {
	t.Helper()
	if cfg.DockerConfig == "" {
		cfg.DockerConfig = filepath.Join(t.TempDir(), "config.json")
	}
	return artifact.New(cfg).Open(t.Context(), artifact.Request{Source: artifact.Source{OCI: reference}, Signer: s})
}

// TestPull gets modules out of a registry.
func TestPull(t *testing.T) {
	t.Parallel()
	s := artifacttest.NewRegistry(t, nil)
	acme := newSigner(t)
	wasm := part{"application/wasm", module}
	signed := part{artifact.SignatureType, acme.sign(t, module)}
	cases := map[string]struct {
		parts  []part
		signer *artifact.Signer
		want   []string
	}{
		"by the type of the CNCF":    {parts: []part{{"application/vnd.oci.image.layer.v1.tar", []byte("x")}, wasm, {"text/plain", []byte("readme")}}},
		"by an older type":           {parts: []part{{"application/vnd.wasm.content.layer.v1+wasm", module}, {"text/plain", []byte("readme")}}},
		"by the oldest type":         {parts: []part{{"text/plain", []byte("readme")}, {"application/vnd.module.wasm.content.layer.v1+wasm", module}}},
		"the only one":               {parts: []part{{"application/octet-stream", module}}},
		"the only one but signed":    {parts: []part{signed, {"application/octet-stream", module}}, signer: acme.Signer},
		"signed":                     {parts: []part{wasm, signed}, signer: acme.Signer},
		"signed, and nobody asks":    {parts: []part{wasm, {artifact.SignatureType, []byte("x")}}},
		"two modules":                {parts: []part{wasm, {"application/wasm", module[1:]}}, want: []string{"it has 2 layers that are modules"}},
		"nothing":                    {parts: []part{signed}, want: []string{"it has no layer that could be a module"}},
		"two of which none is known": {parts: []part{{"text/\x1b[2J", []byte("a")}, {"text/b", []byte("b")}}, want: []string{"none of its 2 layers says", `"text/\x1b[2J"`, "application/wasm"}},
		"not signed": {
			parts: []part{wasm}, signer: acme.Signer,
			want: []string{"has no layer of type application/vnd.postern.plugin.minisig; say where", `a signature by "acme", key ` + acme.id},
		},
		"signed by another":  {parts: []part{wasm, {artifact.SignatureType, newSigner(t).sign(t, module)}}, signer: acme.Signer, want: []string{"is one by another key"}},
		"another is signed":  {parts: []part{{"application/wasm", module[1:]}, signed}, signer: acme.Signer, want: []string{"does not hold for this module"}},
		"a large signature":  {parts: []part{wasm, {artifact.SignatureType, module}}, signer: acme.Signer, want: []string{"layer \"application/vnd.postern.plugin.minisig\": it has 18000 octets or more, and may have 4096"}},
		"an empty signature": {parts: []part{wasm, {artifact.SignatureType, []byte{}}}, signer: acme.Signer, want: []string{"is no signature of minisign"}},
	}
	for name, c := range cases {
		reference := push(t, s, c.parts...)
		t.Run(name, func(t *testing.T) {
			got, err := pull(t, artifact.Config{CacheDir: t.TempDir()}, reference, c.signer)
			if c.want == nil && (err != nil || !bytes.Equal(got, module)) {
				t.Errorf("%d octets, %v", len(got), err)
			}
			wants(t, err, c.want...)
			if c.want != nil {
				wants(t, err, "oci://"+reference)
			}
		})
	}
}

// TestPullOnce holds that an artifact comes once, its signature too, and that the
// block's own pin counts as well.
func TestPullOnce(t *testing.T) {
	t.Parallel()
	s := artifacttest.NewRegistry(t, nil)
	acme := newSigner(t)
	reference := push(t, s, part{"application/wasm", module}, part{artifact.SignatureType, acme.sign(t, module)})
	cfg := artifact.Config{CacheDir: t.TempDir()}
	if _, err := pull(t, cfg, reference, acme.Signer); err != nil {
		t.Fatal(err)
	}
	before := s.Requests.Load()
	_, digest, _ := strings.Cut(reference, "@sha256:")
	for _, name := range []string{sum(module), digest} {
		write(t, filepath.Join(cfg.CacheDir, "modules"), name, []byte("{}"))
	}
	if got, err := pull(t, cfg, reference, acme.Signer); err != nil || !bytes.Equal(got, module) || s.Requests.Load() == before {
		t.Errorf("after tampering: %d octets, %v", len(got), err)
	}
	s.Close()
	if got, err := pull(t, cfg, reference, acme.Signer); err != nil || !bytes.Equal(got, module) {
		t.Errorf("without the registry: %d octets, %v", len(got), err)
	}
	_, err := artifact.New(cfg).Open(t.Context(), artifact.Request{Source: artifact.Source{OCI: reference}, SHA256: sum(nil)})
	wants(t, err, "is not the module that sha256 pins", sum(module))
	_, err = pull(t, artifact.Config{}, reference, nil)
	wants(t, err, "connection refused")
}

// described is a layer as a manifest tells of it, be it true or not.
func described(mediaType string, octets []byte, size int64) map[string]any {
	return map[string]any{"mediaType": mediaType, "digest": "sha256:" + sum(octets), "size": size}
}

// TestHostileRegistry pulls from registries that lie, flood and wait.
func TestHostileRegistry(t *testing.T) {
	t.Parallel()
	size := int64(len(module))
	wasm := described("application/wasm", module, size)
	many := make([]any, 101)
	for i := range many {
		many[i] = wasm
	}
	manifest := func(layers ...any) map[string]any {
		return map[string]any{"schemaVersion": 2, "mediaType": ocispec.MediaTypeImageManifest, "layers": layers}
	}
	other := func(key string, value any) map[string]any {
		m := manifest(wasm)
		m[key] = value
		return m
	}
	badDigest := func(digest string) map[string]any {
		return manifest(map[string]any{"mediaType": "application/wasm", "digest": digest, "size": size})
	}
	cases := map[string]struct {
		manifest any
		sent     []byte           // for any manifest; nil for the manifest itself
		blob     http.HandlerFunc // nil for the module
		timeout  time.Duration
		want     string // empty where it comes
	}{
		"honest":               {manifest: manifest(wasm)},
		"no media type":        {manifest: map[string]any{"layers": []any{wasm}}},
		"docker's":             {manifest: other("mediaType", "application/vnd.docker.distribution.manifest.v2+json")},
		"another manifest":     {manifest: manifest(wasm), sent: []byte(`{}`), want: "the registry sends other octets than the digest says"},
		"a large manifest":     {manifest: other("annotations", map[string]string{"x": strings.Repeat("x", 256<<10)}), want: "octets or more, and may have 262144"},
		"many layers":          {manifest: manifest(many...), want: "it has 101 layers, and may have 100"},
		"a huge layer":         {manifest: manifest(described("application/wasm", module, 1<<62)), want: "it has 4611686018427387904 octets or more, and may have 33554432"},
		"a layer of no size":   {manifest: manifest(described("application/wasm", module, -1)), want: "it has -1 octets or more"},
		"more than it says":    {manifest: manifest(described("application/wasm", module, size-1)), want: "pull oci://"},
		"less than it says":    {manifest: manifest(described("application/wasm", module, size+1)), want: "pull oci://"},
		"an index":             {manifest: map[string]any{"mediaType": ocispec.MediaTypeImageIndex, "manifests": []any{wasm}}, want: "it is an index of several artifacts"},
		"an index unsaid":      {manifest: map[string]any{"manifests": []any{}}, want: "it is an index of several artifacts"},
		"something else":       {manifest: other("mediaType", "text/x"), want: `its manifest is of type "text/x"`},
		"a long type":          {manifest: other("mediaType", strings.Repeat("x", 10000)), want: strings.Repeat("x", 100) + `…"`},
		"layers of no form":    {manifest: other("layers", "x"), want: "its manifest is no JSON of the form"},
		"no JSON":              {manifest: json.RawMessage(`"`), want: "its manifest is no JSON of the form"},
		"a path for a digest":  {manifest: badDigest("sha256:../../../../etc/passwd"), want: "its digest is none by SHA-256"},
		"a digest by another":  {manifest: badDigest("sha512:" + strings.Repeat("0", 128)), want: "its digest is none by SHA-256"},
		"no digest":            {manifest: badDigest(""), want: "its digest is none by SHA-256"},
		"another module":       {manifest: manifest(wasm), blob: send(append([]byte{1}, module[1:]...)), want: "the registry sends other octets than the digest says"},
		"a longer module":      {manifest: manifest(wasm), blob: flood, want: "the registry sends other octets than the digest says"},
		"a broken module":      {manifest: manifest(wasm), blob: cut, want: "it came in part only"},
		"no module":            {manifest: manifest(wasm), blob: http.NotFound, want: "the registry has no such artifact"},
		"a module for no one":  {manifest: manifest(wasm), blob: status(http.StatusForbidden), want: "the registry wants a login that may read it"},
		"a registry in flames": {manifest: manifest(wasm), blob: status(http.StatusInternalServerError), want: "500 Internal Server Error; try again later"},
		"a module elsewhere": {
			manifest: manifest(wasm), want: "the server redirects to http:",
			blob: func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "http://registry.invalid/x?token=hunter2", http.StatusTemporaryRedirect)
			},
		},
		"a slow module": {
			manifest: manifest(wasm), timeout: 200 * time.Millisecond, want: "it did not come within 200ms",
			blob: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			octets, isRaw := c.manifest.(json.RawMessage)
			if !isRaw {
				var err error
				if octets, err = json.Marshal(c.manifest); err != nil {
					t.Fatal(err)
				}
			}
			sent := octets
			if c.sent != nil {
				sent = c.sent
			}
			s := artifacttest.NewRegistry(t, func(w http.ResponseWriter, r *http.Request) bool {
				switch {
				case strings.Contains(r.URL.Path, "/manifests/"):
					w.Header().Set("Content-Type", ocispec.MediaTypeImageManifest)
					w.Header().Set("Content-Length", strconv.Itoa(len(sent)))
					send(sent)(w, r)
				case c.blob != nil:
					c.blob(w, r)
				default:
					send(module)(w, r)
				}
				return true
			})
			cfg := artifact.Config{CacheDir: t.TempDir(), Timeout: c.timeout}
			got, err := pull(t, cfg, s.Host()+"/acme/crm@sha256:"+sum(octets), nil)
			if c.want == "" {
				if err != nil || !bytes.Equal(got, module) {
					t.Errorf("%d octets, %v", len(got), err)
				}
				return
			}
			wants(t, err, c.want)
			if err != nil && (strings.Contains(err.Error(), "hunter2") || len(err.Error()) > 1000) {
				t.Errorf("%v", err)
			}
			if _, err := os.Stat(filepath.Join(cfg.CacheDir, "modules", sum(module))); err == nil {
				t.Error("the module was kept")
			}
		})
	}
}

func send(octets []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(octets) }
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// flood sends the module without an end.
func flood(w http.ResponseWriter, _ *http.Request) {
	for err := error(nil); err == nil; {
		_, err = w.Write(module)
	}
}

// cut sends the beginning of the module.
func cut(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", strconv.Itoa(len(module)))
	_, _ = w.Write(module[:100])
}

// TestLogin pulls what only somebody who has logged in may, by a password and by a
// token that is given for it.
func TestLogin(t *testing.T) {
	t.Parallel()
	var tokens atomic.Int32
	var s *artifacttest.Registry
	open, bearer := true, false
	s = artifacttest.NewRegistry(t, func(w http.ResponseWriter, r *http.Request) bool {
		user, password, basic := r.BasicAuth()
		known := basic && user == "me" && password == "hunter2"
		switch {
		case r.URL.Path == "/token" && known:
			tokens.Add(1)
			_, _ = w.Write([]byte(`{"token":"given"}`))
		case open, bearer && r.Header.Get("Authorization") == "Bearer given", !bearer && known:
			return false
		case bearer:
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="%s/token",service="test"`, s.URL))
			w.WriteHeader(http.StatusUnauthorized)
		default:
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			w.WriteHeader(http.StatusUnauthorized)
		}
		return true
	})
	reference := push(t, s, part{"application/wasm", module})
	open = false
	logins := func(password string) string {
		login := base64.StdEncoding.EncodeToString([]byte("me:" + password))
		return write(t, t.TempDir(), "config.json", fmt.Appendf(nil, `{"auths":{%q:{"auth":%q}}}`, s.Host(), login))
	}
	for _, bearer = range []bool{false, true} {
		got, err := pull(t, artifact.Config{DockerConfig: logins("hunter2")}, reference, nil)
		if err != nil || !bytes.Equal(got, module) {
			t.Errorf("bearer %t: %d octets, %v", bearer, len(got), err)
		}
		for _, file := range []string{"", logins("hunter3")} {
			_, err = pull(t, artifact.Config{DockerConfig: file}, reference, nil)
			wants(t, err, "the registry wants a login that may read it; docker login keeps one")
		}
	}
	if tokens.Load() == 0 {
		t.Error("no token was asked for")
	}
	_, err := pull(t, artifact.Config{DockerConfig: write(t, t.TempDir(), "config.json", []byte("hunter2"))}, reference, nil)
	wants(t, err, "read the logins of docker")
	if err != nil && strings.Contains(err.Error(), "hunter") {
		t.Errorf("%v", err)
	}
}

// TestTokenElsewhere holds that no login goes out by plain http.
func TestTokenElsewhere(t *testing.T) {
	t.Parallel()
	s := artifacttest.NewRegistry(t, func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("WWW-Authenticate", `Bearer realm="http://192.0.2.1/token",service="test"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
	_, err := pull(t, artifact.Config{}, s.Host()+"/crm@sha256:"+sum(nil), nil)
	wants(t, err, "plain http is for this machine only")
}

func TestReferenceRefused(t *testing.T) {
	t.Parallel()
	for _, reference := range []string{"localhost/crm", "localhost/crm:1", "localhost/crm@sha512:" + strings.Repeat("0", 128), "localhost/crm@sha256:" + strings.Repeat("A", 64)} {
		_, err := pull(t, artifact.Config{}, reference, nil)
		wants(t, err, "oci://"+reference+" names no digest by SHA-256")
	}
}

package artifact_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"aead.dev/minisign"

	"github.com/postern-mail/postern/gateway/internal/artifact"
)

var update = flag.Bool("update", false, "make the signed module anew, by a new key")

// signer is somebody who signs.
type signer struct {
	*artifact.Signer
	private minisign.PrivateKey
	id      string
}

func newSigner(t *testing.T) signer {
	t.Helper()
	public, private, err := minisign.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s, err := artifact.ParseSigner("acme", public.String())
	if err != nil {
		t.Fatal(err)
	}
	return signer{Signer: s, private: private, id: fmt.Sprintf("%016X", public.ID())}
}

// sign signs as "minisign -S" does: the hash of the octets.
func (s signer) sign(t *testing.T, octets []byte) []byte {
	t.Helper()
	r := minisign.NewReader(bytes.NewReader(octets))
	if _, err := bytes.NewBuffer(nil).ReadFrom(r); err != nil {
		t.Fatal(err)
	}
	return r.Sign(s.private)
}

// TestSignedFile looks at everything that may stand beside a module.
func TestSignedFile(t *testing.T) {
	t.Parallel()
	acme, other := newSigner(t), newSigner(t)
	good := acme.sign(t, module)
	elsewhere := write(t, t.TempDir(), "signature", good)
	lines := strings.Split(string(good), "\n")
	cases := map[string]struct {
		module, beside []byte
		signature      artifact.Source
		want           []string
	}{
		"good":        {module: module, beside: good},
		"not hashed":  {module: module, beside: minisign.Sign(acme.private, module)},
		"elsewhere":   {module: module, signature: artifact.Source{File: elsewhere}},
		"none":        {module: module, want: []string{"there is no file ", "crm.wasm.minisig; minisign -S makes it"}},
		"another key": {module: module, beside: other.sign(t, module), want: []string{"crm.wasm.minisig is one by another key, " + other.id}},
		"tampered":    {module: append([]byte{1}, module[1:]...), beside: good, want: []string{"does not hold for this module"}},
		"more":        {module: append(bytes.Clone(module), 0), beside: good, want: []string{"does not hold for this module"}},
		"another's":   {module: module, beside: acme.sign(t, module[1:]), want: []string{"does not hold for this module"}},
		"comment": {
			module: module, beside: []byte(strings.Replace(string(good), "timestamp:", "timestamp:1", 1)),
			want: []string{"does not hold for this module"},
		},
		"cut":       {module: module, beside: []byte(strings.Join(lines[:2], "\n")), want: []string{"is no signature of minisign"}},
		"empty":     {module: module, beside: []byte{}, want: []string{"is no signature of minisign"}},
		"too large": {module: module, beside: append(good, bytes.Repeat([]byte("\n"), 4<<10)...), want: []string{"has more than the 4096 octets"}},
		"no file":   {module: module, signature: artifact.Source{File: t.TempDir()}, want: []string{"is no file"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file := write(t, dir, "crm.wasm", c.module)
			if c.beside != nil {
				write(t, dir, "crm.wasm.minisig", c.beside)
			}
			got, err := artifact.New(artifact.Config{}).Open(t.Context(), artifact.Request{
				Source: artifact.Source{File: file}, Signer: acme.Signer, Signature: c.signature,
			})
			if c.want == nil {
				if err != nil || !bytes.Equal(got, c.module) {
					t.Errorf("%d octets, %v", len(got), err)
				}
				return
			}
			wants(t, err, append(c.want, `it needs a signature by "acme", key `+acme.id)...)
			if got != nil {
				t.Errorf("%d octets beside %v", len(got), err)
			}
		})
	}
}

// TestForgedKeyID holds that the id in a signature, which is not signed, opens nothing.
func TestForgedKeyID(t *testing.T) {
	t.Parallel()
	acme, other := newSigner(t), newSigner(t)
	var forged, own minisign.Signature
	if err := forged.UnmarshalText(other.sign(t, module)); err != nil {
		t.Fatal(err)
	}
	if err := own.UnmarshalText(acme.sign(t, module)); err != nil {
		t.Fatal(err)
	}
	forged.KeyID = own.KeyID
	dir := t.TempDir()
	file := write(t, dir, "crm.wasm", module)
	write(t, dir, "crm.wasm.minisig", []byte(forged.String()))
	_, err := artifact.New(artifact.Config{}).Open(t.Context(), artifact.Request{Source: artifact.Source{File: file}, Signer: acme.Signer})
	wants(t, err, "does not hold for this module")
}

// TestSignedURL holds that a signature is fetched beside its module, and kept with it
// for the key that it is by.
func TestSignedURL(t *testing.T) {
	t.Parallel()
	acme, other := newSigner(t), newSigner(t)
	good := acme.sign(t, module)
	var signature atomic.Value
	signature.Store(good)
	srv := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.RequestURI() {
		case "/a%2Fb.wasm?token=hunter2":
			_, _ = w.Write(module)
		case "/a%2Fb.wasm.minisig?token=hunter2", "/elsewhere":
			_, _ = w.Write(signature.Load().([]byte))
		default:
			http.NotFound(w, r)
		}
	})
	dir := t.TempDir()
	from := artifact.Source{URL: srv.URL + "/a%2Fb.wasm?token=hunter2"}
	open := func(cacheDir string, s signer, signature string) error {
		_, err := artifact.New(srv.config(cacheDir)).Open(t.Context(), artifact.Request{
			Source: from, SHA256: sum(module), Signer: s.Signer, Signature: artifact.Source{URL: signature},
		})
		return err
	}
	requests := func(want int32) {
		t.Helper()
		if got := srv.requests.Load(); got != want {
			t.Fatalf("%d requests, want %d", got, want)
		}
	}
	for range 2 {
		if err := open(dir, acme, ""); err != nil {
			t.Fatal(err)
		}
		requests(2)
	}

	// Another signer's is another file; that of the first stays.
	err := open(dir, other, "")
	wants(t, err, `it needs a signature by "acme", key `+other.id, "/a%2Fb.wasm.minisig?… is one by another key, "+acme.id)
	requests(3)
	if err := open(dir, acme, ""); err != nil {
		t.Fatal(err)
	}
	requests(3)
	signature.Store(other.sign(t, module))
	if err := open(dir, other, srv.URL+"/elsewhere"); err != nil {
		t.Fatal(err)
	}
	requests(4)

	// One that was tampered with is removed, and comes again, if it comes.
	kept := sum(module) + "." + acme.id + ".minisig"
	write(t, filepath.Join(dir, "modules"), kept, acme.sign(t, module[1:]))
	wants(t, open(dir, acme, ""), "is one by another key, "+other.id)
	if _, err := os.Stat(filepath.Join(dir, "modules", kept)); err == nil {
		t.Error("a signature that does not hold was kept")
	}
	signature.Store(good)
	if err := open(dir, acme, ""); err != nil {
		t.Fatal(err)
	}
	requests(6)

	// The server may then be gone.
	srv.Close()
	for _, s := range []signer{acme, other} {
		if err := open(dir, s, ""); err != nil {
			t.Error(err)
		}
	}
	wants(t, open(dir, newSigner(t), ""), "connection refused")
}

func TestSignatureMissing(t *testing.T) {
	t.Parallel()
	acme := newSigner(t)
	large := false
	srv := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/crm.wasm":
			_, _ = w.Write(module)
		case large:
			_, _ = w.Write(module)
		default:
			http.NotFound(w, r)
		}
	})
	open := func() error {
		_, err := artifact.New(srv.config("")).Open(t.Context(), artifact.Request{
			Source: artifact.Source{URL: srv.URL + "/crm.wasm"}, SHA256: sum(module), Signer: acme.Signer,
		})
		return err
	}
	wants(t, open(), "/crm.wasm.minisig: the server answers 404 Not Found", `a signature by "acme", key `+acme.id)
	large = true
	wants(t, open(), "octets or more, and may have 4096")
}

// TestSigner reads public keys as they are passed on, and shows none that is wrong.
func TestSigner(t *testing.T) {
	t.Parallel()
	public, _, err := minisign.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	text, err := public.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{public.String(), string(text), string(text) + "\n"} {
		if _, err := artifact.ParseSigner("acme", key); err != nil {
			t.Errorf("%q: %v", key, err)
		}
		if _, err := artifact.ReadSigner("acme", write(t, t.TempDir(), "acme.pub", []byte(key))); err != nil {
			t.Errorf("file of %q: %v", key, err)
		}
	}
	// The form of a secret key.
	secret := []byte("untrusted comment: minisign encrypted secret key\n" + base64.StdEncoding.EncodeToString(append([]byte("EdScB2"), make([]byte, 152)...)))
	for _, key := range []string{"", "hunter2", public.String()[1:], string(secret), strings.Repeat("hunter2", 1000)} {
		_, err := artifact.ParseSigner("acme", key)
		wants(t, err, `signer "acme": that is no public key of minisign; it begins with RW and has 56 characters`)
		if key != "" && strings.Contains(err.Error(), key) {
			t.Errorf("the error shows what may be a secret: %v", err)
		}
	}
	_, err = artifact.ReadSigner("acme", filepath.Join(t.TempDir(), "gone.pub"))
	wants(t, err, `signer "acme": `, "no such file")
	_, err = artifact.ReadSigner("acme", write(t, t.TempDir(), "large.pub", bytes.Repeat([]byte("x"), 4097)))
	wants(t, err, "has more than the 4096 octets")
	_, err = artifact.ReadSigner("acme", write(t, t.TempDir(), "other.pub", secret))
	wants(t, err, "other.pub", "is no public key")
}

// TestSignedGolden holds that what was signed once still holds: testdata/signed has a
// module, the key and the signature.
func TestSignedGolden(t *testing.T) {
	t.Parallel()
	const dir = "testdata/signed"
	if *update {
		public, private, err := minisign.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		text, err := public.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		octets := []byte("\x00asm\x01\x00\x00\x00")
		write(t, dir, "module.wasm", octets)
		write(t, dir, "key.pub", append(text, '\n'))
		write(t, dir, "module.wasm.minisig", signer{private: private}.sign(t, octets))
	}
	s, err := artifact.ReadSigner("acme", filepath.Join(dir, "key.pub"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := artifact.New(artifact.Config{}).Open(t.Context(), artifact.Request{
		Source: artifact.Source{File: filepath.Join(dir, "module.wasm")}, Signer: s,
		SHA256: "93a44bbb96c751218e4c00d479e4c14358122a389acca16205b1e4d0dc5f9476",
	})
	if err != nil || len(got) != 8 {
		t.Errorf("%d octets, %v", len(got), err)
	}
}

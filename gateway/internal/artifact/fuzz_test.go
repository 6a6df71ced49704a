package artifact

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// FuzzManifest holds that no manifest does more than name a layer that is one, or give
// an error that is short and shows nothing that a terminal obeys.
func FuzzManifest(f *testing.F) {
	one := `{"mediaType":"application/wasm","digest":"sha256:` + sum(nil) + `","size":5}`
	for _, seed := range []string{
		``, `{}`, `null`, `{"layers":null}`, `{"layers":[` + one + `]}`, `{"layers":[` + one + `,` + one + `]}`,
		`{"layers":[{"mediaType":"a\u001b[2J"},{"mediaType":"b"}]}`, `{"mediaType":"\u202e"}`,
		`{"manifests":[]}`, `{"LAYERS":[{"size":1e400}]}`, `{"layers":[{"digest":5}]}`, `{"layers":[{"size":-9223372036854775809}]}`,
		`{"mediaType":"application/vnd.oci.image.manifest.v1+json","layers":[{"mediaType":"` + SignatureType + `"},{}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, octets []byte) {
		m, err := parseManifest(octets)
		var l layer
		if err == nil {
			l, err = m.module()
		}
		if err != nil {
			if text := err.Error(); len(text) > 1000 || bytes.ContainsFunc([]byte(text), func(r rune) bool { return r < ' ' || r == '\u202e' }) {
				t.Errorf("error %q", text)
			}
			return
		}
		if l.isSignature() || len(m.Layers) > maxLayers {
			t.Errorf("%+v of %+v", l, m)
		}
	})
}

// FuzzSignature holds that nothing but what was signed holds, whatever stands in the
// signature, and whoever is said to have made it.
func FuzzSignature(f *testing.F) {
	const dir = "testdata/signed"
	module, err := os.ReadFile(filepath.Join(dir, "module.wasm"))
	if err != nil {
		f.Fatal(err)
	}
	signature, err := os.ReadFile(filepath.Join(dir, "module.wasm.minisig"))
	if err != nil {
		f.Fatal(err)
	}
	s, err := ReadSigner("acme", filepath.Join(dir, "key.pub"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(module, signature)
	f.Add([]byte{}, signature)
	f.Add(module, signature[:100])
	f.Add(module, []byte("untrusted comment: \n\ntrusted comment: \n"))
	f.Fuzz(func(t *testing.T, octets, text []byte) {
		if err := s.check(octets, text, Source{File: "x"}); err == nil && !bytes.Equal(octets, module) {
			t.Errorf("%q holds for %q", text, octets)
		}
	})
}

// Package artifacttest has what tests need to publish a module as strangers do: a
// registry on this machine, and keys to sign with. Both are made of the libraries that
// others use for it.
package artifacttest

import (
	"crypto/rand"
	"fmt"
	"io"
	"log" //nolint:depguard // the registry takes no other logger
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"aead.dev/minisign"
	"github.com/google/go-containerregistry/pkg/registry"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/registry/remote"
)

// Registry is a registry on this machine, which speaks plain http.
type Registry struct {
	*httptest.Server
	// Requests counts what it was asked.
	Requests atomic.Int32
}

// NewRegistry starts a registry, which ends with the test. guard, where it is not nil,
// sees each request first, and answers it where it returns true.
func NewRegistry(t testing.TB, guard func(http.ResponseWriter, *http.Request) bool) *Registry {
	t.Helper()
	handler := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	r := &Registry{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.Requests.Add(1)
		if guard == nil || !guard(w, req) {
			handler.ServeHTTP(w, req)
		}
	}))
	t.Cleanup(r.Close)
	return r
}

// Host is the registry's part of a reference.
func (r *Registry) Host() string { return r.Listener.Addr().String() }

// Part is one layer of an artifact.
type Part struct {
	MediaType string
	Octets    []byte
}

// Push pushes an artifact, and gives its reference: REGISTRY/REPOSITORY@sha256:DIGEST.
func (r *Registry) Push(t testing.TB, parts ...Part) string {
	t.Helper()
	name := r.Host() + "/acme/crm"
	repository, err := remote.NewRepository(name)
	if err != nil {
		t.Fatal(err)
	}
	repository.PlainHTTP, repository.Client = true, r.Client()
	var layers []ocispec.Descriptor
	for _, p := range parts {
		l, err := oras.PushBytes(t.Context(), repository, p.MediaType, p.Octets)
		if err != nil {
			t.Fatal(err)
		}
		layers = append(layers, l)
	}
	packed, err := oras.PackManifest(t.Context(), repository, oras.PackManifestVersion1_1, "application/vnd.postern.plugin", oras.PackManifestOptions{Layers: layers})
	if err != nil {
		t.Fatal(err)
	}
	return name + "@" + packed.Digest.String()
}

// Signer is somebody who signs, by a key of its own.
type Signer struct {
	PublicKey string // as minisign prints it
	ID        string // of the key, as minisign shows it

	private minisign.PrivateKey
}

// NewSigner makes a Signer.
func NewSigner(t testing.TB) Signer {
	t.Helper()
	public, private, err := minisign.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return Signer{PublicKey: public.String(), ID: fmt.Sprintf("%016X", public.ID()), private: private}
}

// Sign signs the octets themselves, as "minisign -S -l" does.
func (s Signer) Sign(octets []byte) []byte { return minisign.Sign(s.private, octets) }

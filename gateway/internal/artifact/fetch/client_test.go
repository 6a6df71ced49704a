package fetch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/registry/remote"
)

// TestRegistryByTLS holds that a registry that is not on this machine is spoken to by
// https alone. A name that is none of this machine's leads to the test's server.
func TestRegistryByTLS(t *testing.T) {
	t.Parallel()
	srv := httptest.NewTLSServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(srv.Close)
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	c := New(Config{RootCAs: roots, DockerConfig: filepath.Join(t.TempDir(), "config.json")})
	t.Cleanup(c.CloseIdle)
	c.http.Transport.(guarded).DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, srv.Listener.Addr().String())
	}
	repository, err := remote.NewRepository("example.com/acme/crm") // which the server has a certificate for
	if err != nil {
		t.Fatal(err)
	}
	repository.Client = c.http
	octets := []byte("layer")
	layer, err := oras.PushBytes(t.Context(), repository, "application/wasm", octets)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := oras.PushBytes(t.Context(), repository, "application/vnd.oci.image.manifest.v1+json", []byte(`{"schemaVersion":2,"layers":[]}`))
	if err != nil {
		t.Fatal(err)
	}
	reference := "example.com/acme/crm@" + manifest.Digest.String()
	if got, err := c.Manifest(t.Context(), reference, 100); err != nil || !bytes.Contains(got, []byte("schemaVersion")) {
		t.Errorf("manifest %s, %v", got, err)
	}
	got, err := c.Blob(t.Context(), reference, layer.Digest.String(), layer.Size, len(octets))
	if err != nil || !bytes.Equal(got, octets) {
		t.Errorf("layer %s, %v", got, err)
	}
	if _, err := c.Blob(t.Context(), reference, layer.Digest.String(), layer.Size, len(octets)-1); err == nil || !strings.Contains(err.Error(), "and may have 4") {
		t.Errorf("a layer that is too large: %v", err)
	}
	if _, err := c.Manifest(t.Context(), fmt.Sprintf("example.com/acme/crm@sha256:%x", sha256.Sum256(nil)), 100); err == nil || !strings.Contains(err.Error(), "no such artifact") {
		t.Errorf("a manifest that is not there: %v", err)
	}
}

func TestLoopback(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"localhost": true, "localhost:5000": true, "127.0.0.1:5000": true, "127.9.9.9": true, "[::1]:5000": true, "[::1]": true,
		"[::ffff:127.0.0.1]:5000": true,
		"localhost.example":       false, "127.0.0.1.example:5000": false, "10.0.0.1:5000": false, "[2001:db8::1]:5000": false, "": false, "1270.0.0.1": false,
	} {
		if got := isLoopback(hostname(host)); got != want {
			t.Errorf("%q is of this machine: %t, want %t", host, got, want)
		}
	}
}

// TestShown holds that no query gets into a message.
func TestShown(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://host/a?token=hunter2":     "https://host/a?…",
		"https://me:hunter2@host/a":        "https://host/a",
		"https://host/a":                   "https://host/a",
		"https://host/%zz?token=hunter2":   "the url",
		"https://host/a?token=hunter2#top": "https://host/a?…",
	} {
		if got := ShownURL(text); got != want {
			t.Errorf("%s is shown as %s, want %s", text, got, want)
		}
	}
	err := explain(t.Context(), fmt.Errorf(`Get "https://storage.example/x?signature=hunter2": mismatch of http://a?hunter2 and %w`, http.ErrNotSupported))
	if want := `Get "https://storage.example/x?…": mismatch of http://a?… and feature not supported`; err.Error() != want {
		t.Errorf("explained as %v, want %s", err, want)
	}
}

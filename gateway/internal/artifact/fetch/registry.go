package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
	"oras.land/oras-go/v2/registry/remote/errcode"
)

// Manifest fetches the manifest of an artifact, REGISTRY/REPOSITORY@sha256:DIGEST, up
// to a size in octets.
func (c *Client) Manifest(ctx context.Context, reference string, most int) (_ []byte, err error) {
	defer func() {
		if err != nil {
			err = explain(ctx, registryError(err))
		}
	}()
	repository, err := c.repository(reference)
	if err != nil {
		return nil, err
	}
	d, err := repository.Reference.Digest()
	if err != nil {
		return nil, err
	}
	found, err := repository.Manifests().Resolve(ctx, d.String()) // how large it is
	if err != nil {
		return nil, err
	}
	found.Digest = d
	return readContent(ctx, repository.Manifests(), found, most)
}

// Blob fetches the content of a layer of an artifact, of a known digest and size in
// octets.
func (c *Client) Blob(ctx context.Context, reference, sum string, size int64, most int) (_ []byte, err error) {
	defer func() {
		if err != nil {
			err = explain(ctx, registryError(err))
		}
	}()
	repository, err := c.repository(reference)
	if err != nil {
		return nil, err
	}
	return readContent(ctx, repository.Blobs(), ocispec.Descriptor{Digest: digest.Digest(sum), Size: size}, most)
}

// readContent reads what is to have a digest and a size.
func readContent(ctx context.Context, from content.Fetcher, what ocispec.Descriptor, most int) ([]byte, error) {
	if what.Size < 0 || what.Size > int64(most) {
		return nil, tooLarge(what.Size, most)
	}
	r, err := from.Fetch(ctx, what)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return content.ReadAll(r, what)
}

// repository makes the client for the repository of a reference.
func (c *Client) repository(reference string) (*remote.Repository, error) {
	repository, err := remote.NewRepository(reference)
	if err != nil {
		return nil, err
	}
	logins, err := c.logins()
	if err != nil {
		return nil, err
	}
	host, _, _ := strings.Cut(reference, "/")
	client := &auth.Client{Client: c.http, Credential: logins, Cache: auth.NewCache(), Header: http.Header{"User-Agent": {c.cfg.UserAgent}}}
	if local := isLoopback(hostname(host)); local {
		repository.PlainHTTP = true
		// Who gives tokens for a registry on this machine may be on it too.
		client.BlockedRealmPrefixes = []netip.Prefix{}
	}
	repository.Client = client
	return repository, nil
}

// hostname takes the port from a host.
func hostname(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		host = host[:i]
	}
	return strings.Trim(host, "[]")
}

// logins gives the logins that docker has kept, and none where there is no place for
// them: a service's user may have no home.
func (c *Client) logins() (auth.CredentialFunc, error) {
	file := c.cfg.DockerConfig
	var store credentials.Store
	var err error
	switch _, homeErr := os.UserHomeDir(); {
	case file != "":
		store, err = credentials.NewStore(file, credentials.StoreOptions{})
	case homeErr != nil && os.Getenv("DOCKER_CONFIG") == "":
		return nil, nil
	default:
		store, err = credentials.NewStoreFromDocker(credentials.StoreOptions{})
	}
	if err != nil {
		return nil, fmt.Errorf("read the logins of docker: %w", err)
	}
	return credentials.Credential(store), nil
}

// registryError says what the answer of a registry means. What else it says is not
// repeated.
func registryError(err error) error {
	var answer *errcode.ErrorResponse
	switch {
	case errors.Is(err, errdef.ErrNotFound):
		return errors.New("the registry has no such artifact; look whether the digest is right, and still there")
	case errors.Is(err, auth.ErrBasicCredentialNotFound), errors.As(err, &answer) && (answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden):
		return errors.New("the registry wants a login that may read it; docker login keeps one, and DOCKER_CONFIG names the folder where")
	case answer != nil:
		return statusError(answer.StatusCode)
	case errors.Is(err, content.ErrMismatchedDigest), errors.Is(err, content.ErrTrailingData):
		return errors.New("the registry sends other octets than the digest says")
	}
	return err
}

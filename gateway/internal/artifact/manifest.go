package artifact

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

const (
	// SignatureType is the media type of the layer that holds a signature.
	SignatureType = "application/vnd.postern.plugin.minisig"

	ociManifest = "application/vnd.oci.image.manifest.v1+json"
	ociIndex    = "application/vnd.oci.image.index.v1+json"
	// dockerManifest is what docker calls the manifest of an image.
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"

	maxManifest  = 256 << 10 // in octets
	maxLayers    = 100
	maxMediaType = 100 // of it are shown, in characters
)

// moduleTypes are the media types by which tools mark the layer with a module.
func moduleTypes() []string {
	return []string{
		"application/wasm", // of the CNCF's guidance on Wasm artifacts
		"application/vnd.wasm.content.layer.v1+wasm",
		"application/vnd.module.wasm.content.layer.v1+wasm",
	}
}

// manifest is what is asked of a manifest.
type manifest struct {
	MediaType string          `json:"mediaType"`
	Manifests json.RawMessage `json:"manifests"` // of an index
	Layers    []layer         `json:"layers"`
}

type layer struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int64  `json:"size"`
}

// pull gets the module of an artifact.
func (o *Opener) pull(ctx context.Context, reference string) ([]byte, error) {
	m, err := o.manifest(ctx, reference)
	if err != nil {
		return nil, err
	}
	l, err := m.module()
	if err != nil {
		return nil, fmt.Errorf("oci://%s: %w", reference, err)
	}
	return o.blob(ctx, reference, l, MaxModule)
}

// pullSignature gets the signature that an artifact holds.
func (o *Opener) pullSignature(ctx context.Context, reference string) ([]byte, error) {
	m, err := o.manifest(ctx, reference)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(m.Layers, layer.isSignature)
	if i < 0 {
		return nil, fmt.Errorf("oci://%s has no layer of type %s; say where the signature is by signature = \"https://…\" or \"file:…\"", reference, SignatureType)
	}
	return o.blob(ctx, reference, m.Layers[i], maxText)
}

// manifest gets what an artifact consists of. The reference has to name a digest.
func (o *Opener) manifest(ctx context.Context, reference string) (m manifest, err error) {
	_, pin, _ := strings.Cut(reference, "@")
	want, ok := sha256Digest(pin)
	if !ok {
		return m, fmt.Errorf("oci://%s names no digest by SHA-256, so that it could be any module of the repository", reference)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("pull oci://%s: %w", reference, err)
		}
	}()
	octets, err := o.kept(want, maxManifest, func() ([]byte, error) { return o.client.Manifest(ctx, reference, maxManifest) })
	if err != nil {
		return m, err
	}
	return parseManifest(octets)
}

// parseManifest refuses what is not the manifest of one artifact.
func parseManifest(octets []byte) (m manifest, err error) {
	if json.Unmarshal(octets, &m) != nil { // whose error would quote what is no type
		return manifest{}, errors.New("its manifest is no JSON of the form that it is to have")
	}
	switch {
	case m.Manifests != nil || m.MediaType == ociIndex:
		return manifest{}, errors.New("it is an index of several artifacts; write the digest of the one that is meant")
	case m.MediaType != "" && m.MediaType != ociManifest && m.MediaType != dockerManifest:
		return manifest{}, fmt.Errorf("its manifest is of type %s, and is to be of %s", shownType(m.MediaType), ociManifest)
	case len(m.Layers) > maxLayers:
		return manifest{}, fmt.Errorf("it has %d layers, and may have %d", len(m.Layers), maxLayers)
	}
	return m, nil
}

// module finds the layer with the module: the one whose type says so, or else the
// only one.
func (m manifest) module() (layer, error) {
	var marked, others []layer
	for _, l := range m.Layers {
		switch {
		case slices.Contains(moduleTypes(), l.MediaType):
			marked = append(marked, l)
		case !l.isSignature():
			others = append(others, l)
		}
	}
	switch {
	case len(marked) == 1:
		return marked[0], nil
	case len(marked) == 0 && len(others) == 1:
		return others[0], nil
	case len(marked) > 1:
		return layer{}, fmt.Errorf("it has %d layers that are modules, and is to have one", len(marked))
	case len(others) > 1:
		return layer{}, fmt.Errorf("none of its %d layers says that it is a module, by one of the types %s; the first is of type %s",
			len(others), strings.Join(moduleTypes(), ", "), shownType(others[0].MediaType))
	default:
		return layer{}, errors.New("it has no layer that could be a module")
	}
}

func (l layer) isSignature() bool { return l.MediaType == SignatureType }

// blob gets the content of a layer.
func (o *Opener) blob(ctx context.Context, reference string, l layer, most int) (_ []byte, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("pull oci://%s: layer %s: %w", reference, shownType(l.MediaType), err)
		}
	}()
	want, ok := sha256Digest(l.Digest)
	if !ok {
		return nil, errors.New("its digest is none by SHA-256")
	}
	return o.kept(want, most, func() ([]byte, error) { return o.client.Blob(ctx, reference, l.Digest, l.Size, most) })
}

// sha256Digest gives the hash that a digest names.
func sha256Digest(text string) (sum string, ok bool) {
	sum, ok = strings.CutPrefix(text, "sha256:")
	octets, err := hex.DecodeString(sum)
	return sum, ok && err == nil && len(octets) == sha256.Size && strings.ToLower(sum) == sum
}

// shownType is a media type for a message: it is a stranger's.
func shownType(s string) string {
	if s == "" {
		return "(none)"
	}
	if r := []rune(s[:min(len(s), 4*maxMediaType)]); len(r) > maxMediaType {
		s = string(r[:maxMediaType]) + "…"
	}
	return fmt.Sprintf("%q", s)
}

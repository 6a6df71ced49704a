package artifact

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"

	"aead.dev/minisign"
)

// SignatureSuffix is what minisign puts behind the name of what it signs.
const SignatureSuffix = ".minisig"

// Signer is somebody whose signature a module may need.
type Signer struct {
	name string
	key  minisign.PublicKey
}

// ParseSigner reads a public key as minisign prints it: its line of base64, perhaps
// with the line of comment before it. The error does not repeat the key, which may be
// the secret one.
func ParseSigner(name, publicKey string) (*Signer, error) {
	s := &Signer{name: name}
	if err := s.key.UnmarshalText([]byte(publicKey)); err != nil {
		return nil, fmt.Errorf("signer %q: that is no public key of minisign; it begins with RW and has 56 characters", name)
	}
	return s, nil
}

// ReadSigner reads a public key from the file that minisign has made of it.
func ReadSigner(name, file string) (*Signer, error) {
	text, err := readFile(file, maxText)
	if err != nil {
		return nil, fmt.Errorf("signer %q: %w", name, err)
	}
	s, err := ParseSigner(name, string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return s, nil
}

// keyID is how minisign shows the id of a key.
func keyID(id uint64) string { return fmt.Sprintf("%016X", id) }

// verify holds that a signature by the signer stands for the module. from is where it
// is.
func (o *Opener) verify(ctx context.Context, r Request, module []byte, from Source) error {
	err := o.holds(ctx, r, module, from)
	if err != nil {
		return fmt.Errorf("it needs a signature by %q, key %s: %w", r.Signer.name, keyID(r.Signer.key.ID()), err)
	}
	return nil
}

func (o *Opener) holds(ctx context.Context, r Request, module []byte, from Source) error {
	check := func(signature []byte) error { return r.Signer.check(module, signature, from) }
	var signature []byte
	var err error
	switch {
	case from.URL != "":
		// It is not named by its content, so that the key decides what is valid.
		name := sum(module) + "." + keyID(r.Signer.key.ID()) + SignatureSuffix
		if signature, err = o.cache.get(name, maxText, func(s []byte) bool { return check(s) == nil }); err != nil || signature != nil {
			return err
		}
		if signature, err = o.client.Get(ctx, from.URL, maxText); err != nil {
			return err
		}
		if err := check(signature); err != nil {
			return err
		}
		return o.cache.put(name, signature)
	case from.OCI != "":
		signature, err = o.pullSignature(ctx, from.OCI)
	default:
		signature, err = readFile(from.File, maxText)
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("there is no file %s; minisign -S makes it", from.File)
		}
	}
	if err != nil {
		return err
	}
	return check(signature)
}

// check verifies a signature. What is hashed for it are the octets themselves, or
// with minisign -l they are signed as they are.
func (s *Signer) check(module, signature []byte, from Source) error {
	var found minisign.Signature
	if err := found.UnmarshalText(signature); err != nil {
		return fmt.Errorf("%s is no signature of minisign", from)
	}
	if found.KeyID != s.key.ID() {
		return fmt.Errorf("%s is one by another key, %s", from, keyID(found.KeyID))
	}
	if !minisign.Verify(s.key, module, signature) {
		return fmt.Errorf("%s does not hold for this module: it, or the module, is not as it was signed", from)
	}
	return nil
}

// besideURL is where a signature is that stands beside a module.
func besideURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return text // which has not been fetched
	}
	u.Path += SignatureSuffix
	if u.RawPath != "" {
		u.RawPath += SignatureSuffix
	}
	return u.String()
}

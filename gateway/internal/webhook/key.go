package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
)

const (
	secretPrefix = "whsec_"

	// The lengths that Standard Webhooks 1.0.0 allows for a symmetric key.
	minKeyBytes = 24
	maxKeyBytes = 64

	redacted = "(redacted)"
)

// Key is a signing secret, decoded. Whatever prints a Key, or a value that
// holds one, gets "(redacted)" or an address, never the secret. The zero Key
// signs nothing: Send refuses it.
type Key struct {
	// A function that holds the octets, and not the octets, because fmt reaches
	// unexported fields of a surrounding struct by reflection, past every method
	// below. It follows pointers, but of a function it has only the address.
	newMAC func() hash.Hash
}

// ParseKey reads a signing secret: "whsec_" and the standard base64, padded or
// not, of 24 to 64 octets. Its errors never show any of the secret.
func ParseKey(secret string) (Key, error) {
	encoded, ok := strings.CutPrefix(secret, secretPrefix)
	if !ok {
		return Key{}, errors.New(`parse signing secret: it does not begin with "whsec_"`)
	}
	// The decoder skips line breaks; receivers' decoders need not.
	if strings.ContainsAny(encoded, "\r\n") {
		return Key{}, errors.New("parse signing secret: it holds a line break")
	}
	encoding := base64.StdEncoding
	if !strings.HasSuffix(encoded, "=") {
		encoding = base64.RawStdEncoding
	}
	octets, err := encoding.DecodeString(encoded)
	if err != nil {
		// The decoder's own error is left out: it tells of the secret's shape.
		return Key{}, errors.New("parse signing secret: what follows whsec_ is not standard base64")
	}
	if len(octets) < minKeyBytes || len(octets) > maxKeyBytes {
		return Key{}, fmt.Errorf("parse signing secret: it has %d octets, want %d to %d", len(octets), minKeyBytes, maxKeyBytes)
	}
	return Key{newMAC: func() hash.Hash { return hmac.New(sha256.New, octets) }}, nil
}

// String returns "(redacted)".
func (Key) String() string { return redacted }

// GoString returns "(redacted)".
func (Key) GoString() string { return redacted }

// Format writes "(redacted)" for every verb, %x among them.
func (Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns "(redacted)": encoders, and loggers that use them, show no secret.
func (Key) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// signer hashes one attempt's signed content, "id.timestamp.body" (Standard
// Webhooks 1.0.0, "Signature scheme"), and counts the octets of the body.
type signer struct {
	mac  hash.Hash
	size int64
}

func (k Key) signer(id mail.DeliveryID, at time.Time) *signer {
	mac := k.newMAC()
	_, _ = io.WriteString(mac, string(id)+"."+strconv.FormatInt(at.Unix(), 10)+".") // a hash never fails
	return &signer{mac: mac}
}

// Write takes the next octets of the body. It never fails.
func (s *signer) Write(p []byte) (int, error) {
	s.size += int64(len(p))
	return s.mac.Write(p)
}

// sum returns the signature of what was written.
func (s *signer) sum() []byte { return s.mac.Sum(nil) }

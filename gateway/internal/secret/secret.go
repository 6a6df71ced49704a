// Package secret holds what signs a webhook, and what opens a database or a bucket,
// and never prints itself.
//
// Invariants:
//
//   - A [Key] that [Parse] returns is a usable key for Standard Webhooks. Whoever
//     gets one need not check it again.
//   - No way of printing, encoding or logging a Key or a [Password] shows any of its
//     value. [Key.Text] and [Password.Text] are the one way to it, so that a search
//     for their callers finds every place that a secret can leave by.
//   - No error holds any of the text that it is about.
//
// Where a secret comes from, be it a file or the environment, is the affair of
// whoever reads it. Nothing here is durable.
package secret

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
)

const (
	// Prefix begins the written form of every signing secret, by which one that
	// slipped into a wrong place is recognised.
	Prefix = "whsec_"
	// Redacted is what stands in the place of a secret wherever one would print.
	Redacted = "(redacted)"

	// The lengths that Standard Webhooks 1.0.0 allows for a symmetric key.
	minKeyBytes, maxKeyBytes = 24, 64
)

// Key is a signing secret. It prints as "(redacted)", or as an address, in every
// form and inside every other value. The zero Key signs nothing.
//
// Two are compared by [Key.Equal]: for reflect.DeepEqual no two are equal.
type Key struct {
	mute
	// A function that holds the value, and not the value, because fmt reaches
	// unexported fields of a surrounding struct by reflection, past every method
	// below. Printers follow pointers, but of a function they have only the address.
	reveal func() (text string, octets []byte)
}

// Parse reads a signing secret: "whsec_" and the padded standard base64 of 24 to
// 64 octets, which are not all the same. Its error is the second half of a
// sentence, as in `the secret in DESK_SECRET does not begin with "whsec_"`: the
// caller knows where the text comes from.
func Parse(text string) (Key, error) {
	encoded, ok := strings.CutPrefix(text, Prefix)
	if !ok {
		return Key{}, errors.New(`does not begin with "whsec_"`)
	}
	octets, err := base64.StdEncoding.DecodeString(encoded)
	// Go skips line breaks and stray bits; the receiver's library may not. The
	// decoder's own error is left out: it tells of the secret's shape.
	if err != nil || base64.StdEncoding.EncodeToString(octets) != encoded {
		return Key{}, errors.New(`is not padded base64 after "whsec_"`)
	}
	if len(octets) < minKeyBytes || len(octets) > maxKeyBytes {
		return Key{}, fmt.Errorf("holds a key of %d bytes, want %d to %d", len(octets), minKeyBytes, maxKeyBytes)
	}
	if strings.Count(string(octets), string(octets[:1])) == len(octets) {
		return Key{}, errors.New("is a placeholder: all bytes of the key are the same")
	}
	return Key{reveal: func() (string, []byte) { return text, octets }}, nil
}

// IsZero reports whether this is the zero Key.
func (k Key) IsZero() bool { return k.reveal == nil }

// Text reveals the secret in its written form, "whsec_" and base64. That of the
// zero Key is empty.
func (k Key) Text() string {
	if k.IsZero() {
		return ""
	}
	text, _ := k.reveal()
	return text
}

// Equal reports whether two keys have the same text, in time that does not tell
// where they differ.
func (k Key) Equal(other Key) bool { return equal(k.Text(), other.Text()) }

// HMAC returns a new HMAC-SHA256 under this key (Standard Webhooks 1.0.0,
// "Signature scheme"). It panics for the zero Key, rather than have something
// signed that anybody could sign.
func (k Key) HMAC() hash.Hash {
	if k.IsZero() {
		panic("secret: HMAC of the zero Key")
	}
	_, octets := k.reveal()
	return hmac.New(sha256.New, octets)
}

// mute gives whoever embeds it the methods by which values are printed. None of
// them tells anything.
type mute struct{}

// Format writes "(redacted)" for every verb, %x and %#v among them.
func (mute) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// String returns "(redacted)".
func (mute) String() string { return Redacted }

// GoString returns "(redacted)".
func (mute) GoString() string { return Redacted }

// MarshalText returns "(redacted)". It is what JSON, XML and loggers ask for.
func (mute) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

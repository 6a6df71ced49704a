package webhook

import (
	"hash"
	"io"
	"strconv"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/secret"
)

// signer hashes one attempt's signed content, "id.timestamp.body" (Standard
// Webhooks 1.0.0, "Signature scheme"), and counts the octets of the body. It keeps
// those of a small one.
type signer struct {
	mac  hash.Hash
	size int64
	keep bool   // the octets, while they are no more than smallPayload
	kept []byte // all of the body where keep is still true
}

func newSigner(key secret.Key, id mail.DeliveryID, at time.Time) *signer {
	mac := key.HMAC()
	_, _ = io.WriteString(mac, string(id)+"."+strconv.FormatInt(at.Unix(), 10)+".") // a hash never fails
	return &signer{mac: mac}
}

// Write takes the next octets of the body. It never fails.
func (s *signer) Write(p []byte) (int, error) {
	s.size += int64(len(p))
	if s.keep = s.keep && s.size <= smallPayload; s.keep {
		s.kept = append(s.kept, p...)
	} else {
		s.kept = nil
	}
	return s.mac.Write(p)
}

// sum returns the signature of what was written.
func (s *signer) sum() []byte { return s.mac.Sum(nil) }

package webhook

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/secret"
)

// The vector that the Standard Webhooks repository publishes with its libraries.
const (
	vectorSecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	vectorID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	vectorTimestamp = 1614265330
	vectorBody      = `{"test": 2432232314}`
	vectorSignature = "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

func mustKey(t testing.TB, text string) secret.Key {
	t.Helper()
	key, err := secret.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestPublishedVector(t *testing.T) {
	t.Parallel()
	s := newSigner(mustKey(t, vectorSecret), vectorID, time.Unix(vectorTimestamp, 0))
	for _, c := range []byte(vectorBody) { // octet by octet: it streams
		_, _ = s.Write([]byte{c})
	}
	if got := base64.StdEncoding.EncodeToString(s.sum()); got != vectorSignature {
		t.Errorf("signature = %s, want %s", got, vectorSignature)
	}
	if s.size != int64(len(vectorBody)) {
		t.Errorf("size = %d, want %d", s.size, len(vectorBody))
	}
}

func TestSignatureEqualsLibrary(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2)) // reproducible
	octets := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		return b
	}
	for range 500 {
		text := secret.Prefix + base64.StdEncoding.EncodeToString(octets(24+random.IntN(64-24+1)))
		at := time.Unix(random.Int64N(1<<33), 0)
		id := mail.NewMessageID(at).Delivery(1 + random.IntN(9))
		payload := octets(random.IntN(3000))

		library, err := standardwebhooks.NewWebhook(text)
		if err != nil {
			t.Fatal(err)
		}
		want, err := library.Sign(string(id), at, payload)
		if err != nil {
			t.Fatal(err)
		}
		s := newSigner(mustKey(t, text), id, at)
		for rest := payload; len(rest) > 0; { // in pieces of any size
			n := 1 + random.IntN(len(rest))
			_, _ = s.Write(rest[:n])
			rest = rest[n:]
		}
		if got := "v1," + base64.StdEncoding.EncodeToString(s.sum()); got != want {
			t.Fatalf("signature = %s, want %s (id %s, %d octets)", got, want, id, len(payload))
		}
		header := http.Header{}
		header.Set(standardwebhooks.HeaderWebhookID, string(id))
		header.Set(standardwebhooks.HeaderWebhookTimestamp, fmt.Sprint(at.Unix()))
		header.Set(standardwebhooks.HeaderWebhookSignature, "v1,"+base64.StdEncoding.EncodeToString(s.sum()))
		if err := library.VerifyIgnoringTimestamp(payload, header); err != nil {
			t.Fatal(err)
		}
	}
}

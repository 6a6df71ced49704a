package webhook

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/postern-mail/postern/gateway/internal/mail"
)

// The vector that the Standard Webhooks repository publishes with its libraries.
const (
	vectorSecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	vectorID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	vectorTimestamp = 1614265330
	vectorBody      = `{"test": 2432232314}`
	vectorSignature = "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

func mustKey(t testing.TB, secret string) Key {
	t.Helper()
	key, err := ParseKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// secretOf returns a secret of n octets.
func secretOf(n int) string {
	return secretPrefix + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", n)))
}

func TestPublishedVector(t *testing.T) {
	t.Parallel()
	s := mustKey(t, vectorSecret).signer(vectorID, time.Unix(vectorTimestamp, 0))
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
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // reproducible payloads, not secrets
	octets := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(random.Uint32()) //nolint:gosec // any octet will do
		}
		return b
	}
	for range 500 {
		secret := secretPrefix + base64.StdEncoding.EncodeToString(octets(minKeyBytes+random.IntN(maxKeyBytes-minKeyBytes+1)))
		at := time.Unix(random.Int64N(1<<33), 0)
		id := mail.NewMessageID(at).Delivery(1 + random.IntN(9))
		payload := octets(random.IntN(3000))

		library, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			t.Fatal(err)
		}
		want, err := library.Sign(string(id), at, payload)
		if err != nil {
			t.Fatal(err)
		}
		s := mustKey(t, secret).signer(id, at)
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

func TestParseKey(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		secret string
		err    string
	}{
		"published":          {secret: vectorSecret},
		"24 octets":          {secret: secretOf(24)},
		"25 octets, padded":  {secret: secretOf(25)},
		"25, unpadded":       {secret: strings.TrimRight(secretOf(25), "=")},
		"64 octets":          {secret: secretOf(64)},
		"64, unpadded":       {secret: strings.TrimRight(secretOf(64), "=")},
		"23 octets":          {secret: secretOf(23), err: "it has 23 octets"},
		"65 octets":          {secret: secretOf(65), err: "it has 65 octets"},
		"empty":              {secret: "", err: "whsec_"},
		"prefix only":        {secret: secretPrefix, err: "it has 0 octets"},
		"no prefix":          {secret: strings.TrimPrefix(vectorSecret, secretPrefix), err: "whsec_"},
		"asymmetric":         {secret: "whsk_" + strings.TrimPrefix(vectorSecret, secretPrefix), err: "whsec_"},
		"base64url":          {secret: secretPrefix + strings.Repeat("-_", 20), err: "not standard base64"},
		"half the padding":   {secret: strings.TrimSuffix(secretOf(25), "="), err: "not standard base64"},
		"trailing new line":  {secret: vectorSecret + "\n", err: "line break"},
		"line break inside":  {secret: vectorSecret[:20] + "\r\n" + vectorSecret[20:], err: "line break"},
		"a space":            {secret: vectorSecret + " ", err: "not standard base64"},
		"octets, not base64": {secret: secretPrefix + "\x00\xff", err: "not standard base64"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key, err := ParseKey(tc.secret)
			if tc.err == "" {
				if err != nil || key.newMAC == nil {
					t.Fatalf("key = %v, error = %v", key, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Fatalf("error = %v, want one with %q", err, tc.err)
			}
			if key.newMAC != nil {
				t.Error("an error comes with a key")
			}
		})
	}
}

func TestKeyDoesNotPrint(t *testing.T) {
	t.Parallel()
	key := mustKey(t, secretOf(32))
	type holder struct {
		Public Key
		hidden Key // fmt prints this one without asking its methods
	}
	held := holder{Public: key, hidden: key}
	text, err := json.Marshal(map[string]any{"key": key, "held": held, "request": &Result{}})
	if err != nil {
		t.Fatal(err)
	}
	printed := string(text)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%c", "%U"} {
		printed += fmt.Sprintf(verb, key) + fmt.Sprintf(verb, &key) + fmt.Sprintf(verb, held) + fmt.Sprintf(verb, &held)
	}
	for _, leak := range []string{
		"kkkk", "a2tr", "6b6b", "6B6B", "107 107", "0x6b", "U+006B", "k k",
	} {
		if strings.Contains(printed, leak) {
			t.Errorf("printing shows %q: %s", leak, printed)
		}
	}
	if got := fmt.Sprint(key) + key.String() + key.GoString(); got != strings.Repeat(redacted, 3) {
		t.Errorf("printed %s", got)
	}
}

func FuzzParseKey(f *testing.F) {
	f.Add(vectorSecret)
	f.Add(secretOf(25))
	f.Add(strings.TrimRight(secretOf(64), "="))
	f.Add("whsec_")
	f.Add("whsec_-_-_")
	f.Add("")
	f.Fuzz(func(t *testing.T, secret string) {
		key, err := ParseKey(secret)
		if err != nil {
			// Four characters of base64 could stand in the message by chance.
			if rest, ok := strings.CutPrefix(secret, secretPrefix); ok && len(rest) >= 8 && strings.Contains(err.Error(), rest) {
				t.Errorf("error shows the secret: %v", err)
			}
			return
		}
		octets, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(padded(secret), secretPrefix))
		if err != nil || len(octets) < minKeyBytes || len(octets) > maxKeyBytes {
			t.Errorf("key has %d octets, error = %v", len(octets), err)
		}
		// Receivers decode the same text: it must mean the same octets to them.
		library, err := standardwebhooks.NewWebhook(padded(secret))
		if err != nil {
			t.Fatalf("the library refuses %q: %v", secret, err)
		}
		at := time.Unix(vectorTimestamp, 0)
		want, err := library.Sign(vectorID, at, []byte(vectorBody))
		if err != nil {
			t.Fatal(err)
		}
		s := key.signer(vectorID, at)
		_, _ = s.Write([]byte(vectorBody))
		if got := "v1," + base64.StdEncoding.EncodeToString(s.sum()); got != want {
			t.Errorf("signature = %s, want %s", got, want)
		}
	})
}

// padded adds the padding that the library's decoder insists on.
func padded(secret string) string {
	encoded := strings.TrimPrefix(secret, secretPrefix)
	for len(encoded)%4 != 0 {
		encoded += "="
	}
	return secretPrefix + encoded
}

package secret

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// The secret of the vector that the Standard Webhooks repository publishes with
// its libraries.
const published = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// written returns a secret of n octets: one x, then k.
func written(n int) string {
	return Prefix + base64.StdEncoding.EncodeToString([]byte("x"+strings.Repeat("k", n-1)))
}

func mustParse(t *testing.T, text string) Key {
	t.Helper()
	key, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestParse(t *testing.T) {
	t.Parallel()
	const (
		noPrefix  = `does not begin with "whsec_"`
		notBase64 = `is not padded base64 after "whsec_"`
	)
	for name, tc := range map[string]struct {
		text string
		err  string
	}{
		"published":          {text: published},
		"24 octets":          {text: written(24)},
		"25 octets, padded":  {text: written(25)},
		"64 octets":          {text: written(64)},
		"25, unpadded":       {text: strings.TrimRight(written(25), "="), err: notBase64},
		"64, unpadded":       {text: strings.TrimRight(written(64), "="), err: notBase64},
		"half the padding":   {text: strings.TrimSuffix(written(25), "="), err: notBase64},
		"stray bits":         {text: strings.Replace(written(25), "aw==", "ax==", 1), err: notBase64},
		"23 octets":          {text: written(23), err: "holds a key of 23 bytes, want 24 to 64"},
		"65 octets":          {text: written(65), err: "holds a key of 65 bytes, want 24 to 64"},
		"prefix only":        {text: Prefix, err: "holds a key of 0 bytes, want 24 to 64"},
		"one octet repeated": {text: Prefix + strings.Repeat("a2tr", 8), err: "is a placeholder: all bytes of the key are the same"},
		"empty":              {text: "", err: noPrefix},
		"no prefix":          {text: strings.TrimPrefix(published, Prefix), err: noPrefix},
		"asymmetric":         {text: "whsk_" + strings.TrimPrefix(published, Prefix), err: noPrefix},
		"base64url":          {text: Prefix + strings.Repeat("-_", 20), err: notBase64},
		"trailing new line":  {text: published + "\n", err: notBase64},
		"line break inside":  {text: published[:20] + "\r\n" + published[20:], err: notBase64},
		"a space":            {text: published + " ", err: notBase64},
		"octets, not base64": {text: Prefix + "\x00\xff", err: notBase64},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key, err := Parse(tc.text)
			if tc.err != "" {
				if err == nil || err.Error() != tc.err || !key.IsZero() {
					t.Fatalf("Parse = %v, %v; want the zero Key and %q", key, err, tc.err)
				}
				return
			}
			if err != nil || key.IsZero() {
				t.Fatalf("Parse = %v, %v", key, err)
			}
			if got := key.Text(); got != tc.text {
				t.Errorf("Text() = %q", got)
			}
		})
	}
}

func TestHMAC(t *testing.T) {
	t.Parallel()
	want := hmac.New(sha256.New, []byte("x"+strings.Repeat("k", 31)))
	key := mustParse(t, written(32))
	for range 2 { // each is a new one
		got := key.HMAC()
		_, _ = got.Write([]byte("content"))
		want.Reset()
		_, _ = want.Write([]byte("content"))
		if !hmac.Equal(got.Sum(nil), want.Sum(nil)) {
			t.Errorf("HMAC = %x, want %x", got.Sum(nil), want.Sum(nil))
		}
	}
}

func TestZeroKey(t *testing.T) {
	t.Parallel()
	var zero Key
	if got := zero.Text(); got != "" || !zero.IsZero() {
		t.Errorf("Text() = %q, IsZero() = %t", got, zero.IsZero())
	}
	defer func() {
		if recover() == nil {
			t.Error("HMAC of the zero Key did not panic")
		}
	}()
	zero.HMAC()
}

func TestNeverPrints(t *testing.T) {
	t.Parallel()
	key := mustParse(t, written(32))
	neverPrints(t, key, key.Text())
	password, err := ParsePassword("postgres://postern:" + strings.Repeat("k", 31) + "@db/postern")
	if err != nil {
		t.Fatal(err)
	}
	neverPrints(t, password, password.Text())
}

// holder holds a secret.
type holder[T any] struct {
	Public T
	hidden T // fmt cannot call methods of an unexported field
}

// neverPrints tries every printer at hand on a secret, and on values that hold one.
func neverPrints[T interface {
	fmt.Stringer
	fmt.GoStringer
}](t *testing.T, key T, text string) {
	t.Helper()
	held := holder[T]{Public: key, hidden: key}
	printed := map[string]string{}
	for _, x := range []any{key, &key, []T{key}, held, &held, []holder[T]{held}, map[string]T{"a": key}, map[string]*holder[T]{"a": &held}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "% x", "%c", "%U"} {
			printed[fmt.Sprintf("%s of %T", verb, x)] = fmt.Sprintf(verb, x)
		}
	}
	asJSON, err := json.Marshal(map[string]any{"key": key, "pointer": &key, "held": held})
	if err != nil {
		t.Fatal(err)
	}
	asXML, err := xml.Marshal(held)
	if err != nil {
		t.Fatal(err)
	}
	printed["JSON"], printed["XML"] = string(asJSON), string(asXML)
	var log bytes.Buffer
	for _, asJSON := range []bool{true, false} {
		hclog.New(&hclog.LoggerOptions{Output: &log, JSONFormat: asJSON}).Info("x", "key", key, "held", held)
	}
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "key", key, "held", held)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "key", key, "held", held)
	printed["loggers"] = log.String()

	for how, out := range printed {
		for _, leak := range []string{text, "kkkk", "a2tr", "6b6b", "6B6B", "107 107", "0x6b", "U+006B", "k k"} {
			if strings.Contains(out, leak) {
				t.Errorf("%s shows %q: %s", how, leak, out)
			}
		}
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if got := fmt.Sprintf(verb, key); got != Redacted {
			t.Errorf("%s = %s", verb, got)
		}
	}
	if got := key.String() + key.GoString(); got != Redacted+Redacted {
		t.Errorf("String and GoString = %s", got)
	}
	if want := `"key":"` + Redacted + `"`; !strings.Contains(string(asJSON), want) {
		t.Errorf("JSON = %s, want %s", asJSON, want)
	}
}

// FuzzParse holds that what is accepted means the same octets to receivers, and
// that what is refused stays out of the error.
func FuzzParse(f *testing.F) {
	f.Add(published)
	f.Add(written(25))
	f.Add(strings.TrimRight(written(64), "="))
	f.Add(Prefix)
	f.Add("whsec_-_-_")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		key, err := Parse(text)
		if err != nil {
			// Four characters of base64 could stand in the message by chance.
			if rest, ok := strings.CutPrefix(text, Prefix); ok && len(rest) >= 8 && strings.Contains(err.Error(), rest) {
				t.Errorf("the error shows the secret: %v", err)
			}
			return
		}
		if got := key.Text(); got != text {
			t.Errorf("Text() = %q, want %q", got, text)
		}
		octets, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, Prefix))
		if err != nil || len(octets) < minKeyBytes || len(octets) > maxKeyBytes {
			t.Errorf("the key has %d octets, error = %v", len(octets), err)
		}
		library, err := standardwebhooks.NewWebhook(text)
		if err != nil {
			t.Fatalf("the library refuses %q: %v", text, err)
		}
		want, err := library.Sign("msg_1", time.Unix(1614265330, 0), []byte("{}"))
		if err != nil {
			t.Fatal(err)
		}
		mac := key.HMAC()
		_, _ = mac.Write([]byte("msg_1.1614265330.{}"))
		if got := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); got != want {
			t.Errorf("signature = %s, want %s", got, want)
		}
	})
}

// Package download hands the content of attachments to who has a URL for it: it makes
// the URLs that payloads hold, and is the HTTP handler behind them.
//
// # Invariants
//
//   - A URL is a capability: it names one attachment of one delivery until the end of
//     its retention, and is signed as a whole. Nothing is served, read or looked up for
//     one that is not ours.
//   - The same part has the same URL every time, so that every attempt of a delivery
//     sends the same payload.
//   - What is served is a stranger's: it comes as an attachment that no browser renders,
//     guesses the type of, or runs.
//
// Nothing here is durable, and nothing needs the database of documents: a receiver may
// fetch an attachment before the attempt that told it of the URL has ended.
package download

import (
	"crypto/hmac"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/secret"
)

const (
	// route comes before the token, in the path of every URL.
	route = "/attachments/"
	// purpose begins what is signed: the key may be that of other signatures too.
	purpose = "postern-attachment-v1\n"
	// maxToken is more than any token of ours is long.
	maxToken = 4 << 10
)

// Links makes and reads the URLs. It is safe for concurrent use.
type Links struct {
	base string
	keys []secret.Key // the first signs
}

// NewLinks returns the links below a base URL, which has no slash at its end. URLs that a
// former key has signed are served too.
func NewLinks(baseURL string, key secret.Key, former ...secret.Key) *Links {
	return &Links{base: baseURL, keys: append([]secret.Key{key}, former...)}
}

// claims are what a token says. The letters are short since URLs are better so.
type claims struct {
	Delivery    mail.DeliveryID `json:"d"`
	Offset      int64           `json:"o"`
	Length      int64           `json:"l"`
	Encoding    string          `json:"e,omitempty"`
	Size        int64           `json:"s"`
	Filename    string          `json:"n,omitempty"`
	ContentType string          `json:"t,omitempty"`
	Expires     int64           `json:"x"` // Unix seconds
}

// part is where the content lies.
func (c claims) part() document.Part {
	return document.Part{Offset: c.Offset, Length: c.Length, Encoding: c.Encoding}
}

// URL returns where a part of a delivery's mail is to be had until expires.
func (l *Links) URL(id mail.DeliveryID, p document.Part, expires time.Time) string {
	text, err := json.Marshal(claims{
		Delivery: id, Offset: p.Offset, Length: p.Length, Encoding: p.Encoding,
		Size: p.Size, Filename: p.Filename, ContentType: p.ContentType, Expires: expires.Unix(),
	})
	if err != nil { // strings and numbers only
		panic(err)
	}
	return l.base + route + encode(text) + "." + encode(sign(l.keys[0], text))
}

// sign returns the signature of a token's text.
func sign(key secret.Key, text []byte) []byte {
	mac := key.HMAC()
	_, _ = io.WriteString(mac, purpose) // a hash never fails
	_, _ = mac.Write(text)
	return mac.Sum(nil)
}

var (
	errNotOurs = errors.New("this gateway has not signed the URL: it is not as it stood in the payload, or the secret was changed")
	errExpired = errors.New("the URL has expired with the mail's retention")
)

// read returns what the token at the end of a path says. What comes before the route
// does not matter: a proxy in front may have taken it away.
func (l *Links) read(path string, now time.Time) (claims, error) {
	i := strings.LastIndex(path, route)
	if i < 0 || len(path)-i > maxToken {
		return claims{}, errNotOurs
	}
	text, signature, ok := strings.Cut(path[i+len(route):], ".")
	if !ok {
		return claims{}, errNotOurs
	}
	said, textErr := decode(text)
	mac, macErr := decode(signature)
	ours := func(key secret.Key) bool { return hmac.Equal(mac, sign(key, said)) }
	if textErr != nil || macErr != nil || !slices.ContainsFunc(l.keys, ours) {
		return claims{}, errNotOurs
	}
	var c claims
	if err := json.Unmarshal(said, &c); err != nil {
		return claims{}, errNotOurs
	}
	if now.Unix() >= c.Expires {
		return claims{}, errExpired
	}
	return c, nil
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// decode is strict: each token has one spelling. Go's decoder reads over line breaks.
func decode(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, errNotOurs
	}
	return base64.RawURLEncoding.Strict().DecodeString(s)
}

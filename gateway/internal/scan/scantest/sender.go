package scantest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/foxcpp/go-mockdns"
)

// GTUBE is the line that every spam scanner takes for spam, in pieces, so that this file
// is none.
const GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*" + "GTUBE-STANDARD-" + "ANTI-UBE-TEST-EMAIL*C.34X"

// Resolver starts a name server that knows the zones, and returns who asks it, and its
// address. It ends with the test.
func Resolver(t *testing.T, zones map[string]mockdns.Zone) (*net.Resolver, string) {
	t.Helper()
	server, err := mockdns.NewServerWithLogger(zones, discard{}, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	var r net.Resolver
	server.PatchNet(&r)
	return &r, server.LocalAddr().String()
}

type discard struct{}

func (discard) Printf(string, ...any) {}

// Signer makes DKIM signatures of example.org (RFC 6376), simple/simple, by the selector
// s1.
type Signer struct{ key *rsa.PrivateKey }

// Sender returns who signs for example.org, and what a name server says of that domain: it
// sends from 192.0.2.0/24 only, wants all its mail signed, and its host is 192.0.2.1, which
// 198.51.100.99 claims to be too.
func Sender(t *testing.T) (Signer, map[string]mockdns.Zone) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return Signer{key}, map[string]mockdns.Zone{
		"example.org.":                {A: []string{"192.0.2.1"}, MX: []net.MX{{Host: "mx.example.org.", Pref: 10}}, TXT: []string{"v=spf1 ip4:192.0.2.0/24 -all"}},
		"mx.example.org.":             {A: []string{"192.0.2.1"}},
		"s1._domainkey.example.org.":  {TXT: []string{"v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der)}},
		"_dmarc.example.org.":         {TXT: []string{"v=DMARC1; p=reject"}},
		"1.2.0.192.in-addr.arpa.":     {PTR: []string{"mx.example.org."}},
		"99.100.51.198.in-addr.arpa.": {PTR: []string{"mx.example.org."}}, // a lie
	}
}

// Sign puts a signature before a mail of header lines and a body.
func (s Signer) Sign(t *testing.T, header []string, text string) string {
	t.Helper()
	hash := func(s string) []byte { sum := sha256.Sum256([]byte(s)); return sum[:] }
	var names []string
	for _, line := range header {
		name, _, _ := strings.Cut(line, ":")
		names = append(names, name)
	}
	signature := fmt.Sprintf("DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple; d=example.org; s=s1; h=%s; bh=%s; b=",
		strings.Join(names, ":"), base64.StdEncoding.EncodeToString(hash(text)))
	lines := strings.Join(header, "\r\n") + "\r\n"
	b, err := rsa.SignPKCS1v15(rand.Reader, s.key, crypto.SHA256, hash(lines+signature))
	if err != nil {
		t.Fatal(err)
	}
	return signature + base64.StdEncoding.EncodeToString(b) + "\r\n" + lines + "\r\n" + text
}

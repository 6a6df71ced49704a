package outbound

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/foxcpp/go-mockdns"
)

// signed is a certificate and its key.
type signed struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// issue makes a certificate; by the zero signed it is signed by itself.
func issue(t *testing.T, by signed, name string, change func(*x509.Certificate)) signed {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(time.Hour),
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	if change != nil {
		change(template)
	}
	parent, signer := template, key
	if by.cert != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return signed{cert, key}
}

func authority(c *x509.Certificate) { c.IsCA = true }

func host(names ...string) func(*x509.Certificate) {
	return func(c *x509.Certificate) { c.DNSNames = names }
}

func both(changes ...func(*x509.Certificate)) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		for _, change := range changes {
			change(c)
		}
	}
}

func expired(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Hour) }

func tomorrow(c *x509.Certificate) {
	c.NotBefore, c.NotAfter = time.Now().Add(24*time.Hour), time.Now().Add(48*time.Hour)
}

// present serves TLS with a chain, and with a byte after the handshake.
func present(t *testing.T, chain ...signed) Server {
	t.Helper()
	cert := tls.Certificate{PrivateKey: chain[0].key}
	for _, c := range chain {
		cert.Certificate = append(cert.Certificate, c.cert.Raw)
	}
	s := listen(t, func(c net.Conn) {
		secured := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
		if secured.Handshake() == nil {
			_, _ = secured.Write([]byte("* OK\r\n"))
			_ = secured.Close()
		}
	})
	s.Security = TLS
	return s
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	const mail = "mail.example"
	var (
		known   = issue(t, signed{}, "known CA", authority)
		unknown = issue(t, signed{}, "unknown CA", authority)
		old     = issue(t, signed{}, "old CA", both(authority, expired))
		between = issue(t, unknown, "between", authority)
		roots   = x509.NewCertPool()
	)
	roots.AddCert(known.cert)
	roots.AddCert(old.cert)
	const (
		chain   = "self-signed certificate in certificate chain"
		itself  = "self-signed certificate"
		nobody  = "unable to verify the first certificate"
		past    = "certificate has expired"
		another = "Hostname/IP does not match certificate's altnames: Host: mail.example. is not in the cert's altnames: "
	)
	r := resolver(t, map[string]mockdns.Zone{mail + ".": {A: []string{"127.0.0.1"}}})
	for name, tc := range map[string]struct {
		chain          []signed
		host           string // mail where it is empty
		code, response string
	}{
		"expired":                   {chain: []signed{issue(t, known, "x", both(host(mail), expired))}, code: CertExpired, response: past},
		"expired, and unknown":      {chain: []signed{issue(t, unknown, "x", both(host(mail), expired))}, code: CertExpired, response: past},
		"an expired authority":      {chain: []signed{issue(t, old, "x", host(mail))}, code: CertExpired, response: past},
		"not yet valid":             {chain: []signed{issue(t, known, "x", both(host(mail), tomorrow))}, response: "certificate is not yet valid"},
		"self-signed":               {chain: []signed{issue(t, signed{}, mail, host(mail))}, code: DepthZeroSelfSigned, response: itself},
		"self-signed, other name":   {chain: []signed{issue(t, signed{}, "localhost", host("localhost"))}, code: DepthZeroSelfSigned, response: itself},
		"unknown CA, sent":          {chain: []signed{issue(t, unknown, "x", host(mail)), unknown}, code: SelfSignedInChain, response: chain},
		"unknown CA, two deep":      {chain: []signed{issue(t, between, "x", host(mail)), between, unknown}, code: SelfSignedInChain, response: chain},
		"unknown CA, not sent":      {chain: []signed{issue(t, unknown, "x", host(mail))}, code: UnverifiedLeaf, response: nobody},
		"half a chain":              {chain: []signed{issue(t, between, "x", host(mail)), between}, code: UnverifiedLeaf, response: nobody},
		"another self-signed, sent": {chain: []signed{issue(t, between, "x", host(mail)), old}, code: UnverifiedLeaf, response: nobody},
		"another name":              {chain: []signed{issue(t, known, "x", host("a.example", "b.example"))}, response: another + "DNS:a.example, DNS:b.example"},
		"no name":                   {chain: []signed{issue(t, known, mail, nil)}, response: another + "it has none"},
		"another address": {
			chain: []signed{issue(t, known, "x", func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(192, 0, 2, 1)} })}, host: "127.0.0.1",
			response: "Hostname/IP does not match certificate's altnames: IP: 127.0.0.1 is not in the cert's list: 192.0.2.1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := present(t, tc.chain...)
			s.Roots, s.Host = roots, mail
			if tc.host != "" {
				s.Host = tc.host
			}
			want(t, dial(t.Context(), t, Dialer{Resolver: r}, s), tc.code, tc.response)
		})
	}

	t.Run("good", func(t *testing.T) {
		t.Parallel()
		s := present(t, issue(t, known, "x", host(mail)))
		s.Roots, s.Host = roots, mail
		c, err := Dialer{Resolver: r}.Dial(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		greeting := make([]byte, 6)
		if _, err := c.Read(greeting); err != nil || string(greeting) != "* OK\r\n" {
			t.Errorf("greeting = %q, %v", greeting, err)
		}
	})

	t.Run("by STARTTLS", func(t *testing.T) {
		t.Parallel()
		s := present(t, issue(t, known, "x", both(host(mail), expired)))
		s.Roots, s.Host, s.Security = roots, mail, STARTTLS
		c, err := Dialer{Resolver: r}.Dial(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		err = tls.Client(c, Dialer{}.TLSConfig(s)).Handshake()
		want(t, Classify(err, s, c), CertExpired, past)
	})
}

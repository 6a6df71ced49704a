package outbound

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// maxChain bounds how far the chain of a certificate is followed.
const maxChain = 10

// certificate says what is wrong with a server's certificate, in the words of OpenSSL and
// Node.js; nil where the error is no such one.
func certificate(err error, server Server) *Failure {
	verification, ok := errors.AsType[*tls.CertificateVerificationError](err)
	if !ok || len(verification.UnverifiedCertificates) == 0 {
		return nil
	}
	chain := verification.UnverifiedCertificates
	cause := verification.Err
	// Go looks at the name first, and OpenSSL last. That nobody known has signed it is the worse news.
	if _, ok := errors.AsType[x509.HostnameError](cause); ok {
		if trust := verify(chain, server.Roots); trust != nil {
			cause = trust
		}
	}
	code, response := certificateWords(cause, chain, server.Host)
	return &Failure{Kind: Connection, Code: code, Response: printable(response, MaxResponse), Err: err}
}

// verify says why a chain is not to be trusted, whatever its name is.
func verify(chain []*x509.Certificate, roots *x509.CertPool) error {
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between})
	return err
}

func certificateWords(cause error, chain []*x509.Certificate, host string) (code, response string) {
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](cause); ok && invalid.Reason == x509.Expired {
		if invalid.Cert != nil && invalid.Cert.NotBefore.After(time.Now()) {
			return "", "certificate is not yet valid" // CERT_NOT_YET_VALID is none of the codes
		}
		return CertExpired, "certificate has expired"
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](cause); ok {
		switch {
		case selfSigned(chain[0]):
			return DepthZeroSelfSigned, "self-signed certificate"
		case endsSelfSigned(chain):
			return SelfSignedInChain, "self-signed certificate in certificate chain"
		}
		return UnverifiedLeaf, "unable to verify the first certificate"
	}
	if _, ok := errors.AsType[x509.HostnameError](cause); ok {
		// ERR_TLS_CERT_ALTNAME_INVALID is none of the codes.
		return "", "Hostname/IP does not match certificate's altnames: " + otherNames(chain[0], host)
	}
	return "", cause.Error()
}

// selfSigned goes by the names, as OpenSSL does.
func selfSigned(c *x509.Certificate) bool { return bytes.Equal(c.RawSubject, c.RawIssuer) }

// endsSelfSigned reports whether the chain that the server sent leads to a certificate that is
// signed by itself.
func endsSelfSigned(sent []*x509.Certificate) bool {
	at := sent[0]
	for range maxChain {
		var issuer *x509.Certificate
		for _, c := range sent[1:] {
			if bytes.Equal(c.RawSubject, at.RawIssuer) {
				issuer = c
				break
			}
		}
		if issuer == nil {
			return false
		}
		if selfSigned(issuer) {
			return true
		}
		at = issuer
	}
	return false
}

func otherNames(leaf *x509.Certificate, host string) string {
	if net.ParseIP(host) != nil {
		addresses := make([]string, len(leaf.IPAddresses))
		for i, ip := range leaf.IPAddresses {
			addresses[i] = ip.String()
		}
		return fmt.Sprintf("IP: %s is not in the cert's list: %s", host, strings.Join(addresses, ", "))
	}
	if len(leaf.DNSNames) == 0 {
		return fmt.Sprintf("Host: %s. is not in the cert's altnames: it has none", host)
	}
	return fmt.Sprintf("Host: %s. is not in the cert's altnames: DNS:%s", host, strings.Join(leaf.DNSNames, ", DNS:"))
}

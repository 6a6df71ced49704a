// Package outbound reaches mail servers: it connects, with TLS where that is asked for,
// proves who we are, and says of everything that can go wrong there what it is.
//
// # Invariants
//
//   - Nothing that a server does lasts or takes for ever: each read and write of a [Conn]
//     has a deadline, and what is read has a budget that who speaks the protocol sets.
//   - Where TLS is asked for, nothing is said without it but what starts it, and the
//     certificate is checked.
//   - Every failure is a [Failure]: of the connection, or of the authentication. It has one of
//     the codes below where one fits, and no text of a server in it is longer than
//     [MaxResponse].
//   - The same cause gives the same text, attempt after attempt: no port of our own stands in
//     it, and of several addresses of a server always the same one tells.
//   - A refresh token that a provider has replaced is kept before anything is done with what
//     came with it.
//   - No credential stands in an error or in a printed form.
package outbound

import "crypto/x509"

// Security says how a connection is secured.
type Security string

// How a connection is secured.
const (
	// TLS begins with a TLS handshake.
	TLS Security = "tls"
	// STARTTLS begins in clear and goes on in TLS; a server that does not offer it is a failure.
	STARTTLS Security = "starttls"
	// Plaintext stays in clear, credentials included.
	Plaintext Security = "none"
)

// Server is a mail server to connect to.
type Server struct {
	Host     string
	Port     int
	Security Security
	// Roots are the authorities whose certificates count; nil for those of the system.
	Roots *x509.CertPool
}

// Kind says which of two things has failed.
type Kind string

// The kinds.
const (
	// Connection is everything before and outside of authentication.
	Connection Kind = "connection"
	// Authentication is a login that was refused on a connection that stood.
	Authentication Kind = "authentication"
)

// The codes of what fails with connections, which are those of Node.js and OpenSSL, since these are what
// receivers of such events know.
const (
	ConnRefused         = "ECONNREFUSED"                    // nobody listens on the port
	ConnReset           = "ECONNRESET"                      // the server has closed the connection
	TimedOut            = "ETIMEDOUT"                       // no answer
	NotFound            = "ENOTFOUND"                       // the name is not in DNS
	HostUnreachable     = "EHOSTUNREACH"                    // no route
	ConnAborted         = "ECONNABORTED"                    // the connection was given up
	CertExpired         = "CERT_HAS_EXPIRED"                // the certificate is too old
	UnverifiedLeaf      = "UNABLE_TO_VERIFY_LEAF_SIGNATURE" // no known authority has signed it
	SelfSignedInChain   = "SELF_SIGNED_CERT_IN_CHAIN"       // its chain ends at an authority that is not known
	DepthZeroSelfSigned = "DEPTH_ZERO_SELF_SIGNED_CERT"     // it is signed by itself
)

// MaxResponse is how much of what a server said a Failure has, in octets.
const MaxResponse = 500

// Failure is why a connection or a login did not come about, or has ended.
type Failure struct {
	Kind Kind
	// Code is one of those above, or of an authentication the server's own, as in
	// "AUTHENTICATIONFAILED"; empty where there is none.
	Code string
	// Response says it in words: as Node.js does, as in "connect ECONNREFUSED 192.0.2.1:993", or
	// in the server's own, made printable.
	Response string
	// Err is what it was made of; nil where that is nothing but the server's word.
	Err error
}

// Error implements error.
func (f *Failure) Error() string { return f.Response }

// Unwrap returns what the failure was made of.
func (f *Failure) Unwrap() error { return f.Err }

// Equal reports whether two are the same server, connected to in the same way.
func (s Server) Equal(o Server) bool {
	return s.Host == o.Host && s.Port == o.Port && s.Security == o.Security && s.Roots.Equal(o.Roots)
}

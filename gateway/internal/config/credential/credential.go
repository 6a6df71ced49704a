// Package credential fetches what a configuration must not say itself: the secrets
// that sign webhooks, the passwords of databases and buckets, from the environment or
// from files, and the certificates of listeners.
//
// Invariants:
//
//   - The text of a secret leaves as a [secret.Key] or a [secret.Password] only. No
//     problem repeats it, nor what stands where only a name should.
//   - Files are bounded in size, and regular: none makes the gateway wait.
package credential

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/postern-mail/postern/gateway/internal/config/schema"
	"github.com/postern-mail/postern/gateway/internal/config/syntax"
	"github.com/postern-mail/postern/gateway/internal/secret"
)

const (
	// Bounds of files, in octets.
	maxSecretFile      = 4 << 10
	maxCertificateFile = 1 << 20
	// minRSA is what signatures of mail need, in bits (RFC 8301 section 3.2).
	minRSA = 1024
)

// Reader fetches credentials.
type Reader struct {
	Environ map[string]string // for settings that end in _env
	// Unread has it check how credentials are given, and not fetch them.
	Unread bool
}

// Source is the three ways to give a secret, of which one is taken.
type Source struct {
	// Name is that of the setting that holds the secret itself. The others have _env
	// and _file behind it.
	Name string
	What string // it is, with "the", as messages call it
	Hint string // how to get a good one
	// Optional secrets may be left out.
	Optional bool

	literal, env, file syntax.Value
}

// SigningSecret is the source of a secret that signs, by the name of its setting.
func SigningSecret(name string) *Source {
	return &Source{Name: name, What: "the signing secret", Hint: `make one with: echo "whsec_$(openssl rand -base64 32)"`}
}

// Settings are the attributes of a block that holds a secret.
func (s *Source) Settings() []schema.Setting {
	return []schema.Setting{
		{Name: s.Name, Raw: true, Set: schema.Into(&s.literal, schema.Any)},
		{Name: s.Name + "_env", Raw: true, Set: schema.Into(&s.env, schema.Any)},
		{Name: s.Name + "_file", Raw: true, Set: schema.Into(&s.file, schema.Any)},
	}
}

// Said reports whether the secret was given in any of the ways.
func (s *Source) Said() bool {
	nowhere := syntax.Place{}
	return s.literal.At != nowhere || s.env.At != nowhere || s.file.At != nowhere
}

// Secret fetches and parses the secret of the block at. With problems, and where
// it is left unread, the key is zero.
func (r Reader) Secret(at syntax.Place, s *Source) (secret.Key, syntax.Problems) {
	return fetch(r, at, s, secret.Parse)
}

// Password is as Secret, for one that does not sign. check says in the second half of
// a sentence, without any of the text, what is wrong with it; it may be nil.
func (r Reader) Password(at syntax.Place, s *Source, check func(text string) error) (secret.Password, syntax.Problems) {
	return fetch(r, at, s, func(text string) (secret.Password, error) {
		p, err := secret.ParsePassword(text)
		if err != nil {
			return secret.Password{}, err
		}
		if check != nil {
			err = check(text)
		}
		return p, err
	})
}

// fetch gets the text of a secret and parses it.
func fetch[T any](r Reader, at syntax.Place, s *Source, parse func(string) (T, error)) (T, syntax.Problems) {
	var none T
	var said []syntax.Value
	for _, v := range []syntax.Value{s.literal, s.env, s.file} {
		if v.At != (syntax.Place{}) {
			said = append(said, v)
		}
	}
	want := fmt.Sprintf("write exactly one of %[1]s, %[1]s_env and %[1]s_file", s.Name)
	switch {
	case len(said) == 0 && s.Optional:
		return none, nil
	case len(said) == 0:
		return none, syntax.Problems{at.Problem(want, s.What+" is missing")}
	case len(said) > 1:
		return none, said[1].Wrong(want, "%s is given twice", s.What)
	case said[0].Data == nil, // no literal, which is noted already
		r.Unread:
		return none, nil
	}
	text, origin, ps := r.text(s)
	if ps != nil {
		return none, ps
	}
	x, err := parse(text)
	if err != nil {
		return none, said[0].Wrong(s.Hint, "%s %s", origin, err)
	}
	return x, nil
}

// envName is what POSIX has utilities use. Lower case is refused so that a key
// pasted here by mistake is never taken for a name, and shown.
var envName = regexp.MustCompile(`^[A-Z_][A-Z0-9_]{0,127}$`)

// text gets the text of a secret, and what a message calls its origin.
func (r Reader) text(s *Source) (text, origin string, ps syntax.Problems) {
	switch {
	case s.env.Data != nil:
		name, ok := s.env.Data.(string)
		if !ok || !envName.MatchString(name) {
			return "", "", s.env.Wrong("write the name of an environment variable in capitals, digits and _", "%s_env is no name of a variable", s.Name)
		}
		text, set := r.Environ[name]
		if !set {
			return "", "", s.env.Wrong("", "environment variable %s is not set", name)
		}
		return text, s.What + " in environment variable " + name, nil
	case s.file.Data != nil:
		path, ps := schema.FilePath(s.file)
		if ps != nil {
			return "", "", ps
		}
		if said, _ := s.file.Data.(string); secret.Suspect(said) || isAccessKey(said) {
			return "", "", s.file.Wrong("write the name of a file", "%s_file holds the secret itself", s.Name)
		}
		text, err := readSecretFile(path)
		if err != nil {
			return "", "", s.file.Wrong("", "%s", err)
		}
		return text, s.What + " in " + path, nil
	default:
		text, ok := s.literal.Data.(string)
		if !ok {
			return "", "", s.literal.Wrong(s.Hint, "want a string, got %s", s.literal.Describe())
		}
		return text, s.What, nil
	}
}

// accessKeyForm is that of the secret keys that AWS gives out.
var accessKeyForm = regexp.MustCompile(`^[A-Za-z0-9+][A-Za-z0-9+/]{39}$`)

// isAccessKey tells such a key from the name of a file, which has no capitals and
// digits all over, or is an absolute path.
func isAccessKey(s string) bool {
	return accessKeyForm.MatchString(s) && strings.ContainsAny(s, "0123456789+") && strings.ToLower(s) != s && strings.ToUpper(s) != s
}

// readSecretFile reads a small file and takes the line break at its end away,
// which editors and echo put there.
func readSecretFile(path string) (string, error) {
	data, err := readSmallFile(path, maxSecretFile)
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	text, _ := strings.CutSuffix(string(data), "\n")
	text, _ = strings.CutSuffix(text, "\r")
	return text, nil
}

// KeyPair reads a certificate and its key, in PEM, unless they are left unread.
func (r Reader) KeyPair(certFile, keyFile string) (tls.Certificate, error) {
	if r.Unread {
		return tls.Certificate{}, nil
	}
	cert, err := readSmallFile(certFile, maxCertificateFile)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("read certificate: %w", err)
	}
	key, err := readSmallFile(keyFile, maxCertificateFile)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("read key: %w", err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("read certificate %s and key %s: %w", certFile, keyFile, err)
	}
	return pair, nil
}

// Authorities reads the certificates of authorities, in PEM, unless they are left unread.
func (r Reader) Authorities(file string) (*x509.CertPool, error) {
	if r.Unread {
		return nil, nil //nolint:nilnil // as are all credentials then
	}
	text, err := readSmallFile(file, maxCertificateFile)
	if err != nil {
		return nil, fmt.Errorf("read certificates: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate in PEM", file)
	}
	return pool, nil
}

// SigningKey reads a private key in PEM, RSA or Ed25519, unless it is left unread.
func (r Reader) SigningKey(file string) (crypto.Signer, error) {
	if r.Unread {
		return nil, nil //nolint:nilnil // as are all credentials then
	}
	text, err := readSmallFile(file, maxCertificateFile)
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s holds no key in PEM", file)
	}
	var key any
	if block.Type == "RSA PRIVATE KEY" {
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	} else {
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	if err != nil {
		return nil, fmt.Errorf("%s holds no private key that can be read", file) // without what is in it
	}
	switch key := key.(type) {
	case *rsa.PrivateKey:
		if bits := key.N.BitLen(); bits < minRSA {
			return nil, fmt.Errorf("the RSA key in %s has %d bits, and %d are needed (RFC 8301)", file, bits, minRSA)
		}
		return key, nil
	case ed25519.PrivateKey:
		return key, nil
	}
	return nil, fmt.Errorf("the key in %s is neither RSA nor Ed25519", file)
}

// readSmallFile reads a regular file of bounded size: a pipe or a device could
// block, or never end.
func readSmallFile(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() // only read from: its error says nothing
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s is longer than %d KiB", path, limit>>10)
	}
	return data, nil
}

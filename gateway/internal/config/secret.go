package config

import (
	"crypto/tls"
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

	secretHint = `make one with: echo "whsec_$(openssl rand -base64 32)"`
)

// A secretSource is the three ways to give a secret, of which one is taken.
type secretSource struct {
	literal, env, file syntax.Value
}

// settings are the attributes of a block that holds a secret.
func (s *secretSource) settings() []schema.Setting {
	return []schema.Setting{
		{Name: "secret", Raw: true, Set: schema.Into(&s.literal, schema.Any)},
		{Name: "secret_env", Raw: true, Set: schema.Into(&s.env, schema.Any)},
		{Name: "secret_file", Raw: true, Set: schema.Into(&s.file, schema.Any)},
	}
}

// secret fetches and parses the secret of the block at. Where it cannot, it notes
// the problem and returns the zero Key.
func (l *loader) secret(at syntax.Place, s *secretSource) secret.Key {
	var said []syntax.Value
	for _, v := range []syntax.Value{s.literal, s.env, s.file} {
		if v.At != (syntax.Place{}) {
			said = append(said, v)
		}
	}
	const want = "write exactly one of secret, secret_env and secret_file"
	switch {
	case len(said) == 0:
		l.Note(at.Problem(want, "the signing secret is missing"))
		return secret.Key{}
	case len(said) > 1:
		l.Note(said[1].At.Problem(want, "the signing secret is given twice"))
		return secret.Key{}
	case said[0].Data == nil, // no literal, which is noted already
		l.withoutCredentials:
		return secret.Key{}
	}
	text, origin, ps := l.secretText(s)
	if ps != nil {
		l.Note(ps...)
		return secret.Key{}
	}
	key, err := secret.Parse(text)
	if err != nil {
		l.Note(said[0].At.Problem(secretHint, origin+" "+err.Error()))
	}
	return key
}

// envName is what POSIX has utilities use. Lower case is refused so that a key
// pasted here by mistake is never taken for a name, and shown.
var envName = regexp.MustCompile(`^[A-Z_][A-Z0-9_]{0,127}$`)

// secretText gets the text of a secret, and what a message calls its origin.
func (l *loader) secretText(s *secretSource) (text, origin string, ps syntax.Problems) {
	switch {
	case s.env.Data != nil:
		name, ok := s.env.Data.(string)
		if !ok || !envName.MatchString(name) {
			return "", "", s.env.Wrong("write the name of an environment variable in capitals, digits and _", "secret_env is no name of a variable")
		}
		text, set := l.environ[name]
		if !set {
			return "", "", s.env.Wrong("", "environment variable %s is not set", name)
		}
		return text, "the secret in environment variable " + name, nil
	case s.file.Data != nil:
		path, ps := schema.FilePath(s.file)
		if ps != nil {
			return "", "", ps
		}
		if strings.Contains(path, secret.Prefix) {
			return "", "", s.file.Wrong("write the name of a file", "secret_file holds the secret itself")
		}
		text, err := readSecretFile(path)
		if err != nil {
			return "", "", s.file.Wrong("", "%s", err)
		}
		return text, "the secret in " + path, nil
	default:
		text, ok := s.literal.Data.(string)
		if !ok {
			return "", "", s.literal.Wrong(secretHint, "want a string, got %s", s.literal.Describe())
		}
		return text, "the secret", nil
	}
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

// readKeyPair reads a certificate and its key, in PEM.
func readKeyPair(certFile, keyFile string) (tls.Certificate, error) {
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

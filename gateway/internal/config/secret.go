package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
)

const (
	redacted     = "(redacted)"
	secretPrefix = "whsec_"

	// Standard Webhooks 1.0.0 wants keys of 24 to 64 bytes.
	minSecretKey, maxSecretKey = 24, 64
	maxSecretFile              = 4 << 10

	secretHint = `make one with: echo "whsec_$(openssl rand -base64 32)"`
)

// Secret is a signing secret. It prints as "(redacted)" in every form; Reveal is
// the only way to the value.
type Secret struct {
	// A pointer, because fmt shows a struct's unexported fields without asking
	// their methods, and prints a pointer inside a struct as an address.
	value *string
}

// Reveal returns the secret in its written form, "whsec_" and base64. The zero
// Secret gives an empty string.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// Format prints "(redacted)" whatever the verb, %x and %#v included.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// String returns "(redacted)".
func (Secret) String() string { return redacted }

// GoString returns "(redacted)".
func (Secret) GoString() string { return redacted }

// MarshalText returns "(redacted)".
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON returns "(redacted)" as a JSON string.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// parseSecret checks a signing secret: "whsec_" and the base64 of 24 to 64
// bytes. Its errors say nothing of the value.
func parseSecret(text string) (Secret, error) {
	encoded, ok := strings.CutPrefix(text, secretPrefix)
	if !ok {
		return Secret{}, errors.New(`does not begin with "whsec_"`)
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	// Go skips line breaks and stray bits; the receiver's library may not.
	if err != nil || base64.StdEncoding.EncodeToString(key) != encoded {
		return Secret{}, errors.New(`is not padded base64 after "whsec_"`)
	}
	if len(key) < minSecretKey || len(key) > maxSecretKey {
		return Secret{}, fmt.Errorf("holds a key of %d bytes, want %d to %d", len(key), minSecretKey, maxSecretKey)
	}
	if strings.Count(string(key), string(key[:1])) == len(key) {
		return Secret{}, errors.New("is a placeholder: all bytes of the key are the same")
	}
	return Secret{value: &text}, nil
}

// A secretSource is the three ways to give a secret, of which one is taken.
type secretSource struct {
	literal, env, file value
}

// settings are the attributes of a block that holds a secret.
func (s *secretSource) settings() []setting {
	return []setting{
		{name: "secret", raw: true, set: into(&s.literal, anyValue)},
		{name: "secret_env", raw: true, set: into(&s.env, anyValue)},
		{name: "secret_file", raw: true, set: into(&s.file, anyValue)},
	}
}

// secret fetches and checks the secret of the block at. Where it cannot, it
// notes the problem.
func (l *loader) secret(at place, s *secretSource) Secret {
	var said []value
	for _, v := range []value{s.literal, s.env, s.file} {
		if v.At != (place{}) {
			said = append(said, v)
		}
	}
	const want = "write exactly one of secret, secret_env and secret_file"
	switch {
	case len(said) == 0:
		l.problem(at, want, "the signing secret is missing")
		return Secret{}
	case len(said) > 1:
		l.problem(said[1].At, want, "the signing secret is given twice")
		return Secret{}
	case said[0].Data == nil: // no literal, which is noted already
		return Secret{}
	}
	text, origin, ps := l.secretText(s)
	if ps != nil {
		l.problems = append(l.problems, ps...)
		return Secret{}
	}
	secret, err := parseSecret(text)
	if err != nil {
		l.problem(said[0].At, secretHint, origin+" "+err.Error())
	}
	return secret
}

// envName is what POSIX has utilities use. Lower case is refused so that a key
// pasted here by mistake is never taken for a name, and shown.
var envName = regexp.MustCompile(`^[A-Z_][A-Z0-9_]{0,127}$`)

// secretText gets the text of a secret, and what a message calls its origin.
func (l *loader) secretText(s *secretSource) (text, origin string, ps Problems) {
	switch {
	case s.env.Data != nil:
		name, ok := s.env.Data.(string)
		if !ok || !envName.MatchString(name) {
			return "", "", s.env.wrong("write the name of an environment variable in capitals, digits and _", "secret_env is no name of a variable")
		}
		text, set := l.environ[name]
		if !set {
			return "", "", s.env.wrong("", "environment variable %s is not set", name)
		}
		return text, "the secret in environment variable " + name, nil
	case s.file.Data != nil:
		path, ps := filePath(s.file)
		if ps != nil {
			return "", "", ps
		}
		if strings.Contains(path, secretPrefix) {
			return "", "", s.file.wrong("write the name of a file", "secret_file holds the secret itself")
		}
		text, err := readSecretFile(path)
		if err != nil {
			return "", "", s.file.wrong("", "%s", err)
		}
		return text, "the secret in " + path, nil
	default:
		text, ok := s.literal.Data.(string)
		if !ok {
			return "", "", s.literal.wrong(secretHint, "want a string, got %s", s.literal.describe())
		}
		return text, "the secret", nil
	}
}

// readSecretFile reads a small file and takes the line break at its end away,
// which editors and echo put there.
func readSecretFile(path string) (string, error) {
	// A pipe or a device could block, or never end.
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("read secret: %s is no regular file", path)
	}
	f, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	defer f.Close() //nolint:errcheck // read only
	data, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	if len(data) > maxSecretFile {
		return "", fmt.Errorf("read secret: %s is longer than 4 KiB", path)
	}
	text, _ := strings.CutSuffix(string(data), "\n")
	text, _ = strings.CutSuffix(text, "\r")
	return text, nil
}

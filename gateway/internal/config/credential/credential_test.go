package credential

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postern-mail/postern/gateway/internal/config/syntax"
)

const testSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// said makes a source of what a block says.
func said(t *testing.T, settings map[string]string) *Source {
	t.Helper()
	s := &Source{}
	line := 1
	for _, setting := range s.Settings() {
		text, ok := settings[setting.Name]
		if !ok {
			continue
		}
		line++
		if ps := setting.Set(syntax.Value{Data: text, At: syntax.Place{File: "x.hcl", Line: line, Column: 1}}); ps != nil {
			t.Fatal(ps)
		}
	}
	return s
}

func TestSecret(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(testSecret+"\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	environ := map[string]string{"GOOD": testSecret, "BAD": "hunter2"}
	for name, tc := range map[string]struct {
		settings map[string]string
		unread   bool
		want     string // the secret's text, or part of the problem
	}{
		"here":             {settings: map[string]string{"secret": testSecret}, want: testSecret},
		"environment":      {settings: map[string]string{"secret_env": "GOOD"}, want: testSecret},
		"file":             {settings: map[string]string{"secret_file": file}, want: testSecret},
		"unread":           {settings: map[string]string{"secret_env": "UNSET"}, unread: true},
		"nothing":          {want: "x.hcl:1:1: the signing secret is missing"},
		"nothing unread":   {unread: true, want: "x.hcl:1:1: the signing secret is missing"},
		"twice unread":     {settings: map[string]string{"secret": testSecret, "secret_env": "GOOD"}, unread: true, want: "x.hcl:3:1: the signing secret is given twice"},
		"bad":              {settings: map[string]string{"secret_env": "BAD"}, want: "x.hcl:2:1: the secret in environment variable BAD "},
		"unset":            {settings: map[string]string{"secret_env": "UNSET"}, want: "x.hcl:2:1: environment variable UNSET is not set"},
		"secret for name":  {settings: map[string]string{"secret_env": testSecret}, want: "x.hcl:2:1: secret_env is no name of a variable"},
		"secret for file":  {settings: map[string]string{"secret_file": testSecret}, want: "x.hcl:2:1: secret_file holds the secret itself"},
		"folder for file":  {settings: map[string]string{"secret_file": filepath.Dir(file)}, want: "is no regular file"},
		"no file":          {settings: map[string]string{"secret_file": file + "x"}, want: "no such file or directory"},
		"endless for file": {settings: map[string]string{"secret_file": "/dev/zero"}, want: "is no regular file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := Reader{Environ: environ, Unread: tc.unread}
			key, ps := r.Secret(syntax.Place{File: "x.hcl", Line: 1, Column: 1}, said(t, tc.settings))
			got := ps.Error()
			if ps == nil {
				got = key.Text()
			} else if !key.IsZero() || strings.Contains(got, testSecret) || strings.Contains(got, "hunter2") {
				t.Errorf("Secret = %v, %v", key, ps)
			}
			if !strings.Contains(got, tc.want) || (tc.want == "") != key.IsZero() && ps == nil {
				t.Errorf("Secret = %q, want %q", got, tc.want)
			}
		})
	}
}

func TestKeyPair(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing.crt")
	if _, err := (Reader{}).KeyPair(missing, missing); err == nil || !strings.Contains(err.Error(), "read certificate: stat "+missing) {
		t.Errorf("KeyPair = %v", err)
	}
	if pair, err := (Reader{Unread: true}).KeyPair(missing, missing); err != nil || pair.Certificate != nil {
		t.Errorf("KeyPair unread = %v, %v", pair, err)
	}
}

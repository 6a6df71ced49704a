package credential

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postern-mail/postern/gateway/internal/config/syntax"
)

const testSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// said gives a source what a block says.
func said(t *testing.T, s *Source, settings map[string]string) *Source {
	t.Helper()
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
		"bad":              {settings: map[string]string{"secret_env": "BAD"}, want: "x.hcl:2:1: the signing secret in environment variable BAD "},
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
			key, ps := r.Secret(syntax.Place{File: "x.hcl", Line: 1, Column: 1}, said(t, SigningSecret("secret"), tc.settings))
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

func TestPassword(t *testing.T) {
	t.Parallel()
	const (
		testDSN   = "postgres://postern:hunter2@db/postern"
		accessKey = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY42"
	)
	dir := t.TempDir()
	files := map[string]string{"dsn": testDSN + "\n", "windows": testDSN + "\r\n", "two": testDSN + "\n\n", "empty": "\n", "nul": "hunter2\x00"}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	environ := map[string]string{"DSN": testDSN, "EMPTY": "", "LONG": strings.Repeat("hunter2", 600), "OTHER": "hunter2"}
	for name, tc := range map[string]struct {
		settings map[string]string
		want     string // the password, or part of the problem
	}{
		"here":                 {map[string]string{"dsn": testDSN}, testDSN},
		"environment":          {map[string]string{"dsn_env": "DSN"}, testDSN},
		"file":                 {map[string]string{"dsn_file": filepath.Join(dir, "dsn")}, testDSN},
		"file of Windows":      {map[string]string{"dsn_file": filepath.Join(dir, "windows")}, testDSN},
		"nothing":              {nil, "x.hcl:1:1: the DSN is missing; write exactly one of dsn, dsn_env and dsn_file"},
		"twice":                {map[string]string{"dsn": testDSN, "dsn_env": "DSN"}, "x.hcl:3:1: the DSN is given twice; write exactly one of dsn, dsn_env and dsn_file"},
		"two lines":            {map[string]string{"dsn_file": filepath.Join(dir, "two")}, "two holds a line break"},
		"empty file":           {map[string]string{"dsn_file": filepath.Join(dir, "empty")}, "empty is empty; ask for it"},
		"NUL":                  {map[string]string{"dsn_file": filepath.Join(dir, "nul")}, "nul holds a line break or another control character; ask for it"},
		"empty variable":       {map[string]string{"dsn_env": "EMPTY"}, "x.hcl:2:1: the DSN in environment variable EMPTY is empty; ask for it"},
		"long variable":        {map[string]string{"dsn_env": "LONG"}, "x.hcl:2:1: the DSN in environment variable LONG is longer than 4096 octets"},
		"unset":                {map[string]string{"dsn_env": "UNSET"}, "x.hcl:2:1: environment variable UNSET is not set"},
		"refused by the check": {map[string]string{"dsn_env": "OTHER"}, "x.hcl:2:1: the DSN in environment variable OTHER does not begin well; ask for it"},
		"DSN for name":         {map[string]string{"dsn_env": testDSN}, "x.hcl:2:1: dsn_env is no name of a variable"},
		"DSN for file":         {map[string]string{"dsn_file": testDSN}, "x.hcl:2:1: dsn_file holds the secret itself; write the name of a file"},
		"key for file":         {map[string]string{"dsn_file": accessKey}, "x.hcl:2:1: dsn_file holds the secret itself"},
		"no file":              {map[string]string{"dsn_file": filepath.Join(dir, "run/secrets/an-absolute-name")}, "no such file or directory"},
		"no file here":         {map[string]string{"dsn_file": "a/relative/name/of/exactly/forty/charact"}, "a/relative/name/of/exactly/forty/charact: no such file or directory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check := func(text string) error {
				if !strings.HasPrefix(text, "postgres://") {
					return errors.New("does not begin well")
				}
				return nil
			}
			source := &Source{Name: "dsn", What: "the DSN", Hint: "ask for it"}
			got, ps := Reader{Environ: environ}.Password(syntax.Place{File: "x.hcl", Line: 1, Column: 1}, said(t, source, tc.settings), check)
			if ps == nil {
				if got.Text() != tc.want {
					t.Errorf("Password = %q, want %q", got.Text(), tc.want)
				}
				return
			}
			if text := ps.Error(); !strings.Contains(text, tc.want) || !got.IsZero() || strings.Contains(text, "hunter2") || strings.Contains(text, accessKey) {
				t.Errorf("Password = %v, %v; want none, %q", got, ps, tc.want)
			}
		})
	}
	if got, ps := (Reader{Environ: environ}).Password(syntax.Place{}, said(t, &Source{Name: "key"}, map[string]string{"key_env": "OTHER"}), nil); ps != nil || got.Text() != "hunter2" {
		t.Errorf("Password without a check = %v, %v", got, ps)
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

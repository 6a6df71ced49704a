package config

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/postern-mail/postern/gateway/internal/secret"
)

// TestConfigNeverPrintsSecrets holds that a configuration may be printed.
func TestConfigNeverPrintsSecrets(t *testing.T) {
	t.Parallel()
	key, err := secret.Parse(testSecret)
	if err != nil {
		t.Fatal(err)
	}
	password, err := secret.ParsePassword(testDSN)
	if err != nil {
		t.Fatal(err)
	}
	c := &Config{
		Store:   Store{Driver: DriverPostgres, Postgres: &Postgres{DSN: password}},
		Bodies:  Bodies{Driver: DriverS3, S3: &S3{AccessKeyID: password, SecretAccessKey: password}},
		Tenants: []Tenant{{Name: "acme", Endpoints: []Endpoint{{Name: "desk", Secret: key}}}},
	}
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	printed := map[string]string{"JSON": string(text)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		printed[verb] = fmt.Sprintf(verb, c) + fmt.Sprintf(verb, *c) + fmt.Sprintf(verb, c.Tenants) +
			fmt.Sprintf(verb, c.Store) + fmt.Sprintf(verb, c.Store.Postgres) + fmt.Sprintf(verb, c.Bodies) + fmt.Sprintf(verb, *c.Bodies.S3)
	}
	for how, text := range printed {
		for _, leak := range []string{testSecret, testDSN, "hunter2"} {
			if strings.Contains(text, leak) || strings.Contains(text, fmt.Sprintf("%x", leak)) {
				t.Errorf("%s shows the secret: %s", how, text)
			}
		}
	}
}

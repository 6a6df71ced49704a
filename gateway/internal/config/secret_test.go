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
	c := &Config{Tenants: []Tenant{{Name: "acme", Endpoints: []Endpoint{{Name: "desk", Secret: key}}}}}
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	printed := map[string]string{"JSON": string(text)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		printed[verb] = fmt.Sprintf(verb, c) + fmt.Sprintf(verb, *c) + fmt.Sprintf(verb, c.Tenants)
	}
	hexed := fmt.Sprintf("%x", testSecret)
	for how, text := range printed {
		if strings.Contains(text, testSecret) || strings.Contains(text, hexed) {
			t.Errorf("%s shows the secret: %s", how, text)
		}
	}
}

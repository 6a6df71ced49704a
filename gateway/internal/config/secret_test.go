package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
)

func TestSecretNeverPrints(t *testing.T) {
	t.Parallel()
	secret, err := parseSecret(testSecret)
	if err != nil {
		t.Fatal(err)
	}
	if got := secret.Reveal(); got != testSecret {
		t.Errorf("Reveal() = %q", got)
	}
	if got := (Secret{}).Reveal(); got != "" {
		t.Errorf("Reveal() of the zero Secret = %q", got)
	}

	type holder struct{ hidden Secret } // fmt cannot call methods of an unexported field
	printed := map[string]string{}
	for _, x := range []any{secret, &secret, []Secret{secret}, Endpoint{Secret: secret}, holder{secret}, &holder{secret}, map[string]Secret{"a": secret}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "% x"} {
			printed[fmt.Sprintf("%s of %T", verb, x)] = fmt.Sprintf(verb, x)
		}
	}
	text, err := json.Marshal(map[Secret]Endpoint{secret: {Secret: secret}})
	if err != nil {
		t.Fatal(err)
	}
	printed["JSON"] = string(text)
	var log bytes.Buffer
	for _, asJSON := range []bool{true, false} {
		hclog.New(&hclog.LoggerOptions{Output: &log, JSONFormat: asJSON}).Info("x", "secret", secret, "in", Endpoint{Secret: secret})
	}
	printed["hclog"] = log.String()

	hexed := fmt.Sprintf("%x", testSecret)
	for how, text := range printed {
		if strings.Contains(text, testSecret) || strings.Contains(strings.ToLower(strings.ReplaceAll(text, " ", "")), hexed) {
			t.Errorf("%s shows the secret: %s", how, text)
		}
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if got := fmt.Sprintf(verb, secret); got != redacted {
			t.Errorf("%s = %s", verb, got)
		}
	}
	if secret.String() != redacted || secret.GoString() != redacted {
		t.Error("String or GoString shows something")
	}
}

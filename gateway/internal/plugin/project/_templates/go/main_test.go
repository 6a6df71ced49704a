package main

import (
	"strings"
	"testing"

	"github.com/postern-mail/postern/sdk/go/plugin"
	"github.com/postern-mail/postern/sdk/go/plugintest"
)

func TestTransform(t *testing.T) {
	f, err := plugintest.Configure(t, `{"default":"general"}`)
	if err != nil {
		t.Fatal(err)
	}
	for subject, want := range map[string]string{
		"[Orders] Where is it?":         `"orders"`,
		"Re: Fwd: [orders] Where is it": `"orders"`,
		"Where is [it]?":                `"general"`,
		"[<script>] Hi":                 `"general"`,
		"":                              `"general"`,
	} {
		r := plugintest.Run(t, f, plugintest.Mail{
			Headers: []plugin.Field{{Name: "Subject", Value: subject}},
			Write:   []string{"/topic"},
		})
		if got := string(r.Get("/topic")); r.Err != nil || got != want {
			t.Errorf("%q: /topic = %s, %v; want %s", subject, got, r.Err, want)
		}
	}
}

func TestOptions(t *testing.T) {
	for text, want := range map[string]string{
		`{}`:                  "",
		`{"default":"other"}`: "",
		`{"default":""}`:      "default is empty",
		`{"default":1}`:       `option "default": want a string, got number`,
		`{"defualt":"other"}`: `there is no option "defualt"`,
	} {
		_, err := plugintest.Configure(t, text)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

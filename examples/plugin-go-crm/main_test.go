package main

import (
	"strings"
	"testing"

	"github.com/postern-mail/postern/sdk/go/plugin"
	"github.com/postern-mail/postern/sdk/go/plugintest"
)

// run calls the plugin on a mail with these header fields.
func run(t *testing.T, fields ...plugin.Field) plugintest.Result {
	t.Helper()
	return plugintest.Run(t, func(m *plugin.Mail) error { return transform(m, options{Account: "acme"}) },
		plugintest.Mail{Headers: fields, Write: []string{"/crm"}})
}

func TestTransform(t *testing.T) {
	t.Parallel()
	type fields = []plugin.Field
	for name, tc := range map[string]struct {
		fields fields
		want   string
		warn   string // what the log says; empty for nothing
	}{
		"nothing":            {nil, `{"account":"acme","customer":null,"ticket":null}`, ""},
		"both headers":       {fields{{Name: "x-customer-id", Value: "C-7"}, {Name: "X-TICKET-ID", Value: "12"}}, `{"account":"acme","customer":"C-7","ticket":12}`, ""},
		"subject":            {fields{{Name: "Subject", Value: "Re: [#4711] The gate"}}, `{"account":"acme","customer":null,"ticket":4711}`, ""},
		"the first counts":   {fields{{Name: "Subject", Value: "Fwd: [#1] was [#2]"}}, `{"account":"acme","customer":null,"ticket":1}`, ""},
		"no ticket":          {fields{{Name: "Subject", Value: "#4711, [4711], [#x], [#]"}}, `{"account":"acme","customer":null,"ticket":null}`, ""},
		"header and subject": {fields{{Name: "X-Ticket-Id", Value: "5"}, {Name: "Subject", Value: "[#5]"}}, `{"account":"acme","customer":null,"ticket":5}`, ""},
		"header wins": {
			fields{{Name: "X-Ticket-Id", Value: "5"}, {Name: "Subject", Value: "[#6]"}},
			`{"account":"acme","customer":null,"ticket":5}`, "the subject names another ticket",
		},
		"forged customer": {
			fields{{Name: "X-Customer-Id", Value: "C-1' OR '1'='1"}}, `{"account":"acme","customer":null,"ticket":null}`, "a header is not used",
		},
		"forged ticket": {
			fields{{Name: "X-Ticket-Id", Value: strings.Repeat("9", 100)}, {Name: "Subject", Value: "[#6]"}},
			`{"account":"acme","customer":null,"ticket":6}`, "a header is not used",
		},
		"too long in the subject": {fields{{Name: "Subject", Value: "[#99999999999999999999]"}}, `{"account":"acme","customer":null,"ticket":null}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := run(t, tc.fields...)
			if got := string(r.Get("/crm")); r.Err != nil || got != tc.want {
				t.Errorf("/crm = %s, %v; want %s", got, r.Err, tc.want)
			}
			switch {
			case tc.warn == "" && len(r.Log) > 0:
				t.Errorf("the log says %+v", r.Log)
			case tc.warn != "" && (len(r.Log) != 1 || r.Log[0].Level != "warn" || !strings.HasPrefix(r.Log[0].Message, tc.warn)):
				t.Errorf("the log says %+v, want %q", r.Log, tc.warn)
			}
		})
	}
}

// TestTicket runs the plugin on a whole mail, as the gateway would give it.
func TestTicket(t *testing.T) {
	f, err := plugintest.Configure(t, `{"account":"acme"}`)
	if err != nil {
		t.Fatal(err)
	}
	r := plugintest.Run(t, f, plugintest.Load(t, "testdata/ticket.json"))
	const want = `{"account":"acme","customer":"C-10042","ticket":4711}`
	if got := string(r.Get("/crm")); r.Err != nil || got != want {
		t.Errorf("/crm = %s, %v; want %s", got, r.Err, want)
	}
	if got := string(r.Get("/message/subject")); got != `"Re: [#4711] The gate squeaks again"` {
		t.Errorf("the rest of the payload has changed: subject = %s", got)
	}
}

func TestOptions(t *testing.T) {
	for text, want := range map[string]string{
		`{"account":"acme"}`: "",
		`{}`:                 "account is missing",
		`{"account":1}`:      `option "account": want a string, got number`,
		`{"acount":"acme"}`:  `there is no option "acount"`,
		`{"account":"acme"`:  "options: ",
	} {
		_, err := plugintest.Configure(t, text)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

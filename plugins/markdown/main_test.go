package main

import (
	"strconv"
	"strings"
	"testing"

	"github.com/postern-mail/postern/sdk/go/plugin"
	"github.com/postern-mail/postern/sdk/go/plugintest"
)

func TestTransform(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name          string
		options       string
		html, text    *plugin.Body
		want, wantErr string
	}{
		{
			name: "seed", options: `{}`,
			html: &plugin.Body{Text: "<p>Hi team,</p><p>Please find invoice #2026-0042 attached.</p><p>Best,<br>Alice</p>"},
			want: `"Hi team,\n\nPlease find invoice #2026-0042 attached.\n\nBest,\nAlice"`,
		},
		{
			name: "text", options: `{}`, text: &plugin.Body{Text: "Hi\r\n*you*\r\n\r\n> 1. # a\r\n> > b\r\nc"},
			want: `"Hi\n\\*you\\*\n\n\u003e 1\\. # a\n\u003e\n\u003e \u003e b\n\nc"`,
		},
		{name: "empty HTML", options: `{}`, html: &plugin.Body{Text: "<p>&nbsp;</p>"}, text: &plugin.Body{Text: "Hi"}, want: `"Hi"`},
		{name: "blank", options: `{}`, html: &plugin.Body{}, want: `""`},
		{name: "no body", options: `{}`},
		{
			name: "no links", options: `{"links": false}`,
			html: &plugin.Body{Text: `<a href="https://a.test">a</a> <img src="cid:b" alt="b">`}, want: `"a ![b](cid:b)"`,
		},
		{
			name: "no images", options: `{"images": false}`,
			html: &plugin.Body{Text: `<a href="https://a.test">a</a> <img src="cid:b" alt="b">`}, want: `"[a](https://a.test)"`,
		},
		{
			name: "hard breaks", options: `{"hard_breaks": true}`,
			html: &plugin.Body{Text: `a<br>b`}, want: `"a  \nb"`,
		},
		{name: "unknown option", options: `{"link": false}`, wantErr: `there is no option "link"`},
	} {
		// Not parallel: the options are those of the one plugin that is registered.
		t.Run(test.name, func(t *testing.T) {
			f, err := plugintest.Configure(t, test.options)
			if test.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), test.wantErr) {
					t.Errorf("error = %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			r := plugintest.Run(t, f, plugintest.Mail{
				HTML: test.html, Text: test.text,
				Payload: []byte(`{"message":{"content":{}}}`), Write: []string{"/message/content/markdown"},
			})
			got := unquote(t, r.Get("/message/content/markdown"))
			if want := unquote(t, []byte(test.want)); r.Err != nil || got != want {
				t.Errorf("%v, got %q, want %q", r.Err, got, want)
			}
		})
	}
}

func unquote(t *testing.T, text []byte) string {
	t.Helper()
	if len(text) == 0 {
		return "nothing"
	}
	s, err := strconv.Unquote(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

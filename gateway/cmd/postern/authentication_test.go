package main

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern-mail/postern/gateway/internal/scan/scantest"
	"github.com/postern-mail/postern/gateway/internal/smarthost/smtpclient"
)

// TestAuthentication sends signed mail past the real rspamd, which asks a name server of
// ours. Only loopback is there to send from, and SPF means nothing for that, so what
// stands between gateway and rspamd changes the client's address, and nothing else.
func TestAuthentication(t *testing.T) {
	t.Parallel()
	needBuiltins(t)
	signer, zones := scantest.Sender(t)
	_, dns := scantest.Resolver(t, zones)
	daemon := scantest.Rspamd(t, dns)
	var client atomic.Value // the address that rspamd is told
	target := &url.URL{Scheme: "http", Host: daemon.Address()}
	between := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		if r.In.Header.Get("IP") != "127.0.0.1" {
			t.Errorf("the gateway says IP %q", r.In.Header.Get("IP"))
		}
		r.SetURL(target)
		r.Out.Header.Set("IP", client.Load().(string))
	}})
	defer between.Close()
	rcv := newReceiver(t)
	rcv.keep = true
	g := serveIn(t, configuration(t, rcv.URL, "", fourPlugins, fmt.Sprintf("scanner \"rspamd\" { url = %q }\n", between.URL)))
	smtp, err := smtpclient.Dial(t.Context(), smtpclient.Config{Address: g.smtp(), HELO: "mx.example.org"})
	if err != nil {
		t.Fatal(err)
	}
	defer smtp.Close()

	header := []string{
		"From: a@example.org", "To: b@acme.test", "Subject: hello",
		"Date: " + time.Now().Format(time.RFC1123Z), "Message-ID: <n1@example.org>", "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8",
	}
	signed := signer.Sign(t, header, "Hello, this is an ordinary note about the meeting on Tuesday.\r\n")
	for _, tc := range []struct{ name, from, body, want string }{
		{"signed, from where it should be", "192.0.2.1", signed, "pass pass pass"},
		{"tampered, from elsewhere", "198.51.100.99", signed + "Send money.\r\n", "fail fail fail"},
		{"signed, from elsewhere", "198.51.100.99", signed, "fail pass pass"},
	} {
		client.Store(tc.from)
		reply, err := smtp.Send(smtpclient.Mail{From: "a@example.org", To: []string{"b@acme.test"}, Body: strings.NewReader(tc.body)})
		if err != nil {
			t.Fatal(err)
		}
		_, id, _ := strings.Cut(reply, "queued as ")
		id += "_1"
		eventually(t, id, func() bool { return rcv.has(id) })
		var p scannedPayload
		rcv.mu.Lock()
		err = json.Unmarshal(rcv.byID[id].payload, &p)
		rcv.mu.Unlock()
		if err != nil || p.Spam == nil {
			t.Fatalf("%s: %v, spam = %+v", tc.name, err, p.Spam)
		}
		a := p.Spam.Authentication
		if got := a.SPF.Result + " " + a.DKIM.Result + " " + a.DMARC.Result; got != tc.want {
			t.Errorf("%s: SPF, DKIM and DMARC are %s, want %s", tc.name, got, tc.want)
		}
	}
	rcv.check(t)
	g.stop(t)
}

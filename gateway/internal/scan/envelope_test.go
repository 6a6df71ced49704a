package scan

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-mail/postern/gateway/internal/mail"
)

func TestSMTPPath(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                           "<>",
		"a@example.org":              "<a@example.org>",
		"b%x@example.org":            "<b%x@example.org>",
		"o'x+tag@example.org":        "<o'x+tag@example.org>",
		`"a b"@example.org`:          `<"a b"@example.org>`,
		`"b@x"@example.org`:          `<"b@x"@example.org>`,
		"a@[127.0.0.1]":              "<a@[127.0.0.1]>",
		"a..b@example.org":           `<"a..b"@example.org>`,
		"../../etc@example.org":      `<"../../etc"@example.org>`,
		`a"b\c@example.org`:          `<"a\"b\\c"@example.org>`,
		"düs@example.org":            `<"d?s"@example.org>`,
		`"düs"@example.org`:          `<"d?s"@example.org>`,
		"a@bücher.example":           "<a@xn--bcher-kva.example>",
		"a@b\u00fccher\r\nX: y":      "<a@b?cher??X: y>",
		"a\r\nUser: root@example.or": `<"a??User: root"@example.or>`,
		"nobody":                     "<nobody>",
		"no body":                    `<"no body">`,
	} {
		if got := smtpPath(in); got != want {
			t.Errorf("smtpPath(%q) = %s, want %s", in, got, want)
		}
	}
	long := strings.Repeat("ü", 1<<20)
	if got := smtpPath(long + "@" + long); len(got) > maxAddress+maxName+3 {
		t.Errorf("%d octets", len(got))
	}
}

func TestEnvelopeHeader(t *testing.T) {
	t.Parallel()
	want := http.Header{
		"Pass": {"all"}, "From": {"<a@example.org>"}, "Rcpt": {"<b@example.net>", "<c@example.net>"},
		"Ip": {"192.0.2.1"}, "Helo": {"mx.example.org"}, "Hostname": {"mx.example.org"},
		"Mta-Name": {"gw.example.net"}, "Queue-Id": {"msg_01ARYZ6S410000000000000000"},
	}
	if diff := cmp.Diff(want, envelopeHeader(mailOf(""))); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	// What is not known is not said.
	if diff := cmp.Diff(http.Header{"Pass": {"all"}, "From": {"<>"}}, envelopeHeader(Mail{})); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	for in, want := range map[string]string{"::ffff:192.0.2.1": "192.0.2.1", "fe80::1%eth0": "fe80::1", "2001:db8::1": "2001:db8::1"} {
		m := Mail{Envelope: mail.Envelope{Session: mail.Session{RemoteIP: netip.MustParseAddr(in)}}}
		if got := envelopeHeader(m).Get("IP"); got != want {
			t.Errorf("IP of %s = %s, want %s", in, got, want)
		}
	}
}

// TestHostileEnvelope holds that nothing a client says becomes a field of its own,
// and that all of them together are within what rspamd reads.
func TestHostileEnvelope(t *testing.T) {
	t.Parallel()
	evil := "x\r\nUser: root\nIP: 127.0.0.1\x00\r\n\r\n" + strings.Repeat("ü y", 100_000)
	m := mailOf("")
	m.Envelope.ReversePath, m.Envelope.Session.HELO = evil+"@"+evil, evil
	m.ClientName, m.Hostname, m.ID = evil, evil, mail.MessageID(evil)
	m.Recipients = nil
	for i := range 2000 {
		m.Recipients = append(m.Recipients, fmt.Sprintf("%s%d@%s", strings.Repeat("x", 60), i, strings.Repeat("y", 250)))
	}
	req, err := http.NewRequest(http.MethodPost, "http://rspamd.test/checkv2", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = envelopeHeader(m)
	sent := len(req.Header["Rcpt"])
	if sent < 150 || sent == len(m.Recipients) {
		t.Errorf("%d recipients", sent)
	}
	var wire bytes.Buffer
	if err := req.Write(&wire); err != nil {
		t.Fatal(err)
	}
	if wire.Len() > 80<<10 {
		t.Errorf("%d octets of header", wire.Len())
	}
	for line := range strings.Lines(wire.String()) {
		if text := strings.TrimSuffix(line, "\r\n"); printable(text, len(text)) != text {
			t.Errorf("line %q", line)
		}
	}
	got, err := http.ReadRequest(bufio.NewReader(&wire))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"User-Agent", "Content-Length"} {
		got.Header.Del(name)
	}
	want := req.Header.Clone()
	for _, values := range want {
		for i := range values {
			values[i] = strings.TrimSpace(values[i])
		}
	}
	if diff := cmp.Diff(want, got.Header); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if got.Header.Get("User") != "" || got.Header.Get("IP") != "192.0.2.1" {
		t.Errorf("header = %v", got.Header)
	}
}

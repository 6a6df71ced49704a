package smtpd_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/postern-mail/postern/gateway/internal/smarthost/smtpclient"
)

func TestSTARTTLS(t *testing.T) {
	t.Parallel()
	cfg := defaults()
	cfg.TLS, cfg.RequireTLS = selfSigned(t), true
	f := start(t, cfg)
	mail := smtpclient.Mail{From: "a@example.com", To: []string{"support@acme.test"}, Body: strings.NewReader("Subject: x\n\nhello\n")}

	plain, err := smtpclient.Dial(t.Context(), smtpclient.Config{Address: f.addr})
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	var refused *smtpclient.Refusal
	if _, err := plain.Send(mail); !errors.As(err, &refused) || refused.Code != 530 {
		t.Errorf("mail in clear: error = %v, want 530", err)
	}

	encrypted, err := smtpclient.Dial(t.Context(), smtpclient.Config{Address: f.addr, TLS: &tls.Config{InsecureSkipVerify: true}})
	if err != nil {
		t.Fatal(err)
	}
	defer encrypted.Close()
	if _, err := encrypted.Send(mail); err != nil {
		t.Fatal(err)
	}
	id, _ := f.stored(t)[0].ID.Split()
	m, err := f.store.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(m.Envelope.Session.TLS, "TLS 1.3 TLS_") || !strings.Contains(m.TraceField, "with ESMTPS ") {
		t.Errorf("TLS = %q, trace field = %q", m.Envelope.Session.TLS, m.TraceField)
	}
}

// TestSTARTTLSDropsInjectedCommands sends a command in clear behind STARTTLS: it
// must not be obeyed once the session is encrypted.
func TestSTARTTLSDropsInjectedCommands(t *testing.T) {
	t.Parallel()
	cfg := defaults()
	cfg.TLS = selfSigned(t)
	f := start(t, cfg)
	c := f.dial(t)
	c.expect(t, "220 ")
	c.send(t, "EHLO x\r\n")
	c.expect(t, "250")
	c.send(t, "STARTTLS\r\nEHLO injected\r\nMAIL FROM:<injected@example.com>\r\n")
	c.expect(t, "220 ")
	encrypted := tls.Client(c.Conn, &tls.Config{InsecureSkipVerify: true})
	if err := encrypted.Handshake(); err != nil {
		return // closed: as good
	}
	inner := &conn{encrypted, bufio.NewReader(encrypted)}
	inner.send(t, "RCPT TO:<support@acme.test>\r\n")
	inner.expect(t, "50")
}

func selfSigned(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"mx.acme.test"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
}

package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern-mail/postern/gateway/internal/admin"
	"github.com/postern-mail/postern/gateway/internal/smarthost/smtpclient"
)

// certificate writes a certificate for 127.0.0.1 and its key into dir, and returns who
// trusts it.
func certificate(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mx.acme.test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	for name, block := range map[string]*pem.Block{"mx.crt": {Type: "CERTIFICATE", Bytes: der}, "mx.key": {Type: "PRIVATE KEY", Bytes: keyDER}} {
		text := pem.EncodeToMemory(block)
		pool.AppendCertsFromPEM(text)
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return pool
}

// freeAddress is one of loopback that nobody listens on, as far as can be known.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// fetcher is a receiver that fetches attachments before it answers, and takes no payload
// above a bound.
type fetcher struct {
	*receiver
	*httptest.Server
	client *http.Client
	max    int

	mu       sync.Mutex
	refused  int
	contents map[string][]string // of the attachments, by webhook-id
	urls     map[string][]string
}

// ServeHTTP implements http.Handler.
func (f *fetcher) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(body) > f.max {
		f.refused++
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	var p struct {
		Message struct {
			Attachments []struct {
				Content []byte
				URL     string
			}
		}
	}
	if err := json.Unmarshal(body, &p); err != nil {
		f.faults = append(f.faults, err.Error())
	}
	id := r.Header.Get("Webhook-Id")
	for _, a := range p.Message.Attachments {
		content := a.Content
		if a.URL != "" {
			var err error
			if content, err = f.fetch(a.URL); err != nil {
				f.faults = append(f.faults, err.Error())
			}
		}
		f.contents[id], f.urls[id] = append(f.contents[id], string(content)), append(f.urls[id], a.URL)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	f.receiver.ServeHTTP(w, r)
}

func (f *fetcher) fetch(url string) ([]byte, error) {
	resp, err := f.client.Get(url)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Disposition"), "attachment; filename=") {
		return nil, fmt.Errorf("%s: %d, %v", url, resp.StatusCode, resp.Header)
	}
	return io.ReadAll(resp.Body)
}

// TestAttachmentsByURL has a receiver fetch attachments while the webhook that tells of
// them is still under way, over HTTPS, and one that takes small payloads only.
func TestAttachmentsByURL(t *testing.T) {
	t.Parallel()
	f := &fetcher{receiver: newReceiver(t), max: 1 << 20, contents: make(map[string][]string), urls: make(map[string][]string)}
	f.Server = httptest.NewServer(f)
	defer f.Close()
	public := freeAddress(t)
	dir := configuration(t, f.URL, "", fmt.Sprintf(`
public {
  address    = %q
  base_url   = "https://%s/mail"
  secret_env = "TEST_WEBHOOK_SECRET"
  tls {
    cert_file = "mx.crt"
    key_file  = "mx.key"
  }
}
tenant "bounded" {
  domains = ["bounded.test"]
  endpoint "desk" {
    url             = %q
    secret_env      = "TEST_WEBHOOK_SECRET"
    max_inline_size = "10KiB"
  }
  alias "*" {
    endpoints = ["desk"]
  }
}
`, public, public, f.URL))
	f.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: certificate(t, dir), MinVersion: tls.VersionTLS12}}}
	defer f.client.CloseIdleConnections()
	g := serveIn(t, dir)
	if g.Public != public {
		t.Errorf("ready file says %q, want %q", g.Public, public)
	}
	client, err := smtpclient.Dial(t.Context(), smtpclient.Config{Address: g.smtp()})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	deliver := func(to string, attachments ...[]byte) string {
		t.Helper()
		reply, err := client.Send(smtpclient.Mail{From: "alice@example.org", To: []string{to}, Body: strings.NewReader(multipartMail("Hi", attachments...))})
		if err != nil {
			t.Fatal(err)
		}
		_, id, _ := strings.Cut(reply, "queued as ")
		id += "_1"
		eventually(t, id, func() bool { return f.has(id) })
		f.mu.Lock()
		defer f.mu.Unlock()
		if len(f.contents[id]) != len(attachments) {
			t.Fatalf("%s has %d attachments, want %d", id, len(f.contents[id]), len(attachments))
		}
		for i, a := range attachments {
			if f.contents[id][i] != string(a) {
				t.Errorf("attachment %d of %s has %d octets, and they are not the %d that were sent", i, id, len(f.contents[id][i]), len(a))
			}
		}
		return id
	}
	random := func(n int) []byte {
		b := make([]byte, n)
		_, _ = rand.Read(b)
		return b
	}

	// Small inline, large by URL.
	id := deliver("a@bounded.test", random(10<<10), random(5<<20))
	if urls := f.urls[id]; urls[0] != "" || !strings.HasPrefix(urls[1], "https://"+public+"/mail/attachments/") {
		t.Errorf("urls = %q", urls)
	}
	kept, want := f.urls[id][1], f.contents[id][1]
	// All inline, until the receiver calls it too large.
	small := deliver("a@acme.test", random(100<<10))
	if f.urls[small][0] != "" || f.refused != 0 {
		t.Errorf("urls = %q after %d refusals", f.urls[small], f.refused)
	}
	large := deliver("a@acme.test", random(2<<20), random(100))
	if urls := f.urls[large]; urls[0] == "" || urls[1] != "" || f.refused != 1 {
		t.Errorf("urls = %q after %d refusals", urls, f.refused)
	}
	message, err := admin.NewClient(g.Control).Message(t.Context(), strings.TrimSuffix(large, "_1"))
	if err != nil {
		t.Fatal(err)
	}
	shown, err := json.Marshal(message)
	if err != nil || !strings.Contains(string(shown), "payload revised") {
		t.Errorf("%s: %v", shown, err)
	}
	// The next process serves the URLs of this one.
	g.stop(t)
	g = serveIn(t, dir)
	if got, err := f.fetch(kept); err != nil || string(got) != want {
		t.Errorf("%d octets, %v", len(got), err)
	}
	if _, err := f.fetch(kept[:len(kept)-4]); err == nil {
		t.Error("a URL that is cut short gives something")
	}
	f.check(t)
	g.stop(t)
	if !strings.Contains(g.stderr.String(), "attachment downloaded") {
		t.Errorf("the log says nothing of downloads:\n%s", g.stderr.String())
	}
}

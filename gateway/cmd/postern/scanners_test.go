package main

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/postern-mail/postern/gateway/internal/admin"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/scan/scantest"
	"github.com/postern-mail/postern/gateway/internal/smarthost/smtpclient"
)

// zipped packs content into archives within each other.
func zipped(t *testing.T, depth int, content string) []byte {
	t.Helper()
	data, name := []byte(content), "file.txt"
	for range depth {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		f, err := w.Create(name)
		if err == nil {
			_, err = f.Write(data)
		}
		if err = errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
		data, name = b.Bytes(), "inner.zip"
	}
	return data
}

func multipartMail(text string, attachments ...[]byte) string {
	var b strings.Builder
	fmt.Fprintf(&b, "From: Alice <alice@example.org>\r\nTo: support@acme.test\r\nSubject: Report\r\nDate: Thu, 12 Feb 2026 10:30:00 +0000\r\n"+
		"Message-ID: <1@example.org>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n%s\r\n", text)
	for i, a := range attachments {
		fmt.Fprintf(&b, "--b\r\nContent-Type: application/zip; name=%d.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n", i)
		for line := range slices.Chunk([]byte(base64.StdEncoding.EncodeToString(a)), 76) {
			b.Write(line)
			b.WriteString("\r\n")
		}
	}
	return b.String() + "--b--\r\n"
}

// scannedPayload is what a payload says of the scans.
type scannedPayload struct {
	Spam *struct {
		Score        float64
		Action       string
		EngineAction string
		Engine       string
		IsSpam       bool
		Threshold    float64
		Symbols      []struct {
			Name        string
			Weight      float64
			Description string
		}
		Authentication struct{ SPF, DKIM, DMARC struct{ Result string } }
	}
	Security *struct {
		VirusScan struct {
			Scanned            bool
			Engine             string
			EngineVersion      string
			AttachmentsScanned int
			AttachmentsSkipped int
			ThreatsFound       int
		}
	}
	Message struct {
		Attachments []struct {
			Filename      string
			Content       *string
			VirusScan     *struct{ Status string }
			Excluded      bool
			ExcludeReason string
		}
	}
}

// TestScanners sends mails past the real rspamd and clamd.
func TestScanners(t *testing.T) {
	t.Parallel()
	needBuiltins(t)
	rspamd, clamd := scantest.Rspamd(t, "127.0.0.1:9"), scantest.ClamAV(t)
	rcv := newReceiver(t)
	rcv.keep = true
	g := serveIn(t, configuration(t, rcv.URL, "", fourPlugins, fmt.Sprintf(`
scanner "rspamd" { url = "http://%s" }
scanner "clamav" { address = %q }
plan "business" {
  virus_scan = true
  spam {
    tag    = -100
    reject = 15.0
  }
}
tenant "brief" {
  domains = ["brief.test"]
  endpoint "desk" {
    url        = %q
    secret_env = "TEST_WEBHOOK_SECRET"
  }
  alias "*" {
    endpoints = ["desk"]
  }
}
tenant "strict" {
  plan         = "business"
  domains      = ["strict.test"]
  virus_action = "reject"
  endpoint "desk" {
    url        = %q
    secret_env = "TEST_WEBHOOK_SECRET"
  }
  alias "*" {
    endpoints = ["desk"]
  }
}
tenant "business" {
  plan    = "business"
  domains = ["business.test"]
  endpoint "desk" {
    url        = %q
    secret_env = "TEST_WEBHOOK_SECRET"
  }
  alias "*" {
    endpoints = ["desk"]
  }
}
`, rspamd.Address(), clamd.Address(), rcv.URL, rcv.URL, rcv.URL)))
	client, err := smtpclient.Dial(t.Context(), smtpclient.Config{Address: g.smtp()})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	deliver := func(content string, to ...string) (refused string, payloads []scannedPayload) {
		t.Helper()
		reply, err := client.Send(smtpclient.Mail{From: "alice@example.org", To: to, Body: strings.NewReader(content)})
		if refusal := new(smtpclient.Refusal); errors.As(err, &refusal) {
			t.Logf("mail to %q was refused: %v", to, refusal)
			return refusal.Error(), nil
		}
		if err != nil {
			t.Fatal(err)
		}
		_, id, _ := strings.Cut(reply, "queued as ")
		for i := range to {
			webhook := fmt.Sprintf("%s_%d", id, i+1)
			eventually(t, webhook, func() bool { return rcv.has(webhook) })
			rcv.mu.Lock()
			var p scannedPayload
			err := json.Unmarshal(rcv.byID[webhook].payload, &p)
			rcv.mu.Unlock()
			if err != nil {
				t.Fatal(err)
			}
			payloads = append(payloads, p)
		}
		return "", payloads
	}

	// A clean mail: each tenant sees what it has asked for.
	infected, clean := zipped(t, 2, scantest.EICAR()), zipped(t, 1, "nothing")
	_, got := deliver(multipartMail("Hi", clean), "a@brief.test", "a@business.test")
	brief, business := got[0], got[1]
	if s := brief.Spam; s == nil || s.Engine != "rspamd" || s.Action != "default" || s.IsSpam || len(s.Symbols) == 0 || s.Authentication.DKIM.Result == "" {
		t.Errorf("spam = %+v", s)
	}
	if brief.Security != nil || brief.Message.Attachments[0].VirusScan != nil {
		t.Errorf("a tenant that asks for no virus scan is told of one: %+v", brief)
	}
	if s := business.Spam; s == nil || s.Action != "tag" || s.EngineAction == "" {
		t.Errorf("spam = %+v", s)
	}
	v := business.Security
	if v == nil || !v.VirusScan.Scanned || v.VirusScan.Engine != "clamav" || !strings.HasPrefix(v.VirusScan.EngineVersion, "1.") ||
		v.VirusScan.AttachmentsScanned != 1 || v.VirusScan.ThreatsFound != 0 || business.Message.Attachments[0].VirusScan.Status != "clean" {
		t.Errorf("security = %+v, attachments = %+v", v, business.Message.Attachments)
	}

	// EICAR in a zip in a zip: the attachment is excluded, its neighbour is not.
	_, got = deliver(multipartMail("Hi", clean, infected), "a@business.test")
	a := got[0].Message.Attachments
	if v := got[0].Security.VirusScan; v.AttachmentsScanned != 2 || v.ThreatsFound != 1 ||
		a[0].Content == nil || a[0].Excluded || a[0].VirusScan.Status != "clean" ||
		a[1].Content != nil || !a[1].Excluded || a[1].ExcludeReason != "virus-detected" || a[1].VirusScan.Status != "infected" {
		t.Errorf("security = %+v, attachments = %+v", v, a)
	}
	// One that wants none of it, alone and beside one that takes it.
	if refused, _ := deliver(multipartMail("Hi", infected), "a@strict.test"); !strings.HasSuffix(refused, "554 5.7.1 Message is taken for spam or infected") {
		t.Errorf("reply = %q", refused)
	}

	// One that looks like a program from its first octets on is a mail all the same.
	if refused, _ := deliver("MZ: x\r\n"+multipartMail("Hi", infected), "a@strict.test"); !strings.HasSuffix(refused, "554 5.7.1 Message is taken for spam or infected") {
		t.Errorf("reply = %q", refused)
	}
	// One that is deeper than clamd looks is scanned part by part.
	deep := multipartMail("Hi", clean, infected)
	head, content, _ := strings.Cut(deep, "\r\nContent-Type:")
	for i := range 20 {
		content = fmt.Sprintf(" multipart/mixed; boundary=deep%d\r\n\r\n--deep%d\r\nContent-Type:%s\r\n--deep%d--\r\n", i, i, content, i)
	}
	_, got = deliver(head+"\r\nContent-Type:"+content, "a@business.test")
	if v, a := got[0].Security.VirusScan, got[0].Message.Attachments; v.ThreatsFound != 1 || len(a) != 2 || a[0].Content == nil || a[0].VirusScan.Status != "clean" || a[1].Content != nil || !a[1].Excluded {
		t.Errorf("security = %+v, attachments = %+v", v, a)
	}
	// A virus that is in no attachment: there is nothing to exclude, so it is held.
	if _, err := client.Send(smtpclient.Mail{From: "alice@example.org", To: []string{"a@business.test"}, Body: strings.NewReader("Subject: x\r\n\r\n" + scantest.EICAR() + "\r\n")}); err != nil {
		t.Fatal(err)
	}
	// Spam is rejected by who says so, and by nobody else.
	if refused, _ := deliver(multipartMail(scantest.GTUBE), "a@business.test"); !strings.HasSuffix(refused, "554 5.7.1 Message is taken for spam or infected") {
		t.Errorf("reply = %q", refused)
	}
	_, got = deliver(multipartMail(scantest.GTUBE), "a@brief.test")
	if s := got[0].Spam; !s.IsSpam || s.Action != "default" || s.EngineAction != "reject" {
		t.Errorf("spam = %+v", s)
	}

	log := admin.NewClient(g.Control)
	for state, want := range map[mail.State]string{mail.Rejected: "spam: score", mail.Quarantined: "virus: Eicar"} {
		var page admin.DeliveryList
		eventually(t, string(state), func() bool {
			page, err = log.List(t.Context(), admin.ListOptions{Filter: admin.Filter{States: []mail.State{state}}, Limit: 10})
			return err != nil || len(page.Deliveries) > 0
		})
		if err != nil || !strings.HasPrefix(page.Deliveries[0].Reason, want) {
			t.Errorf("%s: %+v, %v", state, page, err)
		}
	}

	// Without clamd a mail that is to be scanned is put off; others are not.
	clamd.Stop(t)
	if refused, _ := deliver(multipartMail("Hi"), "a@business.test"); !strings.HasSuffix(refused, "451 4.7.1 Message cannot be taken now, try again later") {
		t.Errorf("reply = %q", refused)
	}
	if refused, _ := deliver(multipartMail("Hi"), "a@brief.test"); refused != "" {
		t.Errorf("reply = %q", refused)
	}
	// Without rspamd mail is taken, and says nothing of spam.
	rspamd.Stop(t)
	if refused, got := deliver(multipartMail("Hi"), "a@brief.test"); refused != "" || got[0].Spam != nil {
		t.Errorf("reply = %q, payload = %+v", refused, got)
	}
	rcv.check(t)
	g.stop(t)
}

package report

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestRead(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, kind, in string
		want           *Report
	}{
		{
			"delivery status", KindDeliveryStatus,
			"Reporting-MTA: dns; mx.acme.test\r\nArrival-Date: Thu, 7 Jul 1994 17:16:05 -0400\r\n\r\n" +
				"Original-Recipient: rfc822;a@x.test\r\nFinal-Recipient: RFC822; <b@y.test>\r\nAction: Failed (really)\r\n" +
				"Status: 5.1.1 (bad mailbox)\r\nDiagnostic-Code: smtp; 550 5.1.1\r\n  user unknown; sorry\r\nRemote-MTA: dns;mx.y.test\r\n\r\n" +
				"Final-Recipient: rfc822; c@y.test\r\nAction: delayed\r\nStatus: 4.4.7\r\n",
			&Report{
				Kind: KindDeliveryStatus, Reporter: "mx.acme.test",
				Recipients: []Recipient{
					{"b@y.test", "a@x.test", "failed", "5.1.1", "550 5.1.1 user unknown; sorry", "mx.y.test"},
					{Final: "c@y.test", Action: "delayed", Status: "4.4.7"},
				},
			},
		},
		{
			"without types, in one block", KindDeliveryStatus,
			"Reporting-MTA: mx.acme.test\nFinal-Recipient: a@x.test\nAction: failed\nStatus: five\nDiagnostic-Code: 550 no; such\n" +
				"Final-Recipient: b@x.test\nAction: relayed\nAction: failed\n",
			&Report{
				Kind: KindDeliveryStatus, Reporter: "mx.acme.test",
				Recipients: []Recipient{
					{Final: "a@x.test", Action: "failed", DiagnosticCode: "550 no; such"},
					{Final: "b@x.test", Action: "relayed"},
				},
			},
		},
		{
			"address beyond ASCII", KindDeliveryStatus, "Final-Recipient: utf-8; b\\x{F6}b\\x{0A}\\x{g}\\x{1@x.test\n",
			&Report{Kind: KindDeliveryStatus, Recipients: []Recipient{{Final: `böb\x{0A}\x{g}\x{1@x.test`}}},
		},
		{
			"feedback", KindFeedback,
			"Feedback-Type: Abuse\r\nUser-Agent: Some/1.0\r\nVersion: 1\r\nOriginal-Mail-From: <bounce@x.test>\r\n" +
				"Original-Rcpt-To: <a@y.test>\r\nOriginal-Rcpt-To: b@y.test\r\nSource-IP: [::ffff:192.0.2.7]\r\n" +
				"Reported-Domain: X.test\r\nReported-Domain: z.test\r\nAction: failed\r\n",
			&Report{
				Kind:       KindFeedback,
				Recipients: []Recipient{{Final: "a@y.test"}, {Final: "b@y.test"}},
				Feedback: &Feedback{
					Type: "abuse", UserAgent: "Some/1.0", OriginalMailFrom: "bounce@x.test", SourceIP: "192.0.2.7",
					ReportedDomains: []string{"x.test", "z.test"},
				},
			},
		},
		{
			"disposition", KindDisposition,
			"Reporting-UA: pc.y.test; Mail 1.1\r\nFinal-Recipient: rfc822;a@y.test\r\nOriginal-Message-ID: <1@x.test>\r\n" +
				"Disposition: automatic-action/MDN-sent-automatically; Displayed/error\r\n",
			&Report{
				Kind: KindDisposition, Reporter: "pc.y.test; Mail 1.1", OriginalMessageID: "1@x.test",
				Recipients:  []Recipient{{Final: "a@y.test"}},
				Disposition: &Disposition{Type: "displayed", Automatic: true},
			},
		},
		{"disposition without mode", KindDisposition, "Disposition: deleted", &Report{Kind: KindDisposition, Disposition: &Disposition{Type: "deleted"}}},
		{"nothing", KindDeliveryStatus, "\r\n\r\n", &Report{Kind: KindDeliveryStatus}},
		{"no fields", KindFeedback, "hello\r\n\r\nworld", &Report{Kind: KindFeedback, Feedback: &Feedback{}}},
	} {
		if diff := cmp.Diff(tc.want, Read(tc.kind, []byte(tc.in))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

func TestSetOriginal(t *testing.T) {
	t.Parallel()
	r := Report{}
	r.SetOriginal([]byte("Received: x\r\n\r\nMessage-ID: <body@x.test>\r\n"))
	if r.OriginalMessageID != "" {
		t.Errorf("id %q of a body", r.OriginalMessageID)
	}
	r.SetOriginal([]byte("Received: x\r\nMESSAGE-ID: <1@x.test>\r\nMessage-ID: <2@x.test>\r\n\r\n"))
	r.SetOriginal([]byte("Message-ID: <3@x.test>\r\n"))
	if r.OriginalMessageID != "1@x.test" {
		t.Errorf("id = %q, want the first", r.OriginalMessageID)
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"5.1.1": "5.1.1", "2.0.123 x": "2.0.123", "4.4.7(x)": "4.4.7",
		"": "", "5.1": "", "5..1": "", "5.1.1.1": "", "55.1.1": "", "5.1.1234": "", "x 5.1.1": "",
	} {
		if got := status(in); got != want {
			t.Errorf("status(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range MaxRecipients + 1 {
		fmt.Fprintf(&b, "Final-Recipient: rfc822;%d@x.test\n\n", i)
	}
	if r := Read(KindDeliveryStatus, []byte(b.String())); len(r.Recipients) != MaxRecipients || !r.Truncated {
		t.Errorf("%d recipients, truncated %v", len(r.Recipients), r.Truncated)
	}
	r := Read(KindFeedback, []byte(strings.Repeat("Reported-Domain: x.test\n", maxValues+1)))
	if len(r.Feedback.ReportedDomains) != maxValues || !r.Truncated {
		t.Errorf("%d domains, truncated %v", len(r.Feedback.ReportedDomains), r.Truncated)
	}
	checkReport(t, Read(KindDeliveryStatus, []byte("Diagnostic-Code: "+strings.Repeat("ä", 10_000))))
}

// checkReport holds for every report.
func checkReport(t *testing.T, r *Report) {
	t.Helper()
	list := []string{r.Reporter, r.OriginalMessageID}
	for _, x := range r.Recipients {
		list = append(list, x.Final, x.Original, x.Action, x.Status, x.DiagnosticCode, x.RemoteMTA)
	}
	if b := r.Feedback; b != nil {
		list = append(append(list, b.Type, b.UserAgent, b.OriginalMailFrom, b.SourceIP), b.ReportedDomains...)
	}
	if d := r.Disposition; d != nil {
		list = append(list, d.Type)
	}
	for _, s := range list {
		if !utf8.ValidString(s) || strings.ContainsAny(s, "\x00\r\n") || len(s) > 2*maxValue {
			t.Errorf("value %+q of %d octets", s, len(s))
		}
	}
	if len(r.Recipients) > MaxRecipients {
		t.Errorf("%d recipients", len(r.Recipients))
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("Reporting-MTA: dns; x\r\n\r\nFinal-Recipient: utf-8;\\x{F6}@x\r\nStatus: 5.1.1\r\nAction: failed\r\nDiagnostic-Code: smtp; =?utf-8?q?a?=\r\n"))
	f.Add([]byte("Feedback-Type: abuse\nSource-IP: [fe80::1%eth0]\nReported-Domain: x\nOriginal-Rcpt-To: <a@b>\n"))
	f.Add([]byte("Disposition: a/b; displayed/x\nOriginal-Message-ID: <a@b>\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		for _, kind := range []string{KindDeliveryStatus, KindFeedback, KindDisposition} {
			r := Read(kind, in)
			r.SetOriginal(in)
			checkReport(t, r)
			if _, err := json.Marshal(r); err != nil {
				t.Error(err)
			}
		}
	})
}

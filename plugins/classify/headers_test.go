package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/postern-mail/postern/sdk/go/plugin"
)

func TestFields(t *testing.T) {
	t.Parallel()
	for field, want := range map[string]string{
		"From: Bob <bob@example.com>":                          "",
		"From: Shop <no_reply@example.com>":                    "no_reply_sender",
		"From: \"a@b\" <Do.Not.Reply+x@example.com>":           "no_reply_sender",
		"From: Mailer-Daemon@example.com":                      "delivery_report",
		"From: root":                                           "system_sender",
		"From: News <news@example.com>":                        "newsletter_sender",
		"From: alerts@example.com":                             "alert_sender",
		"From: ":                                               "",
		"References: <1@example.com>":                          "is_reply",
		"In-Reply-To: ":                                        "",
		"List-Unsubscribe-Post: List-Unsubscribe=One-Click":    "has_one_click_unsubscribe",
		"List-Id: <a.example.com>":                             "has_list_id",
		"List-Post: NO":                                        "",
		"List-Post: <mailto:list@example.com>":                 "is_discussion_list",
		"Precedence: first-class":                              "",
		"Precedence: Bulk":                                     "bulk_precedence",
		"Precedence: auto_reply":                               "auto_replied",
		"Auto-Submitted: no":                                   "",
		"Auto-Submitted: auto-generated; owner-email=a@b.test": "auto_generated",
		"Auto-Submitted: auto-notified":                        "alert_sender",
		"Auto-Submitted: x-new(why)":                           "auto_generated",
		"X-Auto-Response-Suppress: OOF, AutoReply":             "suppresses_auto_response",
		"X-Auto-Response-Suppress: None":                       "",
		"Feedback-ID: 1:2:3:a":                                 "has_feedback_id",
		"Return-Path: <>":                                      "null_return_path",
		"Return-Path: <a@example.com>":                         "",
		"Content-Type: multipart/report; report-type=x":        "delivery_report",
		"Content-Type: text/plain":                             "",
		"X-Failed-Recipients: a@example.com":                   "delivery_report",
		"User-Agent: Mutt/2.2":                                 "personal_mailer",
		"X-Mailer: Brevo":                                      "bulk_mailer",
		"X-Mailer: curl":                                       "",
		"Message-ID: <1@mail.sendgrid.net>":                    "mail_service",
		"Message-ID: sendgrid":                                 "mail_service",
		"Message-ID: <sendgrid@example.com>":                   "",
		"X-CampaignId: 7":                                      "has_campaign_header",
		"X-MC-User: 7":                                         "has_campaign_header",
		"X-GitHub-Reason: mention":                             "service_notification",
		"X-Cron-Env: <A=b>":                                    "system_sender",
		"X-Other: 1":                                           "",
	} {
		name, value, _ := strings.Cut(field, ":")
		found := map[string]bool{}
		headerSignals([]plugin.Field{{Name: "To", Value: "a@b.test, c@d.test"}, {Name: name, Value: value}}, found)
		var got []string
		for signal := range found {
			got = append(got, signal)
		}
		if want == "" && len(got) != 0 || want != "" && !slices.Equal(got, []string{want}) {
			t.Errorf("%s: %q, want %q", field, got, want)
		}
	}
}

func TestCountAddresses(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]int{
		"":                                    0,
		"undisclosed-recipients:;":            0,
		"a@b.test":                            1,
		"Support, Acme <a@b.test>":            1, // decoded, so that no quotes are left
		`"x@y, \"z" <a@b.test>, c@d.test,`:    2,
		"a@b.test (home, not x@y.test)":       1,
		"Team: a@b.test, c@d.test;, e@f.test": 3,
		`"open, a@b.test, c@d.test`:           0,
		`a@b.test\`:                           1,
	} {
		if got := countAddresses(value); got != want {
			t.Errorf("countAddresses(%q) = %d, want %d", value, got, want)
		}
	}
}

func TestRecipients(t *testing.T) {
	t.Parallel()
	for to, want := range map[string]string{"": "hidden_recipients", "a@b.test": "single_recipient", strings.Repeat("a@b.test,", manyRecipients): "many_recipients"} {
		found := map[string]bool{}
		headerSignals([]plugin.Field{{Name: "Cc", Value: to}}, found)
		if len(found) != 1 || !found[want] {
			t.Errorf("%q: %v, want %s", to, found, want)
		}
	}
}

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
		"From: App <app-notifications@example.com>":            "alert_sender",
		"From: Orders <orders+17@example.com>":                 "business_sender",
		"From: Rechnung <rechnung-de@example.com>":             "business_sender",
		"From: Shop <info@example.com>":                        "role_sender",
		"From: Ann Lee via App <invite@example.com>":           "via_sender",
		"From: Ann Lee via App <support@example.com>":          "via_sender",
		"From: Ann via <ann@example.com>":                      "",
		"From: noreply-dmarc@example.com":                      "system_sender",
		"Sender: App <calendar-notification@example.com>":      "alert_sender",
		"Sender: noreply@example.com":                          "",
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
		"Feedback-ID: 12:user:proton":                          "personal_mailer",
		"Return-Path: <>":                                      "null_return_path",
		"Return-Path: <a@example.com>":                         "",
		"Return-Path: <bounce-17@example.com>":                 "bounce_return_path",
		"Return-Path: <x@bounces.example.com>":                 "bounce_return_path",
		"Return-Path: <x.1-user=acme.test@example.com>":        "bounce_return_path",
		"Content-Type: multipart/report; report-type=x":        "delivery_report",
		"Content-Type: text/plain":                             "",
		"X-Failed-Recipients: a@example.com":                   "delivery_report",
		"User-Agent: Mutt/2.2":                                 "personal_mailer",
		"X-Mailer: Brevo":                                      "bulk_mailer",
		"X-Mailer: Zendesk Mailer":                             "help_desk",
		"X-Mailer: PHPMailer 6.8":                              "program_mailer",
		"X-PHP-Originating-Script: 33:mailer.php":              "program_mailer",
		"Thread-Index: Ad3VY7smTTbq":                           "personal_mailer",
		"X-SES-Outgoing: 2026.01.12":                           "mail_service",
		"X-SG-EID: u001":                                       "mailing_service",
		"X-List-Administrivia: yes":                            "list_administrivia",
		"X-List-Administrivia: no":                             "",
		"X-Mailer: curl":                                       "",
		"Message-ID: <1@mail.sendgrid.net>":                    "mailing_service",
		"Message-ID: sendgrid":                                 "mailing_service",
		"Message-ID: <1@eu-west-1.amazonses.com>":              "mail_service",
		"Message-ID: <12.34.5678@app.example.com>":             "program_mailer",
		"Message-ID: <12.34@app.example.com>":                  "",
		"Message-ID: <7.JavaMail.app@example.com>":             "program_mailer",
		"Message-ID: <CA+9bX=Qz@mail.example.com>":             "personal_mailer",
		"Message-ID: <4FFCE811-FF38-1225-5F67-7B18FDF82E29@a>": "personal_mailer",
		"Message-ID: <4ffce811-ff38-1225-5f67-7b18fdf82e29@a>": "",
		"Message-ID: <trinity-1-2@3c-app>":                     "personal_mailer",
		"Message-ID: <1@EUR01.PROD.OUTLOOK.COM>":               "personal_mailer",
		"Message-ID: <sendgrid@example.com>":                   "",
		"X-CampaignId: 7":                                      "has_campaign_header",
		"X-MC-User: 7":                                         "has_campaign_header",
		"X-GitHub-Reason: mention":                             "service_notification",
		"X-Cron-Env: <A=b>":                                    "system_sender",
		"X-Other: 1":                                           "",
	} {
		name, value, _ := strings.Cut(field, ":")
		found := signals{}
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
		found := signals{}
		headerSignals([]plugin.Field{{Name: "Cc", Value: to}}, found)
		if len(found) != 1 || found[want] != 1 {
			t.Errorf("%q: %v, want %s", to, found, want)
		}
	}
}

// TestReplies tells an answer from a mail that follows the sender's own.
func TestReplies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ from, to, answered, want string }{
		{"Ann <ann@a.test>", "bob@b.test", "<1@b.test>", "is_reply"},
		{"Ann <ann@a.test>", "bob@b.test", "<1@mail.example>", "is_reply"},
		{"Ann <ann@a.test>", "cat@a.test", "<1@a.test>", "is_reply"}, // colleagues
		{"Ann <ann@a.test>", "bob@b.test", "<1@a.test>", "follows_own_mail"},
		{"Ann <ann@a.test>", "bob@b.test", "<1@mail.a.test>", "follows_own_mail"},
		{"Ann <ann@a.test>", "bob@b.test", "<1@aa.test>", "is_reply"},
		{"", "bob@b.test", "<1@a.test>", "is_reply"},
	} {
		found := signals{}
		headerSignals([]plugin.Field{{Name: "From", Value: c.from}, {Name: "to", Value: c.to}, {Name: "In-Reply-To", Value: c.answered}}, found)
		if found["is_reply"]+found["follows_own_mail"] != 1 || found[c.want] != 1 {
			t.Errorf("%+v: %v", c, found)
		}
	}
}

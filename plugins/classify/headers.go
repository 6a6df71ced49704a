package main

import (
	"strings"

	"github.com/postern-mail/postern/sdk/go/plugin"
)

// manyRecipients is from how many addresses in To and Cc a mail goes to many.
const manyRecipients = 10

// headerSignals adds the signals of the header fields.
func headerSignals(fields []plugin.Field, found map[string]bool) {
	recipients := 0
	for _, f := range fields {
		name := strings.ToLower(f.Name)
		switch name {
		case "to", "cc":
			recipients += countAddresses(f.Value)
			continue
		}
		if signal := fieldSignal(name, strings.ToLower(strings.TrimSpace(f.Value))); signal != "" {
			found[signal] = true
		}
	}
	switch {
	case recipients == 0:
		found["hidden_recipients"] = true
	case recipients == 1:
		found["single_recipient"] = true
	case recipients >= manyRecipients:
		found["many_recipients"] = true
	}
}

// fieldSignal returns what one field says, if anything. Name and value are in
// lower case.
func fieldSignal(name, value string) string {
	switch name {
	case "from":
		return senderSignal(localPart(value))
	case "in-reply-to", "references":
		return when(value != "", "is_reply")
	case "list-unsubscribe":
		return when(value != "", "has_list_unsubscribe")
	case "list-unsubscribe-post":
		return when(strings.Contains(value, "one-click"), "has_one_click_unsubscribe")
	case "list-id":
		return when(value != "", "has_list_id")
	case "list-post":
		// "NO" is how announcement lists say that nobody can post (RFC 2369).
		return when(strings.Contains(value, "mailto:"), "is_discussion_list")
	case "precedence":
		return precedenceSignal(value)
	case "auto-submitted":
		return autoSubmittedSignal(value)
	case "x-autoreply", "x-autorespond", "x-autoreply-from", "x-autoresponder":
		return when(value != "no", "auto_replied")
	case "x-auto-response-suppress":
		return when(value != "" && value != "none", "suppresses_auto_response")
	case "feedback-id":
		return when(value != "", "has_feedback_id")
	case "return-path":
		return when(value == "<>", "null_return_path")
	case "content-type":
		return when(strings.HasPrefix(value, "multipart/report"), "delivery_report")
	case "x-failed-recipients":
		return "delivery_report"
	case "x-mailer", "user-agent":
		return mailerSignal(value)
	case "message-id":
		return when(containsAny(value[strings.LastIndexByte(value, '@')+1:], "amazonses.com", "sendgrid", "mailgun", "mandrillapp",
			"mtasv.net", "sparkpost", "mailjet", "sendinblue", "brevo", "mcsv.net", "rsgsv.net", "cmail"), "mail_service")
	case "x-github-reason", "x-gitlab-notificationreason", "x-gitlab-project", "x-jira-fingerprint", "x-discourse-topic-id",
		"x-linkedin-class", "x-phabricator-sent-this-message", "x-bugzilla-reason", "x-redmine-host", "x-trac-project", "x-notificationtype":
		return "service_notification"
	case "x-cron-env":
		return "system_sender"
	case "x-mc-user", "x-mailchimp-id", "x-cm-campaign", "x-klaviyo-message-id", "x-mailing-id":
		return "has_campaign_header"
	}
	return when(strings.HasPrefix(name, "x-campaign"), "has_campaign_header")
}

func when(is bool, signal string) string {
	if is {
		return signal
	}
	return ""
}

func precedenceSignal(value string) string {
	switch value {
	case "bulk", "junk", "list":
		return "bulk_precedence"
	case "auto_reply", "auto-reply":
		return "auto_replied"
	}
	return ""
}

// autoSubmittedSignal reads Auto-Submitted (RFC 3834, RFC 5436), whose keyword
// may be followed by parameters and comments.
func autoSubmittedSignal(value string) string {
	if i := strings.IndexAny(value, "; \t("); i >= 0 {
		value = value[:i]
	}
	switch value {
	case "", "no":
		return ""
	case "auto-replied":
		return "auto_replied"
	case "auto-notified":
		return "alert_sender"
	}
	return "auto_generated" // extensions are to be taken as this one
}

func mailerSignal(value string) string {
	switch {
	case containsAny(value, "mailchimp", "sendinblue", "brevo", "mailerlite", "klaviyo", "cleverreach", "campaign", "phplist",
		"newsletter", "hubspot", "constant contact", "rapidmail", "mailjet", "activecampaign", "sendy", "inxmail", "acymailing"):
		return "bulk_mailer"
	case containsAny(value, "thunderbird", "apple mail", "iphone mail", "ipad mail", "microsoft outlook", "k-9 mail", "mutt",
		"evolution", "claws mail", "kmail", "roundcube", "airmail", "emclient", "the bat!", "mailspring", "fairemail"):
		return "personal_mailer"
	}
	return ""
}

// senderSignal judges the part of the From address before the @.
func senderSignal(local string) string {
	plain := strings.NewReplacer("-", "", "_", "", ".", "").Replace(local)
	switch {
	case containsAny(plain, "noreply", "donotreply", "nepasrepondre", "noresponder", "norespond", "nichtantworten",
		"keineantwort", "nietbeantwoorden", "geenantwoord"):
		return "no_reply_sender"
	case plain == "mailerdaemon":
		return "delivery_report"
	}
	switch local {
	case "root", "cron", "daemon", "www-data", "nobody", "logwatch", "backup":
		return "system_sender"
	case "notifications", "notification", "notify", "alerts", "alert", "monitoring", "nagios", "benachrichtigung", "notificaciones", "meldingen":
		return "alert_sender"
	case "newsletter", "news", "marketing", "offers", "promo", "promotions", "deals", "angebote", "ofertas", "nieuwsbrief", "aanbiedingen":
		return "newsletter_sender"
	}
	return ""
}

// localPart returns what stands before the last @ of a From field: the text in
// angle brackets, if there are any, is the address.
func localPart(from string) string {
	from = from[strings.LastIndexByte(from, '<')+1:]
	at := strings.LastIndexByte(from, '@')
	if at < 0 {
		return strings.Trim(from, " >") // a system's own "root"
	}
	return strings.TrimSpace(from[:at])
}

// countAddresses counts the addresses of a To or Cc field. The field is decoded,
// so that a display name may hold a bare comma: only what has an @ counts.
func countAddresses(value string) int {
	count, at, quoted, comment := 0, false, false, 0
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == '\\':
			i++
		case c == '"' && comment == 0:
			quoted = !quoted
		case quoted:
		case c == '(':
			comment++
		case c == ')' && comment > 0:
			comment--
		case comment > 0:
		case c == '@':
			at = true
		case (c == ',' || c == ';') && at:
			count, at = count+1, false
		}
	}
	if at {
		count++
	}
	return count
}

func containsAny(s string, parts ...string) bool {
	for _, p := range parts {
		if strings.Contains(s, p) {
			return true
		}
	}
	return false
}

package main

import (
	"slices"
	"strings"

	"github.com/postern-mail/postern/sdk/go/plugin"
)

// manyRecipients is from how many addresses in To and Cc a mail goes to many.
const manyRecipients = 10

// headerSignals adds the signals of the header fields.
func headerSignals(fields []plugin.Field, found signals) {
	recipients := 0
	var from, answered string
	var to []string
	for _, f := range fields {
		name, value := strings.ToLower(f.Name), strings.ToLower(strings.TrimSpace(f.Value))
		switch name {
		case "to", "cc":
			recipients += countAddresses(f.Value)
			to = append(to, value)
			continue
		case "from":
			from = value
		case "in-reply-to":
			answered = value
		case "message-id":
			if signal := messageIDSignal(strings.TrimSpace(f.Value)); signal != "" {
				found.add(signal)
			}
			continue
		}
		if signal := fieldSignal(name, value); signal != "" {
			found.add(signal)
		}
	}
	switch {
	case recipients == 0:
		found.add("hidden_recipients")
	case recipients == 1:
		found.add("single_recipient")
	case recipients >= manyRecipients:
		found.add("many_recipients")
	}
	if isOwn(answered, from, to) {
		delete(found, "is_reply")
		found.add("follows_own_mail")
	}
}

// isOwn reports whether the mail that is answered came from the sender's own host,
// with none of its recipients there.
func isOwn(answered, from string, to []string) bool {
	host := hostOf(from)
	if host == "" || hostOf(answered) != host && !strings.HasSuffix(hostOf(answered), "."+host) {
		return false
	}
	return !slices.ContainsFunc(to, func(list string) bool { return strings.Contains(list, "@"+host) })
}

// hostOf returns what stands after the last @ of an address or an id.
func hostOf(value string) string {
	at := strings.LastIndexByte(value, '@')
	if at < 0 {
		return ""
	}
	host, _, _ := strings.Cut(value[at+1:], ">")
	return strings.TrimSpace(host)
}

// fieldSignal returns what one field says, if anything. Name and value are in
// lower case.
func fieldSignal(name, value string) string {
	if signal := markSignal(name); signal != "" && value != "" {
		return signal
	}
	switch name {
	case "from":
		return fromSignal(value)
	case "sender":
		return when(senderSignal(localPart(value)) == "alert_sender", "alert_sender")
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
	case "x-list-administrivia":
		return when(value == "yes", "list_administrivia")
	case "feedback-id":
		return feedbackSignal(value)
	case "return-path":
		return returnPathSignal(value)
	case "content-type":
		return when(strings.HasPrefix(value, "multipart/report"), "delivery_report")
	case "x-mailer", "user-agent":
		return mailerSignal(value)
	}
	return when(strings.HasPrefix(name, "x-campaign"), "has_campaign_header")
}

// markSignal knows the fields that say all by being there.
func markSignal(name string) string {
	switch name {
	case "x-failed-recipients":
		return "delivery_report"
	case "x-cron-env":
		return "system_sender"
	case "x-github-reason", "x-gitlab-notificationreason", "x-gitlab-project", "x-jira-fingerprint", "x-discourse-topic-id",
		"x-linkedin-class", "x-phabricator-sent-this-message", "x-bugzilla-reason", "x-redmine-host", "x-trac-project", "x-notificationtype",
		"x-jenkins-job", "x-gitea-reason", "x-launchpad-message-rationale", "x-sentry-project", "x-asana-task", "x-mantis-issue":
		return "service_notification"
	case "x-mc-user", "x-mailchimp-id", "x-cm-campaign", "x-klaviyo-message-id", "x-kmail-account", "x-mailing-id", "x-hs-cid",
		"x-sfmc-stack", "x-mailin-campaign":
		return "has_campaign_header"
	case "x-ses-outgoing", "x-pm-rcpt", "x-mandrill-user", "x-msys-api":
		return "mail_service"
	case "x-sg-eid", "x-sg-id", "x-mailgun-sid", "x-mailgun-sending-ip", "x-mj-mid", "x-mailjet-campaign", "x-mailin-eid", "x-sib-id",
		"x-csa-complaints", "x-report-abuse":
		return "mailing_service"
	case "x-php-originating-script", "x-php-script":
		return "program_mailer"
	case "thread-index", "x-gm-message-state", "x-me-sender":
		return "personal_mailer"
	}
	return ""
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

// feedbackSignal reads Feedback-ID, which the mailboxes of some providers have too.
func feedbackSignal(value string) string {
	if strings.HasSuffix(value, ":proton") || strings.HasSuffix(value, ":fastmail") {
		return "personal_mailer"
	}
	return when(value != "", "has_feedback_id")
}

// returnPathSignal reads the address that bounces go to: none for what is not to
// be answered, one of its own for each mail of a program that sends many.
func returnPathSignal(value string) string {
	if value == "<>" {
		return "null_return_path"
	}
	local, host, _ := strings.Cut(strings.Trim(value, "<> "), "@")
	isVerp := strings.Contains(local, "=") && strings.Contains(local, ".")
	return when(isVerp || strings.Contains(local, "bounce") || strings.HasPrefix(host, "bounce"), "bounce_return_path")
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

// Package report reads the reports that programs make about a mail: delivery
// status notifications (RFC 3464), feedback reports (RFC 5965) and disposition
// notifications (RFC 8098). All three are a multipart/report (RFC 6522): a text
// for people, a part of fields for programs, and the mail that it is about or its
// header.
//
// Reports are written by strangers like all mail, and nothing here is proof: who
// acts on one must know the mail that it names. Reading never fails; what is
// absent or unreadable is empty. Strings are valid UTF-8 on one line, and they
// and their numbers are bounded.
package report

import (
	"bytes"
	"net/netip"
	"strings"

	"github.com/postern-mail/postern/gateway/internal/mime/header"
	"github.com/postern-mail/postern/gateway/internal/mime/structure"
)

// The kinds of reports.
const (
	KindDeliveryStatus = "delivery-status"
	KindFeedback       = "feedback"
	KindDisposition    = "disposition"
)

// The bounds of a report.
const (
	MaxRecipients = 1000
	maxValues     = 100  // of a field that may stand several times
	maxValue      = 1024 // octets of one value
)

// Report is what a program says about a mail.
type Report struct {
	// Kind is one of the constants.
	Kind string
	// Reporter is the host, or for a disposition the mail program, that reports.
	Reporter string
	// Recipients are those that the report is about. Of a delivery status each has
	// its own outcome; the others name them only.
	Recipients []Recipient
	// Feedback is set for KindFeedback, Disposition for KindDisposition.
	Feedback    *Feedback
	Disposition *Disposition
	// OriginalMessageID is the Message-ID of the mail that the report is about,
	// without angle brackets; empty where the report does not say.
	OriginalMessageID string
	// Truncated says that recipients or values were left out.
	Truncated bool
}

// Recipient is what became of a mail for one recipient.
type Recipient struct {
	// Final is the address that delivery was tried to, Original the one that the
	// sender gave, where it is told.
	Final, Original string
	// Action is "failed", "delayed", "delivered", "relayed" or "expanded".
	Action string
	// Status is an enhanced status code (RFC 3463), as in "5.1.1".
	Status string
	// DiagnosticCode is what the remote system said, as in "550 user unknown",
	// RemoteMTA its name.
	DiagnosticCode, RemoteMTA string
}

// Feedback is a complaint, or another opinion of a receiver about a mail.
type Feedback struct {
	// Type is "abuse", "fraud", "virus", "not-spam", "auth-failure", "other" or
	// what else the receiver calls it, in lower case.
	Type             string
	UserAgent        string
	OriginalMailFrom string
	// SourceIP is the address that the mail came from.
	SourceIP        string
	ReportedDomains []string
}

// Disposition is what became of a mail in the hands of its recipient.
type Disposition struct {
	// Type is "displayed", "deleted", "dispatched", "processed" or another one.
	Type string
	// Automatic says that no person asked for what was done with the mail.
	Automatic bool
}

// Kind returns which kind of report the fields in a part of that type make, or
// "". The type is in lower case.
func Kind(contentType string) string {
	switch contentType {
	case "message/delivery-status", "message/global-delivery-status":
		return KindDeliveryStatus
	case "message/feedback-report":
		return KindFeedback
	case "message/disposition-notification", "message/global-disposition-notification":
		return KindDisposition
	}
	return ""
}

// IsOriginal reports whether a part of that type holds the mail that a report is
// about, or its header.
func IsOriginal(contentType string) bool {
	switch contentType {
	case "message/rfc822", "message/global", "message/rfc822-headers", "text/rfc822-headers", "message/global-headers":
		return true
	}
	return false
}

// Read reads the fields of a report. octets may be cut off.
func Read(kind string, octets []byte) *Report {
	r := reader{report: &Report{Kind: kind}}
	switch kind {
	case KindFeedback:
		r.report.Feedback = new(Feedback)
	case KindDisposition:
		r.report.Disposition = new(Disposition)
	}
	for {
		octets = bytes.TrimLeft(octets, "\r\n")
		if len(octets) == 0 {
			r.endRecipient()
			return r.report
		}
		var fields []structure.Field
		fields, octets = structure.Header(octets)
		for _, f := range fields {
			r.field(f)
		}
		r.endRecipient() // blocks of a delivery status are about one recipient each
	}
}

// SetOriginal takes over from the header of the original mail what the report
// does not say itself.
func (r *Report) SetOriginal(octets []byte) {
	fields, _ := structure.Header(octets)
	for _, f := range fields {
		if r.OriginalMessageID == "" && strings.EqualFold(f.Name, "message-id") {
			r.OriginalMessageID = messageID(f)
		}
	}
}

// reader reads one report.
type reader struct {
	report *Report
	// recipient is the one whose fields are being read.
	recipient Recipient
}

func (r *reader) field(f structure.Field) {
	name := strings.ToLower(f.Name)
	switch name {
	case "reporting-mta", "reporting-ua":
		setFirst(&r.report.Reporter, typed(f))
	case "original-message-id":
		setFirst(&r.report.OriginalMessageID, messageID(f))
	case "final-recipient":
		r.setAddress(&r.recipient.Final, address(f))
	case "original-recipient":
		r.setAddress(&r.recipient.Original, address(f))
	}
	switch {
	case r.report.Feedback != nil:
		r.feedback(name, f)
	case r.report.Disposition != nil:
		if name == "disposition" {
			r.disposition(value(f))
		}
	default:
		r.outcome(name, f)
	}
}

// outcome reads the fields of RFC 3464 section 2.3.
func (r *reader) outcome(name string, f structure.Field) {
	switch name {
	case "action":
		word, _, _ := strings.Cut(value(f), " ")
		setFirst(&r.recipient.Action, strings.ToLower(word))
	case "status":
		setFirst(&r.recipient.Status, status(value(f)))
	case "diagnostic-code":
		setFirst(&r.recipient.DiagnosticCode, typed(f))
	case "remote-mta":
		setFirst(&r.recipient.RemoteMTA, typed(f))
	}
}

// feedback reads the fields of RFC 5965 section 3.
func (r *reader) feedback(name string, f structure.Field) {
	b := r.report.Feedback
	switch name {
	case "feedback-type":
		setFirst(&b.Type, strings.ToLower(value(f)))
	case "user-agent":
		setFirst(&b.UserAgent, value(f))
	case "original-mail-from":
		setFirst(&b.OriginalMailFrom, address(f))
	case "original-rcpt-to":
		r.setAddress(&r.recipient.Final, address(f))
	case "source-ip":
		setFirst(&b.SourceIP, ip(value(f)))
	case "reported-domain":
		if len(b.ReportedDomains) == maxValues {
			r.report.Truncated = true
		} else if v := strings.ToLower(value(f)); v != "" {
			b.ReportedDomains = append(b.ReportedDomains, v)
		}
	}
}

// disposition reads "manual-action/MDN-sent-manually; displayed/error" (RFC 8098
// section 3.2.6).
func (r *reader) disposition(v string) {
	mode, kind, ok := strings.Cut(strings.ToLower(v), ";")
	if !ok {
		mode, kind = "", mode
	}
	kind, _, _ = strings.Cut(kind, "/")
	action, _, _ := strings.Cut(mode, "/")
	d := r.report.Disposition
	setFirst(&d.Type, strings.TrimSpace(kind))
	d.Automatic = d.Automatic || strings.TrimSpace(action) == "automatic-action"
}

// setAddress sets an address of the recipient. Where it has one already, the
// empty line between two recipients is missing.
func (r *reader) setAddress(to *string, address string) {
	if *to != "" {
		r.endRecipient()
	}
	*to = address
}

func (r *reader) endRecipient() {
	if r.recipient == (Recipient{}) {
		return
	}
	if len(r.report.Recipients) == MaxRecipients {
		r.report.Truncated = true
	} else {
		r.report.Recipients = append(r.report.Recipients, r.recipient)
	}
	r.recipient = Recipient{}
}

// setFirst sets a value that may stand once; of several the first counts.
func setFirst(to *string, v string) {
	if *to == "" {
		*to = v
	}
}

func value(f structure.Field) string {
	text, _ := header.Text(string(f.Value))
	return header.Cut(text, maxValue)
}

// typed reads a value behind its type, as in "dns; mx.example.com" (RFC 3464
// section 2.1.2), or one whose type was left out.
func typed(f structure.Field) string {
	text := value(f)
	kind, rest, ok := strings.Cut(text, ";")
	kind = strings.TrimSpace(kind)
	if !ok || kind == "" || strings.ContainsAny(kind, " @.:") {
		return text
	}
	return strings.TrimSpace(rest)
}

// address reads an address with or without its type and angle brackets.
func address(f structure.Field) string {
	text := strings.Trim(typed(f), "<> ")
	if strings.HasPrefix(strings.ToLower(value(f)), "utf-8") {
		text = unescape(text)
	}
	return text
}

// messageID reads an id, without its brackets.
func messageID(f structure.Field) string {
	if ids := header.MessageIDs(string(f.Value), 1); len(ids) > 0 {
		return header.Cut(ids[0], maxValue)
	}
	return value(f)
}

// status returns the code that a value begins with, or "".
func status(v string) string {
	end := strings.IndexFunc(v, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
	if end < 0 {
		end = len(v)
	}
	parts := strings.Split(v[:end], ".")
	if len(parts) != 3 || len(parts[0]) != 1 {
		return ""
	}
	for _, p := range parts[1:] {
		if len(p) < 1 || len(p) > 3 {
			return ""
		}
	}
	return v[:end]
}

// ip returns the one form of an address, or what else was written.
func ip(v string) string {
	addr, err := netip.ParseAddr(strings.Trim(v, "[]"))
	if err != nil {
		return v
	}
	return addr.Unmap().WithZone("").String()
}

package mail

import "encoding/json"

// WholeMail is the Part of a report about the mail itself.
const WholeMail = -1

// The engines of reports.
const (
	Rspamd = "rspamd"
	ClamAV = "clamav"
)

// Report is what a scanner said about a mail or one of its attachments.
type Report struct {
	// Engine names the scanner.
	Engine string `json:"engine"`
	// Part is the attachment that it is about, counted from 0, or WholeMail.
	Part int `json:"part"`
	// Answer is one JSON text: rspamd's own answer, or the form that wit/README.md
	// gives for the others.
	Answer json.RawMessage `json:"answer"`
}

// SpamAction is what the gateway does with a delivery for a spam scanner's word.
type SpamAction string

// The actions. Those that a tenant does not ask for are never taken.
const (
	SpamDefault    SpamAction = "default"    // nothing: it is delivered with what the scanner said
	SpamTag        SpamAction = "tag"        // it is delivered, and the payload says that it is tagged
	SpamQuarantine SpamAction = "quarantine" // it is held for an operator
	SpamDefer      SpamAction = "defer"      // SMTP says to come back later
	SpamReject     SpamAction = "reject"     // SMTP refuses it
)

// VirusAction is what is done with a delivery of an infected mail; it is empty where the
// mail is not looked at for viruses.
type VirusAction string

// The actions.
const (
	ExcludeInfected    VirusAction = "exclude" // it is delivered without what is infected
	QuarantineInfected VirusAction = "quarantine"
	RejectInfected     VirusAction = "reject"
)

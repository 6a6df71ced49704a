// Package scan asks the scanners about a mail: rspamd how it is to be judged,
// ClamAV whether there is malware in it. What is done about their word is the
// caller's decision.
//
// Invariants:
//
//   - A verdict is about the whole mail: an answer that comes before the scanner
//     has been given all of it is no verdict, unless it is a finding.
//   - Over a limit, ours or the scanner's, is a status of its own, never clean.
//   - What a scanner can make the gateway read, keep or wait for is bounded.
//   - What strangers wrote stands in a request as printable ASCII of bounded
//     length. A mail cannot make its own scan fail by what it says: a long answer
//     is shortened, recipients beyond what rspamd takes are left out.
//   - When a scan has returned, nobody reads the mail any more.
//
// Each client has a circuit breaker: a scanner that has failed several times in
// a row is left alone for a while, and what is asked meanwhile fails at once by
// [ErrUnavailable]. Then one scan tries it; the others follow when it was
// answered.
package scan

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/postern-mail/postern/gateway/internal/mail"
)

// Mail is a mail to be scanned.
type Mail struct {
	// Body is the raw message.
	Body mail.Body
	ID   mail.MessageID
	// Envelope is what the SMTP client said.
	Envelope   mail.Envelope
	Recipients []string
	// ClientName is the name of the SMTP client's address, see [ClientName]. Empty
	// means that it has none, which rspamd counts against a mail.
	ClientName string
	// Hostname is the gateway's own name.
	Hostname string
}

// Status is what a scan came to.
type Status string

// The statuses. Done is rspamd's, Clean and Infected are ClamAV's.
const (
	Done     Status = "done"      // there is a verdict
	Clean    Status = "clean"     // nothing was found
	Infected Status = "infected"  // malware was found
	TooLarge Status = "too-large" // over a limit, so that nothing is known
	Failed   Status = "failed"    // no verdict; there is an error too
)

// SpamReport is what a scan by rspamd came to.
type SpamReport struct {
	// Status is Done, TooLarge or Failed; what follows is of a scan that is Done.
	Status Status
	Score  float64
	// RequiredScore is the score from which rspamd would reject.
	RequiredScore float64
	Action        Action
	// Answer is rspamd's own, one JSON object of at most 256 KiB, in which names
	// are unique and numbers finite. Its member gateway_truncated is true where
	// something had to be left out.
	Answer json.RawMessage
	// Version is that of rspamd; empty where it does not say.
	Version string
	// Duration is the time that the scan took, with the wait for its turn.
	Duration time.Duration
}

// TellSpam gives plugins rspamd's answer and what the gateway did. ok is false
// where there is no answer.
func TellSpam(answer json.RawMessage, did mail.SpamAction) (report mail.Report, ok bool) {
	rest, ok := strings.CutPrefix(string(answer), "{")
	if !ok {
		return mail.Report{}, false
	}
	action, _ := json.Marshal(did) // strings can always be marshalled
	told := fmt.Appendf(nil, `{"gateway_action":%s,%s`, action, rest)
	return mail.Report{Engine: mail.Rspamd, Part: mail.WholeMail, Answer: told}, true
}

// VirusReport is what a scan by ClamAV came to.
type VirusReport struct {
	// Part is the attachment that was scanned, or mail.WholeMail.
	Part int
	// Status is Clean, Infected, TooLarge or Failed.
	Status Status
	// Signature names what was found where Status is Infected: printable ASCII.
	Signature string
	// Reason says of TooLarge and Failed why, for people. It tells nothing of the
	// gateway's inside.
	Reason string
	// Version is that of the engine, as in "1.4.6"; empty where it is not known.
	Version string
	// Duration is the time that the scan took, with the wait for its turn.
	Duration time.Duration
}

// told is the form of wit/README.md.
type told struct {
	Status    Status `json:"status"`
	Signature string `json:"signature,omitempty"`
	Reason    string `json:"reason,omitempty"`
	Version   string `json:"engineVersion,omitempty"`
}

// Report gives plugins the form of wit/README.md.
func (r VirusReport) Report() mail.Report {
	answer, _ := json.Marshal(told{r.Status, r.Signature, r.Reason, r.Version}) // strings can always be marshalled
	return mail.Report{Engine: mail.ClamAV, Part: r.Part, Answer: answer}
}

// ReadVirusReport reads what Report gave.
func ReadVirusReport(r mail.Report) (VirusReport, error) {
	var t told
	if err := json.Unmarshal(r.Answer, &t); err != nil {
		return VirusReport{}, fmt.Errorf("read report of %s: %w", r.Engine, err)
	}
	return VirusReport{Part: r.Part, Status: t.Status, Signature: t.Signature, Reason: t.Reason, Version: t.Version}, nil
}

// printable makes a stranger's text fit for a header, a log and an answer: at
// most limit octets of printable ASCII, a question mark for every other character.
func printable(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s[:min(len(s), 4*limit)])
	return s[:min(len(s), limit)]
}

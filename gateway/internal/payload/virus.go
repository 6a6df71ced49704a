package payload

import "github.com/postern-mail/postern/gateway/internal/document"

// VirusScan is what the virus scanner came to.
type VirusScan struct {
	// Scanned is false where nothing is known: the mail was over a limit, or the
	// scanner was not to be had.
	Scanned bool
	Engine  string
	// EngineVersion is empty where it is not known.
	EngineVersion string
	// Attachments are what is known of each, in the order of the mail's.
	Attachments []AttachmentScan
	// Whole says that the content of infected attachments is there, too: somebody has let
	// the mail go as it is.
	Whole bool
}

// AttachmentScan is what is known of an attachment.
type AttachmentScan string

// What can be known.
const (
	Clean    AttachmentScan = "clean"
	Infected AttachmentScan = "infected" // it is excluded from the payload, unless that is whole
	Skipped  AttachmentScan = "skipped"  // nothing is known
)

// virusDetected is why an attachment is excluded.
const virusDetected = "virus-detected"

// section is the payload's "security".
func (v *VirusScan) section() *document.Value {
	count := make(map[AttachmentScan]int64)
	for _, a := range v.Attachments {
		count[a]++
	}
	return document.Object(member("virusScan", document.Object(
		member("scanned", document.Bool(v.Scanned)),
		member("engine", document.String(v.Engine)),
		member("engineVersion", document.StringOrNull(v.EngineVersion)),
		member("attachmentsScanned", document.Int(count[Clean]+count[Infected])),
		member("attachmentsSkipped", document.Int(count[Skipped])),
		member("threatsFound", document.Int(count[Infected])),
	)))
}

// excludes reports whether the content of an attachment is left out.
func (v *VirusScan) excludes(i int) bool { return v != nil && !v.Whole && v.Attachments[i] == Infected }

// attachment gives the members that an attachment has for the scan.
func (v *VirusScan) attachment(i int) []document.Member {
	if v == nil {
		return nil
	}
	members := []document.Member{member("virusScan", document.Object(member("status", document.String(string(v.Attachments[i])))))}
	if v.excludes(i) {
		members = append(members, member("excluded", document.Bool(true)), member("excludeReason", document.String(virusDetected)))
	}
	return members
}

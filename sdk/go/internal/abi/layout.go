// Package abi is the boundary between a Go plugin and its host: the Canonical
// ABI of the world postern:plugin/plugin@0.1.0, by hand.
//
// Inside Go, pointers have 64 bits; at the boundary of a module they have 32. No
// Go struct that holds a string, slice or pointer has the layout that the
// Canonical ABI asks for, hence everything crosses by explicit offsets, which are
// written down in wit/README.md.
//
// The exported functions of this package exist twice. Built for wasip1 they call
// the host's imports; each import is named by one function alone, so that the
// linker drops the imports that a plugin does not use: what it imports is what it
// asks permission for. Built for anything else they work on a Fixture, so that a
// plugin builds, vets and tests natively. What lowers and lifts exists once, and is
// tested natively by the vectors of wit/vectors.
package abi

// HostOwned are the members of the payload that the gateway lets no plugin set.
func HostOwned() []string {
	return []string{"id", "schema", "timestamp", "tenant", "envelope", "integrity", "security"}
}

// Session is the record envelope.session.
type Session struct {
	DeliveryID  string
	Tenant      string
	Alias       string
	MailFrom    string
	HasMailFrom bool // false for the null reverse-path
	RcptTo      string
	Helo        string
	RemoteIP    string
	TLS         bool
	ReceivedAt  uint64 // milliseconds since the Unix epoch
}

// Field is the record headers.field.
type Field struct {
	Name  string
	Value string
}

// Content is the record body.content.
type Content struct {
	Text      string
	Truncated bool
}

// Part is the record attachments.part.
type Part struct {
	Filename     string
	HasFilename  bool
	ContentType  string
	Size         uint64
	ContentID    string
	HasContentID bool
	Inline       bool
	SHA256       string
}

// Report is the record scans.report.
type Report struct {
	Engine  string
	Part    uint32
	HasPart bool
	Answer  string
}

// EditCase is a case of the variant payload.edit-error, or none.
type EditCase uint8

// The cases, by their discriminants plus one.
const (
	EditDone EditCase = iota
	EditForbidden
	EditBadPointer
	EditBadValue
)

// EditError is the outcome of an edit.
type EditError struct {
	Case EditCase
	Text string // of EditBadValue
}

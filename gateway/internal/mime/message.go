// Package mime turns the raw bytes of a mail into the view that the rest of the
// gateway works on: header fields, addresses, bodies, links, attachments.
//
// Parsing never refuses a mail. What cannot be read is read as well as possible
// and noted in Message.Warnings; the only error is that of the reader. All
// strings are valid UTF-8 without NUL, and the same bytes always give the same
// Message.
//
// Hostile mail is bounded in time and memory by construction rather than by a
// clock. The raw bytes are read twice, front to back: once to find the header
// and the borders of the parts, once to decode the parts. Neither pass depends
// on how deep parts nest. An attachment is never whole in memory: it is hashed
// as it streams, and Open streams it again for whoever wants it. What a bound
// cut off is told by Truncated and a warning.
//
// The package holds no state and writes nothing. Its subpackages know one thing
// each. They never import this package, and each other only downwards:
//
//	report    calendar   reports of programs; invitations
//	automatic            signs that a program sent the mail
//	structure            octets to a tree of parts
//	media     address    fields with parameters; address lists
//	header               text, dates and ids in fields
//	charset   transfer   octets to UTF-8; content transfer encodings
//	links     filename   links in HTML and text; names to store files by; both import none
package mime

import (
	"time"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/mime/automatic"
	"github.com/postern-mail/postern/gateway/internal/mime/calendar"
	"github.com/postern-mail/postern/gateway/internal/mime/links"
	"github.com/postern-mail/postern/gateway/internal/mime/report"
	"github.com/postern-mail/postern/gateway/internal/mime/structure"
)

// The bounds of what is read out of the parts; those of the parts themselves
// are in package structure. What is beyond them is left out.
const (
	maxBody      = 4 << 20   // octets of Text and of HTML, each
	maxAddresses = 1000      // of one field
	maxIDs       = 1000      // of References or In-Reply-To
	maxFacts     = 256 << 10 // octets of a report or calendar that are looked at
	maxEnclosed  = 64 << 10  // octets of the header of an enclosed message that are looked at
	maxLabel     = 100       // octets of a charset, encoding or disposition that are repeated
)

// Message is the parsed view of a mail.
type Message struct {
	// Fields are all fields of the header, in order and with repeats.
	Fields []Field

	// Addresses of the fields of RFC 5322 section 3.6. Of From, Sender and
	// ReplyTo the first field counts; repeated To and Cc fields are joined. An
	// entry without a readable address has a name only. Resent fields tell who
	// passed the mail on, and are in Fields alone.
	From, Sender, To, Cc, ReplyTo []mail.Address

	Subject string
	// Date is the zero time where the field is absent or unreadable.
	Date time.Time
	// MessageID, InReplyTo and References come without angle brackets.
	MessageID             string
	InReplyTo, References []string
	// ThreadID is the id of the mail that the conversation began with: the first of
	// References, else of InReplyTo, else MessageID. It is the sender's word, and
	// empty where the mail has none of the three.
	ThreadID string
	// Automatic tells that a program sent the mail; nil where nothing says so.
	Automatic *Automatic

	// Text and HTML are nil where the mail has no such body.
	Text, HTML *Body
	// Links are those of HTML, then those of Text that HTML has not.
	Links []Link
	// Attachments are all other leaves: files, inline pictures, calendars and
	// whole messages (which are not parsed further), in order.
	Attachments []Attachment
	// Tree is all parts of the mail, each before those that it holds. The first is
	// the mail itself.
	Tree []Node
	// Report is what the first report in the mail says; nil where there is none.
	Report *Report

	// Warnings tell what was wrong with the mail, each thing once.
	Warnings []Warning
	// Truncated says that a bound cut something off.
	Truncated bool
}

// Field is one header field: its name as sent, its value unfolded and decoded.
type Field struct {
	Name  string
	Value string
}

// Body is a text for people. In multipart/alternative it is the last variant of
// its kind that is not empty; several texts in sequence are joined by line
// feeds.
type Body struct {
	// Content has LF line ends, and no control characters but tab, form feed and CR.
	Content string
	// Charset is the one declared for the first part of the body, in lower case.
	Charset   string
	Truncated bool
	// Parts are the parts that the body consists of, in order, and how well each
	// could be read.
	Parts []TextPart
}

// TextPart tells with what fidelity the text of one part was read.
type TextPart struct {
	// Path is the place of the part, as in "1.2"; empty for the mail itself.
	Path string
	// DeclaredCharset is what the part says, in lower case; empty where it says
	// nothing.
	DeclaredCharset string
	// Charset is what the text was read in. It differs from what was declared where
	// that is unknown or wrong, and where a larger set is meant by it: ISO 8859-1 is
	// read as windows-1252.
	Charset string
	// Replaced counts the U+FFFD in the text: characters that were lost here, or
	// before the mail was sent.
	Replaced int
	// Truncated says that the end of the part, or all of it, is not in the body.
	Truncated bool
}

// Link is one link of a mail.
type Link = links.Link

// Automatic says by what a mail was found to be sent by a program.
type Automatic = automatic.Mail

// Report is what a delivery status notification, a feedback report or a
// disposition notification says.
type Report = report.Report

// Calendar is what a calendar says about itself.
type Calendar = calendar.Object

// Attachment describes a leaf that is not a body. Its octets are in the raw
// message, where Open finds them.
type Attachment struct {
	// Path is the place of the part, as in "1.2"; empty for the mail itself.
	Path string
	// Filename is data, as the sender chose it: it may hold slashes, ".." and
	// names of devices, and must never be used as a path. Empty where there is
	// none.
	Filename string
	// SafeFilename is a name that a file can be stored under: see package filename.
	// It is never empty, and unique within the mail.
	SafeFilename string
	// ContentType is type/subtype in lower case.
	ContentType string
	// Size counts the decoded octets, SHA256 is their hash in hexadecimal.
	Size   int64
	SHA256 string
	// ContentID is without angle brackets.
	ContentID string
	// Inline is true where the sender says so, or where the part has a
	// Content-ID within multipart/related.
	Inline bool
	// Subject is that of an enclosed message; empty for all else.
	Subject string
	// Calendar is nil where the attachment is none.
	Calendar *Calendar
	Part     document.Part
}

// Node is one part of the tree: a leaf, or a multipart with the parts that follow
// it and whose paths go on from its own.
type Node struct {
	// Path is the place of the part, as in "1.2"; empty for the mail itself.
	Path string
	// ContentType is type/subtype in lower case: the declared one or, where none
	// can be read, the default.
	ContentType string
	// Charset, Encoding and Disposition are as declared, in lower case; Filename is
	// as sent. Each is empty where it is absent.
	Charset, Encoding, Disposition, Filename string
	// EncodedSize counts the octets of the content in the raw message, Size those of
	// a leaf once decoded. A multipart has no Size.
	EncodedSize, Size int64
}

// Warning is one thing that was wrong with a mail. The codes are in package
// structure, which finds most of them.
type Warning = structure.Warning

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
// each and nothing of mail as a whole: charset, transfer (content transfer
// encodings), header (field values) and links. They do not import this package.
package mime

import (
	"slices"
	"time"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/mime/links"
)

// The bounds of one mail. What is beyond them is left out or, where octets
// would be lost, belongs to the part before it.
const (
	maxDepth     = 30      // multiparts within each other; Postfix cuts at 100
	maxParts     = 1000    // parts of all multiparts together
	maxHeader    = 1 << 20 // octets of the header, and again of the headers of all parts
	maxFields    = 2000    // fields of the header
	maxBody      = 4 << 20 // octets of Text and of HTML, each
	maxAddresses = 1000    // of one field
	maxIDs       = 1000    // of References or In-Reply-To
	maxBoundary  = 1000    // octets; RFC 2046 allows 70
	maxFilename  = 1024    // octets
	maxWarnings  = 100
)

// Message is the parsed view of a mail.
type Message struct {
	// Fields are all fields of the header, in order and with repeats.
	Fields []Field

	// Addresses of the fields of RFC 5322 section 3.6. Of From, Sender and
	// ReplyTo the first field counts; repeated To and Cc fields are joined. An
	// entry without a readable address has a name only.
	From, Sender, To, Cc, ReplyTo []mail.Address

	Subject string
	// Date is the zero time where the field is absent or unreadable.
	Date time.Time
	// MessageID, InReplyTo and References come without angle brackets.
	MessageID             string
	InReplyTo, References []string

	// Text and HTML are nil where the mail has no such body.
	Text, HTML *Body
	// Links are those of HTML, then those of Text that HTML has not.
	Links []Link
	// Attachments are all other leaves: files, inline pictures, calendars and
	// whole messages (which are not parsed further), in order.
	Attachments []Attachment

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
	// Content has LF line ends.
	Content string
	// Charset is the one declared for the first part of the body, in lower case.
	Charset   string
	Truncated bool
}

// Link is one link of a mail.
type Link = links.Link

// Attachment describes a leaf that is not a body. Its octets are in the raw
// message, where Open finds them.
type Attachment struct {
	// Filename is data, as the sender chose it: it may hold slashes, ".." and
	// names of devices, and must never be used as a path. Empty where there is
	// none.
	Filename string
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
	Part   document.Part
}

// Warning is one thing that was wrong with a mail. Codes are part of the
// payload that tenants get: they do not change.
type Warning struct {
	Code string
	// Part is the place of the part, as in "1.2"; empty for the whole mail.
	Part string
	Text string
}

// The codes of warnings.
const (
	WarnMboxLine        = "mbox_line"          // the mail begins with a "From " line
	WarnMalformedHeader = "malformed_header"   // a line of a header is no field
	WarnMissingHeader   = "missing_header"     // there is no header; everything is body
	WarnHeaderTooLong   = "header_too_long"    // fields beyond a bound were left out
	WarnDuplicateField  = "duplicate_field"    // a field that may stand once stands again
	WarnBadCharset      = "bad_charset"        // text is not in the charset it declares
	WarnUnknownCharset  = "unknown_charset"    // the declared charset is none
	WarnBadAddress      = "bad_address"        // an address field could only be read in part
	WarnBadDate         = "bad_date"           // the date is unreadable
	WarnBadContentType  = "bad_content_type"   // a Content-Type could only be read in part
	WarnUnknownEncoding = "unknown_encoding"   // the transfer encoding is none; octets are as they are
	WarnBadEncoding     = "bad_encoding"       // octets are not of their transfer encoding
	WarnBadBoundary     = "bad_boundary"       // a multipart declares no usable boundary
	WarnMissingBoundary = "missing_boundary"   // the boundary of a multipart is never seen
	WarnUnclosed        = "unclosed_multipart" // the end of a multipart is missing
	WarnTooDeep         = "too_deep"           // multiparts beyond the bound were not opened
	WarnTooManyParts    = "too_many_parts"     // the rest belongs to the last part
	WarnTooManyEntries  = "too_many_entries"   // addresses, ids or links beyond a bound were left out
	WarnBodyTooLong     = "body_too_long"      // the text was cut
)

// warn notes a warning, once.
func (m *Message) warn(code, part, text string) {
	w := Warning{Code: code, Part: part, Text: text}
	if slices.Contains(m.Warnings, w) {
		return
	}
	if len(m.Warnings) == maxWarnings {
		m.Truncated = true
		return
	}
	m.Warnings = append(m.Warnings, w)
}

// cut notes a warning and that something was left out.
func (m *Message) cut(code, part, text string) {
	m.Truncated = true
	m.warn(code, part, text)
}

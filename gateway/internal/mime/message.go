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
//	structure            octets to a tree of parts
//	media     address    fields with parameters; address lists
//	header               text, dates and ids in fields
//	charset   transfer   octets to UTF-8; content transfer encodings
//	links                links in HTML and text; imports none, and none imports it
package mime

import (
	"time"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/mime/links"
	"github.com/postern-mail/postern/gateway/internal/mime/structure"
)

// The bounds of what is read out of the parts; those of the parts themselves
// are in package structure. What is beyond them is left out.
const (
	maxBody      = 4 << 20 // octets of Text and of HTML, each
	maxAddresses = 1000    // of one field
	maxIDs       = 1000    // of References or In-Reply-To
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
	// Content has LF line ends, and no control characters but tab, form feed and CR.
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

// Warning is one thing that was wrong with a mail. The codes are in package
// structure, which finds most of them.
type Warning = structure.Warning

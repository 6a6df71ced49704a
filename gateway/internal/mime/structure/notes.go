package structure

import "slices"

// MaxWarnings bounds what is noted of one mail.
const MaxWarnings = 100

// Warning is one thing that was wrong with a mail. Codes are part of the
// payload that tenants get: they do not change.
type Warning struct {
	Code string
	// Part is the place of the part, as in "1.2"; empty for the whole mail.
	Part string
	Text string
}

// The codes of warnings: those of this package, and those of mime, which reads
// what the parts hold.
const (
	WarnMboxLine        = "mbox_line"          // the mail begins with a "From " line
	WarnMalformedHeader = "malformed_header"   // a line of a header is no field
	WarnMissingHeader   = "missing_header"     // there is no header; everything is body
	WarnHeaderTooLong   = "header_too_long"    // fields beyond a bound were left out
	WarnDuplicateField  = "duplicate_field"    // a field that may stand once stands again
	WarnBadCharset      = "bad_charset"        // text is not in the charset it declares, or a field not in UTF-8
	WarnUnknownCharset  = "unknown_charset"    // the declared charset is none
	WarnBadWord         = "bad_encoded_word"   // an encoded word in a field breaks RFC 2047
	WarnBadAddress      = "bad_address"        // an address field could only be read in part
	WarnBadDate         = "bad_date"           // the date is unreadable, or had to be guessed
	WarnBadContentType  = "bad_content_type"   // a Content-Type could only be read in part
	WarnBadDisposition  = "bad_disposition"    // a Content-Disposition could only be read in part
	WarnBadParameter    = "bad_parameter"      // a parameter of either breaks RFC 2231 or RFC 2047
	WarnUnknownEncoding = "unknown_encoding"   // the transfer encoding is none; octets are as they are
	WarnBadEncoding     = "bad_encoding"       // octets are not of their transfer encoding
	WarnBadBoundary     = "bad_boundary"       // a multipart declares no usable boundary
	WarnMissingBoundary = "missing_boundary"   // the boundary of a multipart is never seen
	WarnUnclosed        = "unclosed_multipart" // the end of a multipart is missing
	WarnTooDeep         = "too_deep"           // multiparts beyond the bound were not opened
	WarnTooManyParts    = "too_many_parts"     // the rest belongs to the last part
	WarnTooManyEntries  = "too_many_entries"   // addresses, ids, links or the rest of a report were left out
	WarnBodyTooLong     = "body_too_long"      // the text was cut
)

// Notes collects what was wrong with a mail, each thing once and in the order in
// which it was found. The zero value is ready to use. It is not safe for use by
// several goroutines.
type Notes struct {
	warnings  []Warning
	truncated bool
}

// Warnings returns what was noted; nil where nothing was.
func (n *Notes) Warnings() []Warning { return n.warnings }

// Truncated reports whether a bound left something out, be it a warning.
func (n *Notes) Truncated() bool { return n.truncated }

// Warn notes a warning about a part, or about the whole mail where part is empty.
func (n *Notes) Warn(code, part, text string) {
	w := Warning{Code: code, Part: part, Text: text}
	if slices.Contains(n.warnings, w) {
		return
	}
	if len(n.warnings) == MaxWarnings {
		n.truncated = true
		return
	}
	n.warnings = append(n.warnings, w)
}

// Cut notes a warning and that something was left out.
func (n *Notes) Cut(code, part, text string) {
	n.truncated = true
	n.Warn(code, part, text)
}

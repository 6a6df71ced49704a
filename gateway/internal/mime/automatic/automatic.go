// Package automatic finds out from the header of a mail that a program sent it.
// It is for those who answer mail by programs: two that answer each other never
// end (RFC 3834).
//
// Only what a program says of itself counts. A subject such as "Out of office"
// is a person's text in hundreds of languages, and no sign.
package automatic

import (
	"slices"
	"strings"

	"github.com/postern-mail/postern/gateway/internal/mime/header"
)

// Kind says what sort of program sent a mail.
type Kind string

// The kinds of automatic mail, the most telling first.
const (
	// Reply is the answer of a program to a mail: a vacation notice, a receipt.
	Reply Kind = "reply"
	// Generated is any other mail that no person sent: a notification, a report, or
	// one that asks for no automatic answer.
	Generated Kind = "generated"
	// List is mail that a mailing list passed on; a person may have written it.
	List Kind = "list"
	// Bulk is mail to many that says so.
	Bulk Kind = "bulk"
)

// Mail is what was found out about an automatic mail.
type Mail struct {
	// Kind is that of the most telling field.
	Kind Kind
	// Signs are the fields that said so, each once and in the order of the mail, as
	// in "Auto-Submitted: auto-replied".
	Signs []string
}

// The bounds of what is kept.
const (
	maxSigns = 20
	maxValue = 100 // octets
)

// Detector takes in the fields of one mail. The zero value is ready to use. It is
// not safe for use by several goroutines.
type Detector struct{ mail Mail }

// Mail returns what the fields come to; nil where none says anything.
func (d *Detector) Mail() *Mail {
	if d.mail.Kind == "" {
		return nil
	}
	m := d.mail
	return &m
}

// Add takes one field in. value is decoded text.
func (d *Detector) Add(name, value string) {
	kind := kindOf(strings.ToLower(name), value)
	if kind == "" {
		return
	}
	order := []Kind{Reply, Generated, List, Bulk}
	if d.mail.Kind == "" || slices.Index(order, kind) < slices.Index(order, d.mail.Kind) {
		d.mail.Kind = kind
	}
	sign := header.Cut(name, maxValue) + ": " + header.Cut(value, maxValue)
	if len(d.mail.Signs) < maxSigns && !slices.Contains(d.mail.Signs, sign) {
		d.mail.Signs = append(d.mail.Signs, sign)
	}
}

// kindOf says what one field tells, or "".
func kindOf(name, value string) Kind {
	switch name {
	case "auto-submitted":
		return submitted(token(value))
	case "precedence":
		switch token(value) {
		case "auto_reply", "auto-reply":
			return Reply
		case "list":
			return List
		case "bulk", "junk":
			return Bulk
		}
	case "x-auto-response-suppress": // of Microsoft: whoever wants no answers is no person
		if t := token(value); t != "" && t != "none" {
			return Generated
		}
	case "x-autoreply", "x-autorespond", "x-autoresponder":
		switch token(value) {
		case "no", "false", "0":
			return ""
		}
		return Reply
	case "list-id": // RFC 2919
		return List
	case "content-type": // reports say what they are by their type (RFC 6522)
		if token(value) == "multipart/report" {
			return Generated
		}
	}
	return ""
}

// submitted reads the value of Auto-Submitted (RFC 3834 section 5.1). What is
// neither "no" nor known is automatic all the same, as the RFC asks.
func submitted(t string) Kind {
	switch t {
	case "", "no":
		return ""
	case "auto-replied":
		return Reply
	}
	return Generated
}

// token returns the word that a value begins with, in lower case; parameters,
// comments and the rest of a list do not count.
func token(value string) string {
	value = strings.TrimLeft(value, " \t")
	if end := strings.IndexAny(value, " \t;,("); end >= 0 {
		value = value[:end]
	}
	return strings.ToLower(value)
}

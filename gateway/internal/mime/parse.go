package mime

import (
	"fmt"
	"io"
	"strings"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/mime/address"
	"github.com/postern-mail/postern/gateway/internal/mime/automatic"
	"github.com/postern-mail/postern/gateway/internal/mime/filename"
	"github.com/postern-mail/postern/gateway/internal/mime/header"
	"github.com/postern-mail/postern/gateway/internal/mime/links"
	"github.com/postern-mail/postern/gateway/internal/mime/structure"
	"github.com/postern-mail/postern/gateway/internal/mime/transfer"
)

// Parse reads the mail in the first size octets of r. The error is one of
// reading; a mail is never wrong.
func Parse(r io.ReaderAt, size int64) (*Message, error) {
	p := parser{raw: r, msg: new(Message), sizes: make(map[*structure.Node]int64)}
	root, fields, err := structure.Scan(r, size, &p.notes)
	if err != nil {
		return nil, err
	}
	p.readFields(fields)

	m, bodies := p.msg, sortBodies(root)
	if m.Text, err = p.readBody(bodies.text); err != nil {
		return nil, err
	}
	if m.HTML, err = p.readBody(bodies.html); err != nil {
		return nil, err
	}
	p.findReport(root)
	if err := p.readAttachments(root, bodies); err != nil {
		return nil, err
	}
	p.addTree(root)
	p.findLinks()
	m.Warnings, m.Truncated = p.notes.Warnings(), p.notes.Truncated()
	return m, nil
}

// Open returns the decoded octets of a part of the raw message r. What is not of
// the encoding is passed over; errors are those of r.
func Open(r io.ReaderAt, p document.Part) io.Reader {
	return transfer.NewReader(p.Encoding, io.NewSectionReader(r, p.Offset, p.Length))
}

// parser reads one mail into msg.
type parser struct {
	raw   io.ReaderAt
	msg   *Message
	notes structure.Notes
	// sizes are the decoded octets of the leaves.
	sizes map[*structure.Node]int64
	names filename.Set
	// status and original are the parts of the report; nil where there is none.
	status, original *structure.Node
	// decoder is that of the leaf that is being read, head the beginning of it where
	// it is an attachment. Both have buffers, which one after the other uses.
	decoder transfer.Reader
	head    prefix
}

// open begins to decode a part.
func (p *parser) open(part document.Part) *transfer.Reader {
	p.decoder.Reset(part.Encoding, io.NewSectionReader(p.raw, part.Offset, part.Length))
	return &p.decoder
}

// findLinks looks for links. HTML goes first: its links have words, where a URL
// in the text variant of the same mail has only itself.
func (p *parser) findLinks() {
	var found links.Set
	if p.msg.HTML != nil {
		found.AddHTML(p.msg.HTML.Content)
	}
	if p.msg.Text != nil {
		found.AddText(p.msg.Text.Content)
	}
	p.msg.Links = found.Links()
	if found.Cut() {
		p.notes.Cut(structure.WarnTooManyEntries, "", "links beyond the bound were left out")
	}
}

// readFields decodes the header and interprets the fields that have a meaning.
func (p *parser) readFields(fields []structure.Field) {
	p.msg.Fields = make([]Field, 0, len(fields))
	seen := make(map[string]bool)
	var signs automatic.Detector
	for _, f := range fields {
		raw := string(f.Value)
		value, flaws := header.Text(raw)
		p.msg.Fields = append(p.msg.Fields, Field{Name: f.Name, Value: value})
		name := strings.ToLower(f.Name)
		if name != "content-type" && name != "content-disposition" { // structure has told
			p.warnOfText(f.Name, flaws)
		}
		signs.Add(f.Name, value)
		if !singular(name) {
			continue
		}
		if seen[name] {
			p.notes.Warn(structure.WarnDuplicateField, "", "there is more than one "+f.Name)
			// Mail programs differ in which From they show, which is what forgers
			// like about a second one. Recipients are only ever too few.
			if name != "to" && name != "cc" {
				continue
			}
		}
		seen[name] = true
		p.readField(name, raw, value)
	}
	m := p.msg
	m.Automatic = signs.Mail()
	switch {
	case len(m.References) > 0:
		m.ThreadID = m.References[0]
	case len(m.InReplyTo) > 0:
		m.ThreadID = m.InReplyTo[0]
	default:
		m.ThreadID = m.MessageID
	}
}

// warnOfText notes what was wrong with the text of a field.
func (p *parser) warnOfText(name string, flaws header.Flaws) {
	if flaws == 0 {
		return
	}
	name = header.Cut(name, 40)
	for _, f := range []struct {
		flaw       header.Flaws
		code, text string
	}{
		{header.RawOctets, structure.WarnBadCharset, "the field " + name + " holds octets that are not UTF-8"},
		{header.WrongCharset, structure.WarnBadCharset, "the field " + name + " holds text that is not in its charset"},
		{header.UnknownCharset, structure.WarnUnknownCharset, "an encoded word of the field " + name + " is in an unknown charset"},
		{header.BadWord, structure.WarnBadWord, "an encoded word of the field " + name + " breaks RFC 2047"},
	} {
		if flaws&f.flaw != 0 {
			p.notes.Warn(f.code, "", f.text)
		}
	}
}

// singular reports whether a field is interpreted here; all these may stand
// only once (RFC 5322 section 3.6).
func singular(name string) bool {
	switch name {
	case "from", "sender", "to", "cc", "reply-to", "subject", "date", "message-id", "in-reply-to", "references":
		return true
	}
	return false
}

func (p *parser) readField(name, raw, value string) {
	m := p.msg
	switch name {
	case "from":
		m.From = p.addresses(name, raw, nil)
	case "sender":
		m.Sender = p.addresses(name, raw, nil)
	case "to":
		m.To = p.addresses(name, raw, m.To)
	case "cc":
		m.Cc = p.addresses(name, raw, m.Cc)
	case "reply-to":
		m.ReplyTo = p.addresses(name, raw, nil)
	case "subject":
		m.Subject = value
	case "date":
		var clean bool
		m.Date, clean = header.Date(raw)
		if m.Date.IsZero() {
			p.notes.Warn(structure.WarnBadDate, "", "the date is unreadable")
		} else if !clean {
			p.notes.Warn(structure.WarnBadDate, "", "the date has not the form of RFC 5322 and was guessed")
		}
	case "message-id":
		if ids := header.MessageIDs(raw, 1); len(ids) > 0 {
			m.MessageID = ids[0]
		} else {
			m.MessageID = value // no id by the rules, but what the sender calls it
		}
	case "in-reply-to":
		m.InReplyTo = p.ids(name, raw)
	case "references":
		m.References = p.ids(name, raw)
	}
}

// addresses appends the addresses of a field to those of an earlier one.
func (p *parser) addresses(name, raw string, earlier []mail.Address) []mail.Address {
	list, more, clean := address.ParseList(raw, maxAddresses-len(earlier))
	if more {
		p.notes.Cut(structure.WarnTooManyEntries, "", fmt.Sprintf("addresses of %s beyond the first %d were left out", name, maxAddresses))
	}
	if !clean {
		p.notes.Warn(structure.WarnBadAddress, "", "an address of "+name+" is malformed")
	}
	return append(earlier, list...)
}

func (p *parser) ids(name, raw string) []string {
	ids := header.MessageIDs(raw, maxIDs+1)
	if len(ids) > maxIDs {
		p.notes.Cut(structure.WarnTooManyEntries, "", fmt.Sprintf("ids of %s beyond the first %d were left out", name, maxIDs))
		ids = ids[:maxIDs]
	}
	return ids
}

package mime

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/mime/address"
	"github.com/postern-mail/postern/gateway/internal/mime/header"
	"github.com/postern-mail/postern/gateway/internal/mime/links"
	"github.com/postern-mail/postern/gateway/internal/mime/structure"
	"github.com/postern-mail/postern/gateway/internal/mime/transfer"
)

// Parse reads the mail in the first size octets of r. The error is one of
// reading; a mail is never wrong.
func Parse(r io.ReaderAt, size int64) (*Message, error) {
	p := parser{raw: r, msg: new(Message)}
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
	if err := p.readAttachments(root, bodies); err != nil {
		return nil, err
	}

	// HTML goes first: its links have words, where a URL in the text variant of
	// the same mail has only itself.
	var found links.Set
	if m.HTML != nil {
		found.AddHTML(m.HTML.Content)
	}
	if m.Text != nil {
		found.AddText(m.Text.Content)
	}
	m.Links = found.Links()
	if found.Cut() {
		p.notes.Cut(structure.WarnTooManyEntries, "", "links beyond the bound were left out")
	}
	m.Warnings, m.Truncated = p.notes.Warnings(), p.notes.Truncated()
	return m, nil
}

// Open returns the decoded octets of a part of the raw message r. What is not of
// the encoding is passed over; errors are those of r.
func Open(r io.ReaderAt, p document.Part) io.Reader {
	return open(r, p)
}

func open(r io.ReaderAt, p document.Part) *transfer.Reader {
	return transfer.NewReader(p.Encoding, io.NewSectionReader(r, p.Offset, p.Length))
}

// parser reads one mail into msg.
type parser struct {
	raw   io.ReaderAt
	msg   *Message
	notes structure.Notes
}

// readFields decodes the header and interprets the fields that have a meaning.
func (p *parser) readFields(fields []structure.Field) {
	seen := make(map[string]bool)
	for _, f := range fields {
		raw := string(f.Value)
		value, clean := header.Text(raw)
		if !clean {
			p.notes.Warn(structure.WarnBadCharset, "", "the field "+header.Cut(f.Name, 40)+" holds text that is not in its charset")
		}
		p.msg.Fields = append(p.msg.Fields, Field{Name: f.Name, Value: value})
		name := strings.ToLower(f.Name)
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
		date, ok := header.Date(raw)
		if !ok {
			p.notes.Warn(structure.WarnBadDate, "", "the date is unreadable")
		}
		m.Date = date
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

// readAttachments measures every leaf that is not a body, in order.
func (p *parser) readAttachments(n *structure.Node, bodies *bodies) error {
	if len(n.Children) == 0 {
		if bodies.taken[n] {
			return nil
		}
		a, err := p.readAttachment(n)
		if err != nil {
			return err
		}
		a.Inline = n.Disposition.Value == "inline" || (n.ContentID != "" && bodies.related[n])
		p.msg.Attachments = append(p.msg.Attachments, a)
		return nil
	}
	for _, c := range n.Children {
		if err := p.readAttachments(c, bodies); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) readAttachment(n *structure.Node) (Attachment, error) {
	a := Attachment{
		Filename:    n.Filename(),
		ContentType: n.ContentType,
		ContentID:   n.ContentID,
		Part:        n.Part(),
	}
	// Only the hash and the length stay: a part may be as large as a mail.
	content := open(p.raw, a.Part)
	hash := sha256.New()
	var err error
	if a.Size, err = io.Copy(hash, content); err != nil {
		return a, fmt.Errorf("read part %q: %w", n.Path, err)
	}
	if content.Damaged() {
		p.notes.Warn(structure.WarnBadEncoding, n.Path, "the part is not proper "+n.Encoding)
	}
	a.SHA256 = hex.EncodeToString(hash.Sum(nil))
	return a, nil
}

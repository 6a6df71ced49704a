package mime

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/postern-mail/postern/gateway/internal/document"
	"github.com/postern-mail/postern/gateway/internal/mail"
	"github.com/postern-mail/postern/gateway/internal/mime/header"
	"github.com/postern-mail/postern/gateway/internal/mime/links"
	"github.com/postern-mail/postern/gateway/internal/mime/transfer"
)

// Parse reads the mail in the first size octets of r. The error is one of
// reading; a mail is never wrong.
func Parse(r io.ReaderAt, size int64) (*Message, error) {
	m := new(Message)
	s := scanner{msg: m, size: size}
	root, fields, err := s.scan(r)
	if err != nil {
		return nil, err
	}
	m.readFields(fields)

	bodies := sortBodies(root)
	if m.Text, err = m.readBody(r, bodies.text); err != nil {
		return nil, err
	}
	if m.HTML, err = m.readBody(r, bodies.html); err != nil {
		return nil, err
	}
	if err := m.readAttachments(r, root, bodies); err != nil {
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
		m.cut(WarnTooManyEntries, "", "links beyond the bound were left out")
	}
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

// readFields decodes the header and interprets the fields that have a meaning.
func (m *Message) readFields(fields []rawField) {
	seen := make(map[string]bool)
	for _, f := range fields {
		raw := string(f.value)
		value, clean := header.Text(raw)
		if !clean {
			m.warn(WarnBadCharset, "", "the field "+header.Cut(f.name, 40)+" holds text that is not in its charset")
		}
		m.Fields = append(m.Fields, Field{Name: f.name, Value: value})
		name := strings.ToLower(f.name)
		if !singular(name) {
			continue
		}
		if seen[name] {
			m.warn(WarnDuplicateField, "", "there is more than one "+f.name)
			// Mail programs differ in which From they show, which is what forgers
			// like about a second one. Recipients are only ever too few.
			if name != "to" && name != "cc" {
				continue
			}
		}
		seen[name] = true
		m.readField(name, raw, value)
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

func (m *Message) readField(name, raw, value string) {
	switch name {
	case "from":
		m.From = m.addresses(name, raw, nil)
	case "sender":
		m.Sender = m.addresses(name, raw, nil)
	case "to":
		m.To = m.addresses(name, raw, m.To)
	case "cc":
		m.Cc = m.addresses(name, raw, m.Cc)
	case "reply-to":
		m.ReplyTo = m.addresses(name, raw, nil)
	case "subject":
		m.Subject = value
	case "date":
		date, ok := header.Date(raw)
		if !ok {
			m.warn(WarnBadDate, "", "the date is unreadable")
		}
		m.Date = date
	case "message-id":
		if ids := header.MessageIDs(raw, 1); len(ids) > 0 {
			m.MessageID = ids[0]
		} else {
			m.MessageID = value // no id by the rules, but what the sender calls it
		}
	case "in-reply-to":
		m.InReplyTo = m.ids(name, raw)
	case "references":
		m.References = m.ids(name, raw)
	}
}

// addresses appends the addresses of a field to those of an earlier one.
func (m *Message) addresses(name, raw string, earlier []mail.Address) []mail.Address {
	list, more, clean := header.Addresses(raw, maxAddresses-len(earlier))
	if more {
		m.cut(WarnTooManyEntries, "", fmt.Sprintf("addresses of %s beyond the first %d were left out", name, maxAddresses))
	}
	if !clean {
		m.warn(WarnBadAddress, "", "an address of "+name+" is malformed")
	}
	return append(earlier, list...)
}

func (m *Message) ids(name, raw string) []string {
	ids := header.MessageIDs(raw, maxIDs+1)
	if len(ids) > maxIDs {
		m.cut(WarnTooManyEntries, "", fmt.Sprintf("ids of %s beyond the first %d were left out", name, maxIDs))
		ids = ids[:maxIDs]
	}
	return ids
}

// readAttachments measures every leaf that is not a body, in order.
func (m *Message) readAttachments(r io.ReaderAt, n *node, bodies *bodies) error {
	if len(n.children) == 0 {
		if bodies.taken[n] {
			return nil
		}
		a, err := m.readAttachment(r, n)
		if err != nil {
			return err
		}
		a.Inline = n.disposition.Value == "inline" || (n.contentID != "" && bodies.related[n])
		m.Attachments = append(m.Attachments, a)
		return nil
	}
	for _, c := range n.children {
		if err := m.readAttachments(r, c, bodies); err != nil {
			return err
		}
	}
	return nil
}

func (m *Message) readAttachment(r io.ReaderAt, n *node) (Attachment, error) {
	a := Attachment{
		Filename:    n.filename(),
		ContentType: n.contentType,
		ContentID:   n.contentID,
		Part:        n.part(),
	}
	// Only the hash and the length stay: a part may be as large as a mail.
	content := open(r, a.Part)
	hash := sha256.New()
	var err error
	if a.Size, err = io.Copy(hash, content); err != nil {
		return a, fmt.Errorf("read part %q: %w", n.path, err)
	}
	if content.Damaged() {
		m.warn(WarnBadEncoding, n.path, "the part is not proper "+n.encoding)
	}
	a.SHA256 = hex.EncodeToString(hash.Sum(nil))
	return a, nil
}

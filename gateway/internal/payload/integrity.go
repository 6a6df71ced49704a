package payload

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/postern-mail/postern/gateway/internal/mime"
)

// contentDomain names the canonical form, so that a hash of another form or
// version never equals one of this.
const contentDomain = "postern-content-v1"

// Content is what the content hash is over: values as they stand in the payload,
// an absent one being empty.
type Content struct {
	SenderEmail string
	Subject     string
	Text        string
	HTML        string
	// Attachments holds the hex SHA-256 of each, in the payload's order.
	Attachments []string
}

// ContentHash returns the hex SHA-256 of the content's canonical form: the
// netstrings ("LENGTH:OCTETS,", the length in decimal) of the form's name,
// the sender's address, subject, text, HTML, and the hash of each attachment.
// Two mails of equal content have equal hashes, whatever way they came. It is
// over the text and HTML that the gateway decoded, before any plugin's work.
func ContentHash(c Content) string {
	h := sha256.New()
	for _, s := range append([]string{contentDomain, c.SenderEmail, c.Subject, c.Text, c.HTML}, c.Attachments...) {
		fmt.Fprintf(h, "%d:", len(s))
		_, _ = io.WriteString(h, s) // a hash never fails
		_, _ = io.WriteString(h, ",")
	}
	return hex.EncodeToString(h.Sum(nil))
}

func contentOf(m *mime.Message, f Facts) Content {
	c := Content{SenderEmail: sender(m, f).Address, Subject: m.Subject}
	if m.Text != nil {
		c.Text = m.Text.Content
	}
	if m.HTML != nil {
		c.HTML = m.HTML.Content
	}
	for _, a := range m.Attachments {
		c.Attachments = append(c.Attachments, a.SHA256)
	}
	return c
}
